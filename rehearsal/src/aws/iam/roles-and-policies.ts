import { createHash } from 'node:crypto';
import { validateIdentityPolicy, validateTrustPolicy, type ValidationError } from '@cloud-copilot/iam-policy';
import type { NotUnderstood } from '../../not-understood';
import type { Clock } from '../../time/clock';
import { Timeline } from '../../time/timeline';
import { Grants } from './grants';
import { MANAGED_POLICIES } from './managed-policies';

/** A role. If a role is deleted and created again, the new role is another entity. */
export interface RoleEntity {
  readonly arn: string;
  readonly roleId: string;
  readonly state: Timeline<RoleState>;
}

interface RoleState {
  readonly exists: boolean;
  /** The trust policy. */
  readonly trust: object;
  /** The ARN of the permissions boundary. */
  readonly boundary?: string;
  /** The inline policies, by name. */
  readonly inline: Readonly<Record<string, object>>;
  /** The ARNs of the attached managed policies. */
  readonly attached: readonly string[];
}

/** An error of the IAM API. */
export class IamError extends Error {
  constructor(
    override readonly name:
      'DeleteConflict' | 'EntityAlreadyExists' | 'LimitExceeded' | 'MalformedPolicyDocument' | 'NoSuchEntity' | 'AccessDenied',
    message: string,
  ) {
    super(message);
  }
}

/** IAM's quotas. Sizes do not include whitespace. */
const MAX_INLINE_SIZE = 10_240;
const MAX_MANAGED_SIZE = 6_144;
const MAX_ATTACHED_POLICIES = 10;
/** The account in the ARNs of AWS managed policies, in place of an account id. */
const AWS_ACCOUNT = 'aws';
/** A valid policy that matches no action. */
const GRANTS_NOTHING = { Version: '2012-10-17', Statement: [{ Effect: 'Deny', NotAction: '*', Resource: '*' }] };

/** The roles and policies of every account. Permission checks may apply a change late, and each check has a delay of its own. */
export class RolesAndPolicies {
  private readonly roles = new Map<string, RoleEntity>();
  private readonly policies = new Map<string, Timeline<object | undefined>>();
  protected readonly recordedGrants = new Grants();
  private serial = 0;

  constructor(
    protected readonly clock: Clock,
    /** Returns the propagation delay for one permission check, in milliseconds. */
    private readonly propagationDelay: () => number,
    protected readonly notUnderstood: NotUnderstood,
  ) {
    for (const [arn, document] of Object.entries(MANAGED_POLICIES)) {
      this.policies.set(arn, this.newTimeline<object | undefined>(document));
    }
  }

  createRole(role: {
    account: string;
    /** Default: aws */
    partition?: string;
    roleName: string;
    path?: string;
    assumeRolePolicy: object;
    permissionsBoundary?: string;
  }): { arn: string; roleId: string } {
    const key = roleKey(role.account, role.roleName);
    if (this.roles.get(key)?.state.latest.exists === true) {
      throw new IamError('EntityAlreadyExists', `Role with name ${role.roleName} already exists.`);
    }
    requireValid(validateTrustPolicy(role.assumeRolePolicy));
    const arn = `arn:${role.partition ?? 'aws'}:iam::${role.account}:role${role.path ?? '/'}${role.roleName}`;
    const roleId = this.newId('AROA');
    const state: RoleState = {
      exists: true,
      trust: role.assumeRolePolicy,
      inline: {},
      attached: [],
      ...this.boundaryMember(role.permissionsBoundary),
    };
    // as long as the new role has not propagated, `AssumeRole` does not find it
    const timeline = this.newTimeline<RoleState>({ ...state, exists: false });
    timeline.set(state);
    this.roles.set(key, { arn, roleId, state: timeline });
    return { arn, roleId };
  }

  updateRole(account: string, roleName: string, change: { assumeRolePolicy: object; permissionsBoundary?: string }): void {
    requireValid(validateTrustPolicy(change.assumeRolePolicy));
    const { exists, inline, attached } = this.getRole(account, roleName).state.latest;
    const boundary = this.boundaryMember(change.permissionsBoundary);
    this.getRole(account, roleName).state.set({ exists, inline, attached, trust: change.assumeRolePolicy, ...boundary });
  }

  deleteRole(account: string, roleName: string): void {
    const { state } = this.getRole(account, roleName);
    if (Object.keys(state.latest.inline).length > 0) {
      throw new IamError('DeleteConflict', 'Cannot delete entity, must delete policies first.');
    }
    if (state.latest.attached.length > 0) {
      throw new IamError('DeleteConflict', 'Cannot delete entity, must detach all policies first.');
    }
    state.set({ ...state.latest, exists: false });
  }

  putRolePolicy(account: string, roleName: string, policyName: string, document: object): void {
    requireValid(validateIdentityPolicy(document));
    const { arn, state } = this.getRole(account, roleName);
    const inline = { ...state.latest.inline, [policyName]: document };
    if (Object.values(inline).reduce((sum, policy) => sum + sizeOf(policy), 0) > MAX_INLINE_SIZE) {
      throw new IamError('LimitExceeded', `Maximum policy size of ${MAX_INLINE_SIZE} bytes exceeded for role ${roleName}`);
    }
    this.recordedGrants.register(arn, policyName, document);
    state.set({ ...state.latest, inline });
  }

  hasRolePolicy(account: string, roleName: string, policyName: string): boolean {
    return Object.hasOwn(this.getRole(account, roleName).state.latest.inline, policyName);
  }

  deleteRolePolicy(account: string, roleName: string, policyName: string): void {
    const { state } = this.getRole(account, roleName);
    if (!Object.hasOwn(state.latest.inline, policyName)) {
      throw new IamError('NoSuchEntity', `The role policy with name ${policyName} cannot be found.`);
    }
    const inline = Object.fromEntries(Object.entries(state.latest.inline).filter(([name]) => name !== policyName));
    state.set({ ...state.latest, inline });
  }

  /** @returns the policy's ARN. */
  createPolicy(policy: { account: string; partition?: string; policyName: string; path?: string; document: object }): string {
    const arn = `arn:${policy.partition ?? 'aws'}:iam::${policy.account}:policy${policy.path ?? '/'}${policy.policyName}`;
    if (this.policies.get(arn)?.latest !== undefined) {
      throw new IamError(
        'EntityAlreadyExists',
        `A policy called ${policy.policyName} already exists. Duplicate names are not allowed.`,
      );
    }
    requireValidManagedPolicy(policy.document);
    // a new policy has no propagation delay of its own: it takes effect when it is attached, and attaching has a delay
    this.policies.set(arn, this.newTimeline<object | undefined>(policy.document));
    return arn;
  }

  updatePolicy(arn: string, document: object): void {
    requireValidManagedPolicy(document);
    this.getPolicy(arn).set(document);
    for (const role of this.roles.values()) {
      if (role.state.latest.attached.includes(arn)) {
        this.recordedGrants.register(role.arn, arn, document);
      }
    }
  }

  deletePolicy(arn: string): void {
    const policy = this.getPolicy(arn);
    const states = [...this.roles.values()].map(({ state }) => state.latest).filter(({ exists }) => exists);
    if (states.some(({ attached, boundary }) => attached.includes(arn) || boundary === arn)) {
      throw new IamError('DeleteConflict', 'Cannot delete a policy attached to entities.');
    }
    policy.set(undefined);
  }

  attachRolePolicy(account: string, roleName: string, policyArn: string): void {
    const document = this.getPolicy(policyArn).latest;
    const { arn, state } = this.getRole(account, roleName);
    const attached = [...state.latest.attached.filter((other) => other !== policyArn), policyArn];
    if (attached.length > MAX_ATTACHED_POLICIES) {
      throw new IamError('LimitExceeded', `Cannot exceed quota for PoliciesPerRole: ${MAX_ATTACHED_POLICIES}`);
    }
    // unused grants of AWS managed policies are not reported, because users cannot change those policies
    if (document !== undefined && accountOf(policyArn) !== AWS_ACCOUNT) {
      this.recordedGrants.register(arn, policyArn, document);
    }
    state.set({ ...state.latest, attached });
  }

  detachRolePolicy(account: string, roleName: string, policyArn: string): void {
    const { state } = this.getRole(account, roleName);
    if (!state.latest.attached.includes(policyArn)) {
      throw new IamError('NoSuchEntity', `Policy ${policyArn} was not found.`);
    }
    state.set({ ...state.latest, attached: state.latest.attached.filter((arn) => arn !== policyArn) });
  }

  /** All roles with their latest trust policies and policies. */
  roleList(): (Omit<RoleState, 'exists'> & { readonly account: string; readonly arn: string })[] {
    return [...this.roles.values()].flatMap(({ arn, state }) => {
      const { exists, ...rest } = state.latest;
      return exists ? [{ account: accountOf(arn), arn, ...rest }] : [];
    });
  }

  /** The customer managed policies of all accounts. */
  policyList(): { readonly account: string; readonly arn: string; readonly document: object }[] {
    return [...this.policies].flatMap(([arn, { latest: document }]) =>
      document === undefined || accountOf(arn) === AWS_ACCOUNT ? [] : [{ account: accountOf(arn), arn, document }],
    );
  }

  /** Returns the time up to which a permission check that starts now applies changes. */
  protected latestVisibleTime(): number {
    return this.clock.now() - this.propagationDelay();
  }

  /** Finds a role by ARN, even a deleted one. */
  protected find(arn: string): RoleEntity | undefined {
    return [...this.roles.values()].find((role) => role.arn === arn);
  }

  private getRole(account: string, roleName: string): RoleEntity {
    const role = this.roles.get(roleKey(account, roleName));
    if (role?.state.latest.exists !== true) {
      throw new IamError('NoSuchEntity', `The role with name ${roleName} cannot be found.`);
    }
    return role;
  }

  private getPolicy(arn: string): Timeline<object | undefined> {
    if (accountOf(arn) === AWS_ACCOUNT && !this.policies.has(arn)) {
      this.policies.set(arn, this.newTimeline<object | undefined>(this.findAwsManagedPolicy(arn)));
    }
    const policy = this.policies.get(arn);
    if (policy?.latest === undefined) {
      throw new IamError('NoSuchEntity', `Policy ${arn} does not exist or is not attachable.`);
    }
    return policy;
  }

  /** Finds an AWS managed policy by its ARN, which may be in any partition. */
  private findAwsManagedPolicy(arn: string): object {
    const document = MANAGED_POLICIES[arn.replace(/^arn:[^:]*:/, 'arn:aws:')];
    if (document === undefined) {
      this.notUnderstood.note(`the AWS managed policy ${arn}: its content is unknown, so it grants nothing`);
    }
    return document ?? GRANTS_NOTHING;
  }

  /** Returns the boundary as a member of a role's state, or no member without an ARN. Throws if the policy does not exist. */
  private boundaryMember(arn: string | undefined): { boundary?: string } {
    if (arn === undefined) {
      return {};
    }
    this.getPolicy(arn);
    return { boundary: arn };
  }

  /** The document of a managed policy at `time`, and its version. */
  protected managedPolicy(arn: string, time: number): { readonly document: object | undefined; readonly version: number } {
    const { value, version } = this.policies.get(arn)?.at(time) ?? { value: undefined, version: 0 };
    return { document: value, version };
  }

  /** Generates an id that is the same in every run, because outputs and reports contain it. */
  protected newId(prefix: string): string {
    // IAM's ids contain no 0, 1, 8 or 9
    const digits = createHash('sha256').update(`${prefix}${++this.serial}`).digest('hex').toUpperCase();
    return `${prefix}${digits.replace(/[0189]/g, 'X').slice(0, 16)}`;
  }

  private newTimeline<T>(initial: T): Timeline<T> {
    return new Timeline(this.clock, initial);
  }
}

export function accountOf(arn: string): string {
  return arn.split(':')[4] ?? '';
}

function roleKey(account: string, roleName: string): string {
  // role names are case-insensitive
  return `${account} ${roleName.toLowerCase()}`;
}

/** The size without whitespace, which IAM does not count. */
function sizeOf(document: object): number {
  return JSON.stringify(document).replace(/\s/g, '').length;
}

function requireValidManagedPolicy(document: object): void {
  requireValid(validateIdentityPolicy(document));
  if (sizeOf(document) > MAX_MANAGED_SIZE) {
    throw new IamError('LimitExceeded', `Cannot exceed quota for PolicySize: ${MAX_MANAGED_SIZE}`);
  }
}

function requireValid(errors: readonly ValidationError[]): void {
  if (errors.length > 0) {
    throw new IamError('MalformedPolicyDocument', errors.map(({ path, message }) => `${path}: ${message}`).join('; '));
  }
}
