import { GAMELIFT_ACCOUNT, propertiesOf, TestWorld, VPC, VPC_ACCOUNT } from './world';

/*
 * Scheduled renewals: events of EventBridge Scheduler instead of requests from CloudFormation.
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

test('authorizes, and sends no response', async () => {
  const world = new TestWorld();
  expect(await world.run(renewal())).toBeUndefined();
  expect(world.api.calls).toEqual([`Create ${VPC} ${GAMELIFT_ACCOUNT}`]);
});

test('cancels and creates the authorization again if it would expire before the next renewal', async () => {
  const world = new TestWorld();
  world.api.createAuthorizationResults = [{ hours: 12.5 }, { hours: 24 }];
  await world.run(renewal());
  expect(world.api.calls.map((call) => call.split(' ')[0])).toEqual(['Create', 'Delete', 'Create']);
});

test('fails for a VPC of another account, so that Lambda retries and reports it', async () => {
  const world = new TestWorld();
  await expect(world.run(renewal({ PeerVpcAwsAccountId: '333333333333' }))).rejects.toThrow(
    `only account 333333333333, which owns VPC ${VPC}, can authorize its peering: schedule the renewal there`,
  );
  expect(world.api.calls).toEqual([]);
});
