import type { Granting } from './evaluation';
import { wildcards } from './wildcards';

/** One action that a statement of a policy grants to a role, and how often that was needed. */
export interface Grant {
  readonly roleArn: string;
  /** The name of an inline policy, or the ARN of a managed one. */
  readonly policy: string;
  /** As it stands in the policy. */
  readonly statement: object;
  /** As the statement names it: a wildcard stays one. */
  readonly action: string;
  readonly uses: number;
}

interface Statement {
  readonly Effect?: string;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
}

/** Every statement that ever granted something to a role, and what was used of it. */
export class Grants {
  private readonly grants = new Map<string, Grant>();

  /** A policy is in force for a role from now on; what it granted before is remembered. */
  register(roleArn: string, policy: string, document: object): void {
    for (const statement of statementsOf(document).filter(({ Effect }) => Effect === 'Allow')) {
      for (const action of actionsOf(statement)) {
        const key = keyOf(roleArn, policy, statement, action);
        this.grants.set(key, this.grants.get(key) ?? { roleArn, policy, statement, action, uses: 0 });
      }
    }
  }

  /** A call was allowed by statements of policies: each of them counts. */
  use(roleArn: string, action: string, grantings: readonly Granting[]): void {
    for (const { policy, document, index } of grantings) {
      const statement = statementsOf(document)[index];
      for (const granted of statement === undefined ? [] : actionsOf(statement).filter((pattern) => covers(pattern, action))) {
        const key = keyOf(roleArn, policy, statement, granted);
        const grant = this.grants.get(key);
        if (grant) {
          this.grants.set(key, { ...grant, uses: grant.uses + 1 });
        }
      }
    }
  }

  all(): Grant[] {
    return [...this.grants.values()];
  }
}

const EXCEPT = 'all actions except ';

const statementsOf = (document: object): Statement[] =>
  [(document as { readonly Statement?: Statement | Statement[] }).Statement ?? []].flat();

/** What `NotAction` grants is one action of its own. */
const actionsOf = ({ Action = [], NotAction }: Statement): string[] =>
  NotAction === undefined ? [Action].flat() : [`${EXCEPT}${[NotAction].flat().join(', ')}`];

const covers = (pattern: string, action: string) =>
  pattern.startsWith(EXCEPT) || new RegExp(wildcards(pattern), 'i').test(action);

const keyOf = (...parts: readonly unknown[]) => JSON.stringify(parts);
