import type { Authorizer } from '../authorization/authorizer';
import type { Calls } from '../aws/calls';
import { Problem } from '../problem';
import { decideAfterRefusal } from './decide';

export interface RefusalRetryOptions {
  /** The pause before another attempt. New permissions in the account of the VPC may take a while to reach all of AWS. */
  readonly pauseMilliseconds: number;
  /** The handler gives up after more refusals than this. */
  readonly maxRefusals: number;
}

/** Prepares another attempt of a call that GameLift has refused: authorizes or waits if necessary. Gives up if another attempt can't succeed. */
export class RetryAfterRefusal {
  private refusals = 0;
  private refusalsWhileAuthorized = 0;
  private readonly startedAt: number;

  constructor(
    private readonly authorizer: Authorizer,
    private readonly calls: Calls,
    private readonly options: RefusalRetryOptions,
  ) {
    this.startedAt = calls.now();
  }

  /**
   * Returns whether to repeat the call. Before it returns true, it authorizes or waits if necessary.
   *
   * @param message GameLift's reason for the refusal
   */
  async prepareRetry(message: string): Promise<boolean> {
    this.refusals += 1;
    let next = this.nextStep('not checked');
    if (next === 'list authorizations') {
      const isListed = await this.authorizer.isAuthorizationListed();
      this.refusalsWhileAuthorized += isListed ? 1 : 0;
      next = this.nextStep(isListed ? 'listed' : 'not listed');
    }
    if (next === 'authorize') {
      await this.authorize(message);
    } else if (next === 'try again later') {
      await this.calls.sleepWhile(`GameLift still refused the call (${message})`, this.options.pauseMilliseconds);
    }
    return next !== 'give up';
  }

  private nextStep(authorization: 'not checked' | 'listed' | 'not listed'): ReturnType<typeof decideAfterRefusal> {
    const { refusals, refusalsWhileAuthorized, startedAt, options } = this;
    const elapsed = this.calls.now() - startedAt;
    const counts = { count: refusals, countWhileAuthorized: refusalsWhileAuthorized };
    return decideAfterRefusal({ ...counts, elapsed, maximum: options.maxRefusals }, authorization);
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
