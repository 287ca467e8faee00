import type { CallFault, Faults, PutFault, RecordedCall } from 'rehearsal/in-process';
import {
  changesToOthers,
  deviations,
  hasSkippedCleanup,
  leaks,
  leftBehind,
  failureReasons,
  uncanceledAuthorizations,
} from './checker';
import { lastDeclared, firstFailure, LIFECYCLES, problemTexts, worldFor } from './lifecycles';
import type { Failure, LifecycleName, Step } from './lifecycles';
import { resultOf } from './observations';
import type { Result } from './observations';
import { STACK } from './stacks';
import type { MatrixWorld, Readings } from './world';

/*
 * The faults of each call, response and event of a life.
 */

export interface FaultScenario {
  readonly name: string;
  readonly faults: Faults;
  /** Whether the deployment must succeed despite the faults. */
  readonly deployment: 'must succeed' | 'may fail';
  /** Whether an authorization may be left to expire: GameLift says that there is none, or a duplicate event creates one late. */
  readonly leavesAuthorization: boolean;
}

interface NamedFault {
  readonly name: string;
  readonly fault: CallFault;
  /** Whether the deployment must succeed if only one call has this fault. A call that the service refused may not be repeated. */
  readonly deployment: FaultScenario['deployment'];
}

const error = (name: string, deployment: FaultScenario['deployment'], status = 400): NamedFault => ({
  name,
  fault: { kind: 'error', name, status },
  deployment,
});

const BROKEN: readonly NamedFault[] = (['before', 'after'] as const).flatMap((effect) => [
  { name: `timeout ${effect} it took effect`, fault: { kind: 'timeout', effect }, deployment: 'must succeed' },
  { name: `connection reset ${effect} it took effect`, fault: { kind: 'reset', effect }, deployment: 'must succeed' },
  { name: `process killed ${effect} it took effect`, fault: { kind: 'killed', effect }, deployment: 'must succeed' },
]);
const NO_RESPONSE: readonly NamedFault[] = (['before', 'after'] as const).map((effect) => ({
  name: `no output ${effect} it took effect, until the function times out`,
  fault: { kind: 'late', effect },
  deployment: 'may fail',
}));
const MALFORMED: NamedFault = { name: 'malformed output', fault: { kind: 'malformed' }, deployment: 'must succeed' };

/** The errors in the API reference, and throttling and denial, which every service has. */
const GAMELIFT: readonly NamedFault[] = [
  error('InternalServiceException', 'must succeed', 500),
  error('InvalidRequestException', 'may fail'),
  error('NotFoundException', 'may fail'),
  error('UnauthorizedException', 'may fail'),
  error('ThrottlingException', 'must succeed'),
  error('AccessDeniedException', 'must succeed'),
];

const EC2: readonly NamedFault[] = [
  error('InternalError', 'must succeed', 500),
  error('Unavailable', 'must succeed', 503),
  error('RequestLimitExceeded', 'must succeed', 503),
  error('UnauthorizedOperation', 'must succeed', 403),
];

const EC2_DOCUMENTED: Readonly<Record<string, readonly string[]>> = {
  CreateRoute: ['RouteAlreadyExists', 'RouteLimitExceeded', 'InvalidRouteTableID.NotFound'],
  ReplaceRoute: ['InvalidParameterValue', 'InvalidRouteTableID.NotFound'],
  DeleteRoute: ['InvalidRoute.NotFound', 'InvalidRouteTableID.NotFound'],
  CreateTags: ['InvalidVpcPeeringConnectionID.NotFound', 'TagLimitExceeded'],
  ModifyVpcPeeringConnectionOptions: ['OperationNotPermitted', 'InvalidVpcPeeringConnectionID.NotFound'],
  DeleteTags: ['InvalidVpcPeeringConnectionID.NotFound'],
  DescribeVpcs: ['InvalidVpcID.NotFound'],
};

/** STS and CloudFormation. */
const QUERY: readonly NamedFault[] = [
  error('InternalFailure', 'must succeed', 500),
  error('ServiceUnavailable', 'must succeed', 503),
  error('Throttling', 'must succeed'),
  error('AccessDenied', 'must succeed', 403),
];

/** The errors that the service documents for this operation. */
export function documentedErrors({ service, operation }: Pick<RecordedCall, 'service' | 'operation'>): readonly NamedFault[] {
  switch (service) {
    case 'ec2':
      return [...EC2, ...(EC2_DOCUMENTED[operation] ?? []).map((name) => error(name, 'may fail'))];
    case 'sts':
      return [...QUERY, error('RegionDisabledException', 'may fail', 403)];
    case 'cloudformation':
      return [...QUERY, error('ValidationError', 'may fail')];
    default:
      return [
        ...GAMELIFT.filter(({ name }) => operation !== 'DescribeVpcPeeringAuthorizations' || name !== 'NotFoundException'),
        ...(operation === 'TagResource' || operation === 'UntagResource' ? [error('TaggingFailedException', 'may fail')] : []),
      ];
  }
}

/** The errors by which GameLift may say that there is no authorization. */
const NO_AUTHORIZATION: ReadonlySet<string> = new Set(['NotFoundException', 'InvalidRequestException']);

/** All faults at each call, or every third one, starting at another one with each call. */
export type Extent = 'all' | 'every third';

/**
 * The faults at one call. An error occurs once, or with every call of the operation from then on. A fault of the network or the process
 * occurs once.
 */
function faultScenariosAt(index: number, call: RecordedCall, extent: Extent): readonly FaultScenario[] {
  const { operation, request } = call;
  const name = `call ${index}, ${operation} during ${request}`;
  const once = ({ name: what, fault, deployment }: NamedFault): FaultScenario => ({
    name: `${name}: ${what}, once`,
    deployment,
    leavesAuthorization: saysNoAuthorization(operation, fault) || (deployment === 'may fail' && isCheckBeforeCancel(call)),
    faults: { call: (point) => (point.index === index ? fault : undefined) },
  });
  const permanently = ({ name: what, fault }: NamedFault): FaultScenario => ({
    name: `${name}: ${what}, permanently`,
    deployment: 'may fail',
    // this includes the check before the authorization is canceled
    leavesAuthorization: saysNoAuthorization(operation, fault) || operation === IN_USE_CHECK,
    faults: { call: (point) => (point.index >= index && point.operation === operation ? fault : undefined) },
  });
  const errors = documentedErrors(call).flatMap((namedFault) => [once(namedFault), permanently(namedFault)]);
  const scenarios = [...errors, ...[...BROKEN, ...NO_RESPONSE, MALFORMED].map(once)];
  return extent === 'all' ? scenarios : scenarios.filter((_, position) => (index + position) % 3 === 0);
}

/** The operation that shows whether the VPC still has connections. If it fails, the handler does not cancel the authorization. */
export const IN_USE_CHECK = 'DescribeVpcPeeringConnections';

function isCheckBeforeCancel({ operation, request }: RecordedCall): boolean {
  return operation === IN_USE_CHECK && request.startsWith('Delete Authorization');
}

function saysNoAuthorization(operation: string, fault: CallFault): boolean {
  return operation === 'DeleteVpcPeeringAuthorization' && fault.kind === 'error' && NO_AUTHORIZATION.has(fault.name);
}

const RESPONSE_FAULTS: readonly { readonly name: string; readonly fault: PutFault }[] = [
  { name: 'HTTP 500', fault: { kind: 'status', status: 500 } },
  { name: 'HTTP 403', fault: { kind: 'status', status: 403 } },
  { name: 'connection reset before it arrived', fault: { kind: 'reset', effect: 'before' } },
  { name: 'connection reset after it arrived', fault: { kind: 'reset', effect: 'after' } },
  { name: 'timeout', fault: { kind: 'timeout' } },
];

/** The faults of one response to CloudFormation. */
export function faultScenariosOfResponse(index: number): readonly FaultScenario[] {
  return RESPONSE_FAULTS.flatMap(({ name, fault }): FaultScenario[] => {
    // 403 means that the URL has expired, so the handler does not send the response again
    const isFinal = fault.kind === 'status' && fault.status === 403;
    const hasArrived = fault.kind === 'reset' && fault.effect === 'after';
    return [
      {
        name: `response ${index}: ${name}, once`,
        deployment: isFinal ? 'may fail' : 'must succeed',
        leavesAuthorization: false,
        faults: { put: (point) => (point.index === index ? fault : undefined) },
      },
      {
        name: `response ${index}: ${name}, permanently`,
        deployment: hasArrived ? 'must succeed' : 'may fail',
        leavesAuthorization: false,
        faults: { put: (point) => (point.index >= index ? fault : undefined) },
      },
    ];
  });
}

/** The seconds that a function has left before it times out. */
const REMAINING_SECONDS = [31, 40, 60];

/** The faults of one event: it is delivered twice, or the function has little time left. */
export function faultScenariosOfEvent(index: number): readonly FaultScenario[] {
  return [
    ...[0, 1, 5, 30].map((seconds): FaultScenario => ({
      name: `event ${index} is delivered again after ${seconds} seconds`,
      deployment: 'must succeed',
      leavesAuthorization: true,
      faults: { copies: (point) => (point.index === index ? [seconds] : []) },
    })),
    ...REMAINING_SECONDS.map((seconds): FaultScenario => ({
      name: `event ${index} reaches a function with ${seconds} seconds left`,
      deployment: 'may fail',
      leavesAuthorization: false,
      faults: { seconds: (point) => (point.index === index ? seconds : undefined) },
    })),
  ];
}

/** All faults of a life, each in a scenario of its own. */
export async function faultScenariosOf(
  lifecycle: LifecycleName,
  readings: Readings,
  extent: Extent,
): Promise<readonly FaultScenario[]> {
  const world = await populate(lifecycle, readings);
  await world.failIfStuck(() => firstFailure(world, LIFECYCLES[lifecycle]));
  const { calls, putCount, eventCount } = world.functions;
  world.close();
  return [
    ...calls.flatMap((call, index) => faultScenariosAt(index, call, extent)),
    ...Array.from({ length: putCount }, (_, index) => faultScenariosOfResponse(index)).flat(),
    ...Array.from({ length: eventCount }, (_, index) => faultScenariosOfEvent(index)).flat(),
  ];
}

/** Connections are fast, so that there are few similar calls that wait for one. */
async function populate(lifecycle: LifecycleName, readings: Readings): Promise<MatrixWorld> {
  const world = await worldFor(lifecycle, readings);
  world.aws.scriptedOutcomes.connectionSeconds = 6;
  world.aws.scriptedOutcomes.connectionDeletionSeconds = 4;
  return world;
}

/** A message of the handler: what failed, why, and what to do. */
const HANDLER_MESSAGE =
  /Message returned: (?:(?:could not [A-Za-z ]+|an authorization is missing) (?:between VPC|for VPC|fleet) \S+.*(?:again|Run there|pass adoptExisting|remove it there)|.*was not finished within \d+ seconds: try again|.*no time left for the \w+: try again)/;

/** A message of CloudFormation or of another resource: no response was received, or the operation was canceled. */
const OTHER_MESSAGE =
  /did not receive a response from your Custom Resource|^Resource (?:creation|update) cancelled$|^Resource handler returned message|^The vpc ID '\S+' does not exist$/;

/** A message that shows a bug in the handler. */
const BUG = /\bundefined\b|\bNaN\b|\[object |is not a function|Cannot read|TypeError/;

export function isClear(reason: string): boolean {
  return (HANDLER_MESSAGE.test(reason) || OTHER_MESSAGE.test(reason)) && !BUG.test(reason);
}

export async function runWithFault(lifecycle: LifecycleName, readings: Readings, scenario: FaultScenario): Promise<Result> {
  const world = await populate(lifecycle, readings);
  world.functions.faults = scenario.faults;
  return resultOf(world, () => world.failIfStuck(() => lifeWithFault(world, LIFECYCLES[lifecycle], scenario)));
}

async function lifeWithFault(world: MatrixWorld, steps: readonly Step[], scenario: FaultScenario): Promise<readonly string[]> {
  const failure = await firstFailure(world, steps);
  world.functions.faults = {};
  // even if a deployment failed, the accounts must contain what CloudFormation reports
  const isStateWrong = failure?.problems.some(({ about }) => about === 'state') === true && !hasSkippedCleanup(world);
  if (failure !== undefined && (isStateWrong || scenario.deployment === 'must succeed')) {
    return [...problemTexts(failure), ...failureReasons(world)];
  }
  const unclear = failureReasons(world).filter((reason) => !isClear(reason));
  const notRecovered = failure === undefined ? [] : await recover(world, steps, failure);
  if (hasSkippedCleanup(world)) {
    await world.deleteForgottenFleets();
  }
  return [
    ...unclear.map((text) => `unclear message: ${text}`),
    ...notRecovered,
    ...(hasSkippedCleanup(world) || scenario.leavesAuthorization
      ? []
      : uncanceledAuthorizations(world, lastDeclared(steps, failure))),
    ...(await leftBehind(world)).filter((left) => !(hasSkippedCleanup(world) && LEFT_BY_SKIPPED_CLEANUP.test(left))),
    ...changesToOthers(world),
    ...leaks(world),
  ];
}

/** What may be left after a skipped cleanup: blackhole routes, and rules for CIDR blocks that are no longer used. */
export const LEFT_BY_SKIPPED_CLEANUP = /^left behind: (routes .*"state":"blackhole"|rules )/;

/** Does what a user does after the fault has ended: authorizes, continues the rollback, and deletes the stack. */
async function recover(world: MatrixWorld, steps: readonly Step[], { before }: Failure): Promise<readonly string[]> {
  const { cloudFormation } = world;
  for (const vpc of new Set(steps.flatMap((step) => ('authorizeByHand' in step ? [step.authorizeByHand] : [])))) {
    // respects the rate limit
    await world.waitDays(0.1);
    await world.authorizeUnlessValid(vpc);
  }
  const isRollbackFailed = cloudFormation.describe(STACK).status === 'UPDATE_ROLLBACK_FAILED';
  const rolledBack = isRollbackFailed ? [await cloudFormation.continueUpdateRollback(STACK)] : [];
  const wrong = isRollbackFailed && !hasSkippedCleanup(world) ? deviations(world, before) : [];
  const results = [...rolledBack, await cloudFormation.delete(STACK)];
  return [
    ...wrong.map((text) => `after the rollback was continued: ${text}`),
    ...results
      .filter(({ status }) => !status.endsWith('_COMPLETE'))
      .map(({ status, reason = '' }) => `${status} although the fault has ended: ${reason}`),
  ];
}
