import type { Authorizer } from '../authorization/authorizer';
import type { Calls } from '../aws/calls';
import { Problem } from '../problem';
import { decideAfterRefusal } from './decide';

export interface RetryOptions {
  /** How long to wait for permissions to be known before another attempt. */
  readonly pauseMilliseconds: number;
  /** After more refusals than this, the handler gives up. */
  readonly maxRefusals: number;
}

/** Decides whether to repeat a call that GameLift has refused, and authorizes before that. Gives up when that does not help anymore. */
export class RetryAfterRefusal {
  private count = 0;
  private countWhileListed = 0;
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
    this.count += 1;
    let next = this.next('not asked');
    if (next === 'list authorizations') {
      const isListed = await this.authorizer.isListed();
      this.countWhileListed += isListed ? 1 : 0;
      next = this.next(isListed ? 'yes' : 'no');
    }
    if (next === 'authorize') {
      await this.authorize(message);
    } else if (next === 'try again later') {
      await this.calls.sleepWhile(`GameLift still refused the call (${message})`, this.options.pauseMilliseconds);
    }
    return next !== 'give up';
  }

  private next(isListed: 'not asked' | 'yes' | 'no'): ReturnType<typeof decideAfterRefusal> {
    const { count, countWhileListed, startedAt, options } = this;
    const elapsed = this.calls.now() - startedAt;
    return decideAfterRefusal({ count, countWhileListed, elapsed, maximum: options.maxRefusals }, isListed);
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
