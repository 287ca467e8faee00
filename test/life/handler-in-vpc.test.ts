import { type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { VpcPeeringHandler } from '../../lib';
import { deployFleetStack, expectNoFailedDelete, expectNothingLeft, deleteStack, startFastRehearsal } from './common-stacks';
import { DAY_MS, closeRehearsals } from './rehearsals';

afterEach(closeRehearsals);

/** Adds the handler, in the isolated subnets of the VPC that it peers. */
function addHandler(stack: Stack): void {
  const vpc = stack.node.findChild('Vpc');
  if (!(vpc instanceof ec2.Vpc)) {
    throw new Error('the stack has no VPC');
  }
  new VpcPeeringHandler(stack, 'Handler', {
    vpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
  });
}

test('creates and deletes a stack whose handler is in a VPC of the same stack', async () => {
  const rehearsal = await startFastRehearsal();
  const before = rehearsal.aws.inventory();
  expect(await deployFleetStack(rehearsal, { addResources: addHandler })).toBe('CREATE_COMPLETE');
  const { functions, networkInterfaces, subnets } = rehearsal.aws.inventory();
  expect(functions).toEqual([expect.objectContaining({ vpc: expect.anything() as unknown })]);
  expect(networkInterfaces).toHaveLength(subnets.length);
  await rehearsal.clock.sleep(10 * DAY_MS);
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await expectNothingLeft(rehearsal, before);
});

test('moves the handler into the VPC in an update, and deletes the handler and the VPC', async () => {
  const rehearsal = await startFastRehearsal();
  const before = rehearsal.aws.inventory();
  expect(await deployFleetStack(rehearsal)).toBe('CREATE_COMPLETE');
  expect(rehearsal.aws.inventory().networkInterfaces).toEqual([]);
  expect(await deployFleetStack(rehearsal, { addResources: addHandler })).toBe('UPDATE_COMPLETE');
  expect(rehearsal.aws.inventory().networkInterfaces).toHaveLength(rehearsal.aws.inventory().subnets.length);
  await rehearsal.clock.sleep(10 * DAY_MS);
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await expectNothingLeft(rehearsal, before);
});

/** Adds the handler outside of the VPC, with the permissions that Lambda needs to delete its network interfaces. */
function addHandlerOutside(stack: Stack): void {
  iam.Grant.addToPrincipal({
    grantee: new VpcPeeringHandler(stack, 'Handler'),
    actions: ['ec2:DescribeNetworkInterfaces', 'ec2:DeleteNetworkInterface'],
    resourceArns: ['*'],
  });
}

/** Moves the handler into the VPC and out of it. Returns how many network interfaces and security groups are left in the VPC two days later. */
async function countLeftBehind(addResources?: (stack: Stack) => void): Promise<{ interfaces: number; groups: number }> {
  const rehearsal = await startFastRehearsal();
  expect(await deployFleetStack(rehearsal)).toBe('CREATE_COMPLETE');
  const before = rehearsal.aws.inventory().securityGroups.length;
  expect(await deployFleetStack(rehearsal, { addResources: addHandler })).toBe('UPDATE_COMPLETE');
  expect(await deployFleetStack(rehearsal, addResources === undefined ? {} : { addResources })).toBe('UPDATE_COMPLETE');
  await rehearsal.clock.sleep(2 * DAY_MS);
  const { networkInterfaces, securityGroups } = rehearsal.aws.inventory();
  return { interfaces: networkInterfaces.length, groups: securityGroups.length - before };
}

test('leaves nothing in the VPC if the handler moves out and keeps its network permissions for one deployment', async () => {
  expect(await countLeftBehind(addHandlerOutside)).toEqual({ interfaces: 0, groups: 0 });
});

test('leaves network interfaces and the security group in the VPC if the handler moves out and loses its network permissions (docs/handler.md)', async () => {
  expect(await countLeftBehind()).toEqual({ interfaces: 2, groups: 1 });
});
