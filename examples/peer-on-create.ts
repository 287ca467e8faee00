import { App, Aspects, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsSolutionsChecks } from 'cdk-nag';
import { createFleet, createVpcWithDatabase } from './shared/studio';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../lib';
import { acceptNetwork, acceptPeering } from './shared/suppressions';

/*
 * A fleet that GameLift peers while it creates it: the fleet is created with the peering, or not at all. Its servers start before the
 * rule for the database exists, so they must retry until the database answers.
 */

const app = new App();
const stack = new Stack(app, 'PeerOnCreate');
const { vpc, database } = createVpcWithDatabase(stack);
const fleet = createFleet(stack, String(app.node.tryGetContext('build') ?? '1'));

const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
const peering = new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true });
peering.allowTo(database, ec2.Port.tcp(5432));

acceptPeering(stack);
acceptNetwork(stack);
Aspects.of(app).add(new AwsSolutionsChecks());
app.synth();
