import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AuthorizationRenewal, VpcPeeringAuthorization, VpcPeeringConnection } from '../lib';
import { createFleet, createVpcWithDatabase } from '../examples/shared/studio';

/*
 * Two stacks. In the first, a fleet is connected with the VPC of a database after its creation. In the second, GameLift peers a fleet
 * while creating it.
 *
 * cdk deploy --all                                      renews an authorization when a fleet or connection that needs it changes
 * cdk deploy --all --context renewal=everySynthesis     renews the authorization of the first stack in each deployment
 * cdk deploy --all --context build=2                    a new build, which replaces the fleets
 * cdk deploy --all --context peered=no                  without the connection
 * cdk deploy --all --context peerOnCreate=no            the fleet of the second stack is connected after its creation, which replaces it
 * cdk deploy --all --context secondPeered=no            without the connection of the second stack, which replaces its fleet
 */

const app = new App();
const build = String(app.node.tryGetContext('build') ?? '1');
const peered = app.node.tryGetContext('peered') !== 'no';
const peerOnCreate = app.node.tryGetContext('peerOnCreate') !== 'no';
const secondPeered = app.node.tryGetContext('secondPeered') !== 'no';
const everySynthesis = app.node.tryGetContext('renewal') === 'everySynthesis';

const connected = new Stack(app, 'GameLiftVpcPeering', { description: 'A GameLift fleet that is connected with a VPC' });
{
  const { vpc, database } = createVpcWithDatabase(connected);
  const fleet = createFleet(connected, build);
  const authorization = new VpcPeeringAuthorization(connected, 'Authorization', {
    vpc,
    renewal: everySynthesis ? AuthorizationRenewal.everySynthesis() : AuthorizationRenewal.onChange(),
  });
  if (peered) {
    const peering = new VpcPeeringConnection(connected, 'Peering', { authorization, fleet });
    peering.allowTo(database, ec2.Port.tcp(5432));
    new CfnOutput(connected, 'GameLiftCidrBlock', { value: peering.gameLiftCidrBlock });
  }
  new CfnOutput(connected, 'AuthorizationExpires', { value: authorization.expirationTime });
}

const peeredOnCreation = new Stack(app, 'GameLiftPeeredOnCreation', {
  description: 'A GameLift fleet that is peered with a VPC on creation',
});
{
  const { vpc } = createVpcWithDatabase(peeredOnCreation);
  const authorization = new VpcPeeringAuthorization(peeredOnCreation, 'Authorization', { vpc });
  const fleet = createFleet(peeredOnCreation, build);
  if (secondPeered) {
    new VpcPeeringConnection(peeredOnCreation, 'Peering', { authorization, fleet, peerOnCreate });
  }
  new CfnOutput(peeredOnCreation, 'AuthorizationExpires', { value: authorization.expirationTime });
}
