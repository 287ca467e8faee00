import { BEHAVIOURS } from '../aws/index';
import type { Detail, Entry } from '../journal';
import { formatDuration } from '../report';
import type { ResourceNames } from './names';

/** The lanes of a stack and their labels, from top to bottom. */
export const LANES = {
  stack: 'Stack',
  resources: 'Resources',
  runs: 'Handler runs',
  changes: 'Calls that change',
  reads: 'Calls that read',
  throttled: 'Throttled calls',
  fleets: 'Fleets, peerings',
  messages: 'Messages',
} as const;

export type Lane = keyof typeof LANES;

/** An event in the picture. Its duration may be zero. */
export interface PictureEvent {
  readonly lane: Lane;
  /** Undefined if the event belongs to no stack. */
  readonly stack: string | undefined;
  readonly from: number;
  readonly to: number;
  readonly result: 'good' | 'bad' | 'neutral';
  readonly title: string;
  readonly text: string;
  /** The ids of the resources that a call is about. */
  readonly ids: readonly string[];
}

/** A create, update or delete of a stack. */
export interface StackOperation {
  readonly stack: string;
  readonly from: number;
  readonly to: number;
  /** The final status. */
  readonly status: string;
  /** Whether the operation succeeded, without a rollback. */
  readonly isComplete: boolean;
  /** The reason of the first resource that failed, if any. */
  readonly reason: string | undefined;
}

/** A step of a life, such as a deployment. */
export interface NamedStep {
  readonly name: string;
  /** When the operation on the first stack began. If the step changed no stack, when the step began. */
  readonly from: number;
}

interface LifeEvents {
  readonly steps: readonly NamedStep[];
  readonly operations: readonly StackOperation[];
  readonly events: readonly PictureEvent[];
}

type DetailOf<Kind extends Detail['kind']> = Extract<Detail, { readonly kind: Kind }>;

const THROTTLING_ERRORS: readonly string[] = BEHAVIOURS.throttlingError.readings;
const READ_OPERATION = /^(Assume|Describe|Get|List)/;
/** Repeated reads count as one event if the time between two of them is at most this long. */
const POLLING_MILLISECONDS = 120_000;
const COMPLETE_STATUSES = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'DELETE_COMPLETE'];

/** The events of a journal, in the order in which they began. */
export function eventsOf(entries: readonly Entry[], names: ResourceNames): LifeEvents {
  const reader = new EntryReader(names);
  for (const entry of entries) {
    reader.read(entry);
  }
  return reader.finish(entries.at(-1)?.time ?? 0);
}

/** Turns the entries of a journal, one after the other, into events. */
class EntryReader {
  private readonly events: PictureEvent[] = [];
  private readonly operations: StackOperation[] = [];
  private readonly steps: NamedStep[] = [];
  /** The step that has begun, until its first operation begins. */
  private pendingStep: NamedStep | undefined;
  /** The operations that have begun and not ended. `reason` is that of the first resource that failed. */
  private readonly stacksInProgress = new Map<string, { readonly from: number; readonly reason?: string }>();
  private readonly resourceStartTimes = new Map<string, number>();
  private readonly runsInProgress = new Map<
    string,
    { readonly from: number; readonly functionName: string; readonly lines: readonly string[] }
  >();
  /** For each repeated read: the index of its event, and how often it was repeated. */
  private readonly polls = new Map<string, { readonly index: number; readonly times: number }>();

  constructor(private readonly names: ResourceNames) {}

  read(entry: Entry): void {
    const { detail, time, source, subject, message } = entry;
    switch (detail?.kind) {
      case 'stack':
        this.readStack(entry, detail);
        break;
      case 'resource':
        this.readResource(entry, detail);
        break;
      case 'call':
        this.readCall(entry, detail);
        break;
      case 'run started':
        this.runsInProgress.set(detail.requestId, { functionName: subject, from: time, lines: [] });
        break;
      case 'run ended':
        this.endRun(detail.requestId, time);
        break;
      case 'fleet':
        this.addInstantEvent(entry, {
          lane: 'fleets',
          result: detail.status === 'ERROR' ? 'bad' : 'neutral',
          subjectId: subject,
        });
        break;
      case 'peering':
        this.addInstantEvent(entry, { lane: 'fleets', result: detail.outcome === 'FAILED' ? 'bad' : 'neutral' });
        break;
      case undefined:
        if (source === 'rehearsal') {
          this.startStep({ name: subject, from: time });
        } else if (source === 'lambda') {
          this.addLine(subject, message);
        } else if (source === 'cloudformation') {
          // while no stack is in progress, the message says that an update changes nothing; other messages are about a resource
          this.addInstantEvent(entry, {
            lane: this.stacksInProgress.size === 0 ? 'stack' : 'resources',
            result: 'neutral',
            stack: subject.split('/')[0],
          });
        } else {
          this.addInstantEvent(entry, { lane: 'messages', result: 'neutral', subjectId: subject });
        }
        break;
    }
  }

  /** Ends the last step, and the runs that have not ended at `end`. */
  finish(end: number): LifeEvents {
    this.startStep(undefined);
    for (const requestId of this.runsInProgress.keys()) {
      this.endRun(requestId, end);
    }
    const events = this.events.sort((one, other) => one.from - other.from);
    return { steps: this.steps, operations: this.operations, events };
  }

  /** Makes `step` the pending step. Adds the previous step now if it is still pending: it has changed no stack. */
  private startStep(step: NamedStep | undefined): void {
    if (this.pendingStep !== undefined) {
      this.steps.push(this.pendingStep);
    }
    this.pendingStep = step;
  }

  private readStack({ time }: Entry, { stack, status, reason }: DetailOf<'stack'>): void {
    const operation = this.stacksInProgress.get(stack);
    if (status.endsWith('_IN_PROGRESS')) {
      if (operation === undefined) {
        this.stacksInProgress.set(stack, { from: time });
      }
      if (this.pendingStep !== undefined) {
        this.steps.push({ ...this.pendingStep, from: time });
        this.pendingStep = undefined;
      }
      return;
    }
    const from = operation?.from ?? time;
    const cause = operation?.reason ?? (reason === undefined ? undefined : this.names.replaceIds(reason));
    this.stacksInProgress.delete(stack);
    const isComplete = COMPLETE_STATUSES.includes(status);
    const result = isComplete ? 'good' : 'bad';
    this.operations.push({ stack, from, to: time, status, isComplete, reason: isComplete ? undefined : cause });
    this.events.push({
      lane: 'stack',
      stack,
      from,
      to: time,
      ids: [],
      title: status,
      result,
      text: joinParts(`${stack}, ${formatDuration(time - from)}`, cause),
    });
  }

  private readResource({ time }: Entry, detail: DetailOf<'resource'>): void {
    const { stack, logicalId, resourceType, status } = detail;
    const key = `${stack}/${logicalId}`;
    const from = this.resourceStartTimes.get(key) ?? time;
    if (status.endsWith('_IN_PROGRESS')) {
      this.resourceStartTimes.set(key, from);
      return;
    }
    this.resourceStartTimes.delete(key);
    const reason = detail.reason === undefined ? undefined : this.names.replaceIds(detail.reason);
    const hasFailed = status.endsWith('_FAILED');
    const operation = this.stacksInProgress.get(stack);
    if (hasFailed && operation !== undefined && operation.reason === undefined) {
      this.stacksInProgress.set(stack, { ...operation, reason: joinParts(logicalId, reason) });
    }
    this.events.push({
      lane: 'resources',
      stack,
      from,
      to: time,
      ids: [],
      title: `${logicalId} ${status}`,
      result: hasFailed ? 'bad' : 'neutral',
      text: joinParts(`${resourceType}, ${formatDuration(time - from)}`, reason),
    });
  }

  private readCall({ time, subject }: Entry, { outcome, callerArn, ids }: DetailOf<'call'>): void {
    const isThrottled = THROTTLING_ERRORS.includes(outcome);
    const isRead = READ_OPERATION.test(subject);
    // the ARN of a caller is arn:aws:sts::account:assumed-role/role/session
    const [, role] = callerArn?.split('/') ?? [];
    const stack = this.stackOf(role, ids);
    const resourceNames = [
      ...new Set(ids.filter((id) => this.names.stackOf(id) !== undefined).map((id) => this.names.replaceIds(id))),
    ];
    const caller = role === undefined ? 'an unknown caller' : this.names.replaceIds(role);
    const hasFailed = outcome !== 'succeeded';
    const event: PictureEvent = {
      lane: isThrottled ? 'throttled' : isRead ? 'reads' : 'changes',
      stack,
      from: time,
      to: time,
      ids,
      result: hasFailed ? 'bad' : 'neutral',
      title: hasFailed ? `${subject}: ${outcome}` : subject,
      text: joinParts(resourceNames.join(', '), `called by ${caller}`),
    };
    const key = [stack, event.title, event.text].join(' ');
    const poll = isRead ? this.polls.get(key) : undefined;
    const lastRead = poll === undefined ? undefined : this.events[poll.index];
    if (poll === undefined || lastRead === undefined || time - lastRead.to > POLLING_MILLISECONDS) {
      this.polls.set(key, { index: this.events.length, times: 1 });
      this.events.push(event);
      return;
    }
    const times = poll.times + 1;
    this.polls.set(key, { index: poll.index, times });
    this.events[poll.index] = { ...lastRead, to: time, title: `${event.title}, ${times} times` };
  }

  private addLine(functionName: string, line: string): void {
    for (const [requestId, run] of this.runsInProgress) {
      if (run.functionName === functionName) {
        this.runsInProgress.set(requestId, { ...run, lines: [...run.lines, this.names.replaceIds(line)] });
      }
    }
  }

  private endRun(requestId: string, to: number): void {
    const run = this.runsInProgress.get(requestId);
    this.runsInProgress.delete(requestId);
    if (run !== undefined) {
      const { functionName, from, lines } = run;
      this.events.push({
        lane: 'runs',
        stack: this.stackOf(functionName, []),
        from,
        to,
        result: 'neutral',
        ids: [],
        title: `Handler run, ${formatDuration(to - from)}`,
        text: joinParts(this.names.replaceIds(functionName), lines.join(' ')),
      });
    }
  }

  private addInstantEvent(
    { time, subject, message }: Entry,
    {
      subjectId,
      ...properties
    }: Pick<PictureEvent, 'lane' | 'result'> & { readonly subjectId?: string; readonly stack?: string | undefined },
  ): void {
    const [title, text] = [subject, message].map((part) => this.names.replaceIds(part));
    this.events.push({
      stack: this.stackOf(subjectId, []),
      ...properties,
      from: time,
      to: time,
      title: title ?? '',
      text: text ?? '',
      ids: [],
    });
  }

  /**
   * Returns the stack of an event. If exactly one stack is in progress, every event belongs to this stack. Otherwise an event belongs to
   * the stack that created the resource `subjectId`, or else one of the resources `ids`. If several stacks are in progress, only these
   * stacks count, and an event that belongs to none of them is shown with the first one.
   *
   * @param subjectId the caller, or the resource that the event is about
   * @param ids the resources that a call is about
   */
  private stackOf(subjectId: string | undefined, ids: readonly string[]): string | undefined {
    const [first, second] = this.stacksInProgress.keys();
    if (first !== undefined && second === undefined) {
      return first;
    }
    const creators = [...(subjectId === undefined ? [] : [subjectId]), ...ids].map((id) => this.names.stackOf(id));
    return creators.find((stack) => stack !== undefined && (first === undefined || this.stacksInProgress.has(stack))) ?? first;
  }
}

function joinParts(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(': ');
}
