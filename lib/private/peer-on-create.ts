import { Stack } from 'aws-cdk-lib';
import type { CfnResource } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { Construct, IConstruct } from 'constructs';
import { AcyclicDependency } from './acyclic-dependency';
import { topLevelStackOf } from './enclosing-stacks';
import { warnAboutSeveralPeeredOnCreate } from './fleet-warnings';
import type { PassedFleet } from './fleets';
import { sharedMap } from './library-copies';
import type { PeeringPair } from './peering-pair';
import { hasProperty, propertyOf, resolveReferences } from './template';
import { isDummyValue } from './validation';
import type { Comparison } from './validation';
import { compareVpcKeys, vpcKeyOf } from './vpc-key';

/*
 * Functions for fleets that GameLift peers while it creates them. Such a fleet has the peer VPC as its PeerVpcId.
 */

/**
 * Returns the fleet of a connection with `peerOnCreate`.
 *
 * @throws Error if it is not an `AWS::GameLift::Fleet` in the stack of the connection
 */
export function requireFleetOfSameStack(connection: Construct, { construct, resource }: PassedFleet): CfnResource {
  const requirement = `peerOnCreate of ${connection.node.path} requires an AWS::GameLift::Fleet in the same stack`;
  if (resource === undefined) {
    throw new Error(
      `${requirement}, but ${construct.node.path} is imported, or created by another resource: leave out peerOnCreate to connect the ` +
        'fleet that exists',
    );
  }
  const fleetStack = Stack.of(resource);
  if (Stack.of(connection) !== fleetStack) {
    throw new Error(
      `${requirement}, but ${resource.node.path} is in ${fleetStack.node.path}: create the connection in ${fleetStack.node.path}; the authorization ` +
        'can be in another stack',
    );
  }
  return resource;
}

/** The connection with `peerOnCreate` of each fleet. */
const connectionOfFleet = sharedMap<CfnResource, Construct>('peerOnCreateConnections');

/** The properties of a fleet that make GameLift peer it on creation. */
function peerVpcProperties({ vpc, peerVpcAccount }: PeeringPair): {
  readonly PeerVpcId: string;
  readonly PeerVpcAwsAccountId: string;
} {
  return { PeerVpcId: vpc.vpcId, PeerVpcAwsAccountId: peerVpcAccount };
}

/**
 * Makes GameLift peer the fleet with the VPC of a connection on creation. Overwrites the `PeerVpcId` of the fleet, unless it is known to be
 * another VPC.
 *
 * @throws Error if the fleet already has another VPC as its `PeerVpcId`
 */
export function setPeerVpc(connection: Construct, fleet: CfnResource, pair: PeeringPair): void {
  const other = connectionOfFleet.get(fleet);
  if (other !== undefined) {
    throw new Error(
      `fleet ${fleet.node.path} already has the peerVpcId of ${other.node.path}: GameLift peers a fleet with only one VPC on creation. Leave ` +
        `out peerOnCreate on ${other.node.path} or on ${connection.node.path}`,
    );
  }
  if (compareWithPeerVpc(fleet, pair.vpc) === 'different') {
    const { kind, text } = vpcKeyOf(propertyOf(fleet, 'PeerVpcId'));
    throw new Error(
      `fleet ${fleet.node.path} already has the peerVpcId ${kind === 'id' ? text : `of ${text}`}: GameLift peers a fleet with only one VPC ` +
        'on creation. Remove that peerVpcId, or leave out peerOnCreate',
    );
  }
  connectionOfFleet.set(fleet, connection);
  const properties = peerVpcProperties(pair);
  if (hasTypedProperties(fleet)) {
    fleet.peerVpcId = properties.PeerVpcId;
    fleet.peerVpcAwsAccountId = properties.PeerVpcAwsAccountId;
  }
  for (const [name, value] of Object.entries(properties)) {
    // the fleet has no typed properties, or an earlier override hides them
    if (!hasProperty(fleet, name, value)) {
      fleet.addPropertyOverride(name, value);
    }
  }
}

/** Whether a fleet is a `CfnFleet`, and not a `CfnResource` with the type `AWS::GameLift::Fleet`. */
function hasTypedProperties(fleet: CfnResource): fleet is gamelift.CfnFleet {
  return 'peerVpcId' in fleet;
}

/** Makes the synthesis fail if the fleet does not keep the VPC of its connection, and the account of that VPC. */
export function requirePeerVpc(connection: Construct, fleet: CfnResource, pair: PeeringPair): void {
  const { PeerVpcId, PeerVpcAwsAccountId } = peerVpcProperties(pair);
  const changedLaterMessage = (expectedValue: string, property: string): string =>
    `fleet ${fleet.node.path} must keep ${expectedValue} of ${connection.node.path} as its ${property}, because peerOnCreate is set, but it was ` +
    'changed later: remove that change, or leave out peerOnCreate';
  connection.node.addValidation({
    validate: () => [
      ...(isDummyValue(PeerVpcId) || compareWithPeerVpc(fleet, pair.vpc) === 'same'
        ? []
        : [changedLaterMessage('the VPC', 'peerVpcId')]),
      ...(isDummyValue(PeerVpcAwsAccountId) || hasProperty(fleet, 'PeerVpcAwsAccountId', PeerVpcAwsAccountId)
        ? []
        : [changedLaterMessage('the account of the VPC', 'peerVpcAwsAccountId')]),
    ],
  });
}

/** Makes the synthesis fail if the fleet has the VPC of its connection as its `PeerVpcId`. */
export function forbidPeerVpc(connection: Construct, fleet: CfnResource, vpc: ec2.IVpc): void {
  connection.node.addValidation({
    validate: () =>
      isDummyValue(vpc.vpcId) || compareWithPeerVpc(fleet, vpc) !== 'same'
        ? []
        : [
            `fleet ${fleet.node.path} has the VPC of ${connection.node.path} as its peerVpcId, so GameLift peers it on creation: set ` +
              'peerOnCreate on the connection, or remove the peerVpcId, which replaces the fleet',
          ],
  });
}

/** Compares the `PeerVpcId` of a fleet with a VPC. Returns `unknown` if the fleet has none. */
function compareWithPeerVpc(fleet: CfnResource, vpc: ec2.IVpc): Comparison {
  return hasProperty(fleet, 'PeerVpcId', vpc.vpcId)
    ? 'same'
    : compareVpcKeys(vpcKeyOf(propertyOf(fleet, 'PeerVpcId')), vpcKeyOf(resolveReferences(vpc.vpcId, vpc)));
}

/** Connections with `peerOnCreate` for the same VPC. */
interface ConnectionsPeeredOnCreate {
  readonly constructs: Construct[];
  readonly resources: CfnResource[];
}

/** The connections with `peerOnCreate` of each top-level stack, by VPC. Nested stacks are part of the same deployment. */
const peeredOnCreateByStack = sharedMap<Stack, Map<string, ConnectionsPeeredOnCreate>>('peeredOnCreate');

function connectionsPeeredOnCreate(connection: IConstruct, vpc: ec2.IVpc): ConnectionsPeeredOnCreate {
  const stack = topLevelStackOf(connection);
  const byVpc = peeredOnCreateByStack.get(stack) ?? new Map<string, ConnectionsPeeredOnCreate>();
  peeredOnCreateByStack.set(stack, byVpc);
  const key = JSON.stringify(vpcKeyOf(resolveReferences(vpc.vpcId, vpc)));
  const connections = byVpc.get(key) ?? { constructs: [], resources: [] };
  byVpc.set(key, connections);
  return connections;
}

/** Registers a connection with `peerOnCreate`, and warns if the same deployment has another one for the same VPC. */
export function registerPeeredOnCreate(connection: Construct, resource: CfnResource, vpc: ec2.IVpc): void {
  const { constructs, resources } = connectionsPeeredOnCreate(connection, vpc);
  const [other] = constructs;
  if (other !== undefined && !isDummyValue(vpc.vpcId)) {
    warnAboutSeveralPeeredOnCreate(connection, other);
  }
  constructs.push(connection);
  resources.push(resource);
}

/**
 * Makes a connection without `peerOnCreate` wait for the connections with `peerOnCreate` of the same deployment and VPC, including those that
 * are registered later. Connections with `peerOnCreate` are complete soon after their fleet is ACTIVE, so this order costs little time.
 *
 * The order matters if each use consumes the authorization (AWS does not document this). In another order, the connection could consume the
 * authorization that GameLift needs to create the fleet, and the fleet cannot authorize again. When CloudFormation deletes the
 * stack in the reverse order, the connection could likewise consume the authorization that `DeleteFleet` needs.
 */
export function createAfterPeeredOnCreate(connection: CfnResource, vpc: ec2.IVpc): void {
  new AcyclicDependency(connectionsPeeredOnCreate(connection, vpc).resources).addSource(connection);
}
