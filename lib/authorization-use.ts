import { CfnResource, Lazy, RemovalPolicy, Stack, Stage, Token } from 'aws-cdk-lib';
import type { CustomResource } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { IConstruct, IDependable } from 'constructs';
import { AUTHORIZATION_BUDGET_SECONDS, AUTHORIZATION_TYPE, SCHEMA_VERSION, TEARDOWN_TYPE } from './contract';
import type { AuthorizationProperties, PairProperties, TeardownProperties } from './contract';
import { HandlerFunction } from './handler-function';
import { assumeStatements, authorizeStatements, receiveStatements, teardownStatements } from './permissions';
import { fingerprints } from './reliance';
import { ScheduledRenewals } from './scheduled-renewals';
import type { RenewalConfig } from './scheduled-renewals';
import type { IVpcPeeringAuthorization } from './vpc-peering-authorization';

/** What an authorization is about, and as whom the handler comes to the VPC, as it is declared. */
export interface DeclaredPair {
  readonly vpc: ec2.IVpc;
  readonly vpcAccount: string;
  readonly gameLiftAccount: string;
  readonly peerRole?: iam.IRole | undefined;
  readonly externalId?: string | undefined;
}

/** How the handler of a stack gets at the account of a VPC. */
export type Access = 'own' | 'role' | 'none';

/** Where an account is known only at the deployment, it is taken for the stack's own; the handler says if it is not. */
export function accessOf(stack: Stack, { vpcAccount, peerRole }: DeclaredPair): Access {
  if (peerRole !== undefined) {
    return 'role';
  }
  const elsewhere = !Token.isUnresolved(vpcAccount) && !Token.isUnresolved(stack.account) && vpcAccount !== stack.account;
  return elsewhere ? 'none' : 'own';
}

/** How an authorization is issued. */
export interface Issue {
  readonly renewal?: RenewalConfig | undefined;
  readonly removalPolicy?: RemovalPolicy | undefined;
}

/** Child of an authorization, or of a stack that uses one of another stack. */
const TEARDOWN_ID = 'Teardown';

/**
 * An authorization as one stack uses it: issued before what relies on it, renewed when that changes, and issued once more
 * before anything of it is deleted.
 *
 * Stacks are deployed alone, retried a day later, and wait for approvals, so each looks after itself.
 */
export class AuthorizationUse {
  /** The use in the stack of an authorization: its resource is the authorization itself. */
  static issuedBy(authorization: Construct, pair: DeclaredPair, issue: Issue): AuthorizationUse {
    const use = new AuthorizationUse(authorization, 'Resource', pair, issue);
    uses.set(authorization, new Map([[Stack.of(authorization), use]]));
    return use;
  }

  /**
   * The use of an authorization in a stack.
   *
   * @throws Error if the authorization is defined in another Stage.
   */
  static of(stack: Stack, authorization: IConstruct, pair: DeclaredPair): AuthorizationUse {
    if (Stage.of(stack) !== Stage.of(authorization)) {
      throw new Error(
        `${authorization.node.path} is in another Stage than ${stack.node.path}, and Stages are deployed apart: ` +
          'import the authorization there with VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes',
      );
    }
    const byStack = uses.get(authorization) ?? new Map<Stack, AuthorizationUse>();
    uses.set(authorization, byStack);
    const existing = byStack.get(stack);
    if (existing !== undefined) {
      return existing;
    }
    const scope = new Construct(stack, `GameLiftVpcPeering${authorization.node.addr.slice(-8)}`);
    // it is not this stack's to cancel
    const use = new AuthorizationUse(scope, 'Renewal', pair, { removalPolicy: RemovalPolicy.RETAIN });
    byStack.set(stack, use);
    return use;
  }

  /** The authorization's resource in this stack. */
  readonly resource: CustomResource;
  readonly handler: HandlerFunction;
  /** Where the authorization is renewed on a schedule. */
  readonly renewalAlarm: cloudwatch.Alarm | undefined;
  private readonly authorizePolicy: iam.CfnRolePolicy;
  private readonly stack: Stack;
  private readonly reliant: CfnResource[] = [];
  private readonly fleetIds: string[] = [];
  private teardown: CustomResource | undefined;

  private constructor(
    private readonly scope: Construct,
    id: string,
    readonly pair: DeclaredPair,
    { renewal, removalPolicy }: Issue,
  ) {
    this.stack = Stack.of(scope);
    this.handler = HandlerFunction.of(scope);
    this.authorizePolicy = this.permitAuthorizing();
    const properties: AuthorizationProperties = {
      ...this.pairProperties(),
      // looked at anew each time: references to other stacks become imports between one look and the next
      ReliedOnBy: Lazy.uncachedAny({ produce: () => fingerprints(this.reliant, cfnOf(this.resource)) }),
      ...(renewal?.value === undefined ? {} : { Renewal: renewal.value }),
    };
    this.resource = this.handler.serve(scope, id, {
      resourceType: AUTHORIZATION_TYPE,
      properties: { ...properties },
      budgetSeconds: AUTHORIZATION_BUDGET_SECONDS,
      removalPolicy,
      permissions: [this.authorizePolicy],
    });
    const { peerRole } = pair;
    if (peerRole !== undefined && Stage.of(peerRole) === Stage.of(scope)) {
      // a role of another stack is there before, with what it may do, and goes after
      this.resource.node.addDependency(peerRole);
    }
    if (renewal?.every !== undefined) {
      this.renewalAlarm = ScheduledRenewals.of(this.handler).schedule(scope, {
        every: renewal.every,
        alarmActions: renewal.alarmActions ?? [],
        pair: this.pairProperties(),
        authorization: cfnOf(this.resource),
        permissions: this.permissions,
      });
    }
  }

  /** What this stack's handler needs, to authorize and to be called on behalf of whoever authorized. */
  get permissions(): readonly iam.CfnRolePolicy[] {
    return [this.authorizePolicy];
  }

  /** What looking for what is still peered takes, beyond authorizing. */
  permitTeardown(): iam.CfnRolePolicy {
    const { vpc } = this.pair;
    return this.handler.permit('Teardown', vpc, vpc.vpcId, teardownStatements);
  }

  pairProperties(): PairProperties {
    const { vpc, vpcAccount, gameLiftAccount, peerRole, externalId } = this.pair;
    return {
      SchemaVersion: SCHEMA_VERSION,
      PeerVpcId: vpc.vpcId,
      PeerVpcAwsAccountId: vpcAccount,
      GameLiftAwsAccountId: gameLiftAccount,
      ...(peerRole === undefined ? {} : { PeerRoleArn: peerRole.roleArn }),
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
    };
  }

  /**
   * Has the authorization renewed when a resource changes, and the resource deleted while one is valid. That it is created
   * after the authorization is its own matter.
   *
   * @param first what the teardown is deleted before: the permissions by which it sees whether anything is still peered, and
   * the resource, unless the id of its fleet says so
   */
  relyOn(resource: CfnResource, fleetId: string, ...first: IDependable[]): void {
    if (this.reliant.includes(resource)) {
      return;
    }
    this.reliant.push(resource);
    if (!this.fleetIds.includes(fleetId)) {
      this.fleetIds.push(fleetId);
    }
    this.teardown ??= this.makeTeardown();
    this.teardown.node.addDependency(...first);
  }

  private permitAuthorizing(): iam.CfnRolePolicy {
    const { vpc, vpcAccount, peerRole } = this.pair;
    switch (accessOf(this.stack, this.pair)) {
      case 'own':
        return this.handler.permit('Authorize', vpc, vpc.vpcId, () => authorizeStatements(this.stack, vpc, vpcAccount));
      case 'role':
        return this.handler.permit('Assume', peerRole ?? vpc, vpc.vpcId, () => assumeStatements(peerRole));
      case 'none':
        return this.handler.permit('Receive', vpc, vpc.vpcId, () => receiveStatements(this.stack));
    }
  }

  private makeTeardown(): CustomResource {
    const properties: TeardownProperties = {
      ...this.pairProperties(),
      FleetIds: Lazy.list({ produce: () => this.fleetIds }),
    };
    return this.handler.serve(this.scope, TEARDOWN_ID, {
      resourceType: TEARDOWN_TYPE,
      properties: { ...properties },
      budgetSeconds: AUTHORIZATION_BUDGET_SECONDS,
      permissions: this.permissions,
    });
  }
}

const uses = new WeakMap<IConstruct, Map<Stack, AuthorizationUse>>();

/** What an authorization is about as declared, whoever implements it. */
export function pairOf(authorization: IVpcPeeringAuthorization): DeclaredPair {
  const { _pair } = authorization as Partial<{ readonly _pair: DeclaredPair }>;
  const { vpc, peerVpcAccount, gameLiftAccount } = authorization;
  return _pair ?? { vpc, vpcAccount: peerVpcAccount, gameLiftAccount };
}

/** The resource in the template behind a custom resource. */
export function cfnOf(resource: CustomResource): CfnResource {
  const child = resource.node.defaultChild;
  if (child === undefined || !CfnResource.isCfnResource(child)) {
    throw new Error(`${resource.node.path} has no resource of CloudFormation`);
  }
  return child;
}
