import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { VpcPeeringConnection } from '../../lib';
import { expectNoFailedDelete, expectNothingLeft, remove, synthesizeStudio, start } from './scene';
import type { StudioOptions } from './scene';
import { DAY, Stage, STACK } from './stage';

/*
 * One authorization for a fleet that is connected and another one that is peered on creation.
 */

afterEach(() => Stage.clear());

test('takes as long as the slower fleet, not as long as both', async () => {
  const rehearsal = await start();
  const before = rehearsal.aws.inventory();
  const { aws, cloudFormation, clock } = rehearsal;
  aws.scriptedOutcomes.fleetActivationSeconds = 1500;
  const both: StudioOptions = {
    more: (stack, _fleet, authorization) => {
      const other = new gamelift.CfnFleet(stack, 'Other', { name: 'other', buildId: 'build-1', ec2InstanceType: 'c5.large' });
      new VpcPeeringConnection(stack, 'OtherPeering', { authorization, fleet: other, peerOnCreate: true });
    },
  };
  for (const build of ['1', '2']) {
    const deploymentStart = clock.now();
    expect((await cloudFormation.deploy(synthesizeStudio({ ...both, build }), STACK)).status).toMatch(
      /^(CREATE|UPDATE)_COMPLETE$/,
    );
    expect((clock.now() - deploymentStart) / 1000).toBeLessThan(1500 + 120);
    await clock.sleep(10 * DAY);
  }
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await expectNothingLeft(rehearsal, before);
});
