import { runUnsafeSimulation } from '@cloud-copilot/iam-simulate';

interface Statement {
  readonly Effect: string;
  readonly Principal?: string | { readonly Service?: string | readonly string[] };
  readonly Condition?: Readonly<Record<string, object>>;
}

/**
 * The services that send the condition key `aws:SourceAccount` when they assume a role, according to EventBridge Scheduler's guide on the
 * confused deputy. In the simulation, other services send no condition keys.
 */
const SERVICES_WITH_SOURCE_ACCOUNT: ReadonlySet<string> = new Set(['scheduler.amazonaws.com']);

/** Whether a trust policy lets a service assume a role of the account. */
export function trusts(trustPolicy: object, servicePrincipal: string, account: string): boolean {
  const contextVariables: Record<string, string> = SERVICES_WITH_SOURCE_ACCOUNT.has(servicePrincipal)
    ? { 'aws:sourceaccount': account }
    : {};
  const { Statement: allStatements } = trustPolicy as { readonly Statement: Statement | readonly Statement[] };
  const statements = [allStatements].flat().filter(({ Principal }) => {
    const services = typeof Principal === 'object' ? Principal.Service : Principal;
    return [services].flat().some((service) => service === '*' || service === servicePrincipal);
  });
  // the library can evaluate only identity policies synchronously: turn the statements into an identity policy
  const identityStatements = statements
    .flatMap((statement) => replaceUnknownConditions(statement, contextVariables))
    .map((statement) => ({ ...statement, Principal: undefined, Resource: '*' }));
  const result = runUnsafeSimulation(
    {
      request: {
        principal: `arn:aws:iam::${account}:root`,
        action: 'sts:AssumeRole',
        resource: { resource: `arn:aws:iam::${account}:role/trusting`, accountId: account },
        contextVariables,
      },
      identityPolicies: [{ name: 'trust', policy: { Version: '2012-10-17', Statement: identityStatements } }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  return result === 'Allowed';
}

/**
 * Makes an Allow statement with an unknown condition key never apply, and a Deny statement with one always apply: the service sends no
 * value for the key.
 */
function replaceUnknownConditions(statement: Statement, contextVariables: object): Statement[] {
  const keys = Object.values(statement.Condition ?? {}).flatMap(Object.keys);
  if (keys.every((key) => key.toLowerCase() in contextVariables)) {
    return [statement];
  }
  return statement.Effect === 'Allow' ? [] : [{ ...statement, Condition: {} }];
}
