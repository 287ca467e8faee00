import { ExpectedResult, IntegTest, Match } from '@aws-cdk/integ-tests-alpha';
import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { App } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';

export interface PeeringTestProps {
  /** The stack of the connection. */
  readonly stack: Stack;
  /** Other stacks that the test deploys. */
  readonly otherStacks?: readonly Stack[];
  readonly authorization: VpcPeeringAuthorization;
  readonly peering: VpcPeeringConnection;
  readonly fleet: gamelift.CfnFleet;
  /** The security group with a rule for the fleet on port 5432. */
  readonly database?: ec2.SecurityGroup;
  /** The peer role, if the VPC is in another account. */
  readonly peerRole?: { readonly roleArn: string; readonly externalId: string };
}

/**
 * Adds assertions that the connection is active and its rule exists, and the hooks of hooks.ts. The hooks cancel the authorization before
 * the stacks are deleted, as if it had expired, and check after the deletion that nothing is left behind.
 */
export function addPeeringTest(app: App, props: PeeringTestProps): void {
  const { stack, otherStacks = [], authorization, peering, fleet, database, peerRole } = props;
  const outputs = {
    GameLiftAccount: authorization.gameLiftAccount,
    VpcId: authorization.peerVpcId,
    ExpirationTime: authorization.expirationTime,
    ...(peerRole === undefined ? {} : { PeerRoleArn: peerRole.roleArn, ExternalId: peerRole.externalId }),
  };
  for (const [name, value] of Object.entries(outputs)) {
    new CfnOutput(stack, name, { value });
  }
  const { account, region, stackName } = stack;
  const { assertions } = new IntegTest(app, 'Test', {
    testCases: [...otherStacks, stack],
    assertionStack: new Stack(app, `${stackName}Assertions`, { env: { account, region } }),
    // this workflow would deploy the snapshot, which has no bundle
    stackUpdateWorkflow: false,
    hooks: {
      postDeploy: [`node --import tsx hooks.ts after-deploy ${stackName}`],
      postDestroy: [`node --import tsx hooks.ts after-destroy ${stackName}`],
    },
  });
  assertions.awsApiCall('GameLift', 'describeVpcPeeringConnections', { FleetId: fleet.ref }).expect(
    ExpectedResult.objectLike({
      VpcPeeringConnections: Match.arrayWith([
        Match.objectLike({
          VpcPeeringConnectionId: peering.vpcPeeringConnectionId,
          PeerVpcId: authorization.peerVpcId,
          GameLiftVpcId: peering.gameLiftVpcId,
          IpV4CidrBlock: peering.gameLiftCidrBlock,
          Status: Match.objectLike({ Code: 'active' }),
        }),
      ]),
    }),
  );
  if (database !== undefined) {
    assertions.awsApiCall('EC2', 'describeSecurityGroups', { GroupIds: [database.securityGroupId] }).expect(
      ExpectedResult.objectLike({
        SecurityGroups: [
          {
            IpPermissions: Match.arrayWith([
              Match.objectLike({
                FromPort: 5432,
                ToPort: 5432,
                IpRanges: Match.arrayWith([Match.objectLike({ CidrIp: peering.gameLiftCidrBlock })]),
              }),
            ]),
          },
        ],
      }),
    );
  }
}
