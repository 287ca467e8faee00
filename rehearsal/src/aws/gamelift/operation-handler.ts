import type { ServiceCall } from '../service';
import type { Input } from '../wire/input-constraints';

/** An operation: its resources and context for the permission check, and what it does afterwards. */
export interface OperationHandler {
  readonly resources?: (input: Input, call: ServiceCall) => readonly string[];
  readonly context?: (input: Input) => Readonly<Record<string, string | string[]>>;
  readonly run: (input: Input, call: ServiceCall) => Promise<object> | object;
}
