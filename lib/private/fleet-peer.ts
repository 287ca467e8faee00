import * as ec2 from 'aws-cdk-lib/aws-ec2';

/**
 * The CIDR block of a fleet's VPC, as a peer in security group rules.
 *
 * The CDK must not inline its rules into the security group: the security group would then depend on the connection.
 */
export class FleetPeer implements ec2.IPeer {
  readonly canInlineRule = false;
  readonly connections: ec2.Connections = new ec2.Connections({ peer: this });

  constructor(
    private readonly cidrBlock: string,
    readonly uniqueId: string,
  ) {}

  toIngressRuleConfig(): unknown {
    return { cidrIp: this.cidrBlock };
  }

  toEgressRuleConfig(): unknown {
    return { cidrIp: this.cidrBlock };
  }
}

/**
 * Whether rules can be added to a security group. A group that was imported with `mutable: false` ignores `addIngressRule`.
 *
 * The CDK has no property for this. So this function adds a rule whose peer throws an error in `toIngressRuleConfig` or `toEgressRuleConfig`.
 * Only a mutable group calls these methods, and the error keeps the group from adding the rule.
 */
export function isMutable(securityGroup: ec2.ISecurityGroup, port: ec2.Port): boolean {
  const mutableError = new Error('the security group is mutable');
  const throwError = (): never => {
    throw mutableError;
  };
  const peer = {
    uniqueId: 'GameLiftVpcPeeringMutable',
    canInlineRule: false,
    connections: new ec2.Connections(),
    toIngressRuleConfig: throwError,
    toEgressRuleConfig: throwError,
  };
  try {
    securityGroup.addIngressRule(peer, port);
    return false;
  } catch (error) {
    if (error !== mutableError) {
      throw error;
    }
    return true;
  }
}
