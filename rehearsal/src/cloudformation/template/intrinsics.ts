import { isDeepStrictEqual } from 'node:util';
import { getAttParts, isObject, subParts, substitutions, type Template } from './template';

/** The evaluated argument of `Fn::GetStackOutput`. */
export interface OutputRequest {
  readonly stackName: string;
  readonly outputName: string;
  readonly region: string | undefined;
  readonly roleArn: string | undefined;
}

/** The values that template functions can read. */
export interface Scope {
  readonly template: Template;
  readonly region: string;
  /** Parameters and pseudo parameters. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Undefined if the condition does not exist. */
  condition(name: string): boolean | undefined;
  reference(logicalId: string): unknown;
  attribute(logicalId: string, attribute: string): unknown;
  importValue(name: string): unknown;
  stackOutput(request: OutputRequest): unknown;
}

/** The value of `AWS::NoValue`: properties and items with it are removed. */
const NO_VALUE = Symbol('AWS::NoValue');

type Intrinsic = (argument: unknown, scope: Scope) => unknown;

const list = (value: unknown, name: string): readonly unknown[] => {
  if (!Array.isArray(value)) {
    throw new Error(`Template error: ${name} needs a list, got ${JSON.stringify(value)}`);
  }
  return value;
};

/** Resolves the argument first: most functions can contain other functions. */
const eager =
  (name: string, evaluate: (args: readonly unknown[], scope: Scope) => unknown): Intrinsic =>
  (argument, scope) =>
    evaluate(list(resolve(argument, scope), name), scope);

const reference: Intrinsic = (argument, scope) => {
  const name = String(argument);
  if (name === 'AWS::NoValue') {
    return NO_VALUE;
  }
  return name in scope.parameters ? scope.parameters[name] : scope.reference(name);
};

const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  Ref: reference,
  'Fn::GetAtt': (argument, scope) => scope.attribute(...getAttParts(resolve(argument, scope))),
  'Fn::Sub': (argument, scope) => {
    const [text, variables] = subParts(argument);
    const named = (name: string) => {
      if (name in variables) {
        return resolve(variables[name], scope);
      }
      return name.includes('.') ? scope.attribute(...getAttParts(name)) : reference(name, scope);
    };
    const values = new Map(substitutions(text).map((name) => [name, textOf(named(name))]));
    return text.replace(/\$\{([^}]*)\}/g, (_, name: string) =>
      name.startsWith('!') ? `\${${name.slice(1)}}` : (values.get(name.trim()) ?? ''),
    );
  },
  'Fn::Join': eager('Fn::Join', ([separator, parts]) => list(parts, 'Fn::Join').map(textOf).join(String(separator))),
  'Fn::Select': eager('Fn::Select', ([index, values]) => {
    const value = list(values, 'Fn::Select')[Number(index)];
    if (value === undefined) {
      throw new Error(`Template error: Fn::Select cannot select nonexistent value at index ${String(index)}`);
    }
    return value;
  }),
  'Fn::Split': eager('Fn::Split', ([separator, text]) => textOf(text).split(textOf(separator))),
  'Fn::FindInMap': eager('Fn::FindInMap', ([map, first, second], { template }) => {
    const value = template.Mappings?.[String(map)]?.[String(first)]?.[String(second)];
    if (value === undefined) {
      throw new Error(`Template error: Unable to get mapping for ${[map, first, second].join('::')}`);
    }
    return value;
  }),
  'Fn::Base64': (argument, scope) => Buffer.from(textOf(resolve(argument, scope))).toString('base64'),
  'Fn::GetAZs': (argument, scope) => ['a', 'b', 'c'].map((zone) => `${textOf(resolve(argument, scope)) || scope.region}${zone}`),
  'Fn::Cidr': eager('Fn::Cidr', ([block, count, bits]) => cidrs(String(block), Number(count), Number(bits ?? 8))),
  'Fn::ImportValue': (argument, scope) => scope.importValue(textOf(resolve(argument, scope))),
  'Fn::GetStackOutput': (argument, scope) => scope.stackOutput(outputRequest(argument, scope)),
  'Fn::If': (argument, scope) => {
    const [condition, yes, no] = list(argument, 'Fn::If');
    return resolve(conditionValue(String(condition), scope) ? yes : no, scope);
  },
  'Fn::Equals': eager('Fn::Equals', ([one, other]) => isDeepStrictEqual(one, other)),
  'Fn::And': eager('Fn::And', (values) => values.every(Boolean)),
  'Fn::Or': eager('Fn::Or', (values) => values.some(Boolean)),
  'Fn::Not': eager('Fn::Not', ([value]) => value !== true),
  Condition: (argument, scope) => conditionValue(String(argument), scope),
};

/** The names of all functions, including condition functions. */
export const FUNCTIONS: readonly string[] = Object.keys(INTRINSICS).filter((name) => name !== 'Condition');

/** The argument of `Fn::GetStackOutput`, each part of which may be a function. */
export function outputRequest(argument: unknown, scope: Scope): OutputRequest {
  const parts = resolve(argument, scope);
  if (!isObject(parts) || parts.StackName === undefined || parts.OutputName === undefined) {
    throw new Error(`Template error: Fn::GetStackOutput needs StackName and OutputName, got ${JSON.stringify(argument)}`);
  }
  const optional = (value: unknown) => (value === undefined ? undefined : textOf(value));
  return {
    stackName: textOf(parts.StackName),
    outputName: textOf(parts.OutputName),
    region: optional(parts.Region),
    roleArn: optional(parts.RoleArn),
  };
}

/** Converts a scalar to a string, as CloudFormation does. */
export function textOf(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map(textOf).join(',');
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Evaluates all functions in a value. */
export function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => resolve(item, scope)).filter((item) => item !== NO_VALUE);
  }
  if (!isObject(value)) {
    return value;
  }
  const [only, ...more] = Object.entries(value);
  if (only && more.length === 0) {
    const intrinsic = isConditionReference(only) || only[0] !== 'Condition' ? INTRINSICS[only[0]] : undefined;
    if (intrinsic) {
      return intrinsic(only[1], scope);
    }
    if (only[0].startsWith('Fn::')) {
      throw new Error(`the function ${only[0]} is not simulated`);
    }
  }
  const resolved = Object.entries(value).map(([key, item]) => [key, resolve(item, scope)] as const);
  return Object.fromEntries(resolved.filter(([, item]) => item !== NO_VALUE));
}

/** `Condition` is a function only if its argument is a name: in a policy, `Condition` is an object. */
const isConditionReference = ([key, argument]: [string, unknown]) => key === 'Condition' && typeof argument === 'string';

/** Evaluates only `Fn::If` in a value, which removes everything that is not needed. */
export function decide(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => decide(item, scope));
  }
  if (!isObject(value)) {
    return value;
  }
  const [only, ...more] = Object.entries(value);
  if (only?.[0] === 'Fn::If' && more.length === 0) {
    const [condition, yes, no] = list(only[1], 'Fn::If');
    return decide(conditionValue(String(condition), scope) ? yes : no, scope);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decide(item, scope)]));
}

function conditionValue(name: string, scope: Scope): boolean {
  const value = scope.condition(name);
  if (value === undefined) {
    throw new Error(`Template validation error: Unresolved condition dependency ${name}`);
  }
  return value;
}

/** Evaluates conditions on demand: they may refer to each other, in any order. */
export function conditionsOf(scope: Omit<Scope, 'condition'>): Scope['condition'] {
  const definitions = scope.template.Conditions ?? {};
  const values = new Map<string, boolean>();
  const pending = new Set<string>();
  const condition = (name: string): boolean | undefined => {
    if (!values.has(name) && name in definitions) {
      if (pending.has(name)) {
        throw new Error(`Template validation error: Circular dependencies for condition ${name}`);
      }
      pending.add(name);
      values.set(name, resolve(definitions[name], { ...scope, condition }) === true);
    }
    return values.get(name);
  };
  return condition;
}

function cidrs(block: string, count: number, hostBits: number): string[] {
  const [address = '', prefix] = block.split('/');
  const start = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** hostBits;
  if (hostBits > 32 - Number(prefix) || count * size > 2 ** (32 - Number(prefix))) {
    throw new Error(`Template error: Fn::Cidr cannot make ${count} blocks of ${hostBits} host bits from ${block}`);
  }
  return Array.from({ length: count }, (_, index) => {
    const first = start + index * size;
    return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${32 - hostBits}`;
  });
}
