import { App, Aspects, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsSolutionsChecks } from 'cdk-nag';
import { Construct } from 'constructs';
import { createFleet, createVpcWithDatabase } from './shared/studio';
import { VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringHandler } from '../lib';
import { suppressVpcFindings, suppressPeeringFindings } from './shared/suppressions';

/*
 * Many fleets on one VPC: one authorization for all of them, one Lambda function, and one alarm on its failed requests. If a delete
 * fails at the end of an update, CloudFormation skips it and reports UPDATE_COMPLETE: without the alarm, nobody notices.
 */

const app = new App();
const stack = new Stack(app, 'ManyFleets');
const { vpc, database } = createVpcWithDatabase(stack);
const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });

for (const mode of ['Duel', 'Squad', 'Arena', 'Practice', 'Ranked']) {
  const scope = new Construct(stack, mode);
  const fleet = createFleet(scope, String(app.node.tryGetContext('build') ?? '1'));
  const peering = new VpcPeeringConnection(scope, 'Peering', { authorization, fleet });
  peering.allowTo(database, ec2.Port.tcp(5432));
}

// add an alarm action, such as an SNS topic, to be notified
new VpcPeeringHandler(stack, 'Handler').metricFailed().createAlarm(stack, 'FailedRequests', {
  alarmDescription: 'A VPC peering request for a GameLift fleet has failed: the log of the function says why',
  threshold: 1,
  evaluationPeriods: 1,
  treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
});

suppressPeeringFindings(stack);
suppressVpcFindings(stack);
Aspects.of(app).add(new AwsSolutionsChecks());
app.synth();
