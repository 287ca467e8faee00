/*
 * Helpers to compare policies.
 */

/** A statement of a policy after `resolveReferences`. */
export interface ResolvedStatement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  /** Undefined in the trust policy of a role. */
  readonly Resource?: string | readonly string[];
  /** In policies of resources and roles. */
  readonly Principal?: Readonly<Record<string, string | readonly string[]>>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** Returns the purpose of a policy of the handler, such as `Authorize`, which its name contains. Returns other names unchanged. */
export function purposeOf(policyName: string): string {
  return /^GameLiftVpcPeering-([A-Za-z]+)[0-9a-f]{8}-/.exec(policyName)?.[1] ?? policyName;
}

/** Replaces references by text such as `<LogicalId>`, and resolves Fn::Join. */
export function resolveReferences(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(resolveReferences);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Record<string, unknown>;
  if (typeof Ref === 'string') {
    return Ref === 'AWS::Partition' ? 'aws' : `<${Ref}>`;
  }
  if (Array.isArray(attribute)) {
    return `<${attribute.join('.')}>`;
  }
  if (Array.isArray(join)) {
    const [separator, parts] = join as [string, unknown[]];
    return parts.map((part) => resolveReferences(part)).join(separator);
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, resolveReferences(part)]));
}
