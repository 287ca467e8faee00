import { GAMELIFT_ACCOUNT, propertiesOf, TestWorld, VPC, VPC_ACCOUNT } from './world';

/*
 * Scheduled renewals: EventBridge Scheduler invokes the handler with the properties of the authorization.
 */

/** An event of EventBridge Scheduler. `change` overrides some of its properties. */
function renewalEvent(change: Record<string, unknown> = {}): object {
  return {
    GameLiftVpcPeeringRenewal: propertiesOf({
      StackId: `arn:aws:cloudformation:eu-central-1:${VPC_ACCOUNT}:stack/Data/6b2e1c9c-0000-4000-8000-000000000000`,
      LogicalResourceId: 'Authorization',
      // 13 hours
      MinimumValiditySeconds: '46800',
      ...change,
    }),
  };
}

test('a scheduled renewal authorizes, and sends no response', async () => {
  const world = new TestWorld();
  expect(await world.run(renewalEvent())).toBeUndefined();
  expect(world.api.calls).toEqual([`Create ${VPC} ${GAMELIFT_ACCOUNT}`]);
});

test('a scheduled renewal cancels the authorization and creates a new one if GameLift does not extend its validity to 13 hours', async () => {
  const world = new TestWorld();
  world.api.createAuthorizationResults = [{ expiresInHours: 12.5 }, { expiresInHours: 24 }];
  await world.run(renewalEvent());
  expect(world.api.calls.map((call) => call.split(' ')[0])).toEqual(['Create', 'Delete', 'Create']);
});

test('a scheduled renewal fails for a VPC of another account', async () => {
  const world = new TestWorld();
  await expect(world.run(renewalEvent({ PeerVpcAwsAccountId: '333333333333' }))).rejects.toThrow(
    `only account 333333333333, which owns VPC ${VPC}, can authorize its peering: schedule the renewal there`,
  );
  expect(world.api.calls).toEqual([]);
});
