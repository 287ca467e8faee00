import { AsyncLocalStorage } from 'node:async_hooks';

// this module is loaded while no work is running, so the clock counts nothing in this snapshot as work
const runOutsideOfWork = AsyncLocalStorage.snapshot();

/** Runs `task` in the background. The clock does not count it as work of the current call. */
export function runInBackground(task: () => Promise<void>): void {
  runOutsideOfWork(() => {
    void task();
  });
}
