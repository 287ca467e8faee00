import { createHash } from 'node:crypto';
import { getDenialReasons, runSimulation, type RequestAnalysis } from '@cloud-copilot/iam-simulate';

/** Context keys of a request, as conditions see them. */
export type Context = Readonly<Record<string, string | string[]>>;

/** A statement of an identity policy that allows a call. */
export interface Granting {
  readonly policy: string;
  readonly document: object;
  /** Of the statement, from 0. */
  readonly index: number;
}

export type Decision =
  { readonly allowed: true; readonly grantings: readonly Granting[] } | { readonly allowed: false; readonly reason: string };

export interface NamedPolicy {
  readonly name: string;
  readonly policy: object;
}

export interface Question {
  readonly principalArn: string;
  readonly policies: NamedPolicy[];
  readonly boundaries?: NamedPolicy[];
  /** Names the policies and boundaries. */
  readonly version: string;
  readonly action: string;
  readonly resource: string;
  readonly resourceAccount: string;
  readonly context: Context;
  readonly resourcePolicy?: object;
}

const POLICY_TYPES: Readonly<Record<string, string>> = {
  identity: 'identity-based policy',
  pb: 'permissions boundary',
  resource: 'resource-based policy',
};

/**
 * What was answered to whole questions, policies included: one rehearsal after another asks the same. Answers and not promises,
 * each of which would keep the whole rehearsal that it was made in.
 */
const known = new Map<string, Decision>();

/** Evaluates policies as IAM does, and remembers the answers, since handlers ask the same thing again and again. */
export class Evaluator {
  private readonly answers = new Map<string, Promise<Decision>>();

  evaluate(question: Question): Promise<Decision> {
    const { principalArn, version, action, resource, resourceAccount, context, resourcePolicy } = question;
    const key = JSON.stringify([principalArn, version, action, resource, resourceAccount, context, resourcePolicy]);
    const answer = this.answers.get(key) ?? look(question);
    this.answers.set(key, answer);
    return answer;
  }
}

async function look(question: Question): Promise<Decision> {
  const text = JSON.stringify({ ...question, version: undefined });
  const key = createHash('sha256').update(text).digest('base64');
  const answer = known.get(key) ?? (await simulate(question));
  known.set(key, answer);
  return answer;
}

/** @returns the sentence with which AWS denies; how it denies is left out where AWS does not tell. */
export function denial(principalArn: string, action: string, resource: string, how = ''): string {
  const on = resource === '*' && action.startsWith('ec2:') ? '' : ` on resource: ${resource}`;
  return `User: ${principalArn} is not authorized to perform: ${action}${on}${how}`;
}

async function simulate(question: Question): Promise<Decision> {
  const { principalArn, action, resource, resourceAccount, policies, boundaries, context, resourcePolicy } = question;
  const outcome = await runSimulation(
    {
      request: {
        principal: principalArn,
        action,
        resource: { resource, accountId: resourceAccount },
        contextVariables: { ...context },
      },
      identityPolicies: policies,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(boundaries === undefined ? {} : { permissionBoundaryPolicies: boundaries }),
      ...(resourcePolicy === undefined ? {} : { resourcePolicy }),
    },
    {},
  );
  if (outcome.resultType === 'error') {
    throw new Error(`cannot evaluate ${action} on ${resource}: ${JSON.stringify(outcome.errors)}`);
  }
  const analysis = outcome.resultType === 'single' ? outcome.result.analysis : outcome.results[0]?.analysis;
  if (outcome.overallResult === 'Allowed') {
    const statements = analysis?.identityAnalysis?.allowStatements ?? [];
    const grantings = statements.flatMap(({ policyId, statement }) =>
      policies
        .filter(({ name }) => name === policyId)
        .map(({ name, policy }) => ({ policy: name, document: policy, index: statement.index() - 1 })),
    );
    return { allowed: true, grantings };
  }
  return {
    allowed: false,
    reason: denial(principalArn, action, resource, analysis === undefined ? '' : reason(analysis, action)),
  };
}

function reason(analysis: RequestAnalysis, action: string): string {
  const reasons = getDenialReasons(analysis);
  const decisive = reasons.find(({ denialType }) => denialType === 'Explicit') ?? reasons[0];
  const type = POLICY_TYPES[decisive?.policyType ?? 'identity'] ?? 'policy';
  return decisive?.denialType === 'Explicit'
    ? ` with an explicit deny in ${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
    : ` because no ${type} allows the ${action} action`;
}
