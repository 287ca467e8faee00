import { Rehearsal } from '../../src/index';
import { functionResource, HANDLER_RESOURCES, reasons, writeAssembly } from '../assembly';

const ACCOUNT_AND_REGION = { account: '111111111111', region: 'us-east-1' };
const MINUTE = 60_000;

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1), ...ACCOUNT_AND_REGION });
});
afterEach(() => rehearsal.close());

const deploy = (Resources: object) => rehearsal.cloudFormation.deploy(writeAssembly({ Resources }), 'Stack');
const deleteStack = () => rehearsal.cloudFormation.delete('Stack');
const networkInterfaces = () => rehearsal.aws.inventory().networkInterfaces;
const physicalIdOf = (logicalId: string) =>
  rehearsal.cloudFormation.describe('Stack').resources.find((resource) => resource.logicalId === logicalId)?.physicalId ?? '';
const refusedByLambda = (message: string) =>
  `Resource handler returned message: "${message} (Service: Lambda, Status Code: 400, Error Code: InvalidParameterValueException)"`;

/** Runs an operation of a stack. Returns the status of the stack, and the duration in rehearsed minutes. */
async function runTimed(task: () => Promise<{ readonly status: string }>): Promise<{ status: string; minutes: number }> {
  const startTime = rehearsal.clock.now();
  const { status } = await task();
  return { status, minutes: Math.floor((rehearsal.clock.now() - startTime) / MINUTE) };
}

describe('a function in a VPC', () => {
  const PERMISSIONS = ['ec2:CreateNetworkInterface', 'ec2:DescribeNetworkInterfaces', 'ec2:DeleteNetworkInterface'];
  const VPC_ID_PROPERTY = { VpcId: { Ref: 'Vpc' } };
  const VPC_CONFIG_PROPERTY = {
    VpcConfig: { SubnetIds: [{ Ref: 'First' }, { Ref: 'Second' }], SecurityGroupIds: [{ Ref: 'Group' }] },
  };
  const NETWORK = {
    Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
    First: { Type: 'AWS::EC2::Subnet', Properties: { ...VPC_ID_PROPERTY, CidrBlock: '10.0.0.0/24' } },
    Second: { Type: 'AWS::EC2::Subnet', Properties: { ...VPC_ID_PROPERTY, CidrBlock: '10.0.1.0/24' } },
    Group: { Type: 'AWS::EC2::SecurityGroup', Properties: { ...VPC_ID_PROPERTY, GroupDescription: 'functions' } },
  };

  const policyFor = (actions: readonly string[]) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
  });
  const roleWith = (actions: readonly string[] = PERMISSIONS) => {
    const { Properties, ...rest } = HANDLER_RESOURCES.Role;
    return {
      ...rest,
      Properties: {
        ...Properties,
        RoleName: 'role',
        Policies: [{ PolicyName: 'network', PolicyDocument: policyFor(actions) }],
      },
    };
  };
  const allResources = (resources: object = {}) => ({
    ...NETWORK,
    Role: roleWith(),
    Handler: functionResource('', VPC_CONFIG_PROPERTY),
    ...resources,
  });

  test('has an interface in each subnet, and CloudFormation waits until the interfaces are deleted', async () => {
    const before = rehearsal.aws.inventory();
    expect((await deploy(allResources())).status).toBe('CREATE_COMPLETE');
    expect(networkInterfaces()).toEqual(
      ['First', 'Second'].map((subnet) => ({
        networkInterfaceId: expect.stringMatching(/^eni-[0-9a-f]{17}$/) as unknown,
        subnetId: physicalIdOf(subnet),
        groupIds: [physicalIdOf('Group')],
        description: `AWS Lambda VPC ENI-${physicalIdOf('Handler')}`,
      })),
    );
    expect(rehearsal.aws.inventory().functions).toEqual([
      expect.objectContaining({
        vpc: { subnetIds: [physicalIdOf('First'), physicalIdOf('Second')], securityGroupIds: [physicalIdOf('Group')] },
      }),
    ]);
    expect(await runTimed(deleteStack)).toEqual({ status: 'DELETE_COMPLETE', minutes: 20 });
    expect(reasons(rehearsal, 'DELETE_FAILED')).toEqual([]);
    expect(rehearsal.aws.inventory()).toEqual(before);
  });

  test('shares its interfaces with functions in the same subnets and groups, and the interfaces are deleted with the last function', async () => {
    const twoFunctions = allResources({ Other: functionResource('', VPC_CONFIG_PROPERTY) });
    expect((await deploy(twoFunctions)).status).toBe('CREATE_COMPLETE');
    expect(networkInterfaces()).toHaveLength(2);
    expect(await runTimed(() => deploy(allResources()))).toEqual({ status: 'UPDATE_COMPLETE', minutes: 0 });
    await rehearsal.clock.sleep(60 * MINUTE);
    expect(networkInterfaces()).toHaveLength(2);
    expect(await runTimed(deleteStack)).toEqual({ status: 'DELETE_COMPLETE', minutes: 20 });
    expect(networkInterfaces()).toEqual([]);
  });

  test.each(PERMISSIONS)('is refused if its role lacks %s', async (missingAction) => {
    const before = rehearsal.aws.inventory();
    const roleWithoutPermission = roleWith(PERMISSIONS.filter((action) => action !== missingAction));
    expect((await deploy(allResources({ Role: roleWithoutPermission }))).status).toBe('ROLLBACK_COMPLETE');
    const action = missingAction.slice('ec2:'.length);
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([
      refusedByLambda(`The provided execution role does not have permissions to call ${action} on EC2`),
    ]);
    await deleteStack();
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
    await deploy(allResources({ Handler: functionResource('', { VpcConfig }) }));
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toBe(refusedByLambda(message));
    expect(networkInterfaces()).toEqual([]);
  });

  test('keeps its interfaces if its role may not delete them, and the deletion of subnets and groups fails', async () => {
    await deploy(allResources());
    rehearsal.aws.iam.putRolePolicy(
      ACCOUNT_AND_REGION.account,
      'role',
      'network',
      policyFor(PERMISSIONS.filter((action) => action !== 'ec2:DeleteNetworkInterface')),
    );
    const [first, second, group] = ['First', 'Second', 'Group'].map(physicalIdOf);
    // 20 minutes for the function, and then 15 minutes of retries for the subnets and the security group
    expect(await runTimed(deleteStack)).toEqual({ status: 'DELETE_FAILED', minutes: 35 });
    expect(new Set(reasons(rehearsal, 'DELETE_FAILED'))).toEqual(
      new Set([
        `The subnet '${first ?? ''}' has dependencies and cannot be deleted.`,
        `The subnet '${second ?? ''}' has dependencies and cannot be deleted.`,
        `resource ${group ?? ''} has a dependent object`,
        'The following resource(s) failed to delete: [First, Second, Group].',
      ]),
    );
    expect(networkInterfaces()).toHaveLength(2);
    expect(rehearsal.aws.inventory()).toMatchObject({ functions: [], roles: [], subnets: [{}, {}] });
  });

  test('that leaves the VPC keeps its interfaces for 20 minutes, and CloudFormation does not wait', async () => {
    await deploy(allResources());
    const outsideOfVpc = { Role: roleWith(), Handler: functionResource('') };
    expect(await runTimed(() => deploy({ ...NETWORK, ...outsideOfVpc }))).toEqual({ status: 'UPDATE_COMPLETE', minutes: 0 });
    expect(networkInterfaces()).toHaveLength(2);
    await rehearsal.clock.sleep(21 * MINUTE);
    expect(networkInterfaces()).toEqual([]);
  });

  test('that leaves the VPC together with its security group delays the cleanup of the update', async () => {
    await deploy(allResources());
    const { Vpc, First, Second } = NETWORK;
    const groupId = physicalIdOf('Group');
    expect((await deploy({ Vpc, First, Second, Role: roleWith(), Handler: functionResource('') })).status).toBe(
      'UPDATE_COMPLETE',
    );
    // the first attempt to delete the group fails, and a later one succeeds: only the default group of the VPC is left
    expect(reasons(rehearsal, 'DELETE_FAILED')).toEqual([`resource ${groupId} has a dependent object`]);
    expect(rehearsal.aws.inventory().securityGroups).toHaveLength(1);
  });

  test('keeps the interfaces of published versions', async () => {
    const Version = { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Handler' } } };
    await deploy(allResources({ Version }));
    await deploy(allResources({ Version, Handler: functionResource('') }));
    await rehearsal.clock.sleep(60 * MINUTE);
    expect(networkInterfaces()).toHaveLength(2);
    await deploy(allResources({ Handler: functionResource('') }));
    await rehearsal.clock.sleep(21 * MINUTE);
    expect(networkInterfaces()).toEqual([]);
  });
});

describe('a function with a key', () => {
  const { Role } = HANDLER_RESOURCES;
  const ABSENT_KEY_ARN = 'arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555';
  const functionWithKey = (KmsKeyArn: unknown) => functionResource('', { KmsKeyArn });
  const refusal = refusedByLambda(
    'Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant. Please ' +
      `check your KMS key settings. KMS Exception: NotFoundException KMS Message: Key '${ABSENT_KEY_ARN}' does not exist`,
  );

  test('of the same stack is created and deleted with the key', async () => {
    const before = rehearsal.aws.inventory();
    const Key = { Type: 'AWS::KMS::Key', Properties: { KeyPolicy: {} } };
    expect((await deploy({ Role, Key, Handler: functionWithKey({ 'Fn::GetAtt': ['Key', 'Arn'] }) })).status).toBe(
      'CREATE_COMPLETE',
    );
    const { keys, functions } = rehearsal.aws.inventory();
    expect(keys).toEqual([{ ...ACCOUNT_AND_REGION, keyId: physicalIdOf('Key') }]);
    expect(functions).toEqual([
      expect.objectContaining({ kmsKeyArn: `arn:aws:kms:us-east-1:111111111111:key/${physicalIdOf('Key')}` }),
    ]);
    expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
    expect(rehearsal.aws.inventory()).toEqual(before);
  });

  test('that does not exist is refused', async () => {
    expect((await deploy({ Role, Handler: functionWithKey(ABSENT_KEY_ARN) })).status).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([refusal]);
    expect(rehearsal.aws.inventory().functions).toEqual([]);
  });

  test('that does not exist is refused in an update, and the function is not changed', async () => {
    await deploy({ Role, Handler: functionResource('') });
    const before = rehearsal.aws.inventory().functions;
    expect((await deploy({ Role, Handler: functionWithKey(ABSENT_KEY_ARN) })).status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'UPDATE_FAILED')).toEqual([refusal]);
    expect(rehearsal.aws.inventory().functions).toEqual(before);
  });
});
