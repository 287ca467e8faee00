import { announcement } from './announcement';
import { Api } from './api';
import { Calls, RateLimits } from './calls';
import type { Clients } from './clients';
import { CONSISTENCY_DELAY, secondsText } from './clock';
import type { Clock } from './clock';
import { ProbeStopped, messageOf } from './errors';
import { runExperiments } from './experiments';
import { Findings } from './findings';
import type { Finding } from './findings';
import type { ExperimentContext } from './experiment-context';
import { MARKER_KEY, markerValue, readMarker } from './marker';
import { Observer } from './observer';
import { ReadBack } from './read-back';
import { Redaction } from './redact';
import { findTarget, requireUnused } from './target';
import type { Target } from './target';
import { leftoversText, undo } from './undo';
import type { UndoOptions, UndoResult } from './undo';
import { settleRemoval } from './vpc-writes';
import type { VpcWrites } from './vpc-writes';

export interface ProbeOptions {
  readonly clients: Clients;
  readonly clock: Clock;
  readonly region: string;
  readonly fleetId: string;
  readonly vpcId: string;
  /** Asks whether to begin. */
  readonly confirm: () => Promise<boolean>;
  readonly print: (line: string) => void;
  /** If it is aborted, the run stops and undoes its changes. */
  readonly stop: AbortController;
}

export type Outcome =
  | { readonly kind: 'finished'; readonly findings: readonly Finding[] }
  /** The findings are empty if the experiments had not begun. */
  | { readonly kind: 'stopped'; readonly error: string; readonly findings: readonly Finding[] };

export async function probe(options: ProbeOptions): Promise<Outcome> {
  return await new Probe(options).run();
}

class Probe {
  private readonly api: Api;
  private readonly limits = new RateLimits();
  private readonly calls: Calls;
  private readonly redaction = new Redaction();
  private readonly readBack = new ReadBack();
  /** Says what was changed. It is the last line of an error if the experiments have not begun. */
  private changeNote = 'Nothing was changed.';

  constructor(private readonly options: ProbeOptions) {
    this.api = new Api(options.clients);
    this.calls = new Calls(options.clock, this.limits, options.stop.signal);
  }

  async run(): Promise<Outcome> {
    try {
      return await this.checkAndRun();
    } catch (error) {
      return { kind: 'stopped', error: `${messageOf(error)}\n${this.changeNote}`, findings: [] };
    }
  }

  private async checkAndRun(): Promise<Outcome> {
    const { options, api, calls } = this;
    const { print } = options;
    const target = await findTarget(calls, api, options.fleetId, options.vpcId);
    print(`waiting ${secondsText(CONSISTENCY_DELAY)}, since recent changes may not be visible yet`);
    await calls.sleep(CONSISTENCY_DELAY);
    // create the observer before the experiments: it remembers which connections have already ended
    const observer = this.createObserver(calls, target);
    const marker = await readMarker(calls, api, target.fleetArn);
    if (marker === undefined) {
      await requireUnused(calls, api, observer, target);
    }
    print(announcement(target, options.region, marker));
    if (!(await options.confirm())) {
      throw new ProbeStopped('You did not agree.');
    }
    if (marker !== undefined) {
      print(`undoing the changes of the run that began at ${marker.startTime}`);
      const earlierTarget = { ...target, pair: { ...target.pair, vpcId: marker.vpcId } };
      const { leftovers } = await undo(this.undoOptions(earlierTarget, { lastChangeAt: calls.now() }));
      if (leftovers.length > 0) {
        return { kind: 'stopped', error: leftoversText(leftovers), findings: [] };
      }
      print('the changes of the earlier run were undone');
      this.changeNote = 'The changes of an earlier run were undone. Nothing else was changed.';
      await calls.sleep(CONSISTENCY_DELAY);
      await requireUnused(calls, api, observer, target);
    }
    return await this.experimentAndUndo(target, observer);
  }

  private async experimentAndUndo(target: Target, observer: Observer): Promise<Outcome> {
    const { options, api, calls, readBack } = this;
    const { print, stop } = options;
    const context: ExperimentContext = {
      calls,
      api,
      pair: target.pair,
      observer,
      readBack,
      findings: new Findings(this.redaction, print),
      changes: {},
      print,
    };
    let result: { readonly writes: VpcWrites } | { readonly error: string };
    try {
      const tagValue = markerValue({ vpcId: target.pair.vpcId, startTime: new Date(calls.now()).toISOString() });
      await calls.callOrThrow(api.tag(target.fleetArn, MARKER_KEY, tagValue));
      const markerReads = readBack.watchMarker(calls, api, target.fleetArn, tagValue, calls.now());
      result = { writes: await runExperiments(context, stop, markerReads) };
    } catch (error) {
      result = { error: messageOf(error) };
      print(result.error);
    }
    print('undoing the changes');
    const undoResult = await undo(this.undoOptions(target, context.changes));
    return outcomeOf(context, result, undoResult);
  }

  private createObserver(calls: Calls, target: Target): Observer {
    return new Observer(calls, this.api, target.pair, this.redaction, this.readBack);
  }

  private undoOptions(target: Target, changes: ExperimentContext['changes']): UndoOptions {
    const { api, options, limits } = this;
    // undoing can't be interrupted
    const calls = new Calls(options.clock, limits, new AbortController().signal);
    return { calls, api, target, observer: this.createObserver(calls, target), changes, print: options.print };
  }
}

function outcomeOf(
  context: ExperimentContext,
  result: { readonly writes: VpcWrites } | { readonly error: string },
  undoResult: UndoResult,
): Outcome {
  const { leftovers, isVpcClean } = undoResult;
  if ('writes' in result) {
    settleRemoval(context, result.writes, isVpcClean);
  }
  const problems = [
    ...('error' in result ? [result.error] : []),
    ...(leftovers.length > 0 ? [leftoversText(leftovers)] : 'error' in result ? ['All changes were undone.'] : []),
  ];
  const findings = context.findings.all(
    'error' in result ? `The run ended before this question: ${result.error}` : 'The run ended before this question',
  );
  return problems.length === 0 ? { kind: 'finished', findings } : { kind: 'stopped', error: problems.join('\n'), findings };
}
