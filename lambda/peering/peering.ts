import { CONNECTION_LANES } from '../../lib/contract';
import type { Authorizer } from '../authorization/authorizer';
import type { ConnectionRecord, Ec2Api, Ec2Peering, FleetEvent, GameLiftApi } from '../aws/api';
import { DENIAL_PATIENCE_MILLISECONDS, TimeUpError } from '../aws/calls';
import type { Calls } from '../aws/calls';
import { isDenial, isGameLiftRefusal, readError } from '../aws/errors';
import type { Log } from '../log';
import type { Pair } from '../resources/properties';
import { MAX_OTHERS } from './ownership';

/*
 * The connection between the VPC of one fleet and a peer VPC, as GameLift makes and unmakes it.
 * https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringConnection.html
 */

type PeeredApi = Pick<GameLiftApi, 'describeVpcPeeringConnections'>;

/** Over, or on the way out: records of them stay visible for hours. */
const DEAD: ReadonlySet<string> = new Set(['failed', 'rejected', 'expired', 'deleting', 'deleted']);

const POLL = 2_000;

/** Between two looks at GameLift's list: a rate token takes as long to come back, and EC2 to show a new peering. */
const SLOW_POLL = 10_000;

/** The same as long as neither events nor EC2 have told anything: longer, so that there is a token soon if an event does come. */
const BLIND_POLL = 12_000;

/** The same where events or EC2 can be expected to tell first. */
const SAFETY_POLL = 60_000;

/** Events carry GameLift's clock. */
const CLOCK_SKEW = 5_000;

export interface LivePeering {
  readonly id: string;
  readonly status: string;
  readonly gameLiftVpcId: string | undefined;
  readonly cidrBlock: string | undefined;
}

export function isDead(status: string): boolean {
  return DEAD.has(status);
}

function statusOf({ Status }: ConnectionRecord): string {
  return Status?.Code ?? '';
}

/** What there was before it was asked whose it is. */
export interface Before {
  /** The peerings that EC2 showed, alive or not; undefined where it can't be asked. */
  readonly seen: ReadonlySet<string> | undefined;
  /** What GameLift listed of the fleet, alive, where it was asked. */
  readonly listed: LivePeering | undefined;
  /** The VPCs that the peer VPC was peered with, and that may be the fleet's for all that is known; none where GameLift was asked. */
  readonly others: readonly string[];
}

/** A connection for the pair of VPCs exists, and this run did not make it. */
export class ExistsError extends Error {
  override readonly name = 'ExistsError';

  /** @param since whether it was there before; if not, another run of the same request may have made it */
  constructor(
    readonly existing: LivePeering,
    readonly since: 'before' | 'meanwhile',
  ) {
    super(`a peering connection ${existing.id} exists already`);
  }
}

export function idsOf(sides: readonly Ec2Peering[] | undefined): ReadonlySet<string> | undefined {
  return sides === undefined ? undefined : new Set(sides.map(({ id }) => id));
}

/** The account of the peer VPC can't be asked: EC2 knows nothing here. */
const UNREACHABLE = undefined;

/** Whether anything of this account is peered with the VPC of a pair. */
export async function isPeered({ peerVpcId }: Pair, api: PeeredApi, calls: Calls): Promise<boolean> {
  const records = await calls.make('DescribeVpcPeeringConnections', (signal) =>
    api.describeVpcPeeringConnections(undefined, signal),
  );
  return records.some((record) => record.PeerVpcId === peerVpcId && !isDead(statusOf(record)));
}

/** Why a call was not made at all, or not once more. */
class UnclaimedError extends Error {
  override readonly name = 'UnclaimedError';
}

/** The blocks of a VPC that EC2 does not know. */
const MISSING: readonly string[] = [];

/** How often GameLift refused a request, and how often although an authorization was listed. */
class Refusals {
  count = 0;
  although = 0;

  /** @param since when it may have refused for the first time */
  constructor(readonly since: number) {}
}

/** How the wait for a connection ended. */
type Outcome = LivePeering & { readonly message: string };

export class Peerings {
  private readonly fleetId: string;
  private readonly pair: Pair;
  /** Whether GameLift accepted a request for the connection. */
  requested = false;
  /** Why EC2, once it was asked about the peer VPC, did not answer: it is not asked again. */
  unreachable: string | undefined;
  /** When this request last asked GameLift for connections: sooner than a rate token comes back, it would be refused. */
  private describedAt = 0;
  /** Of the fleet's VPC, once a connection of the fleet has told it. */
  private fleetCidrBlock: string | undefined;

  constructor(
    private readonly about: { readonly fleetId: string; readonly pair: Pair; readonly timeoutSeconds: number },
    private readonly api: GameLiftApi,
    /** Undefined where the handler can't act in the account of the VPC. */
    private readonly vpcApi: Ec2Api | undefined,
    private readonly authorizer: Authorizer,
    private readonly calls: Calls,
    private readonly log: Log,
  ) {
    this.fleetId = about.fleetId;
    this.pair = about.pair;
  }

  /** The connection that is alive, if there is one. One call to an operation that is allowed once in ten seconds. */
  async find(): Promise<LivePeering | undefined> {
    const record = (await this.describe()).find((candidate) => !isDead(statusOf(candidate)));
    return record === undefined ? undefined : live(record);
  }

  /**
   * The connection that has to be deleted, if there is one. One that GameLift lists as failed may still be there: its deletion
   * failed, for want of an authorization.
   */
  async findToDelete(): Promise<LivePeering | undefined> {
    const records = await this.describe();
    const sides = (await this.ec2Side()) ?? [];
    const isThereStill = (record: ConnectionRecord): boolean =>
      statusOf(record) === 'failed' && sides.some((side) => side.requesterVpcId === record.GameLiftVpcId && !isDead(side.status));
    const record = records.find((candidate) => !isDead(statusOf(candidate))) ?? records.find(isThereStill);
    return record === undefined ? undefined : live(record);
  }

  /** What EC2 shows of the VPC's peerings; undefined where it can't be asked. */
  async ec2Side(): Promise<readonly Ec2Peering[] | undefined> {
    const { vpcApi } = this;
    if (vpcApi === undefined || this.unreachable !== undefined) {
      return UNREACHABLE;
    }
    try {
      return await this.calls.make('DescribeVpcPeeringConnections', (signal) =>
        vpcApi.describePeerings(this.pair.peerVpcId, signal),
      );
    } catch (error) {
      this.calls.signal.throwIfAborted();
      const { name, message } = readError(error);
      this.unreachable = `${name}: ${message}`;
      this.log.info({ message: 'EC2 can not be asked about the peer VPC', reason: this.unreachable });
      return UNREACHABLE;
    }
  }

  /**
   * Waits while EC2 denies access to the peerings of the VPC, as long as a denial may be temporary. Ignores any other error at once:
   * the claim that comes next must not wait for it, since a deletion that overtakes the create looks for that claim.
   */
  async waitWhileDenied(): Promise<void> {
    try {
      await this.vpcApi?.describePeerings(this.pair.peerVpcId, this.calls.signal);
    } catch (error) {
      if (isDenial(error)) {
        await this.ec2Side();
      }
    }
  }

  /**
   * What there is. GameLift itself, which may be asked once in ten seconds, is asked only where nothing else can tell.
   *
   * @param first what EC2 showed at least 15 seconds ago. What it shows at both times was there before and still is: the first
   *   may show what was deleted, and the second what another run of the same request has made meanwhile.
   * @param isOthers whether a peering is known to be another fleet's
   */
  async look(first: readonly Ec2Peering[] | undefined, isOthers: (side: Ec2Peering) => boolean): Promise<Before> {
    const sides = await this.ec2Side();
    const seen = sides === undefined ? undefined : new Set([...(first ?? []), ...sides].map(({ id }) => id));
    const alive = (side: Ec2Peering): boolean => !isDead(side.status);
    const firstAlive = idsOf(first?.filter(alive));
    const others = (sides ?? []).filter((side) => alive(side) && firstAlive?.has(side.id) === true && !isOthers(side));
    return sides === undefined || others.length > MAX_OTHERS || (await this.eventsTellOfOne())
      ? { seen, listed: await this.find(), others: [] }
      : { seen, listed: undefined, others: others.map(({ requesterVpcId }) => requesterVpcId) };
  }

  /**
   * Requests the connection and waits until it is active. Authorizes again where GameLift refuses.
   *
   * @param before what there was before it was asked who has claimed it: a run that was at work by then has said so
   * @param earlier where an earlier run of the same request may have made it: the VPCs whose connections were there before that run
   * @param requireClaim rejects once nobody wants the connection any more; asked whenever it is about to be requested, since
   *   that may be minutes later: a deletion that came meanwhile found nothing, and will not come again
   * @throws ExistsError if it is there, and no run of this request made it as far as is known.
   */
  async connect(
    { seen, listed, others }: Before,
    earlier: ReadonlySet<string> | undefined,
    requireClaim: () => Promise<void>,
  ): Promise<LivePeering> {
    const found = earlier === undefined ? listed : (listed ?? (await this.find()));
    const wasThere = earlier === undefined || earlier.has(found?.gameLiftVpcId ?? '');
    if (found !== undefined && wasThere) {
      throw new ExistsError(found, 'before');
    }
    if (found?.status === 'active') {
      return found;
    }
    const known = earlier ?? new Set(others);
    const refusals = new Refusals(this.calls.now());
    let since = this.calls.now();
    if (found === undefined) {
      await this.request(earlier === undefined ? 'first' : 'again', known, refusals, requireClaim);
    }
    for (;;) {
      const outcome = await this.outcome(since, seen);
      if (outcome.status === 'active') {
        if (found === undefined && known.has(outcome.gameLiftVpcId ?? '')) {
          // GameLift accepted the request without effect: this peering was there before it was made
          throw new ExistsError(outcome, 'before');
        }
        return outcome;
      }
      const blocks = await this.vpcCidrBlocks();
      const overlapping = await this.overlapping(outcome, blocks);
      // the authorization may have been what was missing, and what was deleted may have been there before; nobody rejects by chance
      const hopeless = overlapping !== undefined || blocks === MISSING || !['failed', 'deleted'].includes(outcome.status);
      if (hopeless || !(await this.overcome(refusals, outcome.message))) {
        throw overlapping ?? this.ended(outcome, blocks);
      }
      since = this.calls.now();
      await this.request('again', known, refusals, requireClaim);
    }
  }

  /** Waits until a connection that exists is active. */
  async activeOf(existing: LivePeering): Promise<LivePeering> {
    if (existing.status === 'active') {
      return existing;
    }
    const outcome = await this.outcome(this.calls.now(), undefined);
    if (outcome.status !== 'active') {
      throw this.ended(outcome, await this.vpcCidrBlocks());
    }
    return outcome;
  }

  /**
   * Deletes the connection and waits until it is gone. Authorizes again where GameLift refuses.
   *
   * @param requireDeletable rejects if another resource uses the connection by now; asked before each attempt
   */
  async disconnect(
    connectionId: string,
    gameLiftVpcId: string | undefined,
    requireDeletable: () => Promise<void>,
  ): Promise<void> {
    // GameLift's id may be its own, so EC2's side is known by the fleet's VPC
    const peering = (await this.ec2Side())?.find(
      ({ id, requesterVpcId, status }) => (id === connectionId || requesterVpcId === gameLiftVpcId) && !isDead(status),
    );
    const refusals = new Refusals(this.calls.now());
    for (;;) {
      let refusal: Error | undefined;
      try {
        await this.calls.make('DeleteVpcPeeringConnection', async (signal) => {
          await requireDeletable();
          await this.api.deleteVpcPeeringConnection({ FleetId: this.fleetId, VpcPeeringConnectionId: connectionId }, signal);
        });
      } catch (error) {
        if (!(error instanceof Error) || !isGameLiftRefusal(error)) {
          throw error;
        }
        refusal = error;
        if (error.name === 'NotFoundException') {
          // it may be gone and still be listed
          await this.calls.untilReadable(this.calls.now());
        }
      }
      if (refusal === undefined ? await this.goes(connectionId, peering?.id) : await this.isGone(connectionId)) {
        return;
      }
      if (!(await this.overcome(refusals, refusal?.message ?? ''))) {
        throw (
          refusal ?? new Error(`GameLift accepted DeleteVpcPeeringConnection but the connection ${connectionId} is still there`)
        );
      }
    }
  }

  /**
   * Authorizes after a refusal; false where that will not help any more.
   *
   * Where each use consumes the authorization, others that contend for it may have used up what this request was given.
   */
  private async overcome(refusals: Refusals, message: string): Promise<boolean> {
    refusals.count += 1;
    if (refusals.count > CONNECTION_LANES) {
      return false;
    }
    if (refusals.count > 1 && (await this.authorizer.isListed())) {
      // by now it may be another's, or permissions in the VPC's account may not be known yet, but not again and again
      refusals.although += 1;
      const isEarly = this.calls.now() - refusals.since < DENIAL_PATIENCE_MILLISECONDS;
      if (isEarly && refusals.although > 1) {
        await this.pause(SLOW_POLL, message);
      }
      return isEarly || refusals.although === 1;
    }
    await this.authorizeAfter(message);
    return true;
  }

  /** @param message what GameLift said when it refused */
  private async authorizeAfter(message: string): Promise<void> {
    try {
      await this.authorizer.authorize();
    } catch (error) {
      if (!(error instanceof Error) || error.message.includes(message)) {
        throw error;
      }
      throw new Error(`${error.message} (GameLift: ${message})`, { cause: error });
    }
  }

  /** @throws TimeUpError instead of the signal's own reason, saying what was waited for. */
  private async pause(milliseconds: number, waitingFor: string): Promise<void> {
    try {
      await this.calls.sleep(milliseconds);
    } catch {
      throw new TimeUpError(`${waitingFor} when the time was up`);
    }
  }

  private async describe(): Promise<readonly ConnectionRecord[]> {
    try {
      const records = await this.calls.make('DescribeVpcPeeringConnections', (signal) =>
        this.api.describeVpcPeeringConnections(this.fleetId, signal),
      );
      this.fleetCidrBlock ??= records.find(({ IpV4CidrBlock }) => IpV4CidrBlock !== undefined)?.IpV4CidrBlock;
      return records.filter(({ PeerVpcId }) => PeerVpcId === this.pair.peerVpcId);
    } catch (error) {
      if (readError(error).name === 'NotFoundException' && !(await this.isThere())) {
        return [];
      }
      throw error;
    } finally {
      this.describedAt = this.calls.now();
    }
  }

  /** Whether the fleet is: what is said of one that is gone must not be believed of one that is not. */
  private async isThere(): Promise<boolean> {
    const fleet = await this.calls.make('DescribeFleetAttributes', (signal) => this.api.describeFleet(this.fleetId, signal));
    return fleet !== undefined;
  }

  private async events(since: Date): Promise<readonly FleetEvent[]> {
    const events = await this.calls.make('DescribeFleetEvents', (signal) =>
      this.api.describeFleetEvents(this.fleetId, since, signal),
    );
    return events.filter(({ code }) => code.startsWith('FLEET_VPC_PEERING_'));
  }

  /** Whether the fleet was peered before, and nothing says that it no longer is. */
  private async eventsTellOfOne(): Promise<boolean> {
    const last = (await this.events(new Date(0))).reduce<FleetEvent | undefined>(
      (latest, event) => (latest === undefined || event.time >= latest.time ? event : latest),
      undefined,
    );
    return last?.code === 'FLEET_VPC_PEERING_SUCCEEDED';
  }

  /**
   * Has GameLift accept the request.
   *
   * @param known the VPCs at the other end of what was there before
   */
  private async request(
    run: 'first' | 'again',
    known: ReadonlySet<string>,
    refusals: Refusals,
    requireClaim: () => Promise<void>,
  ): Promise<void> {
    const input = { FleetId: this.fleetId, PeerVpcAwsAccountId: this.pair.peerVpcAccount, PeerVpcId: this.pair.peerVpcId };
    const certain = this.calls.unanswered;
    for (;;) {
      try {
        await this.calls.make('CreateVpcPeeringConnection', async (signal) => {
          await requireClaim().catch((cause: unknown) => {
            throw new UnclaimedError('the connection was not requested', { cause });
          });
          await this.api.createVpcPeeringConnection(input, signal);
        });
        this.requested = true;
        return;
      } catch (error) {
        if (error instanceof UnclaimedError) {
          throw error.cause;
        }
        const { name, message } = readError(error);
        if (!isGameLiftRefusal(error)) {
          throw error;
        }
        const existing = name === 'InvalidRequestException' ? await this.find() : undefined;
        // the answer to a request that took effect may have been lost
        const isNew = !known.has(existing?.gameLiftVpcId ?? '');
        if (existing !== undefined && isNew && (run === 'again' || this.calls.unanswered > certain)) {
          return;
        }
        if (existing !== undefined) {
          throw new ExistsError(existing, isNew ? 'meanwhile' : 'before');
        }
        if (!(await this.overcome(refusals, message))) {
          const { advice } = this.authorizer;
          throw new Error(
            `GameLift refused CreateVpcPeeringConnection although it had just been authorized (${name}: ${message}): look at the ` +
              `events of the fleet, and at the VPC and its account, then deploy again${advice === '' ? '' : `. ${advice}`}`,
            { cause: error },
          );
        }
      }
    }
  }

  /**
   * Waits until the connection is active, or over.
   *
   * @param seen what EC2 showed before it was requested; undefined where EC2 is not to be asked
   */
  private async outcome(since: number, seen: ReadonlySet<string> | undefined): Promise<Outcome> {
    const started = this.calls.now();
    let looked = this.describedAt;
    let handled = '';
    for (;;) {
      const news = await this.news(new Date(since - CLOCK_SKEW), seen);
      const changed = news.text !== '' && news.text !== handled;
      const patience = news.blind ? (looked < started ? SLOW_POLL : BLIND_POLL) : SAFETY_POLL;
      if (changed || this.calls.now() - Math.max(looked, started) >= patience) {
        // GameLift's list may come late to what events and EC2 tell already: it is asked again
        handled = news.active ? '' : news.text;
        // sooner, it may show what there was before the connection was requested
        await this.calls.untilReadable(started);
        await this.pause(Math.max(0, looked + SLOW_POLL - this.calls.now()), 'the peering connection was still pending');
        const records = await this.describe();
        looked = this.describedAt;
        const alive = records.find((record) => !isDead(statusOf(record)));
        const over = records.find((record) => isDead(statusOf(record)));
        const record = alive ?? over;
        // one that is over while there is news of one that is active may have been there before; or the news is of another fleet's
        const isLate = news.active && looked - started < SAFETY_POLL;
        if (record !== undefined && (statusOf(record) === 'active' || (alive === undefined && !isLate))) {
          return { ...live(record), message: record.Status?.Message ?? news.message };
        }
        if (record === undefined && ((changed && !news.active) || looked - started >= SAFETY_POLL)) {
          return { id: '', status: 'failed', gameLiftVpcId: undefined, cidrBlock: undefined, message: news.message };
        }
      }
      if (this.calls.now() - started >= this.about.timeoutSeconds * 1000) {
        throw new Error(
          `the peering connection was still pending after ${this.about.timeoutSeconds} seconds: look at the events of the fleet, ` +
            'raise the timeout of the VpcPeeringConnection, then deploy again',
        );
      }
      await this.pause(POLL, 'the peering connection was still pending');
    }
  }

  /** What events and EC2 tell of the connection: a text that changes with it, empty as long as there is nothing to look up. */
  private async news(
    since: Date,
    old: ReadonlySet<string> | undefined,
  ): Promise<{ text: string; message: string; blind: boolean; active: boolean }> {
    const events = (await this.events(since)).filter(({ time }) => time >= since);
    const latest = events.at(-1);
    if (latest !== undefined) {
      const active = latest.code === 'FLEET_VPC_PEERING_SUCCEEDED';
      return { text: `${latest.code} ${events.length}`, message: latest.message, blind: false, active };
    }
    const fresh =
      old === undefined
        ? []
        : ((await this.ec2Side()) ?? []).filter(({ id, tags }) => !old.has(id) && Object.keys(tags).length === 0);
    const [only] = fresh;
    if (only !== undefined && fresh.length === 1) {
      const active = only.status === 'active';
      const text = active || isDead(only.status) ? `${only.id} ${only.status}` : '';
      return { text, message: only.message, blind: false, active };
    }
    // several at once: which of them is this fleet's only GameLift knows
    return { text: '', message: '', blind: fresh.length === 0, active: false };
  }

  /** The blocks of the peer VPC, where EC2 shows them. Only makes a better message: no answer is no reason to fail. */
  private async vpcCidrBlocks(): Promise<readonly string[] | undefined> {
    try {
      return await this.vpcApi?.describeVpcCidrBlocks(this.pair.peerVpcId, this.calls.signal);
    } catch (error) {
      return readError(error).name === 'InvalidVpcID.NotFound' ? MISSING : undefined;
    }
  }

  private async overlapping(outcome: Outcome, blocks: readonly string[] = []): Promise<Error | undefined> {
    const side = (await this.ec2Side())?.find(({ requesterVpcId }) => requesterVpcId === outcome.gameLiftVpcId);
    const cidrBlock = outcome.cidrBlock ?? this.fleetCidrBlock ?? side?.cidrBlock;
    const other = cidrBlock === undefined ? undefined : blocks.find((block) => overlap(block, cidrBlock));
    return cidrBlock === undefined || other === undefined
      ? undefined
      : new Error(
          `the fleet's VPC has ${cidrBlock}, which overlaps with ${other} of VPC ${this.pair.peerVpcId}; GameLift chooses the fleet's ` +
            'CIDR block and can not change it: use a VPC with another CIDR block, or replace the fleet' +
            (outcome.message === '' ? '' : ` (GameLift: ${outcome.message})`),
        );
  }

  private ended({ status, message }: Outcome, blocks: readonly string[] | undefined): Error {
    const what = `GameLift ended the peering connection as ${status}${message === '' ? ', without a reason' : `: ${message}`}; `;
    if (blocks === MISSING) {
      return new Error(
        `${what}EC2 knows no VPC ${this.pair.peerVpcId} in this account and Region: correct the VPC, then deploy again`,
      );
    }
    const known = this.fleetCidrBlock === undefined && blocks !== undefined && status === 'failed';
    return new Error(
      what +
        (known
          ? `the VPC has ${blocks.join(', ')}, and GameLift does not say what the fleet's VPC has: if they overlap, use a VPC with another ` +
            'CIDR block, or replace the fleet; otherwise '
          : '') +
        'look at the events of the fleet, then deploy again',
    );
  }

  private async isGone(connectionId: string): Promise<boolean> {
    return !(await this.describe()).some(
      (record) => record.VpcPeeringConnectionId === connectionId && statusOf(record) !== 'deleted',
    );
  }

  /** Whether an accepted deletion comes to its end; false if the connection stays as it was for a minute. */
  private async goes(connectionId: string, ec2Id: string | undefined): Promise<boolean> {
    const started = this.calls.now();
    let looked = started;
    for (;;) {
      const peerings = ec2Id === undefined ? UNREACHABLE : await this.ec2Side();
      const status = peerings?.find(({ id }) => id === ec2Id)?.status ?? 'deleted';
      if (peerings !== undefined && status === 'deleted') {
        return true;
      }
      if (peerings === undefined && (looked === started || this.calls.now() - looked >= SLOW_POLL)) {
        looked = this.calls.now();
        if (await this.isGone(connectionId)) {
          return true;
        }
      }
      if (status !== 'deleting' && this.calls.now() - started >= SAFETY_POLL) {
        return false;
      }
      await this.pause(POLL, `the peering connection ${connectionId} was still being deleted`);
    }
  }
}

function live(record: ConnectionRecord): LivePeering {
  return {
    id: record.VpcPeeringConnectionId ?? '',
    status: statusOf(record),
    gameLiftVpcId: record.GameLiftVpcId,
    cidrBlock: record.IpV4CidrBlock,
  };
}

/** Whether two IPv4 CIDR blocks share an address. */
export function overlap(one: string, other: string): boolean {
  const [first, second] = [one, other].map((block) => {
    const [address = '', length = '32'] = block.split('/');
    const start = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
    const size = 2 ** (32 - Number(length));
    return { from: Math.floor(start / size) * size, to: Math.floor(start / size) * size + size - 1 };
  });
  return first !== undefined && second !== undefined && first.from <= second.to && second.from <= first.to;
}
