import { App, Aspects, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsSolutionsChecks } from 'cdk-nag';
import { createFleet } from './shared/studio';
import { AuthorizationRenewal, PeeringRoutes, VpcPeeringAuthorization, VpcPeeringConnection } from '../lib';
import { suppressPeeringFindings, suppressQueueFindings } from './shared/suppressions';

/*
 * Two accounts without trust: the account of the VPC authorizes, and renews the authorization on a schedule. So the stack of
 * the fleets can be deployed at any time. If there is no valid authorization, its deployment fails before it changes anything.
 *
 * cdk deploy --all --context vpcId=vpc-…
 */

const DATA_ENVIRONMENT = { account: '222222222222', region: 'us-east-1' };
const GAME_ENVIRONMENT = { account: '111111111111', region: 'us-east-1' };

const app = new App();
const vpcId = String(app.node.tryGetContext('vpcId') ?? 'vpc-0123456789abcdef0');
const importVpc = (stack: Stack): ec2.IVpc =>
  ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId, availabilityZones: ['us-east-1a'] });

const data = new Stack(app, 'SplitData', { env: DATA_ENVIRONMENT });
new VpcPeeringAuthorization(data, 'Authorization', {
  vpc: importVpc(data),
  gameLiftAccount: GAME_ENVIRONMENT.account,
  renewal: AuthorizationRenewal.scheduled(Duration.hours(12)),
});

const game = new Stack(app, 'SplitGame', { env: GAME_ENVIRONMENT });
const authorization = VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(game, 'Authorization', {
  vpc: importVpc(game),
  peerVpcAccount: DATA_ENVIRONMENT.account,
});
new VpcPeeringConnection(game, 'Peering', {
  authorization,
  fleet: createFleet(game, String(app.node.tryGetContext('build') ?? '1')),
  peerOnCreate: true,
  // only the account of the VPC can set routes there
  routes: PeeringRoutes.none(),
});
// if the stacks are in two apps, they can't declare this dependency: deploy the stack of the VPC first
game.node.addDependency(data);

suppressPeeringFindings(data, game);
suppressQueueFindings(data);
Aspects.of(app).add(new AwsSolutionsChecks());
app.synth();
