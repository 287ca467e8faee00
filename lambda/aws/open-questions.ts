import { TAG_PREFIX } from '../../lib/contract';
import type { AuthorizationRecord, AwsApi } from './api';
import { READ_DELAY_MILLISECONDS } from './calls';
import type { RecordedCall } from './recorder';

/*
 * Answers questions that AWS's documents leave open, from the calls of one request. See docs/observations.md.
 *
 * A rule returns a reading only if the calls have no other explanation. At any time, other callers may create, consume or cancel
 * authorizations and connections. A read may show the state of 15 seconds ago. A failed call may have taken effect. An error can have several
 * causes, so a rule also checks that the message names the cause. Therefore, most rules can recognize only some readings of their question.
 *
 * Pure functions. Each rule has the name of its question. Questions and readings are those of `BEHAVIOURS` in the rehearsal.
 */

/** The reading of one question that a request has observed. */
export interface Observation {
  readonly question: string;
  readonly reading: string;
}

type RecordedCalls = readonly RecordedCall[];

/** Returns the readings that the calls show. */
type Rule = (calls: RecordedCalls) => readonly string[];

type SuccessfulCall<Name extends keyof AwsApi> = Omit<RecordedCall<Name>, 'outcome'> & {
  readonly output: Awaited<ReturnType<AwsApi[Name]>>;
};

type FailedCall<Name extends keyof AwsApi> = Omit<RecordedCall<Name>, 'outcome'> & {
  readonly name: string;
  readonly message: string;
};

function isCallOf<Name extends keyof AwsApi>(call: RecordedCall, operation: Name): call is RecordedCall<Name> {
  return call.operation === operation;
}

function successfulCalls<Name extends keyof AwsApi>(calls: RecordedCalls, operation: Name): readonly SuccessfulCall<Name>[] {
  return calls.flatMap((call) =>
    isCallOf(call, operation) && call.outcome.kind === 'succeeded' ? [{ ...call, output: call.outcome.output }] : [],
  );
}

function failedCalls<Name extends keyof AwsApi>(calls: RecordedCalls, operation: Name): readonly FailedCall<Name>[] {
  return calls.flatMap((call) =>
    isCallOf(call, operation) && call.outcome.kind === 'failed'
      ? [{ ...call, name: call.outcome.name, message: call.outcome.message }]
      : [],
  );
}

type TimeSpan = Pick<RecordedCall, 'startedAt' | 'endedAt'>;

const isAfter = (later: TimeSpan, earlier: TimeSpan): boolean => later.startedAt >= earlier.endedAt;

/** Whether the read is so late that it shows the state at the end of the earlier call, or a later state. */
const isUpToDate = (read: TimeSpan, earlier: TimeSpan): boolean => read.startedAt >= earlier.endedAt + READ_DELAY_MILLISECONDS;

const hasSameInput = (one: Pick<RecordedCall, 'input'>, other: Pick<RecordedCall, 'input'>): boolean =>
  JSON.stringify(one.input) === JSON.stringify(other.input);

/** Whether a message is about a permission that the caller lacks: it names an action, or says "not authorized to perform". */
const isAboutPermissions = (message: string): boolean => /\bec2:\w|\bgamelift:\w|\bperform\b/i.test(message);

const isAboutAuthorization = (message: string): boolean => /\bauthorization\b/i.test(message) && !isAboutPermissions(message);

const HOUR_MILLISECONDS = 3_600_000;

/** A new authorization is valid for 24 hours. The hour of tolerance is longer than any difference between clocks. */
const VALIDITY_MILLISECONDS = { shortest: 23 * HOUR_MILLISECONDS, longest: 25 * HOUR_MILLISECONDS };

const validityOf = ({ CreationTime, ExpirationTime }: AuthorizationRecord): number =>
  CreationTime === undefined || ExpirationTime === undefined ? 0 : ExpirationTime.getTime() - CreationTime.getTime();

/**
 * If an authorization is valid for longer than a new one, it was renewed. If authorizing returns an authorization that expires earlier than
 * a new one, the existing one kept its expiration. A refusal is about an existing authorization if its message says so, or if GameLift
 * accepts the same call after the authorization was canceled.
 */
const authorizingAgain: Rule = (calls) => {
  const authorizations = successfulCalls(calls, 'createVpcPeeringAuthorization');
  const cancellations = successfulCalls(calls, 'deleteVpcPeeringAuthorization');
  const records = [
    ...authorizations.map(({ output }) => output),
    ...successfulCalls(calls, 'describeVpcPeeringAuthorizations').flatMap(({ output }) => output),
  ];
  const keepsExpiry = authorizations.some(({ output, startedAt, endedAt }) => {
    const expiration = output?.ExpirationTime?.getTime() ?? 0;
    return expiration > endedAt && expiration < startedAt + VALIDITY_MILLISECONDS.shortest;
  });
  const isRefused = failedCalls(calls, 'createVpcPeeringAuthorization')
    .filter(({ name, message }) => name === 'InvalidRequestException' && isAboutAuthorization(message))
    .some(
      (refusal) =>
        /\balready\b/i.test(refusal.message) ||
        cancellations.some(
          (cancellation) =>
            isAfter(cancellation, refusal) &&
            hasSameInput(cancellation, refusal) &&
            authorizations.some((retry) => isAfter(retry, cancellation) && hasSameInput(retry, refusal)),
        ),
    );
  return [
    ...(records.some((record) => record !== undefined && validityOf(record) > VALIDITY_MILLISECONDS.longest) ? ['renews'] : []),
    ...(keepsExpiry ? ['keeps expiry'] : []),
    ...(isRefused ? ['InvalidRequestException'] : []),
  ];
};

/** GameLift refused a call because of its authorization, and accepted the same call after the handler had authorized. */
const missingAuthorization: Rule = (calls) => {
  const authorizations = successfulCalls(calls, 'createVpcPeeringAuthorization');
  return (['createVpcPeeringConnection', 'deleteVpcPeeringConnection'] as const).flatMap((operation) =>
    failedCalls(calls, operation)
      .filter(({ message }) => isAboutAuthorization(message))
      .filter((refusal) =>
        authorizations.some(
          (authorization) =>
            isAfter(authorization, refusal) &&
            successfulCalls(calls, operation).some((retry) => isAfter(retry, authorization) && hasSameInput(retry, refusal)),
        ),
      )
      .map(({ name }) => name)
      .filter((name) => ['UnauthorizedException', 'NotFoundException', 'InvalidRequestException'].includes(name)),
  );
};

/** One connection in the output of one call to GameLift or EC2. */
interface ShownConnection extends TimeSpan {
  readonly id: string;
  readonly status: string;
  readonly gameLiftVpcId: string | undefined;
}

const listedConnections = (calls: RecordedCalls, fleetId: string, peerVpcId: string): readonly ShownConnection[] =>
  successfulCalls(calls, 'describeVpcPeeringConnections')
    .filter(({ input: [listedFleetId] }) => listedFleetId === fleetId)
    .flatMap(({ output, startedAt, endedAt }) =>
      output
        .filter(({ PeerVpcId }) => PeerVpcId === peerVpcId)
        .map(({ VpcPeeringConnectionId: id = '', Status, GameLiftVpcId: gameLiftVpcId }) => ({
          id,
          status: Status?.Code ?? '',
          gameLiftVpcId,
          startedAt,
          endedAt,
        })),
    );

const ec2Connections = (calls: RecordedCalls): readonly ShownConnection[] =>
  successfulCalls(calls, 'describePeerings').flatMap(({ output, startedAt, endedAt }) =>
    output.map(({ id, status, requesterVpcId }) => ({ id, status, gameLiftVpcId: requesterVpcId, startedAt, endedAt })),
  );

/** The VPCs of fleets that GameLift has listed. */
const listedFleetVpcs = (calls: RecordedCalls): ReadonlySet<string | undefined> =>
  new Set(
    successfulCalls(calls, 'describeVpcPeeringConnections')
      .flatMap(({ output }) => output.map(({ GameLiftVpcId }) => GameLiftVpcId))
      .filter((id) => id !== undefined),
  );

/** Ids are never reused. So if reads before and after a call that creates a connection show the same id, that connection existed during the call. */
const existingConnection: Rule = (calls) => {
  const activeConnections = (fleetId: string, peerVpcId: string): readonly ShownConnection[] => {
    const listed = listedConnections(calls, fleetId, peerVpcId);
    const vpcs = new Set(listed.map(({ gameLiftVpcId }) => gameLiftVpcId).filter((id) => id !== undefined));
    return [
      ...listed,
      ...ec2Connections(calls).filter(({ gameLiftVpcId }) => gameLiftVpcId !== undefined && vpcs.has(gameLiftVpcId)),
    ].filter(({ status }) => status === 'active');
  };
  const isAccepted = successfulCalls(calls, 'createVpcPeeringConnection').some((creation) => {
    const [{ FleetId, PeerVpcId }] = creation.input;
    const connections = activeConnections(FleetId, PeerVpcId);
    return connections.some(
      (earlier) =>
        isAfter(creation, earlier) && connections.some((later) => later.id === earlier.id && isUpToDate(later, creation)),
    );
  });
  const isRefused = failedCalls(calls, 'createVpcPeeringConnection').some((refusal) => {
    const [{ FleetId, PeerVpcId }] = refusal.input;
    const { name, message } = refusal;
    const isAboutPeering =
      name === 'InvalidRequestException' && /\balready\b/i.test(message) && /peer/i.test(message) && !/authoriz/i.test(message);
    return isAboutPeering && activeConnections(FleetId, PeerVpcId).some((later) => isAfter(later, refusal));
  });
  return [...(isAccepted ? ['accepted'] : []), ...(isRefused ? ['InvalidRequestException'] : [])];
};

/** Uses only the first read that must show the deletion. Later reads may show the deletion of the fleet instead. */
const deletingConnections: Rule = (calls) =>
  successfulCalls(calls, 'deleteVpcPeeringConnection').flatMap((deletion) => {
    const [{ FleetId, VpcPeeringConnectionId }] = deletion.input;
    const listed = successfulCalls(calls, 'describeVpcPeeringConnections')
      .filter(({ input: [fleetId] }) => fleetId === FleetId)
      .flatMap(({ output, ...read }) => output.map((record) => ({ ...read, record })))
      .filter(({ record }) => record.VpcPeeringConnectionId === VpcPeeringConnectionId)
      .map(({ record, startedAt, endedAt }) => ({ status: record.Status?.Code, startedAt, endedAt }));
    const shown = [...listed, ...ec2Connections(calls).filter(({ id }) => id === VpcPeeringConnectionId)]
      .filter((connection) => isUpToDate(connection, deletion))
      .sort((one, other) => one.startedAt - other.startedAt);
    return shown[0]?.status === 'deleting' ? ['deleting for a while'] : [];
  });

/** Ignores the status `failed`: perhaps the deletion failed, and the connection still exists. */
const endedConnections: Rule = (calls) =>
  successfulCalls(calls, 'describeVpcPeeringConnections').some(({ output }) =>
    output.some(({ Status }) => Status?.Code === 'deleted'),
  )
    ? ['listed for hours']
    : [];

const connectionIds: Rule = (calls) => {
  const ec2Ids = new Set(ec2Connections(calls).map(({ id }) => id));
  return successfulCalls(calls, 'describeVpcPeeringConnections')
    .flatMap(({ output }) => output.map(({ VpcPeeringConnectionId: id = '' }) => id))
    .flatMap((id) => {
      if (ec2Ids.has(id)) {
        return ['id of EC2'];
      }
      // an id in EC2's format may be the id of a connection that EC2 did not show
      return id === '' || id.startsWith('pcx-') ? [] : ['id of GameLift'];
    });
};

const deletingAbsentAuthorization: Rule = (calls) =>
  failedCalls(calls, 'deleteVpcPeeringAuthorization').some(
    ({ name, message }) => name === 'NotFoundException' && isAboutAuthorization(message),
  )
    ? ['NotFoundException']
    : [];

const fleetEvents: Rule = (calls) =>
  successfulCalls(calls, 'describeFleetEvents').some(({ output }) =>
    output.some(({ code }) => code.startsWith('FLEET_VPC_PEERING_')),
  )
    ? ['written']
    : [];

/** Uses only operations with the low rate limit. Others may return a different error. */
const throttlingError: Rule = (calls) =>
  calls.flatMap(({ operation, outcome }) =>
    operation.includes('VpcPeering') &&
    outcome.kind === 'failed' &&
    ['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'].includes(outcome.name) &&
    /\brate\b/i.test(outcome.message)
      ? [outcome.name]
      : [],
  );

/** Looks for two active connections in the output of one call that have the same CIDR block, but different fleet VPCs. */
const fleetCidrBlocks: Rule = (calls) => {
  const gameLiftVpcs = successfulCalls(calls, 'describeVpcPeeringConnections').map(({ output }) =>
    output
      .filter(({ Status }) => Status?.Code === 'active')
      .map(({ GameLiftVpcId: vpcId, IpV4CidrBlock: cidrBlock }) => ({ vpcId, cidrBlock })),
  );
  // this library tags only connections of fleets. Without its tag, the VPC of the requester may not belong to a fleet
  const ec2Vpcs = successfulCalls(calls, 'describePeerings').map(({ output }) =>
    output
      .filter(({ status, tags }) => status === 'active' && `${TAG_PREFIX}fleet` in tags)
      .map(({ requesterVpcId: vpcId, cidrBlock }) => ({ vpcId, cidrBlock })),
  );
  // a connection without a VPC or a block may belong to the same fleet as another one
  const knownVpcs = [...gameLiftVpcs, ...ec2Vpcs].map((vpcs) =>
    vpcs.filter(({ vpcId, cidrBlock }) => vpcId !== undefined && cidrBlock !== undefined),
  );
  const isSameBlockUsedTwice = knownVpcs.some((vpcs) =>
    vpcs.some((one) => vpcs.some((other) => one.vpcId !== other.vpcId && one.cidrBlock === other.cidrBlock)),
  );
  return isSameBlockUsedTwice ? ['may be equal'] : [];
};

const failedSeenByAccepter: Rule = (calls) => {
  const vpcs = listedFleetVpcs(calls);
  return ec2Connections(calls).some(({ status, gameLiftVpcId }) => status === 'failed' && vpcs.has(gameLiftVpcId))
    ? ['shown']
    : [];
};

/** The statuses before a connection is active. */
const PENDING_STATUSES: readonly string[] = ['initiating-request', 'pending-acceptance', 'provisioning'];

/** A read is out of date if an earlier read showed a newer state: the connection was no longer pending, or had disappeared. */
const readBack: Rule = (calls) => {
  const reads = successfulCalls(calls, 'describePeerings');
  const vpcIds = new Set(reads.map(({ input: [vpcId] }) => vpcId));
  const isAnyOutOfDate = [...vpcIds].some((vpcId) =>
    showsOlderState(reads.filter(({ input: [readVpcId] }) => readVpcId === vpcId)),
  );
  return isAnyOutOfDate ? ['up to 15 seconds late'] : [];
};

/** Whether a read shows an older state than an earlier read. Examines each read only once: a request may make hundreds of them. */
function showsOlderState(reads: readonly SuccessfulCall<'describePeerings'>[]): boolean {
  const lastStates = new Map<string, 'pending' | 'not pending' | 'gone'>();
  let lastRead: TimeSpan | undefined;
  for (const read of reads) {
    // if two reads overlap in time, either may show the older state
    if (lastRead !== undefined && !isAfter(read, lastRead)) {
      continue;
    }
    lastRead = read;
    const shownIds = new Set(read.output.map(({ id }) => id));
    for (const { id, status } of read.output) {
      const state = PENDING_STATUSES.includes(status) ? 'pending' : 'not pending';
      const stateBefore = lastStates.get(id);
      if (stateBefore === 'gone' || (stateBefore === 'not pending' && state === 'pending')) {
        return true;
      }
      lastStates.set(id, state);
    }
    [...lastStates.keys()].filter((id) => !shownIds.has(id)).forEach((id) => lastStates.set(id, 'gone'));
  }
  return false;
}

/** A failed connection with a CIDR block proves nothing: it may have been active before. */
const endedCidrBlocks: Rule = (calls) =>
  successfulCalls(calls, 'describeVpcPeeringConnections').some(({ output }) =>
    output.some(({ Status, IpV4CidrBlock }) => Status?.Code === 'failed' && IpV4CidrBlock === undefined),
  )
    ? ['not returned']
    : [];

const fleetArns: Rule = (calls) =>
  successfulCalls(calls, 'describeFleet').flatMap(({ output }) => {
    const account = output?.arn.split(':')[4];
    return account === undefined ? [] : [account === '' ? 'without account' : 'with account'];
  });

/** GameLift refused to authorize a VPC, and EC2 confirmed that there is no such VPC. */
const absentVpc: Rule = (calls) =>
  failedCalls(calls, 'createVpcPeeringAuthorization')
    .filter(({ name }) => name === 'InvalidRequestException' || name === 'NotFoundException')
    .filter(({ message }) => /\bvpc\b/i.test(message) && !/authoriz|\balready\b/i.test(message) && !isAboutPermissions(message))
    .filter((refusal) => successfulCalls(calls, 'vpcExists').some((read) => isAfter(read, refusal) && !read.output))
    .map(({ name }) => name);

const peerPermissions: Rule = (calls) =>
  failedCalls(calls, 'createVpcPeeringAuthorization').some(
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

/** Returns the readings that the calls of one request show. Leaves out a question with two readings, because one of them is wrong. */
export function observedReadings(calls: RecordedCalls): readonly Observation[] {
  return Object.entries(RULES).flatMap(([question, rule]) => {
    const [reading, ...others] = new Set(rule(calls));
    return reading === undefined || others.length > 0 ? [] : [{ question, reading }];
  });
}
