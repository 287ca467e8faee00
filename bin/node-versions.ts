import { join } from 'node:path';
import { run } from './commands';
import { NotAvailableError } from './outcomes';

/** The supported versions of Node.js, by Lambda runtime. */
export const NODE_VERSIONS: Readonly<Record<string, string>> = { 'nodejs22.x': '22.23.3', 'nodejs24.x': '24.21.0' };

const ROOT = join(__dirname, '..');

/**
 * Installs a version of Node.js with npm, or takes it from npm's cache.
 *
 * @returns the path of its executable
 */
export async function installNode(version: string): Promise<string> {
  if (version === process.versions.node) {
    return process.execPath;
  }
  const npmArguments = ['exec', '--yes', '--prefer-offline', `--package=node@${version}`, '--', 'node', '-p', 'process.execPath'];
  const output = await run(['npm', ...npmArguments], { cwd: ROOT }).catch(() => {
    throw new NotAvailableError(`npm cannot install node@${version}`);
  });
  const nodePath = output.trim();
  const actual = (await run([nodePath, '--version'], { cwd: ROOT })).trim();
  if (actual !== `v${version}`) {
    throw new Error(`expected ${nodePath} to be Node.js v${version}, but it is ${actual}`);
  }
  return nodePath;
}
