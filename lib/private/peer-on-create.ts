import { Stack } from 'aws-cdk-lib';
import type { CfnResource } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { Construct } from 'constructs';
import { AcyclicDependency } from './acyclic-dependency';
import { warnAboutSeveralPeeredOnCreate } from './fleet-warnings';
import type { PassedFleet } from './fleets';
import { sharedMap } from './library-copies';
import type { PeeringPair } from './peering-pair';
import { propertiesOf, resolveReferences } from './template';
import { isDummyValue } from './validation';

/*
 * Fleets that GameLift peers while it creates them, because the fleet has the VPC as its PeerVpcId.
 */

/**
 * The fleet of a connection with `peerOnCreate`.
 *
 * @throws Error if it is not an `AWS::GameLift::Fleet` in the stack of the connection
 */
export function requireFleetOfSameStack(connection: Construct, { construct, resource }: PassedFleet): gamelift.CfnFleet {
  const requirement = `peerOnCreate of ${connection.node.path} requires an AWS::GameLift::Fleet in the same stack`;
  if (resource === undefined) {
    throw new Error(
      `${requirement}, but ${construct.node.path} is imported, or created by another resource: leave out peerOnCreate to connect the ` +
        'fleet that exists',
    );
  }
  const [own, other] = [Stack.of(connection), Stack.of(resource)];
  if (own !== other) {
    throw new Error(
      `${requirement}, but ${resource.node.path} is in ${other.node.path}: create the connection in ${other.node.path}; the authorization ` +
        'can be in another stack',
    );
  }
  return resource;
}

/**
 * Makes GameLift peer the fleet with the VPC on creation.
 *
 * @throws Error if the fleet already has another VPC
 */
export function setPeerVpc(fleet: gamelift.CfnFleet, { vpc, peerVpcAccount }: PeeringPair): void {
  const { peerVpcId = vpc.vpcId } = fleet;
  if (!isSameVpc(resolveReferences(peerVpcId, fleet).value, vpc) && ![peerVpcId, vpc.vpcId].some(isDummyValue)) {
    throw new Error(
      `fleet ${fleet.node.path} already has the peerVpcId ${peerVpcId}: GameLift peers a fleet with only one VPC on creation. Remove that ` +
        'peerVpcId, or leave out peerOnCreate',
    );
  }
  fleet.peerVpcId = vpc.vpcId;
  fleet.peerVpcAwsAccountId = peerVpcAccount;
}

/** Makes the synthesis fail if the fleet does not keep the VPC of its connection as its `PeerVpcId`. */
export function requirePeerVpc(connection: Construct, fleet: CfnResource, vpc: ec2.IVpc): void {
  connection.node.addValidation({
    validate: () =>
      isDummyValue(vpc.vpcId) || isSameVpc(propertiesOf(fleet).PeerVpcId, vpc)
        ? []
        : [
            `fleet ${fleet.node.path} must keep the VPC of ${connection.node.path} as its peerVpcId, because peerOnCreate is set, but it was ` +
              'changed later: remove that change, or leave out peerOnCreate',
          ],
  });
}

/** Makes the synthesis fail if the fleet has the VPC of its connection as its `PeerVpcId`. */
export function forbidPeerVpc(connection: Construct, fleet: CfnResource, vpc: ec2.IVpc): void {
  connection.node.addValidation({
    validate: () =>
      isDummyValue(vpc.vpcId) || !isSameVpc(propertiesOf(fleet).PeerVpcId, vpc)
        ? []
        : [
            `fleet ${fleet.node.path} has the VPC of ${connection.node.path} as its peerVpcId, so GameLift peers it on creation: set ` +
              'peerOnCreate on the connection, or remove the peerVpcId, which replaces the fleet',
          ],
  });
}

function isSameVpc(peerVpcId: unknown, vpc: ec2.IVpc): boolean {
  return JSON.stringify(peerVpcId) === keyOf(vpc);
}

/** The id of the VPC as it will appear in the template, so that two references to the same VPC are the same. */
function keyOf(vpc: ec2.IVpc): string {
  return JSON.stringify(resolveReferences(vpc.vpcId, vpc).value);
}

/** Connections with `peerOnCreate` for the same VPC. */
interface PeeredOnCreate {
  readonly constructs: Construct[];
  readonly resources: CfnResource[];
}

/** The connections with `peerOnCreate` of each stack, by VPC. */
const peeredOnCreate = sharedMap<Stack, Map<string, PeeredOnCreate>>('peeredOnCreate');

function peeredOnCreateIn(stack: Stack, vpc: ec2.IVpc): PeeredOnCreate {
  const byVpc = peeredOnCreate.get(stack) ?? new Map<string, PeeredOnCreate>();
  peeredOnCreate.set(stack, byVpc);
  const key = keyOf(vpc);
  const peered = byVpc.get(key) ?? { constructs: [], resources: [] };
  byVpc.set(key, peered);
  return peered;
}

/** Registers a connection with `peerOnCreate`, and warns if its stack has another one for the same VPC. */
export function registerPeeredOnCreate(connection: Construct, resource: CfnResource, vpc: ec2.IVpc): void {
  const { constructs, resources } = peeredOnCreateIn(Stack.of(connection), vpc);
  const [other] = constructs;
  if (other !== undefined && !isDummyValue(vpc.vpcId)) {
    warnAboutSeveralPeeredOnCreate(connection, other);
  }
  constructs.push(connection);
  resources.push(resource);
}

/**
 * Makes a connection without `peerOnCreate` wait for those of its stack and VPC that have it, including those that are registered later.
 * They are complete soon after their fleet is ACTIVE, so a deployment takes about as long as its slowest fleet.
 *
 * The order matters if each use consumes the authorization (AWS does not document this). In a creation, the connection would otherwise
 * use up what GameLift needs for the fleet, and only the connection can authorize again. In a deletion, which goes in the reverse order,
 * it would use up what `DeleteFleet` needs if GameLift ends the other connection only with the fleet.
 */
export function createAfterPeeredOnCreate(connection: CfnResource, vpc: ec2.IVpc): void {
  new AcyclicDependency(peeredOnCreateIn(connection.stack, vpc).resources).add(connection);
}
