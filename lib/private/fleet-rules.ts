import { Names } from 'aws-cdk-lib';
import type { IResource, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { digestOf } from './digest';
import { isMutable } from './fleet-peer';
import { resolveReferences } from './template';
import { areDifferent } from './validation';

type PortRule = Pick<ec2.CfnSecurityGroupIngressProps, 'ipProtocol' | 'fromPort' | 'toPort'>;

/** The rules that `allowTo` adds to security groups, in the stack of a connection. */
export class FleetRules {
  private readonly rules: ec2.CfnSecurityGroupIngress[] = [];

  constructor(
    private readonly connection: Construct & IResource,
    private readonly cidrBlock: string,
    private removalPolicy?: RemovalPolicy,
  ) {}

  /**
   * Allows the fleet to reach a port: adds a rule to each security group of `other`.
   *
   * @throws Error if `other` has no security group, or one in another account or Region than the connection
   */
  allowTo(other: ec2.IConnectable, port: ec2.Port): void {
    const { securityGroups } = other.connections;
    if (securityGroups.length === 0) {
      throw new Error(`allowTo of ${this.connection.node.path} requires a target that has a security group, got one without`);
    }
    for (const securityGroup of securityGroups) {
      this.allowToSecurityGroup(securityGroup, port);
    }
  }

  applyRemovalPolicy(policy: RemovalPolicy): void {
    this.removalPolicy = policy;
    for (const rule of this.rules) {
      rule.applyRemovalPolicy(policy);
    }
  }

  private allowToSecurityGroup(securityGroup: ec2.ISecurityGroup, port: ec2.Port): void {
    const { connection } = this;
    this.validateSecurityGroup(securityGroup);
    const rule = port.toRuleJson() as PortRule;
    // Derive the id from the content of the rule, not from its position. If the id of a rule changed, CloudFormation would create the
    // rule again before it deletes the old one, and EC2 refuses a duplicate.
    const content = resolveReferences([securityGroup.securityGroupId, rule], connection).value;
    const id = `Rule${digestOf(JSON.stringify(content), 16)}`;
    if (connection.node.tryFindChild(id) !== undefined || !isMutable(securityGroup, port)) {
      return;
    }
    const ingress = new ec2.CfnSecurityGroupIngress(connection, id, {
      groupId: securityGroup.securityGroupId,
      cidrIp: this.cidrBlock,
      description: `GameLift fleet peered by ${Names.uniqueResourceName(connection, { maxLength: 60 })}`,
      ...rule,
    });
    if (this.removalPolicy !== undefined) {
      ingress.applyRemovalPolicy(this.removalPolicy);
    }
    this.rules.push(ingress);
  }

  private validateSecurityGroup({ node, env }: ec2.ISecurityGroup): void {
    const { connection } = this;
    if (areDifferent(env.region, connection.env.region)) {
      throw new Error(
        `security group ${node.path} is in Region ${env.region}, but ${connection.node.path} is in ${connection.env.region}, and GameLift ` +
          'peers only within a Region: pass a security group of the peer VPC to allowTo',
      );
    }
    if (areDifferent(env.account, connection.env.account)) {
      throw new Error(
        `the rules of security group ${node.path} can be changed only in its own account ${env.account}, but ` +
          `${connection.node.path} is in ${connection.env.account}: deploy the stack of the connection with ` +
          `gameLiftCidrBlock as an output, then pass it to VpcPeeringConnection.fromVpcPeeringConnectionAttributes in a stack of account ` +
          `${env.account}, and call allowTo there`,
      );
    }
  }
}
