import type { CallFault, Faults, PutFault, RecordedCall } from 'rehearsal/in-process';
import {
  changesToOthers,
  deviationsFrom,
  hasSkippedCleanup,
  leakedSecrets,
  leftBehind,
  failureReasons,
  uncanceledAuthorizations,
} from './checker';
import { lastDeployed, runUntilFailure, LIVES, describeProblems, createRehearsal } from './lives';
import type { StepFailure, LifeName, Step } from './lives';
import { runAndClose } from './observations';
import type { CaseResult } from './observations';
import { STACK } from './stacks';
import type { MatrixRehearsal, Readings } from './rehearsal';

/*
 * Repeats a life many times, each time with another fault in a call, a response or an event. Nothing may be left behind, and error messages
 * must be clear.
 */

export interface FaultScenario {
  readonly name: string;
  readonly faults: Faults;
  /** Whether the deployment must succeed despite the faults. */
  readonly deployment: 'must succeed' | 'may fail';
  /** Whether the handler may let an authorization expire: GameLift says that it does not exist, or a duplicate event creates it late. */
  readonly mayLeaveAuthorization: boolean;
}

interface NamedFault {
  readonly name: string;
  readonly fault: CallFault;
  /** Whether the deployment must succeed if one call has this fault. It may fail if the handler does not retry the call. */
  readonly deployment: FaultScenario['deployment'];
}

const errorFault = (name: string, deployment: FaultScenario['deployment'], status = 400): NamedFault => ({
  name,
  fault: { kind: 'error', name, status },
  deployment,
});

const NETWORK_AND_PROCESS_FAULTS: readonly NamedFault[] = (['before', 'after'] as const).flatMap((effect) => [
  { name: `timeout ${effect} the call took effect`, fault: { kind: 'timeout', effect }, deployment: 'must succeed' },
  { name: `connection reset ${effect} the call took effect`, fault: { kind: 'reset', effect }, deployment: 'must succeed' },
  { name: `process killed ${effect} the call took effect`, fault: { kind: 'killed', effect }, deployment: 'must succeed' },
]);
const LATE_OUTPUT_FAULTS: readonly NamedFault[] = (['before', 'after'] as const).map((effect) => ({
  name: `no output until the function times out, ${effect} the call took effect`,
  fault: { kind: 'late', effect },
  deployment: 'may fail',
}));
const MALFORMED_OUTPUT_FAULT: NamedFault = { name: 'malformed output', fault: { kind: 'malformed' }, deployment: 'must succeed' };

/** The errors in GameLift's API reference, and throttling and denial, which occur in every service. */
const GAMELIFT_ERRORS: readonly NamedFault[] = [
  errorFault('InternalServiceException', 'must succeed', 500),
  errorFault('InvalidRequestException', 'may fail'),
  errorFault('NotFoundException', 'may fail'),
  errorFault('UnauthorizedException', 'may fail'),
  errorFault('ThrottlingException', 'must succeed'),
  errorFault('AccessDeniedException', 'must succeed'),
];

const EC2_ERRORS: readonly NamedFault[] = [
  errorFault('InternalError', 'must succeed', 500),
  errorFault('Unavailable', 'must succeed', 503),
  errorFault('RequestLimitExceeded', 'must succeed', 503),
  errorFault('UnauthorizedOperation', 'must succeed', 403),
];

/** The errors that EC2 documents for single operations. */
const EC2_OPERATION_ERRORS: Readonly<Record<string, readonly string[]>> = {
  CreateRoute: ['RouteAlreadyExists', 'RouteLimitExceeded', 'InvalidRouteTableID.NotFound'],
  ReplaceRoute: ['InvalidParameterValue', 'InvalidRouteTableID.NotFound'],
  DeleteRoute: ['InvalidRoute.NotFound', 'InvalidRouteTableID.NotFound'],
  CreateTags: ['InvalidVpcPeeringConnectionID.NotFound', 'TagLimitExceeded'],
  ModifyVpcPeeringConnectionOptions: ['OperationNotPermitted', 'InvalidVpcPeeringConnectionID.NotFound'],
  DeleteTags: ['InvalidVpcPeeringConnectionID.NotFound'],
  DescribeVpcs: ['InvalidVpcID.NotFound'],
};

/** The errors of STS and CloudFormation, which use AWS's Query protocol. */
const QUERY_PROTOCOL_ERRORS: readonly NamedFault[] = [
  errorFault('InternalFailure', 'must succeed', 500),
  errorFault('ServiceUnavailable', 'must succeed', 503),
  errorFault('Throttling', 'must succeed'),
  errorFault('AccessDenied', 'must succeed', 403),
];

/** The errors that the service documents for this operation. */
export function documentedErrors({ service, operation }: Pick<RecordedCall, 'service' | 'operation'>): readonly NamedFault[] {
  switch (service) {
    case 'ec2':
      return [...EC2_ERRORS, ...(EC2_OPERATION_ERRORS[operation] ?? []).map((name) => errorFault(name, 'may fail'))];
    case 'sts':
      return [...QUERY_PROTOCOL_ERRORS, errorFault('RegionDisabledException', 'may fail', 403)];
    case 'cloudformation':
      return [...QUERY_PROTOCOL_ERRORS, errorFault('ValidationError', 'may fail')];
    default:
      return [
        ...GAMELIFT_ERRORS.filter(({ name }) => operation !== 'DescribeVpcPeeringAuthorizations' || name !== 'NotFoundException'),
        ...(operation === 'TagResource' || operation === 'UntagResource'
          ? [errorFault('TaggingFailedException', 'may fail')]
          : []),
      ];
  }
}

/** The errors with which GameLift may report that there is no authorization. */
const NO_AUTHORIZATION_ERRORS: ReadonlySet<string> = new Set(['NotFoundException', 'InvalidRequestException']);

/** Which faults of a call to try. `every third` begins with a different fault at each call, so three successive calls together try all faults. */
export type FaultSample = 'all' | 'every third';

/**
 * The faults of one call. An error occurs either once, or in this and every later call of the operation. A fault of the network or of the
 * process occurs once.
 */
function faultScenariosOfCall(index: number, call: RecordedCall, sample: FaultSample): readonly FaultScenario[] {
  const { operation, request } = call;
  const name = `call ${index}, ${operation} during ${request}`;
  const singleFaultScenario = ({ name: faultName, fault, deployment }: NamedFault): FaultScenario => ({
    name: `${name}: ${faultName}, once`,
    deployment,
    mayLeaveAuthorization: saysNoAuthorization(operation, fault) || (deployment === 'may fail' && isCheckBeforeCancel(call)),
    faults: { call: (point) => (point.index === index ? fault : undefined) },
  });
  const permanentFaultScenario = ({ name: faultName, fault }: NamedFault): FaultScenario => ({
    name: `${name}: ${faultName}, permanently`,
    deployment: 'may fail',
    // if the operation always fails, the check before the authorization is canceled fails, too
    mayLeaveAuthorization: saysNoAuthorization(operation, fault) || operation === IN_USE_CHECK_OPERATION,
    faults: { call: (point) => (point.index >= index && point.operation === operation ? fault : undefined) },
  });
  const errors = documentedErrors(call).flatMap((namedFault) => [
    singleFaultScenario(namedFault),
    permanentFaultScenario(namedFault),
  ]);
  const scenarios = [
    ...errors,
    ...[...NETWORK_AND_PROCESS_FAULTS, ...LATE_OUTPUT_FAULTS, MALFORMED_OUTPUT_FAULT].map(singleFaultScenario),
  ];
  return sample === 'all' ? scenarios : scenarios.filter((_, position) => (index + position) % 3 === 0);
}

/** The operation that shows whether the VPC still has connections. If it fails, the handler does not cancel the authorization. */
export const IN_USE_CHECK_OPERATION = 'DescribeVpcPeeringConnections';

function isCheckBeforeCancel({ operation, request }: RecordedCall): boolean {
  return operation === IN_USE_CHECK_OPERATION && request.startsWith('Delete Authorization');
}

function saysNoAuthorization(operation: string, fault: CallFault): boolean {
  return operation === 'DeleteVpcPeeringAuthorization' && fault.kind === 'error' && NO_AUTHORIZATION_ERRORS.has(fault.name);
}

const RESPONSE_FAULTS: readonly { readonly name: string; readonly fault: PutFault }[] = [
  { name: 'HTTP 500', fault: { kind: 'status', status: 500 } },
  { name: 'HTTP 403', fault: { kind: 'status', status: 403 } },
  { name: 'connection reset before the response arrived', fault: { kind: 'reset', effect: 'before' } },
  { name: 'connection reset after the response arrived', fault: { kind: 'reset', effect: 'after' } },
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
        mayLeaveAuthorization: false,
        faults: { put: (point) => (point.index === index ? fault : undefined) },
      },
      {
        name: `response ${index}: ${name}, permanently`,
        deployment: hasArrived ? 'must succeed' : 'may fail',
        mayLeaveAuthorization: false,
        faults: { put: (point) => (point.index >= index ? fault : undefined) },
      },
    ];
  });
}

/** How many seconds a function has left when an event arrives. The handler reserves the last 30 seconds for the response. */
const SECONDS_BEFORE_TIMEOUT = [31, 40, 60];

/** The faults of one event: Lambda delivers it twice, or the function has little time left. */
export function faultScenariosOfEvent(index: number): readonly FaultScenario[] {
  return [
    ...[0, 1, 5, 30].map((seconds): FaultScenario => ({
      name: `event ${index} is delivered again after ${seconds} seconds`,
      deployment: 'must succeed',
      mayLeaveAuthorization: true,
      faults: { copyDelays: (point) => (point.index === index ? [seconds] : []) },
    })),
    ...SECONDS_BEFORE_TIMEOUT.map((seconds): FaultScenario => ({
      name: `event ${index} reaches a function with ${seconds} seconds left`,
      deployment: 'may fail',
      mayLeaveAuthorization: false,
      faults: { timeoutSeconds: (point) => (point.index === index ? seconds : undefined) },
    })),
  ];
}

/** A scenario for each fault of a life. */
export async function faultScenariosOf(
  life: LifeName,
  readings: Readings,
  sample: FaultSample,
): Promise<readonly FaultScenario[]> {
  const rehearsal = await createFastRehearsal(life, readings);
  await rehearsal.failIfStuck(() => runUntilFailure(rehearsal, LIVES[life]));
  const { calls, putCount, eventCount } = rehearsal.functions;
  rehearsal.close();
  return [
    ...calls.flatMap((call, index) => faultScenariosOfCall(index, call, sample)),
    ...Array.from({ length: putCount }, (_, index) => faultScenariosOfResponse(index)).flat(),
    ...Array.from({ length: eventCount }, (_, index) => faultScenariosOfEvent(index)).flat(),
  ];
}

/** Creates a rehearsal in which connections become active quickly. So the handler makes few calls that only wait for a connection. */
async function createFastRehearsal(life: LifeName, readings: Readings): Promise<MatrixRehearsal> {
  const rehearsal = await createRehearsal(life, readings);
  rehearsal.aws.scriptedOutcomes.connectionSeconds = 6;
  rehearsal.aws.scriptedOutcomes.connectionDeletionSeconds = 4;
  return rehearsal;
}

/** Matches a message of the handler: what failed, why, and what to do. */
const HANDLER_MESSAGE =
  /Message returned: (?:(?:could not [A-Za-z ]+|an authorization is missing) (?:between VPC|for VPC|fleet) \S+.*(?:again|Run there|pass adoptExisting|remove it there)|.*was not finished within \d+ seconds: try again|.*no time left for the \w+: try again)/;

/** Matches a message of CloudFormation or of another resource: no response was received, or the operation was canceled. */
const OTHER_MESSAGE =
  /did not receive a response from your Custom Resource|^Resource (?:creation|update) cancelled$|^Resource handler returned message|^The vpc ID '\S+' does not exist$/;

/** Matches a message that shows a bug in the handler. */
const BUG_MESSAGE = /\bundefined\b|\bNaN\b|\[object |is not a function|Cannot read|TypeError/;

/** Whether the message says what failed and what to do, or is a known message of CloudFormation or of another resource. */
export function isClearMessage(reason: string): boolean {
  return (HANDLER_MESSAGE.test(reason) || OTHER_MESSAGE.test(reason)) && !BUG_MESSAGE.test(reason);
}

/** Repeats a life with the faults of a scenario. */
export async function runWithFault(life: LifeName, readings: Readings, scenario: FaultScenario): Promise<CaseResult> {
  const rehearsal = await createFastRehearsal(life, readings);
  rehearsal.functions.faults = scenario.faults;
  return runAndClose(rehearsal, () => rehearsal.failIfStuck(() => runFaultScenario(rehearsal, LIVES[life], scenario)));
}

async function runFaultScenario(
  rehearsal: MatrixRehearsal,
  steps: readonly Step[],
  scenario: FaultScenario,
): Promise<readonly string[]> {
  const failure = await runUntilFailure(rehearsal, steps);
  rehearsal.functions.faults = {};
  // even after a failed deployment, what exists must match what CloudFormation reports
  const isStateWrong = failure?.problems.some(({ about }) => about === 'state') === true && !hasSkippedCleanup(rehearsal);
  if (failure !== undefined && (isStateWrong || scenario.deployment === 'must succeed')) {
    return [...describeProblems(failure), ...failureReasons(rehearsal)];
  }
  const unclearMessages = failureReasons(rehearsal).filter((reason) => !isClearMessage(reason));
  const recoveryProblems = failure === undefined ? [] : await recover(rehearsal, steps, failure);
  if (hasSkippedCleanup(rehearsal)) {
    await rehearsal.deleteForgottenFleets();
  }
  return [
    ...unclearMessages.map((text) => `unclear message: ${text}`),
    ...recoveryProblems,
    ...(hasSkippedCleanup(rehearsal) || scenario.mayLeaveAuthorization
      ? []
      : uncanceledAuthorizations(rehearsal, lastDeployed(steps, failure))),
    ...(await leftBehind(rehearsal)).filter((left) => !(hasSkippedCleanup(rehearsal) && LEFT_BY_SKIPPED_CLEANUP.test(left))),
    ...changesToOthers(rehearsal),
    ...leakedSecrets(rehearsal),
  ];
}

/** Matches what may be left behind if CloudFormation skipped a deletion: blackhole routes, and rules for the CIDR blocks of deleted fleets. */
export const LEFT_BY_SKIPPED_CLEANUP = /^left behind: (routes .*"state":"blackhole"|rules )/;

/** Does what a user would do after the fault has ended: authorizes by hand, continues the rollback, and deletes the stack. */
async function recover(
  rehearsal: MatrixRehearsal,
  steps: readonly Step[],
  { stackBefore }: StepFailure,
): Promise<readonly string[]> {
  const { cloudFormation } = rehearsal;
  for (const vpc of new Set(steps.flatMap((step) => ('authorizeByHand' in step ? [step.authorizeByHand] : [])))) {
    // by then, GameLift's rate limit allows the next call
    await rehearsal.waitDays(0.1);
    await rehearsal.authorizeUnlessValid(vpc);
  }
  const hasRollbackFailed = cloudFormation.describe(STACK).status === 'UPDATE_ROLLBACK_FAILED';
  const rollbacks = hasRollbackFailed ? [await cloudFormation.continueUpdateRollback(STACK)] : [];
  const deviations = hasRollbackFailed && !hasSkippedCleanup(rehearsal) ? deviationsFrom(rehearsal, stackBefore) : [];
  const results = [...rollbacks, await cloudFormation.delete(STACK)];
  return [
    ...deviations.map((text) => `after the rollback was continued: ${text}`),
    ...results
      .filter(({ status }) => !status.endsWith('_COMPLETE'))
      .map(({ status, reason = '' }) => `${status} although the fault has ended: ${reason}`),
  ];
}
