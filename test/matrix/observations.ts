import { BEHAVIOURS } from 'rehearsal/aws';
import type { BehaviourName } from 'rehearsal/aws';
import type { MatrixWorld } from './world';

/*
 * The observations that the handler logs. In every life, the handler must observe only the readings that were chosen.
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

/** Runs a life, closes its world, and returns its problems. A wrong observation of the handler is a problem, too. */
export async function runAndClose(world: MatrixWorld, life: () => Promise<readonly string[]>): Promise<CaseResult> {
  try {
    const problems = await life().catch((thrown: unknown) => [String(thrown)]);
    return { problems: [...problems, ...wrongObservations(world)], observed: observationsOf(world) };
  } finally {
    world.close();
  }
}

function observationsOf({ functions }: Pick<MatrixWorld, 'functions'>): readonly Observation[] {
  return functions.logRecords
    .filter(({ message }) => message === 'observed how AWS behaves')
    .map(({ question, reading }) => ({ question: String(question), reading: String(reading) }));
}

/** Problems if the handler observed a reading that was not chosen, or could not conclude a reading. */
export function wrongObservations(world: Pick<MatrixWorld, 'aws' | 'functions'>): readonly string[] {
  const isQuestion = (name: string): name is BehaviourName => Object.hasOwn(BEHAVIOURS, name);
  const failed = world.functions.logRecords
    .map(({ message }) => String(message))
    .filter((message) => message.startsWith('could not determine how AWS behaves'));
  const wrong = observationsOf(world).flatMap(({ question, reading }) => {
    const chosen = isQuestion(question) ? world.aws.behaviours.get(question) : 'no such question';
    return reading === chosen ? [] : [`observed ${question}: ${reading}, instead of ${chosen}`];
  });
  return [...new Set([...failed, ...wrong])];
}

/** Rows of a question, an observed reading, and how often it was observed. */
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
