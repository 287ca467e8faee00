import { join } from 'node:path';
import { run } from './commands';

const ROOT = join(__dirname, '..');
const CLI = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');
const ENVIRONMENT = { AWS_EC2_METADATA_DISABLED: 'true', CDK_DISABLE_CLI_TELEMETRY: 'true' };

/** Values for `--context`. */
export type Context = Readonly<Record<string, string>>;

/**
 * Synthesizes an app into a directory with the CDK CLI.
 *
 * @returns the directory
 * @throws Error with the output of the CLI, if it fails or the app has an error annotation
 */
export async function synthesize(app: string, context: Context, directory: string): Promise<string> {
  const options = Object.entries(context).flatMap(([name, value]) => ['--context', `${name}=${value}`]);
  const appCommand = `"${process.execPath}" --import tsx ${app}`;
  const cdkSynth = [CLI, 'synth', '--quiet', '--app', appCommand, '--output', directory, ...options];
  try {
    await run([process.execPath, ...cdkSynth], { cwd: ROOT, env: ENVIRONMENT });
    return directory;
  } catch (error) {
    throw new Error(`cdk synth of ${app} failed:\n${(error as Error).message}`, { cause: error });
  }
}
