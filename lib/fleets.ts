import { Annotations, CfnResource, Reference, Stack, Stage, Token, Tokenization } from 'aws-cdk-lib';
import type * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import type { Construct, IConstruct } from 'constructs';
import { sharedMap } from './copies';
import { topStackOf, withReferences } from './dependencies';
import { isDummy, isKnown } from './known-values';

/** Whether a construct is an `AWS::GameLift::Fleet`, also one of another copy of aws-cdk-lib. */
export function isFleet(construct: IConstruct | undefined): construct is gamelift.CfnFleet {
  return construct !== undefined && CfnResource.isCfnResource(construct) && construct.cfnResourceType === 'AWS::GameLift::Fleet';
}

/**
 * The resource of a fleet that the app defines: a construct itself, its default child, or what its id refers to. Undefined where the
 * fleet is imported.
 *
 * @throws Error if it is a resource of GameLift's other than an EC2 fleet
 */
export function resourceOf(fleet: aws_gamelift.IFleetRef): gamelift.CfnFleet | undefined {
  const token = Tokenization.reverse(fleet.fleetRef.fleetId, { failConcat: false });
  const target = Reference.isReference(token) ? token.target : undefined;
  const candidates = [target, fleet, fleet.node.defaultChild].filter((candidate) => candidate !== undefined);
  const resource = candidates.find((candidate) => CfnResource.isCfnResource(candidate));
  if (resource === undefined || isFleet(resource)) {
    return resource;
  }
  if (resource.cfnResourceType.startsWith('AWS::GameLift::')) {
    throw new Error(
      `GameLift peers EC2 fleets only: ${fleet.node.path} must be an AWS::GameLift::Fleet, got ${resource.cfnResourceType}`,
    );
  }
  // such as a custom resource that makes fleets
  return undefined;
}

/** @throws Error if the id of a fleet is known and is not that of an EC2 fleet. */
export function checkFleetId(fleetId: string): void {
  if (isKnown(fleetId) && (!/^[a-z]*fleet-[a-zA-Z0-9-]+$/.test(fleetId) || fleetId.startsWith('containerfleet-'))) {
    throw new Error(
      `fleet must have the id of an EC2 fleet, such as fleet-01234567-89ab-cdef-0123-456789abcdef, got '${fleetId}'`,
    );
  }
}

/**
 * Checks the fleet that is peered, now and once more at synthesis, since its properties can be set later.
 *
 * @throws Error if it is known to be no EC2 fleet
 */
export function checkFleet(peering: Construct, fleet: gamelift.CfnFleet): void {
  const problems = computeTypeProblems(fleet, fleet.computeType);
  if (problems.length > 0) {
    throw new Error(problems.join('; '));
  }
  peering.node.addValidation({
    validate: () => {
      const { ComputeType, Locations } = propertiesOf(fleet);
      warnOfRemoteLocations(fleet, Locations);
      return computeTypeProblems(fleet, ComputeType);
    },
  });
}

function computeTypeProblems(fleet: CfnResource, computeType: unknown): string[] {
  const isOther = typeof computeType === 'string' && isKnown(computeType) && computeType !== 'EC2';
  return isOther ? [`GameLift peers EC2 fleets only: fleet ${fleet.node.path} is of compute type ${computeType}`] : [];
}

function warnOfRemoteLocations(fleet: CfnResource, locations: unknown): void {
  if (!Array.isArray(locations)) {
    return;
  }
  const home = fleet.stack.region;
  const names = locations.map((each: unknown) => (each as { readonly Location?: unknown }).Location);
  // of two locations one is remote, whichever Region is home
  const isRemote =
    names.length > 1 || names.some((name) => typeof name === 'string' && isKnown(home) && isKnown(name) && name !== home);
  if (isRemote) {
    Annotations.of(fleet).addWarningV2(
      'cdk-gamelift-vpc-peering:remoteLocations',
      'peering reaches the instances of this fleet in its home Region only: those in its remote locations stay unpeered',
    );
  }
}

/** A resource as its template will have it, overrides included. */
function definitionOf(resource: CfnResource): Readonly<Record<string, unknown>> {
  const { Resources } = withReferences(resource._toCloudFormation(), resource).resolved as {
    readonly Resources?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  const [definition] = Object.values(Resources ?? {});
  return definition ?? {};
}

/** The properties of a resource as its template will have them, overrides included. */
export function propertiesOf(resource: CfnResource): Readonly<Record<string, unknown>> {
  const { Properties } = definitionOf(resource) as { readonly Properties?: Readonly<Record<string, unknown>> };
  return Properties ?? {};
}

/** That a fleet is peered with a VPC, by a connection or at creation. */
export interface Peering {
  readonly by: IConstruct;
  readonly fleetId: string;
  readonly vpcId: string;
  readonly adoptExisting: boolean;
}

const peerings = sharedMap<IConstruct, Map<string, Peering>>('peerings');

/** @throws Error if the fleet is peered with the VPC already, unless one of the two adopts what the other makes. */
export function notePeering(peering: Peering): void {
  const { by, fleetId, vpcId, adoptExisting } = peering;
  if (isDummy(fleetId) || isDummy(vpcId)) {
    return;
  }
  const stage = Stage.of(by) ?? by.node.root;
  const known = peerings.get(stage) ?? new Map<string, Peering>();
  peerings.set(stage, known);
  const key = JSON.stringify([fleetId, vpcId]);
  const other = known.get(key);
  if (other !== undefined && !other.adoptExisting && !adoptExisting) {
    throw new Error(
      `a fleet and a VPC have one connection: ${by.node.path} would peer fleet ${nameOf(fleetId)} with the VPC that ${other.by.node.path} ` +
        'peers it with already: remove one of them, or set adoptExisting on the connection that is to use what the other makes',
    );
  }
  known.set(key, peering);
}

function nameOf(fleetId: string): string {
  const token = Tokenization.reverse(fleetId, { failConcat: false });
  return Reference.isReference(token)
    ? token.target.node.path
    : Token.isUnresolved(fleetId)
      ? 'of an id that is not known yet'
      : fleetId;
}

/** Warns where a new build could not be deployed: the fleet is made in another stack than its connection. */
export function warnOfOtherStack(connection: Construct, fleet: CfnResource): void {
  const [own, other] = [Stack.of(connection), fleet.stack];
  if (own === other) {
    return;
  }
  const why =
    topStackOf(own) === topStackOf(other)
      ? `with a new build, ${other.node.path} may delete the old fleet before ${own.node.path} deletes its connection`
      : 'a new build replaces the fleet, and CloudFormation refuses to change the export of its id while ' +
        `${own.node.path} uses it, so that every such deployment fails`;
  Annotations.of(connection).addWarningV2(
    'cdk-gamelift-vpc-peering:fleetInOtherStack',
    `fleet ${fleet.node.path} is in another stack than its connection ${connection.node.path}: ${why}. Create the connection in ` +
      `${other.node.path}, the stack of the fleet; its authorization may be in another stack`,
  );
}

const RETAINING: ReadonlySet<unknown> = new Set(['Retain', 'RetainExceptOnCreate']);

/** Warns where a fleet stays when the stack removes or replaces it, and its connection does not. To be asked at synthesis. */
export function warnOfRetainedFleet(connection: Construct, resource: CfnResource, fleet: CfnResource): void {
  const [own, others] = [definitionOf(resource), definitionOf(fleet)];
  const isLeft = ['DeletionPolicy', 'UpdateReplacePolicy'].some(
    (name) => RETAINING.has(others[name]) && !RETAINING.has(own[name]),
  );
  if (isLeft) {
    Annotations.of(connection).addWarningV2(
      'cdk-gamelift-vpc-peering:retainedFleet',
      `fleet ${fleet.node.path} is retained when it is removed or replaced, but its connection ${connection.node.path} is deleted then, and ` +
        'players who are still on that fleet lose what they reach through it, such as a database: set removalPolicy: RemovalPolicy.RETAIN on ' +
        'the connection, which retains its routes and the rules of allowTo, too',
    );
  }
}
