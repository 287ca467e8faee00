import type { Api, FleetAndVpc } from './api';
import type { CallResult, Calls } from './calls';
import type { Findings } from './findings';
import type { Observer } from './observer';
import type { ReadBack } from './read-back';

/** Contains the time when a connection was last created or deleted. Reads right after that time may be late. */
export interface ConnectionChanges {
  lastChangeAt?: number;
}

/** What every experiment needs. */
export interface ExperimentContext {
  readonly calls: Calls;
  readonly api: Api;
  readonly pair: FleetAndVpc;
  readonly observer: Observer;
  readonly readBack: ReadBack;
  readonly findings: Findings;
  readonly changes: ConnectionChanges;
  readonly print: (line: string) => void;
}

/** Describes the result of a call, for the report. */
export function resultText(result: CallResult<unknown>): string {
  return result.kind === 'succeeded' ? 'success' : refusalText(result);
}

export function refusalText({ name, message }: { readonly name: string; readonly message: string }): string {
  return `${name} (${message.replace(/\.$/, '')})`;
}
