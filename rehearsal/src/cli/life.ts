import type { NamedStackResult } from '../cloudformation/engine/cloudformation';
import { messageOf } from '../cloudformation/engine/stack-operation';
import type { Rehearsal } from '../index';
import { failureLine, withoutIds, type StepOutcome } from '../report';
import { withFirstFailure } from './first-failure';
import { compare, type Difference } from './left-behind';

/** A cloud assembly that is deployed at its time in a life. */
interface LifeDeployment {
  readonly name: string;
  /** Rehearsed days that pass before it. */
  readonly days: number;
  /** The directory of the cloud assembly. */
  readonly assembly: string;
}

/** What a deployment, or the deletion at the end, came to. */
interface LifeStep extends StepOutcome {
  /** The reason of one that is not complete is the first event that failed. */
  readonly stacks: readonly NamedStackResult[];
}

export interface Life {
  readonly steps: readonly LifeStep[];
  /** Two days after the deletion. */
  readonly leftBehind: readonly Difference[];
  /** What the stacks use and the rehearsal does not simulate: what happened may differ from what AWS would do. */
  readonly notUnderstood: readonly string[];
  /** What is not complete, and why, a line each. */
  readonly failures: readonly string[];
}

const DAY = 24 * 3_600_000;
const OLD_DAYS = 30;
const LATER_DAYS = 2;
const DEPLOYED = ['CREATE_COMPLETE', 'UPDATE_COMPLETE'];
const DELETED = 'DELETE_COMPLETE';

/**
 * Deploys all stacks of one assembly after the other, deletes them all after thirty days, and looks two days later what is left.
 *
 * @param onStep - is called with each step when it is over
 */
export async function live(
  rehearsal: Rehearsal,
  deployments: readonly LifeDeployment[],
  onStep: (step: LifeStep) => void,
): Promise<Life> {
  const { aws, clock, cloudFormation, journal } = rehearsal;
  const start = clock.now();
  const before = aws.inventory();
  const attempt = async (name: string, act: () => Promise<readonly NamedStackResult[]>): Promise<LifeStep> => {
    journal.write('rehearsal', name, '');
    const from = journal.entries.length;
    try {
      const results = await act();
      const entries = journal.entries.slice(from);
      return { name, stacks: results.map((result) => withFirstFailure(result, entries)), after: clock.now() - start };
    } catch (error) {
      return { name, stacks: [], after: clock.now() - start, refused: withoutIds(messageOf(error)) };
    }
  };
  const perform = async (name: string, act: () => Promise<readonly NamedStackResult[]>): Promise<LifeStep> => {
    const step = await attempt(name, act);
    onStep(step);
    return step;
  };

  const deployed: LifeStep[] = [];
  for (const { name, days, assembly } of deployments) {
    await clock.sleep(days * DAY);
    deployed.push(await perform(name, () => cloudFormation.deployAll(assembly)));
  }
  await clock.sleep(OLD_DAYS * DAY);
  const deleted = await perform('delete', async () => {
    const results: NamedStackResult[] = [];
    // an update may have left out stacks: they are deleted after what it has
    for (const directory of new Set(deployments.map(({ assembly }) => assembly).toReversed())) {
      results.push(...(await cloudFormation.deleteAll(directory)));
      if (results.some(({ status }) => status !== DELETED)) {
        break;
      }
    }
    return results;
  });
  await clock.sleep(LATER_DAYS * DAY);
  const leftBehind = compare(before, aws.inventory());
  const failures = [
    ...deployed.flatMap((step) => failuresOf(step, DEPLOYED)),
    ...deployed
      .filter(({ stacks, refused }) => stacks.length === 0 && refused === undefined)
      .map(({ name }) => `${name}: no stack`),
    ...failuresOf(deleted, [DELETED]),
  ];
  return { steps: [...deployed, deleted], leftBehind, notUnderstood: aws.notUnderstood.list(), failures };
}

/** Whether all steps are complete, and nothing is left behind. */
export const hasSucceeded = ({ failures, leftBehind }: Life): boolean => failures.length === 0 && leftBehind.length === 0;

function failuresOf({ name, stacks, refused }: LifeStep, complete: readonly string[]): string[] {
  const wrong = stacks.filter(({ status }) => !complete.includes(status));
  return [...wrong.map((stack) => failureLine(name, stack)), ...(refused === undefined ? [] : [`${name}: refused: ${refused}`])];
}
