import { compile, cpuSecondsOf, MACHINE, PAIRS, rotated } from './processes';
import { formatEstimate, verdictAtMost } from './result';
import type { Measurement } from './result';
import { estimate, medianOf } from './statistics';

const WAYS = ['none', 'library', 'aws-custom-resource'] as const;

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

/** The processor seconds of one round, minus those of the same app without peering. */
type Round = ReadonlyMap<Case, { readonly library: number; readonly awsCustomResource: number }>;

async function measureRound(script: string, round: number): Promise<Round> {
  const measured = new Map<Case, { library: number; awsCustomResource: number }>();
  for (const one of CASES) {
    const seconds: Record<string, number> = {};
    for (const way of rotated(WAYS, round)) {
      seconds[way] = await cpuSecondsOf(script, [way, one.kind, String(one.count)]);
    }
    const { none = 0, library = 0, 'aws-custom-resource': awsCustomResource = 0 } = seconds;
    measured.set(one, { library: library - none, awsCustomResource: awsCustomResource - none });
  }
  return measured;
}

export const SYNTHESIS: Measurement = {
  name: 'synthesis',
  measure: async () => {
    const script = await compile('synthesis');
    const rounds: Round[] = [];
    for (let round = 0; round < PAIRS; round += 1) {
      rounds.push(await measureRound(script, round));
    }
    const secondsOf = (one: Case, way: 'library' | 'awsCustomResource'): number[] =>
      rounds.map((round) => round.get(one)?.[way] ?? NaN);
    const ratios = (values: readonly number[], others: readonly number[]): number[] =>
      values.map((value, index) => value / (others[index] ?? NaN));
    const comparisons = CASES.map((one) => ({
      one,
      ratio: estimate(ratios(secondsOf(one, 'library'), secondsOf(one, 'awsCustomResource'))),
    }));
    const growth = estimate(ratios(secondsOf(HUNDRED, 'library'), secondsOf(FIFTY, 'library')));
    return {
      title: 'Synthesis',
      method:
        `Processor seconds of a process that synthesizes one stack, minus those of the same app without peering. Medians of ${PAIRS} rounds. In ` +
        `each round, the apps run one after the other, each in its own process. ${MACHINE}`,
      tables: [
        {
          head: ['app', 'this library', 'AwsCustomResource', 'ratio'],
          rows: comparisons.map(({ one, ratio }) => [
            one.title,
            `${medianOf(secondsOf(one, 'library')).toFixed(3)} s`,
            `${medianOf(secondsOf(one, 'awsCustomResource')).toFixed(3)} s`,
            formatEstimate(ratio),
          ]),
        },
      ],
      targets: [
        ...comparisons.map(({ one, ratio }) => ({
          what: one.title,
          target: 'at most that of AwsCustomResource',
          measured: `${formatEstimate(ratio)} times that of AwsCustomResource`,
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
