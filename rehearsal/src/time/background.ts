import { AsyncLocalStorage } from 'node:async_hooks';

const outside = AsyncLocalStorage.snapshot();

/** Runs `process` in the background, detached from the current call: the clock does not treat it as part of that call's work. */
export function background(process: () => Promise<void>): void {
  outside(() => {
    void process();
  });
}
