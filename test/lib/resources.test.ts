import type { Resource } from 'aws-cdk-lib';
import { App, CfnResource, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringRole } from '../../lib';

/*
 * Behavior that CDK users expect of every construct that extends Resource.
 */

const env = { account: '111111111111', region: 'eu-central-1' };
const AUTHORIZATION = 'Custom::GameLiftVpcPeeringAuthorization';
const CONNECTION = 'Custom::GameLiftVpcPeeringConnection';
const ROLE = 'AWS::IAM::Role';

type CreateConstruct = (stack: Stack, vpc: ec2.IVpc) => Resource;

const authorize = (stack: Stack, vpc: ec2.IVpc): VpcPeeringAuthorization =>
  new VpcPeeringAuthorization(stack, 'Authorization', { vpc });

const RESOURCES: readonly (readonly [string, CreateConstruct])[] = [
  [AUTHORIZATION, authorize],
  [
    CONNECTION,
    (stack, vpc) => {
      const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' });
      return new VpcPeeringConnection(stack, 'Peering', { authorization: authorize(stack, vpc), fleet });
    },
  ],
  [ROLE, (stack, vpc) => new VpcPeeringRole(stack, 'Role', { vpc, gameLiftAccount: '222222222222' })],
];

function createWithDefaultChild(
  type: string,
  createConstruct: CreateConstruct,
): { readonly stack: Stack; readonly created: Resource; readonly logicalId: string } {
  const stack = new Stack(new App(), 'Stack', { env });
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-0123456789abcdef0', availabilityZones: ['eu-central-1a'] });
  const created = createConstruct(stack, vpc);
  const { defaultChild } = created.node;
  if (!CfnResource.isCfnResource(defaultChild)) {
    throw new Error(`the default child of ${created.node.path} is not a CloudFormation resource`);
  }
  expect(defaultChild.cfnResourceType).toBe(type);
  return { stack, created, logicalId: stack.resolve(defaultChild.logicalId) as string };
}

const resourceIn = (stack: Stack, logicalId: string): unknown =>
  (Template.fromStack(stack).toJSON() as { Resources: Record<string, unknown> }).Resources[logicalId];

test.each(RESOURCES)('%s is deleted by default, and retained with applyRemovalPolicy', (type, createConstruct) => {
  const deleted = createWithDefaultChild(type, createConstruct);
  expect(resourceIn(deleted.stack, deleted.logicalId)).not.toMatchObject({ DeletionPolicy: 'Retain' });
  const { stack, created, logicalId } = createWithDefaultChild(type, createConstruct);
  created.applyRemovalPolicy(RemovalPolicy.RETAIN);
  expect(resourceIn(stack, logicalId)).toMatchObject({ Type: type, DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
});

test.each(RESOURCES)('%s is the default child, so that escape hatches change it', (type, createConstruct) => {
  const { stack, created, logicalId } = createWithDefaultChild(type, createConstruct);
  const child = created.node.defaultChild as CfnResource;
  child.addPropertyOverride('Description', 'overridden');
  child.cfnOptions.metadata = { reviewed: 'yes' };
  expect(resourceIn(stack, logicalId)).toMatchObject({
    Type: type,
    Properties: { Description: 'overridden' },
    Metadata: { reviewed: 'yes' },
  });
});
