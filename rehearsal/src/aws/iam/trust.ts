import { wildcards } from '../wildcards';

interface Statement {
  readonly Effect?: unknown;
  readonly Action?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

/** Services that say for whose account they act: EventBridge Scheduler's guide on the confused deputy. Others send no keys of conditions here. */
const SENDING_SOURCE_ACCOUNT: ReadonlySet<string> = new Set(['scheduler.amazonaws.com']);

/** Whether a trust policy lets a service assume the role of an account, for something of that account. */
export function trusts(trustPolicy: object, servicePrincipal: string, account: string): boolean {
  const context: Readonly<Record<string, string>> = SENDING_SOURCE_ACCOUNT.has(servicePrincipal)
    ? { 'aws:SourceAccount': account }
    : {};
  const statements = list((trustPolicy as { readonly Statement?: unknown }).Statement) as Statement[];
  const matching = statements.filter(({ Action, Principal }) => {
    const services = isRecord(Principal) ? list(Principal.Service) : list(Principal);
    const named = services.some((service) => service === '*' || service === servicePrincipal);
    return named && list(Action).some((action) => new RegExp(wildcards(String(action)), 'i').test('sts:AssumeRole'));
  });
  const denied = matching.some(({ Effect }) => Effect === 'Deny');
  return !denied && matching.some(({ Effect, Condition }) => Effect === 'Allow' && meets(Condition, context));
}

/** What is not known to be met is not met: a grant under such a condition admits nobody. */
function meets(condition: unknown, context: Readonly<Record<string, string>>): boolean {
  const operators = isRecord(condition) ? Object.entries(condition) : [];
  return operators.every(
    ([operator, keys]) =>
      operator === 'StringEquals' &&
      isRecord(keys) &&
      Object.entries(keys).every(([key, wanted]) => key in context && list(wanted).includes(context[key])),
  );
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
