import { CfnResource, Reference, Stage, Token, Tokenization } from 'aws-cdk-lib';
import type * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import type { Construct, IConstruct } from 'constructs';
import { warnAboutRemoteLocations } from './fleet-warnings';
import { sharedMap } from './library-copies';
import { propertiesOf } from './template';
import { isDummyValue, isKnown } from './validation';

/** Whether a construct is an `AWS::GameLift::Fleet`, including one from another copy of aws-cdk-lib. */
export function isCfnFleet(construct: IConstruct | undefined): construct is gamelift.CfnFleet {
  return construct !== undefined && CfnResource.isCfnResource(construct) && construct.cfnResourceType === 'AWS::GameLift::Fleet';
}

/**
 * The `AWS::GameLift::Fleet` of a fleet that the app defines: what its id refers to, the construct itself, or its default child.
 * Undefined for an imported fleet, and for a fleet that another resource creates, such as a custom resource.
 *
 * @throws Error if it is a GameLift resource other than an `AWS::GameLift::Fleet`
 */
export function findCfnFleet(fleet: aws_gamelift.IFleetRef): gamelift.CfnFleet | undefined {
  const token = Tokenization.reverse(fleet.fleetRef.fleetId, { failConcat: false });
  const target = Reference.isReference(token) ? token.target : undefined;
  const candidates = [target, fleet, fleet.node.defaultChild].filter((candidate) => candidate !== undefined);
  const resource = candidates.find((candidate) => CfnResource.isCfnResource(candidate));
  if (resource === undefined || isCfnFleet(resource)) {
    return resource;
  }
  if (resource.cfnResourceType.startsWith('AWS::GameLift::')) {
    throw new Error(
      `GameLift peers EC2 fleets only: ${fleet.node.path} must be an AWS::GameLift::Fleet, got ${resource.cfnResourceType}`,
    );
  }
  return undefined;
}

/**
 * The `AWS::GameLift::Fleet` that a construct is, or that is its default child.
 *
 * @throws Error if there is none
 */
export function requireCfnFleet(construct: IConstruct): gamelift.CfnFleet {
  const { defaultChild } = construct.node;
  const fleet = [construct, defaultChild].find((candidate) => isCfnFleet(candidate));
  if (fleet === undefined) {
    const other = defaultChild !== undefined && CfnResource.isCfnResource(defaultChild) ? defaultChild : construct;
    const got = CfnResource.isCfnResource(other) ? other.cfnResourceType : 'a construct without a CloudFormation resource';
    throw new Error(
      `GameLift peers EC2 fleets only: ${construct.node.path} must be an AWS::GameLift::Fleet, or have one as its default child, ` +
        `got ${got}`,
    );
  }
  return fleet;
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
 * Checks that GameLift can peer a fleet, now and again at synthesis, since its properties can be set later.
 *
 * @param construct the construct that peers the fleet
 * @throws Error if the fleet is known not to be an EC2 fleet
 */
export function validateFleet(construct: Construct, fleet: gamelift.CfnFleet): void {
  const errors = computeTypeErrors(fleet, fleet.computeType);
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
  const isOther = typeof computeType === 'string' && isKnown(computeType) && computeType !== 'EC2';
  return isOther ? [`GameLift peers EC2 fleets only: fleet ${fleet.node.path} has the compute type ${computeType}`] : [];
}

/** The peering of a fleet with a VPC. */
export interface FleetPeering {
  /** The connection, or the fleet if it is peered at creation. */
  readonly construct: IConstruct;
  readonly fleetId: string;
  readonly vpcId: string;
  readonly adoptExisting: boolean;
}

const peerings = sharedMap<IConstruct, Map<string, FleetPeering>>('peerings');

/**
 * @throws Error if the same Stage already peers the fleet with the VPC, unless one of the two constructs adopts the connection
 */
export function registerPeering(peering: FleetPeering): void {
  const { construct, fleetId, vpcId, adoptExisting } = peering;
  if (isDummyValue(fleetId) || isDummyValue(vpcId)) {
    return;
  }
  const stage = Stage.of(construct) ?? construct.node.root;
  const registered = peerings.get(stage) ?? new Map<string, FleetPeering>();
  peerings.set(stage, registered);
  const key = JSON.stringify([fleetId, vpcId]);
  const other = registered.get(key);
  if (other !== undefined && !other.adoptExisting && !adoptExisting) {
    throw new Error(
      `a fleet and a VPC can have only one peering connection, but ${construct.node.path} and ${other.construct.node.path} both peer ` +
        `${describeFleet(fleetId)} with the same VPC: remove one of them, or set adoptExisting on the connection that should use the ` +
        'connection of the other',
    );
  }
  registered.set(key, peering);
}

function describeFleet(fleetId: string): string {
  const token = Tokenization.reverse(fleetId, { failConcat: false });
  if (Reference.isReference(token)) {
    return `fleet ${token.target.node.path}`;
  }
  return Token.isUnresolved(fleetId) ? 'a fleet whose id is a token' : `fleet ${fleetId}`;
}
