/** `*` and `?`, as policies and filters have them; everything else stands for itself. */
export function wildcardPattern(text: string): string {
  const expression = text.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return `^${expression.replaceAll('*', '.*').replaceAll('?', '.')}$`;
}
