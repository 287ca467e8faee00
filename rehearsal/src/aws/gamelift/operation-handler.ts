import type { ServiceCall } from '../service';
import type { Input } from '../wire/input-constraints';

/** What an operation does once it was admitted, and which resources the permission for it is about. */
export interface OperationHandler {
  readonly resources?: (input: Input, call: ServiceCall) => readonly string[];
  readonly context?: (input: Input) => Readonly<Record<string, string | string[]>>;
  readonly run: (input: Input, call: ServiceCall) => Promise<object> | object;
}
