import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes a directory for all temporary files of this process and of those that it starts. It is gone when the process ends, also
 * by a signal.
 *
 * @returns the directory
 */
export default function useTemporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'cdk-gamelift-vpc-peering-'));
  process.env.TMPDIR = directory;
  process.once('exit', () => {
    // a child that was not told to end may still write
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
  return directory;
}
