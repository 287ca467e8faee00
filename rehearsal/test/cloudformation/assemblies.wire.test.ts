import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, CfnOutput, CfnParameter, CfnResource, Fn, NestedStack, Stack, Stage, type Environment } from 'aws-cdk-lib';
import { CfnRole } from 'aws-cdk-lib/aws-iam';
import { CfnParameter as SsmParameter, StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { Rehearsal } from '../../src/index';
import { events, reasons } from '../assembly';

const FIRST_ENVIRONMENT: Environment = { account: '111111111111', region: 'us-east-1' };
const SECOND_ENVIRONMENT: Environment = { account: '222222222222', region: 'eu-west-1' };
const trustPolicy = (principal: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: principal }, Action: 'sts:AssumeRole' }],
});

let rehearsal: Rehearsal;
let app: App;

const newApp = () => new App({ outdir: mkdtempSync(path.join(tmpdir(), 'rehearsal-app-')), analyticsReporting: false });

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
  app = newApp();
});
afterEach(() => rehearsal.close());

const deployAll = async () => {
  const results = await rehearsal.cloudFormation.deployAll(app.synth().directory);
  return results.map(({ name, status }) => `${name} ${status}`);
};
const deleteAll = async () => {
  const results = await rehearsal.cloudFormation.deleteAll(app.outdir);
  return results.map(({ name, status }) => `${name} ${status}`);
};
const addSsmParameter = (
  scope: Construct,
  id: string,
  { value = 'value', name }: { readonly value?: string; readonly name?: string } = {},
) => new SsmParameter(scope, id, { type: 'String', value, ...(name === undefined ? {} : { name }) });
/** Adds a resource that cannot be created. */
const addInvalidResource = (scope: Construct) =>
  new CfnResource(scope, 'Broken', { type: 'AWS::SSM::Parameter', properties: { Type: 'String' } });
const outputOf = (stack: string, output: string) => rehearsal.cloudFormation.describe(stack).outputs[output];

describe('a whole assembly', () => {
  test('is deployed in the order of dependencies across accounts, Regions and stages, and deleted in reverse order', async () => {
    const last = new Stack(app, 'Last', { env: FIRST_ENVIRONMENT });
    const stage = new Stage(app, 'Stage', { env: SECOND_ENVIRONMENT });
    const inner = new Stack(stage, 'Inner');
    const outer = new Stack(stage, 'Outer', { env: FIRST_ENVIRONMENT });
    const middle = new Stack(app, 'Middle', { env: SECOND_ENVIRONMENT });
    [last, inner, outer, middle].forEach((stack) => addSsmParameter(stack, 'One'));
    last.addDependency(middle);
    inner.addDependency(outer);
    expect(await deployAll()).toEqual([
      'Stage-Outer CREATE_COMPLETE',
      'Stage-Inner CREATE_COMPLETE',
      'Middle CREATE_COMPLETE',
      'Last CREATE_COMPLETE',
    ]);
    expect(rehearsal.cloudFormation.describe('Stage-Inner')).toMatchObject(SECOND_ENVIRONMENT);
    expect(rehearsal.cloudFormation.describe('Stage-Outer')).toMatchObject(FIRST_ENVIRONMENT);
    expect(await deployAll()).toHaveLength(4);
    expect(await deleteAll()).toEqual([
      'Last DELETE_COMPLETE',
      'Middle DELETE_COMPLETE',
      'Stage-Inner DELETE_COMPLETE',
      'Stage-Outer DELETE_COMPLETE',
    ]);
    expect(await deleteAll()).toEqual([]);
  });

  test('may contain stacks with the same name in several environments', async () => {
    for (const [index, env] of [FIRST_ENVIRONMENT, SECOND_ENVIRONMENT].entries()) {
      addSsmParameter(new Stack(app, `Peering${index}`, { env, stackName: 'Peering' }), 'One', { name: '/same' });
    }
    const deployed = await rehearsal.cloudFormation.deployAll(app.synth().directory);
    expect(deployed).toMatchObject([FIRST_ENVIRONMENT, SECOND_ENVIRONMENT]);
    expect(await deleteAll()).toEqual(['Peering DELETE_COMPLETE', 'Peering DELETE_COMPLETE']);
  });

  test('stops at the first stack that fails', async () => {
    const [one, two, three] = ['One', 'Two', 'Three'].map((id) => new Stack(app, id, { env: FIRST_ENVIRONMENT }));
    if (!one || !two || !three) {
      throw new Error('expected three stacks');
    }
    two.addDependency(one);
    three.addDependency(two);
    addSsmParameter(one, 'Fine');
    addInvalidResource(two);
    addSsmParameter(three, 'Never');
    expect(await deployAll()).toEqual(['One CREATE_COMPLETE', 'Two ROLLBACK_COMPLETE']);
  });
});

describe('a nested stack', () => {
  interface ParentOptions {
    readonly value?: string;
    /** Whether the nested stack has the parameter `/removable`. */
    readonly hasRemovable?: boolean;
    /** Whether the nested stack contains a resource that cannot be created. */
    readonly isNestedInvalid?: boolean;
    /** Whether the parent contains a resource whose creation starts after the nested stack is complete, and fails. */
    readonly isParentInvalid?: boolean;
  }

  /** Creates a new app with a parent stack and a nested stack. */
  function buildParent({
    value = 'value',
    hasRemovable = true,
    isNestedInvalid = false,
    isParentInvalid = false,
  }: ParentOptions = {}): void {
    app = newApp();
    const stack = new Stack(app, 'Parent', { env: FIRST_ENVIRONMENT });
    const source = addSsmParameter(stack, 'Source', { value });
    const nested = new NestedStack(stack, 'Nested');
    const copy = addSsmParameter(nested, 'Copy', { name: '/copy', value: Fn.join('-', ['copy', source.attrValue]) });
    if (hasRemovable) {
      addSsmParameter(nested, 'Removable', { name: '/removable' });
    }
    new CfnOutput(stack, 'Value', { value: copy.attrValue });
    if (isNestedInvalid) {
      addInvalidResource(nested);
    }
    if (isParentInvalid) {
      addInvalidResource(stack).node.addDependency(nested);
    }
  }

  const nestedStatuses = () =>
    rehearsal.cloudFormation
      .describe('Parent')
      .resources.filter(({ type }) => type === 'AWS::CloudFormation::Stack')
      .map(({ physicalId }) => rehearsal.cloudFormation.describe(physicalId ?? '').status);
  const hasParameter = (name: string) => rehearsal.aws.parameters.has({ account: '111111111111', region: 'us-east-1' }, name);

  test('receives parameters, returns outputs, and is updated and deleted with its parent', async () => {
    buildParent();
    expect(await deployAll()).toEqual(['Parent CREATE_COMPLETE']);
    expect([outputOf('Parent', 'Value'), nestedStatuses()]).toEqual(['copy-value', ['CREATE_COMPLETE']]);
    buildParent({ value: 'changed', hasRemovable: false });
    expect(await deployAll()).toEqual(['Parent UPDATE_COMPLETE']);
    expect([outputOf('Parent', 'Value'), nestedStatuses()]).toEqual(['copy-changed', ['UPDATE_COMPLETE']]);
    expect(hasParameter('/removable')).toBe(false);
    expect(await deleteAll()).toEqual(['Parent DELETE_COMPLETE']);
    expect(hasParameter('/copy')).toBe(false);
  });

  test('that cannot be created fails its parent, and leaves nothing behind', async () => {
    buildParent({ isNestedInvalid: true });
    expect(await deployAll()).toEqual(['Parent ROLLBACK_COMPLETE']);
    expect(reasons(rehearsal, 'CREATE_FAILED').at(-1)).toMatch(
      /^Embedded stack arn:aws:cloudformation:us-east-1:111111111111:stack\/Parent-Nested\S+ was not successfully created: The following resource\(s\) failed to create: \[Broken, /,
    );
    expect([hasParameter('/copy'), nestedStatuses()]).toEqual([false, []]);
  });

  test('that cannot be updated is rolled back with its parent', async () => {
    buildParent();
    await deployAll();
    buildParent({ value: 'changed', isNestedInvalid: true });
    expect(await deployAll()).toEqual(['Parent UPDATE_ROLLBACK_COMPLETE']);
    expect(nestedStatuses()).toEqual(['UPDATE_ROLLBACK_COMPLETE']);
    expect(rehearsal.aws.parameters.get({ account: '111111111111', region: 'us-east-1' }, '/copy')?.value).toBe('copy-value');
  });

  test('is rolled back without losing resources if its parent fails later', async () => {
    buildParent();
    await deployAll();
    const beforeUpdate = rehearsal.journal.entries.length;
    buildParent({ value: 'changed', hasRemovable: false, isParentInvalid: true });
    expect(await deployAll()).toEqual(['Parent UPDATE_ROLLBACK_COMPLETE']);
    expect(nestedStatuses()).toEqual(['UPDATE_ROLLBACK_COMPLETE']);
    expect([hasParameter('/removable'), outputOf('Parent', 'Value')]).toEqual([true, 'copy-value']);
    expect(events(rehearsal, beforeUpdate).filter((event) => /Removable\S* DELETE/.test(event))).toEqual([]);
    buildParent({ value: 'changed' });
    expect(await deployAll()).toEqual(['Parent UPDATE_COMPLETE']);
  });
});

describe('parameters of Systems Manager', () => {
  test('are read by parameters of templates and by dynamic references, and a new value updates the stack', async () => {
    const writer = new Stack(app, 'Writer', { env: FIRST_ENVIRONMENT });
    addSsmParameter(writer, 'One', { name: '/shared', value: 'first' });
    const reader = new Stack(app, 'Reader', { env: FIRST_ENVIRONMENT });
    reader.addDependency(writer);
    new CfnOutput(reader, 'Typed', { value: StringParameter.valueForStringParameter(reader, '/shared') });
    const copy = addSsmParameter(reader, 'Copy', { value: 'dynamic-{{resolve:ssm:/shared}}' });
    new CfnOutput(reader, 'Dynamic', { value: copy.attrValue });
    expect(await deployAll()).toEqual(['Writer CREATE_COMPLETE', 'Reader CREATE_COMPLETE']);
    expect([outputOf('Reader', 'Typed'), outputOf('Reader', 'Dynamic')]).toEqual(['first', 'dynamic-first']);
    rehearsal.aws.parameters.put({ account: '111111111111', region: 'us-east-1' }, '/shared', {
      type: 'String',
      value: 'second',
    });
    await rehearsal.cloudFormation.deploy(app.outdir, 'Reader');
    expect([outputOf('Reader', 'Typed'), outputOf('Reader', 'Dynamic')]).toEqual(['second', 'dynamic-second']);
  });

  test('that do not exist fail the stacks that need them', async () => {
    const stack = new Stack(app, 'Reader', { env: FIRST_ENVIRONMENT });
    addSsmParameter(stack, 'Copy', { value: '{{resolve:ssm:/nowhere:3}}' });
    expect(await deployAll()).toEqual(['Reader ROLLBACK_COMPLETE']);
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual(['Parameters: [ssm:/nowhere:3] cannot be found.']);
    app = newApp();
    const other = new Stack(app, 'Other', { env: FIRST_ENVIRONMENT });
    addSsmParameter(other, 'One');
    new CfnParameter(other, 'Typed', {
      type: 'AWS::SSM::Parameter::Value<String>',
      default: '/nowhere',
    });
    await expect(deployAll()).rejects.toThrow('Unable to fetch parameters [/nowhere] from parameter store for this account.');
  });
});

describe('Fn::GetStackOutput', () => {
  const stackOutput = (options: object) => ({ 'Fn::GetStackOutput': { StackName: 'Producer', OutputName: 'Value', ...options } });

  /**
   * @param options options of Fn::GetStackOutput
   * @param trustedPrincipal the principal that may assume the role with access to the producer. @default - there is no such role
   */
  function addProducerAndConsumer(consumerEnv: Environment, options: object, trustedPrincipal?: string): void {
    const producer = new Stack(app, 'Producer', { env: FIRST_ENVIRONMENT });
    const consumer = new Stack(app, 'Consumer', { env: consumerEnv });
    consumer.addDependency(producer);
    new CfnOutput(producer, 'Value', { value: addSsmParameter(producer, 'One', { value: 'produced' }).attrValue });
    if (trustedPrincipal !== undefined) {
      new CfnRole(producer, 'Role', {
        roleName: 'reader',
        assumeRolePolicyDocument: trustPolicy(trustedPrincipal),
        policies: [
          {
            policyName: 'Read',
            policyDocument: {
              Version: '2012-10-17',
              Statement: [{ Effect: 'Allow', Action: 'cloudformation:DescribeStacks', Resource: producer.stackId }],
            },
          },
        ],
      });
    }
    new CfnResource(consumer, 'Copy', {
      type: 'AWS::SSM::Parameter',
      properties: { Name: '/copy', Type: 'String', Value: stackOutput(options) },
    });
  }

  const roleArn = 'arn:aws:iam::111111111111:role/reader';
  // hnb659fds is the default qualifier of the CDK's bootstrap stack
  const executionRoleArn = 'arn:aws:iam::222222222222:role/cdk-hnb659fds-cfn-exec-role-222222222222-eu-west-1';
  const copiedValue = (env: Environment) =>
    rehearsal.aws.parameters.get({ account: env.account ?? '', region: env.region ?? '' }, '/copy')?.value;

  test.each([
    ['the same environment', FIRST_ENVIRONMENT, {}],
    ['another Region', { ...FIRST_ENVIRONMENT, region: 'eu-west-1' }, { Region: 'us-east-1' }],
  ])('reads an output from %s without an export', async (_, env, options) => {
    addProducerAndConsumer(env, options);
    expect(await deployAll()).toEqual(['Producer CREATE_COMPLETE', 'Consumer CREATE_COMPLETE']);
    expect(copiedValue(env)).toBe('produced');
  });

  test('reads an output from another account with a role that trusts the execution role of CloudFormation', async () => {
    rehearsal.aws.iam.createRole({
      account: '222222222222',
      roleName: 'cdk-hnb659fds-cfn-exec-role-222222222222-eu-west-1',
      assumeRolePolicy: trustPolicy('arn:aws:iam::222222222222:root'),
    });
    addProducerAndConsumer(SECOND_ENVIRONMENT, { Region: 'us-east-1', RoleArn: roleArn }, executionRoleArn);
    expect(await deployAll()).toEqual(['Producer CREATE_COMPLETE', 'Consumer CREATE_COMPLETE']);
    expect(copiedValue(SECOND_ENVIRONMENT)).toBe('produced');
  });

  test.each([
    ['a role that trusts another account', 'arn:aws:iam::333333333333:root'],
    ['a role that does not exist', undefined],
  ])('is refused with %s', async (_, trustedPrincipal) => {
    addProducerAndConsumer(SECOND_ENVIRONMENT, { Region: 'us-east-1', RoleArn: roleArn }, trustedPrincipal);
    expect(await deployAll()).toEqual(['Producer CREATE_COMPLETE', 'Consumer ROLLBACK_COMPLETE']);
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toContain('is not authorized to perform: sts:AssumeRole on resource: ');
  });

  test('is a weak reference: the producer can be deleted, and the consumer keeps the value', async () => {
    addProducerAndConsumer(FIRST_ENVIRONMENT, {});
    await deployAll();
    expect((await rehearsal.cloudFormation.delete('Producer')).status).toBe('DELETE_COMPLETE');
    expect(copiedValue(FIRST_ENVIRONMENT)).toBe('produced');
  });
});
