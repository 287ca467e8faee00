import { GAMELIFT_ACCOUNT, propertiesOf, TestWorld, VPC, VPC_ACCOUNT } from './world';

/*
 * What a schedule sends instead of a request of CloudFormation.
 */

function renewal(change: Record<string, unknown> = {}): object {
  return {
    GameLiftVpcPeeringRenewal: propertiesOf({
      StackId: `arn:aws:cloudformation:eu-central-1:${VPC_ACCOUNT}:stack/Data/6b2e1c9c-0000-4000-8000-000000000000`,
      LogicalResourceId: 'Authorization',
      MinimumValiditySeconds: '46800',
      ...change,
    }),
  };
}

test('authorizes, and answers nobody', async () => {
  const world = new TestWorld();
  expect(await world.run(renewal())).toBeUndefined();
  expect(world.api.calls).toEqual([`Create ${VPC} ${GAMELIFT_ACCOUNT}`]);
});

test('cancels and authorizes anew where too little is left until the next time', async () => {
  const world = new TestWorld();
  world.api.create = [{ hours: 12.5 }, { hours: 24 }];
  await world.run(renewal());
  expect(world.api.calls.map((call) => call.split(' ')[0])).toEqual(['Create', 'Delete', 'Create']);
});

test('of a VPC of another account fails, so that Lambda tries again and reports it', async () => {
  const world = new TestWorld();
  await expect(world.run(renewal({ PeerVpcAwsAccountId: '333333333333' }))).rejects.toThrow(
    `only account 333333333333, which owns VPC ${VPC}, can authorize its peering: schedule the renewal there`,
  );
  expect(world.api.calls).toEqual([]);
});
