import { App, Aspects, Resource, Stack } from 'aws-cdk-lib';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Construct } from 'constructs';
import { createBuild, createVpcWithDatabase } from './shared/studio';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../lib';
import { suppressVpcFindings, suppressPeeringFindings } from './shared/suppressions';

/*
 * A fleet that is wrapped in another construct, like the fleets of @aws-cdk/aws-gamelift-alpha. The default child of the construct must
 * be an AWS::GameLift::Fleet. Do not pass peerVpc to such a construct: with peerOnCreate, the connection sets it.
 */

class BuildFleet extends Resource {
  constructor(scope: Construct, id: string, version: string) {
    super(scope, id);
    const build = createBuild(this, version);
    new gamelift.CfnFleet(this, 'Resource', {
      name: this.node.path,
      buildId: build.ref,
      ec2InstanceType: 'c5.large',
      runtimeConfiguration: { serverProcesses: [{ launchPath: '/local/game/server', concurrentExecutions: 1 }] },
    });
  }
}

const app = new App();
const stack = new Stack(app, 'FleetConstruct');
const { vpc } = createVpcWithDatabase(stack);
const fleet = new BuildFleet(stack, 'Fleet', String(app.node.tryGetContext('build') ?? '1'));
const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true });

suppressPeeringFindings(stack);
suppressVpcFindings(stack);
Aspects.of(app).add(new AwsSolutionsChecks());
app.synth();
