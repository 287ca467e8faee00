import { join } from 'node:path';
import { run } from './commands';
import { NotAvailable } from './outcomes';

/** The supported versions of Node.js, by the Lambda runtime that a template contains. */
export const NODE_VERSIONS: Readonly<Record<string, string>> = { 'nodejs22.x': '22.23.3', 'nodejs24.x': '24.21.0' };

const ROOT = join(__dirname, '..');

/**
 * Installs a version of Node.js with npm, which caches it.
 *
 * @returns the path of its executable
 */
export async function findNode(version: string): Promise<string> {
  if (version === process.versions.node) {
    return process.execPath;
  }
  const npm = ['exec', '--yes', '--prefer-offline', `--package=node@${version}`, '--', 'node', '-p', 'process.execPath'];
  const node = await run(['npm', ...npm], { cwd: ROOT }).catch(() => {
    throw new NotAvailable(`npm cannot install node@${version}`);
  });
  const actual = (await run([node.trim(), '--version'], { cwd: ROOT })).trim();
  if (actual !== `v${version}`) {
    throw new Error(`${node.trim()} is Node.js ${actual}`);
  }
  return node.trim();
}
