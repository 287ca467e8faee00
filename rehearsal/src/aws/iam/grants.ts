import { wildcardPattern } from '../wildcards';
import type { AllowStatement } from './evaluation';

/** An action that a policy statement grants to a role, and how often the role used it. */
export interface Grant {
  readonly roleArn: string;
  /** The name of an inline policy, or the ARN of a managed one. */
  readonly policy: string;
  /** As written in the policy. */
  readonly statement: object;
  /** As written in the statement, with wildcards. */
  readonly action: string;
  readonly uses: number;
}

interface Statement {
  readonly Effect?: string;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
}

/** Records which actions policy statements grant to roles, and how often roles use them. */
export class Grants {
  private readonly grants = new Map<string, Grant>();
  /** Caches, for each policy document, the keys of the grants that allow an action. */
  private readonly keysByDocument = new WeakMap<object, Map<string, readonly string[]>>();

  /** Records the grants of a new or changed policy of a role. Keeps the grants of earlier versions of the policy. */
  register(roleArn: string, policy: string, document: object): void {
    for (const statement of statementsOf(document).filter(({ Effect }) => Effect === 'Allow')) {
      for (const action of actionsOf(statement)) {
        const key = keyOf(roleArn, policy, statement, action);
        this.grants.set(key, this.grants.get(key) ?? { roleArn, policy, statement, action, uses: 0 });
      }
    }
  }

  /** Counts a use of each statement that allowed the call. */
  recordUse(roleArn: string, action: string, allowStatements: readonly AllowStatement[]): void {
    for (const allowStatement of allowStatements) {
      for (const key of this.keysOf(roleArn, action, allowStatement)) {
        const grant = this.grants.get(key);
        if (grant) {
          this.grants.set(key, { ...grant, uses: grant.uses + 1 });
        }
      }
    }
  }

  private keysOf(roleArn: string, action: string, { policy, document, index }: AllowStatement): readonly string[] {
    const keysByRequest = this.keysByDocument.get(document) ?? new Map<string, readonly string[]>();
    this.keysByDocument.set(document, keysByRequest);
    const requestKey = [roleArn, policy, String(index), action].join(' ');
    const statement = statementsOf(document)[index];
    const patterns = statement === undefined ? [] : actionsOf(statement);
    const keys =
      keysByRequest.get(requestKey) ??
      patterns.filter((pattern) => matches(pattern, action)).map((pattern) => keyOf(roleArn, policy, statement, pattern));
    keysByRequest.set(requestKey, keys);
    return keys;
  }

  all(): Grant[] {
    return [...this.grants.values()];
  }
}

const ALL_EXCEPT = 'all actions except ';

const statementsOf = (document: object): Statement[] =>
  [(document as { readonly Statement?: Statement | Statement[] }).Statement ?? []].flat();

/** All actions that a `NotAction` grants count as one action. */
const actionsOf = ({ Action = [], NotAction }: Statement): string[] =>
  NotAction === undefined ? [Action].flat() : [`${ALL_EXCEPT}${[NotAction].flat().join(', ')}`];

const matches = (pattern: string, action: string) =>
  pattern.startsWith(ALL_EXCEPT) || new RegExp(wildcardPattern(pattern), 'i').test(action);

const keyOf = (...parts: readonly unknown[]) => JSON.stringify(parts);
