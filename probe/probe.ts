import { announcement } from './announcement';
import { Api } from './api';
import { Calls, RateLimits } from './calls';
import type { Clients } from './clients';
import { VISIBLE, seconds } from './clock';
import type { Clock } from './clock';
import { ProbeStopped, messageOf } from './errors';
import { runExperiments } from './experiments';
import { Findings } from './findings';
import type { Finding } from './findings';
import type { Lab } from './lab';
import { MARKER_KEY, markerValue, readMarker } from './marker';
import { Observer } from './observer';
import { ReadBack } from './read-back';
import { Redaction } from './redact';
import { findTarget, requireUnused } from './target';
import type { Target } from './target';
import { leftoversText, undo } from './undo';
import type { UndoOptions, Undone } from './undo';
import { settleRemoval } from './vpc-writes';
import type { Writes } from './vpc-writes';

export interface ProbeOptions {
  readonly clients: Clients;
  readonly clock: Clock;
  readonly region: string;
  readonly fleetId: string;
  readonly vpcId: string;
  /** Asks whether to begin. */
  readonly confirm: () => Promise<boolean>;
  readonly tell: (line: string) => void;
  /** Aborting it stops the run. Then the run undoes what it did. */
  readonly stop: AbortController;
}

export type Outcome =
  | { readonly kind: 'finished'; readonly findings: readonly Finding[] }
  /** What went wrong. There are findings if the experiments had begun. */
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
  private changed = 'Nothing was changed.';

  constructor(private readonly options: ProbeOptions) {
    this.api = new Api(options.clients);
    this.calls = new Calls(options.clock, this.limits, options.stop.signal);
  }

  async run(): Promise<Outcome> {
    try {
      return await this.begin();
    } catch (error) {
      return { kind: 'stopped', error: `${messageOf(error)}\n${this.changed}`, findings: [] };
    }
  }

  private async begin(): Promise<Outcome> {
    const { options, api, calls } = this;
    const { tell } = options;
    const target = await findTarget(calls, api, options.fleetId, options.vpcId);
    tell(`waiting ${seconds(VISIBLE)}, since what was changed a moment ago may not be visible yet`);
    await calls.sleep(VISIBLE);
    // the one that remembers which connections had ended before
    const observer = this.observer(calls, target);
    const marker = await readMarker(calls, api, target.fleetArn);
    if (marker === undefined) {
      await requireUnused(calls, api, observer, target);
    }
    tell(announcement(target, options.region, marker));
    if (!(await options.confirm())) {
      throw new ProbeStopped('You did not agree.');
    }
    if (marker !== undefined) {
      tell(`undoing what the run that began at ${marker.started} has left`);
      const leftover = { ...target, pair: { ...target.pair, vpcId: marker.vpcId } };
      const { leftovers } = await undo(this.undoOptions(leftover, { last: calls.now() }));
      if (leftovers.length > 0) {
        return { kind: 'stopped', error: leftoversText(leftovers), findings: [] };
      }
      tell('the earlier run is undone');
      this.changed = 'What an earlier run had left is undone. Nothing else was changed.';
      await calls.sleep(VISIBLE);
      await requireUnused(calls, api, observer, target);
    }
    return await this.experiment(target, observer);
  }

  private async experiment(target: Target, observer: Observer): Promise<Outcome> {
    const { options, api, calls, readBack } = this;
    const { tell, stop } = options;
    const lab: Lab = {
      calls,
      api,
      pair: target.pair,
      observer,
      readBack,
      findings: new Findings(this.redaction, tell),
      changes: {},
      tell,
    };
    let result: { readonly writes: Writes } | { readonly error: string };
    try {
      const value = markerValue({ vpcId: target.pair.vpcId, started: new Date(calls.now()).toISOString() });
      await calls.read(api.tag(target.fleetArn, MARKER_KEY, value));
      const beside = readBack.watchMarker(calls, api, target.fleetArn, value, calls.now());
      result = { writes: await runExperiments(lab, stop, beside) };
    } catch (error) {
      result = { error: messageOf(error) };
      tell(result.error);
    }
    tell('undoing what was done');
    const undone = await undo(this.undoOptions(target, lab.changes));
    return outcomeOf(lab, result, undone);
  }

  private observer(calls: Calls, target: Target): Observer {
    return new Observer(calls, this.api, target.pair, this.redaction, this.readBack);
  }

  private undoOptions(target: Target, changes: Lab['changes']): UndoOptions {
    const { api, options, limits } = this;
    // nothing interrupts undoing
    const calls = new Calls(options.clock, limits, new AbortController().signal);
    return { calls, api, target, observer: this.observer(calls, target), changes, tell: options.tell };
  }
}

function outcomeOf(lab: Lab, result: { readonly writes: Writes } | { readonly error: string }, undone: Undone): Outcome {
  const { leftovers, isVpcClean } = undone;
  if ('writes' in result) {
    settleRemoval(lab, result.writes, isVpcClean);
  }
  const problems = [
    ...('error' in result ? [result.error] : []),
    ...(leftovers.length > 0 ? [leftoversText(leftovers)] : 'error' in result ? ['What was done is undone.'] : []),
  ];
  const findings = lab.findings.all('error' in result ? `The run ended before: ${result.error}` : 'The run did not come to it');
  return problems.length === 0 ? { kind: 'finished', findings } : { kind: 'stopped', error: problems.join('\n'), findings };
}
