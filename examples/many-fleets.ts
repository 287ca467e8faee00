import { App, Aspects, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsSolutionsChecks } from 'cdk-nag';
import { Construct } from 'constructs';
import { fleetOf, vpcWithDatabase } from '../bin/studio';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../lib';
import { acceptNetwork, acceptPeering } from './suppressions';

/*
 * Many fleets on one VPC: one authorization for all of them, and one Lambda function.
 */

const app = new App();
const stack = new Stack(app, 'ManyFleets');
const { vpc, database } = vpcWithDatabase(stack);
const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });

for (const mode of ['Duel', 'Squad', 'Arena', 'Practice', 'Ranked']) {
  const scope = new Construct(stack, mode);
  const fleet = fleetOf(scope, String(app.node.tryGetContext('build') ?? '1'));
  const peering = new VpcPeeringConnection(scope, 'Peering', { authorization, fleet });
  peering.allowTo(database, ec2.Port.tcp(5432));
}

acceptPeering(stack);
acceptNetwork(stack);
Aspects.of(app).add(new AwsSolutionsChecks());
app.synth();
