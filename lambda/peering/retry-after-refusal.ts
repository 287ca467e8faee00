import type { Authorizer } from '../authorization/authorizer';
import type { Calls } from '../aws/calls';
import { Problem } from '../problem';
import { decideAfterRefusal } from './decide';

export interface RetryOptions {
  /** How long to wait before another attempt, because new permissions may not have reached all of AWS yet. */
  readonly pauseMilliseconds: number;
  /** The handler gives up after more refusals than this. */
  readonly maxRefusals: number;
}

/** Prepares another attempt of a call that GameLift has refused: authorizes, or waits. Gives up when neither can help. */
export class RetryAfterRefusal {
  private refusals = 0;
  private refusalsWhileListed = 0;
  private readonly startedAt: number;

  constructor(
    private readonly authorizer: Authorizer,
    private readonly calls: Calls,
    private readonly options: RetryOptions,
  ) {
    this.startedAt = calls.now();
  }

  /**
   * Returns whether to repeat the call. Authorizes, or waits, before it returns true.
   *
   * @param message GameLift's reason for the refusal
   */
  async prepareRetry(message: string): Promise<boolean> {
    this.refusals += 1;
    let next = this.nextStep('not checked');
    if (next === 'list authorizations') {
      const isListed = await this.authorizer.isListed();
      this.refusalsWhileListed += isListed ? 1 : 0;
      next = this.nextStep(isListed ? 'yes' : 'no');
    }
    if (next === 'authorize') {
      await this.authorize(message);
    } else if (next === 'try again later') {
      await this.calls.sleepWhile(`GameLift still refused the call (${message})`, this.options.pauseMilliseconds);
    }
    return next !== 'give up';
  }

  private nextStep(isListed: 'not checked' | 'yes' | 'no'): ReturnType<typeof decideAfterRefusal> {
    const { refusals, refusalsWhileListed, startedAt, options } = this;
    const elapsed = this.calls.now() - startedAt;
    const counts = { count: refusals, countWhileListed: refusalsWhileListed };
    return decideAfterRefusal({ ...counts, elapsed, maximum: options.maxRefusals }, isListed);
  }

  private async authorize(message: string): Promise<void> {
    try {
      await this.authorizer.authorize();
    } catch (error) {
      if (!(error instanceof Problem) || error.message.includes(message)) {
        throw error;
      }
      throw new Problem(`${error.what} (GameLift: ${message})`, error.remedy, { cause: error });
    }
  }
}
