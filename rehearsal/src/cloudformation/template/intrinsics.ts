import { isDeepStrictEqual } from 'node:util';
import { getAttParts, isObject, subParts, substitutions, type Template } from './template';

/** The evaluated argument of `Fn::GetStackOutput`. */
export interface OutputReference {
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
  evaluateCondition(name: string): boolean | undefined;
  physicalIdOf(logicalId: string): unknown;
  attributeOf(logicalId: string, attribute: string): unknown;
  importValue(name: string): unknown;
  readStackOutput(reference: OutputReference): unknown;
}

/** The value of `AWS::NoValue`: properties and items with it are removed. */
const NO_VALUE = Symbol('AWS::NoValue');

type Intrinsic = (argument: unknown, scope: Scope) => unknown;

const requireList = (value: unknown, name: string): readonly unknown[] => {
  if (!Array.isArray(value)) {
    throw new Error(`Template error: ${name} needs a list, got ${JSON.stringify(value)}`);
  }
  return value;
};

/** Creates an intrinsic function that first evaluates the intrinsic functions in its own argument. */
const withResolvedArguments =
  (name: string, evaluate: (args: readonly unknown[], scope: Scope) => unknown): Intrinsic =>
  (argument, scope) =>
    evaluate(requireList(resolve(argument, scope), name), scope);

const resolveRef: Intrinsic = (argument, scope) => {
  const name = String(argument);
  if (name === 'AWS::NoValue') {
    return NO_VALUE;
  }
  return name in scope.parameters ? scope.parameters[name] : scope.physicalIdOf(name);
};

const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  Ref: resolveRef,
  'Fn::GetAtt': (argument, scope) => scope.attributeOf(...getAttParts(resolve(argument, scope))),
  'Fn::Sub': (argument, scope) => {
    const [text, variables] = subParts(argument);
    const valueOf = (name: string) => {
      if (name in variables) {
        return resolve(variables[name], scope);
      }
      return name.includes('.') ? scope.attributeOf(...getAttParts(name)) : resolveRef(name, scope);
    };
    const values = new Map(substitutions(text).map((name) => [name, textOf(valueOf(name))]));
    // ${!Name} stands for the literal text ${Name}
    return text.replace(/\$\{([^}]*)\}/g, (_, name: string) =>
      name.startsWith('!') ? `\${${name.slice(1)}}` : (values.get(name.trim()) ?? ''),
    );
  },
  'Fn::Join': withResolvedArguments('Fn::Join', ([separator, parts]) =>
    requireList(parts, 'Fn::Join').map(textOf).join(String(separator)),
  ),
  'Fn::Select': withResolvedArguments('Fn::Select', ([index, values]) => {
    const value = requireList(values, 'Fn::Select')[Number(index)];
    if (value === undefined) {
      throw new Error(`Template error: Fn::Select cannot select nonexistent value at index ${String(index)}`);
    }
    return value;
  }),
  'Fn::Split': withResolvedArguments('Fn::Split', ([separator, text]) => textOf(text).split(textOf(separator))),
  'Fn::FindInMap': withResolvedArguments('Fn::FindInMap', ([map, topLevelKey, secondLevelKey], { template }) => {
    const value = template.Mappings?.[String(map)]?.[String(topLevelKey)]?.[String(secondLevelKey)];
    if (value === undefined) {
      throw new Error(`Template error: Unable to get mapping for ${[map, topLevelKey, secondLevelKey].join('::')}`);
    }
    return value;
  }),
  'Fn::Base64': (argument, scope) => Buffer.from(textOf(resolve(argument, scope))).toString('base64'),
  'Fn::GetAZs': (argument, scope) => ['a', 'b', 'c'].map((zone) => `${textOf(resolve(argument, scope)) || scope.region}${zone}`),
  'Fn::Cidr': withResolvedArguments('Fn::Cidr', ([block, count, hostBits]) =>
    splitCidr(String(block), Number(count), Number(hostBits ?? 8)),
  ),
  'Fn::ImportValue': (argument, scope) => scope.importValue(textOf(resolve(argument, scope))),
  'Fn::GetStackOutput': (argument, scope) => scope.readStackOutput(outputReferenceOf(argument, scope)),
  'Fn::If': (argument, scope) => {
    const [condition, yes, no] = requireList(argument, 'Fn::If');
    return resolve(conditionValueOf(String(condition), scope) ? yes : no, scope);
  },
  'Fn::Equals': withResolvedArguments('Fn::Equals', ([one, other]) => isDeepStrictEqual(one, other)),
  'Fn::And': withResolvedArguments('Fn::And', (values) => values.every(Boolean)),
  'Fn::Or': withResolvedArguments('Fn::Or', (values) => values.some(Boolean)),
  'Fn::Not': withResolvedArguments('Fn::Not', ([value]) => value !== true),
  Condition: (argument, scope) => conditionValueOf(String(argument), scope),
};

/** The names of all functions, including condition functions. */
export const FUNCTIONS: readonly string[] = Object.keys(INTRINSICS).filter((name) => name !== 'Condition');

/** Evaluates the argument of `Fn::GetStackOutput`. Its members may contain functions. */
export function outputReferenceOf(argument: unknown, scope: Scope): OutputReference {
  const parts = resolve(argument, scope);
  if (!isObject(parts) || parts.StackName === undefined || parts.OutputName === undefined) {
    throw new Error(`Template error: Fn::GetStackOutput needs StackName and OutputName, got ${JSON.stringify(argument)}`);
  }
  const optionalText = (value: unknown) => (value === undefined ? undefined : textOf(value));
  return {
    stackName: textOf(parts.StackName),
    outputName: textOf(parts.OutputName),
    region: optionalText(parts.Region),
    roleArn: optionalText(parts.RoleArn),
  };
}

/** Converts a scalar or a list to a string, like CloudFormation. */
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
  const [entry, ...otherEntries] = Object.entries(value);
  if (entry && otherEntries.length === 0) {
    const [name, argument] = entry;
    const intrinsic = isConditionReference(entry) || name !== 'Condition' ? INTRINSICS[name] : undefined;
    if (intrinsic) {
      return intrinsic(argument, scope);
    }
    if (name.startsWith('Fn::')) {
      throw new Error(`the function ${name} is not simulated`);
    }
  }
  const resolved = Object.entries(value).map(([key, item]) => [key, resolve(item, scope)] as const);
  return Object.fromEntries(resolved.filter(([, item]) => item !== NO_VALUE));
}

/** `Condition` is a function only if its argument is a name: in a policy, `Condition` is an object. */
const isConditionReference = ([key, argument]: [string, unknown]) => key === 'Condition' && typeof argument === 'string';

/** Evaluates only `Fn::If` in a value, to remove the parts that conditions exclude. */
export function resolveIfs(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => resolveIfs(item, scope));
  }
  if (!isObject(value)) {
    return value;
  }
  const [entry, ...otherEntries] = Object.entries(value);
  if (entry?.[0] === 'Fn::If' && otherEntries.length === 0) {
    const [condition, yes, no] = requireList(entry[1], 'Fn::If');
    return resolveIfs(conditionValueOf(String(condition), scope) ? yes : no, scope);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveIfs(item, scope)]));
}

function conditionValueOf(name: string, scope: Scope): boolean {
  const value = scope.evaluateCondition(name);
  if (value === undefined) {
    throw new Error(`Template validation error: Unresolved condition dependency ${name}`);
  }
  return value;
}

/** Returns a function that evaluates a condition on demand, because conditions may refer to each other in any order. */
export function conditionsOf(scope: Omit<Scope, 'evaluateCondition'>): Scope['evaluateCondition'] {
  const definitions = scope.template.Conditions ?? {};
  const values = new Map<string, boolean>();
  const namesInProgress = new Set<string>();
  const evaluateCondition = (name: string): boolean | undefined => {
    if (!values.has(name) && name in definitions) {
      if (namesInProgress.has(name)) {
        throw new Error(`Template validation error: Circular dependencies for condition ${name}`);
      }
      namesInProgress.add(name);
      values.set(name, resolve(definitions[name], { ...scope, evaluateCondition }) === true);
    }
    return values.get(name);
  };
  return evaluateCondition;
}

function splitCidr(block: string, count: number, hostBits: number): string[] {
  const [address = '', prefix] = block.split('/');
  // the first address of the block as a number
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
