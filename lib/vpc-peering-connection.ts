import { Duration, Names, Resource } from 'aws-cdk-lib';
import type { CfnResource, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import type { Construct } from 'constructs';
import {
  CONNECTION_BUDGET_SECONDS,
  CONNECTION_TIMEOUT_SECONDS,
  CONNECTION_TYPE,
  MAX_CONNECTION_TIMEOUT_SECONDS,
} from './contract';
import type { ConnectionAttributes, ConnectionProperties } from './contract';
import { PeeringRoutes } from './peering-routes';
import { addToBatch } from './private/connection-batches';
import { digestOf } from './private/digest';
import { FleetPeer, isMutable } from './private/fleet-peer';
import { warnAboutFleetInOtherStack, warnAboutRetainedFleet } from './private/fleet-warnings';
import { findCfnFleet, registerPeering, validateFleet, validateFleetId } from './private/fleets';
import { pairProperties, peeringPairOf, vpcAccountAccess } from './private/peering-pair';
import type { PeeringPair } from './private/peering-pair';
import { callerStatements, fleetStatements, networkStatements, untagStatements } from './private/permissions';
import { cfnResourceOf, StackAuthorization } from './private/stack-authorization';
import { propertiesOf, resolveReferences } from './private/template';
import { areDifferent, validateRemovalPolicy } from './private/validation';
import type { IVpcPeeringAuthorization } from './vpc-peering-authorization';

/**
 * Properties of a peering connection between a fleet's VPC and a peer VPC.
 */
export interface VpcPeeringConnectionProps {
  /**
   * The authorization to use. It determines the peer VPC.
   */
  readonly authorization: IVpcPeeringAuthorization;

  /**
   * The fleet to connect: an EC2 fleet in the account and Region of the stack.
   */
  readonly fleet: aws_gamelift.IFleetRef;

  /**
   * Which route tables of the peer VPC get a route to the fleet's VPC.
   *
   * @default PeeringRoutes.everyRouteTable()
   */
  readonly routes?: PeeringRoutes;

  /**
   * Whether instances of the fleet resolve public DNS names of the peer VPC to private addresses.
   *
   * @default false
   * @see https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-dns.html
   */
  readonly dnsResolution?: boolean;

  /**
   * Whether to use a connection that already exists, even if it belongs to another stack. While this is set, the connection stays
   * in place when this construct is removed.
   *
   * @default false
   */
  readonly adoptExisting?: boolean;

  /**
   * How long the connection can be pending: from 1 second to 13 minutes. The time spent waiting for GameLift's rate limit does
   * not count.
   *
   * @default Duration.minutes(10)
   */
  readonly timeout?: Duration;

  /**
   * What happens to the connection when it is removed from the stack, or replaced because of a new fleet: `DESTROY` deletes it
   * and its routes, and `RETAIN` keeps both. The same applies to the rules of `allowTo`.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * Connects the VPC of a GameLift fleet with a peer VPC, with GameLift's `CreateVpcPeeringConnection`.
 *
 * Waits until the connection is active, then sets routes and DNS in the peer VPC. The deployment fails if the CIDR blocks of the
 * two VPCs overlap, if there already is a connection that this construct did not create, or if a route table already has a route
 * to another target. The error names both sides and what to do.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringConnection.html
 */
export class VpcPeeringConnection extends Resource implements ec2.IConnectable {
  /**
   * The id of the connection, as GameLift returns it.
   *
   * @attribute
   */
  readonly vpcPeeringConnectionId: string;

  /**
   * The id of the fleet's VPC, which GameLift owns.
   *
   * @attribute
   */
  readonly gameLiftVpcId: string;

  /**
   * The IPv4 CIDR block of the fleet's VPC, which GameLift chooses.
   *
   * @attribute
   */
  readonly gameLiftCidrBlock: string;

  /**
   * The fleet as a peer in security group rules: the CIDR block of its VPC. The CDK adds these rules to the stack of the security
   * group, while `allowTo` adds them to the stack of the connection.
   */
  readonly connections: ec2.Connections;

  private removalPolicy: RemovalPolicy | undefined;
  private readonly rules: ec2.CfnSecurityGroupIngress[] = [];

  /**
   * @throws Error if the timeout is out of range, if the removal policy is `SNAPSHOT`, if `routes` or `dnsResolution` would
   * change a VPC in an account that the handler has no access to, if the fleet is not an EC2 fleet or is already peered with the
   * VPC, if the stack is not in the GameLift account of the authorization, or if stack, fleet and authorization are not in the
   * same Region.
   */
  constructor(scope: Construct, id: string, props: VpcPeeringConnectionProps) {
    super(scope, id);
    const { authorization, fleet } = props;
    const { fleetId } = fleet.fleetRef;
    const pair = peeringPairOf(authorization);
    const timeout = props.timeout ?? Duration.seconds(CONNECTION_TIMEOUT_SECONDS);
    validateTimeout(timeout);
    validateRemovalPolicy(props.removalPolicy);
    this.validateFleetAndPeering(props, pair);
    this.removalPolicy = props.removalPolicy;

    const routes = (props.routes ?? PeeringRoutes.everyRouteTable())._bind(pair.vpc);
    if (routes.kind !== 'None' || props.dnsResolution === true) {
      this.validateVpcAccountAccess(pair);
    }
    const stackAuthorization = StackAuthorization.forStack(this.stack, authorization, pair);
    const policies = this.addPolicies(stackAuthorization, pair);
    const properties: ConnectionProperties = {
      ...pairProperties(pair),
      FleetId: fleetId,
      TimeoutSeconds: timeout.toSeconds(),
      Routes: routes.kind,
      ...(routes.routeTableIds === undefined ? {} : { RouteTableIds: routes.routeTableIds }),
      DnsResolution: props.dnsResolution ?? false,
      AdoptExisting: props.adoptExisting ?? false,
      AuthorizationExpirationTime: stackAuthorization.resource.getAttString('ExpirationTime'),
    };
    const resource = stackAuthorization.handler.addCustomResource(this, 'Resource', {
      resourceType: CONNECTION_TYPE,
      properties: { ...properties },
      budgetSeconds: CONNECTION_BUDGET_SECONDS,
      removalPolicy: props.removalPolicy,
      policies: [stackAuthorization.policy, ...policies],
    });
    const cfnResource = cfnResourceOf(resource);
    this.node.defaultChild = cfnResource;
    stackAuthorization.addPeeredResource(cfnResource, fleetId, resource, ...policies);
    addToBatch(this.stack, cfnResource);
    this.addRetainedFleetWarning(fleet, cfnResource);

    const attribute = (name: keyof ConnectionAttributes): string => resource.getAttString(name);
    this.vpcPeeringConnectionId = attribute('VpcPeeringConnectionId');
    this.gameLiftVpcId = attribute('GameLiftVpcId');
    this.gameLiftCidrBlock = attribute('GameLiftCidrBlock');
    this.connections = new ec2.Connections({ peer: new FleetPeer(this.gameLiftCidrBlock, Names.uniqueId(this)) });
  }

  /**
   * Allows the fleet's instances to reach a port: adds a rule to each security group of `other`, in the stack of this construct.
   *
   * Security groups that were imported with `mutable: false` are not changed.
   *
   * @param other what the game servers connect to, such as a database
   * @param port the ports to open to the CIDR block of the fleet's VPC, and to nothing else
   * @throws Error if `other` has no security group, or one in another account or Region than the stack of this construct
   */
  allowTo(other: ec2.IConnectable, port: ec2.Port): void {
    const { securityGroups } = other.connections;
    if (securityGroups.length === 0) {
      throw new Error(`allowTo of ${this.node.path} requires a target that has a security group, got one without`);
    }
    for (const securityGroup of securityGroups) {
      this.allowToSecurityGroup(securityGroup, port);
    }
  }

  /**
   * Sets what happens to the connection, its routes, and its rules of `allowTo` when it is removed from the stack, or replaced
   * because of a new fleet, like the property `removalPolicy`.
   *
   * @throws Error if the policy is `SNAPSHOT`
   */
  override applyRemovalPolicy(policy: RemovalPolicy): void {
    validateRemovalPolicy(policy);
    super.applyRemovalPolicy(policy);
    this.removalPolicy = policy;
    for (const rule of this.rules) {
      rule.applyRemovalPolicy(policy);
    }
  }

  private validateFleetAndPeering({ fleet, adoptExisting = false }: VpcPeeringConnectionProps, { vpc }: PeeringPair): void {
    const { fleetId } = fleet.fleetRef;
    validateFleetId(fleetId);
    if (areDifferent(fleet.env.region, this.env.region)) {
      throw new Error(
        `GameLift peers only within a Region, but ${fleet.node.path} is in ${fleet.env.region} and ${this.node.path} is in ` +
          `${this.env.region}: create the connection in a stack in ${fleet.env.region}, with a VPC there`,
      );
    }
    registerPeering({ construct: this, fleetId, vpcId: vpc.vpcId, adoptExisting });
    const cfnFleet = findCfnFleet(fleet);
    if (cfnFleet === undefined) {
      return;
    }
    validateFleet(this, cfnFleet);
    warnAboutFleetInOtherStack(this, cfnFleet);
    if (!adoptExisting) {
      this.node.addValidation({ validate: () => peeredAtCreationErrors(cfnFleet, vpc) });
    }
  }

  /** Routes and DNS require access to the account of the VPC. */
  private validateVpcAccountAccess(pair: PeeringPair): void {
    if (vpcAccountAccess(this.stack, pair) === 'none') {
      throw new Error(
        `routes and DNS of a VPC in account ${pair.peerVpcAccount} cannot be set from account ${this.stack.account}: pass ` +
          'routes: PeeringRoutes.none() without dnsResolution, and set them in the account of the VPC, or give the authorization a ' +
          'peerRole in that account',
      );
    }
  }

  private addPolicies({ handler }: StackAuthorization, pair: PeeringPair): iam.CfnRolePolicy[] {
    const { stack } = this;
    const { vpc, peerVpcAccount } = pair;
    const isOwnAccount = vpcAccountAccess(stack, pair) === 'own';
    // one policy for all VPCs of an account, because the inline policies of a role are limited to 10,240 characters
    const fleetTarget = { construct: handler, name: 'Fleets' };
    const fleetPolicy = isOwnAccount
      ? handler.addPolicy('FleetsAndTags', fleetTarget, [...fleetStatements(stack), ...untagStatements(stack, stack.account)])
      : handler.addPolicy('Fleets', fleetTarget, fleetStatements(stack));
    const connectStatements = isOwnAccount ? networkStatements : callerStatements;
    const connectTarget = { construct: vpc, name: vpc.vpcId };
    const connectPolicy = handler.addPolicy('Connect', connectTarget, connectStatements(stack, vpc, peerVpcAccount));
    // a fixed order, so that there are fewer possible orders of creation and deletion
    connectPolicy.node.addDependency(fleetPolicy);
    return [fleetPolicy, connectPolicy];
  }

  private addRetainedFleetWarning(fleet: aws_gamelift.IFleetRef, connection: CfnResource): void {
    const cfnFleet = findCfnFleet(fleet);
    if (cfnFleet !== undefined) {
      // at synthesis, since removal policies can be set later
      this.node.addValidation({
        validate: () => {
          warnAboutRetainedFleet(this, connection, cfnFleet);
          return [];
        },
      });
    }
  }

  private allowToSecurityGroup(securityGroup: ec2.ISecurityGroup, port: ec2.Port): void {
    this.validateSecurityGroup(securityGroup);
    const rule = port.toRuleJson() as PortRule;
    // The id depends on the content of the rule, not on its position. Otherwise CloudFormation would create a rule under a new id
    // before it deletes the old one, and EC2 refuses two equal rules.
    const content = resolveReferences([securityGroup.securityGroupId, rule], this).value;
    const id = `Rule${digestOf(JSON.stringify(content), 16)}`;
    if (this.node.tryFindChild(id) !== undefined || !isMutable(securityGroup, port)) {
      return;
    }
    const ingress = new ec2.CfnSecurityGroupIngress(this, id, {
      groupId: securityGroup.securityGroupId,
      cidrIp: this.gameLiftCidrBlock,
      description: `GameLift fleet peered by ${Names.uniqueResourceName(this, { maxLength: 60 })}`,
      ...rule,
    });
    if (this.removalPolicy !== undefined) {
      ingress.applyRemovalPolicy(this.removalPolicy);
    }
    this.rules.push(ingress);
  }

  private validateSecurityGroup({ node, env }: ec2.ISecurityGroup): void {
    if (areDifferent(env.account, this.env.account) || areDifferent(env.region, this.env.region)) {
      throw new Error(
        `the rules of security group ${node.path} can be changed only in its own account ${env.account} and Region ${env.region}, but ` +
          `${this.node.path} is in ${this.env.account} and ${this.env.region}: deploy this stack with gameLiftCidrBlock as an output, then ` +
          `allow that CIDR block in a stack of account ${env.account}, with addIngressRule(ec2.Peer.ipv4('…'), port)`,
      );
    }
  }
}

type PortRule = Pick<ec2.CfnSecurityGroupIngressProps, 'ipProtocol' | 'fromPort' | 'toPort'>;

/**
 * An error if the fleet's own properties already peer it with the VPC. Call it at synthesis, since properties can be set later.
 */
function peeredAtCreationErrors(fleet: CfnResource, vpc: ec2.IVpc): string[] {
  const { PeerVpcId } = propertiesOf(fleet);
  const isSameVpc = JSON.stringify(PeerVpcId) === JSON.stringify(resolveReferences(vpc.vpcId, vpc).value);
  return isSameVpc
    ? [
        `fleet ${fleet.node.path} is already peered with the same VPC by its peerVpcId: remove the peerVpcId or this connection, or set ` +
          'adoptExisting to use the connection that GameLift creates',
      ]
    : [];
}

function validateTimeout(timeout: Duration): void {
  if (!timeout.isUnresolved()) {
    const seconds = timeout.toSeconds({ integral: false });
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_CONNECTION_TIMEOUT_SECONDS) {
      throw new Error(`timeout must be whole seconds from 1 to ${MAX_CONNECTION_TIMEOUT_SECONDS}, got ${seconds}`);
    }
  }
}
