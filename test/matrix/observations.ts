import { BEHAVIOURS } from 'rehearsal/aws';
import type { BehaviourName } from 'rehearsal/aws';
import type { MatrixRehearsal } from './rehearsal';

/*
 * The observations that the handler logs. In every life, they must be the readings that were chosen.
 */

/** The result of one case. */
export interface CaseResult {
  readonly problems: readonly string[];
  readonly observed: readonly Observation[];
}

interface Observation {
  readonly question: string;
  readonly reading: string;
}

/** Runs a life, closes its rehearsal, and returns its problems. A wrong observation of the handler is a problem, too. */
export async function runAndClose(rehearsal: MatrixRehearsal, life: () => Promise<readonly string[]>): Promise<CaseResult> {
  try {
    const problems = await life().catch((thrown: unknown) => [String(thrown)]);
    return { problems: [...problems, ...wrongObservations(rehearsal)], observed: observationsOf(rehearsal) };
  } finally {
    rehearsal.close();
  }
}

function observationsOf({ functions }: Pick<MatrixRehearsal, 'functions'>): readonly Observation[] {
  return functions.logRecords
    .filter(({ message }) => message === 'observed how AWS behaves')
    .map(({ question, reading }) => ({ question: String(question), reading: String(reading) }));
}

/** Problems if the handler observed a reading that was not chosen, or could not conclude a reading. */
export function wrongObservations(rehearsal: Pick<MatrixRehearsal, 'aws' | 'functions'>): readonly string[] {
  const isQuestion = (name: string): name is BehaviourName => Object.hasOwn(BEHAVIOURS, name);
  const failedConclusions = rehearsal.functions.logRecords
    .map(({ message }) => String(message))
    .filter((message) => message.startsWith('could not determine how AWS behaves'));
  const wrongReadings = observationsOf(rehearsal).flatMap(({ question, reading }) => {
    const chosenReading = isQuestion(question) ? rehearsal.aws.behaviours.get(question) : 'no such question';
    return reading === chosenReading ? [] : [`observed ${question}: ${reading}, instead of ${chosenReading}`];
  });
  return [...new Set([...failedConclusions, ...wrongReadings])];
}

/** One row for each observed reading: the question, the reading, and how often the handler observed it. */
export function countObservations(observations: readonly Observation[]): readonly (readonly string[])[] {
  const counts = new Map<string, number>();
  for (const { question, reading } of observations) {
    const key = JSON.stringify([question, reading]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, count]) => [...(JSON.parse(key) as string[]), String(count)]);
}
