import { Duration, Names, Resource } from 'aws-cdk-lib';
import type { CfnResource, IResource, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct, IConstruct } from 'constructs';
import {
  CONNECTION_BUDGET_SECONDS,
  CONNECTION_TIMEOUT_SECONDS,
  CONNECTION_TYPE,
  MAX_CONNECTION_TIMEOUT_SECONDS,
} from './contract';
import type { ConnectionAttributes, ConnectionProperties } from './contract';
import { PeeringRoutes } from './peering-routes';
import { addToBatch } from './private/connection-batches';
import { FleetPeer } from './private/fleet-peer';
import { FleetRules } from './private/fleet-rules';
import {
  warnAboutExports,
  warnAboutFleetInOtherStack,
  warnAboutImportedValue,
  warnAboutRetainedFleet,
} from './private/fleet-warnings';
import { readFleet, registerPeering, validateFleet, validateFleetId } from './private/fleets';
import type { PassedFleet } from './private/fleets';
import {
  createAfterPeeredOnCreate,
  forbidPeerVpc,
  registerPeeredOnCreate,
  requireFleetOfSameStack,
  requirePeerVpc,
  setPeerVpc,
} from './private/peer-on-create';
import { pairProperties, peeringPairOf, vpcAccountAccess } from './private/peering-pair';
import type { PeeringPair } from './private/peering-pair';
import { callerStatements, fleetStatements, networkStatements, untagStatements } from './private/permissions';
import { cfnResourceOf, StackAuthorization } from './private/stack-authorization';
import { areDifferent, validateCidrBlock, validateRemovalPolicy } from './private/validation';
import type { IVpcPeeringAuthorization } from './vpc-peering-authorization';

/**
 * A peering connection between a fleet's VPC and a peer VPC.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_VpcPeeringConnection.html
 */
export interface IVpcPeeringConnection extends IResource, ec2.IConnectable {
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
   * Allows the fleet's instances to reach a port: adds a rule to each security group of `other`, in the stack of this construct.
   *
   * Security groups that were imported with `mutable: false` are not changed.
   *
   * @param other what the game servers connect to, such as a database
   * @param port the ports to open to the CIDR block of the fleet's VPC, and to nothing else
   * @throws Error if `other` has no security group, or one in another account or Region than the stack of this construct
   */
  allowTo(other: ec2.IConnectable, port: ec2.Port): void;
}

/**
 * Attributes of a peering connection that another stack or app creates.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_VpcPeeringConnection.html
 */
export interface VpcPeeringConnectionAttributes {
  /**
   * The IPv4 CIDR block of the fleet's VPC, such as `10.192.0.0/20`. A new build replaces the fleet, and its VPC then has another
   * CIDR block.
   *
   * Pass it as text, as a context value, or from an SSM parameter. Do not pass the attribute of a connection in another stack of the app, or
   * `Fn.importValue`: both create an export that each new build must change, and CloudFormation refuses to change it.
   */
  readonly gameLiftCidrBlock: string;

  /**
   * The id of the connection, as GameLift returns it.
   *
   * @default - reading the attribute `vpcPeeringConnectionId` throws an error
   */
  readonly vpcPeeringConnectionId?: string;

  /**
   * The id of the fleet's VPC.
   *
   * @default - reading the attribute `gameLiftVpcId` throws an error
   */
  readonly gameLiftVpcId?: string;
}

/**
 * Properties of a peering connection between a fleet's VPC and a peer VPC.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringConnection.html
 */
export interface VpcPeeringConnectionProps {
  /**
   * The authorization to use. It determines the peer VPC.
   */
  readonly authorization: IVpcPeeringAuthorization;

  /**
   * The fleet to connect: an EC2 fleet in the account and Region of the stack. Create the connection in the stack of its fleet.
   *
   * Pass a `CfnFleet`, what `CfnFleet.fromFleetId` returns, or a construct whose default child is a `CfnFleet`, such as the
   * `BuildFleet` of `@aws-cdk/aws-gamelift-alpha`. Any other construct must have the id of a fleet as its `fleetId`.
   */
  readonly fleet: IConstruct;

  /**
   * Whether GameLift peers the fleet while creating it. By default, the connection is requested once the fleet is ACTIVE.
   *
   * Sets the fleet's `PeerVpcId` and `PeerVpcAwsAccountId`, and creates the fleet after the authorization. The fleet must be an
   * `AWS::GameLift::Fleet` in the stack of this construct. If the peering fails, the creation of the fleet fails, too.
   *
   * Both properties of the fleet are create-only, so each of these replaces the fleet: setting this option for an existing fleet,
   * removing the option, and removing this construct.
   *
   * While the game servers start, they reach only what GameLift itself has set up. The routes, DNS and the rules of `allowTo`
   * follow once the fleet is ACTIVE. A server must therefore report that it is ready (`ProcessReady`) before it connects to anything in the
   * VPC. The same applies without this option, because the connection is then created after the fleet is ACTIVE. If a server needs data
   * to start, read it from outside of the VPC, such as from Secrets Manager or S3 with the role of the instances.
   *
   * @default false
   * @see https://docs.aws.amazon.com/gameliftservers/latest/developerguide/vpc-peering.html
   */
  readonly peerOnCreate?: boolean;

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
   * How long the fleet can take to become ACTIVE, and then how long the connection can be pending: from 1 second to 13 minutes each. A
   * connection can always be pending for 15 seconds. The time spent waiting for GameLift's rate limit does not count.
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

abstract class VpcPeeringConnectionBase extends Resource implements IVpcPeeringConnection {
  abstract readonly vpcPeeringConnectionId: string;
  abstract readonly gameLiftVpcId: string;
  abstract readonly gameLiftCidrBlock: string;
  abstract readonly connections: ec2.Connections;

  /**
   * @internal
   */
  protected abstract readonly _rules: FleetRules;

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
    this._rules.allowTo(other, port);
  }
}

/**
 * Connects the VPC of a GameLift fleet with a peer VPC, with GameLift's `CreateVpcPeeringConnection` or, with `peerOnCreate`, with the
 * fleet's own `PeerVpcId`.
 *
 * Waits until the connection is active, then sets routes and DNS in the peer VPC. The deployment fails if the CIDR blocks of the
 * two VPCs overlap, if there already is a connection that this construct did not create, or if a route table already has a route
 * to another target. The error says what is in conflict and what to do.
 *
 * @example
 * import { Stack } from 'aws-cdk-lib';
 * import * as ec2 from 'aws-cdk-lib/aws-ec2';
 * import * as gamelift from 'aws-cdk-lib/aws-gamelift';
 * import { VpcPeeringAuthorization, VpcPeeringConnection } from 'cdk-gamelift-vpc-peering';
 *
 * declare const stack: Stack;
 * declare const authorization: VpcPeeringAuthorization;
 * declare const fleet: gamelift.CfnFleet;
 * declare const database: ec2.IConnectable;
 *
 * const peering = new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
 * peering.allowTo(database, ec2.Port.tcp(5432));
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringConnection.html
 */
export class VpcPeeringConnection extends VpcPeeringConnectionBase {
  /**
   * Imports a connection that another stack or app creates, so that you can call `allowTo` in the stack of `scope`, such as a stack in the
   * account of the VPC.
   *
   * @param scope the construct that the connection becomes a child of
   * @param id the id of the construct, unique within `scope`
   * @param attrs the CIDR block of the fleet's VPC, and the ids that you need
   * @throws Error if the CIDR block is invalid.
   */
  static fromVpcPeeringConnectionAttributes(
    scope: Construct,
    id: string,
    attrs: VpcPeeringConnectionAttributes,
  ): IVpcPeeringConnection {
    const { gameLiftCidrBlock, vpcPeeringConnectionId, gameLiftVpcId } = attrs;
    validateCidrBlock('gameLiftCidrBlock', gameLiftCidrBlock);

    class Import extends VpcPeeringConnectionBase {
      readonly gameLiftCidrBlock = gameLiftCidrBlock;
      readonly connections = fleetConnections(this, gameLiftCidrBlock);
      protected readonly _rules = new FleetRules(this, gameLiftCidrBlock);

      get vpcPeeringConnectionId(): string {
        return this.requireAttribute('vpcPeeringConnectionId', vpcPeeringConnectionId);
      }

      get gameLiftVpcId(): string {
        return this.requireAttribute('gameLiftVpcId', gameLiftVpcId);
      }

      private requireAttribute(name: string, value: string | undefined): string {
        if (value === undefined) {
          throw new Error(`${name} of ${this.node.path} is unknown: pass it to fromVpcPeeringConnectionAttributes`);
        }
        return value;
      }
    }
    const imported = new Import(scope, id);
    warnAboutImportedValue(imported, gameLiftCidrBlock);
    return imported;
  }

  readonly vpcPeeringConnectionId: string;
  readonly gameLiftVpcId: string;
  readonly gameLiftCidrBlock: string;

  /**
   * The fleet as a peer in security group rules: the CIDR block of its VPC. The CDK adds these rules to the stack of the security
   * group, while `allowTo` adds them to the stack of the connection. So use `allowTo` for a security group of another stack:
   * `allowFrom` would make that stack import the CIDR block. A new build changes the CIDR block, and CloudFormation refuses to
   * change an export that another stack imports.
   */
  readonly connections: ec2.Connections;

  /**
   * @internal
   */
  protected readonly _rules: FleetRules;

  /**
   * Connects the fleet with the VPC of the authorization when the stack is deployed.
   *
   * @param scope the construct that the connection becomes a child of
   * @param id the id of the construct, unique within `scope`
   * @param props the authorization, the fleet, and what to set in the peer VPC
   * @throws Error if the timeout is out of range, if the removal policy is `SNAPSHOT`, if `routes` or `dnsResolution` would
   * change a VPC in an account that the handler has no access to, if the fleet is not an EC2 fleet or is already peered with the
   * VPC, if stack and fleet are not in the GameLift account of the authorization, or if stack, fleet and authorization are not in
   * the same Region. With `peerOnCreate` also if the fleet is not an `AWS::GameLift::Fleet` in the same stack, if it has another
   * `PeerVpcId`, or if `adoptExisting` is set.
   */
  constructor(scope: Construct, id: string, props: VpcPeeringConnectionProps) {
    super(scope, id);
    const { authorization } = props;
    const pair = peeringPairOf(authorization);
    const fleet = readFleet(props.fleet);
    const timeout = props.timeout ?? Duration.seconds(CONNECTION_TIMEOUT_SECONDS);
    validateTimeout(timeout);
    validateRemovalPolicy(props.removalPolicy);
    this.validateFleetAndPeering(fleet, props, pair);

    const routes = (props.routes ?? PeeringRoutes.everyRouteTable())._bind(pair.vpc);
    if (routes.kind !== 'None' || props.dnsResolution === true) {
      this.validateVpcAccountAccess(pair);
    }
    const stackAuthorization = StackAuthorization.forStack(this.stack, authorization, pair);
    if (props.peerOnCreate === true) {
      this.peerFleetOnCreate(requireFleetOfSameStack(this, fleet), stackAuthorization, pair);
    }
    const policies = this.addPolicies(stackAuthorization, pair);
    const properties: ConnectionProperties = {
      ...pairProperties(pair),
      FleetId: fleet.fleetId,
      TimeoutSeconds: timeout.toSeconds(),
      Routes: routes.kind,
      ...(routes.routeTableIds === undefined ? {} : { RouteTableIds: routes.routeTableIds }),
      DnsResolution: props.dnsResolution ?? false,
      AdoptExisting: props.adoptExisting ?? false,
      PeerOnCreate: props.peerOnCreate ?? false,
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
    stackAuthorization.addPeeredResource(cfnResource, fleet.fleetId, resource, ...policies);
    if (props.peerOnCreate === true) {
      registerPeeredOnCreate(this, cfnResource, pair.vpc);
      addToBatch('peered on creation', cfnResource);
    } else {
      createAfterPeeredOnCreate(cfnResource, pair.vpc);
      addToBatch('requested', cfnResource);
    }
    this.addWarnings(fleet, cfnResource);

    const attribute = (name: keyof ConnectionAttributes): string => resource.getAttString(name);
    this.vpcPeeringConnectionId = attribute('VpcPeeringConnectionId');
    this.gameLiftVpcId = attribute('GameLiftVpcId');
    this.gameLiftCidrBlock = attribute('GameLiftCidrBlock');
    this.connections = fleetConnections(this, this.gameLiftCidrBlock);
    this._rules = new FleetRules(this, this.gameLiftCidrBlock, props.removalPolicy);
  }

  /**
   * Sets what happens to the connection, its routes, and its rules of `allowTo` when it is removed from the stack, or replaced
   * because of a new fleet, like the property `removalPolicy`.
   *
   * @param policy `DESTROY`, `RETAIN` or `RETAIN_ON_UPDATE_OR_DELETE`
   * @throws Error if the policy is `SNAPSHOT`
   */
  override applyRemovalPolicy(policy: RemovalPolicy): void {
    validateRemovalPolicy(policy);
    super.applyRemovalPolicy(policy);
    this._rules.applyRemovalPolicy(policy);
  }

  /** Checks the fleet, and that no other connection peers it with the VPC. Adds checks and warnings that need the final template. */
  private validateFleetAndPeering(
    { fleetId, account, region, resource: fleetResource, construct }: PassedFleet,
    { adoptExisting = false, peerOnCreate = false }: VpcPeeringConnectionProps,
    { vpc }: PeeringPair,
  ): void {
    if (peerOnCreate && adoptExisting) {
      throw new Error(
        `pass either peerOnCreate or adoptExisting to ${this.node.path}, got both: GameLift creates the connection with the fleet, so ` +
          'there is none to adopt',
      );
    }
    validateFleetId(fleetId);
    if (areDifferent(region, this.env.region)) {
      throw new Error(
        `GameLift peers only within a Region, but ${construct.node.path} is in ${region} and ${this.node.path} is in ` +
          `${this.env.region}: create the connection in a stack in ${region}, with a VPC there`,
      );
    }
    // the ARN of a fleet may contain no account
    if (account !== '' && areDifferent(account, this.env.account)) {
      throw new Error(
        `only the account that owns a fleet can peer it, but ${construct.node.path} is in account ${account} and ${this.node.path} is in ` +
          `account ${this.env.account}: create the connection in a stack of account ${account}`,
      );
    }
    if (!adoptExisting) {
      registerPeering(this, fleetId, vpc.vpcId);
    }
    if (fleetResource === undefined) {
      return;
    }
    validateFleet(this, fleetResource);
    if (!peerOnCreate) {
      warnAboutFleetInOtherStack(this, fleetResource);
    }
    if (!peerOnCreate && !adoptExisting) {
      forbidPeerVpc(this, fleetResource, vpc);
    }
  }

  /** @throws Error if the handler has no access to the account of the VPC. Routes and DNS require it. */
  private validateVpcAccountAccess(pair: PeeringPair): void {
    if (vpcAccountAccess(this.stack, pair) === 'none') {
      throw new Error(
        `routes and DNS of a VPC in account ${pair.peerVpcAccount} cannot be set from account ${this.stack.account}: pass ` +
          'routes: PeeringRoutes.none() without dnsResolution, and set them in the account of the VPC, or give the authorization a ' +
          'peerRole in that account',
      );
    }
  }

  /** Makes GameLift peer the fleet on creation, while the authorization is valid. */
  private peerFleetOnCreate(fleet: CfnResource, authorization: StackAuthorization, pair: PeeringPair): void {
    setPeerVpc(this, fleet, pair);
    requirePeerVpc(this, fleet, pair);
    // Depend on the policy, too: when CloudFormation deletes a replaced fleet, it respects only the fleet's direct dependencies.
    fleet.node.addDependency(authorization.resource, authorization.policy);
    authorization.addPeeredResource(fleet, fleet.ref);
  }

  private addPolicies({ handler }: StackAuthorization, pair: PeeringPair): iam.CfnRolePolicy[] {
    const { stack } = this;
    const { vpc, peerVpcAccount } = pair;
    const isOwnAccount = vpcAccountAccess(stack, pair) === 'own';
    // with the handler as target, all VPCs of an account share one policy: the inline policies of a role are limited to 10,240 characters
    const fleetTarget = { construct: handler, name: 'Fleets' };
    const fleetPolicy = isOwnAccount
      ? handler.addPolicy('FleetsAndTags', fleetTarget, [...fleetStatements(stack), ...untagStatements(stack, stack.account)])
      : handler.addPolicy('Fleets', fleetTarget, fleetStatements(stack));
    const connectStatements = isOwnAccount ? networkStatements : callerStatements;
    const connectTarget = { construct: vpc, name: vpc.vpcId };
    const connectPolicy = handler.addPolicy('Connect', connectTarget, connectStatements(stack, vpc, peerVpcAccount));
    // CloudFormation could create and delete both policies in any order. A fixed order leaves fewer cases to test
    connectPolicy.node.addDependency(fleetPolicy);
    return [fleetPolicy, connectPolicy];
  }

  /** Adds warnings at synthesis, since removal policies and references can be set after the construct was created. */
  private addWarnings({ resource: fleetResource }: PassedFleet, connection: CfnResource): void {
    this.node.addValidation({
      validate: () => {
        if (fleetResource !== undefined) {
          warnAboutRetainedFleet(this, connection, fleetResource);
        }
        warnAboutExports(this, connection);
        return [];
      },
    });
  }
}

/** The fleet as a peer in security group rules. */
function fleetConnections(connection: Construct, cidrBlock: string): ec2.Connections {
  return new ec2.Connections({ peer: new FleetPeer(cidrBlock, Names.uniqueId(connection)) });
}

function validateTimeout(timeout: Duration): void {
  if (!timeout.isUnresolved()) {
    const seconds = timeout.toSeconds({ integral: false });
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_CONNECTION_TIMEOUT_SECONDS) {
      throw new Error(`timeout must be whole seconds from 1 to ${MAX_CONNECTION_TIMEOUT_SECONDS}, got ${seconds}`);
    }
  }
}
