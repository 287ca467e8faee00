import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { createVpcWithDatabase } from '../../examples/shared/studio';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import { createFleet } from './fleet';
import { addPeeringTest } from './peering-test';

const app = new App();
const stack = new Stack(app, 'GameLiftVpcPeeringOnCreate');
const { vpc, database } = createVpcWithDatabase(stack);
const fleet = createFleet(stack);
const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
const peering = new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true });
peering.allowTo(database, ec2.Port.tcp(5432));
addPeeringTest(app, { stack, authorization, peering, fleet, database });
