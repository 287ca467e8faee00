import { compile, cpuSecondsOf, MACHINE_SENTENCE, ROUNDS, rotated } from './processes';
import { formatEstimate, verdictAtMost } from './result';
import type { Measurement } from './result';
import { estimate, medianOf } from './statistics';

/** The measured apps: without peering, with this library, and with AwsCustomResource. */
const APPS = ['none', 'library', 'aws-custom-resource'] as const;

interface Case {
  readonly kind: 'connections' | 'peered-on-creation';
  readonly count: number;
  readonly title: string;
}

const [ONE, FIFTY, HUNDRED, ON_CREATION] = [
  { kind: 'connections', count: 1, title: '1 connection' },
  { kind: 'connections', count: 50, title: '50 connections' },
  { kind: 'connections', count: 100, title: '100 connections' },
  { kind: 'peered-on-creation', count: 100, title: '100 fleets with builds, peered on creation' },
] as const satisfies readonly Case[];
const CASES: readonly Case[] = [ONE, FIFTY, HUNDRED, ON_CREATION];

/** The processor seconds that peering adds to the synthesis, in one round. */
type Round = ReadonlyMap<Case, { readonly library: number; readonly awsCustomResource: number }>;

async function measureRound(script: string, round: number): Promise<Round> {
  const measured = new Map<Case, { library: number; awsCustomResource: number }>();
  for (const testCase of CASES) {
    const seconds: Record<string, number> = {};
    for (const app of rotated(APPS, round)) {
      seconds[app] = await cpuSecondsOf(script, [app, testCase.kind, String(testCase.count)]);
    }
    const { none = 0, library = 0, 'aws-custom-resource': awsCustomResource = 0 } = seconds;
    measured.set(testCase, { library: library - none, awsCustomResource: awsCustomResource - none });
  }
  return measured;
}

export const SYNTHESIS: Measurement = {
  name: 'synthesis',
  measure: async () => {
    const script = await compile('synthesis');
    const rounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      rounds.push(await measureRound(script, round));
    }
    const secondsOf = (testCase: Case, way: 'library' | 'awsCustomResource'): number[] =>
      rounds.map((round) => round.get(testCase)?.[way] ?? NaN);
    const ratiosOf = (values: readonly number[], divisors: readonly number[]): number[] =>
      values.map((value, index) => value / (divisors[index] ?? NaN));
    const comparisons = CASES.map((testCase) => ({
      testCase,
      ratio: estimate(ratiosOf(secondsOf(testCase, 'library'), secondsOf(testCase, 'awsCustomResource'))),
    }));
    const growth = estimate(ratiosOf(secondsOf(HUNDRED, 'library'), secondsOf(FIFTY, 'library')));
    return {
      title: 'Synthesis',
      method:
        `Processor seconds of a process that synthesizes one stack, without those of the same app without peering. Medians of ${ROUNDS} rounds, in ` +
        `each of which the apps run one after the other in processes of their own. ${MACHINE_SENTENCE}`,
      tables: [
        {
          head: ['app', 'this library', 'AwsCustomResource', 'ratio'],
          rows: comparisons.map(({ testCase, ratio }) => [
            testCase.title,
            `${medianOf(secondsOf(testCase, 'library')).toFixed(3)} s`,
            `${medianOf(secondsOf(testCase, 'awsCustomResource')).toFixed(3)} s`,
            formatEstimate(ratio),
          ]),
        },
      ],
      targets: [
        ...comparisons.map(({ testCase, ratio }) => ({
          what: testCase.title,
          target: 'at most as long as with AwsCustomResource',
          measured: `${formatEstimate(ratio)} times as long as AwsCustomResource`,
          verdict: verdictAtMost(ratio, 1),
        })),
        {
          what: 'growth from 50 to 100 connections',
          target: 'at most twice',
          measured: `${formatEstimate(growth)} times`,
          verdict: verdictAtMost(growth, 2),
        },
      ],
    };
  },
};
