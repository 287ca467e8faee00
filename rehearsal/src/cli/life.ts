import type { NamedStackResult } from '../cloudformation/engine/cloudformation';
import { messageOf } from '../cloudformation/engine/stack-operation';
import type { Rehearsal } from '../index';
import { formatFailure, withoutIds, type StepOutcome } from '../report';
import { withFirstFailure } from './first-failure';
import { compareInventories, type Difference } from './left-behind';

/** A deployment of a cloud assembly in a life. */
interface LifeDeployment {
  readonly name: string;
  /** The rehearsed days to wait before the deployment. */
  readonly days: number;
  /** The directory of the cloud assembly. */
  readonly assembly: string;
}

/** The result of a deployment, or of the deletion at the end. */
interface LifeStep extends StepOutcome {
  /** If a stack is not complete, `reason` is its first failure event. */
  readonly stacks: readonly NamedStackResult[];
}

export interface Life {
  readonly steps: readonly LifeStep[];
  /** The differences between the inventories before the life and two days after the deletion. */
  readonly leftBehind: readonly Difference[];
  /** Features that the stacks use and the rehearsal does not simulate. AWS may behave differently. */
  readonly notUnderstood: readonly string[];
  /** One line for each stack that is not complete, and for each step that was refused or had no stack. */
  readonly failures: readonly string[];
}

const DAY = 24 * 3_600_000;
const DAYS_BEFORE_DELETION = 30;
/** Long enough for all authorizations to expire: each is valid for 24 hours. */
const DAYS_AFTER_DELETION = 2;
const DEPLOYED_STATUSES = ['CREATE_COMPLETE', 'UPDATE_COMPLETE'];
const DELETED_STATUS = 'DELETE_COMPLETE';

/**
 * Deploys the assemblies one after the other, deletes all stacks after thirty days, and compares the inventories two days later.
 *
 * @param onStep - called after each step
 */
export async function runLife(
  rehearsal: Rehearsal,
  deployments: readonly LifeDeployment[],
  onStep: (step: LifeStep) => void,
): Promise<Life> {
  const { aws, clock, cloudFormation, journal } = rehearsal;
  const start = clock.now();
  const inventoryBefore = aws.inventory();
  const runStep = async (name: string, operation: () => Promise<readonly NamedStackResult[]>): Promise<LifeStep> => {
    // begins a new step in the journal and the picture
    journal.write('rehearsal', name, '');
    const firstEntry = journal.entries.length;
    try {
      const results = await operation();
      const entries = journal.entries.slice(firstEntry);
      return {
        name,
        stacks: results.map((result) => withFirstFailure(result, entries)),
        elapsedMilliseconds: clock.now() - start,
      };
    } catch (error) {
      return { name, stacks: [], elapsedMilliseconds: clock.now() - start, refused: withoutIds(messageOf(error)) };
    }
  };
  const runAndReport = async (name: string, operation: () => Promise<readonly NamedStackResult[]>): Promise<LifeStep> => {
    const step = await runStep(name, operation);
    onStep(step);
    return step;
  };

  const deploySteps: LifeStep[] = [];
  for (const { name, days, assembly } of deployments) {
    await clock.sleep(days * DAY);
    deploySteps.push(await runAndReport(name, () => cloudFormation.deployAll(assembly)));
  }
  await clock.sleep(DAYS_BEFORE_DELETION * DAY);
  const deleteStep = await runAndReport('delete', async () => {
    const results: NamedStackResult[] = [];
    // delete the stacks of the last assembly first, then the stacks that only earlier assemblies contain
    for (const directory of new Set(deployments.map(({ assembly }) => assembly).toReversed())) {
      results.push(...(await cloudFormation.deleteAll(directory)));
      if (results.some(({ status }) => status !== DELETED_STATUS)) {
        break;
      }
    }
    return results;
  });
  await clock.sleep(DAYS_AFTER_DELETION * DAY);
  const leftBehind = compareInventories(inventoryBefore, aws.inventory());
  const failures = [
    ...deploySteps.flatMap((step) => failuresOf(step, DEPLOYED_STATUSES)),
    ...deploySteps
      .filter(({ stacks, refused }) => stacks.length === 0 && refused === undefined)
      .map(({ name }) => `${name}: no stack`),
    ...failuresOf(deleteStep, [DELETED_STATUS]),
  ];
  return { steps: [...deploySteps, deleteStep], leftBehind, notUnderstood: aws.notUnderstood.list(), failures };
}

/** Whether all steps are complete, and nothing is left behind. */
export const hasSucceeded = ({ failures, leftBehind }: Life): boolean => failures.length === 0 && leftBehind.length === 0;

function failuresOf({ name, stacks, refused }: LifeStep, completeStatuses: readonly string[]): string[] {
  const incomplete = stacks.filter(({ status }) => !completeStatuses.includes(status));
  return [
    ...incomplete.map((stack) => formatFailure(name, stack)),
    ...(refused === undefined ? [] : [`${name}: refused: ${refused}`]),
  ];
}
