import type { CallFault, Faults, PutFault, MadeCall } from 'rehearsal/in-process';
import { damage, deviations, isSkipped, leaks, leftovers, reasons, unlapsed } from './checker';
import { declaredLast, firstFailure, LIFECYCLES, textsOf, worldFor } from './lifecycles';
import type { Failure, LifecycleName, Step } from './lifecycles';
import { resultOf } from './observations';
import type { Result } from './observations';
import { STACK } from './stacks';
import type { MatrixWorld, Readings } from './world';

/*
 * What can go wrong with each call that the handler makes.
 */

export interface FaultScenario {
  readonly name: string;
  readonly faults: Faults;
  /** One after which the life has to go on as if nothing had been, or one that may fail a deployment. */
  readonly severity: 'mild' | 'grave';
  /** Whether an authorization may be left to lapse: GameLift denies that there is one, or a copy of an event asks for one late. */
  readonly leavesAuthorization: boolean;
}

/** What happens to one call. */
interface NamedFault {
  readonly name: string;
  readonly fault: CallFault;
  /** Whether one such fault may fail the request: the service refuses, and is not asked twice. */
  readonly once: FaultScenario['severity'];
}

const error = (name: string, once: FaultScenario['severity'], status = 400): NamedFault => ({
  name,
  fault: { kind: 'error', name, status },
  once,
});

const BROKEN: readonly NamedFault[] = (['before', 'after'] as const).flatMap((effect) => [
  { name: `timeout ${effect} it took effect`, fault: { kind: 'timeout', effect }, once: 'mild' },
  { name: `connection reset ${effect} it took effect`, fault: { kind: 'reset', effect }, once: 'mild' },
  { name: `process killed ${effect} it took effect`, fault: { kind: 'killed', effect }, once: 'mild' },
]);
const LATE: readonly NamedFault[] = (['before', 'after'] as const).map((effect) => ({
  name: `no answer ${effect} it took effect, until the time is up`,
  fault: { kind: 'late', effect },
  once: 'grave',
}));
const MALFORMED: NamedFault = { name: 'malformed answer', fault: { kind: 'malformed' }, once: 'mild' };

/** As the API reference lists them; the peering operations have all four, but for one. */
const GAMELIFT: readonly NamedFault[] = [
  error('InternalServiceException', 'mild', 500),
  error('InvalidRequestException', 'grave'),
  error('NotFoundException', 'grave'),
  error('UnauthorizedException', 'grave'),
  error('ThrottlingException', 'mild'),
  error('AccessDeniedException', 'mild'),
];

const EC2: readonly NamedFault[] = [
  error('InternalError', 'mild', 500),
  error('Unavailable', 'mild', 503),
  error('RequestLimitExceeded', 'mild', 503),
  error('UnauthorizedOperation', 'mild', 403),
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
  error('InternalFailure', 'mild', 500),
  error('ServiceUnavailable', 'mild', 503),
  error('Throttling', 'mild'),
  error('AccessDenied', 'mild', 403),
];

/** How a service may refuse a call, as documented. */
export function documented({ service, operation }: Pick<MadeCall, 'service' | 'operation'>): readonly NamedFault[] {
  switch (service) {
    case 'ec2':
      return [...EC2, ...(EC2_DOCUMENTED[operation] ?? []).map((name) => error(name, 'grave'))];
    case 'sts':
      return [...QUERY, error('RegionDisabledException', 'grave', 403)];
    case 'cloudformation':
      return [...QUERY, error('ValidationError', 'grave')];
    default:
      return [
        ...GAMELIFT.filter(({ name }) => operation !== 'DescribeVpcPeeringAuthorizations' || name !== 'NotFoundException'),
        ...(operation === 'TagResource' || operation === 'UntagResource' ? [error('TaggingFailedException', 'grave')] : []),
      ];
  }
}

/** How GameLift may say that there is no authorization. */
const DENYING: ReadonlySet<string> = new Set(['NotFoundException', 'InvalidRequestException']);

/** Everything that can go wrong at one call, or, at the next call, the rest of it, by turns. */
export type Extent = 'all' | 'by turns';

/**
 * Everything that can go wrong at one call: a refusal once, and from then on with every call of the operation; what is wrong with
 * the network or the process once.
 */
function faultScenariosAt(index: number, call: MadeCall, extent: Extent): readonly FaultScenario[] {
  const { operation, request } = call;
  const name = `call ${index}, ${operation} during ${request}`;
  const once = ({ name: what, fault, once: severity }: NamedFault): FaultScenario => ({
    name: `${name}: ${what}, once`,
    severity,
    leavesAuthorization: isDenial(operation, fault) || (severity === 'grave' && isCheckBeforeCancel(call)),
    faults: { call: (point) => (point.index === index ? fault : undefined) },
  });
  const forGood = ({ name: what, fault }: NamedFault): FaultScenario => ({
    name: `${name}: ${what}, for good`,
    severity: 'grave',
    // every later call of this name fails too: also the check before the authorization is canceled
    leavesAuthorization: isDenial(operation, fault) || operation === CHECK,
    faults: { call: (point) => (point.index >= index && point.operation === operation ? fault : undefined) },
  });
  const refusals = documented(call).flatMap((namedFault) => [once(namedFault), forGood(namedFault)]);
  const scenarios = [...refusals, ...[...BROKEN, ...LATE, MALFORMED].map(once)];
  return extent === 'all' ? scenarios : scenarios.filter((_, position) => (index + position) % 3 === 0);
}

/** The call that tells whether something is still peered with the VPC: if it fails, the authorization is left to expire. */
export const CHECK = 'DescribeVpcPeeringConnections';

function isCheckBeforeCancel({ operation, request }: MadeCall): boolean {
  return operation === CHECK && request.startsWith('Delete Authorization');
}

function isDenial(operation: string, fault: CallFault): boolean {
  return operation === 'DeleteVpcPeeringAuthorization' && fault.kind === 'error' && DENYING.has(fault.name);
}

const PUTS: readonly { readonly name: string; readonly fault: PutFault }[] = [
  { name: 'HTTP 500', fault: { kind: 'status', status: 500 } },
  { name: 'HTTP 403', fault: { kind: 'status', status: 403 } },
  { name: 'connection reset before it arrived', fault: { kind: 'reset', effect: 'before' } },
  { name: 'connection reset after it arrived', fault: { kind: 'reset', effect: 'after' } },
  { name: 'timeout', fault: { kind: 'timeout' } },
];

/** What can go wrong with one answer. */
export function faultScenariosOfPut(index: number): readonly FaultScenario[] {
  return PUTS.flatMap(({ name, fault }): FaultScenario[] => {
    // S3 says with 403 that the URL has expired, which is final, and an answer that arrived is one, whatever came back
    const final = fault.kind === 'status' && fault.status === 403;
    const arrived = fault.kind === 'reset' && fault.effect === 'after';
    return [
      {
        name: `answer ${index}: ${name}, once`,
        severity: final ? 'grave' : 'mild',
        leavesAuthorization: false,
        faults: { put: (point) => (point.index === index ? fault : undefined) },
      },
      {
        name: `answer ${index}: ${name}, for good`,
        severity: arrived ? 'mild' : 'grave',
        leavesAuthorization: false,
        faults: { put: (point) => (point.index >= index ? fault : undefined) },
      },
    ];
  });
}

/** A function that is slowed down until little of its time is left, in seconds before its end. */
const LAST_MOMENTS = [31, 40, 60];

/** What can go wrong with one event: it comes twice, or the function has hardly any time for it. */
export function faultScenariosOfEvent(index: number): readonly FaultScenario[] {
  return [
    ...[0, 1, 5, 30].map((seconds): FaultScenario => ({
      name: `event ${index} comes again after ${seconds} seconds`,
      severity: 'mild',
      leavesAuthorization: true,
      faults: { copies: (point) => (point.index === index ? [seconds] : []) },
    })),
    ...LAST_MOMENTS.map((seconds): FaultScenario => ({
      name: `event ${index} meets a function with ${seconds} seconds left`,
      severity: 'grave',
      leavesAuthorization: false,
      faults: { seconds: (point) => (point.index === index ? seconds : undefined) },
    })),
  ];
}

/** Everything that can go wrong in a life, one thing at a time. */
export async function faultScenariosOf(
  lifecycle: LifecycleName,
  readings: Readings,
  extent: Extent,
): Promise<readonly FaultScenario[]> {
  const world = await populate(lifecycle, readings);
  await world.live(() => firstFailure(world, LIFECYCLES[lifecycle]));
  const { calls, puts, events } = world.functions;
  world.close();
  return [
    ...calls.flatMap((call, index) => faultScenariosAt(index, call, extent)),
    ...Array.from({ length: puts }, (_, index) => faultScenariosOfPut(index)).flat(),
    ...Array.from({ length: events }, (_, index) => faultScenariosOfEvent(index)).flat(),
  ];
}

/** Connections are quick, so that each of the calls that wait for one is looked at. */
async function populate(lifecycle: LifecycleName, readings: Readings): Promise<MatrixWorld> {
  const world = await worldFor(lifecycle, readings);
  world.aws.scriptedOutcomes.connectionSeconds = 6;
  world.aws.scriptedOutcomes.connectionDeletionSeconds = 4;
  return world;
}

/** What could not be done, why, and what to do about it. */
const OURS =
  /Message returned: (?:(?:could not [A-Za-z ]+|an authorization is missing) (?:between VPC|for VPC|fleet) \S+.*(?:again|Run there|pass adoptExisting|remove it there)|.*was not finished within \d+ seconds: try again|.*no time left for the \w+: try again)/;

/** That nobody answered, who cancelled it, or what another resource says. */
const OTHERS =
  /did not receive a response from your Custom Resource|^Resource (?:creation|update) cancelled$|^Resource handler returned message|^The vpc ID '\S+' does not exist$/;

/** What a program says of itself, and not of what happened. */
const SLIP = /\bundefined\b|\bNaN\b|\[object |is not a function|Cannot read|TypeError/;

export function isClear(reason: string): boolean {
  return (OURS.test(reason) || OTHERS.test(reason)) && !SLIP.test(reason);
}

/** A life in which something goes wrong. */
export async function runWithFault(lifecycle: LifecycleName, readings: Readings, scenario: FaultScenario): Promise<Result> {
  const world = await populate(lifecycle, readings);
  world.functions.faults = scenario.faults;
  return resultOf(world, () => world.live(() => lifeWithFault(world, LIFECYCLES[lifecycle], scenario)));
}

async function lifeWithFault(world: MatrixWorld, steps: readonly Step[], scenario: FaultScenario): Promise<readonly string[]> {
  const failure = await firstFailure(world, steps);
  world.functions.faults = {};
  // whatever went wrong, what CloudFormation says that there is is there
  const wrong = failure?.problems.some(({ about }) => about === 'state') === true && !isSkipped(world);
  if (failure !== undefined && (wrong || scenario.severity === 'mild')) {
    return [...textsOf(failure), ...reasons(world)];
  }
  const unclear = reasons(world).filter((reason) => !isClear(reason));
  return [
    ...unclear.map((text) => `not clear: ${text}`),
    ...(failure === undefined ? [] : await recover(world, steps, failure)),
    ...(await forgotten(world)),
    ...(isSkipped(world) || scenario.leavesAuthorization ? [] : unlapsed(world, declaredLast(steps, failure))),
    ...(await leftovers(world)).filter((left) => !(isSkipped(world) && DEAD_ENDS.test(left))),
    ...damage(world),
    ...leaks(world),
  ];
}

/** What one does about a clean-up that CloudFormation skipped; gives nothing. */
async function forgotten(world: MatrixWorld): Promise<readonly string[]> {
  if (isSkipped(world)) {
    await world.deleteForgottenFleets();
  }
  return [];
}

/** All that may be left then: routes that lead nowhere, and rules for addresses that nobody has. */
export const DEAD_ENDS = /^left behind: (routes .*"state":"blackhole"|rules )/;

/** What one does once nothing is wrong any more. */
async function recover(world: MatrixWorld, steps: readonly Step[], { before }: Failure): Promise<readonly string[]> {
  const { cloudFormation } = world;
  for (const vpc of new Set(steps.flatMap((step) => ('authorizeByHand' in step ? [step.authorizeByHand] : [])))) {
    // as often as GameLift lets anybody
    await world.pass(0.1);
    await world.authorizeUnlessValid(vpc);
  }
  const stuck = cloudFormation.describe(STACK).status === 'UPDATE_ROLLBACK_FAILED';
  const rolledBack = stuck ? [await cloudFormation.continueUpdateRollback(STACK)] : [];
  const wrong = stuck && !isSkipped(world) ? deviations(world, before) : [];
  const results = [...rolledBack, await cloudFormation.delete(STACK)];
  return [
    ...wrong.map((text) => `after the rollback went on: ${text}`),
    ...results
      .filter(({ status }) => !status.endsWith('_COMPLETE'))
      .map(({ status, reason = '' }) => `${status} although nothing is wrong any more: ${reason}`),
  ];
}
