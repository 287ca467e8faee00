import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { VpcPeeringConnection } from '../../lib';
import { expectNoFailedDelete, expectNothingLeft, deleteStack, synthesizeFleetStack, startFastRehearsal } from './common-stacks';
import type { FleetStackOptions } from './common-stacks';
import { DAY_MS, closeRehearsals, STACK } from './rehearsals';

/*
 * A stack with a connected fleet and a fleet that is peered on creation. Both use the same authorization.
 */

afterEach(closeRehearsals);

test('a deployment creates both fleets at the same time: it takes as long as one fleet', async () => {
  const rehearsal = await startFastRehearsal();
  const before = rehearsal.aws.inventory();
  const { aws, cloudFormation, clock } = rehearsal;
  aws.scriptedOutcomes.fleetActivationSeconds = 1500;
  const withSecondFleet: FleetStackOptions = {
    addResources: (stack, _fleet, authorization) => {
      const other = new gamelift.CfnFleet(stack, 'Other', { name: 'other', buildId: 'build-1', ec2InstanceType: 'c5.large' });
      new VpcPeeringConnection(stack, 'OtherPeering', { authorization, fleet: other, peerOnCreate: true });
    },
  };
  for (const build of ['1', '2']) {
    const deploymentStart = clock.now();
    expect((await cloudFormation.deploy(synthesizeFleetStack({ ...withSecondFleet, build }), STACK)).status).toMatch(
      /^(CREATE|UPDATE)_COMPLETE$/,
    );
    expect((clock.now() - deploymentStart) / 1000).toBeLessThan(1500 + 120);
    await clock.sleep(10 * DAY_MS);
  }
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await expectNothingLeft(rehearsal, before);
});
