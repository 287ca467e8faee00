/**
 * An error for the people who read the stack's events: what happened, and what to do about it. What it happened to is added where
 * that is known: `about`.
 */
export class Problem extends Error {
  override readonly name: string = 'Problem';

  /** @param remedy empty if nothing is known to help */
  constructor(
    readonly what: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(remedy === '' ? what : `${what}. ${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}`, options);
  }

  /** The same problem, introduced by the task that failed and its object, such as "could not peer fleet F with VPC V". */
  about(failedTask: string): Problem {
    return new Problem(`${failedTask}: ${this.what}`, this.remedy, { cause: this });
  }
}

/** A problem that was found before the request had made anything, so that there is nothing to delete. */
export class NothingDoneProblem extends Problem {
  override readonly name = 'NothingDoneProblem';

  override about(failedTask: string): NothingDoneProblem {
    return new NothingDoneProblem(`${failedTask}: ${this.what}`, this.remedy, { cause: this });
  }
}

/** The error that problems were made of. */
export function rootCauseOf(error: unknown): unknown {
  return error instanceof Problem && error.cause !== undefined ? rootCauseOf(error.cause) : error;
}
