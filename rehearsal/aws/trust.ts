import { wildcards } from './wildcards';

interface Statement {
  readonly Effect?: unknown;
  readonly Action?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

/** Whether a trust policy lets a service assume the role. Services send no conditions' keys here, so that a conditional grant admits none. */
export function trusts(trustPolicy: object, servicePrincipal: string): boolean {
  const statements = list((trustPolicy as { readonly Statement?: unknown }).Statement) as Statement[];
  const matching = statements.filter(({ Action, Principal }) => {
    const services = isRecord(Principal) ? list(Principal.Service) : list(Principal);
    const named = services.some((service) => service === '*' || service === servicePrincipal);
    return named && list(Action).some((action) => new RegExp(wildcards(String(action)), 'i').test('sts:AssumeRole'));
  });
  const denied = matching.some(({ Effect }) => Effect === 'Deny');
  return !denied && matching.some(({ Effect, Condition }) => Effect === 'Allow' && Condition === undefined);
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
