import { pathToFileURL } from 'node:url';

/*
 * Replaces Lambda's runtime for one invocation: loads a handler and calls it. When the parent process sends a message, this script
 * sends its resource usage so far to the parent, and exits.
 *
 * lambda.mjs FILE EVENT
 */

process.once('message', () => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  // maxRSS would include the memory of the process that started this one
  const megabytes = process.memoryUsage.rss() / 2 ** 20;
  process.send({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, megabytes }, () => process.exit());
});

const [file, event] = process.argv.slice(2);
const loaded = await import(pathToFileURL(file).href);
// Node.js finds the exports of some CommonJS modules only in their default export
const { handler } = 'handler' in loaded ? loaded : loaded.default;
await handler(JSON.parse(event), { getRemainingTimeInMillis: () => 60_000 });
