import { wildcards } from '../wildcards';
import type { Granting } from './evaluation';

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
  /** The grants that allow an action by a statement of a policy of a role: looked up with every call. */
  private readonly grantings = new WeakMap<object, Map<string, readonly string[]>>();

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
    for (const granting of grantings) {
      for (const key of this.keysOf(roleArn, action, granting)) {
        const grant = this.grants.get(key);
        if (grant) {
          this.grants.set(key, { ...grant, uses: grant.uses + 1 });
        }
      }
    }
  }

  private keysOf(roleArn: string, action: string, { policy, document, index }: Granting): readonly string[] {
    const known = this.grantings.get(document) ?? new Map<string, readonly string[]>();
    this.grantings.set(document, known);
    const name = [roleArn, policy, String(index), action].join(' ');
    const statement = statementsOf(document)[index];
    const patterns = statement === undefined ? [] : actionsOf(statement);
    const keys =
      known.get(name) ??
      patterns.filter((pattern) => covers(pattern, action)).map((pattern) => keyOf(roleArn, policy, statement, pattern));
    known.set(name, keys);
    return keys;
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
