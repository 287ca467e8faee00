import { CfnResource, Lazy, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import type { CustomResource, IResource } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { IConstruct, IDependable } from 'constructs';
import { refuseOtherVersion, sharedMap } from './copies';
import { AUTHORIZATION_BUDGET_SECONDS, AUTHORIZATION_TYPE, SCHEMA_VERSION, TEARDOWN_TYPE } from './contract';
import type { AuthorizationProperties, PairProperties, TeardownProperties } from './contract';
import { dependUnlessCyclic } from './dependencies';
import { HandlerFunction } from './handler-function';
import { differ, isDummy } from './known-values';
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
  return differ(vpcAccount, stack.account) ? 'none' : 'own';
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
  /**
   * The use in the stack of an authorization: its resource is the authorization itself.
   *
   * @throws Error if the stack has another authorization of the pair
   */
  static issuedBy(authorization: Construct, pair: DeclaredPair, issue: Issue): AuthorizationUse {
    noteIssuer(authorization, pair);
    const use = new AuthorizationUse(authorization, 'Resource', pair, issue);
    uses.set(authorization, new Map([[Stack.of(authorization), use]]));
    return use;
  }

  /**
   * The use of an authorization in a stack.
   *
   * @throws Error if the authorization is defined in another Stage, or is for fleets of another account or Region.
   */
  static of(stack: Stack, authorization: IResource, pair: DeclaredPair): AuthorizationUse {
    if (Stage.of(stack) !== Stage.of(authorization)) {
      throw new Error(
        `${authorization.node.path} is in another Stage than ${stack.node.path}, and Stages are deployed apart: ` +
          'import the authorization there with VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes',
      );
    }
    checkPlace(stack, authorization, pair);
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
    const issuer = byStack.get(Stack.of(authorization));
    if (issuer !== undefined && issuer !== use) {
      // the authorization is cancelled when its stack deletes it, which must not be before what relies on it in this stack is gone
      dependUnlessCyclic(cfnOf(use.resource), cfnOf(issuer.resource));
    }
    return use;
  }

  /** The authorization's resource in this stack. */
  readonly resource: CustomResource;
  readonly handler: HandlerFunction;
  /** Where the authorization is renewed on a schedule. */
  readonly renewalAlarm: cloudwatch.Alarm | undefined;
  private readonly authorizePolicy: iam.CfnRolePolicy;
  private readonly stack: Stack;
  private readonly reliant = new Set<CfnResource>();
  private readonly fleetIds = new Set<string>();
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
    this.reliant.add(resource);
    this.fleetIds.add(fleetId);
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
      FleetIds: Lazy.list({ produce: () => [...this.fleetIds] }),
    };
    return this.handler.serve(this.scope, TEARDOWN_ID, {
      resourceType: TEARDOWN_TYPE,
      properties: { ...properties },
      budgetSeconds: AUTHORIZATION_BUDGET_SECONDS,
      permissions: this.permissions,
    });
  }
}

const uses = sharedMap<IConstruct, Map<Stack, AuthorizationUse>>('uses');

/** The authorizations that a stack issues, by what they are about. */
const issuers = sharedMap<Stack, Map<string, IConstruct>>('issuers');

function noteIssuer(authorization: IConstruct, { vpc, gameLiftAccount }: DeclaredPair): void {
  if (isDummy(vpc.vpcId) || isDummy(gameLiftAccount)) {
    return;
  }
  const stack = Stack.of(authorization);
  const known = issuers.get(stack) ?? new Map<string, IConstruct>();
  issuers.set(stack, known);
  const key = JSON.stringify([vpc.vpcId, gameLiftAccount]);
  const other = known.get(key);
  if (other !== undefined) {
    throw new Error(
      `GameLift has one authorization for a VPC and a GameLift account: ${authorization.node.path} and ${other.node.path} are for the same ` +
        'ones, and the first to be deleted would cancel it for both. Keep one of them, and pass it to every connection and fleet',
    );
  }
  known.set(key, authorization);
}

/** GameLift peers the fleets of one account, within one Region. */
function checkPlace(stack: Stack, authorization: IResource, { gameLiftAccount }: DeclaredPair): void {
  if (differ(gameLiftAccount, stack.account)) {
    throw new Error(
      `${authorization.node.path} authorizes the fleets of account ${gameLiftAccount}, but stack ${stack.node.path} is in account ` +
        `${stack.account}: create the connection and the fleet in a stack of account ${gameLiftAccount}, or pass gameLiftAccount ` +
        `'${stack.account}' to the authorization`,
    );
  }
  const { region } = authorization.env;
  if (differ(region, stack.region)) {
    throw new Error(
      `GameLift peers within one Region: ${authorization.node.path} is in ${region}, but stack ${stack.node.path} is in ${stack.region}: ` +
        `create the connection and the fleet in a stack in ${region}`,
    );
  }
}

/** What an authorization is about as declared, whoever implements it. */
export function pairOf(authorization: IVpcPeeringAuthorization): DeclaredPair {
  refuseOtherVersion(authorization);
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
