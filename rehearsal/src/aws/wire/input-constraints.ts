import { ServiceError } from '../service';

interface Text {
  readonly type?: undefined;
  /** `min` and `max` limit the number of characters. */
  readonly min: number;
  readonly max: number;
  /** Must match the whole text. */
  readonly pattern?: RegExp;
  /** The allowed values. */
  readonly values?: readonly string[];
}

interface Integer {
  readonly type: 'integer';
  /** The smallest allowed value. */
  readonly min: number;
}

interface Timestamp {
  readonly type: 'timestamp';
}

interface List {
  readonly type: 'list';
  /** `min` and `max` limit the number of items. */
  readonly min: number;
  readonly max: number;
  readonly member: Constraint;
}

interface Structure {
  readonly type: 'structure';
  readonly members: Members;
}

/** The constraint of an input member, as in the service model of AWS. */
export type Constraint = { readonly required: boolean } & (Text | Integer | Timestamp | List | Structure);

/** The constraints of the members of a structure. */
export type Members = Readonly<Record<string, Constraint>>;

/** The validated input of an operation. */
export class Input {
  constructor(private readonly values: ReadonlyMap<string, unknown>) {}

  /** @returns an empty text if the member is absent */
  text(name: string): string {
    return this.optionalText(name) ?? '';
  }

  optionalText(name: string): string | undefined {
    const value = this.values.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  number(name: string): number | undefined {
    const value = this.values.get(name);
    return typeof value === 'number' ? value : undefined;
  }

  /** Reads seconds since the epoch (JSON) or a date (CBOR). */
  date(name: string): Date | undefined {
    const value = this.values.get(name);
    return typeof value === 'number' ? new Date(value * 1000) : value instanceof Date ? value : undefined;
  }

  texts(name: string): readonly string[] | undefined {
    const value = this.values.get(name);
    return Array.isArray(value) ? (value as string[]) : undefined;
  }

  structures(name: string): readonly Input[] {
    const value = this.values.get(name);
    return Array.isArray(value) ? value.map((member: object) => new Input(new Map(Object.entries(member)))) : [];
  }
}

/** Throws a `ServiceError` with `code` and AWS's message if a member is invalid. */
export function validate(input: unknown, members: Members, code: string): Input {
  const problems = problemsOfMembers(input, members, '');
  if (problems.length > 0) {
    const count = `${problems.length} validation error${problems.length === 1 ? '' : 's'} detected`;
    throw new ServiceError(code, `${count}: ${problems.join('; ')}`);
  }
  return new Input(new Map(Object.entries(input as object)));
}

function problemsOfMembers(input: unknown, members: Members, path: string): string[] {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new ServiceError('SerializationException', '');
  }
  const values = new Map<string, unknown>(Object.entries(input));
  return Object.entries(members).flatMap(([name, constraint]) =>
    // null counts as absent
    problemsOf(values.get(name) ?? undefined, constraint, `${path}${name.charAt(0).toLowerCase()}${name.slice(1)}`),
  );
}

function problemsOf(value: unknown, constraint: Constraint, path: string): string[] {
  const violation = (rule: string): string[] => [
    `Value ${value === undefined ? 'null' : `'${typeof value === 'string' ? value : JSON.stringify(value)}'`} at '${path}' ` +
      `failed to satisfy constraint: ${rule}`,
  ];
  if (value === undefined) {
    return constraint.required ? violation('Member must not be null') : [];
  }
  switch (constraint.type) {
    case 'structure':
      return problemsOfMembers(value, constraint.members, `${path}.`);
    case 'timestamp':
      return typeof value === 'number' || value instanceof Date ? [] : failTypeMismatch(value, 'Timestamp');
    case 'integer':
      if (typeof value !== 'number') {
        return failTypeMismatch(value, 'Integer');
      }
      return value < constraint.min ? violation(`Member must have value greater than or equal to ${constraint.min}`) : [];
    case 'list': {
      if (!Array.isArray(value)) {
        return failTypeMismatch(value, 'List');
      }
      const rule = lengthRule(value.length, constraint);
      const problemsOfItems = value.flatMap((member, index) =>
        problemsOf(member, constraint.member, `${path}.${index + 1}.member`),
      );
      return rule === undefined ? problemsOfItems : [...violation(rule), ...problemsOfItems];
    }
    case undefined: {
      if (typeof value !== 'string') {
        return failTypeMismatch(value, 'String');
      }
      const rule = textRule(value, constraint);
      return rule === undefined ? [] : violation(rule);
    }
  }
}

/** @returns the rule that the text violates, in AWS's words */
function textRule(value: string, { pattern, values, ...bounds }: Text): string | undefined {
  const length = lengthRule(value.length, bounds);
  if (length !== undefined) {
    return length;
  }
  if (values !== undefined && !values.includes(value)) {
    return `Member must satisfy enum value set: [${values.join(', ')}]`;
  }
  return pattern === undefined || new RegExp(`^(?:${pattern.source})$`).test(value)
    ? undefined
    : `Member must satisfy regular expression pattern: ${pattern.source}`;
}

/** @returns the rule that the length violates, in AWS's words */
function lengthRule(length: number, { min, max }: { readonly min: number; readonly max: number }): string | undefined {
  if (length < min) {
    return `Member must have length greater than or equal to ${min}`;
  }
  return length > max ? `Member must have length less than or equal to ${max}` : undefined;
}

function failTypeMismatch(value: unknown, type: string): never {
  throw new ServiceError('SerializationException', `${typeof value} can not be converted to a ${type}`);
}
