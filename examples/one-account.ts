import { App, Aspects, CfnOutput, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsSolutionsChecks } from 'cdk-nag';
import { createFleet, createVpcWithDatabase } from './shared/studio';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../lib';
import { suppressVpcFindings, suppressPeeringFindings } from './shared/suppressions';

/*
 * The game servers and their database are in one account. The fleet is connected after its creation.
 */

const app = new App();
const stack = new Stack(app, 'OneAccount');
const { vpc, database } = createVpcWithDatabase(stack);
const fleet = createFleet(stack, String(app.node.tryGetContext('build') ?? '1'));

const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
const peering = new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
peering.allowTo(database, ec2.Port.tcp(5432));

new CfnOutput(stack, 'AuthorizationExpires', { value: authorization.expirationTime });

suppressPeeringFindings(stack);
suppressVpcFindings(stack);
Aspects.of(app).add(new AwsSolutionsChecks());
app.synth();
