import { type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { VpcPeeringHandler } from '../../lib';
import { deploy, expectNoFailedDelete, expectNothingLeft, remove, start } from './scene';
import { DAY, Stage } from './stage';

afterEach(() => Stage.clear());

/** The handler in the isolated subnets of the VPC that it peers. */
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

test('a handler in the VPC of its own stack: the stack is created and deleted with subnets, security groups and all', async () => {
  const rehearsal = await start();
  const before = rehearsal.aws.inventory();
  expect(await deploy(rehearsal, { more: addHandler })).toBe('CREATE_COMPLETE');
  const { functions, networkInterfaces, subnets } = rehearsal.aws.inventory();
  expect(functions).toEqual([expect.objectContaining({ vpc: expect.anything() as unknown })]);
  expect(networkInterfaces).toHaveLength(subnets.length);
  await rehearsal.clock.sleep(10 * DAY);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await expectNothingLeft(rehearsal, before);
});

test('a handler that moves into the VPC with an update, and is deleted with it', async () => {
  const rehearsal = await start();
  const before = rehearsal.aws.inventory();
  expect(await deploy(rehearsal)).toBe('CREATE_COMPLETE');
  expect(rehearsal.aws.inventory().networkInterfaces).toEqual([]);
  expect(await deploy(rehearsal, { more: addHandler })).toBe('UPDATE_COMPLETE');
  expect(rehearsal.aws.inventory().networkInterfaces).toHaveLength(rehearsal.aws.inventory().subnets.length);
  await rehearsal.clock.sleep(10 * DAY);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await expectNothingLeft(rehearsal, before);
});
