import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(__dirname, '..');
const CLI = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');
const ENVIRONMENT = { AWS_EC2_METADATA_DISABLED: 'true', CDK_DISABLE_CLI_TELEMETRY: 'true' };

/** Values for `--context`. */
export type Context = Readonly<Record<string, string>>;

/**
 * Synthesizes an app into a directory with the CDK CLI.
 *
 * @returns the directory
 * @throws Error with the output of the CLI, if the synthesis failed or the app has an error annotation
 */
export async function synthesize(app: string, context: Context, directory: string): Promise<string> {
  const options = Object.entries(context).flatMap(([name, value]) => ['--context', `${name}=${value}`]);
  const command = [
    CLI,
    'synth',
    '--quiet',
    '--app',
    `"${process.execPath}" --import tsx ${app}`,
    '--output',
    directory,
    ...options,
  ];
  try {
    await promisify(execFile)(process.execPath, command, { cwd: ROOT, env: { ...process.env, ...ENVIRONMENT } });
    return directory;
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`cdk synth of ${app} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}
