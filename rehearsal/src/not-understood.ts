/** The error for a feature of AWS that the rehearsal does not simulate. */
export class NotSimulated extends Error {}

/** Collects what the rehearsal encounters and does not simulate. Its results may differ from AWS's. */
export class NotUnderstood {
  private readonly features = new Set<string>();

  note(what: string): void {
    this.features.add(what);
  }

  /** Without duplicates, in the order of their first occurrence. */
  list(): string[] {
    return [...this.features];
  }
}
