import { App, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import {
  AuthorizationRenewal,
  PeeringRoutes,
  VpcPeeringAuthorization,
  VpcPeeringConnection,
  VpcPeeringRole,
} from 'cdk-gamelift-vpc-peering';

/*
 * An app that uses the library as a package. `npm run test:consumers` checks that the apps in the other languages synthesize the same templates.
 */

const DATA_ENVIRONMENT = { account: '222222222222', region: 'us-east-1' };
const GAME_ENVIRONMENT = { account: '111111111111', region: 'us-east-1' };
const EXTERNAL_ID = 'studio-7';

function importVpc(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'DataVpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['us-east-1a'],
    privateSubnetIds: ['subnet-0123456789abcdef0'],
    privateSubnetRouteTableIds: ['rtb-0123456789abcdef0'],
  });
}

function addFleet(stack: Stack, id: string): gamelift.CfnFleet {
  return new gamelift.CfnFleet(stack, id, {
    name: id,
    buildId: 'build-01234567-89ab-cdef-0123-456789abcdef',
    ec2InstanceType: 'c5.large',
    runtimeConfiguration: { serverProcesses: [{ launchPath: '/local/game/server', concurrentExecutions: 1 }] },
  });
}

const app = new App();

const data = new Stack(app, 'Data', { env: DATA_ENVIRONMENT });
const peerRole = new VpcPeeringRole(data, 'Role', {
  vpc: importVpc(data),
  gameLiftAccount: GAME_ENVIRONMENT.account,
  externalId: EXTERNAL_ID,
});

const game = new Stack(app, 'Game', { env: GAME_ENVIRONMENT });
const vpc = new ec2.Vpc(game, 'Vpc', {
  ipAddresses: ec2.IpAddresses.cidr('10.90.0.0/16'),
  availabilityZones: ['us-east-1a', 'us-east-1b'],
});
const database = new ec2.SecurityGroup(game, 'Database', { vpc });
const authorization = new VpcPeeringAuthorization(game, 'Authorization', {
  vpc,
  renewal: AuthorizationRenewal.scheduled(Duration.hours(12)),
});

const fleet = addFleet(game, 'Fleet');
const peering = new VpcPeeringConnection(game, 'Peering', {
  authorization,
  fleet,
  routes: PeeringRoutes.forSubnets({ subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS }),
});
peering.allowTo(database, ec2.Port.tcp(5432));

const peerOnCreate = new VpcPeeringConnection(game, 'PeeringOnCreate', {
  authorization,
  fleet: addFleet(game, 'FleetPeeredOnCreate'),
  peerOnCreate: true,
});
peerOnCreate.allowTo(database, ec2.Port.tcp(5432));

const otherAccount = new VpcPeeringAuthorization(game, 'OtherAccount', {
  vpc: importVpc(game),
  peerRole,
  externalId: EXTERNAL_ID,
});
new VpcPeeringConnection(game, 'OtherAccountPeering', { authorization: otherAccount, fleet, dnsResolution: true });

app.synth();
