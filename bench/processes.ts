import { cpus } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { run } from '../bin/commands';

const ROOT = join(__dirname, '..');
/** The directory of the compiled scripts. It is in node_modules, so that the scripts find the packages that they import. */
const COMPILED_DIRECTORY = join(ROOT, 'node_modules', '.cache', 'bench');

/** The number of rounds. In each round, all candidates are measured one after the other. A ratio in a table is the median of all rounds. */
export const ROUNDS = 30;

/** The Node.js version and the processors, which processor times depend on. */
export const MACHINE_SENTENCE = `Measured with Node.js ${process.version.slice(1)} on ${cpus().length} processors (${cpus()[0]?.model.trim() ?? 'unknown'}).`;

/**
 * Compiles a script of bench/children to one file, so that the measured process spends no time on compiling. The file does not contain the
 * library and the CDK: the script loads them as a user's app does.
 *
 * @returns the path of the file
 */
export async function compile(script: string): Promise<string> {
  const outfile = join(COMPILED_DIRECTORY, `${script}.cjs`);
  await build({
    absWorkingDir: ROOT,
    entryPoints: [join(__dirname, 'children', `${script}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    packages: 'external',
    plugins: [
      {
        name: 'library',
        setup: (plugin) => {
          plugin.onResolve({ filter: /\/lib(\/contract)?$/ }, ({ path }) => ({
            path: join(ROOT, 'lib', path.endsWith('contract') ? 'contract.js' : 'index.js'),
            external: true,
          }));
        },
      },
    ],
    logLevel: 'warning',
  });
  return outfile;
}

/** The processor seconds of a Node.js process that runs a script. The script prints its `process.cpuUsage()` at the end. */
export async function cpuSecondsOf(script: string, parameters: readonly string[]): Promise<number> {
  const { user, system } = JSON.parse(await run([process.execPath, script, ...parameters], { cwd: ROOT })) as NodeJS.CpuUsage;
  return (user + system) / 1e6;
}

/** The processor seconds of a command and of all processes that it starts. */
export async function cpuSecondsOfCommand(command: string): Promise<number> {
  // the output of the command goes to stderr, so stdout contains only that of `times`
  const output = await run(['sh', '-c', `${command} >&2 && times`], { cwd: ROOT });
  // the second line has the times of the child processes
  const [, childrenTimes = ''] = output.trim().split('\n');
  return [...childrenTimes.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}

/** The items in an order that changes in each round, so that no item is always measured first. */
export function rotated<T>(items: readonly T[], round: number): readonly T[] {
  const start = round % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
