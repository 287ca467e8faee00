import type { Reading } from 'rehearsal/aws';
import { CREATED_FLEETS, IMPORTED_FLEETS, rehearseManyConnections } from '../test/life/many-connections';
import type { FleetSource, ManyConnectionsResult } from '../test/life/many-connections';
import { inRehearsal } from './rehearsals';
import { verdict } from './result';
import type { Measurement, Target } from './result';
import { ALTERNATIVES } from './ways';
import { LIBRARY } from './ways/library';
import type { Way } from './ways/way';

const COUNTS = [1, 10, 25, 50, 100];
/** The counts that have a target. */
const MANY = 50;
const ALTERNATIVE_COUNTS = [1, 2, 3, 4, 5, 10, 25, 50, 100];
const MAX_RATIO = 1.1;
/** The rate limit: GameLift allows one call of each operation in this time. */
const SECONDS_PER_CALL = 10;

type Phase = 'creating' | 'deleting';

interface Case {
  readonly way: Way;
  readonly fleets: string;
  readonly source: FleetSource;
  readonly throttledCalls: Reading<'throttledCalls'>;
}

interface Run extends Case {
  readonly connections: number;
  readonly pace: ManyConnectionsResult;
}

const SETTINGS = (['free', 'counted'] as const).flatMap((throttledCalls) => [
  { fleets: 'imported', source: IMPORTED_FLEETS, throttledCalls },
  { fleets: 'of the stack', source: CREATED_FLEETS, throttledCalls },
]);

async function run(settings: Case, connections: number): Promise<Run> {
  const { way, source, throttledCalls } = settings;
  const pace = await inRehearsal(way, (rehearsal) => {
    rehearsal.aws.behaviours.set('throttledCalls', throttledCalls);
    rehearsal.aws.scriptedOutcomes.fleetActivationSeconds = 120;
    return rehearseManyConnections(rehearsal, connections, source, way);
  });
  return { ...settings, connections, pace };
}

const wasCreated = ({ pace, connections }: Run): boolean =>
  pace.statuses[0] === 'CREATE_COMPLETE' && pace.connected === connections;
const wasDeleted = ({ pace }: Run): boolean => pace.statuses[1] === 'DELETE_COMPLETE';

/** Runs stacks with more and more connections, until one can't be created. */
async function runUntilFailure(settings: Case): Promise<readonly Run[]> {
  const runs: Run[] = [];
  for (const connections of ALTERNATIVE_COUNTS) {
    const done = await run(settings, connections);
    runs.push(done);
    if (!wasCreated(done)) {
      break;
    }
  }
  return runs;
}

const ratio = ({ pace, connections }: Run, phase: Phase): number => pace[phase].seconds / (SECONDS_PER_CALL * connections);

function cells(done: Run, phase: Phase): string[] {
  const { rateLimited, throttled } = done.pace[phase].calls;
  return [String(done.pace[phase].seconds), ratio(done, phase).toFixed(2), String(rateLimited), String(throttled)];
}

function failed({ pace }: Run): string[] {
  const [reason = ''] = pace.failures;
  // the handler's own reason comes last
  return [`fails: ${reason.split('\n')[0]?.split(': ').at(-1) ?? ''}`, '', '', ''];
}

function row(done: Run): string[] {
  const { way, fleets, throttledCalls, connections } = done;
  const outcome = wasCreated(done)
    ? [...cells(done, 'creating'), ...(wasDeleted(done) ? cells(done, 'deleting') : failed(done))]
    : [...failed(done), '', '', '', ''];
  return [way.name, fleets, throttledCalls, String(connections), ...outcome];
}

function target(what: string, phase: Phase, throttledCalls: Reading<'throttledCalls'>, runs: readonly Run[]): Target {
  const many = runs.filter((done) => done.connections >= MANY && done.throttledCalls === throttledCalls);
  const ratios = many.filter((done) => wasCreated(done) && wasDeleted(done)).map((done) => ratio(done, phase));
  const failures = many.length - ratios.length;
  const most = Math.max(...ratios);
  const measured = [
    ...(ratios.length === 0 ? [] : [`${Math.min(...ratios).toFixed(2)} to ${most.toFixed(2)} times the minimum`]),
    ...(failures === 0 ? [] : [`${failures} of ${many.length} stacks fail`]),
  ];
  return {
    what: `${what} ${MANY} and more, throttled calls ${throttledCalls}`,
    target: `at most ${MAX_RATIO} times the minimum`,
    measured: measured.join(', '),
    verdict: verdict(failures === 0 && most <= MAX_RATIO),
  };
}

export const MANY_CONNECTIONS: Measurement = {
  name: 'many-connections',
  measure: async () => {
    const ours: Run[] = [];
    for (const settings of SETTINGS) {
      for (const connections of COUNTS) {
        ours.push(await run({ way: LIBRARY, ...settings }, connections));
      }
    }
    const theirs: Run[] = [];
    for (const way of ALTERNATIVES) {
      for (const settings of SETTINGS) {
        theirs.push(...(await runUntilFailure({ way, ...settings })));
      }
    }
    return {
      title: 'Many connections in one stack',
      method:
        'Rehearsed seconds from the first event of a connection in CloudFormation to the last one, when a stack is created, and when it is ' +
        'deleted 30 hours later. GameLift allows one call of each operation in ten seconds: so ten seconds for each connection are the ' +
        'minimum, beside the 45 seconds that one takes. “Calls” are answered calls of the six operations with that limit, “throttled” ' +
        'those that were refused. AWS does not document whether a refused call costs a token, so that the next wait begins anew: “free” ' +
        'and “counted”. Each peer is run with more and more connections, until its stack can’t be created.',
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
          rows: [...ours, ...theirs].map(row),
        },
      ],
      targets: (['free', 'counted'] as const).flatMap((reading) => [
        target('creating', 'creating', reading, ours),
        target('deleting', 'deleting', reading, ours),
      ]),
    };
  },
};
