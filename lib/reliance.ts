import { createHash } from 'node:crypto';
import { CfnResource, Stack } from 'aws-cdk-lib';
import type { CfnElement } from 'aws-cdk-lib';

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
  resources: readonly CfnResource[],
  closing: CfnResource,
): Readonly<Record<string, Fragment>> | undefined {
  // while it is looked for what leads back to an authorization, others come by that lead to it in their turn
  if (resources.length === 0 || underWay.has(closing)) {
    return undefined;
  }
  underWay.add(closing);
  try {
    const stack = Stack.of(closing);
    return Object.fromEntries(
      resources.map((resource) => [stack.resolve(resource.logicalId) as string, fingerprint(resource, closing)]),
    );
  } finally {
    underWay.delete(closing);
  }
}

const underWay = new Set<CfnResource>();

function fingerprint(resource: CfnResource, closing: CfnResource): Fragment {
  const { Properties = {} } = fragmentOf(resource) as { readonly Properties?: Fragment };
  const declared = Object.entries(Properties).filter(([, value]) => value !== undefined);
  const carried = declared.filter(([name, value]) => REPLACING.has(name) && !leadsTo(value, closing, Stack.of(resource)));
  const rest = declared.filter(([name]) => !carried.some(([other]) => other === name) && name !== 'AuthorizationExpirationTime');
  return { ...Object.fromEntries(carried), Digest: createHash('sha256').update(JSON.stringify(rest)).digest('hex').slice(0, 16) };
}

/** A resource as it stands in the template. */
function fragmentOf(resource: CfnElement): Fragment {
  const stack = Stack.of(resource);
  const { Resources = {} } = stack.resolve(resource._toCloudFormation()) as {
    readonly Resources?: Readonly<Record<string, Fragment>>;
  };
  return Resources[stack.resolve(resource.logicalId) as string] ?? {};
}

/** Whether a part of the template refers to a resource, or to one that depends on it. */
function leadsTo(part: unknown, target: CfnResource, stack: Stack): boolean {
  const resources = new Map<string, CfnResource>();
  for (const candidate of stack.node.findAll()) {
    if (CfnResource.isCfnResource(candidate) && candidate.stack === stack) {
      resources.set(stack.resolve(candidate.logicalId) as string, candidate);
    }
  }
  const seen = new Set<CfnResource>();
  const search = (searched: unknown): boolean =>
    referredTo(searched).some((name) => {
      const resource = resources.get(name);
      if (resource === undefined || seen.has(resource)) {
        return false;
      }
      seen.add(resource);
      return resource === target || search(fragmentOf(resource));
    });
  return search(part);
}

/** The logical ids in references: a text that only happens to be one, such as a name, is none. */
function referredTo(part: unknown): string[] {
  if (Array.isArray(part)) {
    return part.flatMap(referredTo);
  }
  if (typeof part !== 'object' || part === null) {
    return [];
  }
  return Object.entries(part).flatMap(([key, value]: [string, unknown]) => {
    const texts = [value].flat().filter((item) => typeof item === 'string');
    switch (key) {
      case 'Ref':
      case 'DependsOn':
        return texts;
      case 'Fn::GetAtt':
        return texts.slice(0, 1).flatMap((text) => text.split('.').slice(0, 1));
      case 'Fn::Sub':
        return [...(texts[0] ?? '').matchAll(/\$\{([A-Za-z0-9]+)/g)].map(([, name = '']) => name).concat(referredTo(value));
      default:
        return referredTo(value);
    }
  });
}
