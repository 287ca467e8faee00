/** The error for a feature of AWS that the rehearsal does not simulate. */
export class NotSimulated extends Error {}

/** Collects the features that the stacks use and the rehearsal does not simulate. Because of them, AWS may behave differently. */
export class NotUnderstood {
  private readonly features = new Set<string>();

  /** @param feature the feature, and what the rehearsal does instead */
  note(feature: string): void {
    this.features.add(feature);
  }

  /** The features without duplicates, in the order in which they were first noted. */
  list(): string[] {
    return [...this.features];
  }
}
