import { delimiter, dirname, join } from 'node:path';
import { run } from './commands';
import { installNode, NODE_VERSIONS } from './node-versions';
import { report, runCheck } from './outcomes';
import type { Outcome } from './outcomes';

/*
 * Builds and tests the library with each supported version of Node.js.
 *
 * npm run test:node                            runs npm test
 * npm run test:node -- test/lib/rules.test.ts  runs npm test with these arguments
 */

async function runTests(version: string): Promise<void> {
  const PATH = [dirname(await installNode(version)), process.env.PATH].join(delimiter);
  await run(['npm', 'test', '--', ...process.argv.slice(2)], { cwd: join(__dirname, '..'), env: { PATH } });
}

async function main(): Promise<void> {
  const outcomes: Outcome[] = [];
  for (const version of Object.values(NODE_VERSIONS)) {
    outcomes.push(await runCheck(`Node.js ${version}`, () => runTests(version)));
  }
  report('tested with', outcomes);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
