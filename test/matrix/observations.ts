import { BEHAVIOURS } from 'rehearsal/aws';
import type { BehaviourName } from 'rehearsal/aws';
import type { MatrixWorld } from './world';

/*
 * What the handler logs about the questions that AWS leaves open. It must never log another reading than the one that was chosen.
 */

/** The result of one life. */
export interface Result {
  readonly problems: readonly string[];
  readonly observed: readonly Observation[];
}

interface Observation {
  readonly question: string;
  readonly reading: string;
}

/** Runs a life and closes its world. In every life, a wrong observation of the handler is a problem. */
export async function resultOf(world: MatrixWorld, life: () => Promise<readonly string[]>): Promise<Result> {
  try {
    const problems = await life().catch((thrown: unknown) => [String(thrown)]);
    return { problems: [...problems, ...misreadings(world)], observed: observationsOf(world) };
  } finally {
    world.close();
  }
}

function observationsOf({ functions }: Pick<MatrixWorld, 'functions'>): readonly Observation[] {
  return functions.logged
    .filter(({ message }) => message === 'observed how AWS behaves')
    .map(({ question, reading }) => ({ question: String(question), reading: String(reading) }));
}

/** Readings that the handler observed although others were chosen, and rules that failed. */
export function misreadings(world: Pick<MatrixWorld, 'aws' | 'functions'>): readonly string[] {
  const isQuestion = (name: string): name is BehaviourName => Object.hasOwn(BEHAVIOURS, name);
  const failed = world.functions.logged
    .map(({ message }) => String(message))
    .filter((message) => message.startsWith('could not determine how AWS behaves'));
  const wrong = observationsOf(world).flatMap(({ question, reading }) => {
    const chosen = isQuestion(question) ? world.aws.behaviours.get(question) : 'no such question';
    return reading === chosen ? [] : [`observed ${question}: ${reading}, instead of ${chosen}`];
  });
  return [...new Set([...failed, ...wrong])];
}

/** Each question and reading that was observed, and how often. */
export function tally(observations: readonly Observation[]): readonly (readonly string[])[] {
  const counts = new Map<string, number>();
  for (const { question, reading } of observations) {
    const key = JSON.stringify([question, reading]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, count]) => [...(JSON.parse(key) as string[]), String(count)]);
}
