import { TAG_PREFIX } from '../../lib/contract';
import type { AuthorizationRecord, AwsApi } from './api';
import { READ_DELAY_MILLISECONDS } from './calls';
import type { RecordedCall } from './recorder';

/*
 * What the calls of one request show of the questions that AWS's documents leave open: docs/observations.md.
 *
 * A rule speaks only if nothing else explains what it saw. At any time, others may create, use up or cancel authorizations and
 * connections. A read may show the state of 15 seconds ago. A call that failed may have taken effect, and each error has several causes,
 * so a rule also wants to see the cause in its message. Most rules can therefore recognize some readings of their question, not all.
 *
 * Pure functions. The names of questions and readings are those of rehearsal/aws/behaviours.ts.
 */

/** The reading of one question that a request has observed. */
export interface Observation {
  readonly question: string;
  readonly reading: string;
}

type Calls = readonly RecordedCall[];

/** Returns the readings that the calls show. */
type Rule = (calls: Calls) => readonly string[];

type Answered<Name extends keyof AwsApi> = Omit<RecordedCall<Name>, 'outcome'> & {
  readonly answer: Awaited<ReturnType<AwsApi[Name]>>;
};

type Refused<Name extends keyof AwsApi> = Omit<RecordedCall<Name>, 'outcome'> & {
  readonly name: string;
  readonly message: string;
};

function isCallOf<Name extends keyof AwsApi>(call: RecordedCall, operation: Name): call is RecordedCall<Name> {
  return call.operation === operation;
}

function answered<Name extends keyof AwsApi>(calls: Calls, operation: Name): readonly Answered<Name>[] {
  return calls.flatMap((call) =>
    isCallOf(call, operation) && call.outcome.kind === 'answered' ? [{ ...call, answer: call.outcome.answer }] : [],
  );
}

function refused<Name extends keyof AwsApi>(calls: Calls, operation: Name): readonly Refused<Name>[] {
  return calls.flatMap((call) =>
    isCallOf(call, operation) && call.outcome.kind === 'failed'
      ? [{ ...call, name: call.outcome.name, message: call.outcome.message }]
      : [],
  );
}

type Timed = Pick<RecordedCall, 'startedAt' | 'endedAt'>;

const isAfter = (later: Timed, earlier: Timed): boolean => later.startedAt >= earlier.endedAt;

/** Whether a read shows everything that was so when the earlier call ended. */
const isUpToDate = (read: Timed, earlier: Timed): boolean => read.startedAt >= earlier.endedAt + READ_DELAY_MILLISECONDS;

const hasSameInput = (one: Pick<RecordedCall, 'input'>, other: Pick<RecordedCall, 'input'>): boolean =>
  JSON.stringify(one.input) === JSON.stringify(other.input);

/** Whether a message names an action of IAM: the caller lacks a permission. */
const isAboutPermissions = (message: string): boolean => /\bec2:\w|\bgamelift:\w|\bperform\b/i.test(message);

const isAboutAuthorization = (message: string): boolean => /\bauthorization\b/i.test(message) && !isAboutPermissions(message);

const HOUR = 3_600_000;

/** A new authorization is valid for 24 hours. An hour is more than clocks differ. */
const VALIDITY = { shortest: 23 * HOUR, longest: 25 * HOUR };

const validityOf = ({ CreationTime, ExpirationTime }: AuthorizationRecord): number =>
  CreationTime === undefined || ExpirationTime === undefined ? 0 : ExpirationTime.getTime() - CreationTime.getTime();

const authorizingAgain: Rule = (calls) => {
  const authorized = answered(calls, 'createVpcPeeringAuthorization');
  const canceled = answered(calls, 'deleteVpcPeeringAuthorization');
  const records = [
    ...authorized.map(({ answer }) => answer),
    ...answered(calls, 'describeVpcPeeringAuthorizations').flatMap(({ answer }) => answer),
  ];
  const keepsExpiry = authorized.some(({ answer, startedAt, endedAt }) => {
    const expiration = answer?.ExpirationTime?.getTime() ?? 0;
    return expiration > endedAt && expiration < startedAt + VALIDITY.shortest;
  });
  const isRefused = refused(calls, 'createVpcPeeringAuthorization')
    .filter(({ name, message }) => name === 'InvalidRequestException' && isAboutAuthorization(message))
    .some(
      (refusal) =>
        /\balready\b/i.test(refusal.message) ||
        canceled.some(
          (cancel) =>
            isAfter(cancel, refusal) &&
            hasSameInput(cancel, refusal) &&
            authorized.some((again) => isAfter(again, cancel) && hasSameInput(again, refusal)),
        ),
    );
  return [
    ...(records.some((record) => record !== undefined && validityOf(record) > VALIDITY.longest) ? ['renews'] : []),
    ...(keepsExpiry ? ['keeps expiry'] : []),
    ...(isRefused ? ['InvalidRequestException'] : []),
  ];
};

/** A call that GameLift refused for its authorization, and accepted after the handler had authorized. */
const missingAuthorization: Rule = (calls) => {
  const authorized = answered(calls, 'createVpcPeeringAuthorization');
  return (['createVpcPeeringConnection', 'deleteVpcPeeringConnection'] as const).flatMap((operation) =>
    refused(calls, operation)
      .filter(({ message }) => isAboutAuthorization(message))
      .filter((refusal) =>
        authorized.some(
          (authorization) =>
            isAfter(authorization, refusal) &&
            answered(calls, operation).some((again) => isAfter(again, authorization) && hasSameInput(again, refusal)),
        ),
      )
      .map(({ name }) => name)
      .filter((name) => ['UnauthorizedException', 'NotFoundException', 'InvalidRequestException'].includes(name)),
  );
};

/** One connection in one answer of GameLift or of EC2. */
interface Sighting extends Timed {
  readonly id: string;
  readonly status: string;
  readonly gameLiftVpcId: string | undefined;
}

const listedOf = (calls: Calls, fleetId: string, peerVpcId: string): readonly Sighting[] =>
  answered(calls, 'describeVpcPeeringConnections')
    .filter(({ input: [listed] }) => listed === fleetId)
    .flatMap(({ answer, startedAt, endedAt }) =>
      answer
        .filter(({ PeerVpcId }) => PeerVpcId === peerVpcId)
        .map(({ VpcPeeringConnectionId: id = '', Status, GameLiftVpcId: gameLiftVpcId }) => ({
          id,
          status: Status?.Code ?? '',
          gameLiftVpcId,
          startedAt,
          endedAt,
        })),
    );

const sides = (calls: Calls): readonly Sighting[] =>
  answered(calls, 'describePeerings').flatMap(({ answer, startedAt, endedAt }) =>
    answer.map(({ id, status, requesterVpcId }) => ({ id, status, gameLiftVpcId: requesterVpcId, startedAt, endedAt })),
  );

/** The fleets' VPCs that GameLift has listed. */
const gameLiftVpcs = (calls: Calls): ReadonlySet<string | undefined> =>
  new Set(
    answered(calls, 'describeVpcPeeringConnections')
      .flatMap(({ answer }) => answer.map(({ GameLiftVpcId }) => GameLiftVpcId))
      .filter((id) => id !== undefined),
  );

/** An id is never used twice: what had it before and after a request existed during the request. */
const existingConnection: Rule = (calls) => {
  const activeFor = (fleetId: string, peerVpcId: string): readonly Sighting[] => {
    const listed = listedOf(calls, fleetId, peerVpcId);
    const vpcs = new Set(listed.map(({ gameLiftVpcId }) => gameLiftVpcId).filter((id) => id !== undefined));
    return [
      ...listed,
      ...sides(calls).filter(({ gameLiftVpcId }) => gameLiftVpcId !== undefined && vpcs.has(gameLiftVpcId)),
    ].filter(({ status }) => status === 'active');
  };
  const isAccepted = answered(calls, 'createVpcPeeringConnection').some((request) => {
    const [{ FleetId, PeerVpcId }] = request.input;
    const active = activeFor(FleetId, PeerVpcId);
    return active.some(
      (before) => isAfter(request, before) && active.some((after) => after.id === before.id && isUpToDate(after, request)),
    );
  });
  const isRefused = refused(calls, 'createVpcPeeringConnection').some((refusal) => {
    const [{ FleetId, PeerVpcId }] = refusal.input;
    const { name, message } = refusal;
    const saysSo =
      name === 'InvalidRequestException' && /\balready\b/i.test(message) && /peer/i.test(message) && !/authoriz/i.test(message);
    return saysSo && activeFor(FleetId, PeerVpcId).some((after) => isAfter(after, refusal));
  });
  return [...(isAccepted ? ['accepted'] : []), ...(isRefused ? ['InvalidRequestException'] : [])];
};

/** The first read that must show the deletion decides: later ones may show that the fleet is being deleted. */
const deletingConnections: Rule = (calls) =>
  answered(calls, 'deleteVpcPeeringConnection').flatMap((deletion) => {
    const [{ FleetId, VpcPeeringConnectionId }] = deletion.input;
    const listed = answered(calls, 'describeVpcPeeringConnections')
      .filter(({ input: [fleetId] }) => fleetId === FleetId)
      .flatMap(({ answer, ...read }) => answer.map((record) => ({ ...read, record })))
      .filter(({ record }) => record.VpcPeeringConnectionId === VpcPeeringConnectionId)
      .map(({ record, startedAt, endedAt }) => ({ status: record.Status?.Code, startedAt, endedAt }));
    const shown = [...listed, ...sides(calls).filter(({ id }) => id === VpcPeeringConnectionId)]
      .filter((sighting) => isUpToDate(sighting, deletion))
      .sort((one, other) => one.startedAt - other.startedAt);
    return shown[0]?.status === 'deleting' ? ['deleting for a while'] : [];
  });

/** One that is `failed` is no evidence: a deletion may have failed, and the connection is there. */
const endedConnections: Rule = (calls) =>
  answered(calls, 'describeVpcPeeringConnections').some(({ answer }) => answer.some(({ Status }) => Status?.Code === 'deleted'))
    ? ['linger']
    : [];

const connectionIds: Rule = (calls) => {
  const shown = new Set(sides(calls).map(({ id }) => id));
  return answered(calls, 'describeVpcPeeringConnections')
    .flatMap(({ answer }) => answer.map(({ VpcPeeringConnectionId: id = '' }) => id))
    .flatMap((id) => (shown.has(id) ? ['pcx of EC2'] : id === '' || id.startsWith('pcx-') ? [] : ['own of GameLift']));
};

const deletingAbsentAuthorization: Rule = (calls) =>
  refused(calls, 'deleteVpcPeeringAuthorization').some(
    ({ name, message }) => name === 'NotFoundException' && isAboutAuthorization(message),
  )
    ? ['NotFoundException']
    : [];

const fleetEvents: Rule = (calls) =>
  answered(calls, 'describeFleetEvents').some(({ answer }) => answer.some(({ code }) => code.startsWith('FLEET_VPC_PEERING_')))
    ? ['written']
    : [];

/** Of the operations with the low rate limit. Others may answer with another error. */
const throttlingError: Rule = (calls) =>
  calls.flatMap(({ operation, outcome }) =>
    operation.includes('VpcPeering') &&
    outcome.kind === 'failed' &&
    ['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'].includes(outcome.name) &&
    /\brate\b/i.test(outcome.message)
      ? [outcome.name]
      : [],
  );

/** Two active connections in one answer, whose fleets have different VPCs. */
const fleetCidrBlocks: Rule = (calls) => {
  const ofGameLift = answered(calls, 'describeVpcPeeringConnections').map(({ answer }) =>
    answer
      .filter(({ Status }) => Status?.Code === 'active')
      .map(({ GameLiftVpcId: vpcId, IpV4CidrBlock: cidrBlock }) => ({ vpcId, cidrBlock })),
  );
  // others may have peered the VPC with VPCs of their own. The tags of this library are on the sides of fleets
  const ofEc2 = answered(calls, 'describePeerings').map(({ answer }) =>
    answer
      .filter(({ status, tags }) => status === 'active' && `${TAG_PREFIX}fleet` in tags)
      .map(({ requesterVpcId: vpcId, cidrBlock }) => ({ vpcId, cidrBlock })),
  );
  const coincide = [...ofGameLift, ...ofEc2].some((vpcs) =>
    vpcs.some((one) =>
      vpcs.some((other) => one.vpcId !== other.vpcId && one.cidrBlock !== undefined && one.cidrBlock === other.cidrBlock),
    ),
  );
  return coincide ? ['may coincide'] : [];
};

const failedSeenByAccepter: Rule = (calls) => {
  const vpcs = gameLiftVpcs(calls);
  return sides(calls).some(({ status, gameLiftVpcId }) => status === 'failed' && vpcs.has(gameLiftVpcId)) ? ['seen'] : [];
};

/** The statuses before a connection is active. */
const PENDING: readonly string[] = ['initiating-request', 'pending-acceptance', 'provisioning'];

/** A read is late if it shows what can't come back: a status that was over, or a connection that was gone. */
const readBack: Rule = (calls) => {
  const reads = answered(calls, 'describePeerings');
  const inputs = new Set(reads.map(({ input: [vpcId] }) => vpcId));
  const isLate = [...inputs].some((vpcId) => showsOlderState(reads.filter(({ input: [read] }) => read === vpcId)));
  return isLate ? ['up to 15 seconds late'] : [];
};

/** A request that waits for minutes reads hundreds of times, so this looks at each read once. */
function showsOlderState(reads: readonly Answered<'describePeerings'>[]): boolean {
  const seen = new Map<string, 'pending' | 'not pending' | 'gone'>();
  let last: Timed | undefined;
  for (const read of reads) {
    // of two reads at the same time, either may show the older state
    if (last !== undefined && !isAfter(read, last)) {
      continue;
    }
    last = read;
    const shown = new Set(read.answer.map(({ id }) => id));
    for (const { id, status } of read.answer) {
      const state = PENDING.includes(status) ? 'pending' : 'not pending';
      const before = seen.get(id);
      if (before === 'gone' || (before === 'not pending' && state === 'pending')) {
        return true;
      }
      seen.set(id, state);
    }
    [...seen.keys()].filter((id) => !shown.has(id)).forEach((id) => seen.set(id, 'gone'));
  }
  return false;
}

/** One that was active, and whose deletion failed, has a block in any case. */
const endedCidrBlocks: Rule = (calls) =>
  answered(calls, 'describeVpcPeeringConnections').some(({ answer }) =>
    answer.some(({ Status, IpV4CidrBlock }) => Status?.Code === 'failed' && IpV4CidrBlock === undefined),
  )
    ? ['not told']
    : [];

const fleetArns: Rule = (calls) =>
  answered(calls, 'describeFleet').flatMap(({ answer }) => {
    const account = answer?.arn.split(':')[4];
    return account === undefined ? [] : [account === '' ? 'without account' : 'with account'];
  });

const absentVpc: Rule = (calls) =>
  refused(calls, 'createVpcPeeringAuthorization')
    .filter(({ name }) => name === 'InvalidRequestException' || name === 'NotFoundException')
    .filter(({ message }) => /\bvpc\b/i.test(message) && !/authoriz|\balready\b/i.test(message) && !isAboutPermissions(message))
    .filter((refusal) => answered(calls, 'vpcExists').some((read) => isAfter(read, refusal) && !read.answer))
    .map(({ name }) => name);

const peerPermissions: Rule = (calls) =>
  refused(calls, 'createVpcPeeringAuthorization').some(
    ({ name, message }) => name === 'UnauthorizedException' && /\bec2:\w/.test(message),
  )
    ? ['checked']
    : [];

const RULES: Readonly<Record<string, Rule>> = {
  authorizingAgain,
  missingAuthorization,
  existingConnection,
  deletingConnections,
  endedConnections,
  connectionIds,
  deletingAbsentAuthorization,
  fleetEvents,
  throttlingError,
  fleetCidrBlocks,
  failedSeenByAccepter,
  readBack,
  endedCidrBlocks,
  fleetArns,
  absentVpc,
  peerPermissions,
};

/** The questions that the calls of one request answer. If they show two readings of a question, one is wrong: it is left out. */
export function answeredQuestions(calls: Calls): readonly Observation[] {
  return Object.entries(RULES).flatMap(([question, rule]) => {
    const [reading, ...others] = new Set(rule(calls));
    return reading === undefined || others.length > 0 ? [] : [{ question, reading }];
  });
}
