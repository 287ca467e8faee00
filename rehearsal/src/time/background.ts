import { AsyncLocalStorage } from 'node:async_hooks';

const outside = AsyncLocalStorage.snapshot();

/** Lets something go on by itself: the call that began it is not what it belongs to, and time does not wait for that call's sake. */
export function background(process: () => Promise<void>): void {
  outside(() => {
    void process();
  });
}
