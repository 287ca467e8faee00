import { Ids } from '../ids';
import { Evaluator, type ConditionContext, type Decision, type NamedPolicy, type EvaluationRequest } from './evaluation';
import type { Grant } from './grants';
import { ADMINISTRATOR_ACCESS } from './managed-policies';
import { accountOf, RolesAndPolicies, IamError, type RoleEntity } from './roles-and-policies';
import { trusts } from './trust';

export { IamError } from './roles-and-policies';
export type { ConditionContext, Decision } from './evaluation';
export type { Grant } from './grants';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Milliseconds since the epoch. */
  readonly expiration?: number;
}

/** The identity that makes a call. */
export interface Principal {
  readonly arn: string;
  readonly account: string;
  readonly userId: string;
  /** The role that makes the call. Undefined if the administrator of an account makes it. */
  readonly role?: RoleEntity;
}

interface Session {
  readonly credentials: Credentials;
  readonly principal: Principal;
}

/** The parameters of an `AssumeRole` call. */
export interface AssumeRoleRequest {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly durationSeconds: number;
  readonly externalId?: string;
  readonly region: string;
}

/** The resource that a call acts on, with its resource-based policy. */
export interface TargetResource {
  readonly arn: string;
  /** Default: the caller's account */
  readonly account?: string;
  readonly policy?: object;
}

/** How long the credentials of a service are valid in the simulation. */
const SERVICE_SESSION_SECONDS = 12 * 3600;

/** The identities, policies and credentials of every account. Evaluates permissions. */
export class Iam extends RolesAndPolicies {
  private readonly sessionsByKeyId = new Map<string, Session>();
  private readonly administrators = new Map<string, Credentials>();
  private readonly evaluator = new Evaluator();
  private readonly ids = new Ids();
  private readonly assumedRoleArns = new Set<string>();
  private readonly usedActionsByKey = new Map<string, { readonly roleArn: string; readonly action: string }>();

  /** Assumes a role for an AWS service. Throws `AccessDenied` unless the role's trust policy allows the service. */
  assumeRoleForService(roleArn: string, servicePrincipal: string, sessionName: string): Credentials {
    const role = this.findAssumableRole(roleArn, servicePrincipal);
    if (role === undefined) {
      throw new IamError('AccessDenied', trustDenialMessage(roleArn, servicePrincipal));
    }
    return this.createSession(role, sessionName, SERVICE_SESSION_SECONDS).credentials;
  }

  /** Whether a service can assume the role. Ignores the propagation delay, because CloudFormation's retries hide it. */
  canServiceAssume(roleArn: string, servicePrincipal: string): boolean {
    const { exists, trust } = this.find(roleArn)?.state.latest ?? { exists: false, trust: {} };
    return exists && trusts(trust, servicePrincipal, accountOf(roleArn));
  }

  /** Whether a service may perform `action` with the role. */
  async decideForService(roleArn: string, servicePrincipal: string, action: string, target: TargetResource): Promise<Decision> {
    const role = this.findAssumableRole(roleArn, servicePrincipal);
    if (role === undefined) {
      return { allowed: false, reason: trustDenialMessage(roleArn, servicePrincipal) };
    }
    const principal = this.sessionPrincipal(role, servicePrincipal.split('.')[0] ?? servicePrincipal);
    return this.clock.work(() => this.decideOn(principal, action, target, {}));
  }

  /** Performs `AssumeRole`. @returns undefined if IAM denies the call, or the role does not exist */
  async assumeRole(caller: Principal, request: AssumeRoleRequest): Promise<Session | undefined> {
    const time = this.latestVisibleTime();
    const role = this.find(request.roleArn);
    const state = role?.state.at(time).value;
    if (role === undefined || state?.exists !== true) {
      return undefined;
    }
    const action = 'sts:AssumeRole';
    const decision = await this.evaluate({
      ...this.policiesOf(caller, time),
      principalArn: caller.arn,
      action,
      resource: role.arn,
      resourceAccount: accountOf(role.arn),
      context: {
        ...globalConditionKeys(caller),
        'aws:RequestedRegion': request.region,
        'sts:RoleSessionName': request.sessionName,
        ...(request.externalId === undefined ? {} : { 'sts:ExternalId': request.externalId }),
      },
      resourcePolicy: state.trust,
    });
    if (!decision.allowed) {
      return undefined;
    }
    this.recordUse(caller, action, decision);
    return this.createSession(role, request.sessionName, request.durationSeconds);
  }

  /** Returns long-term credentials that allow everything in the account. Creates them at the first call. */
  administrator(account: string): Credentials {
    const existing = this.administrators.get(account);
    if (existing !== undefined) {
      return existing;
    }
    const credentials = { accessKeyId: this.newId('AKIA'), secretAccessKey: this.newSecret(30) };
    const principal = { arn: `arn:aws:iam::${account}:user/administrator`, account, userId: this.newId('AIDA') };
    this.administrators.set(account, credentials);
    this.sessionsByKeyId.set(credentials.accessKeyId, { credentials, principal });
    return credentials;
  }

  /** Finds the session of an access key. @returns undefined if there is no session, or its role was deleted */
  findSession(accessKeyId: string): Session | undefined {
    const session = this.sessionsByKeyId.get(accessKeyId);
    const role = session?.principal.role;
    return role === undefined || existsAt(role, this.latestVisibleTime()) ? session : undefined;
  }

  isExpired({ expiration = Infinity }: Credentials): boolean {
    return expiration <= this.clock.now();
  }

  /** Whether the principal may perform `action` on a resource of its own account. If so, counts the permission as used. */
  decide(principal: Principal, action: string, resource: string, context: ConditionContext): Promise<Decision> {
    return this.decideOn(principal, action, { arn: resource }, context);
  }

  /** The actions that each role performed because IAM allowed them. */
  usedActions(): readonly { readonly roleArn: string; readonly action: string }[] {
    return [...this.usedActionsByKey.values()];
  }

  /** The grants of all roles that were ever assumed, with the number of uses. */
  grants(): Grant[] {
    return this.recordedGrants.all().filter(({ roleArn }) => this.assumedRoleArns.has(roleArn));
  }

  /** The grants that no call used. */
  unusedGrants(): Grant[] {
    return this.grants().filter(({ uses }) => uses === 0);
  }

  private async decideOn(
    principal: Principal,
    action: string,
    target: TargetResource,
    context: ConditionContext,
  ): Promise<Decision> {
    if (principal.role === undefined) {
      return { allowed: true, allowStatements: [] };
    }
    const decision = await this.evaluate({
      ...this.policiesOf(principal, this.latestVisibleTime()),
      principalArn: principal.arn,
      action,
      resource: target.arn,
      resourceAccount: target.account ?? principal.account,
      context: { ...globalConditionKeys(principal), ...context },
      ...(target.policy === undefined ? {} : { resourcePolicy: target.policy }),
    });
    if (decision.allowed) {
      this.recordUse(principal, action, decision);
    }
    return decision;
  }

  private async evaluate(request: EvaluationRequest): Promise<Decision> {
    try {
      return await this.evaluator.evaluate(request);
    } catch (error) {
      this.notUnderstood.note(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  private findAssumableRole(roleArn: string, servicePrincipal: string): RoleEntity | undefined {
    const time = this.latestVisibleTime();
    const role = this.find(roleArn);
    if (role === undefined || !existsAt(role, time)) {
      return undefined;
    }
    const { trust } = role.state.at(time).value;
    if (trusts(trust, servicePrincipal, accountOf(role.arn))) {
      return role;
    }
    if (JSON.stringify(trust).includes('"Condition"')) {
      this.notUnderstood.note(`conditions of the trust policy of ${role.arn}: unsupported conditions are treated as not met`);
    }
    return undefined;
  }

  private recordUse({ role }: Principal, action: string, { allowStatements }: Decision & { allowed: true }): void {
    if (role !== undefined) {
      this.usedActionsByKey.set(`${role.arn} ${action}`, { roleArn: role.arn, action });
      this.recordedGrants.recordUse(role.arn, action, allowStatements);
    }
  }

  /** The policies at `time`, and a version that changes whenever the policies change. */
  private policiesOf(
    { role }: Principal,
    time: number,
  ): { policies: NamedPolicy[]; boundaries?: NamedPolicy[]; version: string } {
    if (role === undefined) {
      return { policies: this.managedPolicies([ADMINISTRATOR_ACCESS], time), version: 'administrator' };
    }
    const { value, version } = role.state.at(time);
    const { inline, attached, boundary } = value;
    const managedPolicyArns = boundary === undefined ? attached : [...attached, boundary];
    return {
      policies: [...Object.entries(inline).map(([name, policy]) => ({ name, policy })), ...this.managedPolicies(attached, time)],
      version: [version, ...managedPolicyArns.map((arn) => this.managedPolicy(arn, time).version)].join(' '),
      ...(boundary === undefined ? {} : { boundaries: this.managedPolicies([boundary], time) }),
    };
  }

  private managedPolicies(arns: readonly string[], time: number): NamedPolicy[] {
    return arns.flatMap((name) => {
      const policy = this.managedPolicy(name, time).document;
      return policy === undefined ? [] : [{ name, policy }];
    });
  }

  private createSession(role: RoleEntity, sessionName: string, seconds: number): Session {
    const credentials = {
      accessKeyId: this.newId('ASIA'),
      secretAccessKey: this.newSecret(30),
      sessionToken: this.newSecret(96),
      expiration: this.clock.now() + seconds * 1000,
    };
    const session = { credentials, principal: this.sessionPrincipal(role, sessionName) };
    this.sessionsByKeyId.set(credentials.accessKeyId, session);
    return session;
  }

  /** @param bytes 30 for a secret access key: it has 40 characters, as in AWS */
  private newSecret(bytes: number): string {
    return this.ids.bytes('secret', bytes).toString('base64');
  }

  private sessionPrincipal(role: RoleEntity, sessionName: string): Principal {
    this.assumedRoleArns.add(role.arn);
    const account = accountOf(role.arn);
    const name = role.arn.slice(role.arn.lastIndexOf('/') + 1);
    const arn = `arn:${role.arn.split(':')[1] ?? ''}:sts::${account}:assumed-role/${name}/${sessionName}`;
    return { arn, account, userId: `${role.roleId}:${sessionName}`, role };
  }
}

/**
 * Whether the role exists for sessions and services. A new role exists at once, because CloudFormation's retries hide the propagation delay.
 * A deleted role exists until its deletion has propagated.
 */
function existsAt({ state }: RoleEntity, time: number): boolean {
  return state.latest.exists || state.at(time).value.exists;
}

function globalConditionKeys({ arn, account, userId, role }: Principal): ConditionContext {
  return {
    'aws:PrincipalArn': role?.arn ?? arn,
    'aws:PrincipalAccount': account,
    'aws:PrincipalType': role === undefined ? 'User' : 'AssumedRole',
    'aws:userid': userId,
    'aws:SecureTransport': 'true',
  };
}

const trustDenialMessage = (roleArn: string, servicePrincipal: string) =>
  `The role ${roleArn} cannot be assumed by ${servicePrincipal}: its trust policy does not allow it.`;
