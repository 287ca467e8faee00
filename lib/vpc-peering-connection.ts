import { Duration, Names, RemovalPolicy, Resource } from 'aws-cdk-lib';
import type { CfnResource, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import type { Construct } from 'constructs';
import { accessOf, AuthorizationUse, cfnOf, pairOf } from './authorization-use';
import type { DeclaredPair } from './authorization-use';
import {
  CONNECTION_BUDGET_SECONDS,
  CONNECTION_LANES,
  CONNECTION_TIMEOUT_SECONDS,
  CONNECTION_TYPE,
  MAX_CONNECTION_TIMEOUT_SECONDS,
} from './contract';
import type { ConnectionAttributes, ConnectionProperties } from './contract';
import { sharedMap } from './copies';
import { AcyclicDependency, withReferences } from './dependencies';
import { checkFleet, checkFleetId, notePeering, propertiesOf, resourceOf, warnOfOtherStack, warnOfRetainedFleet } from './fleets';
import { differ } from './known-values';
import { PeeringRoutes } from './peering-routes';
import { callerStatements, fleetStatements, networkStatements, untagStatements } from './permissions';
import { digestOf } from './reliance';
import type { IVpcPeeringAuthorization } from './vpc-peering-authorization';

/**
 * Properties of a connection between a fleet's VPC and a peer VPC.
 */
export interface VpcPeeringConnectionProps {
  /**
   * What allows the connection, and names the peer VPC.
   */
  readonly authorization: IVpcPeeringAuthorization;

  /**
   * The fleet to connect: an EC2 fleet of the stack's account and Region.
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
   */
  readonly dnsResolution?: boolean;

  /**
   * Whether a connection that exists already, or belongs to another stack, is used. It stays in place when this construct
   * goes, for as long as this is set.
   *
   * @default false
   */
  readonly adoptExisting?: boolean;

  /**
   * How long the connection may be pending: from 1 second to 13 minutes. Waiting for GameLift's rate limit does not count.
   *
   * @default Duration.minutes(10)
   */
  readonly timeout?: Duration;

  /**
   * What happens to the connection when it is removed from the stack, or replaced because of a new fleet: `DESTROY` deletes it, with its
   * routes, and `RETAIN` leaves everything as it is. The rules of `allowTo` go, or stay, with it.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * Connects the VPC of a GameLift fleet with a peer VPC, with GameLift's `CreateVpcPeeringConnection`.
 *
 * Waits until the connection is active, then sets routes and DNS in the peer VPC. Fails the deployment if the CIDR blocks of
 * the two VPCs overlap, if there is a connection already that this construct did not make, or if a route table leads
 * elsewhere; the reason names both sides and what to do.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringConnection.html
 */
export class VpcPeeringConnection extends Resource implements ec2.IConnectable {
  /**
   * The id of the connection, as GameLift gives it.
   *
   * @attribute
   */
  readonly vpcPeeringConnectionId: string;

  /**
   * The id of the VPC of the fleet, which GameLift owns.
   *
   * @attribute
   */
  readonly gameLiftVpcId: string;

  /**
   * The IPv4 CIDR block of the VPC of the fleet, which GameLift chose.
   *
   * @attribute
   */
  readonly gameLiftCidrBlock: string;

  /**
   * The fleet as a peer in security group rules: its CIDR block. Rules made with it go into the stack of the security group;
   * `allowTo` makes them in the stack of the connection.
   */
  readonly connections: ec2.Connections;

  private removalPolicy: RemovalPolicy | undefined;
  private readonly rules: ec2.CfnSecurityGroupIngress[] = [];

  /**
   * @throws Error if the timeout is out of bounds, if the removal policy is `SNAPSHOT`, if routes or DNS are asked for in a
   * VPC of another account, if the fleet is no EC2 fleet or is peered with the VPC already, if the stack is in another account than the
   * authorization is for, or if stack, fleet and authorization are not in one Region.
   */
  constructor(scope: Construct, id: string, props: VpcPeeringConnectionProps) {
    super(scope, id);
    const { authorization, fleet } = props;
    const pair = pairOf(authorization);
    const timeout = props.timeout ?? Duration.seconds(CONNECTION_TIMEOUT_SECONDS);
    validateTimeout(timeout);
    validateRemovalPolicy(props.removalPolicy);
    this.checkFleet(props, pair);
    this.removalPolicy = props.removalPolicy;

    const routes = (props.routes ?? PeeringRoutes.everyRouteTable())._bind(pair.vpc);
    if (accessOf(this.stack, pair) === 'none' && (routes.kind !== 'None' || props.dnsResolution === true)) {
      throw new Error(
        `routes and DNS of a VPC of account ${pair.vpcAccount} can't be set from account ${this.stack.account}: pass ` +
          'routes: PeeringRoutes.none() and no dnsResolution, and set them in the account of the VPC, or give the authorization a peerRole of that account',
      );
    }
    const use = AuthorizationUse.of(this.stack, authorization, pair);
    // one for all VPCs of the stack, if they are of one account: what the role may do has to be told in 10,240 characters
    const fleetPolicy =
      accessOf(this.stack, pair) === 'own'
        ? use.handler.permit('FleetsAndTags', use.handler, 'Fleets', () => [
            ...fleetStatements(this.stack),
            ...untagStatements(this.stack, this.stack.account),
          ])
        : use.handler.permit('Fleets', use.handler, 'Fleets', () => fleetStatements(this.stack));
    const connectPolicy = use.handler.permit('Connect', pair.vpc, pair.vpc.vpcId, () => connectStatements(this.stack, pair));
    // one after the other, so that there are fewer orders in which things can go
    connectPolicy.node.addDependency(fleetPolicy);
    const policies = [fleetPolicy, connectPolicy];
    const properties: ConnectionProperties = {
      ...use.pairProperties(),
      FleetId: fleet.fleetRef.fleetId,
      TimeoutSeconds: timeout.toSeconds(),
      Routes: routes.kind,
      ...(routes.routeTableIds === undefined ? {} : { RouteTableIds: routes.routeTableIds }),
      DnsResolution: props.dnsResolution ?? false,
      AdoptExisting: props.adoptExisting ?? false,
      AuthorizationExpirationTime: use.resource.getAttString('ExpirationTime'),
    };
    const resource = use.handler.serve(this, 'Resource', {
      resourceType: CONNECTION_TYPE,
      properties: { ...properties },
      budgetSeconds: CONNECTION_BUDGET_SECONDS,
      removalPolicy: props.removalPolicy,
      permissions: [...use.permissions, ...policies],
    });
    this.node.defaultChild = cfnOf(resource);
    use.relyOn(cfnOf(resource), fleet.fleetRef.fleetId, resource, ...policies);
    spread(this.stack, cfnOf(resource));
    this.warnOfRetainedFleet(fleet, cfnOf(resource));

    const attribute = (name: keyof ConnectionAttributes): string => resource.getAttString(name);
    this.vpcPeeringConnectionId = attribute('VpcPeeringConnectionId');
    this.gameLiftVpcId = attribute('GameLiftVpcId');
    this.gameLiftCidrBlock = attribute('GameLiftCidrBlock');
    this.connections = new ec2.Connections({ peer: new FleetPeer(this.gameLiftCidrBlock, Names.uniqueId(this)) });
  }

  /**
   * Lets the fleet's instances reach a port: adds a rule to the security groups of `other`, in this construct's stack.
   *
   * A security group that was imported with `mutable: false` is left as it is.
   *
   * @param other what the game servers talk to, such as a database
   * @param port the port, or ports, to open to the CIDR block of the fleet's VPC and to nobody else
   * @throws Error if `other` has no security group, or one of another account or Region than this construct's stack
   */
  allowTo(other: ec2.IConnectable, port: ec2.Port): void {
    const { securityGroups } = other.connections;
    if (securityGroups.length === 0) {
      throw new Error(`${this.node.path} can be allowed to reach what has a security group, and this has none: add one first`);
    }
    const rule = port.toRuleJson() as PortRule;
    for (const securityGroup of securityGroups) {
      this.checkSecurityGroup(securityGroup);
      // by what it says, not by its place among the rules: a rule that got another id would be made before the old one is deleted, and
      // EC2 refuses a second rule that says the same
      const said = withReferences([securityGroup.securityGroupId, rule], this).resolved;
      const id = `Rule${digestOf(said)}`;
      if (this.node.tryFindChild(id) === undefined && isMutable(securityGroup, port)) {
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
    }
  }

  /**
   * What happens to the connection, its routes, and its rules of `allowTo` when it is removed from the stack, or replaced because of a new
   * fleet: the same as with the property `removalPolicy`.
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

  private checkFleet({ fleet, adoptExisting = false }: VpcPeeringConnectionProps, { vpc }: DeclaredPair): void {
    const { fleetId } = fleet.fleetRef;
    checkFleetId(fleetId);
    if (differ(fleet.env.region, this.env.region)) {
      throw new Error(
        `GameLift peers within one Region: ${fleet.node.path} is in ${fleet.env.region}, but ${this.node.path} is in ${this.env.region}: ` +
          `create the connection in a stack in ${fleet.env.region}, with a VPC there`,
      );
    }
    notePeering({ by: this, fleetId, vpcId: vpc.vpcId, adoptExisting });
    const resource = resourceOf(fleet);
    if (resource === undefined) {
      return;
    }
    checkFleet(this, resource);
    warnOfOtherStack(this, resource);
    if (!adoptExisting) {
      this.node.addValidation({ validate: () => peeredTwice(resource, vpc) });
    }
  }

  private warnOfRetainedFleet(fleet: aws_gamelift.IFleetRef, connection: CfnResource): void {
    const resource = resourceOf(fleet);
    if (resource !== undefined) {
      // policies can be set later
      this.node.addValidation({
        validate: () => {
          warnOfRetainedFleet(this, connection, resource);
          return [];
        },
      });
    }
  }

  private checkSecurityGroup({ node, env }: ec2.ISecurityGroup): void {
    if (differ(env.account, this.env.account) || differ(env.region, this.env.region)) {
      throw new Error(
        `the rules of security group ${node.path} can be changed only in its own account ${env.account} and Region ${env.region}, but ` +
          `${this.node.path} is in ${this.env.account} and ${this.env.region}: deploy this stack with gameLiftCidrBlock as an output, then ` +
          `allow that CIDR block in a stack of account ${env.account}, with addIngressRule(ec2.Peer.ipv4('…'), port)`,
      );
    }
  }
}

/** That the fleet, by its own properties, is also peered when it is created: known once all properties are set. */
function peeredTwice(fleet: CfnResource, vpc: ec2.IVpc): string[] {
  const { PeerVpcId } = propertiesOf(fleet);
  const isSame = PeerVpcId !== undefined && digestOf(PeerVpcId) === digestOf(withReferences(vpc.vpcId, vpc).resolved);
  return isSame
    ? [
        `fleet ${fleet.node.path} is peered with the same VPC when it is created: take away its peerVpcId, or this connection, or set ` +
          'adoptExisting to use the connection that GameLift makes',
      ]
    : [];
}

/**
 * Whether rules can be added to a security group: one that was imported with `mutable: false` does nothing when it is asked to. That shows
 * only when it is asked, so it is asked with a peer that is never looked at then, and that ends the attempt otherwise.
 */
function isMutable(securityGroup: ec2.ISecurityGroup, port: ec2.Port): boolean {
  const lookedAt = new Error('the security group is mutable');
  const uniqueId = 'GameLiftVpcPeeringMutable';
  const lookAt = (): never => {
    throw lookedAt;
  };
  const peer = { uniqueId, canInlineRule: false, toIngressRuleConfig: lookAt, toEgressRuleConfig: lookAt };
  try {
    securityGroup.addIngressRule(Object.assign(peer, { connections: new ec2.Connections() }), port);
    return false;
  } catch (error) {
    if (error !== lookedAt) {
      throw error;
    }
    return true;
  }
}

type PortRule = Pick<ec2.CfnSecurityGroupIngressProps, 'ipProtocol' | 'fromPort' | 'toPort'>;

/** The CIDR block of a fleet's VPC. Never inlined: a security group that named it would wait for the connection. */
class FleetPeer implements ec2.IPeer {
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

function validateTimeout(timeout: Duration): void {
  if (!timeout.isUnresolved()) {
    const seconds = timeout.toSeconds({ integral: false });
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_CONNECTION_TIMEOUT_SECONDS) {
      throw new Error(`timeout must be whole seconds from 1 to ${MAX_CONNECTION_TIMEOUT_SECONDS}, got ${seconds}`);
    }
  }
}

function validateRemovalPolicy(removalPolicy: RemovalPolicy | undefined): void {
  if (removalPolicy === RemovalPolicy.SNAPSHOT) {
    throw new Error(
      'removalPolicy must be DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE, got snapshot: there is nothing to take one of',
    );
  }
}

/** Connections that contend for GameLift's rate limit, and what makes them wait for those before them. */
interface Batch {
  readonly connections: CfnResource[];
  readonly wait: AcyclicDependency;
}

const batches = sharedMap<Stack, Batch>('batches');

/**
 * Has the connections of a stack wait for earlier ones, so that no more contend for GameLift's rate limit than it can serve in time.
 *
 * A connection waits for all of the batch before, not only for one of them: the limit serves whoever happens to ask when a call is
 * allowed again, so that with ever new connections beside it one could ask in vain until its time is up.
 */
function spread(stack: Stack, connection: CfnResource): void {
  let batch = batches.get(stack) ?? { connections: [], wait: new AcyclicDependency([]) };
  if (batch.connections.length >= CONNECTION_LANES) {
    batch = { connections: [], wait: new AcyclicDependency(batch.connections) };
  }
  batches.set(stack, batch);
  batch.connections.push(connection);
  batch.wait.add(connection);
}

function connectStatements(stack: Stack, pair: DeclaredPair): iam.PolicyStatement[] {
  const { vpc, vpcAccount } = pair;
  const statements = accessOf(stack, pair) === 'own' ? networkStatements : callerStatements;
  return statements(stack, vpc, vpcAccount);
}
