import { createHash } from 'node:crypto';
import { Stack, Token } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { topStackOf } from './dependencies';
import { checkInlinePolicies } from './inline-policies';
import { checkAccount, checkExternalId } from './known-values';
import { authorizeStatements, networkStatements, untagStatements } from './permissions';

/**
 * Properties of a role through which another account peers its GameLift fleets with a VPC.
 */
export interface VpcPeeringRoleProps {
  /**
   * The VPC to peer with: of the role's own account and Region.
   */
  readonly vpc: ec2.IVpc;

  /**
   * The id of the AWS account that manages the GameLift fleets: 12 digits. Whoever that account lets may assume the role.
   *
   * @default - `assumedBy` says who may
   */
  readonly gameLiftAccount?: string;

  /**
   * Who may assume the role, where the whole of an account is too much.
   *
   * @default - the account `gameLiftAccount`
   */
  readonly assumedBy?: iam.IPrincipal;

  /**
   * The external id that whoever assumes the role has to give: 2 to 1224 characters.
   *
   * @default - none
   */
  readonly externalId?: string;

  /**
   * The name of the role.
   *
   * @default - made of the name of the stack, the construct's path in it and the Region, and the same whether or not another
   * stack refers to the role: a role that changes its name is replaced, and what was authorized with it can not be removed any
   * more. Where account or Region are known only at the deployment, CloudFormation makes the name
   */
  readonly roleName?: string;

  /**
   * The permissions boundary of the role.
   *
   * @default - none of its own
   */
  readonly permissionsBoundary?: iam.IManagedPolicy;
}

/**
 * A role in the account that owns a VPC, for the account that manages the GameLift fleets: it may authorize peerings with that VPC,
 * and set their tags, routes and DNS, and nothing else.
 *
 * Pass it to a `VpcPeeringAuthorization` as `peerRole`. GameLift acts in the VPC with the identity of who authorized, possibly
 * later than the call: keep the role until nothing is peered any more.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/developerguide/vpc-peering.html
 */
export class VpcPeeringRole extends iam.Role {
  /**
   * @throws Error if it is not said who may assume the role, or said twice, if `gameLiftAccount` is not 12 digits, or if IAM would refuse
   * the external id.
   */
  constructor(scope: Construct, id: string, props: VpcPeeringRoleProps) {
    const { vpc, externalId } = props;
    if (externalId !== undefined) {
      checkExternalId(externalId);
    }
    const stack = Stack.of(scope);
    super(scope, id, {
      description: 'Lets GameLift fleets of another account be peered with a VPC',
      assumedBy: principalOf(props),
      ...(externalId === undefined ? {} : { externalIds: [externalId] }),
      roleName: props.roleName ?? nameOf(scope, id),
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
    checkInlinePolicies(this);
  }
}

const MAX_NAME = 64;

/**
 * A name that is unique in the account: an account has one stack of a name in a Region, whatever the stack's path in the app.
 *
 * The CDK's own PhysicalName.GENERATE_IF_NEEDED names a role only as long as another stack refers to it.
 */
function nameOf(scope: Construct, id: string): string | undefined {
  // CloudFormation names nested stacks at the deployment
  const stack = topStackOf(scope);
  const { account, region, stackName } = stack;
  if (Token.isUnresolved(account) || Token.isUnresolved(region)) {
    return undefined;
  }
  const pathInStack = [...scope.node.path.slice(stack.node.path.length).split('/'), id].filter((part) => part !== '');
  const path = [stackName, ...pathInStack].join('/');
  const hash = createHash('sha256').update(`${region}/${path}`).digest('hex').slice(0, 8);
  const readable = path.replace(/[^\w]+/g, '-').slice(0, MAX_NAME - region.length - hash.length - 2);
  return `${readable}-${region}-${hash}`;
}

function principalOf({ gameLiftAccount, assumedBy }: VpcPeeringRoleProps): iam.IPrincipal {
  if (gameLiftAccount !== undefined && assumedBy !== undefined) {
    throw new Error('gameLiftAccount and assumedBy both say who may assume the role: pass one of them');
  }
  if (assumedBy !== undefined) {
    return assumedBy;
  }
  if (gameLiftAccount === undefined) {
    throw new Error('gameLiftAccount or assumedBy must say who may assume the role, got neither');
  }
  checkAccount('gameLiftAccount', gameLiftAccount);
  return new iam.AccountPrincipal(gameLiftAccount);
}
