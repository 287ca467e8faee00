import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AuthorizationRenewal, VpcPeeringAuthorization, VpcPeeringConnection } from '../lib';
import { createFleet, createVpcWithDatabase } from '../examples/shared/studio';

/*
 * Two stacks. In the first, a fleet is connected with the VPC of a database after its creation. In the second, GameLift peers a fleet
 * while creating it.
 *
 * cdk deploy --all                                      renews an authorization if a fleet or connection that needs it changes
 * cdk deploy --all --context renewal=everySynthesis     renews the authorization of the first stack, even if nothing changes
 * cdk deploy --all --context build=2                    replaces the fleets, because they have a new build
 * cdk deploy --all --context peered=no                  removes the connection of the first stack
 * cdk deploy --all --context peerOnCreate=no            replaces the fleet of the second stack, and connects the new fleet after its creation
 * cdk deploy --all --context secondPeered=no            removes the connection of the second stack, and replaces its fleet
 */

const app = new App();
const build = String(app.node.tryGetContext('build') ?? '1');
const hasConnection = app.node.tryGetContext('peered') !== 'no';
const peerOnCreate = app.node.tryGetContext('peerOnCreate') !== 'no';
const hasSecondConnection = app.node.tryGetContext('secondPeered') !== 'no';
const renewsEverySynthesis = app.node.tryGetContext('renewal') === 'everySynthesis';

const connectedStack = new Stack(app, 'GameLiftVpcPeering', { description: 'A GameLift fleet that is connected with a VPC' });
{
  const { vpc, database } = createVpcWithDatabase(connectedStack);
  const fleet = createFleet(connectedStack, build);
  const authorization = new VpcPeeringAuthorization(connectedStack, 'Authorization', {
    vpc,
    renewal: renewsEverySynthesis ? AuthorizationRenewal.everySynthesis() : AuthorizationRenewal.onChange(),
  });
  if (hasConnection) {
    const peering = new VpcPeeringConnection(connectedStack, 'Peering', { authorization, fleet });
    peering.allowTo(database, ec2.Port.tcp(5432));
    new CfnOutput(connectedStack, 'GameLiftCidrBlock', { value: peering.gameLiftCidrBlock });
  }
  new CfnOutput(connectedStack, 'AuthorizationExpires', { value: authorization.expirationTime });
}

const peeredOnCreationStack = new Stack(app, 'GameLiftPeeredOnCreation', {
  description: 'A GameLift fleet that is peered with a VPC on creation',
});
{
  const { vpc } = createVpcWithDatabase(peeredOnCreationStack);
  const authorization = new VpcPeeringAuthorization(peeredOnCreationStack, 'Authorization', { vpc });
  const fleet = createFleet(peeredOnCreationStack, build);
  if (hasSecondConnection) {
    new VpcPeeringConnection(peeredOnCreationStack, 'Peering', { authorization, fleet, peerOnCreate });
  }
  new CfnOutput(peeredOnCreationStack, 'AuthorizationExpires', { value: authorization.expirationTime });
}
