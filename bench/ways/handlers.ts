import { join } from 'node:path';
import { CustomResource, Duration, type Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { peeringStatement } from './permissions';
import type { Network, Way } from './way';

const TYPE = 'Custom::Peering';

/** The maximum duration that Lambda allows for one invocation. */
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

/** Adds an authorization for each VPC and a connection for each fleet, all with one handler. */
function addCustomResources(stack: Stack, serviceToken: string, networks: readonly Network[]): void {
  networks.forEach(({ vpcId, fleets }, networkIndex) => {
    const pair = { GameLiftAwsAccountId: stack.account, PeerVpcId: vpcId };
    const authorization = new CustomResource(stack, `Authorization${networkIndex}`, { serviceToken, properties: pair });
    fleets.forEach(({ fleetRef }, fleetIndex) => {
      const properties = { ...pair, FleetId: fleetRef.fleetId };
      const peering = new CustomResource(stack, `Peering${networkIndex}x${fleetIndex}`, {
        serviceToken,
        resourceType: TYPE,
        properties,
      });
      peering.node.addDependency(authorization);
    });
  });
}

/** With a handler that sends the response to CloudFormation itself. */
export const HANDWRITTEN: Way = {
  name: 'handwritten handler',
  connectionType: TYPE,
  connect: (stack, networks) => {
    addCustomResources(stack, createFunction(stack, 'Handler', 'handwritten.handler').functionArn, networks);
  },
};

/** With a Provider whose function waits for the connection. */
export const PROVIDER: Way = {
  name: 'Provider',
  connectionType: TYPE,
  connect: (stack, networks) => {
    const onEventHandler = createFunction(stack, 'OnEvent', 'provider.onEvent');
    addCustomResources(stack, new Provider(stack, 'Provider', { onEventHandler }).serviceToken, networks);
  },
};

/** With a Provider that checks every ten seconds whether the connection is active. GameLift would throttle more frequent calls. */
export const PROVIDER_WITH_IS_COMPLETE: Way = {
  name: 'Provider with isComplete',
  connectionType: TYPE,
  connect: (stack, networks) => {
    const { serviceToken } = new Provider(stack, 'Provider', {
      onEventHandler: createFunction(stack, 'OnEvent', 'provider.onEventWithoutWaiting'),
      isCompleteHandler: createFunction(stack, 'IsComplete', 'provider.isComplete'),
      queryInterval: Duration.seconds(10),
    });
    addCustomResources(stack, serviceToken, networks);
  },
};
