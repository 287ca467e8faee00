import { Resource, Stack, Token } from 'aws-cdk-lib';
import type { IResource, RemovalPolicy, ResourceProps } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { AuthorizationRenewal } from './authorization-renewal';
import type { AuthorizationAttributes } from './contract';
import { markAsCreatedByThisLibrary } from './private/library-copies';
import { peeringPairFromProps, vpcAccountAccess } from './private/peering-pair';
import type { PeeringPair } from './private/peering-pair';
import { cfnResourceOf, StackAuthorization } from './private/stack-authorization';
import { validateRemovalPolicy } from './private/validation';

/**
 * An authorization to peer a VPC with the VPCs of an account's GameLift fleets.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_VpcPeeringAuthorization.html
 */
export interface IVpcPeeringAuthorization extends IResource {
  /**
   * The VPC that fleets can be peered with.
   */
  readonly vpc: ec2.IVpc;

  /**
   * The id of the VPC that fleets can be peered with.
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
}

/**
 * Attributes of an authorization that is issued elsewhere.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_VpcPeeringAuthorization.html
 */
export interface VpcPeeringAuthorizationAttributes {
  /**
   * The VPC that fleets can be peered with.
   */
  readonly vpc: ec2.IVpc;

  /**
   * The id of the AWS account that owns the VPC: 12 digits.
   *
   * @default - the account of the peer role, or else of the VPC
   */
  readonly peerVpcAccount?: string;

  /**
   * The id of the AWS account that manages the GameLift fleets: 12 digits.
   *
   * @default - the account of the stack
   */
  readonly gameLiftAccount?: string;

  /**
   * A role in the account that owns the VPC, such as a `VpcPeeringRole`. Import a role of another app by its ARN. Stacks that
   * need the authorization use the role to renew it, and to set routes and DNS.
   *
   * @default - if the VPC is in another account, the stack does not authorize. It only checks for a valid authorization. If there is none, the
   * deployment fails before it changes anything, and the error contains the command to run in the account of the VPC
   */
  readonly peerRole?: iam.IRole;

  /**
   * The external id that the trust policy of `peerRole` requires: 2 to 1224 characters. It is not a secret: the template contains
   * it.
   *
   * @default - none
   */
  readonly externalId?: string;
}

/**
 * Properties of an authorization to peer a VPC with GameLift fleets.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringAuthorization.html
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
   * The id of the AWS account that owns the VPC: 12 digits. It must be the account of the stack or of `peerRole`, because only
   * the owner of a VPC can authorize.
   *
   * @default - the account of the peer role, or else of the VPC
   */
  readonly peerVpcAccount?: string;

  /**
   * A role in the account that owns the VPC, such as a `VpcPeeringRole`. The handler assumes it for all calls in that account.
   * Import a role of another app by its ARN: `Role.fromRoleName` assumes that the role is in the account of the stack.
   *
   * @default - the handler uses its own role, so the VPC must be in the account of the stack
   */
  readonly peerRole?: iam.IRole;

  /**
   * The external id that the trust policy of `peerRole` requires: 2 to 1224 characters. It is not a secret: the template contains
   * it.
   *
   * @default - none
   */
  readonly externalId?: string;

  /**
   * When the authorization is renewed.
   *
   * @default AuthorizationRenewal.onChange()
   */
  readonly renewal?: AuthorizationRenewal;

  /**
   * What happens to the authorization when it is removed from the stack. `DESTROY` cancels it if nothing is peered with the VPC anymore.
   * If anything is still peered, no matter who peered it, or if this cannot be determined, the authorization expires within 24 hours.
   * `RETAIN` always lets it expire. `RETAIN_ON_UPDATE_OR_DELETE` also lets it expire, unless its creation is rolled back.
   *
   * The handler checks GameLift's connections if it runs in the GameLift account, and EC2's peering connections of the VPC otherwise.
   * This check is not a lock: a fleet that somebody creates at that moment can still lose its authorization.
   *
   * @default RemovalPolicy.DESTROY
   * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_DeleteVpcPeeringAuthorization.html
   */
  readonly removalPolicy?: RemovalPolicy;
}

abstract class VpcPeeringAuthorizationBase extends Resource implements IVpcPeeringAuthorization {
  abstract readonly vpc: ec2.IVpc;
  abstract readonly peerVpcId: string;
  abstract readonly peerVpcAccount: string;
  abstract readonly gameLiftAccount: string;

  /**
   * The pair as the user declared it, without attributes of the custom resource. If the `PeerVpcId` of a fleet referred to such an
   * attribute, CloudFormation would plan to replace the fleet whenever the authorization changes.
   *
   * @internal
   */
  abstract readonly _pair: PeeringPair;

  constructor(scope: Construct, id: string, props?: ResourceProps) {
    super(scope, id, props);
    markAsCreatedByThisLibrary(this);
  }
}

/**
 * Authorizes the peering of a VPC with the VPCs of GameLift fleets, with GameLift's `CreateVpcPeeringAuthorization`.
 *
 * The authorization is valid for 24 hours. Peering connections can be created and deleted only while it is valid. If GameLift
 * refuses, the deployment fails with an error that names the VPC, both accounts, and what to do.
 *
 * @example
 * import { Stack } from 'aws-cdk-lib';
 * import * as ec2 from 'aws-cdk-lib/aws-ec2';
 * import { VpcPeeringAuthorization } from 'cdk-gamelift-vpc-peering';
 *
 * declare const stack: Stack;
 * declare const vpc: ec2.IVpc;
 *
 * const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringAuthorization.html
 */
export class VpcPeeringAuthorization extends VpcPeeringAuthorizationBase {
  /**
   * Imports an authorization that another stack, Stage or account issues and keeps valid.
   *
   * @param scope the construct that the authorization becomes a child of
   * @param id the id of the construct, unique within `scope`
   * @param attrs the VPC, both accounts, and the role with which this stack can renew the authorization, if any
   * @throws Error if an account id is not 12 digits, if the VPC id is invalid, if the VPC is in another Region than the stack, if
   * `externalId` is invalid or passed without a `peerRole`, or if the `peerRole` is not in the account that owns the VPC.
   */
  static fromVpcPeeringAuthorizationAttributes(
    scope: Construct,
    id: string,
    attrs: VpcPeeringAuthorizationAttributes,
  ): IVpcPeeringAuthorization {
    const { vpc } = attrs;
    const pair = peeringPairFromProps(Stack.of(scope), attrs);

    class Import extends VpcPeeringAuthorizationBase {
      readonly vpc = vpc;
      readonly peerVpcId = vpc.vpcId;
      readonly peerVpcAccount = pair.peerVpcAccount;
      readonly gameLiftAccount = pair.gameLiftAccount;
      readonly _pair = pair;
    }
    return new Import(scope, id, { account: pair.peerVpcAccount, region: vpc.env.region });
  }

  readonly vpc: ec2.IVpc;
  readonly peerVpcId: string;
  readonly peerVpcAccount: string;
  readonly gameLiftAccount: string;

  /**
   * @internal
   */
  readonly _pair: PeeringPair;

  /**
   * When the authorization expires, as of the last deployment that renewed it: ISO 8601, UTC.
   *
   * @attribute
   */
  readonly expirationTime: string;

  /**
   * When the authorization was issued, as of the last deployment that renewed it: ISO 8601, UTC.
   *
   * @attribute
   */
  readonly creationTime: string;

  /**
   * When the authorization expires, as of the last deployment that renewed it: whole seconds since 1970-01-01T00:00:00Z.
   *
   * @attribute
   */
  readonly expirationEpochSeconds: number;

  /**
   * The alarm that goes off when a scheduled renewal has failed, including its retries. All scheduled renewals of the stack share
   * it.
   *
   * Undefined if this authorization is not renewed on a schedule.
   */
  readonly renewalAlarm?: cloudwatch.Alarm;

  /**
   * Authorizes the peering when the stack is deployed.
   *
   * @param scope the construct that the authorization becomes a child of
   * @param id the id of the construct, unique within `scope`
   * @param props the VPC, both accounts, and when to renew the authorization
   * @throws Error if an account id is not 12 digits, if the VPC id is invalid, if the VPC is in another Region than the stack, if
   * it is in another account and there is no `peerRole`, if `externalId` is invalid or passed without a `peerRole`, if the
   * `peerRole` is not in the account that owns the VPC, if the stack already has an authorization for the same VPC and GameLift
   * account, or if the removal policy is `SNAPSHOT`.
   */
  constructor(scope: Construct, id: string, props: VpcPeeringAuthorizationProps) {
    super(scope, id);
    this._pair = peeringPairFromProps(this.stack, props);
    validateVpcAccountAccess(this.stack, this._pair);
    validateRemovalPolicy(props.removalPolicy);

    const renewal = (props.renewal ?? AuthorizationRenewal.onChange())._bind();
    const { resource, renewalAlarm } = StackAuthorization.issue(this, {
      pair: this._pair,
      renewal,
      removalPolicy: props.removalPolicy,
    });
    this.node.defaultChild = cfnResourceOf(resource);
    this.renewalAlarm = renewalAlarm;

    const attribute = (name: keyof AuthorizationAttributes): string => resource.getAttString(name);
    this.vpc = props.vpc;
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

/** Only the account that owns the VPC can authorize. */
function validateVpcAccountAccess(stack: Stack, pair: PeeringPair): void {
  if (vpcAccountAccess(stack, pair) === 'none') {
    const { peerVpcAccount, gameLiftAccount } = pair;
    throw new Error(
      `only the account that owns a VPC can authorize its peering, but the VPC is in account ${peerVpcAccount} and the stack is in ` +
        `${stack.account}: pass a peerRole in account ${peerVpcAccount}, or create the authorization in a stack of account ` +
        `${peerVpcAccount} with gameLiftAccount '${gameLiftAccount}', and import it here with ` +
        'VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes',
    );
  }
}
