/**
 * An error for people who read the events of the stack: what happened, and what to do about it. Callers that know which resources are
 * affected add them with `about`.
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

  /** The same problem, preceded by what failed, such as "could not peer fleet F with VPC V". */
  about(failedTask: string): Problem {
    return new Problem(`${failedTask}: ${this.what}`, this.remedy, { cause: this });
  }
}

/**
 * A problem before the request had created or changed anything. There is nothing for the delete that follows: the physical id says so
 * (`PhysicalId.afterFailure`). So throw it only if that is certain.
 */
export class NothingDoneProblem extends Problem {
  override readonly name = 'NothingDoneProblem';

  override about(failedTask: string): NothingDoneProblem {
    return new NothingDoneProblem(`${failedTask}: ${this.what}`, this.remedy, { cause: this });
  }
}

/** The original error behind a problem. */
export function rootCauseOf(error: unknown): unknown {
  return error instanceof Problem && error.cause !== undefined ? rootCauseOf(error.cause) : error;
}
