import type { ServiceCall } from '../service';
import type { Input } from '../wire/input-constraints';

/** How GameLift checks the permission for an operation, and performs the operation. */
export interface OperationHandler {
  /** Returns the ARNs of the resources on which the permission is checked. @default - `*` */
  readonly resources?: (input: Input, call: ServiceCall) => readonly string[];
  /** Returns the condition keys of the permission check. @default - none */
  readonly context?: (input: Input) => Readonly<Record<string, string | string[]>>;
  readonly run: (input: Input, call: ServiceCall) => Promise<object> | object;
}
