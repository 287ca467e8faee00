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
const AUTHORIZATION_TYPE = 'Custom::GameLiftVpcPeeringAuthorization';
const CONNECTION_TYPE = 'Custom::GameLiftVpcPeeringConnection';
const ROLE_TYPE = 'AWS::IAM::Role';

type CreateConstruct = (stack: Stack, vpc: ec2.IVpc) => Resource;

const authorize = (stack: Stack, vpc: ec2.IVpc): VpcPeeringAuthorization =>
  new VpcPeeringAuthorization(stack, 'Authorization', { vpc });

const RESOURCES: readonly (readonly [string, CreateConstruct])[] = [
  [AUTHORIZATION_TYPE, authorize],
  [
    CONNECTION_TYPE,
    (stack, vpc) => {
      const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' });
      return new VpcPeeringConnection(stack, 'Peering', { authorization: authorize(stack, vpc), fleet });
    },
  ],
  [ROLE_TYPE, (stack, vpc) => new VpcPeeringRole(stack, 'Role', { vpc, gameLiftAccount: '222222222222' })],
];

function createWithDefaultChild(
  type: string,
  createConstruct: CreateConstruct,
): { readonly stack: Stack; readonly construct: Resource; readonly logicalId: string } {
  const stack = new Stack(new App(), 'Stack', { env });
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-0123456789abcdef0', availabilityZones: ['eu-central-1a'] });
  const construct = createConstruct(stack, vpc);
  const { defaultChild } = construct.node;
  if (!CfnResource.isCfnResource(defaultChild)) {
    throw new Error(`the default child of ${construct.node.path} is not a CloudFormation resource`);
  }
  expect(defaultChild.cfnResourceType).toBe(type);
  return { stack, construct, logicalId: stack.resolve(defaultChild.logicalId) as string };
}

const resourceIn = (stack: Stack, logicalId: string): unknown =>
  (Template.fromStack(stack).toJSON() as { Resources: Record<string, unknown> }).Resources[logicalId];

test.each(RESOURCES)('%s is deleted by default, and retained after applyRemovalPolicy(RETAIN)', (type, createConstruct) => {
  const withDefaultPolicy = createWithDefaultChild(type, createConstruct);
  expect(resourceIn(withDefaultPolicy.stack, withDefaultPolicy.logicalId)).not.toMatchObject({ DeletionPolicy: 'Retain' });
  const { stack, construct, logicalId } = createWithDefaultChild(type, createConstruct);
  construct.applyRemovalPolicy(RemovalPolicy.RETAIN);
  expect(resourceIn(stack, logicalId)).toMatchObject({ Type: type, DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
});

test.each(RESOURCES)(
  '%s is the default child of its construct, so that escape hatches can change its properties and metadata',
  (type, createConstruct) => {
    const { stack, construct, logicalId } = createWithDefaultChild(type, createConstruct);
    const child = construct.node.defaultChild as CfnResource;
    child.addPropertyOverride('Description', 'overridden');
    child.cfnOptions.metadata = { reviewed: 'yes' };
    expect(resourceIn(stack, logicalId)).toMatchObject({
      Type: type,
      Properties: { Description: 'overridden' },
      Metadata: { reviewed: 'yes' },
    });
  },
);
