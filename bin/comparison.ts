import { App, Stack } from 'aws-cdk-lib';
import type * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import type { AwsSdkCall } from 'aws-cdk-lib/custom-resources';
import type { Construct } from 'constructs';
import { fleetOf, vpcWithDatabase } from './studio';

/*
 * The stacks of app.ts as they are written without this library, with the CDK's AwsCustomResource: what everybody writes, and
 * what works on the first day.
 */

const app = new App();
const build = String(app.node.tryGetContext('build') ?? '1');
const peered = app.node.tryGetContext('peered') !== 'no';

const POLICY = AwsCustomResourcePolicy.fromStatements([
  new PolicyStatement({
    actions: [
      'gamelift:*VpcPeering*',
      'ec2:AcceptVpcPeeringConnection',
      'ec2:AuthorizeSecurityGroup*',
      'ec2:CreateRoute',
      'ec2:DeleteRoute',
      'ec2:DescribeRouteTables',
      'ec2:DescribeSecurityGroups',
      'ec2:RevokeSecurityGroup*',
    ],
    resources: ['*'],
  }),
]);

/** The SDK that Lambda brings along has these operations: nothing needs to be downloaded for them. */
const OPTIONS = { policy: POLICY, installLatestAwsSdk: false };

function call(action: string, parameters: Readonly<Record<string, string>>): AwsSdkCall {
  return { service: 'GameLift', action, parameters, physicalResourceId: PhysicalResourceId.of(action) };
}

function authorize(scope: Construct, peerVpcId: string): AwsCustomResource {
  const pair = { GameLiftAwsAccountId: Stack.of(scope).account, PeerVpcId: peerVpcId };
  const create = call('createVpcPeeringAuthorization', pair);
  const onDelete = call('deleteVpcPeeringAuthorization', pair);
  return new AwsCustomResource(scope, 'Authorization', { onCreate: create, onUpdate: create, onDelete, ...OPTIONS });
}

function connect(scope: Construct, fleet: gamelift.CfnFleet, peerVpcId: string, authorization: AwsCustomResource): void {
  const create = call('createVpcPeeringConnection', {
    FleetId: fleet.ref,
    PeerVpcAwsAccountId: Stack.of(scope).account,
    PeerVpcId: peerVpcId,
  });
  const request = new AwsCustomResource(scope, 'Connection', { onCreate: create, onUpdate: create, ...OPTIONS });
  request.node.addDependency(authorization);
  const describe = call('describeVpcPeeringConnections', { FleetId: fleet.ref });
  const lookup = new AwsCustomResource(scope, 'Lookup', { onCreate: describe, onUpdate: describe, ...OPTIONS });
  lookup.node.addDependency(request);
  const id = lookup.getResponseField('VpcPeeringConnections.0.VpcPeeringConnectionId');
  new AwsCustomResource(scope, 'Removal', {
    onDelete: call('deleteVpcPeeringConnection', { FleetId: fleet.ref, VpcPeeringConnectionId: id }),
    ...OPTIONS,
  });
}

const connected = new Stack(app, 'GameLiftVpcPeering');
{
  const { vpc } = vpcWithDatabase(connected);
  const fleet = fleetOf(connected, build);
  const authorization = authorize(connected, vpc.vpcId);
  if (peered) {
    connect(connected, fleet, vpc.vpcId, authorization);
  }
}

const peeredOnCreation = new Stack(app, 'GameLiftPeeredOnCreation');
{
  const { vpc } = vpcWithDatabase(peeredOnCreation);
  const fleet = fleetOf(peeredOnCreation, build);
  fleet.peerVpcId = vpc.vpcId;
  fleet.peerVpcAwsAccountId = peeredOnCreation.account;
  fleet.node.addDependency(authorize(peeredOnCreation, vpc.vpcId));
}
