import type { Reading } from 'rehearsal/aws';
import { CREATED, IMPORTED, rehearseMany } from '../test/life/many';
import type { FleetSource, Pace } from '../test/life/many';
import { inRehearsal } from './rehearsals';
import { verdict } from './result';
import type { Measurement, Target } from './result';
import { ALTERNATIVES } from './ways';
import { LIBRARY } from './ways/library';
import type { Way } from './ways/way';

const COUNTS = [1, 10, 25, 50, 100];
/** The target applies to stacks with at least so many connections. */
const MANY = 50;
const ALTERNATIVE_COUNTS = [1, 2, 3, 4, 5, 10, 25, 50, 100];
const MAX_RATIO = 1.1;
/** GameLift allows one call of each operation in this time. */
const SECONDS_PER_CALL = 10;

type Phase = 'creating' | 'deleting';

/** The settings of a run, apart from the number of connections. */
interface Settings {
  readonly way: Way;
  readonly fleets: string;
  readonly source: FleetSource;
  readonly throttledCalls: Reading<'throttledCalls'>;
}

/** A rehearsed stack. */
interface Run extends Settings {
  readonly connections: number;
  readonly pace: Pace;
}

const VARIANTS = (['free', 'counted'] as const).flatMap((throttledCalls) => [
  { fleets: 'imported', source: IMPORTED, throttledCalls },
  { fleets: 'of the stack', source: CREATED, throttledCalls },
]);

async function run(settings: Settings, connections: number): Promise<Run> {
  const { way, source, throttledCalls } = settings;
  const pace = await inRehearsal(way, (rehearsal) => {
    rehearsal.aws.behaviours.set('throttledCalls', throttledCalls);
    rehearsal.aws.scriptedOutcomes.fleetActivationSeconds = 120;
    return rehearseMany(rehearsal, connections, source, way);
  });
  return { ...settings, connections, pace };
}

const wasCreated = ({ pace, connections }: Run): boolean =>
  pace.statuses[0] === 'CREATE_COMPLETE' && pace.connected === connections;
const wasDeleted = ({ pace }: Run): boolean => pace.statuses[1] === 'DELETE_COMPLETE';

/** Increases the number of connections until the creation of a stack fails. */
async function runUntilFailure(settings: Settings): Promise<readonly Run[]> {
  const runs: Run[] = [];
  for (const connections of ALTERNATIVE_COUNTS) {
    const latest = await run(settings, connections);
    runs.push(latest);
    if (!wasCreated(latest)) {
      break;
    }
  }
  return runs;
}

const ratio = ({ pace, connections }: Run, phase: Phase): number => pace[phase] / (SECONDS_PER_CALL * connections);

function phaseCells(run: Run, phase: Phase): string[] {
  const { limited, throttled } = run.pace.calls[phase];
  return [String(run.pace[phase]), ratio(run, phase).toFixed(2), String(limited), String(throttled)];
}

function failureCells({ pace }: Run): string[] {
  const [reason = ''] = pace.failures;
  // the handler's own reason comes last
  return [`fails: ${reason.split('\n')[0]?.split(': ').at(-1) ?? ''}`, '', '', ''];
}

function row(run: Run): string[] {
  const { way, fleets, throttledCalls, connections } = run;
  const cells = wasCreated(run)
    ? [...phaseCells(run, 'creating'), ...(wasDeleted(run) ? phaseCells(run, 'deleting') : failureCells(run))]
    : [...failureCells(run), '', '', '', ''];
  return [way.name, fleets, throttledCalls, String(connections), ...cells];
}

function target(phase: Phase, throttledCalls: Reading<'throttledCalls'>, runs: readonly Run[]): Target {
  const measuredRuns = runs.filter((run) => run.connections >= MANY && run.throttledCalls === throttledCalls);
  const ratios = measuredRuns.filter((run) => wasCreated(run) && wasDeleted(run)).map((run) => ratio(run, phase));
  const failures = measuredRuns.length - ratios.length;
  const maximum = Math.max(...ratios);
  const measured = [
    ...(ratios.length === 0 ? [] : [`${Math.min(...ratios).toFixed(2)} to ${maximum.toFixed(2)} times the minimum`]),
    ...(failures === 0 ? [] : [`${failures} of ${measuredRuns.length} stacks fail`]),
  ];
  return {
    what: `${phase} ${MANY} and more, throttled calls ${throttledCalls}`,
    target: `at most ${MAX_RATIO} times the minimum`,
    measured: measured.join(', '),
    verdict: verdict(failures === 0 && maximum <= MAX_RATIO),
  };
}

export const MANY_CONNECTIONS: Measurement = {
  name: 'many-connections',
  measure: async () => {
    const libraryRuns: Run[] = [];
    for (const variant of VARIANTS) {
      for (const connections of COUNTS) {
        libraryRuns.push(await run({ way: LIBRARY, ...variant }, connections));
      }
    }
    const alternativeRuns: Run[] = [];
    for (const way of ALTERNATIVES) {
      for (const variant of VARIANTS) {
        alternativeRuns.push(...(await runUntilFailure({ way, ...variant })));
      }
    }
    return {
      title: 'Many connections in one stack',
      method:
        'Rehearsed seconds from the first to the last event of a connection in CloudFormation: for a creation, and for a deletion 30 hours ' +
        'later. GameLift allows one call of each operation in ten seconds, so the minimum is ten seconds for each connection. A single ' +
        'connection takes 45 seconds. Of the calls of the six operations with that limit, “throttled” counts those above it, “calls” the others. ' +
        'AWS does not document whether a throttled call counts against the limit, so both readings are measured: “free” (it does not) and ' +
        '“counted” (it does). Each alternative is rehearsed with an increasing number of connections, until the creation of its stack fails.',
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
          rows: [...libraryRuns, ...alternativeRuns].map(row),
        },
      ],
      targets: (['free', 'counted'] as const).flatMap((reading) => [
        target('creating', reading, libraryRuns),
        target('deleting', reading, libraryRuns),
      ]),
    };
  },
};
