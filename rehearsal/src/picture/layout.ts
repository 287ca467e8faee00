import { formatDuration } from '../report';
import { eventsOf, LANES } from './events';
import type { Lane, NamedStep, PictureEvent, StackOperation } from './events';
import type { PicturedLife } from './life';
import { ResourceNames } from './names';
import { Scale } from './scale';
import { authorizationHistories, windowsOf } from './windows';
import type { AuthorizationHistory } from './windows';

/** The history of an authorization, and the name of its VPC. */
export interface NamedAuthorizationHistory extends AuthorizationHistory {
  readonly vpc: string;
}

/** The lanes of a stack, or of all events outside of stacks. */
export interface StackGroup {
  readonly name: string;
  readonly authorizations: readonly NamedAuthorizationHistory[];
  readonly lanes: readonly { readonly lane: Lane; readonly events: readonly PictureEvent[] }[];
}

/** The result of a step for one stack, and the state of its authorizations. */
export interface StepResult {
  /** Undefined if the operation began before the first step. */
  readonly stepIndex: number | undefined;
  readonly operation: StackOperation | undefined;
  /** Describes how valid the authorizations were during the step. */
  readonly authorization: string;
}

export interface Layout {
  readonly title: string;
  readonly start: number;
  readonly end: number;
  readonly scale: Scale;
  readonly steps: readonly NamedStep[];
  readonly groups: readonly StackGroup[];
  readonly results: readonly StepResult[];
}

const LANE_NAMES = Object.keys(LANES) as Lane[];

/** Lanes whose events do not end a quiet time: polling and status changes of fleets. */
const QUIET_LANES: readonly Lane[] = ['reads', 'fleets'];

/** Computes which events the picture of a life shows, and in which groups and lanes. */
export function layoutOf({ title, start, end, entries, authorizations }: PicturedLife): Layout {
  const names = new ResourceNames(entries);
  const { steps, operations, events } = eventsOf(entries, names);
  const histories = authorizationHistories(authorizations).map((history) => {
    const { peerVpcId } = history.key;
    const callingStacks = events.filter(({ ids }) => ids.includes(peerVpcId)).map(({ stack }) => stack);
    return {
      history: { ...history, vpc: names.replaceIds(peerVpcId) },
      stacks: new Set([names.stackOf(peerVpcId), ...callingStacks].filter((stack) => stack !== undefined)),
    };
  });
  const stacks = new Set([...operations.map(({ stack }) => stack), ...events.map(({ stack }) => stack)]);
  stacks.delete(undefined);
  const groups = [...stacks, undefined].map((stack): StackGroup => {
    const stackEvents = events.filter((event) => event.stack === stack);
    return {
      name: stack ?? 'Outside of stacks',
      // an authorization that no stack uses is shown outside of stacks
      authorizations: histories
        .filter((candidate) => (stack === undefined ? candidate.stacks.size === 0 : candidate.stacks.has(stack)))
        .map(({ history }) => history),
      lanes: LANE_NAMES.map((lane) => ({ lane, events: stackEvents.filter((event) => event.lane === lane) })).filter(
        (lane) => lane.events.length > 0,
      ),
    };
  });
  const moments = [
    start,
    end,
    ...steps.map(({ from }) => from),
    ...events.filter(({ lane }) => !QUIET_LANES.includes(lane)).flatMap(({ from, to }) => [from, to]),
    ...histories.flatMap(({ history: { windows, changes } }) => [
      ...changes.map(({ time }) => time),
      ...windows.flatMap(({ from, to }) => [from, Math.min(to, end)]),
    ]),
  ];
  return {
    title,
    start,
    end,
    steps,
    scale: new Scale(moments),
    groups: groups.filter((group) => group.lanes.length > 0 || group.authorizations.length > 0),
    results: stepResultsOf(steps, operations, (stack) => groups.find(({ name }) => name === stack)?.authorizations ?? []),
  };
}

function stepResultsOf(
  steps: readonly NamedStep[],
  operations: readonly StackOperation[],
  authorizationsOf: (stack: string) => readonly NamedAuthorizationHistory[],
): StepResult[] {
  const stepIndexAt = (time: number): number | undefined => {
    const index = steps.findLastIndex(({ from }) => from <= time);
    return index < 0 ? undefined : index;
  };
  const results = operations.map((operation): StepResult => {
    const histories = authorizationsOf(operation.stack);
    const texts = histories.map(
      (history) => `${histories.length === 1 ? '' : `${history.vpc}: `}${authorizationStateDuring(history, operation)}`,
    );
    return { stepIndex: stepIndexAt(operation.from), operation, authorization: texts.join('; ') };
  });
  const stepsWithoutOperation = steps
    .map((_, stepIndex): StepResult => ({ stepIndex, operation: undefined, authorization: '' }))
    .filter(({ stepIndex }) => results.every((result) => result.stepIndex !== stepIndex));
  return [...results, ...stepsWithoutOperation].sort((one, other) => (one.stepIndex ?? -1) - (other.stepIndex ?? -1));
}

/** Describes whether the authorization was valid when an operation began, and how it changed during the operation. */
function authorizationStateDuring({ changes }: AuthorizationHistory, { from, to }: Pick<StackOperation, 'from' | 'to'>): string {
  // computed without later changes, because a later cancellation would shorten the window
  const lastWindow = windowsOf(changes.filter(({ time }) => time < from)).at(-1);
  const during = changes.filter(({ time }) => time >= from && time <= to);
  const firstAuthorization = during.find(({ kind }) => kind === 'authorized');
  const missingCount = during.filter(({ kind }) => kind === 'missing').length;
  const stateBefore =
    lastWindow === undefined
      ? 'no authorization before'
      : lastWindow.to > from
        ? `valid for another ${formatDuration(lastWindow.to - from)}`
        : `${{ expiry: 'expired', cancellation: 'canceled', consumption: 'consumed' }[lastWindow.endedBy]} ${formatDuration(from - lastWindow.to)} before`;
  return [
    stateBefore,
    ...(missingCount === 0 ? [] : [`${missingCount} ${missingCount === 1 ? 'call' : 'calls'} without it`]),
    ...(firstAuthorization === undefined
      ? []
      : [
          firstAuthorization.time - from < 1000
            ? 'authorized at once'
            : `authorized after ${formatDuration(firstAuthorization.time - from)}`,
        ]),
    ...(during.some(({ kind }) => kind === 'canceled') ? ['then canceled'] : []),
  ].join(', ');
}
