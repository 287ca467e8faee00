/*
 * Users publish the report, so it must not identify their account.
 */

/** Replaces ARNs, ids and account ids by placeholders such as `fleet-…`. */
export class Redaction {
  private readonly placeholders = new Map<string, string>();

  /** Adds an id that has no format of its own, such as GameLift's id of a connection. */
  hide(id: string, placeholder: string): void {
    if (id !== '') {
      this.placeholders.set(id, placeholder);
    }
  }

  apply(text: string): string {
    const redacted = [...this.placeholders].reduce((result, [id, placeholder]) => result.replaceAll(id, placeholder), text);
    return redacted
      .replaceAll(/\barn:[^\s,;'"]+/g, 'arn:…')
      .replaceAll(/\b((?:[a-z]*fleet|vpc|pcx|rtb|sg|sgr|eni|subnet|ipvpc)-)[0-9a-zA-Z-]+/g, '$1…')
      .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '(id)')
      .replaceAll(/\b\d{12}\b/g, '(account)');
  }
}
