import type { Entry } from 'rehearsal';
import { BEHAVIOURS } from 'rehearsal/aws';
import { PEERING_OPERATIONS } from '../../lambda/aws/calls';

/** Calls to one operation. */
export interface OperationCalls {
  readonly operation: string;
  /** Calls that were answered, also with an error. */
  readonly answered: number;
  /** Calls that GameLift refused for its rate limit. */
  readonly throttled: number;
}

/** What functions called of GameLift. */
export interface Calls {
  readonly operations: readonly OperationCalls[];
  /** To all operations that are limited to one call in ten seconds. */
  readonly limited: number;
  readonly throttled: number;
}

/** The journal begins a refused call with the name of its error. */
const isThrottle = (message: string): boolean =>
  BEHAVIOURS.throttlingError.readings.some((name) => message.startsWith(`${name} `));

/** What functions called of GameLift, by operation. CloudFormation's own calls are not among it. */
export function callsOf(entries: readonly Entry[]): Calls {
  const made = entries.filter(({ source, message }) => source === 'gamelift' && message.includes(':assumed-role/'));
  const operations = [...new Set(made.map(({ subject }) => subject))].sort().map((operation) => {
    const messages = made.filter(({ subject }) => subject === operation).map(({ message }) => message);
    const throttled = messages.filter(isThrottle).length;
    return { operation, answered: messages.length - throttled, throttled };
  });
  const limited = operations.filter(({ operation }) => PEERING_OPERATIONS.includes(operation));
  return {
    operations,
    limited: limited.reduce((sum, { answered }) => sum + answered, 0),
    throttled: limited.reduce((sum, { throttled }) => sum + throttled, 0),
  };
}
