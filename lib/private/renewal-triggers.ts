import type { CfnResource } from 'aws-cdk-lib';
import { DependencySearch, isSearching } from './dependency-search';
import { digestOf } from './digest';
import { isCfnFleet } from './fleets';

/*
 * A deployment that changes a peered fleet or a connection needs a valid authorization. So the authorization's properties contain values
 * of these resources: if such a value changes, CloudFormation updates the authorization in the same deployment.
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

type PropertyValues = Readonly<Record<string, unknown>>;
type Property = readonly [name: string, value: unknown];

/** Whether `renewalTriggers` is collecting the triggers of an authorization right now. */
let isCollecting = false;

/**
 * Returns the values of the create-only properties of each resource, and a digest of all its properties, by logical id. A value may be a
 * reference, such as the `Ref` of a build, so a new build changes it. Values that depend on the authorization are only in the digest, to avoid
 * a cycle.
 *
 * @param authorization the resource whose property contains the result
 */
export function renewalTriggers(
  resources: Iterable<CfnResource>,
  authorization: CfnResource,
): Readonly<Record<string, PropertyValues>> | undefined {
  if (isCollecting) {
    // This function is running for another authorization, and its search resolves this one: return all references of this one.
    return byLogicalId(resources, (resource) => Object.fromEntries(propertiesInTemplate(resource).filter(isCreateOnly)));
  }
  if (isSearching()) {
    // A search is deciding whether to add a dependency. It can ignore these values, because they are left out later if they cause a cycle.
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
  valuesOf: (resource: CfnResource) => PropertyValues,
): Readonly<Record<string, PropertyValues>> | undefined {
  const entries = [...resources].map((resource) => [resource.stack.resolve(resource.logicalId) as string, valuesOf(resource)]);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Readonly<Record<string, PropertyValues>>);
}

function triggersOf(resource: CfnResource, search: DependencySearch): PropertyValues {
  const properties = propertiesInTemplate(resource);
  // each renewal changes the expiration time, so the time must not trigger another renewal
  const digestedProperties = properties.filter(([name]) => name !== 'AuthorizationExpirationTime');
  return { ...createOnlyValues(resource, properties, search), Digest: digestOf(JSON.stringify(digestedProperties), 16) };
}

function createOnlyValues(resource: CfnResource, properties: readonly Property[], search: DependencySearch): PropertyValues {
  const values = properties.filter(isCreateOnly).flatMap(([name, value]): Property[] => {
    const referenced = search.elementsReferencedIn(value, resource.stack);
    const fleet = referenced.find((element) => isCfnFleet(element));
    if (fleet !== undefined) {
      // use the fleet's own values instead of a reference to it, because the authorization must not wait for the fleet
      return [[name, createOnlyValues(fleet, propertiesInTemplate(fleet), search)]];
    }
    return search.reaches(referenced) ? [] : [[name, value]];
  });
  return Object.fromEntries(values);
}

function isCreateOnly([name]: Property): boolean {
  return CREATE_ONLY_PROPERTIES.has(name);
}

/**
 * The properties of a resource as they will appear in the template. Unlike those of `propertiesOf`, their references are as CloudFormation
 * sees them.
 */
function propertiesInTemplate(resource: CfnResource): readonly Property[] {
  const { stack } = resource;
  const { Resources = {} } = stack.resolve(resource._toCloudFormation()) as {
    readonly Resources?: Readonly<Record<string, PropertyValues>>;
  };
  const { Properties = {} } = (Resources[stack.resolve(resource.logicalId) as string] ?? {}) as {
    readonly Properties?: PropertyValues;
  };
  return Object.entries(Properties).filter(([, value]) => value !== undefined);
}
