import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import { authorize, AWS_CUSTOM_RESOURCE } from '../ways/aws-custom-resource';
import { LIBRARY } from '../ways/library';

/*
 * Synthesizes one app, and prints the processor time of this process.
 *
 * synthesis.ts none|library|aws-custom-resource connections|peered-on-creation COUNT
 */

const VPC_ID = 'vpc-0123456789abcdef0';

type PeerFleets = (stack: Stack, fleets: readonly gamelift.CfnFleet[]) => void;

/** The ways in which an app can connect existing fleets. `none` is not one of them: it adds no peering. */
const CONNECTING_WAYS = { library: LIBRARY, 'aws-custom-resource': AWS_CUSTOM_RESOURCE };

/** How an app makes GameLift peer its fleets on creation. */
const PEER_ON_CREATION: Readonly<Record<keyof typeof CONNECTING_WAYS, PeerFleets>> = {
  library: (stack, fleets) => {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: VPC_ID, availabilityZones: ['us-east-1a'] });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    fleets.forEach((fleet, index) => {
      new VpcPeeringConnection(stack, `Peering${index}`, { authorization, fleet, peerOnCreate: true });
    });
  },
  'aws-custom-resource': (stack, fleets) => {
    const authorization = authorize(stack, 'Authorization', VPC_ID);
    fleets.forEach((fleet) => {
      fleet.peerVpcId = VPC_ID;
      fleet.peerVpcAwsAccountId = stack.account;
      fleet.node.addDependency(authorization);
    });
  },
};

function createFleet(stack: Stack, index: number): gamelift.CfnFleet {
  const storageLocation = { bucket: 'builds', key: `server-${index}.zip`, roleArn: 'arn:aws:iam::111111111111:role/builds' };
  const build = new gamelift.CfnBuild(stack, `Build${index}`, { operatingSystem: 'AMAZON_LINUX_2023', storageLocation });
  return new gamelift.CfnFleet(stack, `Fleet${index}`, {
    name: `fleet-${index}`,
    buildId: build.ref,
    ec2InstanceType: 'c5.large',
    runtimeConfiguration: { serverProcesses: [{ launchPath: '/local/game/server', concurrentExecutions: 1 }] },
  });
}

const [way = '', kind = '', count = ''] = process.argv.slice(2);
const indexes = Array.from({ length: Number(count) }, (_, index) => index);
const app = new App({ outdir: mkdtempSync(join(tmpdir(), 'synthesis-')), analyticsReporting: false });
const stack = new Stack(app, 'Stack');
const isWayName = (name: string): name is keyof typeof CONNECTING_WAYS => name in CONNECTING_WAYS;
if (kind === 'connections') {
  const fleets = indexes.map((index) => gamelift.CfnFleet.fromFleetId(stack, `Fleet${index}`, `fleet-${index}`));
  if (isWayName(way)) {
    CONNECTING_WAYS[way].connect(stack, [{ vpcId: VPC_ID, fleets }]);
  }
} else {
  const fleets = indexes.map((index) => createFleet(stack, index));
  if (isWayName(way)) {
    PEER_ON_CREATION[way](stack, fleets);
  }
}
app.synth();
console.log(JSON.stringify(process.cpuUsage()));
