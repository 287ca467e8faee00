import { Stack, Token } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { digestOf } from './private/digest';
import { topLevelStackOf } from './private/enclosing-stacks';
import { authorizeStatements, networkStatements, untagStatements } from './private/permissions';
import { validatePolicySize } from './private/policy-size';
import { validateAccountId, validateExternalId } from './private/validation';

/**
 * Properties of a role that another account uses to peer its GameLift fleets with a VPC.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/developerguide/vpc-peering.html
 */
export interface VpcPeeringRoleProps {
  /**
   * The VPC to peer with. It must be in the account and Region of the role.
   */
  readonly vpc: ec2.IVpc;

  /**
   * The id of the AWS account that manages the GameLift fleets: 12 digits. All principals of that account that have the
   * permission `sts:AssumeRole` can assume the role.
   *
   * @default - `assumedBy` is required
   */
  readonly gameLiftAccount?: string;

  /**
   * The principal that can assume the role, such as a single role of the GameLift account.
   *
   * @default - the account `gameLiftAccount`
   */
  readonly assumedBy?: iam.IPrincipal;

  /**
   * The external id that a principal must pass to assume the role: 2 to 1224 characters. It is not a secret.
   *
   * @default - none
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
   */
  readonly externalId?: string;

  /**
   * The name of the role.
   *
   * @default - derived from the name of the stack, the path of the construct in it, and the Region. It is the same whether or not
   * another stack refers to the role, because a change of name would replace the role, and GameLift could then no longer remove what
   * it set up with the old one. If the account or the Region is a token, CloudFormation chooses the name
   */
  readonly roleName?: string;

  /**
   * The permissions boundary of the role.
   *
   * @default - no permissions boundary is set
   */
  readonly permissionsBoundary?: iam.IManagedPolicy;
}

/**
 * A role in the account that owns a VPC, for the account that manages the GameLift fleets. It can authorize peerings with that
 * VPC, and set their tags, routes and DNS, and nothing else.
 *
 * Pass it to a `VpcPeeringAuthorization` as `peerRole`. GameLift acts in the VPC with the permissions of the role that authorized,
 * possibly after the call has returned. So keep the role until nothing is peered with the VPC anymore.
 *
 * @example
 * import { Stack } from 'aws-cdk-lib';
 * import * as ec2 from 'aws-cdk-lib/aws-ec2';
 * import { VpcPeeringAuthorization, VpcPeeringRole } from 'cdk-gamelift-vpc-peering';
 *
 * declare const dataStack: Stack;
 * declare const dataVpc: ec2.IVpc;
 * declare const gameStack: Stack;
 * declare const gameVpc: ec2.IVpc;
 *
 * const peerRole = new VpcPeeringRole(dataStack, 'Role', { vpc: dataVpc, gameLiftAccount: '111111111111' });
 * const authorization = new VpcPeeringAuthorization(gameStack, 'Authorization', { vpc: gameVpc, peerRole });
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/developerguide/vpc-peering.html
 */
export class VpcPeeringRole extends iam.Role {
  /**
   * Creates the role, in the stack of `scope`.
   *
   * @param scope the construct that the role becomes a child of
   * @param id the id of the construct, unique within `scope`
   * @param props the VPC, and who can assume the role
   * @throws Error if neither or both of `gameLiftAccount` and `assumedBy` are passed, if `gameLiftAccount` is not 12 digits, or
   * if IAM would reject the external id.
   */
  constructor(scope: Construct, id: string, props: VpcPeeringRoleProps) {
    const { vpc, externalId } = props;
    if (externalId !== undefined) {
      validateExternalId(externalId);
    }
    const stack = Stack.of(scope);
    super(scope, id, {
      description: 'Lets GameLift fleets of another account be peered with a VPC',
      assumedBy: principalOf(props),
      ...(externalId === undefined ? {} : { externalIds: [externalId] }),
      roleName: props.roleName ?? defaultRoleName(scope, id),
      ...(props.permissionsBoundary === undefined ? {} : { permissionsBoundary: props.permissionsBoundary }),
      inlinePolicies: {
        Peer: new iam.PolicyDocument({
          statements: [
            ...authorizeStatements(stack, vpc, stack.account),
            ...networkStatements(stack, vpc, stack.account),
            ...untagStatements(stack, stack.account),
          ],
        }),
      },
    });
    validatePolicySize(this);
  }
}

/** The maximum length of a role's name. */
const MAX_NAME_LENGTH = 64;

/**
 * A name that is unique in the account, because an account has only one stack of a given name in a Region. Returns undefined if the
 * account or the Region is a token: CloudFormation then chooses the name.
 *
 * The CDK's PhysicalName.GENERATE_IF_NEEDED would change the name when the last reference from another stack is removed.
 */
function defaultRoleName(scope: Construct, id: string): string | undefined {
  // the name of a nested stack is a token, so use the name of the top-level stack
  const stack = topLevelStackOf(scope);
  const { account, region, stackName } = stack;
  if (Token.isUnresolved(account) || Token.isUnresolved(region)) {
    return undefined;
  }
  const pathInStack = [...scope.node.path.slice(stack.node.path.length).split('/'), id].filter((part) => part !== '');
  const path = [stackName, ...pathInStack].join('/');
  const hash = digestOf(`${region}/${path}`, 8);
  const readable = path.replace(/[^\w]+/g, '-').slice(0, MAX_NAME_LENGTH - region.length - hash.length - 2);
  return `${readable}-${region}-${hash}`;
}

function principalOf({ gameLiftAccount, assumedBy }: VpcPeeringRoleProps): iam.IPrincipal {
  if (gameLiftAccount !== undefined && assumedBy !== undefined) {
    throw new Error('pass either gameLiftAccount or assumedBy, got both: each of them sets who can assume the role');
  }
  if (assumedBy !== undefined) {
    return assumedBy;
  }
  if (gameLiftAccount === undefined) {
    throw new Error('pass either gameLiftAccount or assumedBy to set who can assume the role, got neither');
  }
  validateAccountId('gameLiftAccount', gameLiftAccount);
  return new iam.AccountPrincipal(gameLiftAccount);
}
