import { formatDuration } from '../report';
import { eventsOf, LANES } from './events';
import type { Lane, NamedStep, PictureEvent, StackOperation } from './events';
import type { PicturedLife } from './life';
import { Names } from './names';
import { Scale } from './scale';
import { authorizationHistories, windowsOf } from './windows';
import type { AuthorizationHistory } from './windows';

/** An authorization and the name of its VPC. */
export interface NamedHistory extends AuthorizationHistory {
  readonly vpc: string;
}

/** The lanes of a stack, or of all events outside of stacks. */
export interface StackGroup {
  readonly name: string;
  readonly authorizations: readonly NamedHistory[];
  readonly lanes: readonly { readonly lane: Lane; readonly events: readonly PictureEvent[] }[];
}

/** The result of a step for one stack, and the state of its authorizations. */
export interface StepResult {
  /** The index of the step. Undefined before the first step. */
  readonly step: number | undefined;
  readonly operation: StackOperation | undefined;
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

/** Computes what the picture of a life shows, and when. */
export function layoutOf({ title, start, end, entries, authorizations }: PicturedLife): Layout {
  const names = new Names(entries);
  const { steps, operations, events } = eventsOf(entries, names);
  const histories = authorizationHistories(authorizations).map((history) => {
    const { peerVpcId } = history.key;
    const callers = events.filter(({ ids }) => ids.includes(peerVpcId)).map(({ stack }) => stack);
    return {
      history: { ...history, vpc: names.replaceIds(peerVpcId) },
      stacks: new Set([names.stackOf(peerVpcId), ...callers].filter((stack) => stack !== undefined)),
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
    ...[start, end],
    ...steps.map(({ from }) => from),
    ...events.filter(({ lane }) => !QUIET_LANES.includes(lane)).flatMap(({ from, to }) => [from, to]),
    ...histories.flatMap(({ history: { windows, changes } }) => [
      ...changes.map(({ time }) => time),
      ...windows.flatMap(({ from, to }) => [from, Math.min(to, end)]),
    ]),
  ];
  return {
    ...{ title, start, end, steps, scale: new Scale(moments) },
    groups: groups.filter((group) => group.lanes.length > 0 || group.authorizations.length > 0),
    results: stepResultsOf(steps, operations, (stack) => groups.find(({ name }) => name === stack)?.authorizations ?? []),
  };
}

function stepResultsOf(
  steps: readonly NamedStep[],
  operations: readonly StackOperation[],
  authorizationsOf: (stack: string) => readonly NamedHistory[],
): StepResult[] {
  const stepAt = (time: number): number | undefined => {
    const index = steps.findLastIndex(({ from }) => from <= time);
    return index < 0 ? undefined : index;
  };
  const results = operations.map((operation): StepResult => {
    const histories = authorizationsOf(operation.stack);
    const texts = histories.map(
      (history) => `${histories.length === 1 ? '' : `${history.vpc}: `}${stateDuring(history, operation)}`,
    );
    return { step: stepAt(operation.from), operation, authorization: texts.join('; ') };
  });
  const stepsWithoutOperation = steps
    .map((_, step): StepResult => ({ step, operation: undefined, authorization: '' }))
    .filter(({ step }) => results.every((result) => result.step !== step));
  return [...results, ...stepsWithoutOperation].sort((one, other) => (one.step ?? -1) - (other.step ?? -1));
}

/** Describes whether the authorization was valid when an operation began, and how it changed during the operation. */
function stateDuring({ changes }: AuthorizationHistory, { from, to }: Pick<StackOperation, 'from' | 'to'>): string {
  // without later changes, because a later cancellation would shorten the window
  const last = windowsOf(changes.filter(({ time }) => time < from)).at(-1);
  const during = changes.filter(({ time }) => time >= from && time <= to);
  const authorized = during.find(({ kind }) => kind === 'authorized');
  const missing = during.filter(({ kind }) => kind === 'missing').length;
  const before =
    last === undefined
      ? 'no authorization before'
      : last.to > from
        ? `valid for another ${formatDuration(last.to - from)}`
        : `${{ expiry: 'expired', cancellation: 'canceled', use: 'consumed' }[last.endedBy]} ${formatDuration(from - last.to)} before`;
  return [
    before,
    ...(missing === 0 ? [] : [`${missing} ${missing === 1 ? 'call' : 'calls'} without it`]),
    ...(authorized === undefined
      ? []
      : [authorized.time - from < 1000 ? 'authorized at once' : `authorized after ${formatDuration(authorized.time - from)}`]),
    ...(during.some(({ kind }) => kind === 'canceled') ? ['then canceled'] : []),
  ].join(', ');
}
