import type { Stack } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { SCHEMA_VERSION } from '../contract';
import type { PairProperties } from '../contract';
import { validateLibraryVersion } from './library-copies';
import { areDifferent, isKnown, validateAccountId, validateExternalId } from './validation';

/** A peer VPC, a GameLift account, and the role to use in the VPC's account. GameLift has one authorization for each pair. */
export interface PeeringPair {
  readonly vpc: ec2.IVpc;
  readonly peerVpcAccount: string;
  readonly gameLiftAccount: string;
  readonly peerRole?: iam.IRole | undefined;
  readonly externalId?: string | undefined;
}

/** What a user passes to describe a pair. */
export interface PeeringPairProps {
  readonly vpc: ec2.IVpc;
  readonly peerVpcAccount?: string;
  readonly gameLiftAccount?: string;
  readonly peerRole?: iam.IRole;
  readonly externalId?: string;
}

/**
 * Returns the pair, with defaults for the properties that the user did not pass.
 *
 * @throws Error if the properties contradict each other or the stack
 */
export function peeringPairFromProps(stack: Stack, props: PeeringPairProps): PeeringPair {
  const { vpc, peerRole, externalId } = props;
  const peerVpcAccount = props.peerVpcAccount ?? peerRole?.env.account ?? vpc.env.account;
  const gameLiftAccount = props.gameLiftAccount ?? stack.account;
  validateAccountId('peerVpcAccount', peerVpcAccount);
  validateAccountId('gameLiftAccount', gameLiftAccount);
  validateVpc(stack, vpc);
  if (peerRole === undefined && externalId !== undefined) {
    throw new Error('externalId requires a peerRole: AWS STS compares it with the trust policy of that role');
  }
  const roleAccount = peerRole?.env.account ?? peerVpcAccount;
  if (areDifferent(roleAccount, peerVpcAccount)) {
    throw new Error(
      `peerRole must be in the account that owns the VPC, got a role in account ${roleAccount} and a VPC in account ` +
        `${peerVpcAccount}: import the role by its ARN, since a role imported by its name is assumed to be in the account of the stack`,
    );
  }
  if (externalId !== undefined) {
    validateExternalId(externalId);
  }
  return { vpc, peerVpcAccount, gameLiftAccount, peerRole, externalId };
}

function validateVpc(stack: Stack, vpc: ec2.IVpc): void {
  if (isKnown(vpc.vpcId) && !/^vpc-[0-9a-f]+$/.test(vpc.vpcId)) {
    throw new Error(`vpc must have an id such as vpc-0123456789abcdef0, got '${vpc.vpcId}'`);
  }
  const { region } = vpc.env;
  if (areDifferent(region, stack.region)) {
    throw new Error(
      `vpc must be in the Region of the stack, since GameLift peers only within a Region: the VPC is in ${region}, the stack is in ${stack.region}`,
    );
  }
}

/** The pair of an authorization. A user's own implementation of `IVpcPeeringAuthorization` has no `_pair`, and so no peer role. */
export function peeringPairOf(authorization: PeeringPair): PeeringPair {
  validateLibraryVersion(authorization);
  const { _pair } = authorization as Partial<{ readonly _pair: PeeringPair }>;
  const { vpc, peerVpcAccount, gameLiftAccount } = authorization;
  return _pair ?? { vpc, peerVpcAccount, gameLiftAccount };
}

/** The properties with which every custom resource describes the pair to the handler. */
export function pairProperties({ vpc, peerVpcAccount, gameLiftAccount, peerRole, externalId }: PeeringPair): PairProperties {
  return {
    SchemaVersion: SCHEMA_VERSION,
    PeerVpcId: vpc.vpcId,
    PeerVpcAwsAccountId: peerVpcAccount,
    GameLiftAwsAccountId: gameLiftAccount,
    ...(peerRole === undefined ? {} : { PeerRoleArn: peerRole.roleArn }),
    ...(externalId === undefined ? {} : { ExternalId: externalId }),
  };
}

/**
 * How the handler of a stack gets access to the account of the VPC: it runs in that account, it assumes the peer role, or it has no
 * access.
 */
export type VpcAccountAccess = 'own' | 'role' | 'none';

/** Assumes that an account that is a token is the stack's own. If that is wrong, the handler fails with an error that says so. */
export function vpcAccountAccess(stack: Stack, { peerVpcAccount, peerRole }: PeeringPair): VpcAccountAccess {
  if (peerRole !== undefined) {
    return 'role';
  }
  return areDifferent(peerVpcAccount, stack.account) ? 'none' : 'own';
}
