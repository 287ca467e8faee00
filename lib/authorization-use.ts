import { ArnFormat, CfnResource, Lazy, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import type { CustomResource } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { IConstruct } from 'constructs';
import { AUTHORIZATION_BUDGET_SECONDS, AUTHORIZATION_TYPE, SCHEMA_VERSION, TEARDOWN_TYPE } from './contract';
import type { AuthorizationProperties, TeardownProperties } from './contract';
import { HandlerFunction } from './handler-function';
import { fingerprints } from './reliance';
import type { IVpcPeeringAuthorization } from './vpc-peering-authorization';

/** What an authorization is about, as it is declared. */
export interface DeclaredPair {
  readonly vpc: ec2.IVpc;
  readonly vpcAccount: string;
  readonly gameLiftAccount: string;
}

/** How an authorization is issued. */
export interface Issue {
  readonly renewal?: string | undefined;
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
  private readonly authorizePolicy: iam.CfnRolePolicy;
  private readonly reliant: CfnResource[] = [];
  private readonly fleetIds: string[] = [];
  private teardown: CustomResource | undefined;

  private constructor(
    private readonly scope: Construct,
    id: string,
    readonly pair: DeclaredPair,
    { renewal, removalPolicy }: Issue,
  ) {
    const { vpc, vpcAccount } = pair;
    this.handler = HandlerFunction.of(scope);
    this.authorizePolicy = this.handler.permit('Authorize', vpc, vpc.vpcId, () =>
      authorizeStatements(Stack.of(scope), vpc, vpcAccount),
    );
    const properties: AuthorizationProperties = {
      ...this.pairProperties(),
      // looked at anew each time: references to other stacks become imports between one look and the next
      ReliedOnBy: Lazy.uncachedAny({ produce: () => fingerprints(this.reliant, cfnOf(this.resource)) }),
      ...(renewal === undefined ? {} : { Renewal: renewal }),
    };
    this.resource = this.handler.serve(scope, id, {
      resourceType: AUTHORIZATION_TYPE,
      properties: { ...properties },
      budgetSeconds: AUTHORIZATION_BUDGET_SECONDS,
      removalPolicy,
      permissions: [this.authorizePolicy],
    });
  }

  /** What this stack's handler needs, to authorize and to be called on behalf of whoever authorized. */
  get permissions(): readonly iam.CfnRolePolicy[] {
    return [this.authorizePolicy];
  }

  pairProperties(): AuthorizationProperties {
    const { vpc, vpcAccount, gameLiftAccount } = this.pair;
    return {
      SchemaVersion: SCHEMA_VERSION,
      PeerVpcId: vpc.vpcId,
      PeerVpcAwsAccountId: vpcAccount,
      GameLiftAwsAccountId: gameLiftAccount,
    };
  }

  /** Has a resource created after the authorization, renewed for when it changes, and deleted while one is valid. */
  relyOn(resource: CfnResource, fleetId: string): void {
    if (this.reliant.includes(resource)) {
      return;
    }
    this.reliant.push(resource);
    if (!this.fleetIds.includes(fleetId)) {
      this.fleetIds.push(fleetId);
    }
    resource.node.addDependency(this.resource);
    this.teardown ??= this.makeTeardown();
    this.teardown.node.addDependency(resource);
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

/**
 * What authorizing takes. GameLift's own actions support no narrower resource; it uses its caller's permissions for what
 * it does in the VPC, possibly later than the call.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringAuthorization.html
 */
function authorizeStatements(stack: Stack, vpc: ec2.IVpc, account: string): iam.PolicyStatement[] {
  const arn = (resource: string, resourceName: string): string =>
    stack.formatArn({ service: 'ec2', account, resource, resourceName, arnFormat: ArnFormat.SLASH_RESOURCE_NAME });
  const vpcArn = arn('vpc', vpc.vpcId);
  return [
    new iam.PolicyStatement({
      actions: [
        'gamelift:CreateVpcPeeringAuthorization',
        'gamelift:DeleteVpcPeeringAuthorization',
        'gamelift:DescribeVpcPeeringAuthorizations',
        'ec2:DescribeRouteTables',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeVpcs',
      ],
      resources: ['*'],
    }),
    new iam.PolicyStatement({ actions: ['ec2:AcceptVpcPeeringConnection'], resources: [vpcArn] }),
    new iam.PolicyStatement({
      actions: ['ec2:AcceptVpcPeeringConnection'],
      resources: [arn('vpc-peering-connection', '*')],
      conditions: { ArnEquals: { 'ec2:AccepterVpc': vpcArn } },
    }),
    new iam.PolicyStatement({
      actions: [
        'ec2:AuthorizeSecurityGroupEgress',
        'ec2:AuthorizeSecurityGroupIngress',
        'ec2:CreateRoute',
        'ec2:DeleteRoute',
        'ec2:RevokeSecurityGroupEgress',
        'ec2:RevokeSecurityGroupIngress',
      ],
      resources: [arn('route-table', '*'), arn('security-group', '*')],
      conditions: { ArnEquals: { 'ec2:Vpc': vpcArn } },
    }),
  ];
}
