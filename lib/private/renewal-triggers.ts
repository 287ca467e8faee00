import type { CfnResource } from 'aws-cdk-lib';
import { DependencySearch, isSearching } from './dependency-search';
import { digestOf } from './digest';
import { isCfnFleet } from './fleets';

/*
 * A deployment that changes a peered fleet or a connection needs a valid authorization. The authorization's properties therefore
 * contain the properties of these resources, so that CloudFormation updates the authorization in the same deployment.
 */

/**
 * The properties whose change replaces the resource: the create-only properties of `AWS::GameLift::Fleet`, and the `FleetId` of a
 * connection.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-gamelift-fleet.html
 */
const CREATE_ONLY_PROPERTIES: ReadonlySet<string> = new Set([
  'BuildId',
  'CertificateConfiguration',
  'ComputeType',
  'EC2InstanceType',
  'FleetId',
  'FleetType',
  'InstanceRoleARN',
  'InstanceRoleCredentialsProvider',
  'LogPaths',
  'PeerVpcAwsAccountId',
  'PeerVpcId',
  'PlayerGatewayConfiguration',
  'PlayerGatewayMode',
  'ScriptId',
  'ServerLaunchParameters',
  'ServerLaunchPath',
]);

type Values = Readonly<Record<string, unknown>>;
type Property = readonly [name: string, value: unknown];

let isCollecting = false;

/**
 * For each resource, by its logical id: the values of its create-only properties, and a digest of all its properties. The values
 * include references, because a new build changes only what a reference returns, not the template. Values that depend on the
 * authorization would create a cycle and are only in the digest.
 *
 * @param authorization the resource whose property contains the result
 */
export function renewalTriggers(
  resources: Iterable<CfnResource>,
  authorization: CfnResource,
): Readonly<Record<string, Values>> | undefined {
  if (isCollecting) {
    // The search of another authorization resolves this one. Return all values that this one may contain.
    return byLogicalId(resources, (resource) => Object.fromEntries(propertiesInTemplate(resource).filter(isCreateOnly)));
  }
  if (isSearching()) {
    // A search decides about a dependency. Return nothing, so that it keeps the dependency: a value here that then conflicts with the
    // dependency is left out.
    return undefined;
  }
  isCollecting = true;
  try {
    const search = new DependencySearch([authorization], authorization.stack);
    return byLogicalId(resources, (resource) => triggersOf(resource, search));
  } finally {
    isCollecting = false;
  }
}

function byLogicalId(
  resources: Iterable<CfnResource>,
  valuesOf: (resource: CfnResource) => Values,
): Readonly<Record<string, Values>> | undefined {
  const entries = [...resources].map((resource) => [resource.stack.resolve(resource.logicalId) as string, valuesOf(resource)]);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Readonly<Record<string, Values>>);
}

function triggersOf(resource: CfnResource, search: DependencySearch): Values {
  const properties = propertiesInTemplate(resource);
  // the authorization sets the expiration time: it must not trigger another renewal
  const digested = properties.filter(([name]) => name !== 'AuthorizationExpirationTime');
  return { ...createOnlyValues(resource, properties, search), Digest: digestOf(JSON.stringify(digested), 16) };
}

function createOnlyValues(resource: CfnResource, properties: readonly Property[], search: DependencySearch): Values {
  const values = properties.filter(isCreateOnly).flatMap(([name, value]): Property[] => {
    const referenced = search.elementsReferencedIn(value, resource.stack);
    const fleet = referenced.find((element) => isCfnFleet(element));
    if (fleet !== undefined) {
      // the fleet's own values instead of a reference to it: the authorization must not wait for the fleet
      return [[name, createOnlyValues(fleet, propertiesInTemplate(fleet), search)]];
    }
    return search.reachesTarget(referenced) ? [] : [[name, value]];
  });
  return Object.fromEntries(values);
}

function isCreateOnly([name]: Property): boolean {
  return CREATE_ONLY_PROPERTIES.has(name);
}

/** The properties of a resource as they will appear in the template, with references as CloudFormation sees them. */
function propertiesInTemplate(resource: CfnResource): readonly Property[] {
  const { stack } = resource;
  const { Resources = {} } = stack.resolve(resource._toCloudFormation()) as {
    readonly Resources?: Readonly<Record<string, Values>>;
  };
  const { Properties = {} } = (Resources[stack.resolve(resource.logicalId) as string] ?? {}) as {
    readonly Properties?: Values;
  };
  return Object.entries(Properties).filter(([, value]) => value !== undefined);
}
