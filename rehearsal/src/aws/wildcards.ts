/** Returns a regular expression, as text, for a text with the wildcards `*` and `?`, as in policies and filters. */
export function wildcardPattern(text: string): string {
  const expression = text.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return `^${expression.replaceAll('*', '.*').replaceAll('?', '.')}$`;
}
