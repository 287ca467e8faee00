import { createHash } from 'node:crypto';
import { getDenialReasons, runSimulation, type RequestAnalysis } from '@cloud-copilot/iam-simulate';

/** The condition keys of a request, with their values. */
export type ConditionContext = Readonly<Record<string, string | string[]>>;

/** A statement of an identity-based policy that has allowed a call. */
export interface AllowStatement {
  /** The name of an inline policy, or the ARN of a managed one. */
  readonly policy: string;
  /** The document of the policy. */
  readonly document: object;
  /** The index of the statement, from 0. */
  readonly index: number;
}

export type Decision =
  | { readonly allowed: true; readonly allowStatements: readonly AllowStatement[] }
  | { readonly allowed: false; readonly reason: string };

/** A policy in the form that the library `iam-simulate` requires. */
export interface NamedPolicy {
  /** The name of an inline policy, or the ARN of a managed one. */
  readonly name: string;
  /** The document. */
  readonly policy: object;
}

export interface EvaluationRequest {
  readonly principalArn: string;
  readonly policies: NamedPolicy[];
  readonly boundaries?: NamedPolicy[];
  /** Identifies the policies and boundaries. Changes whenever they change. */
  readonly version: string;
  readonly action: string;
  readonly resource: string;
  readonly resourceAccount: string;
  readonly context: ConditionContext;
  readonly resourcePolicy?: object;
}

/** AWS's names for the policy types of the library `iam-simulate`. */
const POLICY_TYPES: Readonly<Record<string, string>> = {
  identity: 'identity-based policy',
  pb: 'permissions boundary',
  resource: 'resource-based policy',
};

/**
 * Caches the decisions of all rehearsals, by a hash of the whole request with its policies. Contains no promises, because a promise
 * would keep the rehearsal that created it in memory.
 */
const decisionsOfAllRehearsals = new Map<string, Decision>();

/** Evaluates policies like IAM. Also caches decisions by the version of the policies, because handlers repeat the same calls. */
export class Evaluator {
  private readonly decisionPromises = new Map<string, Promise<Decision>>();

  evaluate(request: EvaluationRequest): Promise<Decision> {
    const { principalArn, version, action, resource, resourceAccount, context, resourcePolicy } = request;
    const key = JSON.stringify([principalArn, version, action, resource, resourceAccount, context, resourcePolicy]);
    const decision = this.decisionPromises.get(key) ?? decide(request);
    this.decisionPromises.set(key, decision);
    return decision;
  }
}

async function decide(request: EvaluationRequest): Promise<Decision> {
  const text = JSON.stringify({ ...request, version: undefined });
  const key = createHash('sha256').update(text).digest('base64');
  const decision = decisionsOfAllRehearsals.get(key) ?? (await simulate(request));
  decisionsOfAllRehearsals.set(key, decision);
  return decision;
}

/** @returns AWS's message for a denied call. @param reason the end of the message, empty if AWS does not state a reason */
export function denialMessage(principalArn: string, action: string, resource: string, reason = ''): string {
  const onResource = resource === '*' && action.startsWith('ec2:') ? '' : ` on resource: ${resource}`;
  return `User: ${principalArn} is not authorized to perform: ${action}${onResource}${reason}`;
}

async function simulate(request: EvaluationRequest): Promise<Decision> {
  const { principalArn, action, resource, resourceAccount, policies, boundaries, context, resourcePolicy } = request;
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
    const allowStatements = statements.flatMap(({ policyId, statement }) =>
      policies
        .filter(({ name }) => name === policyId)
        .map(({ name, policy }) => ({ policy: name, document: policy, index: statement.index() - 1 })),
    );
    return { allowed: true, allowStatements };
  }
  return {
    allowed: false,
    reason: denialMessage(principalArn, action, resource, analysis === undefined ? '' : denialReason(analysis, action)),
  };
}

function denialReason(analysis: RequestAnalysis, action: string): string {
  const reasons = getDenialReasons(analysis);
  const decisiveReason = reasons.find(({ denialType }) => denialType === 'Explicit') ?? reasons[0];
  const type = POLICY_TYPES[decisiveReason?.policyType ?? 'identity'] ?? 'policy';
  return decisiveReason?.denialType === 'Explicit'
    ? ` with an explicit deny in ${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
    : ` because no ${type} allows the ${action} action`;
}
