import { App, Stack } from 'aws-cdk-lib';
import { authorize, AWS_CUSTOM_RESOURCE } from '../bench/ways/aws-custom-resource';
import { createFleet, createVpcWithDatabase } from '../examples/shared/studio';

/*
 * The stacks of app.ts, written with the CDK's AwsCustomResource instead of this library. They work until the authorization expires
 * after 24 hours.
 */

const app = new App();
const build = String(app.node.tryGetContext('build') ?? '1');
const peered = app.node.tryGetContext('peered') !== 'no';

const connected = new Stack(app, 'GameLiftVpcPeering');
{
  const { vpc } = createVpcWithDatabase(connected);
  const fleet = createFleet(connected, build);
  AWS_CUSTOM_RESOURCE.connect(connected, [{ vpcId: vpc.vpcId, fleets: peered ? [fleet] : [] }]);
}

const peeredOnCreation = new Stack(app, 'GameLiftPeeredOnCreation');
{
  const { vpc } = createVpcWithDatabase(peeredOnCreation);
  const fleet = createFleet(peeredOnCreation, build);
  fleet.peerVpcId = vpc.vpcId;
  fleet.peerVpcAwsAccountId = peeredOnCreation.account;
  fleet.node.addDependency(authorize(peeredOnCreation, 'Authorization', vpc.vpcId));
}
