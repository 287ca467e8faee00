import { createHash } from 'node:crypto';
import type { CfnResource } from 'aws-cdk-lib';
import { DependencySearch, isSearching } from './dependencies';
import { isFleet } from './fleets';

/*
 * A resource relies on an authorization when a change to it makes calls that need a valid one. The authorization carries
 * what such a change would show in the template, so that the deployment that makes the change renews it first.
 */

/**
 * The properties that replace a fleet when they change, which are CloudFormation's create-only properties of
 * `AWS::GameLift::Fleet`, and the one that replaces a connection.
 */
const REPLACING: ReadonlySet<string> = new Set([
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

type Fragment = Readonly<Record<string, unknown>>;

/**
 * What an authorization carries of the resources that rely on it, by logical id: the values that replace them, with the
 * references in them, so that a new build shows, and a digest of all others.
 *
 * @param closing the resource that carries them: a value that leads back to that one is only digested
 */
export function fingerprints(
  resources: Iterable<CfnResource>,
  closing: CfnResource,
): Readonly<Record<string, Fragment>> | undefined {
  const { stack } = closing;
  if (isFingerprinting) {
    // asked for by a search for what leads back to another authorization: all that this one may carry
    return byLogicalId(resources, (resource) => Object.fromEntries(declaredBy(resource).filter(isReplacing)));
  }
  if (isSearching()) {
    // asked whether a dependency closes a cycle: if it does with what is carried, that is left out
    return undefined;
  }
  isFingerprinting = true;
  try {
    const search = new DependencySearch([closing], stack);
    return byLogicalId(resources, (resource) => fingerprint(resource, search));
  } finally {
    isFingerprinting = false;
  }
}

let isFingerprinting = false;

function byLogicalId(
  resources: Iterable<CfnResource>,
  entry: (resource: CfnResource) => Fragment,
): Readonly<Record<string, Fragment>> | undefined {
  const entries = [...resources].map((resource) => [resource.stack.resolve(resource.logicalId) as string, entry(resource)]);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Readonly<Record<string, Fragment>>);
}

function fingerprint(resource: CfnResource, search: DependencySearch): Fragment {
  const declared = declaredBy(resource);
  const digested = declared.filter(([name]) => name !== 'AuthorizationExpirationTime');
  return { ...carriedOf(resource, declared, search), Digest: digestOf(digested) };
}

function carriedOf(resource: CfnResource, declared: readonly Property[], search: DependencySearch): Fragment {
  const carried = declared.filter(isReplacing).flatMap(([name, value]): Property[] => {
    const named = search.namedIn(value, resource.stack);
    const fleet = named.find((element) => isFleet(element));
    if (fleet !== undefined) {
      // what replaces the fleet, instead of the fleet: what else relies on the authorization must not wait for this one
      return [[name, carriedOf(fleet, declaredBy(fleet), search)]];
    }
    return search.leadsFrom(named) ? [] : [[name, value]];
  });
  return Object.fromEntries(carried);
}

type Property = readonly [name: string, value: unknown];

function isReplacing([name]: Property): boolean {
  return REPLACING.has(name);
}

/** The properties of a resource as they stand in the template. */
function declaredBy(resource: CfnResource): readonly Property[] {
  const { stack } = resource;
  const { Resources = {} } = stack.resolve(resource._toCloudFormation()) as {
    readonly Resources?: Readonly<Record<string, Fragment>>;
  };
  const { Properties = {} } = (Resources[stack.resolve(resource.logicalId) as string] ?? {}) as {
    readonly Properties?: Fragment;
  };
  return Object.entries(Properties).filter(([, value]) => value !== undefined);
}

/** A short name for a value: the same for the same value. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}
