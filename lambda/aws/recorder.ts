import type { Time } from '../time';
import type { AwsApi } from './api';
import { readError } from './errors';

type Operation = keyof AwsApi;

/** The parameters of a call, without the signal. */
type Input<Name extends Operation> = Parameters<AwsApi[Name]> extends [...infer Args, AbortSignal] ? Args : never;

export type CallOutcome<Output> =
  | { readonly kind: 'succeeded'; readonly output: Output }
  | { readonly kind: 'failed'; readonly name: string; readonly message: string };

/** One attempt of a call, and its output or error. Times are in milliseconds since the epoch. */
export interface RecordedCall<Name extends Operation = Operation> {
  readonly operation: Name;
  readonly input: Input<Name>;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: CallOutcome<Awaited<ReturnType<AwsApi[Name]>>>;
}

/** Only the first calls of a request are recorded, to limit the memory. A request that polls for minutes makes more calls than this. */
const MAX_RECORDED_CALLS = 500;

/** Records the calls of one request, in the order in which they ended. Changes neither the calls nor their outputs or errors. */
export class CallRecorder {
  private readonly recordedCalls: RecordedCall[] = [];

  constructor(private readonly time: Time) {}

  get calls(): readonly RecordedCall[] {
    return this.recordedCalls;
  }

  /** Wraps an API so that its calls are recorded. */
  recordCallsOf(api: AwsApi): AwsApi {
    return new Proxy(api, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        return typeof method === 'function'
          ? (...args: unknown[]) =>
              this.record(name as Operation, args.slice(0, -1), () => Reflect.apply(method, target, args) as Promise<unknown>)
          : method;
      },
    });
  }

  private async record(operation: Operation, input: unknown[], call: () => Promise<unknown>): Promise<unknown> {
    const startedAt = this.time.now();
    const recordOutcome = (outcome: CallOutcome<unknown>): void => {
      if (this.recordedCalls.length < MAX_RECORDED_CALLS) {
        // TypeScript can't know that input and output are those of the operation
        this.recordedCalls.push({ operation, input, startedAt, endedAt: this.time.now(), outcome } as RecordedCall);
      }
    };
    try {
      const output = await call();
      recordOutcome({ kind: 'succeeded', output });
      return output;
    } catch (error) {
      recordOutcome({ kind: 'failed', ...readError(error) });
      throw error;
    }
  }
}
