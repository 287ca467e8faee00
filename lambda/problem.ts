/**
 * An error for people who read the events of the stack: what happened, and what to do about it. Callers that know which resources are
 * affected add them with `withContext`.
 */
export class Problem extends Error {
  override readonly name: string = 'Problem';

  /** @param remedy what to do about it; empty if nothing is known to help */
  constructor(
    readonly what: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(remedy === '' ? what : `${what}. ${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}`, options);
  }

  /** Returns the same problem, preceded by the task that failed, such as "could not peer fleet F with VPC V". */
  withContext(failedTask: string): Problem {
    return new Problem(`${failedTask}: ${this.what}`, this.remedy, { cause: this });
  }
}

/**
 * The request failed before it created or changed anything. `PhysicalId.idAfterFailure` records this in the physical id, so that the
 * following delete does nothing. Throw it only if it is certain that nothing was done.
 */
export class NothingDoneProblem extends Problem {
  override readonly name = 'NothingDoneProblem';

  override withContext(failedTask: string): NothingDoneProblem {
    return new NothingDoneProblem(`${failedTask}: ${this.what}`, this.remedy, { cause: this });
  }
}

/** The original error that caused a problem. */
export function rootCauseOf(error: unknown): unknown {
  return error instanceof Problem && error.cause !== undefined ? rootCauseOf(error.cause) : error;
}
