import { MACHINE, ROUNDS, rotated } from './processes';
import { formatEstimate, verdictAtMost } from './result';
import type { Measurement } from './result';
import { AWS_CUSTOM_RESOURCE_START, LIBRARY_START, NODE_START, SilentGameLift } from './starts';
import type { Candidate, Start } from './starts';
import { estimate, medianOf } from './statistics';

const CANDIDATES = [LIBRARY_START, AWS_CUSTOM_RESOURCE_START, NODE_START] as const;
const MAX_RATIO = 0.6;

export const COLD_START: Measurement = {
  name: 'cold-start',
  measure: async () => {
    const gameLift = await SilentGameLift.start();
    const starts = new Map<Candidate, Start[]>(CANDIDATES.map((candidate) => [candidate, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const candidate of rotated(CANDIDATES, round)) {
        starts.get(candidate)?.push(await gameLift.measure(candidate));
      }
    }
    await gameLift.close();
    const valuesOf = (candidate: Candidate, quantity: 'cpuSeconds' | 'seconds'): number[] =>
      (starts.get(candidate) ?? []).map((start) => start[quantity]);
    /** The ratio to AwsCustomResource. */
    const ratioOf = (candidate: Candidate, quantity: 'cpuSeconds' | 'seconds') => {
      const others = valuesOf(AWS_CUSTOM_RESOURCE_START, quantity);
      return estimate(valuesOf(candidate, quantity).map((value, index) => value / (others[index] ?? NaN)));
    };
    const cpuRatio = ratioOf(LIBRARY_START, 'cpuSeconds');
    return {
      title: 'Cold start',
      method:
        'From the start of a process to its first request to GameLift, on loopback, for a custom resource that authorizes: with the bundle as it ' +
        'is shipped, with the handler of AwsCustomResource and an SDK that is installed as on Lambda, and with a script that needs nothing but ' +
        `Node.js to send the signed request. Medians of ${ROUNDS} rounds. ${MACHINE}`,
      tables: [
        {
          head: ['handler', 'processor time', 'of AwsCustomResource', 'elapsed time', 'of AwsCustomResource'],
          rows: CANDIDATES.map((candidate) => [
            candidate.name,
            `${Math.round(medianOf(valuesOf(candidate, 'cpuSeconds')) * 1000)} ms`,
            formatEstimate(ratioOf(candidate, 'cpuSeconds')),
            `${Math.round(medianOf(valuesOf(candidate, 'seconds')) * 1000)} ms`,
            formatEstimate(ratioOf(candidate, 'seconds')),
          ]),
        },
      ],
      targets: [
        {
          what: 'processor time',
          target: `at most ${MAX_RATIO} of AwsCustomResource`,
          measured: formatEstimate(cpuRatio),
          verdict: verdictAtMost(cpuRatio, MAX_RATIO),
        },
      ],
    };
  },
};
