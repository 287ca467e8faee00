import { pathToFileURL } from 'node:url';

/*
 * As much of Lambda's runtime as one invocation needs: loads a handler and calls it. Tells the process that started it, once that asks,
 * what it has used until then, and ends.
 *
 * lambda.mjs FILE EVENT
 */

process.once('message', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.send({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, megabytes: maxRSS / 1024 }, () => process.exit());
});

const [file, event] = process.argv.slice(2);
const loaded = await import(pathToFileURL(file).href);
// Node.js finds the exports of some CommonJS modules only in their default export
const { handler } = 'handler' in loaded ? loaded : loaded.default;
await handler(JSON.parse(event), { getRemainingTimeInMillis: () => 60_000 });
