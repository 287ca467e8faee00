import type { ServiceCall } from '../service';
import type { Input } from '../wire/input-constraints';

/** The resources and the context for the permission check of an operation, and its implementation. */
export interface OperationHandler {
  readonly resources?: (input: Input, call: ServiceCall) => readonly string[];
  readonly context?: (input: Input) => Readonly<Record<string, string | string[]>>;
  readonly run: (input: Input, call: ServiceCall) => Promise<object> | object;
}
