import { CfnResource, Duration, Names, RemovalPolicy, Resource, Token } from 'aws-cdk-lib';
import type { CustomResource, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import type { Construct, IConstruct } from 'constructs';
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
import { PeeringRoutes } from './peering-routes';
import { callerStatements, fleetStatements, networkStatements, untagStatements } from './permissions';
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
   * What happens to the connection when it is removed from the stack: `DESTROY` deletes it, with its routes, and `RETAIN`
   * leaves everything as it is.
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

  /**
   * @throws Error if the timeout is out of bounds, if the removal policy is `SNAPSHOT`, if routes or DNS are asked for in a
   * VPC of another account, or if the fleet is no EC2 fleet.
   */
  constructor(scope: Construct, id: string, props: VpcPeeringConnectionProps) {
    super(scope, id);
    const { authorization, fleet } = props;
    const pair = pairOf(authorization);
    const timeout = props.timeout ?? Duration.seconds(CONNECTION_TIMEOUT_SECONDS);
    validate(timeout, props.removalPolicy, fleet);

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
    chain(this.stack, resource, fleet);

    const attribute = (name: keyof ConnectionAttributes): string => resource.getAttString(name);
    this.vpcPeeringConnectionId = attribute('VpcPeeringConnectionId');
    this.gameLiftVpcId = attribute('GameLiftVpcId');
    this.gameLiftCidrBlock = attribute('GameLiftCidrBlock');
    this.connections = new ec2.Connections({ peer: new FleetPeer(this.gameLiftCidrBlock, Names.uniqueId(this)) });
  }

  /**
   * Lets the fleet's instances reach a port: adds a rule to the security groups of `other`, in this construct's stack.
   *
   * @param other what the game servers talk to, such as a database
   * @param port the port, or ports, to open to the CIDR block of the fleet's VPC and to nobody else
   * @throws Error if `other` has no security group
   */
  allowTo(other: ec2.IConnectable, port: ec2.Port): void {
    const { securityGroups } = other.connections;
    if (securityGroups.length === 0) {
      throw new Error(`${this.node.path} can be allowed to reach what has a security group, and this has none: add one first`);
    }
    for (const securityGroup of securityGroups) {
      const id = `${securityGroup.node.addr.slice(-8)}${port.toString().replace(/[^A-Za-z0-9]/g, '')}`;
      if (this.node.tryFindChild(id) === undefined) {
        new ec2.CfnSecurityGroupIngress(this, id, {
          groupId: securityGroup.securityGroupId,
          cidrIp: this.gameLiftCidrBlock,
          description: `GameLift fleet peered by ${Names.uniqueResourceName(this, { maxLength: 60 })}`,
          ...(port.toRuleJson() as PortRule),
        });
      }
    }
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

function validate(timeout: Duration, removalPolicy: RemovalPolicy | undefined, fleet: aws_gamelift.IFleetRef): void {
  if (!timeout.isUnresolved()) {
    const seconds = timeout.toSeconds({ integral: false });
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_CONNECTION_TIMEOUT_SECONDS) {
      throw new Error(`timeout must be whole seconds from 1 to ${MAX_CONNECTION_TIMEOUT_SECONDS}, got ${seconds}`);
    }
  }
  if (removalPolicy === RemovalPolicy.SNAPSHOT) {
    throw new Error(
      'removalPolicy must be DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE, got snapshot: there is nothing to take one of',
    );
  }
  const { fleetId } = fleet.fleetRef;
  if (!Token.isUnresolved(fleetId) && !/^[a-z]*fleet-[a-zA-Z0-9-]+$/.test(fleetId)) {
    throw new Error(`fleet must have an id such as fleet-01234567-89ab-cdef-0123-456789abcdef, got '${fleetId}'`);
  }
}

interface Link {
  readonly resource: CustomResource;
  readonly fleet: IConstruct | undefined;
}

const links = new WeakMap<Stack, Link[]>();

/**
 * Has the connections of a stack follow each other in lanes, so that no more than a handful wait for the same rate token.
 * None waits for another's fleet: connections to fleets that the stack makes only follow those to the same fleet.
 */
function chain(stack: Stack, resource: CustomResource, fleet: aws_gamelift.IFleetRef): void {
  const made = CfnResource.isCfnResource(fleet) && fleet.stack === stack ? fleet : undefined;
  const earlier = links.get(stack) ?? [];
  links.set(stack, [...earlier, { resource, fleet: made }]);
  const comparable = earlier.filter((link) => link.fleet === undefined || link.fleet === made);
  const ahead = comparable.at(-CONNECTION_LANES);
  if (ahead !== undefined && comparable.length >= CONNECTION_LANES) {
    resource.node.addDependency(ahead.resource);
  }
}

function connectStatements(stack: Stack, pair: DeclaredPair): iam.PolicyStatement[] {
  const { vpc, vpcAccount } = pair;
  const statements = accessOf(stack, pair) === 'own' ? networkStatements : callerStatements;
  return statements(stack, vpc, vpcAccount);
}
