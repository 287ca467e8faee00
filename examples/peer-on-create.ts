import { App, Aspects, Stack } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { fleetOf, vpcWithDatabase } from '../bin/studio';
import { VpcPeeringAuthorization } from '../lib';
import { acceptNetwork, acceptPeering } from './suppressions';

/*
 * A fleet that is born peered: it is created with the peering, or not at all.
 */

const app = new App();
const stack = new Stack(app, 'BornPeered');
const { vpc } = vpcWithDatabase(stack);
const fleet = fleetOf(stack, String(app.node.tryGetContext('build') ?? '1'));

new VpcPeeringAuthorization(stack, 'Authorization', { vpc }).authorizeFleet(fleet);

acceptPeering(stack);
acceptNetwork(stack);
Aspects.of(app).add(new AwsSolutionsChecks());
app.synth();
