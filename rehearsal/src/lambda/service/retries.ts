import type { RehearsalClock } from '../../time/clock';
import type { EventInvokeConfiguration } from './function-configuration';

/** The delays before the first and the second retry of an asynchronous event. */
const RETRY_DELAYS_MS = [60_000, 120_000];

/** An asynchronous event in a function's queue. */
interface QueuedEvent {
  /** Returns the current settings; undefined if the function was deleted. */
  getSettings(): EventInvokeConfiguration | undefined;
  /** Runs the function. @returns whether it succeeded */
  attempt(): Promise<boolean>;
}

export type DeliveryOutcome = 'Success' | 'RetriesExhausted' | 'EventAgeExceeded' | 'FunctionDeleted';

/** Invokes a function with an event until the function succeeds, no attempts are left, or the event is too old. */
export async function deliverWithRetries(event: QueuedEvent, clock: RehearsalClock): Promise<DeliveryOutcome> {
  const acceptedAt = clock.now();
  for (let attempts = 1; ; attempts++) {
    if (!event.getSettings()) {
      return 'FunctionDeleted';
    }
    if (await event.attempt()) {
      return 'Success';
    }
    const settings = event.getSettings();
    if (!settings) {
      return 'FunctionDeleted';
    }
    if (attempts > settings.maximumRetryAttempts) {
      return 'RetriesExhausted';
    }
    const expiresAt = acceptedAt + settings.maximumEventAgeSeconds * 1000;
    await clock.sleep(Math.min(RETRY_DELAYS_MS[attempts - 1] ?? Infinity, expiresAt - clock.now()));
    if (clock.now() >= expiresAt) {
      return 'EventAgeExceeded';
    }
  }
}
