import { CfnResource, Lazy, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import type { CustomResource, IResource } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { IConstruct, IDependable } from 'constructs';
import { AUTHORIZATION_BUDGET_SECONDS, AUTHORIZATION_TYPE, TEARDOWN_TYPE } from '../contract';
import type { AuthorizationProperties, TeardownProperties } from '../contract';
import { addDependencyUnlessCyclic } from './acyclic-dependency';
import { HandlerFunction } from './handler-function';
import { sharedMap } from './library-copies';
import { pairProperties, vpcAccountAccess } from './peering-pair';
import type { PeeringPair } from './peering-pair';
import {
  assumeRoleStatements,
  authorizeStatements,
  describeFleetConnectionsStatements,
  describeVpcConnectionsStatements,
  findAuthorizationStatements,
} from './permissions';
import { renewalTriggers } from './renewal-triggers';
import { ScheduledRenewals } from './scheduled-renewals';
import type { RenewalConfig } from './scheduled-renewals';
import { resolveReferences } from './template';
import { areDifferent, isDummyValue } from './validation';
import { vpcKeyOf } from './vpc-key';

/** How a stack issues or renews an authorization. */
export interface StackAuthorizationProps {
  readonly pair: PeeringPair;
  readonly renewal?: RenewalConfig | undefined;
  readonly removalPolicy?: RemovalPolicy | undefined;
}

/**
 * The resources that keep an authorization valid in one stack: a custom resource that authorizes before CloudFormation creates or changes a
 * fleet or connection that needs the authorization, and a teardown that authorizes again before CloudFormation deletes one.
 *
 * Each stack that needs an authorization has these resources, because each stack can be deployed alone, wait for an approval, or be
 * retried a day later.
 */
export class StackAuthorization {
  /**
   * Issues an authorization in its own stack.
   *
   * @throws Error if the stack already issues an authorization for the pair
   */
  static issue(authorization: Construct, props: StackAuthorizationProps): StackAuthorization {
    registerAuthorization(authorization, props.pair);
    const stackAuthorization = new StackAuthorization(authorization, 'Resource', props);
    stackAuthorizations.set(authorization, new Map([[Stack.of(authorization), stackAuthorization]]));
    return stackAuthorization;
  }

  /**
   * Returns the resources that keep an authorization valid in a stack that needs it. Creates them if the stack has none yet.
   *
   * @throws Error if the authorization is in another Stage, or is for another GameLift account or Region than the stack's
   */
  static forStack(stack: Stack, authorization: IResource, pair: PeeringPair): StackAuthorization {
    if (Stage.of(stack) !== Stage.of(authorization)) {
      throw new Error(
        `${authorization.node.path} is in another Stage than ${stack.node.path}, and Stages are deployed independently: ` +
          'import the authorization there with VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes',
      );
    }
    validateAccountAndRegion(stack, authorization, pair);
    const byStack = stackAuthorizations.get(authorization) ?? new Map<Stack, StackAuthorization>();
    stackAuthorizations.set(authorization, byStack);
    const existing = byStack.get(stack);
    if (existing !== undefined) {
      return existing;
    }
    const scope = new Construct(stack, `GameLiftVpcPeering${authorization.node.addr.slice(-8)}`);
    // only the stack that issues the authorization cancels it
    const stackAuthorization = new StackAuthorization(scope, 'Renewal', { pair, removalPolicy: RemovalPolicy.RETAIN });
    byStack.set(stack, stackAuthorization);
    const issuingStackAuthorization = byStack.get(Stack.of(authorization));
    if (issuingStackAuthorization !== undefined && issuingStackAuthorization !== stackAuthorization) {
      // delete this stack's resources before the authorization, because deleting the authorization cancels it
      addDependencyUnlessCyclic(cfnResourceOf(stackAuthorization.resource), cfnResourceOf(issuingStackAuthorization.resource));
    }
    return stackAuthorization;
  }

  /** The custom resource that authorizes. */
  readonly resource: CustomResource;
  readonly handler: HandlerFunction;
  /**
   * The policy that the handler needs to authorize. GameLift also uses these permissions, possibly later, to act in the VPC for the
   * handler.
   */
  readonly policy: iam.CfnRolePolicy;
  /** Undefined if the authorization is not renewed on a schedule. */
  readonly renewalAlarm: cloudwatch.Alarm | undefined;
  private readonly stack: Stack;
  private readonly pair: PeeringPair;
  private readonly peeredResources = new Set<CfnResource>();
  private readonly fleetIds = new Set<string>();
  private teardown: CustomResource | undefined;

  private constructor(
    private readonly scope: Construct,
    id: string,
    { pair, renewal, removalPolicy }: StackAuthorizationProps,
  ) {
    this.stack = Stack.of(scope);
    this.pair = pair;
    this.handler = HandlerFunction.of(scope);
    this.policy = this.addPolicy();
    const properties: AuthorizationProperties = {
      ...pairProperties(pair),
      // uncached, because the CDK replaces references to other stacks with imports during synthesis
      ReliedOnBy: Lazy.uncachedAny({ produce: () => renewalTriggers(this.peeredResources, cfnResourceOf(this.resource)) }),
      ...(renewal?.value === undefined ? {} : { Renewal: renewal.value }),
    };
    this.resource = this.handler.addCustomResource(scope, id, {
      resourceType: AUTHORIZATION_TYPE,
      properties: { ...properties },
      budgetSeconds: AUTHORIZATION_BUDGET_SECONDS,
      removalPolicy,
      policies: [this.policy],
    });
    const { peerRole } = pair;
    if (peerRole !== undefined && Stage.of(peerRole) === Stage.of(scope)) {
      // the role and its policies are created before this resource and deleted after it
      this.resource.node.addDependency(peerRole);
    }
    if (renewal?.every !== undefined) {
      this.renewalAlarm = ScheduledRenewals.of(this.handler).schedule(scope, {
        every: renewal.every,
        alarmActions: renewal.alarmActions ?? [],
        pair: pairProperties(pair),
        authorization: cfnResourceOf(this.resource),
        policies: [this.policy],
      });
    }
  }

  /**
   * Makes the stack renew the authorization in each deployment that changes a resource, and before the resource is deleted. The caller must
   * make the resource depend on the authorization.
   *
   * @param fleetId the id of the fleet that the resource peers. The properties of the teardown contain it, so the teardown depends on the fleet
   * @param deletedAfterTeardown other resources that must be deleted after the teardown
   */
  addPeeredResource(resource: CfnResource, fleetId: string, ...deletedAfterTeardown: IDependable[]): void {
    this.peeredResources.add(resource);
    this.fleetIds.add(fleetId);
    this.teardown ??= this.createTeardown();
    this.teardown.node.addDependency(...deletedAfterTeardown);
  }

  private addPolicy(): iam.CfnRolePolicy {
    const { stack, handler } = this;
    const { vpc, peerVpcAccount, gameLiftAccount, peerRole } = this.pair;
    const target = { construct: vpc, name: vpc.vpcId };
    switch (vpcAccountAccess(stack, this.pair)) {
      case 'own':
        return handler.addPolicy('Authorize', target, [
          ...authorizeStatements(stack, vpc, peerVpcAccount),
          ...describeFleetConnectionsStatements(stack, gameLiftAccount),
          ...describeVpcConnectionsStatements(stack, gameLiftAccount),
        ]);
      case 'role':
        return handler.addPolicy('Assume', { ...target, construct: peerRole ?? vpc }, [
          ...assumeRoleStatements(peerRole),
          ...describeFleetConnectionsStatements(stack, gameLiftAccount),
        ]);
      case 'none':
        return handler.addPolicy('Receive', target, findAuthorizationStatements(stack));
    }
  }

  private createTeardown(): CustomResource {
    const properties: TeardownProperties = {
      ...pairProperties(this.pair),
      FleetIds: Lazy.list({ produce: () => [...this.fleetIds] }),
    };
    return this.handler.addCustomResource(this.scope, 'Teardown', {
      resourceType: TEARDOWN_TYPE,
      properties: { ...properties },
      budgetSeconds: AUTHORIZATION_BUDGET_SECONDS,
      policies: [this.policy],
    });
  }
}

/** For each authorization, the resources of each stack that needs it. */
const stackAuthorizations = sharedMap<IConstruct, Map<Stack, StackAuthorization>>('stackAuthorizations');

/** The authorizations that each stack issues, by VPC and GameLift account. */
const registeredAuthorizations = sharedMap<Stack, Map<string, IConstruct>>('registeredAuthorizations');

function registerAuthorization(authorization: IConstruct, { vpc, gameLiftAccount }: PeeringPair): void {
  if (isDummyValue(vpc.vpcId) || isDummyValue(gameLiftAccount)) {
    return;
  }
  const stack = Stack.of(authorization);
  const authorizationsOfStack = registeredAuthorizations.get(stack) ?? new Map<string, IConstruct>();
  registeredAuthorizations.set(stack, authorizationsOfStack);
  const key = JSON.stringify([vpcKeyOf(resolveReferences(vpc.vpcId, vpc)), gameLiftAccount]);
  const other = authorizationsOfStack.get(key);
  if (other !== undefined) {
    throw new Error(
      `GameLift has only one authorization for a VPC and a GameLift account, but ${authorization.node.path} and ${other.node.path} are ` +
        'for the same VPC and account: keep one of them, and pass it to all connections and fleets',
    );
  }
  authorizationsOfStack.set(key, authorization);
}

/** An authorization is valid for the fleets of one account, within one Region. */
function validateAccountAndRegion(stack: Stack, authorization: IResource, { gameLiftAccount }: PeeringPair): void {
  if (areDifferent(gameLiftAccount, stack.account)) {
    throw new Error(
      `${authorization.node.path} authorizes the fleets of account ${gameLiftAccount}, but stack ${stack.node.path} is in account ` +
        `${stack.account}: create the connection and the fleet in a stack of account ${gameLiftAccount}, or pass gameLiftAccount ` +
        `'${stack.account}' to the authorization`,
    );
  }
  const { region } = authorization.env;
  if (areDifferent(region, stack.region)) {
    throw new Error(
      `GameLift peers only within a Region, but ${authorization.node.path} is in ${region} and stack ${stack.node.path} is in ` +
        `${stack.region}: create the connection and the fleet in a stack in ${region}`,
    );
  }
}

/** The `CfnResource` of a custom resource. */
export function cfnResourceOf(resource: CustomResource): CfnResource {
  const child = resource.node.defaultChild;
  if (child === undefined || !CfnResource.isCfnResource(child)) {
    throw new Error(
      `the default child of ${resource.node.path} must be its CfnResource: do not replace default children of this library's constructs`,
    );
  }
  return child;
}
