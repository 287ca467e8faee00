import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

/** Where and how a command runs. */
export interface CommandOptions {
  readonly cwd: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a command.
 *
 * @returns what it printed to standard output
 * @throws Error with everything that it printed, if it failed
 */
export async function run(command: readonly [string, ...string[]], { cwd, env = {} }: CommandOptions): Promise<string> {
  const [file, ...parameters] = command;
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 100 * 1024 * 1024 };
  try {
    return (await promisify(execFile)(file, parameters, options)).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`${stdout}${stderr}` || String(error), { cause: error });
  }
}

/** Which of some commands are not installed. */
export function missing(commands: readonly string[]): string[] {
  return commands.filter((command) => spawnSync(command, ['--help']).error !== undefined);
}
