import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Creates a directory for all temporary files of this process and its child processes. It is deleted when the process ends, including by
 * a signal.
 *
 * @returns the directory
 */
export default function useTemporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'cdk-gamelift-vpc-peering-'));
  process.env.TMPDIR = directory;
  process.once('exit', () => {
    // retries, because a child process may still be writing to the directory
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
  return directory;
}
