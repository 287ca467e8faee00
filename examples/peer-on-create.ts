import { App, Aspects, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsSolutionsChecks } from 'cdk-nag';
import { createFleet, createVpcWithDatabase } from './shared/studio';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../lib';
import { suppressVpcFindings, suppressPeeringFindings } from './shared/suppressions';

/*
 * GameLift peers the fleet while it creates it: if the peering fails, the fleet is not created. The servers of the fleet start before the
 * rule for the database exists, so they must retry until the database responds.
 */

const app = new App();
const stack = new Stack(app, 'PeerOnCreate');
const { vpc, database } = createVpcWithDatabase(stack);
const fleet = createFleet(stack, String(app.node.tryGetContext('build') ?? '1'));

const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
const peering = new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true });
peering.allowTo(database, ec2.Port.tcp(5432));

suppressPeeringFindings(stack);
suppressVpcFindings(stack);
Aspects.of(app).add(new AwsSolutionsChecks());
app.synth();
