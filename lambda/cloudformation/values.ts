/** Unchecked properties, as CloudFormation sends them. */
export type RawProperties = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is RawProperties {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws Error that does not contain the value, because the value may contain an external id. */
export function readRecord(fields: RawProperties, name: string): RawProperties {
  const value = fields[name];
  if (isRecord(value)) {
    return value;
  }
  const typeName =
    value === undefined ? 'nothing' : value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
  throw new Error(`${name} must be an object, got ${typeName}`);
}

export interface TextFormat {
  readonly pattern: RegExp;
  /** Describes the texts that match the pattern, for an error message. */
  readonly description: string;
}

/**
 * @param remedy what to do about a wrong value; empty if users can't change it
 * @throws Error with the name of the property, what it must be, what it is, and the remedy
 */
export function readMatch(properties: RawProperties, name: string, format: TextFormat, remedy = ''): string {
  const value = properties[name];
  if (typeof value === 'string' && format.pattern.test(value)) {
    return value;
  }
  // the value may look right: the boolean true is not the text "true"
  const typeHint = typeof value === 'string' || value === undefined ? '' : ', which is not a string';
  throw new Error(`${name} must be ${format.description}, got ${formatValue(value)}${typeHint}${remedy}`);
}

const MAX_SHOWN_CHARACTERS = 120;

/** Formats a value for an error message. Shortens long values. */
export function formatValue(value: unknown): string {
  const text = value === undefined ? 'nothing' : jsonOf(value);
  return text.length <= MAX_SHOWN_CHARACTERS ? text : `${withoutHalfCharacter(text.slice(0, MAX_SHOWN_CHARACTERS - 3))}...`;
}

/** The value as JSON, or a placeholder if it is nested too deeply. */
export function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'a value that is nested too deeply to show';
  }
}

/** Removes half a surrogate pair at the end. */
function withoutHalfCharacter(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, '');
}
