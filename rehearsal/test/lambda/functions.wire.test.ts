import { Rehearsal } from '../../src/index';
import { functionResource, HANDLER_RESOURCES, reasons, writeAssembly } from '../assembly';

const PLACE = { account: '111111111111', region: 'us-east-1' };
const MINUTE = 60_000;

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1), ...PLACE });
});
afterEach(() => rehearsal.close());

const deploy = (Resources: object) => rehearsal.cloudFormation.deploy(writeAssembly({ Resources }), 'Stack');
const remove = () => rehearsal.cloudFormation.delete('Stack');
const interfaces = () => rehearsal.aws.inventory().networkInterfaces;
const idOf = (logicalId: string) =>
  rehearsal.cloudFormation.describe('Stack').resources.find((resource) => resource.logicalId === logicalId)?.physicalId ?? '';
const refusedByLambda = (message: string) =>
  `Resource handler returned message: "${message} (Service: Lambda, Status Code: 400, Error Code: InvalidParameterValueException)"`;

/** Runs an operation of a stack. Returns the status of the stack, and the duration in rehearsed minutes. */
async function runTimed(task: () => Promise<{ readonly status: string }>): Promise<{ status: string; minutes: number }> {
  const started = rehearsal.clock.now();
  const { status } = await task();
  return { status, minutes: Math.floor((rehearsal.clock.now() - started) / MINUTE) };
}

describe('a function in a VPC', () => {
  const PERMISSIONS = ['ec2:CreateNetworkInterface', 'ec2:DescribeNetworkInterfaces', 'ec2:DeleteNetworkInterface'];
  const VPC = { VpcId: { Ref: 'Vpc' } };
  const IN_VPC = { VpcConfig: { SubnetIds: [{ Ref: 'First' }, { Ref: 'Second' }], SecurityGroupIds: [{ Ref: 'Group' }] } };
  const NETWORK = {
    Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
    First: { Type: 'AWS::EC2::Subnet', Properties: { ...VPC, CidrBlock: '10.0.0.0/24' } },
    Second: { Type: 'AWS::EC2::Subnet', Properties: { ...VPC, CidrBlock: '10.0.1.0/24' } },
    Group: { Type: 'AWS::EC2::SecurityGroup', Properties: { ...VPC, GroupDescription: 'functions' } },
  };

  const policyFor = (actions: readonly string[]) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
  });
  const role = (actions: readonly string[] = PERMISSIONS) => {
    const { Properties, ...rest } = HANDLER_RESOURCES.Role;
    return {
      ...rest,
      Properties: { ...Properties, RoleName: 'role', Policies: [{ PolicyName: 'network', PolicyDocument: policyFor(actions) }] },
    };
  };
  const stack = (resources: object = {}) => ({ ...NETWORK, Role: role(), Handler: functionResource('', IN_VPC), ...resources });

  test('has an interface in each subnet, and CloudFormation waits until they are deleted', async () => {
    const before = rehearsal.aws.inventory();
    expect((await deploy(stack())).status).toBe('CREATE_COMPLETE');
    expect(interfaces()).toEqual(
      ['First', 'Second'].map((subnet) => ({
        networkInterfaceId: expect.stringMatching(/^eni-[0-9a-f]{17}$/) as unknown,
        subnetId: idOf(subnet),
        groupIds: [idOf('Group')],
        description: `AWS Lambda VPC ENI-${idOf('Handler')}`,
      })),
    );
    expect(rehearsal.aws.inventory().functions).toEqual([
      expect.objectContaining({ vpc: { subnetIds: [idOf('First'), idOf('Second')], securityGroupIds: [idOf('Group')] } }),
    ]);
    expect(await runTimed(remove)).toEqual({ status: 'DELETE_COMPLETE', minutes: 20 });
    expect(reasons(rehearsal, 'DELETE_FAILED')).toEqual([]);
    expect(rehearsal.aws.inventory()).toEqual(before);
  });

  test('shares its interfaces with functions in the same subnets and groups, and they are deleted with the last function', async () => {
    const twoFunctions = stack({ Other: functionResource('', IN_VPC) });
    expect((await deploy(twoFunctions)).status).toBe('CREATE_COMPLETE');
    expect(interfaces()).toHaveLength(2);
    expect(await runTimed(() => deploy(stack()))).toEqual({ status: 'UPDATE_COMPLETE', minutes: 0 });
    await rehearsal.clock.sleep(60 * MINUTE);
    expect(interfaces()).toHaveLength(2);
    expect(await runTimed(remove)).toEqual({ status: 'DELETE_COMPLETE', minutes: 20 });
    expect(interfaces()).toEqual([]);
  });

  test.each(PERMISSIONS)('is refused if its role lacks %s', async (missing) => {
    const before = rehearsal.aws.inventory();
    const roleWithoutPermission = role(PERMISSIONS.filter((action) => action !== missing));
    expect((await deploy(stack({ Role: roleWithoutPermission }))).status).toBe('ROLLBACK_COMPLETE');
    const action = missing.slice('ec2:'.length);
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([
      refusedByLambda(`The provided execution role does not have permissions to call ${action} on EC2`),
    ]);
    await remove();
    expect(rehearsal.aws.inventory()).toEqual(before);
  });

  test.each([
    [
      'without a security group',
      { SubnetIds: [{ Ref: 'First' }] },
      'SubnetIds and SecurityIds must coexist or be both empty list.',
    ],
    [
      'in a subnet that does not exist',
      { SubnetIds: [{ Ref: 'First' }, 'subnet-0'], SecurityGroupIds: [{ Ref: 'Group' }] },
      'Error occurred while CreateNetworkInterface. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID ' +
        "'subnet-0' does not exist",
    ],
  ])('is refused %s', async (_, VpcConfig, message) => {
    await deploy(stack({ Handler: functionResource('', { VpcConfig }) }));
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toBe(refusedByLambda(message));
    expect(interfaces()).toEqual([]);
  });

  test('keeps its interfaces if its role may not delete them, and the deletion of subnets and groups fails', async () => {
    await deploy(stack());
    rehearsal.aws.iam.putRolePolicy(PLACE.account, 'role', 'network', policyFor(PERMISSIONS.slice(0, 2)));
    const [first, second, group] = ['First', 'Second', 'Group'].map(idOf);
    expect(await runTimed(remove)).toEqual({ status: 'DELETE_FAILED', minutes: 35 });
    expect(new Set(reasons(rehearsal, 'DELETE_FAILED'))).toEqual(
      new Set([
        `The subnet '${first ?? ''}' has dependencies and cannot be deleted.`,
        `The subnet '${second ?? ''}' has dependencies and cannot be deleted.`,
        `resource ${group ?? ''} has a dependent object`,
        'The following resource(s) failed to delete: [First, Second, Group].',
      ]),
    );
    expect(interfaces()).toHaveLength(2);
    expect(rehearsal.aws.inventory()).toMatchObject({ functions: [], roles: [], subnets: [{}, {}] });
  });

  test('that leaves the VPC keeps its interfaces for 20 minutes, and CloudFormation does not wait', async () => {
    await deploy(stack());
    const outsideOfVpc = { Role: role(), Handler: functionResource('') };
    expect(await runTimed(() => deploy({ ...NETWORK, ...outsideOfVpc }))).toEqual({ status: 'UPDATE_COMPLETE', minutes: 0 });
    expect(interfaces()).toHaveLength(2);
    await rehearsal.clock.sleep(21 * MINUTE);
    expect(interfaces()).toEqual([]);
  });

  test('that leaves the VPC together with its security group delays the cleanup of the update', async () => {
    await deploy(stack());
    const { Vpc, First, Second } = NETWORK;
    const groupId = idOf('Group');
    expect((await deploy({ Vpc, First, Second, Role: role(), Handler: functionResource('') })).status).toBe('UPDATE_COMPLETE');
    expect(reasons(rehearsal, 'DELETE_FAILED')).toEqual([`resource ${groupId} has a dependent object`]);
    expect(rehearsal.aws.inventory().securityGroups).toHaveLength(1);
  });

  test('keeps the interfaces of published versions', async () => {
    const Version = { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Handler' } } };
    await deploy(stack({ Version }));
    await deploy(stack({ Version, Handler: functionResource('') }));
    await rehearsal.clock.sleep(60 * MINUTE);
    expect(interfaces()).toHaveLength(2);
    await deploy(stack({ Handler: functionResource('') }));
    await rehearsal.clock.sleep(21 * MINUTE);
    expect(interfaces()).toEqual([]);
  });
});

describe('a function with a key', () => {
  const { Role } = HANDLER_RESOURCES;
  const KEY = 'arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555';
  const handler = (KmsKeyArn: unknown) => functionResource('', { KmsKeyArn });
  const refusal = refusedByLambda(
    'Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant. Please ' +
      `check your KMS key settings. KMS Exception: NotFoundException KMS Message: Key '${KEY}' does not exist`,
  );

  test('of the same stack is created and deleted with the key', async () => {
    const before = rehearsal.aws.inventory();
    const Key = { Type: 'AWS::KMS::Key', Properties: { KeyPolicy: {} } };
    expect((await deploy({ Role, Key, Handler: handler({ 'Fn::GetAtt': ['Key', 'Arn'] }) })).status).toBe('CREATE_COMPLETE');
    const { keys, functions } = rehearsal.aws.inventory();
    expect(keys).toEqual([{ ...PLACE, keyId: idOf('Key') }]);
    expect(functions).toEqual([expect.objectContaining({ kmsKeyArn: `arn:aws:kms:us-east-1:111111111111:key/${idOf('Key')}` })]);
    expect((await remove()).status).toBe('DELETE_COMPLETE');
    expect(rehearsal.aws.inventory()).toEqual(before);
  });

  test('that does not exist is refused', async () => {
    expect((await deploy({ Role, Handler: handler(KEY) })).status).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([refusal]);
    expect(rehearsal.aws.inventory().functions).toEqual([]);
  });

  test('that does not exist is refused in an update, and the function is not changed', async () => {
    await deploy({ Role, Handler: functionResource('') });
    const before = rehearsal.aws.inventory().functions;
    expect((await deploy({ Role, Handler: handler(KEY) })).status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'UPDATE_FAILED')).toEqual([refusal]);
    expect(rehearsal.aws.inventory().functions).toEqual(before);
  });
});
