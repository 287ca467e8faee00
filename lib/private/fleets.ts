import { CfnResource, Reference, Stack, Stage, Token, Tokenization } from 'aws-cdk-lib';
import type { ResourceEnvironment } from 'aws-cdk-lib';
import type { Construct, IConstruct } from 'constructs';
import { warnAboutRemoteLocations } from './fleet-warnings';
import { sharedMap } from './library-copies';
import { propertiesOf, resolveReferences } from './template';
import { isDummyValue, isKnown } from './validation';
import { vpcKeyOf } from './vpc-key';

type FleetResource = CfnResource & { readonly cfnResourceType: 'AWS::GameLift::Fleet' };

/** Whether a construct is an `AWS::GameLift::Fleet`, including one from another copy of aws-cdk-lib. */
export function isCfnFleet(construct: IConstruct | undefined): construct is FleetResource {
  return construct !== undefined && CfnResource.isCfnResource(construct) && construct.cfnResourceType === 'AWS::GameLift::Fleet';
}

/** The fleet that a user has passed to a connection. */
export interface PassedFleet {
  readonly construct: IConstruct;
  readonly fleetId: string;
  readonly account: string;
  readonly region: string;
  /** The `AWS::GameLift::Fleet`. Undefined if the fleet is imported, or if another resource creates it, such as a custom resource. */
  readonly resource: CfnResource | undefined;
}

/** The properties that fleet constructs can have: the CDK's references have `fleetRef`, the fleets of aws-gamelift-alpha have `fleetId`. */
interface FleetConstruct extends IConstruct {
  readonly fleetRef?: { readonly fleetId?: string };
  readonly fleetId?: string;
  readonly env?: ResourceEnvironment;
}

/**
 * Reads a fleet from a construct: an `AWS::GameLift::Fleet`, a construct that contains one as its default child (directly or through
 * further default children), or a construct with the id of a fleet.
 *
 * @throws Error for any other construct
 */
export function readFleet(construct: FleetConstruct): PassedFleet {
  validateConstruct(construct);
  const { fleetId, resource } = findFleet(construct);
  const { account, region } = construct.env ?? Stack.of(construct);
  if (isCfnFleet(resource)) {
    return { construct, fleetId: resource.ref, account, region, resource };
  }
  const type = resource?.cfnResourceType;
  // a resource that is not a fleet is rejected, even if it has a fleetId. A construct with a fleetId around a custom resource is accepted
  if (fleetId === undefined || resource === construct || type?.startsWith('AWS::GameLift::') === true) {
    const description = describeConstruct(construct);
    throw new Error(wrongFleetMessage(type === undefined ? description : `${description}, which is an ${type}`));
  }
  return { construct, fleetId, account, region, resource: undefined };
}

interface FindFleetResult {
  readonly fleetId: string | undefined;
  readonly resource: CfnResource | undefined;
}

/** Finds the id and the resource of a fleet. If a construct has neither, searches its default child. */
function findFleet(construct: FleetConstruct): FindFleetResult {
  const fleetId = construct.fleetRef?.fleetId ?? construct.fleetId;
  const defaultChild = defaultChildOf(construct);
  const candidates = [referencedConstruct(fleetId), construct, defaultChild];
  const resource = candidates
    .filter((candidate) => candidate !== undefined)
    .find((candidate) => CfnResource.isCfnResource(candidate));
  const isWrapper = fleetId === undefined && resource === undefined && defaultChild !== undefined && defaultChild !== construct;
  return isWrapper ? findFleet(defaultChild) : { fleetId, resource };
}

/** @throws Error if the construct has several children that could be its default child */
function defaultChildOf(construct: IConstruct): IConstruct | undefined {
  try {
    return construct.node.defaultChild;
  } catch {
    throw new Error(wrongFleetMessage(`${describeConstruct(construct)}, which has a child Resource and a child Default`));
  }
}

/** @throws Error if the value is not a construct. Code without types can pass any value. */
function validateConstruct(value: unknown): void {
  if (typeof value === 'object' && value !== null) {
    if (!('node' in value)) {
      throw new Error(wrongFleetMessage('an object that is not a construct'));
    }
  } else {
    throw new Error(wrongFleetMessage(value === undefined || value === null ? String(value) : `a ${typeof value}`));
  }
}

function describeConstruct(construct: IConstruct): string {
  return `${construct.node.path} of class ${construct.constructor.name}`;
}

function wrongFleetMessage(passed: string): string {
  return (
    `fleet must be an EC2 fleet of GameLift, got ${passed}: pass an aws_gamelift.CfnFleet, a construct whose default child is one, or ` +
    "aws_gamelift.CfnFleet.fromFleetId(this, 'ImportedFleet', 'fleet-…')"
  );
}

/** The construct that a fleet id refers to. Undefined if the id is not a reference. */
function referencedConstruct(fleetId: string | undefined): IConstruct | undefined {
  const token = fleetId === undefined ? undefined : Tokenization.reverse(fleetId, { failConcat: false });
  return Reference.isReference(token) ? token.target : undefined;
}

/** @throws Error if the id is known and is not the id of an EC2 fleet */
export function validateFleetId(fleetId: string): void {
  if (isKnown(fleetId) && (!/^[a-z]*fleet-[a-zA-Z0-9-]+$/.test(fleetId) || fleetId.startsWith('containerfleet-'))) {
    throw new Error(
      `fleet must have the id of an EC2 fleet, such as fleet-01234567-89ab-cdef-0123-456789abcdef, got '${fleetId}'`,
    );
  }
}

/**
 * Checks that GameLift can peer a fleet: immediately, and once more at synthesis, because its properties can change until then.
 *
 * @param construct the construct that peers the fleet
 * @throws Error if the fleet is known to have another compute type than EC2
 */
export function validateFleet(construct: Construct, fleet: CfnResource): void {
  const errors = computeTypeErrors(fleet, propertiesOf(fleet).ComputeType);
  if (errors.length > 0) {
    throw new Error(errors.join('; '));
  }
  construct.node.addValidation({
    validate: () => {
      const { ComputeType, Locations } = propertiesOf(fleet);
      warnAboutRemoteLocations(fleet, Locations);
      return computeTypeErrors(fleet, ComputeType);
    },
  });
}

function computeTypeErrors(fleet: CfnResource, computeType: unknown): string[] {
  const isUnsupported = typeof computeType === 'string' && isKnown(computeType) && computeType !== 'EC2';
  return isUnsupported
    ? [
        `GameLift peers EC2 fleets only: fleet ${fleet.node.path} has the compute type ${computeType}. Pass an EC2 fleet to the ` +
          'VpcPeeringConnection, or remove it',
      ]
    : [];
}

/** The constructs that create a connection, by Stage, then by fleet and VPC. */
const registeredPeerings = sharedMap<IConstruct, Map<string, IConstruct>>('peerings');

/**
 * Registers the connection of a fleet with a VPC.
 *
 * @param construct a connection without `adoptExisting`
 * @throws Error if the same Stage already peers the fleet with the VPC
 */
export function registerPeering(construct: IConstruct, fleetId: string, vpcId: string): void {
  if (isDummyValue(fleetId) || isDummyValue(vpcId)) {
    return;
  }
  const stage = Stage.of(construct) ?? construct.node.root;
  const peeringsOfStage = registeredPeerings.get(stage) ?? new Map<string, IConstruct>();
  registeredPeerings.set(stage, peeringsOfStage);
  const key = JSON.stringify([fleetId, vpcKeyOf(resolveReferences(vpcId, construct))]);
  const other = peeringsOfStage.get(key);
  if (other !== undefined) {
    throw new Error(
      `a fleet and a VPC can have only one peering connection, but ${construct.node.path} and ${other.node.path} both peer ` +
        `${describeFleet(fleetId)} with the same VPC: remove one of them, or set adoptExisting on the one that should use the other's ` +
        'connection',
    );
  }
  peeringsOfStage.set(key, construct);
}

function describeFleet(fleetId: string): string {
  const target = referencedConstruct(fleetId);
  if (target !== undefined) {
    return `fleet ${target.node.path}`;
  }
  return Token.isUnresolved(fleetId) ? 'a fleet whose id is a token' : `fleet ${fleetId}`;
}
