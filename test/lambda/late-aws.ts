import type { AuthorizationRecord } from '../../lambda/aws/api';
import type { Dependencies } from '../../lambda/resources/resource';
import type { ConnectionRecord, Ec2Peering, FleetEvent, FleetRecord } from '../../lambda/aws/api';
import type { RouteTable } from '../../lambda/aws/api';
import type { VirtualTime } from './virtual-time';
import { awsError, HOUR } from './world';

/*
 * One account with fleets and a VPC, in which reads show what there was up to 15 seconds ago, each read of another moment.
 * Calls that write are checked against what there is.
 */

const ACCOUNT = '111111111111';
export const MAIN_TABLE = 'rtb-00000000000000001';
export const OTHER_TABLE = 'rtb-00000000000000002';
export const GATEWAY_TABLE = 'rtb-00000000000000003';
const LATEST = 15_000;
const TOKEN = 10_000;

interface Connection {
  readonly id: string;
  readonly peeringId: string;
  readonly fleetId: string;
  readonly vpcId: string;
  status: string;
}

interface Peering {
  readonly id: string;
  readonly requesterVpcId: string;
  readonly cidrBlock: string;
  status: string;
  dnsResolution: boolean;
  tags: Record<string, string>;
}

interface State {
  readonly fleetTags: Record<string, Record<string, string>>;
  readonly connections: Connection[];
  readonly peerings: Peering[];
  readonly events: (FleetEvent & { readonly fleetId: string })[];
  /** By table and CIDR block: what the route leads to. */
  readonly routes: Record<string, Record<string, string>>;
  readonly authorizations: Record<string, number>;
}

/** By CIDR block, what the routes of a table lead to. */
export function tableOf({ routes }: State, routeTableId: string): Record<string, string> {
  return (routes[routeTableId] ??= {});
}

/** What AWS leaves open, and what differs from life to life. */
export interface Conditions {
  /** Whether reads are late at all. */
  readonly isLate?: boolean;
  readonly refusal?: 'UnauthorizedException' | 'NotFoundException' | 'InvalidRequestException';
  /** Whether each use consumes an authorization. */
  readonly isConsumed?: boolean;
  /** What creating a connection does that is there. */
  readonly existing?: 'refused' | 'accepted';
  /** Whether GameLift has ids of its own. */
  readonly hasOwnIds?: boolean;
  readonly hasEvents?: boolean;
  /** Whether ended connections stay listed by GameLift. */
  readonly lingers?: boolean;
  /** Whether GameLift writes routes into the main table. */
  readonly writesRoutes?: boolean;
  /** Whether a throttled call makes the wait begin anew. */
  readonly throttlingCosts?: boolean;
  /** With which error GameLift refuses to delete a connection that it created with the fleet. Default: it deletes the connection */
  readonly keptRefusal?: 'UnauthorizedException' | 'NotFoundException' | 'InvalidRequestException' | undefined;
  /** For how long any call may be denied, as its permission is not known everywhere yet. */
  readonly deniedMilliseconds?: number;
}

/** Numbers from 0 up to 1 that are the same for the same seed. */
export function numbersOf(seed: number): () => number {
  let state = seed * 2654435761 + 1;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 13), 3266489917) >>> 0;
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

function choose<T>(random: () => number, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

/** Conditions at random. */
export function conditionsOf(random: () => number): Conditions {
  const either = (): boolean => random() < 0.5;
  return {
    refusal: choose(random, ['UnauthorizedException', 'NotFoundException', 'InvalidRequestException'] as const),
    isConsumed: either(),
    existing: either() ? 'refused' : 'accepted',
    hasOwnIds: either(),
    hasEvents: either(),
    lingers: either(),
    writesRoutes: either(),
    throttlingCosts: either(),
    deniedMilliseconds: either() ? 0 : 45_000,
  };
}

function isAlive({ status }: { readonly status: string }): boolean {
  return !['deleting', 'deleted', 'failed'].includes(status);
}

type Api = Dependencies['api'];

export class LateAws implements Api {
  private readonly history: { readonly at: number; readonly state: State }[];
  private current: State;
  private scheduled: { readonly at: number; readonly change: (state: State) => void }[] = [];
  private readonly tokens = new Map<string, number>();
  private readonly began: number;
  private made = 0;
  /** When a connection last became active. */
  activeAt = 0;

  constructor(
    private readonly time: VirtualTime,
    private readonly random: () => number,
    private readonly conditions: Conditions,
    fleetIds: readonly string[],
  ) {
    this.began = time.now();
    const routes = Object.fromEntries([MAIN_TABLE, OTHER_TABLE, GATEWAY_TABLE].map((id) => [id, {}]));
    const fleetTags = Object.fromEntries(fleetIds.map((id) => [id, {}]));
    this.current = { fleetTags, connections: [], peerings: [], events: [], routes, authorizations: {} };
    this.history = [{ at: 0, state: this.current }];
  }

  /** What there is. */
  get state(): State {
    this.catchUp();
    return this.current;
  }

  change(change: (state: State) => void): void {
    this.push(this.time.now(), change);
  }

  vpcOf(fleetId: string): { readonly vpcId: string; readonly cidrBlock: string } {
    const index = Object.keys(this.state.fleetTags).indexOf(fleetId);
    return { vpcId: `vpc-0000000000000000${index}`, cidrBlock: `172.16.${index}.0/24` };
  }

  /** GameLift connects the fleet that it creates, which takes some milliseconds. */
  connectOnCreate(fleetId: string, peerVpcId: string, milliseconds: number): void {
    this.connect(fleetId, peerVpcId, milliseconds);
  }

  /** Somebody connects the fleet by hand, long before the test. */
  connectByHand(fleetId: string, peerVpcId: string): void {
    this.connect(fleetId, peerVpcId, 0);
    this.time.pass(60_000);
  }

  /** Somebody deletes the fleet's connection by hand. */
  deleteByHand(fleetId: string): void {
    const connection = this.state.connections.find((one) => one.fleetId === fleetId && isAlive(one));
    this.disconnect(connection?.id ?? '', 1_000);
  }

  async createVpcPeeringAuthorization(input: { PeerVpcId: string }): Promise<AuthorizationRecord> {
    await this.call('CreateVpcPeeringAuthorization', true);
    this.change(({ authorizations }) => void (authorizations[input.PeerVpcId] = this.time.now() + 24 * HOUR));
    return this.authorizationOf(input.PeerVpcId, this.time.now() + 24 * HOUR);
  }

  async deleteVpcPeeringAuthorization(input: { PeerVpcId: string }): Promise<void> {
    await this.call('DeleteVpcPeeringAuthorization', true);
    if (this.state.authorizations[input.PeerVpcId] === undefined) {
      throw awsError('NotFoundException');
    }
    this.change(({ authorizations }) => void Reflect.deleteProperty(authorizations, input.PeerVpcId));
  }

  async describeVpcPeeringAuthorizations(): Promise<readonly AuthorizationRecord[]> {
    const { authorizations } = await this.read('DescribeVpcPeeringAuthorizations', true);
    return Object.entries(authorizations).map(([vpcId, expires]) => this.authorizationOf(vpcId, expires));
  }

  async createVpcPeeringConnection(input: { FleetId: string; PeerVpcId: string }): Promise<void> {
    await this.call('CreateVpcPeeringConnection', true);
    this.authorize(input.PeerVpcId);
    if (this.state.connections.some((one) => one.fleetId === input.FleetId && one.vpcId === input.PeerVpcId && isAlive(one))) {
      if (this.conditions.existing === 'refused') {
        throw awsError('InvalidRequestException', 'the connection exists');
      }
      return;
    }
    this.connect(input.FleetId, input.PeerVpcId, 1_000 + 40_000 * this.random());
  }

  async deleteVpcPeeringConnection(input: { FleetId: string; VpcPeeringConnectionId: string }): Promise<void> {
    await this.call('DeleteVpcPeeringConnection', true);
    const { VpcPeeringConnectionId: id } = input;
    const found = this.state.connections.find((one) => one.id === id && isAlive(one));
    if (found === undefined) {
      throw awsError('NotFoundException', 'no such connection');
    }
    if (this.conditions.keptRefusal !== undefined && this.state.authorizations[found.vpcId] !== undefined) {
      throw awsError(this.conditions.keptRefusal, 'the connection ends with its fleet');
    }
    this.authorize(found.vpcId);
    this.disconnect(id, 20_000 * this.random());
  }

  async describeVpcPeeringConnections(fleetId: string | undefined): Promise<readonly ConnectionRecord[]> {
    const { connections } = await this.read('gamelift:DescribeVpcPeeringConnections', true);
    return connections
      .filter((one) => (fleetId === undefined || one.fleetId === fleetId) && (this.conditions.lingers === true || isAlive(one)))
      .map((one) => ({
        VpcPeeringConnectionId: one.id,
        PeerVpcId: one.vpcId,
        GameLiftVpcId: this.vpcOf(one.fleetId).vpcId,
        IpV4CidrBlock: this.vpcOf(one.fleetId).cidrBlock,
        Status: { Code: one.status, Message: '' },
      }));
  }

  async describeFleet(fleetId: string): Promise<FleetRecord | undefined> {
    const { fleetTags } = await this.read('DescribeFleetAttributes', false);
    return fleetTags[fleetId] === undefined ? undefined : { arn: fleetId, status: 'ACTIVE', computeType: 'EC2' };
  }

  async describeFleetEvents(fleetId: string, since: Date): Promise<readonly FleetEvent[]> {
    const { events } = await this.read('DescribeFleetEvents', false);
    return this.conditions.hasEvents === true ? events.filter((event) => event.fleetId === fleetId && event.time >= since) : [];
  }

  async listFleetTags(fleetId: string): Promise<Readonly<Record<string, string>>> {
    const { fleetTags } = await this.read('ListTagsForResource', false);
    return fleetTags[fleetId] ?? {};
  }

  async tagFleet(fleetId: string, tags: Readonly<Record<string, string>>): Promise<void> {
    await this.call('TagResource', false);
    this.change(({ fleetTags }) => void Object.assign(fleetTags[fleetId] ?? {}, tags));
  }

  async untagFleet(fleetId: string, keys: readonly string[]): Promise<void> {
    await this.call('UntagResource', false);
    this.change(({ fleetTags }) => {
      keys.forEach((key) => Reflect.deleteProperty(fleetTags[fleetId] ?? {}, key));
    });
  }

  describeStackStatus(): Promise<never> {
    return Promise.reject(new Error('the test did not expect this call'));
  }

  async vpcExists(): Promise<boolean> {
    await this.call('DescribeVpcs', false);
    return true;
  }

  async describeVpcCidrBlocks(): Promise<readonly string[]> {
    await this.call('DescribeVpcs', false);
    return ['10.0.0.0/16'];
  }

  async describePeerings(): Promise<readonly Ec2Peering[]> {
    const { peerings } = await this.read('ec2:DescribeVpcPeeringConnections', false);
    return peerings.map((peering) => ({ ...peering, requesterAccount: '333333333333', message: '' }));
  }

  async describeRouteTables(): Promise<readonly RouteTable[]> {
    const { routes, peerings } = await this.read('DescribeRouteTables', false);
    return Object.entries(routes).map(([id, table]) => ({
      id,
      gatewayId: id === GATEWAY_TABLE ? 'igw-0' : undefined,
      routes: Object.entries(table).map(([cidrBlock, target]) => ({
        cidrBlock,
        target,
        blackhole: peerings.some((peering) => peering.id === target && !isAlive(peering)),
      })),
    }));
  }

  async createRoute(routeTableId: string, cidrBlock: string, peeringId: string): Promise<void> {
    await this.call('CreateRoute', false);
    if (this.state.routes[routeTableId]?.[cidrBlock] !== undefined) {
      throw awsError('RouteAlreadyExists');
    }
    this.route(routeTableId, cidrBlock, peeringId);
  }

  async replaceRoute(routeTableId: string, cidrBlock: string, peeringId: string): Promise<void> {
    await this.call('ReplaceRoute', false);
    if (this.state.routes[routeTableId]?.[cidrBlock] === undefined) {
      throw awsError('InvalidParameterValue', 'there is no such route');
    }
    this.route(routeTableId, cidrBlock, peeringId);
  }

  async deleteRoute(routeTableId: string, cidrBlock: string): Promise<void> {
    await this.call('DeleteRoute', false);
    if (this.state.routes[routeTableId]?.[cidrBlock] === undefined) {
      throw awsError('InvalidRoute.NotFound');
    }
    this.change((state) => void Reflect.deleteProperty(tableOf(state, routeTableId), cidrBlock));
  }

  async setDnsResolution(peeringId: string, allowed: boolean): Promise<void> {
    await this.call('ModifyVpcPeeringConnectionOptions', false);
    this.changePeering(peeringId, (peering) => void (peering.dnsResolution = allowed));
  }

  async tagPeering(peeringId: string, tags: Readonly<Record<string, string>>): Promise<void> {
    await this.call('CreateTags', false);
    this.changePeering(peeringId, (peering) => void Object.assign(peering.tags, tags));
  }

  async untagPeering(peeringId: string, keys: readonly string[]): Promise<void> {
    await this.call('DeleteTags', false);
    this.changePeering(peeringId, ({ tags }) => {
      keys.forEach((key) => Reflect.deleteProperty(tags, key));
    });
  }

  private authorizationOf(PeerVpcId: string, expires: number): AuthorizationRecord {
    const ids = { GameLiftAwsAccountId: ACCOUNT, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId };
    return { ...ids, CreationTime: new Date(expires - 24 * HOUR), ExpirationTime: new Date(expires) };
  }

  private authorize(vpcId: string): void {
    if (this.state.authorizations[vpcId] === undefined) {
      throw awsError(this.conditions.refusal ?? 'UnauthorizedException', 'not authorized');
    }
    if (this.conditions.isConsumed === true) {
      this.change(({ authorizations }) => void Reflect.deleteProperty(authorizations, vpcId));
    }
  }

  private connect(fleetId: string, vpcId: string, milliseconds: number): void {
    this.made += 1;
    const peeringId = `pcx-0000000000000000${this.made}`;
    const id = this.conditions.hasOwnIds === true ? `own-${this.made}` : peeringId;
    const { vpcId: requesterVpcId, cidrBlock } = this.vpcOf(fleetId);
    this.change(({ connections, peerings }) => {
      connections.push({ id, peeringId, fleetId, vpcId, status: 'initiating-request' });
      peerings.push({ id: peeringId, requesterVpcId, cidrBlock, status: 'pending-acceptance', dnsResolution: false, tags: {} });
    });
    const at = this.time.now() + milliseconds;
    this.schedule(at, (state) => {
      if (this.setStatus(state, id, 'active')) {
        this.activeAt = at;
        state.events.push({ fleetId, code: 'FLEET_VPC_PEERING_SUCCEEDED', time: new Date(at), message: '' });
        if (this.conditions.writesRoutes === true) {
          tableOf(state, MAIN_TABLE)[cidrBlock] ??= peeringId;
        }
      }
    });
  }

  private disconnect(id: string, milliseconds: number): void {
    this.change((state) => void this.setStatus(state, id, 'deleting'));
    const at = this.time.now() + milliseconds;
    this.schedule(at, (state) => {
      this.setStatus(state, id, 'deleted');
      const fleetId = state.connections.find((one) => one.id === id)?.fleetId ?? '';
      state.events.push({ fleetId, code: 'FLEET_VPC_PEERING_DELETED', time: new Date(at), message: '' });
    });
  }

  /** Gives whether the connection was not ending already. */
  private setStatus({ connections, peerings }: State, id: string, status: string): boolean {
    const connection = connections.find((one) => one.id === id);
    const peering = peerings.find((one) => one.id === connection?.peeringId);
    if (connection === undefined || peering === undefined || (status === 'active' && !isAlive(connection))) {
      return false;
    }
    connection.status = status;
    peering.status = status;
    return true;
  }

  private route(routeTableId: string, cidrBlock: string, peeringId: string): void {
    if (routeTableId === GATEWAY_TABLE) {
      throw awsError('InvalidParameterValue', 'not in a table of a gateway');
    }
    if (this.state.peerings.find(({ id }) => id === peeringId)?.status !== 'active') {
      throw awsError('InvalidVpcPeeringConnectionID.NotFound');
    }
    this.change((state) => void (tableOf(state, routeTableId)[cidrBlock] = peeringId));
  }

  private changePeering(peeringId: string, change: (peering: Peering) => void): void {
    if (!this.state.peerings.some(({ id, status }) => id === peeringId && status === 'active')) {
      throw awsError('InvalidVpcPeeringConnectionID.NotFound');
    }
    this.change(({ peerings }) => {
      peerings.filter(({ id }) => id === peeringId).forEach(change);
    });
  }

  /** Lets a call through: takes time, may be throttled, may be denied. */
  private async call(operation: string, isPeering: boolean): Promise<void> {
    await this.time.sleep(50, new AbortController().signal);
    const { throttlingCosts, deniedMilliseconds = 0 } = this.conditions;
    const now = this.time.now();
    if (isPeering) {
      const last = this.tokens.get(operation);
      const isThrottled = last !== undefined && now - last < TOKEN;
      if (!isThrottled || throttlingCosts === true) {
        this.tokens.set(operation, now);
      }
      if (isThrottled) {
        throw awsError('ThrottlingException', 'Rate exceeded');
      }
    }
    if (now - this.began < deniedMilliseconds && this.random() < 0.3) {
      throw awsError(operation.startsWith('gamelift') || isPeering ? 'AccessDeniedException' : 'UnauthorizedOperation');
    }
  }

  /** What there was at some moment of the last 15 seconds. */
  private async read(operation: string, isPeering: boolean): Promise<State> {
    await this.call(operation, isPeering);
    const { isLate = true } = this.conditions;
    const lateness = isLate ? choose(this.random, [0, LATEST - 1, Math.floor(LATEST * this.random())]) : 0;
    const { state } = this;
    return this.history.findLast(({ at }) => at <= this.time.now() - lateness)?.state ?? state;
  }

  private schedule(at: number, change: (state: State) => void): void {
    this.scheduled.push({ at, change });
    this.scheduled.sort((one, other) => one.at - other.at);
  }

  /** Makes the changes that are due. */
  private catchUp(): void {
    for (let next = this.scheduled[0]; next !== undefined && next.at <= this.time.now(); next = this.scheduled[0]) {
      this.scheduled.shift();
      this.append(next.at, next.change);
    }
  }

  private push(at: number, change: (state: State) => void): void {
    this.catchUp();
    this.append(at, change);
  }

  private append(at: number, change: (state: State) => void): void {
    const state = structuredClone(this.current);
    change(state);
    this.current = state;
    this.history.push({ at, state });
  }
}
