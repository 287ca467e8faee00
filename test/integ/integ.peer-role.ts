import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringRole } from '../../lib';
import { fromEnvironment } from './environment';
import { createFleet } from './fleet';
import { addPeeringTest } from './peering-test';

/** integ-runner deploys in the account of the fleet. The VPC is in another account. */
const region = fromEnvironment('CDK_DEFAULT_REGION', 'us-east-1');
const gameAccount = fromEnvironment('CDK_DEFAULT_ACCOUNT', '111111111111');
const dataAccount = fromEnvironment('DATA_ACCOUNT', '222222222222');
const vpcId = fromEnvironment('DATA_VPC_ID', 'vpc-0123456789abcdef0');
const externalId = 'integration-test';

const app = new App();
const importVpc = (stack: Stack): ec2.IVpc =>
  ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId, availabilityZones: [`${region}a`] });

const data = new Stack(app, 'GameLiftVpcPeeringRoleData', { env: { account: dataAccount, region } });
const peerRole = new VpcPeeringRole(data, 'Role', { vpc: importVpc(data), gameLiftAccount: gameAccount, externalId });

const game = new Stack(app, 'GameLiftVpcPeeringRoleGame', { env: { account: gameAccount, region } });
const fleet = createFleet(game);
const authorization = new VpcPeeringAuthorization(game, 'Authorization', { vpc: importVpc(game), peerRole, externalId });
const peering = new VpcPeeringConnection(game, 'Peering', { authorization, fleet });
addPeeringTest(app, {
  stack: game,
  otherStacks: [data],
  authorization,
  peering,
  fleet,
  peerRole: { roleArn: peerRole.roleArn, externalId },
});
