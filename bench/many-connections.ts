import type { Reading } from 'rehearsal/aws';
import { CREATED_FLEETS, IMPORTED_FLEETS, rehearseManyConnections } from '../test/life/many-connections';
import type { FleetSource, ManyConnectionsResult } from '../test/life/many-connections';
import { withRehearsal } from './rehearsals';
import { verdict } from './result';
import type { Measurement, Target } from './result';
import { ALTERNATIVES } from './ways';
import { LIBRARY } from './ways/library';
import type { Way } from './ways/way';

/** The numbers of connections in the stacks with this library. */
const COUNTS = [1, 10, 25, 50, 100];
/** The target applies to stacks with at least this many connections. */
const MIN_CONNECTIONS_OF_TARGET = 50;
/** The numbers of connections in the stacks with an alternative. Most alternatives fail early, so there are more small stacks. */
const ALTERNATIVE_COUNTS = [1, 2, 3, 4, 5, 10, 25, 50, 100];
/** The target: at most this ratio of the duration to the minimum. */
const MAX_RATIO = 1.1;
/** The rate limit: GameLift allows one call of each operation in this time. */
const SECONDS_PER_CALL = 10;

type Phase = 'creating' | 'deleting';

interface Settings {
  readonly way: Way;
  /** Where the fleets come from, for the table. */
  readonly fleets: string;
  readonly source: FleetSource;
  /** Whether throttled calls count against the rate limit. AWS does not document this. */
  readonly throttledCalls: Reading<'throttledCalls'>;
}

/** The creation and the deletion of one stack. */
interface Run extends Settings {
  readonly connections: number;
  readonly result: ManyConnectionsResult;
}

/** All combinations of fleets and readings. Each way runs with each of them. */
const SETTINGS = (['not counted', 'counted'] as const).flatMap((throttledCalls) => [
  { fleets: 'imported', source: IMPORTED_FLEETS, throttledCalls },
  { fleets: 'of the stack', source: CREATED_FLEETS, throttledCalls },
]);

async function runStack(settings: Settings, connections: number): Promise<Run> {
  const { way, source, throttledCalls } = settings;
  const result = await withRehearsal(way, (rehearsal) => {
    rehearsal.aws.behaviours.set('throttledCalls', throttledCalls);
    // shorter than in reality, because each poll of a handler takes real time
    rehearsal.aws.scriptedOutcomes.fleetActivationSeconds = 120;
    return rehearseManyConnections(rehearsal, connections, source, way);
  });
  return { ...settings, connections, result };
}

/** Counts the connections as well: with some alternatives, a stack is complete although connections are missing. */
const wasCreated = ({ result, connections }: Run): boolean =>
  result.statuses[0] === 'CREATE_COMPLETE' && result.connected === connections;
const wasDeleted = ({ result }: Run): boolean => result.statuses[1] === 'DELETE_COMPLETE';

/** Runs stacks with more and more connections, until a stack can't be created. */
async function runUntilFailure(settings: Settings): Promise<readonly Run[]> {
  const runs: Run[] = [];
  for (const connections of ALTERNATIVE_COUNTS) {
    const run = await runStack(settings, connections);
    runs.push(run);
    if (!wasCreated(run)) {
      break;
    }
  }
  return runs;
}

/** The ratio of the duration to the minimum that the rate limit allows. */
const ratioToMinimum = ({ result, connections }: Run, phase: Phase): number =>
  result[phase].seconds / (SECONDS_PER_CALL * connections);

/** The four cells about the creation, or about the deletion. */
function phaseCells(run: Run, phase: Phase): string[] {
  const { answered, throttled } = run.result[phase].calls;
  return [String(run.result[phase].seconds), ratioToMinimum(run, phase).toFixed(2), String(answered), String(throttled)];
}

/** The cells in place of `phaseCells` if the phase failed. */
function failureCells({ result }: Run): string[] {
  const [reason = ''] = result.failures;
  // the handler's own reason comes last
  return [`fails: ${reason.split('\n')[0]?.split(': ').at(-1) ?? ''}`, '', '', ''];
}

/** The cells in place of `phaseCells` if there was no such phase. */
const NO_PHASE_CELLS = ['', '', '', ''];

function tableRow(run: Run): string[] {
  const { way, fleets, throttledCalls, connections } = run;
  const outcome = wasCreated(run)
    ? [...phaseCells(run, 'creating'), ...(wasDeleted(run) ? phaseCells(run, 'deleting') : failureCells(run))]
    : [...failureCells(run), ...NO_PHASE_CELLS];
  return [way.name, fleets, throttledCalls, String(connections), ...outcome];
}

function targetFor(phase: Phase, throttledCalls: Reading<'throttledCalls'>, runs: readonly Run[]): Target {
  const manyRuns = runs.filter((run) => run.connections >= MIN_CONNECTIONS_OF_TARGET && run.throttledCalls === throttledCalls);
  const ratios = manyRuns.filter((run) => wasCreated(run) && wasDeleted(run)).map((run) => ratioToMinimum(run, phase));
  const failures = manyRuns.length - ratios.length;
  const maximum = Math.max(...ratios);
  const measured = [
    ...(ratios.length === 0 ? [] : [`${Math.min(...ratios).toFixed(2)} to ${maximum.toFixed(2)} times the minimum`]),
    ...(failures === 0 ? [] : [`${failures} of ${manyRuns.length} stacks fail`]),
  ];
  return {
    what: `${phase} ${MIN_CONNECTIONS_OF_TARGET} or more connections, if throttled calls ${throttledCalls === 'not counted' ? 'don’t count' : 'count'} against the rate limit`,
    target: `at most ${MAX_RATIO} times the minimum`,
    measured: measured.join(', '),
    verdict: verdict(failures === 0 && maximum <= MAX_RATIO),
  };
}

export const MANY_CONNECTIONS: Measurement = {
  name: 'many-connections',
  measure: async () => {
    const libraryRuns: Run[] = [];
    for (const settings of SETTINGS) {
      for (const connections of COUNTS) {
        libraryRuns.push(await runStack({ way: LIBRARY, ...settings }, connections));
      }
    }
    const alternativeRuns: Run[] = [];
    for (const way of ALTERNATIVES) {
      for (const settings of SETTINGS) {
        alternativeRuns.push(...(await runUntilFailure({ way, ...settings })));
      }
    }
    return {
      title: 'Many connections in one stack',
      method:
        'Rehearsed seconds from the first event of a connection in CloudFormation to the last one, when a stack is created, ' +
        'and when it is deleted 30 hours later. GameLift allows one call of each operation in ten seconds. So the minimum is ' +
        'ten seconds for each connection. It does not include the 45 seconds that one connection takes. “Calls” are the calls ' +
        'of the six operations with that limit that were not throttled, “throttled” those that were. AWS does not document ' +
        'whether throttled calls count against the limit: “counted” if they do, “not counted” if not. Each alternative runs with ' +
        'more and more connections, until its stack can’t be created.',
      tables: [
        {
          head: [
            'way',
            'fleets',
            'throttled calls',
            'connections',
            'created after',
            'of the minimum',
            'calls',
            'throttled',
            'deleted after',
            'of the minimum',
            'calls',
            'throttled',
          ],
          rows: [libraryRuns, alternativeRuns].flat().map(tableRow),
        },
      ],
      targets: (['not counted', 'counted'] as const).flatMap((reading) => [
        targetFor('creating', reading, libraryRuns),
        targetFor('deleting', reading, libraryRuns),
      ]),
    };
  },
};
