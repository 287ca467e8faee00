import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

/** Options for running a command. */
export interface CommandOptions {
  readonly cwd: string;
  /** Variables that are added to those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a command.
 *
 * @returns its standard output
 * @throws Error with its standard output and standard error, if it fails
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

/** Returns those of the commands that are not installed. */
export function commandsNotInstalled(commands: readonly string[]): string[] {
  return commands.filter((command) => spawnSync(command, ['--help']).error !== undefined);
}
