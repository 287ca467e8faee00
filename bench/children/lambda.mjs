import { pathToFileURL } from 'node:url';

/*
 * The part of Lambda's runtime that one invocation needs: loads a handler and calls it. When the parent process sends a message, replies
 * with the resources used so far, and exits.
 *
 * lambda.mjs FILE EVENT
 */

process.once('message', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.send({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, megabytes: maxRSS / 1024 }, () => process.exit());
});

const [file, event] = process.argv.slice(2);
const loaded = await import(pathToFileURL(file).href);
// for some CommonJS modules, Node.js has the exports only in the default export
const { handler } = 'handler' in loaded ? loaded : loaded.default;
await handler(JSON.parse(event), { getRemainingTimeInMillis: () => 60_000 });
