import { MACHINE_SENTENCE, ROUNDS, rotated } from './processes';
import { formatEstimate, verdictAtMost } from './result';
import type { Measurement } from './result';
import { AWS_CUSTOM_RESOURCE_HANDLER, LIBRARY_HANDLER, SCRIPT_WITHOUT_SDK, SilentGameLift } from './starts';
import type { Candidate, Start } from './starts';
import { estimate, medianOf } from './statistics';

const CANDIDATES = [LIBRARY_HANDLER, AWS_CUSTOM_RESOURCE_HANDLER, SCRIPT_WITHOUT_SDK] as const;
/** The target: at most this ratio of the library's processor time to that of AwsCustomResource. */
const MAX_RATIO = 0.6;

export const COLD_START: Measurement = {
  name: 'cold-start',
  measure: async () => {
    const gameLift = await SilentGameLift.start();
    const startsByHandler = new Map<Candidate, Start[]>(CANDIDATES.map((candidate) => [candidate, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const candidate of rotated(CANDIDATES, round)) {
        startsByHandler.get(candidate)?.push(await gameLift.measure(candidate));
      }
    }
    await gameLift.close();
    const valuesOf = (candidate: Candidate, quantity: 'cpuSeconds' | 'seconds'): number[] =>
      (startsByHandler.get(candidate) ?? []).map((start) => start[quantity]);
    /** The ratio of a handler's values to those of AwsCustomResource in the same rounds. */
    const ratioOf = (candidate: Candidate, quantity: 'cpuSeconds' | 'seconds') => {
      const baseline = valuesOf(AWS_CUSTOM_RESOURCE_HANDLER, quantity);
      return estimate(valuesOf(candidate, quantity).map((value, index) => value / (baseline[index] ?? NaN)));
    };
    const cpuRatio = ratioOf(LIBRARY_HANDLER, 'cpuSeconds');
    return {
      title: 'Cold start',
      method:
        'From the start of a process to its first request to GameLift, on loopback, for a custom resource that authorizes: with the bundle as it ' +
        'is shipped, with the handler of AwsCustomResource and an SDK that is installed as on Lambda, and with a script that needs nothing but ' +
        `Node.js to send the signed request. Medians of ${ROUNDS} rounds. ${MACHINE_SENTENCE}`,
      tables: [
        {
          head: ['handler', 'processor time', 'relative to AwsCustomResource', 'elapsed time', 'relative to AwsCustomResource'],
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
