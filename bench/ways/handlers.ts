import { join } from 'node:path';
import { CustomResource, Duration, type Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { peeringStatement } from './permissions';
import type { Network, Way } from './way';

const TYPE = 'Custom::Peering';

/** The maximum that Lambda allows. */
const TIMEOUT = Duration.minutes(15);

/** Creates a function that runs code of bench/ways/handlers. */
function createFunction(stack: Stack, id: string, handler: string): lambda.Function {
  return new lambda.Function(stack, id, {
    runtime: lambda.determineLatestNodeRuntime(stack),
    handler,
    code: lambda.Code.fromAsset(join(__dirname, 'handlers')),
    timeout: TIMEOUT,
    initialPolicy: [peeringStatement()],
  });
}

/** Creates an authorization for each VPC and a connection for each fleet, all with one handler. */
function createCustomResources(stack: Stack, serviceToken: string, networks: readonly Network[]): void {
  networks.forEach(({ vpcId, fleets }, number) => {
    const pair = { GameLiftAwsAccountId: stack.account, PeerVpcId: vpcId };
    const authorization = new CustomResource(stack, `Authorization${number}`, { serviceToken, properties: pair });
    fleets.forEach(({ fleetRef }, index) => {
      const properties = { ...pair, FleetId: fleetRef.fleetId };
      const peering = new CustomResource(stack, `Peering${number}x${index}`, { serviceToken, resourceType: TYPE, properties });
      peering.node.addDependency(authorization);
    });
  });
}

/** A handwritten handler that sends the responses to CloudFormation itself. */
export const HANDWRITTEN: Way = {
  name: 'handwritten handler',
  connectionType: TYPE,
  connect: (stack, networks) => {
    createCustomResources(stack, createFunction(stack, 'Handler', 'handwritten.handler').functionArn, networks);
  },
};

/** A Provider whose function waits for the connection. */
export const PROVIDER: Way = {
  name: 'Provider',
  connectionType: TYPE,
  connect: (stack, networks) => {
    const onEventHandler = createFunction(stack, 'OnEvent', 'provider.onEvent');
    createCustomResources(stack, new Provider(stack, 'Provider', { onEventHandler }).serviceToken, networks);
  },
};

/** A Provider that checks every ten seconds whether the connection is active. GameLift would throttle calls that are more frequent. */
export const PROVIDER_WITH_IS_COMPLETE: Way = {
  name: 'Provider with isComplete',
  connectionType: TYPE,
  connect: (stack, networks) => {
    const { serviceToken } = new Provider(stack, 'Provider', {
      onEventHandler: createFunction(stack, 'OnEvent', 'provider.onEventWithoutWaiting'),
      isCompleteHandler: createFunction(stack, 'IsComplete', 'provider.isComplete'),
      queryInterval: Duration.seconds(10),
    });
    createCustomResources(stack, serviceToken, networks);
  },
};
