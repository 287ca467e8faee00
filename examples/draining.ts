import { App, Aspects, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { AwsSolutionsChecks } from 'cdk-nag';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../lib';
import { createBuild } from './shared/studio';
import { suppressPeeringFindings } from './shared/suppressions';

/*
 * Players finish their games on the old fleet, while new players already use the new build. When a new build replaces the fleet,
 * CloudFormation retains the old fleet and its connection to the database. The alias routes to the new fleet once that is connected.
 *
 * cdk deploy --context vpcId=vpc-…
 */

const app = new App();
const vpcId = String(app.node.tryGetContext('vpcId') ?? 'vpc-0123456789abcdef0');
const version = String(app.node.tryGetContext('build') ?? '1');

const stack = new Stack(app, 'Draining', { env: { account: '222222222222', region: 'us-east-1' } });
const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId, availabilityZones: ['us-east-1a'] });
const databaseSecurityGroup = new ec2.SecurityGroup(stack, 'Database', { vpc, description: 'The database of the game' });

const build = createBuild(stack, version);
const fleet = new gamelift.CfnFleet(stack, 'Fleet', {
  name: 'draining',
  buildId: build.ref,
  ec2InstanceType: 'c5.large',
  newGameSessionProtectionPolicy: 'FullProtection',
  runtimeConfiguration: { serverProcesses: [{ launchPath: '/local/game/server', concurrentExecutions: 1 }] },
});
const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
// RETAIN also keeps the routes of the connection, and the rules that allowTo adds
const peering = new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, removalPolicy: RemovalPolicy.RETAIN });
peering.allowTo(databaseSecurityGroup, ec2.Port.tcp(5432));
// also retain the fleet with its build, and the security group of the database
build.applyRemovalPolicy(RemovalPolicy.RETAIN);
fleet.applyRemovalPolicy(RemovalPolicy.RETAIN);
databaseSecurityGroup.applyRemovalPolicy(RemovalPolicy.RETAIN);

const alias = new gamelift.CfnAlias(stack, 'Alias', { name: 'live', routingStrategy: { type: 'SIMPLE', fleetId: fleet.ref } });
// new players reach the new fleet only once it is connected to the database
alias.node.addDependency(peering);

suppressPeeringFindings(stack);
Aspects.of(app).add(new AwsSolutionsChecks());
app.synth();
