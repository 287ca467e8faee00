import { Aws } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/*
 * The resources of a game studio that peering connects: a VPC with a database, and a fleet that runs a build.
 */

/** A VPC with isolated subnets, and the security group of the database in it. */
export function createVpcWithDatabase(stack: Stack): { vpc: ec2.Vpc; database: ec2.SecurityGroup } {
  const vpc = new ec2.Vpc(stack, 'Vpc', {
    ipAddresses: ec2.IpAddresses.cidr('10.90.0.0/16'),
    natGateways: 0,
    subnetConfiguration: [{ name: 'Data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
  });
  return { vpc, database: new ec2.SecurityGroup(stack, 'Database', { vpc, description: 'The database of the game' }) };
}

/** A build from the bucket of the studio, and the role with which GameLift reads it. Another version replaces the build. */
export function createBuild(scope: Construct, version: string): gamelift.CfnBuild {
  const bucket = 'studio-builds';
  const key = `server-${version}.zip`;
  const readBuild = new iam.PolicyStatement({
    actions: ['s3:GetObject', 's3:GetObjectVersion'],
    resources: [`arn:${Aws.PARTITION}:s3:::${bucket}/${key}`],
  });
  const role = new iam.Role(scope, 'BuildAccess', {
    assumedBy: new iam.ServicePrincipal('gamelift.amazonaws.com'),
    inlinePolicies: { ReadBuild: new iam.PolicyDocument({ statements: [readBuild] }) },
  });
  return new gamelift.CfnBuild(scope, 'Build', {
    name: 'server',
    version,
    operatingSystem: 'AMAZON_LINUX_2023',
    storageLocation: { bucket, key, roleArn: role.roleArn },
  });
}

/** A fleet with its build. Another version replaces both. */
export function createFleet(scope: Construct, version: string): gamelift.CfnFleet {
  const build = createBuild(scope, version);
  return new gamelift.CfnFleet(scope, 'Fleet', {
    name: scope.node.id,
    buildId: build.ref,
    ec2InstanceType: 'c5.large',
    runtimeConfiguration: { serverProcesses: [{ launchPath: '/local/game/server', concurrentExecutions: 1 }] },
  });
}
