interface FindOptions {
  /** The kind of the resource, such as `queue`. */
  readonly kind: string;
  /** The name or the ARN to find. */
  readonly name: string;
  /** The ARNs of all resources of this kind. */
  readonly arns: Iterable<string>;
}

/** Returns the only match. If there is no match, or more than one, throws an error that lists the existing ARNs. */
export function findOnly<T>(matches: readonly T[], { kind, name, arns }: FindOptions): T {
  const [match, ...others] = matches;
  if (match === undefined || others.length > 0) {
    const existingArns = [...arns].join(', ') || 'none';
    throw new Error(
      `expected 1 ${kind} named ${name}, found ${matches.length}; use the ARN of one of the existing ${kind}s: ${existingArns}`,
    );
  }
  return match;
}
