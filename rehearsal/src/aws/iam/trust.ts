import { runUnsafeSimulation } from '@cloud-copilot/iam-simulate';

interface Statement {
  readonly Effect: string;
  readonly Principal?: string | { readonly Service?: string | readonly string[] };
  readonly Condition?: Readonly<Record<string, object>>;
}

/** Services that say for whose account they act: EventBridge Scheduler's guide on the confused deputy. Others send no keys of conditions here. */
const SENDING_SOURCE_ACCOUNT: ReadonlySet<string> = new Set(['scheduler.amazonaws.com']);

/** Whether a trust policy lets a service assume the role of an account, for something of that account. */
export function trusts(trustPolicy: object, servicePrincipal: string, account: string): boolean {
  const contextVariables: Record<string, string> = SENDING_SOURCE_ACCOUNT.has(servicePrincipal)
    ? { 'aws:sourceaccount': account }
    : {};
  const { Statement: all } = trustPolicy as { readonly Statement: Statement | readonly Statement[] };
  const statements = [all].flat().filter(({ Principal }) => {
    const services = typeof Principal === 'object' ? Principal.Service : Principal;
    return [services].flat().some((service) => service === '*' || service === servicePrincipal);
  });
  // only identity policies can be evaluated without waiting: their statements name resources instead of principals
  const Statement = statements
    .flatMap((statement) => withKnownKeys(statement, contextVariables))
    .map((statement) => ({ ...statement, Principal: undefined, Resource: '*' }));
  const result = runUnsafeSimulation(
    {
      request: {
        principal: `arn:aws:iam::${account}:root`,
        action: 'sts:AssumeRole',
        resource: { resource: `arn:aws:iam::${account}:role/trusting`, accountId: account },
        contextVariables,
      },
      identityPolicies: [{ name: 'trust', policy: { Version: '2012-10-17', Statement } }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  return result === 'Allowed';
}

/** Under a condition on a key that is not known, nobody is admitted, and everybody is denied. */
function withKnownKeys(statement: Statement, known: object): Statement[] {
  const keys = Object.values(statement.Condition ?? {}).flatMap(Object.keys);
  if (keys.every((key) => key.toLowerCase() in known)) {
    return [statement];
  }
  return statement.Effect === 'Allow' ? [] : [{ ...statement, Condition: {} }];
}
