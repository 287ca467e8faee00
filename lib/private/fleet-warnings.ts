import { Annotations, CfnElement, CfnResource, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { topLevelStackOf } from './enclosing-stacks';
import { definitionOf, resolveReferences } from './template';
import { isKnown } from './validation';

/**
 * Warns if a fleet has remote locations, which GameLift does not peer.
 *
 * @param locations the fleet's `Locations` as they will appear in the template
 */
export function warnAboutRemoteLocations(fleet: CfnResource, locations: unknown): void {
  if (!Array.isArray(locations)) {
    return;
  }
  const homeRegion = fleet.stack.region;
  const names = locations.map((location: unknown) => (location as { readonly Location?: unknown }).Location);
  // if there are several locations, at least one of them is remote
  const hasRemote =
    names.length > 1 ||
    names.some((name) => typeof name === 'string' && isKnown(homeRegion) && isKnown(name) && name !== homeRegion);
  if (hasRemote) {
    Annotations.of(fleet).addWarningV2(
      'cdk-gamelift-vpc-peering:remoteLocations',
      'GameLift peers only the instances in the home Region of this fleet: instances in its remote locations cannot reach the peer VPC',
    );
  }
}

/** Warns if the fleet is in another stack than its connection, because deployments of a new build can then fail. */
export function warnAboutFleetInOtherStack(connection: Construct, fleet: CfnResource): void {
  const [connectionStack, fleetStack] = [Stack.of(connection), fleet.stack];
  if (connectionStack === fleetStack) {
    return;
  }
  const reason =
    topLevelStackOf(connectionStack) === topLevelStackOf(fleetStack)
      ? `when a new build replaces the fleet, ${fleetStack.node.path} may delete the old fleet before ${connectionStack.node.path} ` +
        'deletes its connection'
      : `a new build replaces the fleet, but CloudFormation refuses to change the export of the fleet id while ${connectionStack.node.path} ` +
        'uses it, so every deployment of a new build fails';
  Annotations.of(connection).addWarningV2(
    'cdk-gamelift-vpc-peering:fleetInOtherStack',
    `fleet ${fleet.node.path} is in another stack than its connection ${connection.node.path}: ${reason}. Create the connection in ` +
      `${fleetStack.node.path}, the stack of the fleet; the authorization can be in another stack`,
  );
}

const RETAIN_POLICIES: ReadonlySet<unknown> = new Set(['Retain', 'RetainExceptOnCreate']);

/**
 * Warns if CloudFormation retains the fleet but not its connection. Call it at synthesis, since a removal policy can be set after the
 * connection is created.
 *
 * @param resource the custom resource of the connection
 */
export function warnAboutRetainedFleet(connection: Construct, resource: CfnResource, fleet: CfnResource): void {
  const [connectionDefinition, fleetDefinition] = [definitionOf(resource), definitionOf(fleet)];
  const isOnlyFleetRetained = ['DeletionPolicy', 'UpdateReplacePolicy'].some(
    (name) => RETAIN_POLICIES.has(fleetDefinition[name]) && !RETAIN_POLICIES.has(connectionDefinition[name]),
  );
  if (isOnlyFleetRetained) {
    Annotations.of(connection).addWarningV2(
      'cdk-gamelift-vpc-peering:retainedFleet',
      `fleet ${fleet.node.path} is retained when it is removed or replaced, but its connection ${connection.node.path} is deleted. ` +
        'Players on the retained fleet then lose everything that they reach through the connection, such as a database. Set ' +
        'removalPolicy: RemovalPolicy.RETAIN on the connection, which also retains its routes and the rules of allowTo',
    );
  }
}

/**
 * Warns if GameLift peers two fleets of a stack with the same VPC on creation, since both need the authorization at the same time.
 *
 * @param other another connection of the stack with `peerOnCreate`
 */
export function warnAboutSeveralPeeredOnCreate(connection: Construct, other: Construct): void {
  Annotations.of(connection).addWarningV2(
    'cdk-gamelift-vpc-peering:severalPeeredOnCreate',
    `${connection.node.path} and ${other.node.path} both have peerOnCreate for the same VPC. If each use consumes the authorization (AWS does ` +
      'not document this), a deployment that creates or replaces both fleets fails, because the second fleet finds no authorization. Set ' +
      'peerOnCreate for one of them only, and connect the other without it',
  );
}

const EXPORT_PROBLEM =
  'A new build changes the exported value, but CloudFormation refuses to change an export while another stack imports it, so every deployment of a new ' +
  'build fails';

const EXPORT_ALTERNATIVE =
  'pass the value as text, as a context value, or in an SSM parameter, and update it after each new build';

interface Output {
  /** `Ref` is `<path of a construct>::<attribute>`, as `resolveReferences` returns it. */
  readonly Value?: { readonly Ref?: string };
  readonly Export?: unknown;
}

/**
 * Warns if the stack of a connection exports one of its attributes. Call it at synthesis: the CDK creates the exports for references of
 * other stacks just before that.
 *
 * @param resource the custom resource of the connection
 */
export function warnAboutExports(connection: Construct, resource: CfnResource): void {
  const elements = resource.stack.node
    .findAll()
    .filter((construct) => CfnElement.isCfnElement(construct))
    .filter((element) => !CfnResource.isCfnResource(element));
  const prefix = `${resource.node.path}::`;
  const attributes = elements
    .flatMap(outputsOf)
    .flatMap(({ Value, Export }) => (Export === undefined ? [] : [Value?.Ref ?? '']))
    .filter((reference) => reference.startsWith(prefix))
    .map((reference) => reference.slice(prefix.length));
  if (attributes.length > 0) {
    Annotations.of(connection).addWarningV2(
      'cdk-gamelift-vpc-peering:exportedAttribute',
      `${resource.stack.node.path} exports ${attributes.join(' and ')} of ${connection.node.path} for another stack. ${EXPORT_PROBLEM}. For a ` +
        `rule of a security group, call allowTo of ${connection.node.path} instead of allowFrom. Otherwise, ${EXPORT_ALTERNATIVE}`,
    );
  }
}

/** The outputs that an element adds to the template. */
function outputsOf(element: CfnElement): Output[] {
  const { Outputs = {} } = resolveReferences(element._toCloudFormation(), element).value as {
    readonly Outputs?: Readonly<Record<string, Output>>;
  };
  return Object.values(Outputs);
}

/** Warns if the CIDR block of an imported connection comes from an export of another stack. */
export function warnAboutImportedValue(connection: Construct, gameLiftCidrBlock: string): void {
  if (JSON.stringify(resolveReferences(gameLiftCidrBlock, connection).value).includes('Fn::ImportValue')) {
    Annotations.of(connection).addWarningV2(
      'cdk-gamelift-vpc-peering:importedValue',
      `the gameLiftCidrBlock of ${connection.node.path} is an export of another stack. ${EXPORT_PROBLEM}. Instead, ${EXPORT_ALTERNATIVE}`,
    );
  }
}
