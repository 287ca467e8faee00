import type { Time } from '../time';
import type { AwsApi } from './api';
import { readError } from './errors';

type Operation = keyof AwsApi;

/** The parameters of a call, without the signal. */
type Input<Name extends Operation> = Parameters<AwsApi[Name]> extends [...infer Given, AbortSignal] ? Given : never;

export type Outcome<Answer> =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly name: string; readonly message: string };

/** One attempt of a call, and what came of it. Times are in milliseconds since the epoch. */
export interface RecordedCall<Name extends Operation = Operation> {
  readonly operation: Name;
  readonly input: Input<Name>;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: Outcome<Awaited<ReturnType<AwsApi[Name]>>>;
}

/** A request that polls for minutes makes more calls than this. The first ones are enough, and the memory stays small. */
const MAX_CALLS = 500;

/** Records the calls of one request, in the order in which they ended. It changes neither the calls nor what comes of them. */
export class CallRecorder {
  private readonly recorded: RecordedCall[] = [];

  constructor(private readonly time: Time) {}

  get calls(): readonly RecordedCall[] {
    return this.recorded;
  }

  /** The same API, whose calls are recorded. */
  watch(api: AwsApi): AwsApi {
    return new Proxy(api, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        return typeof method === 'function'
          ? (...given: unknown[]) =>
              this.record(name as Operation, given.slice(0, -1), () => Reflect.apply(method, target, given) as Promise<unknown>)
          : method;
      },
    });
  }

  private async record(operation: Operation, input: unknown[], call: () => Promise<unknown>): Promise<unknown> {
    const startedAt = this.time.now();
    const note = (outcome: Outcome<unknown>): void => {
      if (this.recorded.length < MAX_CALLS) {
        // input and answer are those of the operation, because `watch` passes on what it is given
        this.recorded.push({ operation, input, startedAt, endedAt: this.time.now(), outcome } as RecordedCall);
      }
    };
    try {
      const answer = await call();
      note({ kind: 'answered', answer });
      return answer;
    } catch (error) {
      note({ kind: 'failed', ...readError(error) });
      throw error;
    }
  }
}
