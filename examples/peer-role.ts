import { App, Aspects, CfnOutput, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsSolutionsChecks } from 'cdk-nag';
import { createFleet } from './shared/studio';
import { VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringRole } from '../lib';
import { suppressPeeringFindings } from './shared/suppressions';

/*
 * Two accounts. The account of the VPC trusts the account of the fleets: it has a role that the stack of the fleets assumes to authorize,
 * and to set routes and DNS.
 *
 * cdk deploy --all --context vpcId=vpc-…
 *
 * A rule for the database can be created only in the account of the database, and the CIDR block of the fleet is known only once the fleet is
 * connected. So after the first deployment and after each new build, deploy again with the output GameLiftCidrBlock:
 *
 * cdk deploy PeerRoleData --context vpcId=vpc-… --context gameLiftCidrBlock=…
 */

const DATA_ENVIRONMENT = { account: '222222222222', region: 'us-east-1' };
const GAME_ENVIRONMENT = { account: '111111111111', region: 'us-east-1' };
/** Both accounts must use the same external id. */
const externalId = 'studio-7f3a9';

const app = new App();
const vpcId = String(app.node.tryGetContext('vpcId') ?? 'vpc-0123456789abcdef0');
const importVpc = (stack: Stack): ec2.IVpc =>
  ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId, availabilityZones: ['us-east-1a'] });

const data = new Stack(app, 'PeerRoleData', { env: DATA_ENVIRONMENT });
const dataVpc = importVpc(data);
const peerRole = new VpcPeeringRole(data, 'Role', { vpc: dataVpc, gameLiftAccount: GAME_ENVIRONMENT.account, externalId });
const database = new ec2.SecurityGroup(data, 'Database', { vpc: dataVpc, description: 'The database of the game' });
const gameLiftCidrBlock: unknown = app.node.tryGetContext('gameLiftCidrBlock');
if (typeof gameLiftCidrBlock === 'string') {
  const importedPeering = VpcPeeringConnection.fromVpcPeeringConnectionAttributes(data, 'Peering', { gameLiftCidrBlock });
  importedPeering.allowTo(database, ec2.Port.tcp(5432));
}

const game = new Stack(app, 'PeerRoleGame', { env: GAME_ENVIRONMENT });
const fleet = createFleet(game, String(app.node.tryGetContext('build') ?? '1'));
const authorization = new VpcPeeringAuthorization(game, 'Authorization', { vpc: importVpc(game), peerRole, externalId });
const peering = new VpcPeeringConnection(game, 'Peering', { authorization, fleet, dnsResolution: true });
new CfnOutput(game, 'GameLiftCidrBlock', { value: peering.gameLiftCidrBlock });

suppressPeeringFindings(data, game);
Aspects.of(app).add(new AwsSolutionsChecks());
app.synth();
