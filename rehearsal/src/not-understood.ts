/** Something that AWS does and the rehearsal does not simulate. */
export class NotSimulated extends Error {}

/** What a rehearsal met and does not simulate: its results may differ from what AWS would do. */
export class NotUnderstood {
  private readonly found = new Set<string>();

  note(what: string): void {
    this.found.add(what);
  }

  /** Once each, in the order in which they were met. */
  list(): string[] {
    return [...this.found];
  }
}
