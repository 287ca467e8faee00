import { RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { ExistingResources } from './common-stacks';
import { createExistingResources, expectNoFailedDelete, expectNothingLeft, startFastRehearsal } from './common-stacks';
import { DAY_MS, closeRehearsals, synthesize } from './rehearsals';

/*
 * Two stacks authorize the same pair of a VPC and an account. GameLift has one authorization for each pair, so both stacks use the same.
 */

afterEach(closeRehearsals);

/** Existing fleets are connected. Fleets of the stack are peered on creation. */
type FleetKind = 'existing' | 'peered on creation';

interface StackOptions {
  readonly name: string;
  readonly existing: ExistingResources;
  /** The index of the existing fleet to connect. */
  readonly fleet: number;
  readonly kind: FleetKind;
  readonly removalPolicy: RemovalPolicy;
}

function synthesizeStack({ name, existing, fleet: index, kind, removalPolicy }: StackOptions): string {
  return synthesize((stack) => {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: existing.vpcId, availabilityZones: ['us-east-1a'] });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc, removalPolicy });
    if (kind === 'peered on creation') {
      const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name, buildId: 'build-1', ec2InstanceType: 'c5.large' });
      new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true });
    } else {
      const existingFleet = gamelift.CfnFleet.fromFleetId(stack, 'Fleet', existing.fleetIds[index] ?? '');
      new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: existingFleet });
    }
  }, name);
}

test.each<[FleetKind, string, RemovalPolicy]>([
  ['existing', 'RETAIN', RemovalPolicy.RETAIN],
  ['peered on creation', 'RETAIN', RemovalPolicy.RETAIN],
  ['existing', 'DESTROY', RemovalPolicy.DESTROY],
])(
  'deleting a stack does not break a deployment of the other stack (fleets are %s, removalPolicy of the authorizations: %s)',
  async (kind, _, removalPolicy) => {
    const rehearsal = await startFastRehearsal();
    const { cloudFormation, clock } = rehearsal;
    const existing = await createExistingResources(rehearsal, 2);
    const before = rehearsal.aws.inventory();
    const options = { existing, kind, removalPolicy };
    expect((await cloudFormation.deploy(synthesizeStack({ ...options, name: 'One', fleet: 0 }), 'One')).status).toBe(
      'CREATE_COMPLETE',
    );
    await clock.sleep(2 * DAY_MS);
    // stack One is deleted this long after the deployment of the other stack has begun
    for (const delaySeconds of [5, 30]) {
      const name = `Other${delaySeconds}`;
      const deployment = cloudFormation.deploy(synthesizeStack({ ...options, name, fleet: 1 }), name);
      const deletion = clock.sleep(delaySeconds * 1000).then(() => cloudFormation.delete('One'));
      expect([(await deployment).status, (await deletion).status]).toEqual(['CREATE_COMPLETE', 'DELETE_COMPLETE']);
      await clock.sleep(2 * DAY_MS);
      expect((await cloudFormation.delete(name)).status).toBe('DELETE_COMPLETE');
      expect((await cloudFormation.deploy(synthesizeStack({ ...options, name: 'One', fleet: 0 }), 'One')).status).toBe(
        'CREATE_COMPLETE',
      );
    }
    expect((await cloudFormation.delete('One')).status).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    await expectNothingLeft(rehearsal, before);
  },
);
