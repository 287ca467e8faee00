import { requireValidArgument } from './function-arguments';
import { FUNCTIONS } from './intrinsics';
import type { ResourceSchema } from './schema/index';
import {
  argumentsOf,
  getAttParts,
  isObject,
  references,
  subParts,
  substitutions,
  type Template,
  type TemplateOutput,
  type TemplateResource,
} from './template';

const SECTIONS: readonly string[] = [
  'AWSTemplateFormatVersion',
  'Conditions',
  'Description',
  'Hooks',
  'Mappings',
  'Metadata',
  'Outputs',
  'Parameters',
  'Resources',
  'Rules',
  'Transform',
];
const RESOURCE_MEMBERS: readonly string[] = [
  'Condition',
  'CreationPolicy',
  'DeletionPolicy',
  'DependsOn',
  'Metadata',
  'Properties',
  'Type',
  'UpdatePolicy',
  'UpdateReplacePolicy',
];
const PSEUDO_PARAMETERS: readonly string[] = [
  'AWS::AccountId',
  'AWS::NoValue',
  'AWS::NotificationARNs',
  'AWS::Partition',
  'AWS::Region',
  'AWS::StackId',
  'AWS::StackName',
  'AWS::URLSuffix',
];
const PARAMETER_MEMBERS: readonly string[] = [
  'AllowedPattern',
  'AllowedValues',
  'ConstraintDescription',
  'Default',
  'Description',
  'MaxLength',
  'MaxValue',
  'MinLength',
  'MinValue',
  'NoEcho',
  'Type',
];
const OUTPUT_MEMBERS: readonly string[] = ['Condition', 'Description', 'Export', 'Value'];
const PARAMETER_TYPE =
  /^(String|Number|CommaDelimitedList|List<Number>|List<String>|(List<)?AWS::[A-Za-z0-9:]+>?|AWS::SSM::Parameter::Value<.+>)$/;
const FORMAT_VERSION = '2010-09-09';
const MAXIMUM_DESCRIPTION_BYTES = 1024;
const CONDITION_FUNCTIONS: readonly string[] = ['Condition', 'Fn::And', 'Fn::Equals', 'Fn::Not', 'Fn::Or'];
const DELETION_POLICIES: readonly unknown[] = ['Delete', 'Retain', 'RetainExceptOnCreate', 'Snapshot'];
const REPLACE_POLICIES: readonly unknown[] = ['Delete', 'Retain', 'Snapshot'];
const MAXIMUM_TEMPLATE_BYTES = 1_000_000;
const MAXIMUM_RESOURCES = 500;
const MAXIMUM_OUTPUTS = 200;
const MAXIMUM_PARAMETERS = 200;
const MAXIMUM_NAME_LENGTH = 255;

/** The known resource types. */
interface KnownTypes {
  /** Whether the type may exist in CloudFormation. */
  recognizes(type: string): boolean;
  /** Undefined if the type allows any property and attribute. */
  schemaOf(type: string): ResourceSchema | undefined;
}

/**
 * Throws CloudFormation's error if the template is invalid. The properties of a resource are validated when the resource is created or
 * updated.
 */
export function validateTemplate(template: Template, types: KnownTypes): void {
  validateStructure(template);
  const { Conditions = {}, Resources = {}, Outputs = {} } = template;
  const unrecognizedTypes = Object.values(Resources).flatMap(({ Type }) => (types.recognizes(Type) ? [] : [Type]));
  if (unrecognizedTypes.length > 0) {
    throw formatError(`Unrecognized resource types: [${[...new Set(unrecognizedTypes)].join(', ')}]`);
  }
  Object.values(Conditions).forEach((condition) => {
    validateCondition(condition, template);
  });
  validateBlock('Resources', Resources, template, types);
  validateBlock('Outputs', Outputs, template, types);
}

/** Checks the names and functions in resources or outputs, including those that conditions exclude. */
function validateBlock(
  block: 'Resources' | 'Outputs',
  members: Readonly<Record<string, TemplateResource | TemplateOutput>>,
  template: Template,
  types: KnownTypes,
): void {
  const { Conditions = {}, Parameters = {}, Resources = {} } = template;
  for (const { Condition, ...member } of Object.values(members)) {
    if (Condition !== undefined && !(Condition in Conditions)) {
      throw formatError(`Unresolved condition dependency ${Condition} in the ${block} block of the template`);
    }
    validateFunctions(member, template, types);
  }
  const referencedNames = Object.values(members).flatMap((member) => [
    ...references(member),
    ...('DependsOn' in member ? [member.DependsOn ?? []].flat() : []),
  ]);
  const isDefined = (name: string) => name in Resources || name in Parameters || PSEUDO_PARAMETERS.includes(name);
  const unknownNames = [...new Set(referencedNames.filter((name) => !isDefined(name)))];
  if (unknownNames.length > 0) {
    throw formatError(`Unresolved resource dependencies [${unknownNames.join(', ')}] in the ${block} block of the template`);
  }
}

const formatError = (message: string): Error => new Error(`Template format error: ${message}`);

const templateError = (message: string): Error => new Error(`Template error: ${message}`);

function validateStructure(template: Template): void {
  // CloudFormation counts the bytes of the file, so format the template like the file that the CDK writes
  if (Buffer.byteLength(JSON.stringify(template, undefined, 1)) > MAXIMUM_TEMPLATE_BYTES) {
    throw new Error(`Template may not exceed ${MAXIMUM_TEMPLATE_BYTES} bytes in size.`);
  }
  const unknownSections = Object.keys(template).filter((section) => !SECTIONS.includes(section));
  if (unknownSections.length > 0) {
    throw new Error(`Invalid template property or properties [${unknownSections.join(', ')}]`);
  }
  const { AWSTemplateFormatVersion: version = FORMAT_VERSION, Description: description = '' } = template;
  if (version !== FORMAT_VERSION) {
    throw formatError('unsupported value for AWSTemplateFormatVersion.');
  }
  if (typeof description !== 'string' || Buffer.byteLength(description) > MAXIMUM_DESCRIPTION_BYTES) {
    throw formatError(`'Description' must be a string of at most ${MAXIMUM_DESCRIPTION_BYTES} bytes.`);
  }
  requireNoNull(template, '');
  const { Parameters = {}, Mappings = {}, Resources = {}, Outputs = {} } = template;
  if (Object.keys(Resources).length === 0) {
    throw formatError('At least one Resources member must be defined.');
  }
  validateNames('Parameter', Parameters, MAXIMUM_PARAMETERS);
  validateNames('Resource', Resources, MAXIMUM_RESOURCES);
  validateNames('Output', Outputs, MAXIMUM_OUTPUTS);
  Object.entries(Resources).forEach(([name, resource]) => {
    validateResource(name, resource);
  });
  const ambiguousNames = Object.keys(Resources).filter((name) => name in Parameters);
  if (ambiguousNames.length > 0) {
    throw formatError(`Logical ids must be unique: [${ambiguousNames.join(', ')}] are both parameters and resources`);
  }
  Object.values(Parameters).forEach(validateParameter);
  Object.values(Mappings).forEach(validateMapping);
  Object.entries(Outputs).forEach(([name, output]) => {
    validateOutput(name, output, template);
  });
}

/** Throws CloudFormation's error if a template contains null. The error contains the path of the first null. */
function requireNoNull(value: unknown, path: string): void {
  if (value === null) {
    throw formatError(`[${path}] 'null' values are not allowed in templates`);
  }
  if (typeof value === 'object') {
    Object.entries(value).forEach(([name, item]) => {
      requireNoNull(item, `${path}/${name}`);
    });
  }
}

function validateParameter(parameter: unknown): void {
  if (!isObject(parameter) || typeof parameter.Type !== 'string') {
    throw formatError('Every Parameters object must contain a Type member.');
  }
  const unknownMember = Object.keys(parameter).find((member) => !PARAMETER_MEMBERS.includes(member));
  if (unknownMember !== undefined) {
    throw new Error(`Invalid template parameter property '${unknownMember}'`);
  }
  if (!PARAMETER_TYPE.test(parameter.Type)) {
    throw formatError(`Unrecognized parameter type: ${parameter.Type}`);
  }
}

function validateMapping(mapping: unknown): void {
  const isAttribute = (value: unknown) => !isObject(value) && (!Array.isArray(value) || !value.some(isObject));
  const entries = isObject(mapping) ? Object.values(mapping) : [mapping];
  if (!entries.every((entry) => isObject(entry) && Object.values(entry).every(isAttribute))) {
    throw formatError('Every Mappings attribute must be a String or a List.');
  }
}

function validateOutput(name: string, output: unknown, { Resources = {} }: Template): void {
  if (!isObject(output) || output.Value === undefined) {
    throw formatError('Every Outputs member must contain a Value object');
  }
  const unknownMember = Object.keys(output).find((member) => !OUTPUT_MEMBERS.includes(member));
  if (unknownMember !== undefined) {
    throw new Error(`Invalid template output property '${unknownMember}'`);
  }
  const { Export } = output;
  if (Export !== undefined && (!isObject(Export) || Export.Name === undefined)) {
    throw formatError(malformedExportMessage(name));
  }
  const [resource] = references(Export).filter((other) => other in Resources);
  if (resource !== undefined) {
    throw formatError(`${malformedExportMessage(name)} It must not depend on resources: got ${resource}`);
  }
}

/** CloudFormation's message for an export without a valid name. */
export const malformedExportMessage = (output: string): string =>
  `Output ${output} is malformed. The Name field of every Export member must be specified and consist only of alphanumeric characters, colons, or hyphens.`;

function validateNames(memberKind: string, block: object, maximum: number): void {
  const names = Object.keys(block);
  if (names.length > maximum) {
    throw formatError(`Number of ${memberKind.toLowerCase()}s, ${names.length}, is greater than maximum allowed, ${maximum}`);
  }
  for (const name of names) {
    if (!/^[A-Za-z0-9]+$/.test(name)) {
      throw formatError(`${memberKind} name ${name} is non alphanumeric.`);
    }
    if (name.length > MAXIMUM_NAME_LENGTH) {
      throw formatError(`${memberKind} name ${name} exceeds the maximum length of ${MAXIMUM_NAME_LENGTH} characters.`);
    }
  }
}

function validateResource(name: string, resource: unknown): void {
  if (!isObject(resource)) {
    throw formatError('Every Resources member must be an object.');
  }
  const {
    Type,
    Condition = '',
    Properties = {},
    DependsOn = [],
    DeletionPolicy = 'Delete',
    UpdateReplacePolicy = 'Delete',
  } = resource;
  if (typeof Type !== 'string') {
    throw formatError('Every Resources object must contain a Type member.');
  }
  const unknownMember = Object.keys(resource).find((member) => !RESOURCE_MEMBERS.includes(member));
  if (unknownMember !== undefined) {
    throw new Error(`Invalid template resource property '${unknownMember}'`);
  }
  if (!isObject(Properties)) {
    throw formatError(`[/Resources/${name}/Properties] 'Properties' must be an object`);
  }
  if (typeof Condition !== 'string') {
    throw formatError('Every Condition member must be a string.');
  }
  if ([DependsOn].flat().some((other) => typeof other !== 'string')) {
    throw formatError('DependsOn must be a string or list of strings.');
  }
  if (!DELETION_POLICIES.includes(DeletionPolicy)) {
    throw formatError(`Unrecognized DeletionPolicy ${JSON.stringify(DeletionPolicy)} for resource ${name}`);
  }
  if (!REPLACE_POLICIES.includes(UpdateReplacePolicy)) {
    throw formatError(`Unrecognized UpdateReplacePolicy ${JSON.stringify(UpdateReplacePolicy)} for resource ${name}`);
  }
}

/** Conditions may refer to parameters and to each other. */
function validateCondition(condition: unknown, template: Template): void {
  const { Conditions = {}, Parameters = {} } = template;
  const unresolvedNames = references(condition).filter((name) => !(name in Parameters) && !name.startsWith('AWS::'));
  if (unresolvedNames.length > 0) {
    throw formatError(
      `Unresolved dependencies [${unresolvedNames.join(', ')}]. Cannot reference resources in the Conditions block of the template`,
    );
  }
  const [operation = ''] = isObject(condition) ? Object.keys(condition) : [];
  if (!CONDITION_FUNCTIONS.includes(operation)) {
    throw formatError('Conditions can only be boolean operations on parameters and other conditions');
  }
  visitFunctions(condition, (name, argument) => {
    if (name === 'Fn::ImportValue' || name === 'Fn::GetStackOutput') {
      throw templateError(`Cannot use ${name} in Conditions.`);
    }
    if (name === 'Condition' && !(String(argument) in Conditions)) {
      throw formatError(`Unresolved condition dependency ${String(argument)} in the Conditions block of the template`);
    }
    requireMapping(name, argument, template);
  });
}

function validateFunctions(value: unknown, template: Template, types: KnownTypes): void {
  const { Conditions = {} } = template;
  visitFunctions(value, (name, argument) => {
    if (name === 'Fn::If') {
      const [condition, ...branches] = Array.isArray(argument) ? (argument as unknown[]) : [];
      if (typeof condition !== 'string' || branches.length !== 2) {
        throw templateError('Fn::If requires a list argument with the first element being a condition');
      }
      if (!(condition in Conditions)) {
        throw templateError(`unresolved condition dependency ${condition} in Fn::If`);
      }
    } else if (name === 'Fn::GetAtt') {
      validateAttribute(...getAttParts(argument), template, types);
    } else if (name === 'Fn::ImportValue') {
      requireIndependentOfResources(argument, template);
    } else if (name === 'Fn::Sub') {
      const [text, variables] = subParts(argument);
      substitutions(text)
        .filter((substitution) => substitution.includes('.') && !(substitution in variables))
        .forEach((substitution) => {
          validateAttribute(...getAttParts(substitution), template, types);
        });
    }
    requireMapping(name, argument, template);
  });
}

/** Throws if the argument of `Fn::ImportValue` depends on resources, imported values or Availability Zones. */
function requireIndependentOfResources(argument: unknown, { Resources = {} }: Template): void {
  const valuesKnownLater = ['Fn::ImportValue', 'Fn::GetAZs'].flatMap((name) => argumentsOf(name, argument));
  if (valuesKnownLater.length > 0 || references(argument).some((name) => name in Resources)) {
    throw templateError('the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs');
  }
}

function validateAttribute(logicalId: string, attribute: string, { Resources = {} }: Template, types: KnownTypes): void {
  if (logicalId === '' || attribute === '') {
    throw templateError(
      'every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute',
    );
  }
  const resource = Resources[logicalId];
  if (resource === undefined) {
    throw templateError(`instance of Fn::GetAtt references undefined resource ${logicalId}`);
  }
  const schema = types.schemaOf(resource.Type);
  // the members of an attribute that is a map or object are attributes, too
  const isKnown = schema?.attributes.some((name) => attribute === name || attribute.startsWith(`${name}.`)) ?? true;
  // an attribute with a variable, or a function (for which getAttParts returns '[object Object]'), can be checked only when it is evaluated
  if (!isKnown && !attribute.includes('${') && !attribute.startsWith('[object')) {
    throw templateError(`resource ${logicalId} does not support attribute type ${attribute} in Fn::GetAtt`);
  }
}

/** Throws if a call of `Fn::FindInMap` names a mapping that does not exist. */
function requireMapping(functionName: string, argument: unknown, { Mappings = {} }: Template): void {
  const map: unknown = functionName === 'Fn::FindInMap' && Array.isArray(argument) ? argument[0] : undefined;
  if (typeof map === 'string' && !(map in Mappings)) {
    throw templateError(`Mapping named '${map}' is not present in the 'Mappings' section of template.`);
  }
}

/** Calls `visit` for each function in a value. Throws for unknown functions. */
function visitFunctions(value: unknown, visit: (name: string, argument: unknown) => void): void {
  if (Array.isArray(value)) {
    value.forEach((item) => {
      visitFunctions(item, visit);
    });
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (key.startsWith('Fn::') && !FUNCTIONS.includes(key)) {
        throw formatError(`Encountered unsupported function: ${key} Supported functions are: [${FUNCTIONS.join(', ')}]`);
      }
      requireValidArgument(key, value);
      // in a policy statement, Condition is an object, and not a function
      if (key.startsWith('Fn::') || (key === 'Condition' && typeof item === 'string')) {
        visit(key, item);
      }
      visitFunctions(item, visit);
    }
  }
}

/** The transforms of a template, from its Transform section or inline. */
export function transformsOf(template: Template): string[] {
  return [template.Transform ?? []].flat().map(transformName).concat(inlineTransforms(template));
}

function inlineTransforms(value: unknown): string[] {
  if (Array.isArray(value)) {
    return value.flatMap(inlineTransforms);
  }
  return isObject(value)
    ? Object.entries(value).flatMap(([key, item]) => (key === 'Fn::Transform' ? [transformName(item)] : inlineTransforms(item)))
    : [];
}

const transformName = (transform: unknown): string =>
  isObject(transform) ? String(transform.Name) : typeof transform === 'string' ? transform : JSON.stringify(transform);
