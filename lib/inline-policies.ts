import { CfnResource } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { propertiesOf } from './fleets';

/** Characters that IAM allows in all inline policies of a role together, white space not counted. */
const MAX_CHARACTERS = 10_240;

/** What a reference comes to at the least: the id of a VPC. */
const SHORTEST_ID = 'vpc-0123456789abcdef0';
const PSEUDO_PARAMETERS: Readonly<Record<string, string>> = { Partition: 'aws', AccountId: '123456789012', Region: 'us-east-1' };

interface Policy {
  readonly PolicyDocument: unknown;
}

/** Fails the synthesis if the inline policies of a role in a scope are longer than IAM allows: the deployment would fail. */
export function checkInlinePolicies(scope: Construct): void {
  scope.node.addValidation({
    validate: () =>
      [...inlinePolicies(scope)]
        .map(([role, documents]) => ({ role, length: documents.reduce<number>((sum, each) => sum + lengthOf(each), 0) }))
        .filter(({ length }) => length > MAX_CHARACTERS)
        .map(
          ({ role, length }) =>
            `the inline policies of role ${role} have at least ${length} characters, and IAM allows ${MAX_CHARACTERS} for all of a role: ` +
            'connect fewer VPCs in one stack, as each stack has a role of its own, and grant what you add yourself in managed policies',
        ),
  });
}

/** The documents of all inline policies in a scope, by role. */
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
        // one that is left out of the template has no properties
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

/** The path of the role that a policy is attached to, or the name of a role that the app does not make. */
function roleOf(attachedTo: unknown): string {
  if (typeof attachedTo !== 'object' || attachedTo === null) {
    return String(attachedTo);
  }
  const { Ref = '' } = attachedTo as { readonly Ref?: string };
  return Ref.split('::')[0] ?? '';
}

function lengthOf(document: unknown): number {
  return JSON.stringify(shortest(document)).replaceAll(/\s/g, '').length;
}

/** A part of a template with texts put together, and with the shortest values that its references can have. */
function shortest(part: unknown): unknown {
  if (Array.isArray(part)) {
    return part.map(shortest);
  }
  if (typeof part !== 'object' || part === null) {
    return part;
  }
  const entries: [string, unknown][] = Object.entries(part);
  const [key, value] = entries[0] ?? ['', undefined];
  if (entries.length === 1 && key === 'Fn::Join') {
    const [separator, parts] = value as [string, unknown[]];
    return parts.map((each) => shortest(each)).join(separator);
  }
  if (entries.length === 1 && key === 'Ref') {
    return PSEUDO_PARAMETERS[String(value).split('::').at(-1) ?? ''] ?? SHORTEST_ID;
  }
  if (entries.length === 1 && key.startsWith('Fn::')) {
    return SHORTEST_ID;
  }
  return Object.fromEntries(entries.map(([name, each]) => [name, shortest(each)]));
}
