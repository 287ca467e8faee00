import { schemaOf } from '../../src/cloudformation/template/schema/index';
import { Rehearsal } from '../../src/index';
import { customResource, events, functionResource, HANDLER_RESOURCES, reasons, writeAssembly } from '../assembly';

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
});
afterEach(() => rehearsal.close());

const deploy = (template: object) => rehearsal.cloudFormation.deploy(writeAssembly(template), 'Stack');
const topic = (attributes: object = {}) => ({ Type: 'AWS::SNS::Topic', ...attributes });
const vpc = (properties: object = {}) => ({ Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16', ...properties } });
const repeat = (count: number, member: object) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`Member${index}`, member]));
const templateWithOutput = (value: unknown, attributes: object = {}) => ({
  Resources: { Topic: topic() },
  Outputs: { Out: { Value: value, ...attributes } },
});

const templateWithParameter = (definition: object) => ({
  ...templateWithOutput({ Ref: 'Name' }),
  Parameters: { Name: definition },
});

const listOutputError = 'Template format error: The Value field of every Outputs member must evaluate to a String.';
const parameterTypeError = (type: string) => `Template format error: Unrecognized parameter type: ${type}`;
const exportNameError =
  'Template format error: Output Out is malformed. The Name field of every Export member must be specified and consist only of ' +
  'alphanumeric characters, colons, or hyphens.';

describe('CloudFormation changes nothing, and refuses a template', () => {
  const conditionError = (block: string) =>
    `Template format error: Unresolved condition dependency No in the ${block} block of the template`;

  test.each<[string, object, string]>([
    ['without resources', {}, 'Template format error: At least one Resources member must be defined.'],
    [
      'with an empty Resources section',
      { Resources: {} },
      'Template format error: At least one Resources member must be defined.',
    ],
    [
      'with an unknown format version',
      { ...templateWithOutput('x'), AWSTemplateFormatVersion: '2020-01-01' },
      'Template format error: unsupported value for AWSTemplateFormatVersion.',
    ],
    [
      'with a description that is too long',
      { ...templateWithOutput('x'), Description: 'x'.repeat(1025) },
      "Template format error: 'Description' must be a string of at most 1024 bytes.",
    ],
    [
      'with a null',
      { Resources: { Topic: topic({ Properties: { DisplayName: null } }) } },
      "Template format error: [/Resources/Topic/Properties/DisplayName] 'null' values are not allowed in templates",
    ],
    [
      'with a resource that is null',
      { Resources: { Topic: null } },
      "Template format error: [/Resources/Topic] 'null' values are not allowed in templates",
    ],
    [
      'with a parameter that is null',
      { ...templateWithOutput('x'), Parameters: { Name: null } },
      "Template format error: [/Parameters/Name] 'null' values are not allowed in templates",
    ],
    [
      'with an unknown AWS type',
      { Resources: { One: { Type: 'AWS::Lambda::Funktion' }, Two: { Type: 'AWS::Lambda::Funktion' } } },
      'Template format error: Unrecognized resource types: [AWS::Lambda::Funktion]',
    ],
    [
      'with a type that is not a valid name',
      { Resources: { Topic: { Type: 'Topic' } } },
      'Template format error: Unrecognized resource types: [Topic]',
    ],
    [
      'with a type of custom resources whose name is too long',
      { Resources: { Thing: { Type: `Custom::${'x'.repeat(61)}` } } },
      `Template format error: Unrecognized resource types: [Custom::${'x'.repeat(61)}]`,
    ],
    [
      'with properties that are not an object',
      { Resources: { Topic: topic({ Properties: [] }) } },
      "Template format error: [/Resources/Topic/Properties] 'Properties' must be an object",
    ],
    [
      'with a condition of a resource that is not a name',
      { Resources: { Topic: topic({ Condition: { 'Fn::Equals': ['a', 'a'] } }) } },
      'Template format error: Every Condition member must be a string.',
    ],
    [
      'with a logical id that is too long',
      { Resources: { ['x'.repeat(256)]: topic() } },
      `Template format error: Resource name ${'x'.repeat(256)} exceeds the maximum length of 255 characters.`,
    ],
    [
      'with a parameter and a resource of the same name',
      { ...templateWithOutput('x'), Parameters: { Topic: { Type: 'String', Default: 'x' } } },
      'Template format error: Logical ids must be unique: [Topic] are both parameters and resources',
    ],
    [
      'with a parameter without a type',
      { ...templateWithOutput('x'), Parameters: { Name: { Default: 'x' } } },
      'Template format error: Every Parameters object must contain a Type member.',
    ],
    [
      'with an unknown parameter type',
      templateWithParameter({ Type: 'Boolean', Default: 'true' }),
      parameterTypeError('Boolean'),
    ],
    [
      'with an unknown member of a parameter',
      templateWithParameter({ Type: 'String', Default: 'x', Pattern: 'x' }),
      "Invalid template parameter property 'Pattern'",
    ],
    [
      'with a mapping whose value is an object',
      { ...templateWithOutput('x'), Mappings: { Map: { Key: { Attribute: { Ref: 'Topic' } } } } },
      'Template format error: Every Mappings attribute must be a String or a List.',
    ],
    [
      'with a missing key of a mapping',
      { ...templateWithOutput({ 'Fn::FindInMap': ['Map', { Ref: 'AWS::Region' }, 'b'] }), Mappings: { Map: { a: { b: 'c' } } } },
      'Template error: Unable to get mapping for Map::us-east-1::b',
    ],
    [
      'with an unknown member of an output',
      templateWithOutput('x', { Exports: { Name: 'x' } }),
      "Invalid template output property 'Exports'",
    ],
    ['with an output that is a list', templateWithOutput(['x']), listOutputError],
    ['with an output whose function returns a list', templateWithOutput({ 'Fn::Split': [',', 'a,b'] }), listOutputError],
    [
      'with an output that is a list parameter',
      templateWithParameter({ Type: 'CommaDelimitedList', Default: 'a,b' }),
      listOutputError,
    ],
    ['with an export that is only a name', templateWithOutput('x', { Export: 'x' }), exportNameError],
    [
      'with an export name that depends on a resource',
      templateWithOutput('x', { Export: { Name: { Ref: 'Topic' } } }),
      `${exportNameError} It must not depend on resources: got Topic`,
    ],
    [
      'with two exports of the same name',
      {
        Resources: { Topic: topic() },
        Outputs: {
          One: { Value: '1', Export: { Name: 'name' } },
          Two: { Value: '2', Export: { Name: { 'Fn::Sub': 'na${Letters}' } } },
        },
        Parameters: { Letters: { Type: 'String', Default: 'me' } },
      },
      'Template format error: Outputs One and Two have the same export name: name',
    ],
    [
      'with a circular dependency',
      { Resources: { One: topic({ DependsOn: 'Two' }), Two: topic({ Metadata: 1, DependsOn: ['One'] }) } },
      'Circular dependency between resources: [One, Two]',
    ],
    [
      'with a resource that depends on itself',
      { Resources: { Topic: topic({ DependsOn: 'Topic' }) } },
      'Circular dependency between resources: [Topic]',
    ],
    [
      'with unused conditions that refer to each other',
      { ...templateWithOutput('x'), Conditions: { One: { 'Fn::Not': [{ Condition: 'Two' }] }, Two: { Condition: 'One' } } },
      'Template validation error: Circular dependencies for condition One',
    ],
    [
      'with a condition that is not a condition function',
      { ...templateWithOutput('x'), Conditions: { Yes: true } },
      'Template format error: Conditions can only be boolean operations on parameters and other conditions',
    ],
    [
      'with a condition on an import',
      { ...templateWithOutput('x'), Conditions: { Odd: { 'Fn::Equals': [{ 'Fn::ImportValue': 'x' }, 'a'] } } },
      'Template error: Cannot use Fn::ImportValue in Conditions.',
    ],
    [
      'with an import whose name depends on a resource',
      templateWithOutput({ 'Fn::ImportValue': { Ref: 'Topic' } }),
      'Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs',
    ],
    [
      'with a Ref that is not a name',
      templateWithOutput({ Ref: ['Topic'] }),
      'Template format error: Every Ref object must have a single String value.',
    ],
    [
      'with a Ref and another key in one object',
      templateWithOutput({ Ref: 'Topic', Other: 'x' }),
      'Template format error: Every Ref object must have a single String value.',
    ],
    [
      'with an invalid variable in Fn::Sub',
      templateWithOutput({ 'Fn::Sub': '${a b}' }),
      'Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons',
    ],
    ['with an unknown section', { ...templateWithOutput('x'), Extra: {} }, 'Invalid template property or properties [Extra]'],
    [
      'with more than 500 resources',
      { Resources: repeat(501, topic()) },
      'Template format error: Number of resources, 501, is greater than maximum allowed, 500',
    ],
    [
      'with more than 200 outputs',
      { Resources: { Topic: topic() }, Outputs: repeat(201, { Value: 'x' }) },
      'Template format error: Number of outputs, 201, is greater than maximum allowed, 200',
    ],
    [
      'if it is larger than a megabyte',
      { Resources: { Topic: topic({ Metadata: { Text: 'x'.repeat(1_000_000) } }) } },
      'Template may not exceed 1000000 bytes in size.',
    ],
    [
      'with a logical id that is not alphanumeric',
      { Resources: { 'My-Topic': topic() } },
      'Template format error: Resource name My-Topic is non alphanumeric.',
    ],
    [
      'with an output name that is not alphanumeric',
      { Resources: { Topic: topic() }, Outputs: { 'My-Out': { Value: 'x' } } },
      'Template format error: Output name My-Out is non alphanumeric.',
    ],
    [
      'with invalid characters in an export name',
      templateWithOutput('x', { Export: { Name: { 'Fn::Sub': '${AWS::StackName} out' } } }),
      exportNameError,
    ],
    [
      'with an output without a value',
      { Resources: { Topic: topic() }, Outputs: { Out: { Description: 'x' } } },
      'Template format error: Every Outputs member must contain a Value object',
    ],
    [
      'with a resource without a type',
      { Resources: { Topic: {} } },
      'Template format error: Every Resources object must contain a Type member.',
    ],
    [
      'with an unknown member of a resource',
      { Resources: { Topic: topic({ DependOn: 'Other' }) } },
      "Invalid template resource property 'DependOn'",
    ],
    [
      'with an unknown deletion policy',
      { Resources: { Topic: topic({ DeletionPolicy: 'Keep' }) } },
      'Template format error: Unrecognized DeletionPolicy "Keep" for resource Topic',
    ],
    [
      'with an unknown replace policy',
      { Resources: { Topic: topic({ UpdateReplacePolicy: 'RetainExceptOnCreate' }) } },
      'Template format error: Unrecognized UpdateReplacePolicy "RetainExceptOnCreate" for resource Topic',
    ],
    [
      'with a dependency that is not a name',
      { Resources: { Topic: topic({ DependsOn: { 'Fn::If': ['No', 'A', 'B'] } }) } },
      'Template format error: DependsOn must be a string or list of strings.',
    ],
    [
      'with an undefined condition of a resource',
      { Resources: { Topic: topic({ Condition: 'No' }) } },
      conditionError('Resources'),
    ],
    ['with an undefined condition of an output', templateWithOutput('x', { Condition: 'No' }), conditionError('Outputs')],
    [
      'with an undefined condition in Fn::If',
      templateWithOutput({ 'Fn::If': ['No', 'yes', 'no'] }),
      'Template error: unresolved condition dependency No in Fn::If',
    ],
    [
      'with an undefined condition in Fn::And',
      { ...templateWithOutput('x'), Conditions: { Both: { 'Fn::And': [{ Condition: 'No' }, { 'Fn::Equals': ['a', 'a'] }] } } },
      conditionError('Conditions'),
    ],
    [
      'with a condition that refers to a resource',
      { ...templateWithOutput('x'), Conditions: { Odd: { 'Fn::Equals': [{ Ref: 'Topic' }, 'a'] } } },
      'Template format error: Unresolved dependencies [Topic]. Cannot reference resources in the Conditions block of the template',
    ],
    [
      'with a Ref to an undefined name',
      templateWithOutput({ Ref: 'Nobody' }),
      'Template format error: Unresolved resource dependencies [Nobody] in the Outputs block of the template',
    ],
    [
      'with a Ref to an undefined name in an unused branch of a condition',
      {
        ...templateWithOutput({ 'Fn::If': ['Never', { Ref: 'Nobody' }, 'x'] }),
        Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
      },
      'Template format error: Unresolved resource dependencies [Nobody] in the Outputs block of the template',
    ],
    [
      'with an unknown pseudo parameter',
      templateWithOutput({ 'Fn::Sub': '${AWS::Zone}' }),
      'Template format error: Unresolved resource dependencies [AWS::Zone] in the Outputs block of the template',
    ],
    [
      'with a dependency on an undefined resource',
      { Resources: { Topic: topic({ DependsOn: ['Nobody'] }) } },
      'Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template',
    ],
    [
      'with an attribute of an undefined resource',
      templateWithOutput({ 'Fn::GetAtt': ['Nobody', 'Arn'] }),
      'Template error: instance of Fn::GetAtt references undefined resource Nobody',
    ],
    [
      'with an unknown attribute',
      { Resources: { Vpc: vpc() }, Outputs: { Out: { Value: { 'Fn::GetAtt': ['Vpc', 'Arn'] } } } },
      'Template error: resource Vpc does not support attribute type Arn in Fn::GetAtt',
    ],
    [
      'with an unknown attribute in Fn::Sub',
      { Resources: { Vpc: vpc() }, Outputs: { Out: { Value: { 'Fn::Sub': '${Vpc.Arn}' } } } },
      'Template error: resource Vpc does not support attribute type Arn in Fn::GetAtt',
    ],
    [
      'with Fn::GetAtt without an attribute',
      templateWithOutput({ 'Fn::GetAtt': ['Topic'] }),
      'Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute',
    ],
    [
      'with an undefined mapping',
      templateWithOutput({ 'Fn::FindInMap': ['Regions', 'a', 'b'] }),
      "Template error: Mapping named 'Regions' is not present in the 'Mappings' section of template.",
    ],
    [
      'with a parameter without a value',
      { ...templateWithOutput('x'), Parameters: { Name: { Type: 'String' } } },
      'Parameters: [Name] must have values',
    ],
    [
      'with a parameter value that is not allowed',
      templateWithParameter({ Type: 'String', Default: 'c', AllowedValues: ['a', 'b'] }),
      "Parameter 'Name' must be one of AllowedValues",
    ],
    [
      'with a list parameter with an item that is not allowed',
      templateWithParameter({ Type: 'CommaDelimitedList', Default: 'a, c', AllowedValues: ['a', 'b'] }),
      "Parameter 'Name' must be one of AllowedValues",
    ],
    [
      'with a parameter value of which only a part matches the pattern',
      templateWithParameter({ Type: 'String', Default: 'ab1', AllowedPattern: '[a-z]|[a-z]+' }),
      "Parameter 'Name' must match pattern [a-z]|[a-z]+",
    ],
    [
      'with a parameter value that violates a constraint with a description',
      templateWithParameter({
        Type: 'String',
        Default: '1',
        AllowedPattern: '[a-z]+',
        ConstraintDescription: 'must be lower case',
      }),
      'Parameter Name failed to satisfy constraint: must be lower case',
    ],
    [
      'with a parameter value that is too short',
      templateWithParameter({ Type: 'String', Default: 'ab', MinLength: 3 }),
      "Parameter 'Name' must contain at least 3 characters",
    ],
    [
      'with a parameter value that is too long',
      templateWithParameter({ Type: 'String', Default: 'abcd', MaxLength: '3' }),
      "Parameter 'Name' must contain at most 3 characters",
    ],
    [
      'with a parameter value that is not a number',
      templateWithParameter({ Type: 'Number', Default: 'one' }),
      "Parameter 'Name' must be a number",
    ],
    [
      'with a parameter value that is too small',
      templateWithParameter({ Type: 'Number', Default: 1, MinValue: 2 }),
      "Parameter 'Name' must be a number not less than 2",
    ],
    [
      'with a list parameter with an item that is too large',
      templateWithParameter({ Type: 'List<Number>', Default: '1,11', MaxValue: '10' }),
      "Parameter 'Name' must be a number not greater than 10",
    ],
    [
      'with a parameter pattern that is valid in Java, but not in JavaScript',
      templateWithParameter({ Type: 'String', Default: 'A', AllowedPattern: '\\p{Upper}+' }),
      'the AllowedPattern of the parameter Name is not simulated: got \\p{Upper}+',
    ],
    [
      'with an inline transform',
      templateWithOutput({ 'Fn::Transform': { Name: 'AWS::Include' } }),
      'template transforms are not simulated: got AWS::Include',
    ],
    [
      'with a Transform section',
      { ...templateWithOutput('x'), Transform: ['AWS::Serverless-2016-10-31'] },
      'template transforms are not simulated: got AWS::Serverless-2016-10-31',
    ],
  ])('%s', async (_, template, message) => {
    await expect(deploy(template)).rejects.toThrow(new Error(message));
    expect(events(rehearsal)).toEqual([]);
    expect(rehearsal.aws.inventory().stacks).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['Fn::Join', ['-', 'a']],
    ['Fn::Join', 'a'],
    ['Fn::Split', [',']],
    ['Fn::Select', ['0']],
    ['Fn::FindInMap', ['Map', 'a']],
    ['Fn::Cidr', ['10.0.0.0/16']],
    ['Fn::Sub', { text: 'x' }],
    ['Fn::Sub', ['x']],
    ['Fn::Equals', ['a']],
    ['Fn::Not', []],
    ['Fn::And', [{ 'Fn::Equals': ['a', 'a'] }]],
    ['Fn::Or', Array.from({ length: 11 }, () => ({ 'Fn::Equals': ['a', 'a'] }))],
  ])('with invalid arguments of %s: %j', async (name, argument) => {
    await expect(deploy(templateWithOutput({ [name]: argument }))).rejects.toThrow(
      new RegExp(`^Template error: (every )?(One or more )?${name} `),
    );
    expect(rehearsal.aws.inventory().stacks).toEqual([]);
  });

  test('with an unknown function', async () => {
    await expect(deploy(templateWithOutput({ 'Fn::Lower': 'X' }))).rejects.toThrow(
      'Template format error: Encountered unsupported function: Fn::Lower Supported functions are: [Ref, Fn::GetAtt, Fn::Sub, ',
    );
  });

  test('in an update', async () => {
    await deploy({ Resources: { Vpc: vpc() } });
    await expect(deploy({ Resources: { Vpc: vpc(), Topic: topic({ Condition: 'No' }) } })).rejects.toThrow(
      conditionError('Resources'),
    );
    expect(rehearsal.cloudFormation.describe('Stack').status).toBe('CREATE_COMPLETE');
  });
});

test('parameters that satisfy all constraints are accepted', async () => {
  const numbers = { Type: 'List<Number>', Default: '2, 10', MinValue: 2, MaxValue: 10, AllowedPattern: '\\d+' };
  const { status, outputs: values } = await deploy({
    ...templateWithOutput({ 'Fn::Join': ['+', { Ref: 'Numbers' }] }),
    Parameters: {
      Numbers: numbers,
      Name: { Type: 'String', Default: 'abc', AllowedPattern: '[a-z]+', AllowedValues: ['abc'], MinLength: 3, MaxLength: 3 },
    },
  });
  expect({ status, values }).toEqual({ status: 'CREATE_COMPLETE', values: { Out: '2+10' } });
});

describe('a resource fails', () => {
  const propertyError = (message: string) => `Properties validation failed for resource Bad with message:\n${message}`;
  const fleet = (properties: object) => ({ Type: 'AWS::GameLift::Fleet', Properties: { Name: 'fleet', ...properties } });
  const queue = (properties: object) => ({ Type: 'AWS::SQS::Queue', Properties: properties });

  test.each<[string, object, string]>([
    ['with an unknown property', vpc({ Cidr: 'x' }), propertyError('#: extraneous key [Cidr] is not permitted')],
    [
      'without a required property',
      { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String' } },
      propertyError('#: required key [Value] not found'),
    ],
    [
      'with an object instead of a string',
      vpc({ CidrBlock: { Block: 'x' } }),
      propertyError('#/CidrBlock: expected type: String, found: JSONObject'),
    ],
    [
      'with a word instead of a number',
      queue({ MessageRetentionPeriod: 'long' }),
      propertyError('#/MessageRetentionPeriod: expected type: Integer, found: String'),
    ],
    [
      'with a value that is not in the enum',
      fleet({ FleetType: 'CHEAP' }),
      propertyError('#/FleetType: failed validation constraint for keyword [enum]'),
    ],
    [
      'with a nested value that is not in the enum',
      fleet({ EC2InboundPermissions: [{ FromPort: 1, ToPort: 1, IpRange: '0.0.0.0/0', Protocol: 'ICMP' }] }),
      propertyError('#/EC2InboundPermissions/0/Protocol: failed validation constraint for keyword [enum]'),
    ],
    [
      'with a list instead of a value of an enum',
      fleet({ FleetType: ['SPOT'] }),
      propertyError('#/FleetType: expected type: String, found: JSONArray'),
    ],
    [
      'with a word instead of a boolean',
      vpc({ EnableDnsSupport: 'yes' }),
      propertyError('#/EnableDnsSupport: expected type: Boolean, found: String'),
    ],
    [
      'with a string instead of a list',
      queue({ Tags: 'team' }),
      propertyError('#/Tags: expected type: JSONArray, found: String'),
    ],
    [
      'with a tag without a value',
      vpc({ Tags: [{ Key: 'team', Name: 'x' }] }),
      propertyError('#/Tags/0: required key [Value] not found\n#/Tags/0: extraneous key [Name] is not permitted'),
    ],
    [
      'if it is a custom resource without a service token',
      { Type: 'Custom::Thing', Properties: {} },
      propertyError('#: required key [ServiceToken] not found'),
    ],
    [
      'with an unknown property, even if its type is not simulated',
      topic({ Properties: { Name: 'x' } }),
      propertyError('#: extraneous key [Name] is not permitted'),
    ],
    [
      'if it is a VPC with an invalid CIDR block',
      vpc({ CidrBlock: '10.0.0.0/33' }),
      'Value (10.0.0.0/33) for parameter cidrBlock is invalid. This is not a valid CIDR block.',
    ],
    [
      'if it is a custom resource with a timeout that is too long',
      { Type: 'Custom::Thing', Properties: { ServiceToken: 'arn:aws:lambda:x', ServiceTimeout: '3601' } },
      propertyError('#/ServiceTimeout: 3601 is not less or equal to 3600'),
    ],
    [
      'if it is a function with a timeout of 0 seconds',
      { Type: 'AWS::Lambda::Function', Properties: { Code: { ZipFile: 'x' }, Role: 'arn:aws:iam::1:role/r', Timeout: 0 } },
      propertyError('#/Timeout: 0 is not greater or equal to 1'),
    ],
    [
      'if it is a schedule with too many retries',
      {
        Type: 'AWS::Scheduler::Schedule',
        Properties: {
          FlexibleTimeWindow: { Mode: 'OFF' },
          ScheduleExpression: 'rate(1 day)',
          Target: { Arn: 'arn:aws:lambda:x', RoleArn: 'arn:aws:iam::1:role/r', RetryPolicy: { MaximumRetryAttempts: 186 } },
        },
      },
      propertyError('#/Target/RetryPolicy/MaximumRetryAttempts: 186 is not less or equal to 185'),
    ],
    [
      'if it is a role with a name that is too long',
      { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {}, RoleName: 'x'.repeat(65) } },
      propertyError('#/RoleName: expected maxLength: 64, actual: 65'),
    ],
    [
      'if it is a role with invalid characters in its description',
      { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {}, Description: 'fleet \u2192 VPC' } },
      propertyError('#/Description: failed validation constraint for keyword [pattern]'),
    ],
    ['if it is a fleet without a name', fleet({ Name: '' }), propertyError('#/Name: expected minLength: 1, actual: 0')],
    ['if it is a VPC with a CIDR block that is too large', vpc({ CidrBlock: '10.0.0.0/8' }), "The CIDR '10.0.0.0/8' is invalid."],
  ])('%s', async (_, invalidResource, message) => {
    const { status, reason } = await deploy({ Resources: { Bad: invalidResource } });
    expect({ status, reason }).toEqual({
      status: 'ROLLBACK_COMPLETE',
      reason: 'The following resource(s) failed to create: [Bad]. Rollback requested by user.',
    });
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([message]);
  });

  test.each([
    ['outside of its VPC', '10.1.0.0/24', "The CIDR '10.1.0.0/24' is invalid."],
    ['that overlaps another subnet', '10.0.0.0/25', "The CIDR '10.0.0.0/25' conflicts with another subnet"],
  ])('if it is a subnet with a CIDR block %s', async (_, CidrBlock, message) => {
    const subnet = (cidr: string, attributes: object = {}) => ({
      Type: 'AWS::EC2::Subnet',
      Properties: { VpcId: { Ref: 'Vpc' }, CidrBlock: cidr },
      ...attributes,
    });
    await deploy({ Resources: { Vpc: vpc(), First: subnet('10.0.0.0/24'), Bad: subnet(CidrBlock, { DependsOn: 'First' }) } });
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([message]);
  });

  const invalidDestination = (value: string, name = 'destinationCidrBlock') =>
    `Value (${value}) for parameter ${name} is invalid. This is not a valid CIDR block.`;

  test.each<[string, object, string]>([
    ['a route to a destination that is not a CIDR block', { DestinationCidrBlock: '10.0.0.0' }, invalidDestination('10.0.0.0')],
    [
      'a route to a CIDR block with a prefix that is too long',
      { DestinationCidrBlock: '10.0.0.0/33' },
      invalidDestination('10.0.0.0/33'),
    ],
    ['a route to an IPv6 block in the property for IPv4', { DestinationCidrBlock: '::/0' }, invalidDestination('::/0')],
    [
      'a route to an IPv6 block with a prefix that is too long',
      { DestinationIpv6CidrBlock: '::/129' },
      invalidDestination('::/129', 'destinationIpv6CidrBlock'),
    ],
  ])('if it is %s', async (_, destination, message) => {
    const table = { Type: 'AWS::EC2::RouteTable', Properties: { VpcId: { Ref: 'Vpc' } } };
    const invalidRoute = {
      Type: 'AWS::EC2::Route',
      Properties: { RouteTableId: { Ref: 'Table' }, GatewayId: 'igw-1', ...destination },
    };
    await deploy({ Resources: { Vpc: vpc(), Table: table, Bad: invalidRoute } });
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([message]);
  });

  const ipv4Rule = (CidrIp: string) => ({ IpProtocol: 'tcp', FromPort: 1, ToPort: 1, CidrIp });

  test.each<[string, object, string]>([
    [
      'has an octet that is too large',
      { SecurityGroupIngress: [ipv4Rule('10.0.256.0/24')] },
      'CIDR block 10.0.256.0/24 is malformed',
    ],
    ['has no prefix', { SecurityGroupEgress: [ipv4Rule('10.0.0.0')] }, 'CIDR block 10.0.0.0 is malformed'],
    ['is a name', { SecurityGroupIngress: [{ IpProtocol: '-1', CidrIpv6: 'fleet' }] }, 'CIDR block fleet is malformed'],
  ])('if it is a security group with a rule for a CIDR block that %s', async (_, rules, message) => {
    const group = { Type: 'AWS::EC2::SecurityGroup', Properties: { GroupDescription: 'x', VpcId: { Ref: 'Vpc' }, ...rules } };
    await deploy({ Resources: { Vpc: vpc(), Bad: group } });
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([message]);
  });

  const allowedCharacters =
    'Valid descriptions are strings less than 256 characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*';
  const portRangeError = "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.";

  test.each<[string, object, string]>([
    [
      'invalid characters in its description',
      { GroupDescription: "it's" },
      `Invalid security group description. ${allowedCharacters}`,
    ],
    ['a name that looks like an id', { GroupName: 'sg-1' }, 'Value (sg-1) for parameter GroupName is invalid.'],
    [
      'invalid characters in the description of a rule',
      { SecurityGroupIngress: [{ ...ipv4Rule('10.0.0.0/24'), Description: 'a > b' }] },
      `Invalid rule description. ${allowedCharacters}`,
    ],
    ['a rule without ports', { SecurityGroupIngress: [{ IpProtocol: 'udp', CidrIp: '10.0.0.0/24' }] }, portRangeError],
    [
      'a rule whose ports are in the wrong order',
      { SecurityGroupIngress: [{ ...ipv4Rule('10.0.0.0/24'), FromPort: 2 }] },
      'Invalid TCP/UDP port range (2:1)',
    ],
  ])('if it is a security group with %s', async (_, properties, message) => {
    const group = { GroupDescription: 'x', VpcId: { Ref: 'Vpc' }, ...properties };
    await deploy({ Resources: { Vpc: vpc(), Bad: { Type: 'AWS::EC2::SecurityGroup', Properties: group } } });
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([message]);
  });

  test.each(['Ingress', 'Egress'])('if it is an AWS::EC2::SecurityGroup%s with an invalid CIDR block', async (kind) => {
    const group = { Type: 'AWS::EC2::SecurityGroup', Properties: { GroupDescription: 'x', VpcId: { Ref: 'Vpc' } } };
    const rule = {
      Type: `AWS::EC2::SecurityGroup${kind}`,
      Properties: { GroupId: { Ref: 'Group' }, ...ipv4Rule('10.0.0.0/99') },
    };
    await deploy({ Resources: { Vpc: vpc(), Group: group, Bad: rule } });
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual(['CIDR block 10.0.0.0/99 is malformed']);
  });

  test('in an update with invalid properties, and the update is rolled back', async () => {
    await deploy({ Resources: { Vpc: vpc() } });
    expect((await deploy({ Resources: { Vpc: vpc({ Tag: [] }) } })).status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'UPDATE_FAILED')).toEqual([
      'Properties validation failed for resource Vpc with message:\n#: extraneous key [Tag] is not permitted',
    ]);
  });
});

describe('a resource fails if it', () => {
  const POLICY_DOCUMENT = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' }] };
  const roleTrusting = (Service: string) => ({
    Type: 'AWS::IAM::Role',
    Properties: {
      RoleName: 'role',
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' }],
      },
    },
  });
  const policy = (attributes: object = {}) => ({
    Type: 'AWS::IAM::RolePolicy',
    Properties: { RoleName: { Ref: 'Role' }, PolicyName: 'policy', PolicyDocument: POLICY_DOCUMENT },
    ...attributes,
  });
  const alarm = (attributes: object = {}) => ({
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: 'alarm',
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
    },
    ...attributes,
  });
  const eventInvokeConfig = (attributes: object = {}) => ({
    Type: 'AWS::Lambda::EventInvokeConfig',
    Properties: { FunctionName: { Ref: 'Handler' }, Qualifier: '$LATEST' },
    ...attributes,
  });
  const table = { Type: 'AWS::EC2::RouteTable', Properties: { VpcId: { Ref: 'Vpc' } } };
  const association = (RouteTableId: string, attributes: object = {}) => ({
    Type: 'AWS::EC2::SubnetRouteTableAssociation',
    Properties: { RouteTableId: { Ref: RouteTableId }, SubnetId: { Ref: 'Subnet' } },
    ...attributes,
  });
  const schedule = (properties: object = {}) => ({
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      FlexibleTimeWindow: { Mode: 'OFF' },
      ScheduleExpression: 'rate(1 day)',
      Target: { Arn: 'arn:aws:lambda:us-east-1:111111111111:function:f', RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] } },
      ...properties,
    },
  });
  const alreadyExists = (type: string, identifier: string) =>
    expect.stringMatching(new RegExp(`^Resource of type '${type}' with identifier '${identifier}' already exists\\.$`)) as string;

  test.each<[string, object, string]>([
    [
      'is a role policy that already exists',
      { Role: roleTrusting('lambda.amazonaws.com'), One: policy(), Bad: policy({ DependsOn: 'One' }) },
      alreadyExists('AWS::IAM::RolePolicy', 'policy\\|role'),
    ],
    [
      'is an alarm that already exists',
      { One: alarm(), Bad: alarm({ DependsOn: 'One' }) },
      alreadyExists('AWS::CloudWatch::Alarm', 'alarm'),
    ],
    [
      'is a second event configuration of a function',
      { ...HANDLER_RESOURCES, One: eventInvokeConfig(), Bad: eventInvokeConfig({ DependsOn: 'One' }) },
      alreadyExists('AWS::Lambda::EventInvokeConfig', 'Stack-Handler-\\w+\\|\\$LATEST'),
    ],
    [
      'is an association of a subnet with a second route table',
      {
        Vpc: vpc(),
        Subnet: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: { Ref: 'Vpc' }, CidrBlock: '10.0.0.0/24' } },
        First: table,
        Second: table,
        One: association('First'),
        Bad: association('Second', { DependsOn: 'One' }),
      },
      expect.stringMatching(
        /^the specified association for route table rtb-\w+ conflicts with an existing association$/,
      ) as string,
    ],
    [
      'is a function whose role does not trust Lambda',
      { Role: roleTrusting('ec2.amazonaws.com'), Bad: functionResource('') },
      'Resource handler returned message: "The role defined for the function cannot be assumed by Lambda. (Service: Lambda, ' +
        'Status Code: 400, Error Code: InvalidParameterValueException)"',
    ],
    [
      'is a schedule whose role does not trust Scheduler',
      { Role: roleTrusting('lambda.amazonaws.com'), Bad: schedule() },
      'The execution role you provide must allow AWS EventBridge Scheduler to assume the role.',
    ],
    [
      'is a schedule of a group that does not exist',
      { Role: roleTrusting('scheduler.amazonaws.com'), Bad: schedule({ GroupName: 'group' }) },
      'Schedule group group does not exist.',
    ],
  ])('%s', async (_, Resources, message) => {
    const before = rehearsal.aws.inventory();
    expect((await deploy({ Resources })).status).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([message]);
    await rehearsal.cloudFormation.delete('Stack');
    expect(rehearsal.aws.inventory()).toEqual(before);
  });
});

test('a resource is replaced if a nested create-only property changes, and otherwise updated in place', async () => {
  const endpoint = (DnsOptions: object) => ({
    Type: 'AWS::EC2::VPCEndpoint',
    Properties: { VpcId: 'vpc-1', ServiceName: 'com.amazonaws.us-east-1.gamelift', DnsOptions },
  });
  const endpointId = () => rehearsal.cloudFormation.describe('Stack').resources[0]?.physicalId;
  await deploy({ Resources: { Endpoint: endpoint({ DnsRecordIpType: 'ipv4', PrivateDnsPreference: 'ALL_DOMAINS' }) } });
  const firstId = endpointId();
  await deploy({ Resources: { Endpoint: endpoint({ DnsRecordIpType: 'dualstack', PrivateDnsPreference: 'ALL_DOMAINS' }) } });
  expect(endpointId()).toBe(firstId);
  const replacingOptions = { DnsRecordIpType: 'dualstack', PrivateDnsPreference: 'SPECIFIED_DOMAINS_ONLY' };
  expect((await deploy({ Resources: { Endpoint: endpoint(replacingOptions) } })).status).toBe('UPDATE_COMPLETE');
  expect(endpointId()).not.toBe(firstId);
  expect(rehearsal.aws.inventory().otherResources).toEqual([expect.objectContaining({ physicalId: endpointId() })]);
});

test('CloudFormation converts strings to booleans and numbers, and numbers to strings', async () => {
  const { status } = await deploy({
    Resources: {
      Vpc: vpc({ EnableDnsSupport: 'true', Tags: [{ Key: 'number', Value: 5 }] }),
      Queue: { Type: 'AWS::SQS::Queue', Properties: { MessageRetentionPeriod: '60' } },
    },
  });
  expect(status).toBe('CREATE_COMPLETE');
});

test('each feature that is not understood is listed once', async () => {
  rehearsal.aws.parameters.put({ account: '111111111111', region: 'us-east-1' }, 'image', { type: 'String', value: 'x' });
  const unknownResource = { Type: 'Studio::Unheard::Of', Properties: { Anything: 1 } };
  await deploy({
    Resources: {
      ...HANDLER_RESOURCES,
      Role: {
        ...HANDLER_RESOURCES.Role,
        Properties: { ...HANDLER_RESOURCES.Role.Properties, ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] },
      },
      One: unknownResource,
      Two: unknownResource,
      Topic: topic({ CreationPolicy: {}, UpdatePolicy: {}, DeletionPolicy: 'Snapshot' }),
      Thing: customResource({}),
      Secret: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: '{{resolve:secretsmanager:name}}' } },
    },
    // the CDK adds the rule CheckBootstrapVersion to its templates: the rehearsal does not list it
    Rules: { OnlyHere: {}, CheckBootstrapVersion: {} },
    Hooks: { BlueGreen: {} },
    Parameters: {
      Image: { Type: 'AWS::SSM::Parameter::Value<String>', Default: 'image' },
      VpcIds: { Type: 'List<AWS::EC2::VPC::Id>', Default: 'vpc-1' },
    },
  });
  expect(rehearsal.aws.notUnderstood.list().sort()).toEqual([
    'AWS::SNS::Topic: ids and attributes are made up',
    'CreationPolicy of AWS::SNS::Topic: ignored, no signals are awaited',
    'Studio::Unheard::Of: ids and attributes are made up, and properties are not checked',
    'UpdatePolicy of AWS::SNS::Topic: ignored during updates',
    'dynamic references to secretsmanager are not simulated: got name',
    'parameters of the type AWS::EC2::VPC::Id: the existence of the named resources is not checked',
    'snapshots of AWS::SNS::Topic: not created',
    'the AWS managed policy arn:aws:iam::aws:policy/ReadOnlyAccess: its content is unknown, so it grants nothing',
    'the hook BlueGreen: hooks of templates are not invoked',
    'the rule OnlyHere: rules of templates are not evaluated',
  ]);
});

test('properties without an effect are listed once as not understood', async () => {
  const key = { Type: 'AWS::KMS::Key', Properties: { KeyPolicy: {} } };
  const { status } = await deploy({
    Resources: {
      One: key,
      Two: key,
      Role: HANDLER_RESOURCES.Role,
      Handler: functionResource('', { ReservedConcurrentExecutions: 1 }),
      Events: {
        Type: 'AWS::Lambda::EventInvokeConfig',
        Properties: {
          FunctionName: { Ref: 'Handler' },
          Qualifier: '$LATEST',
          DestinationConfig: { OnFailure: { Destination: 'arn:aws:sns:us-east-1:111111111111:topic' } },
        },
      },
    },
  });
  expect(status).toBe('CREATE_COMPLETE');
  expect(rehearsal.aws.notUnderstood.list().sort()).toEqual([
    'KeyPolicy of AWS::KMS::Key: accepted, without effect',
    'ReservedConcurrentExecutions of AWS::Lambda::Function: accepted, without effect',
    'the destination arn:aws:sns:us-east-1:111111111111:topic of a function: only SQS queues are simulated as destinations',
  ]);
});

test('an unknown AWS type is listed as not understood, because it may be newer than the rehearsal', async () => {
  await expect(deploy({ Resources: { New: { Type: 'AWS::GameLift::Anything' } } })).rejects.toThrow(
    'Unrecognized resource types',
  );
  expect(rehearsal.aws.notUnderstood.list()).toEqual([
    'AWS::GameLift::Anything: unknown resource type, so templates with it are refused',
  ]);
});

test('the schema of fleets has the properties that replace a fleet according to the documentation', () => {
  // the properties with “Update requires: Replacement” in the documentation as of 2026
  const properties = Object.entries(schemaOf('AWS::GameLift::Fleet')?.properties ?? {});
  expect(
    properties
      .filter(([, { createOnly }]) => createOnly)
      .map(([name]) => name)
      .sort(),
  ).toEqual([
    'BuildId',
    'CertificateConfiguration',
    'ComputeType',
    'EC2InstanceType',
    'FleetType',
    'InstanceRoleARN',
    'InstanceRoleCredentialsProvider',
    'LogPaths',
    'PeerVpcAwsAccountId',
    'PeerVpcId',
    'PlayerGatewayConfiguration',
    'PlayerGatewayMode',
    'ScriptId',
    'ServerLaunchParameters',
    'ServerLaunchPath',
  ]);
  // a property that can be updated in place
  expect(properties.map(([name]) => name)).toContain('AnywhereConfiguration');
});
