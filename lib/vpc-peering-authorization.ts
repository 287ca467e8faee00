import { CfnResource, RemovalPolicy, Resource, Stack, Token } from 'aws-cdk-lib';
import type { IResource, ResourceProps } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct, IConstruct } from 'constructs';
import { AuthorizationRenewal } from './authorization-renewal';
import { accessOf, AuthorizationUse, cfnOf } from './authorization-use';
import type { DeclaredPair } from './authorization-use';
import type { AuthorizationAttributes } from './contract';
import { markAsOurs } from './copies';
import { checkFleet, isFleet, notePeering } from './fleets';
import { checkAccount, checkExternalId, differ, isKnown } from './known-values';

/**
 * An authorization to peer the VPCs of an account's GameLift fleets with a VPC.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_VpcPeeringAuthorization.html
 */
export interface IVpcPeeringAuthorization extends IResource {
  /**
   * The VPC that may be peered with.
   */
  readonly vpc: ec2.IVpc;

  /**
   * The id of the VPC that may be peered with.
   *
   * @attribute
   */
  readonly peerVpcId: string;

  /**
   * The id of the AWS account that owns the VPC: 12 digits.
   *
   * @attribute
   */
  readonly peerVpcAccount: string;

  /**
   * The id of the AWS account that manages the GameLift fleets: 12 digits.
   *
   * @attribute
   */
  readonly gameLiftAccount: string;

  /**
   * Has a fleet born peered with the VPC.
   *
   * Sets the fleet's `PeerVpcId` and `PeerVpcAwsAccountId`, creates it after the authorization, and sees to it that an
   * authorization is valid whenever a deployment replaces or deletes the fleet, however old the stack is. Adding it to a
   * fleet that exists replaces the fleet: both properties are create-only.
   *
   * @param fleet an `AWS::GameLift::Fleet`, or a construct whose default child is one
   * @throws Error if it is no EC2 fleet, if it is to be peered already, or if it is in another account or Region than the authorization
   * is for
   * @see https://docs.aws.amazon.com/gameliftservers/latest/developerguide/vpc-peering.html
   */
  authorizeFleet(fleet: IConstruct): void;
}

/**
 * What is known of an authorization that is issued elsewhere.
 */
export interface VpcPeeringAuthorizationAttributes {
  /**
   * The VPC that may be peered with.
   */
  readonly vpc: ec2.IVpc;

  /**
   * The id of the AWS account that owns the VPC: 12 digits.
   *
   * @default - the account of the peer role, else of the VPC
   */
  readonly vpcAccount?: string;

  /**
   * The id of the AWS account that manages the GameLift fleets: 12 digits.
   *
   * @default - the account of the stack
   */
  readonly gameLiftAccount?: string;

  /**
   * A role of the account that owns the VPC, such as a `VpcPeeringRole`, imported by its ARN where it is not of this app. With
   * it, the stacks that rely on the authorization renew it themselves, and set routes and DNS.
   *
   * @default - a stack of another account than the VPC's only looks for a valid authorization, and fails, before it changes
   * anything, with the command that its owner has to run
   */
  readonly peerRole?: iam.IRole;

  /**
   * The external id that the trust policy of `peerRole` asks for: 2 to 1224 characters. It is no secret: the template holds it.
   *
   * @default - none
   */
  readonly externalId?: string;
}

/**
 * Properties of an authorization to peer with a VPC.
 */
export interface VpcPeeringAuthorizationProps {
  /**
   * The VPC to peer with. It must be in the Region of the stack.
   */
  readonly vpc: ec2.IVpc;

  /**
   * The id of the AWS account that manages the GameLift fleets: 12 digits.
   *
   * @default - the account of the stack
   */
  readonly gameLiftAccount?: string;

  /**
   * The id of the AWS account that owns the VPC: 12 digits. Only that account can authorize, so it must be the stack's, or
   * that of `peerRole`.
   *
   * @default - the account of the peer role, else of the VPC
   */
  readonly vpcAccount?: string;

  /**
   * A role of the account that owns the VPC, such as a `VpcPeeringRole`, through which everything there is done. Import one of
   * another app by its ARN: a name resolves to the stack's own account.
   *
   * @default - the handler's own role: the VPC is the stack's account's
   */
  readonly peerRole?: iam.IRole;

  /**
   * The external id that the trust policy of `peerRole` asks for: 2 to 1224 characters. It is no secret: the template holds it.
   *
   * @default - none
   */
  readonly externalId?: string;

  /**
   * When a deployment authorizes again.
   *
   * @default AuthorizationRenewal.onChange()
   */
  readonly renewal?: AuthorizationRenewal;

  /**
   * What happens to the authorization when it is removed from the stack: `DESTROY` cancels it, `RETAIN` lets it lapse
   * within 24 hours, and `RETAIN_ON_UPDATE_OR_DELETE` does too, unless its creation is rolled back.
   *
   * GameLift keeps one authorization for a VPC and a GameLift account: cancelling it cancels it for everyone, so choose
   * `RETAIN` where another stack authorizes the same pair.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

abstract class VpcPeeringAuthorizationBase extends Resource implements IVpcPeeringAuthorization {
  abstract readonly vpc: ec2.IVpc;
  abstract readonly peerVpcId: string;
  abstract readonly peerVpcAccount: string;
  abstract readonly gameLiftAccount: string;

  /**
   * The VPC's account as declared: a token of the deployment would show every fleet as perhaps replaced.
   *
   * @internal
   */
  abstract readonly _pair: DeclaredPair;

  constructor(scope: Construct, id: string, props?: ResourceProps) {
    super(scope, id, props);
    markAsOurs(this);
  }

  authorizeFleet(fleet: IConstruct): void {
    const resource = fleetOf(fleet);
    const use = AuthorizationUse.of(Stack.of(resource), this, this._pair);
    notePeering({ by: resource, fleetId: resource.ref, vpcId: this._pair.vpc.vpcId, adoptExisting: false });
    checkFleet(resource, resource);
    peerFromBirth(resource, this._pair);
    // the permissions too: a clean-up looks at what is left of a resource's dependencies, not at theirs
    resource.node.addDependency(use.resource, ...use.permissions);
    use.relyOn(resource, resource.ref, use.permitTeardown());
  }
}

/**
 * Authorizes the peering of a VPC with the VPCs of GameLift fleets, with GameLift's `CreateVpcPeeringAuthorization`.
 *
 * The authorization is valid for 24 hours. Peering connections are to be created, and to be deleted, while it is.
 * Fails the deployment if GameLift refuses; the reason names the VPC, both accounts, and what to do.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringAuthorization.html
 */
export class VpcPeeringAuthorization extends VpcPeeringAuthorizationBase {
  /**
   * An authorization that another stack, stage or account issues, and keeps valid.
   *
   * @throws Error if an account is not 12 digits, if the VPC's id is not one, or if the VPC is in another Region.
   */
  static fromVpcPeeringAuthorizationAttributes(
    scope: Construct,
    id: string,
    attrs: VpcPeeringAuthorizationAttributes,
  ): IVpcPeeringAuthorization {
    const { vpc } = attrs;
    const pair = declare(Stack.of(scope), attrs);

    class Import extends VpcPeeringAuthorizationBase {
      readonly vpc = vpc;
      readonly peerVpcId = vpc.vpcId;
      readonly peerVpcAccount = pair.vpcAccount;
      readonly gameLiftAccount = pair.gameLiftAccount;
      readonly _pair = pair;
    }
    return new Import(scope, id, { account: pair.vpcAccount, region: vpc.env.region });
  }

  readonly vpc: ec2.IVpc;
  readonly peerVpcId: string;
  readonly peerVpcAccount: string;
  readonly gameLiftAccount: string;

  /**
   * @internal
   */
  readonly _pair: DeclaredPair;

  /**
   * When the authorization expires, as of the last deployment that authorized: ISO 8601, UTC.
   *
   * @attribute
   */
  readonly expirationTime: string;

  /**
   * When the authorization was issued, as of the last deployment that authorized: ISO 8601, UTC.
   *
   * @attribute
   */
  readonly creationTime: string;

  /**
   * When the authorization expires, as of the last deployment that authorized: whole seconds since 1970-01-01T00:00:00Z.
   *
   * @attribute
   */
  readonly expirationEpochSeconds: number;

  /**
   * The alarm that goes off when a scheduled renewal has failed for good; of all scheduled renewals of the stack. Undefined
   * without any.
   */
  readonly renewalAlarm?: cloudwatch.Alarm;

  /**
   * @throws Error if an account is not 12 digits, if the VPC's id is not one, if the VPC is in another Region than the stack, if
   * it is in another account and there is no `peerRole`, if that role is of yet another account, if the stack has an
   * authorization of the same pair already, or if the removal policy is `SNAPSHOT`.
   */
  constructor(scope: Construct, id: string, props: VpcPeeringAuthorizationProps) {
    super(scope, id);
    const { vpc } = props;
    this._pair = declare(this.stack, props);
    if (accessOf(this.stack, this._pair) === 'none') {
      const { vpcAccount, gameLiftAccount } = this._pair;
      throw new Error(
        `only the account that owns a VPC can authorize its peering: the VPC is in account ${vpcAccount}, the stack in ` +
          `${this.stack.account}; pass a peerRole of account ${vpcAccount}, or issue the authorization in a stack of account ` +
          `${vpcAccount} with gameLiftAccount '${gameLiftAccount}', and import it here with ` +
          'VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes',
      );
    }
    if (props.removalPolicy === RemovalPolicy.SNAPSHOT) {
      throw new Error(
        'removalPolicy must be DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE, got snapshot: there is nothing to take one of',
      );
    }

    const renewal = (props.renewal ?? AuthorizationRenewal.onChange())._bind();
    const { resource, renewalAlarm } = AuthorizationUse.issuedBy(this, this._pair, {
      renewal,
      removalPolicy: props.removalPolicy,
    });
    this.node.defaultChild = cfnOf(resource);
    this.renewalAlarm = renewalAlarm;

    const attribute = (name: keyof AuthorizationAttributes): string => resource.getAttString(name);
    this.vpc = vpc;
    this.peerVpcId = attribute('PeerVpcId');
    this.peerVpcAccount = attribute('PeerVpcAwsAccountId');
    this.gameLiftAccount = attribute('GameLiftAwsAccountId');
    this.expirationTime = attribute('ExpirationTime');
    this.creationTime = attribute('CreationTime');
    this.expirationEpochSeconds = Token.asNumber(
      resource.getAtt('ExpirationEpochSeconds' satisfies keyof AuthorizationAttributes),
    );
  }
}

/** Who is to let whom, checked. */
function declare(stack: Stack, attrs: VpcPeeringAuthorizationAttributes): DeclaredPair {
  const { vpc, peerRole, externalId } = attrs;
  const accounts = {
    vpcAccount: attrs.vpcAccount ?? peerRole?.env.account ?? vpc.env.account,
    gameLiftAccount: attrs.gameLiftAccount ?? stack.account,
  };
  validate(stack, vpc, accounts);
  if (peerRole === undefined && externalId !== undefined) {
    throw new Error('externalId needs a peerRole: it is for the trust policy of that role');
  }
  const roleAccount = peerRole?.env.account ?? accounts.vpcAccount;
  if (differ(roleAccount, accounts.vpcAccount)) {
    throw new Error(
      `peerRole must be of the account that owns the VPC, got a role of account ${roleAccount} and a VPC of account ` +
        `${accounts.vpcAccount}: import the role by its ARN, since a name resolves to the stack's own account`,
    );
  }
  if (externalId !== undefined) {
    checkExternalId(externalId);
  }
  return { vpc, ...accounts, peerRole, externalId };
}

function validate(stack: Stack, vpc: ec2.IVpc, accounts: Readonly<Record<string, string>>): void {
  for (const [name, account] of Object.entries(accounts)) {
    checkAccount(name, account);
  }
  if (isKnown(vpc.vpcId) && !/^vpc-[0-9a-f]+$/.test(vpc.vpcId)) {
    throw new Error(`vpc must have an id such as vpc-0123456789abcdef0, got '${vpc.vpcId}'`);
  }
  const { region } = vpc.env;
  if (differ(region, stack.region)) {
    throw new Error(
      `vpc must be in the Region of the stack, since GameLift peers within a Region only: got a VPC in ${region}, the stack is in ${stack.region}`,
    );
  }
}

/** The fleet in the template: the construct itself, or its default child. */
function fleetOf(construct: IConstruct): gamelift.CfnFleet {
  const { defaultChild } = construct.node;
  const fleet = [construct, defaultChild].find((candidate) => isFleet(candidate));
  if (fleet === undefined) {
    const other = defaultChild !== undefined && CfnResource.isCfnResource(defaultChild) ? defaultChild : construct;
    const got = CfnResource.isCfnResource(other) ? other.cfnResourceType : 'no resource of CloudFormation';
    throw new Error(
      `GameLift peers EC2 fleets only: ${construct.node.path} must be an AWS::GameLift::Fleet, or have one as its default child, ` +
        `got ${got}`,
    );
  }
  return fleet;
}

function peerFromBirth(fleet: gamelift.CfnFleet, { vpc, vpcAccount }: DeclaredPair): void {
  const { path } = fleet.node;
  if (fleet.peerVpcId !== undefined && fleet.peerVpcId !== vpc.vpcId) {
    throw new Error(`fleet ${path} is to be peered with ${fleet.peerVpcId} already: a fleet is born with one peer VPC`);
  }
  fleet.peerVpcId = vpc.vpcId;
  fleet.peerVpcAwsAccountId = vpcAccount;
}
