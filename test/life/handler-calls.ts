import type { Entry } from 'rehearsal';
import { BEHAVIOURS } from 'rehearsal/aws';
import { PEERING_OPERATIONS } from '../../lambda/aws/calls';

/** The handler's calls of one operation. */
export interface CallsOfOperation {
  readonly operation: string;
  /** Calls that were not throttled, including calls that failed. */
  readonly answered: number;
  readonly throttled: number;
}

/** The handler's calls of GameLift. */
export interface HandlerCalls {
  readonly operations: readonly CallsOfOperation[];
  /** Answered calls of the operations that are limited to one call in ten seconds. */
  readonly answered: number;
  /** Throttled calls of these operations. */
  readonly throttled: number;
}

/** The journal entry of a call that failed begins with the name of the error. */
const isThrottled = (message: string): boolean =>
  BEHAVIOURS.throttlingError.readings.some((name) => message.startsWith(`${name} `));

/** Counts the GameLift calls that Lambda functions made, without CloudFormation's own calls. */
export function countHandlerCalls(entries: readonly Entry[]): HandlerCalls {
  const calls = entries.filter(({ source, message }) => source === 'gamelift' && message.includes(':assumed-role/'));
  const operations = [...new Set(calls.map(({ subject }) => subject))].sort().map((operation) => {
    const messages = calls.filter(({ subject }) => subject === operation).map(({ message }) => message);
    const throttled = messages.filter(isThrottled).length;
    return { operation, answered: messages.length - throttled, throttled };
  });
  const limited = operations.filter(({ operation }) => PEERING_OPERATIONS.includes(operation));
  return {
    operations,
    answered: limited.reduce((sum, { answered }) => sum + answered, 0),
    throttled: limited.reduce((sum, { throttled }) => sum + throttled, 0),
  };
}
