import type { ParameterStore } from '../../aws/ssm/parameter-store';
import { NotSimulated } from '../../not-understood';
import type { StackArtifact } from './cloud-assembly';
import type { TemplateParameter } from './template';

const NUMBER_TYPES: readonly string[] = ['Number', 'List<Number>'];
const SSM_TYPE = /^AWS::SSM::Parameter::Value<(.*)>$/;

/** The current parameter values. Values from Parameter Store may have changed since the last deployment. */
export function parametersOf(artifact: StackArtifact, store: ParameterStore): Readonly<Record<string, unknown>> {
  const unknownNames = Object.keys(artifact.parameters).filter((name) => !(name in (artifact.template.Parameters ?? {})));
  if (unknownNames.length > 0) {
    throw new Error(`Parameters: [${unknownNames.join(', ')}] do not exist in the template`);
  }
  const values = Object.entries(artifact.template.Parameters ?? {}).map(([name, parameter]) => {
    const { Type, Default } = parameter;
    // the value, or for a parameter from Parameter Store the name in Parameter Store
    const text = artifact.parameters[name] ?? Default;
    if (text === undefined) {
      throw new Error(`Parameters: [${name}] must have values`);
    }
    requireAllowedValue(name, parameter, String(text));
    const storedType = SSM_TYPE.exec(Type)?.[1];
    const value = storedType === undefined ? String(text) : readFromStore(artifact, store, String(text));
    return [name, isList(storedType ?? Type) ? itemsOf(value) : value];
  });
  return Object.fromEntries(values) as Readonly<Record<string, unknown>>;
}

const isList = (type: string) => type === 'CommaDelimitedList' || type.startsWith('List<');

const itemsOf = (list: string): string[] => list.split(',').map((item) => item.trim());

/**
 * Throws if a value, or an item of a list, violates a constraint of its parameter. For parameters from Parameter Store, the constraints
 * apply to the name.
 */
function requireAllowedValue(name: string, parameter: TemplateParameter, value: string): void {
  const { Type, ConstraintDescription: description } = parameter;
  const items = isList(Type) ? itemsOf(value) : [value];
  if (NUMBER_TYPES.includes(Type) && !items.every((item) => item !== '' && Number.isFinite(Number(item)))) {
    throw new Error(`Parameter '${name}' must be a number`);
  }
  const violation = items.map((item) => violationOf(name, parameter, item)).find((constraint) => constraint !== undefined);
  if (violation !== undefined) {
    const customMessage = `Parameter ${name} failed to satisfy constraint: ${description ?? ''}`;
    throw new Error(description === undefined ? `Parameter '${name}' ${violation}` : customMessage);
  }
}

function violationOf(name: string, parameter: TemplateParameter, value: string): string | undefined {
  const { AllowedValues, AllowedPattern, MinLength = 0, MaxLength = Infinity, MinValue, MaxValue } = parameter;
  if (AllowedValues?.map(String).includes(value) === false) {
    return 'must be one of AllowedValues';
  }
  if (AllowedPattern !== undefined && !patternOf(name, AllowedPattern).test(value)) {
    return `must match pattern ${AllowedPattern}`;
  }
  if (value.length < Number(MinLength)) {
    return `must contain at least ${MinLength} characters`;
  }
  if (value.length > Number(MaxLength)) {
    return `must contain at most ${MaxLength} characters`;
  }
  if (MinValue !== undefined && Number(value) < Number(MinValue)) {
    return `must be a number not less than ${MinValue}`;
  }
  return MaxValue !== undefined && Number(value) > Number(MaxValue) ? `must be a number not greater than ${MaxValue}` : undefined;
}

/** Converts a Java pattern, as CloudFormation uses, to JavaScript. Most patterns are valid in both. */
function patternOf(name: string, pattern: string): RegExp {
  try {
    // in JavaScript, Java's character classes such as \p{Upper} have another meaning
    if (!/\\p\{/i.test(pattern)) {
      return new RegExp(`^(?:${pattern})$`);
    }
  } catch {
    // not a valid pattern in JavaScript: throw the error below
  }
  throw new NotSimulated(`the AllowedPattern of the parameter ${name} is not simulated: got ${pattern}`);
}

function readFromStore(artifact: StackArtifact, store: ParameterStore, name: string): string {
  const parameter = store.get(artifact, name);
  if (!parameter) {
    throw new Error(`Unable to fetch parameters [${name}] from parameter store for this account.`);
  }
  return parameter.value;
}
