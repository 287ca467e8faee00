import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');

/** Values for `--context`. */
export type Context = Readonly<Record<string, string>>;

/**
 * Has the CDK CLI synthesize an app into a directory.
 *
 * @throws Error with what the CLI said, if it failed or an annotation of the app is an error
 */
export function synthesize(app: string, context: Context, directory: string): void {
  const options = Object.entries(context).flatMap(([name, value]) => ['--context', `${name}=${value}`]);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk'),
      'synth',
      '--quiet',
      '--app',
      `npx tsx ${app}`,
      '--output',
      directory,
      ...options,
    ],
    {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, AWS_EC2_METADATA_DISABLED: 'true', CDK_DISABLE_CLI_TELEMETRY: 'true' },
    },
  );
  if (status !== 0) {
    throw new Error(`cdk synth failed:\n${stdout}${stderr}`);
  }
}
