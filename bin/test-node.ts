import { delimiter, dirname, join } from 'node:path';
import { run } from './commands';
import { findNode, NODE_VERSIONS } from './node-versions';
import { runCheck, report } from './outcomes';
import type { Outcome } from './outcomes';

/*
 * Builds and tests the library with each supported version of Node.js.
 *
 * npm run test:node                            npm test
 * npm run test:node -- test/lib/rules.test.ts  npm test with this argument
 */

async function test(version: string): Promise<void> {
  const PATH = [dirname(await findNode(version)), process.env.PATH].join(delimiter);
  await run(['npm', 'test', '--', ...process.argv.slice(2)], { cwd: join(__dirname, '..'), env: { PATH } });
}

async function main(): Promise<void> {
  const outcomes: Outcome[] = [];
  for (const version of Object.values(NODE_VERSIONS)) {
    outcomes.push(await runCheck(`Node.js ${version}`, () => test(version)));
  }
  report('tested with', outcomes);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
