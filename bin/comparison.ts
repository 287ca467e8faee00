import { App, Stack } from 'aws-cdk-lib';
import { authorize, AWS_CUSTOM_RESOURCE } from '../bench/ways/aws-custom-resource';
import { createFleet, createVpcWithDatabase } from '../examples/shared/studio';

/*
 * The stacks of app.ts, written with the CDK's AwsCustomResource instead of this library. They work until the authorization expires
 * after 24 hours.
 */

const app = new App();
const build = String(app.node.tryGetContext('build') ?? '1');
const hasConnection = app.node.tryGetContext('peered') !== 'no';

const connectedStack = new Stack(app, 'GameLiftVpcPeering');
{
  const { vpc } = createVpcWithDatabase(connectedStack);
  const fleet = createFleet(connectedStack, build);
  AWS_CUSTOM_RESOURCE.connect(connectedStack, [{ vpcId: vpc.vpcId, fleets: hasConnection ? [fleet] : [] }]);
}

const peeredOnCreationStack = new Stack(app, 'GameLiftPeeredOnCreation');
{
  const { vpc } = createVpcWithDatabase(peeredOnCreationStack);
  const fleet = createFleet(peeredOnCreationStack, build);
  fleet.peerVpcId = vpc.vpcId;
  fleet.peerVpcAwsAccountId = peeredOnCreationStack.account;
  fleet.node.addDependency(authorize(peeredOnCreationStack, 'Authorization', vpc.vpcId));
}
