import { RemovalPolicy } from 'aws-cdk-lib';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { expectNoFailedDelete, synthesizeFleetStack, startFastRehearsal } from './common-stacks';
import { DAY_MS, closeRehearsals, STACK } from './rehearsals';

/*
 * Players finish their games on the old fleet while new players join the new one, as in examples/draining.ts.
 */

afterEach(closeRehearsals);

function synthesizeWithBuild(build: string): string {
  return synthesizeFleetStack({
    build,
    props: { removalPolicy: RemovalPolicy.RETAIN },
    addResources: (stack, fleet) => {
      fleet.applyRemovalPolicy(RemovalPolicy.RETAIN);
      const alias = new gamelift.CfnAlias(stack, 'Alias', {
        name: 'live',
        routingStrategy: { type: 'SIMPLE', fleetId: fleet.ref },
      });
      alias.node.addDependency(stack.node.findChild('Peering'));
    },
  });
}

test('keeps the connection, routes and rule of the old fleet until the alias points to the new fleet', async () => {
  const rehearsal = await startFastRehearsal();
  const { aws, cloudFormation, clock, journal } = rehearsal;
  expect((await cloudFormation.deploy(synthesizeWithBuild('1'), STACK)).status).toBe('CREATE_COMPLETE');
  const before = aws.inventory();
  const [oldConnection] = before.connections as [{ fleetId: string }];
  await clock.sleep(10 * DAY_MS);
  const updateStart = clock.now();
  expect((await cloudFormation.deploy(synthesizeWithBuild('2'), STACK)).status).toBe('UPDATE_COMPLETE');
  expectNoFailedDelete(rehearsal);

  await clock.sleep(2 * DAY_MS);
  const after = aws.inventory();
  for (const kind of ['fleets', 'connections', 'peerings', 'routes'] as const) {
    expect(before[kind].length).toBeGreaterThan(0);
    expect(after[kind]).toEqual(expect.arrayContaining([...before[kind]]));
    expect(after[kind]).toHaveLength(2 * before[kind].length);
  }
  const isDatabaseRule = (rule: object): boolean => 'fromPort' in rule && rule.fromPort === 5432;
  expect(after.rules).toEqual(expect.arrayContaining(before.rules.filter(isDatabaseRule)));
  expect(after.rules.filter(isDatabaseRule)).toHaveLength(2);
  expect(after.connections).toContainEqual(expect.objectContaining({ fleetId: oldConnection.fleetId, status: 'active' }));

  const updateEvents = journal.entries
    .filter(({ time, source }) => time >= updateStart && source === 'cloudformation')
    .map(({ subject, message }) => `${subject} ${message}`)
    .filter((line) => /UPDATE_(IN_PROGRESS|COMPLETE) (Custom::GameLiftVpcPeeringConnection|AWS::GameLift::Alias)/.test(line))
    .map((line) => /UPDATE_\w+ [\w:]+/.exec(line)?.[0]);
  expect(updateEvents.indexOf('UPDATE_IN_PROGRESS AWS::GameLift::Alias')).toBeGreaterThan(
    updateEvents.indexOf('UPDATE_COMPLETE Custom::GameLiftVpcPeeringConnection'),
  );
  expect(updateEvents).toContain('UPDATE_COMPLETE Custom::GameLiftVpcPeeringConnection');
});
