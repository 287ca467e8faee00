import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

/** The directory and environment of a command. */
export interface CommandOptions {
  readonly cwd: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a command.
 *
 * @returns its standard output
 * @throws Error with its whole output, if it failed
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

/** The commands that are not installed. */
export function notInstalled(commands: readonly string[]): string[] {
  return commands.filter((command) => spawnSync(command, ['--help']).error !== undefined);
}
