import { CfnResource } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { propertiesOf } from './template';

/**
 * The maximum size of all inline policies of a role together, in characters without white space.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const MAX_CHARACTERS = 10_240;

/** The shortest value of the references in this library's policies, except pseudo parameters: the id of a VPC. */
const SHORTEST_ID = 'vpc-0123456789abcdef0';
const PSEUDO_PARAMETERS: Readonly<Record<string, string>> = { Partition: 'aws', AccountId: '123456789012', Region: 'us-east-1' };

interface Policy {
  readonly PolicyDocument: unknown;
}

/** Makes the synthesis fail if the inline policies of a role within a construct are larger than IAM allows. */
export function validatePolicySize(scope: Construct): void {
  scope.node.addValidation({
    validate: () =>
      [...inlinePolicies(scope)]
        .map(([role, documents]) => ({ role, size: documents.reduce<number>((sum, document) => sum + minimumSize(document), 0) }))
        .filter(({ size }) => size > MAX_CHARACTERS)
        .map(
          ({ role, size }) =>
            `the inline policies of role ${role} have at least ${size} characters, but IAM allows ${MAX_CHARACTERS} for all inline ` +
            'policies of a role: peer fewer VPCs in one stack (each stack has its own role), and use managed policies for the ' +
            'permissions that you add',
        ),
  });
}

/** The documents of all inline policies within a construct, by role. */
function inlinePolicies(scope: Construct): ReadonlyMap<string, unknown[]> {
  const documents = new Map<string, unknown[]>();
  const add = (role: string, ...policies: readonly unknown[]): void => {
    documents.set(role, [...(documents.get(role) ?? []), ...policies]);
  };
  const resources = scope.node.findAll().filter((construct) => CfnResource.isCfnResource(construct));
  for (const resource of resources) {
    const properties = propertiesOf(resource);
    switch (resource.cfnResourceType) {
      case 'AWS::IAM::Role':
        add(resource.node.path, ...((properties.Policies ?? []) as Policy[]).map(({ PolicyDocument }) => PolicyDocument));
        break;
      case 'AWS::IAM::RolePolicy':
        // a policy that is left out of the template has no properties
        if (properties.RoleName !== undefined) {
          add(roleOf(properties.RoleName), properties.PolicyDocument);
        }
        break;
      case 'AWS::IAM::Policy':
        for (const role of (properties.Roles ?? []) as unknown[]) {
          add(roleOf(role), properties.PolicyDocument);
        }
        break;
    }
  }
  return documents;
}

/** The path of the role that a policy is attached to, or the name of the role, possibly an intrinsic function, if it is imported. */
function roleOf(roleName: unknown): string {
  if (typeof roleName !== 'object' || roleName === null) {
    return String(roleName);
  }
  const { Ref } = roleName as { readonly Ref?: string };
  // a reference of `propertiesOf` is the path of its target, `::` and the attribute. Other intrinsic functions stay as they are
  return Ref?.split('::')[0] ?? JSON.stringify(roleName);
}

function minimumSize(document: unknown): number {
  return JSON.stringify(withShortestValues(document)).replaceAll(/\s/g, '').length;
}

/** A part of a template, with `Fn::Join` evaluated and each reference replaced by the shortest value that it can have. */
function withShortestValues(part: unknown): unknown {
  if (Array.isArray(part)) {
    return part.map(withShortestValues);
  }
  if (typeof part !== 'object' || part === null) {
    return part;
  }
  const entries: [string, unknown][] = Object.entries(part);
  const [key, value] = entries[0] ?? ['', undefined];
  if (entries.length === 1 && key === 'Fn::Join') {
    const [separator, parts] = value as [string, unknown[]];
    return parts.map((each) => withShortestValues(each)).join(separator);
  }
  if (entries.length === 1 && key === 'Ref') {
    return PSEUDO_PARAMETERS[String(value).split('::').at(-1) ?? ''] ?? SHORTEST_ID;
  }
  if (entries.length === 1 && key.startsWith('Fn::')) {
    return SHORTEST_ID;
  }
  return Object.fromEntries(entries.map(([name, each]) => [name, withShortestValues(each)]));
}
