import { withoutExpirationTime, type Inventory } from './aws/index';
import type { NamedStackResult } from './cloudformation/index';
import type { Rehearsal } from './index';

/** A cloud assembly that is deployed at its time in a life. */
export interface LifeDeployment {
  readonly name: string;
  /** Rehearsed days that pass before it. */
  readonly days: number;
  /** The directory of the cloud assembly. */
  readonly assembly: string;
}

/** What a deployment, or the deletion at the end, came to. */
export interface LifeStep {
  readonly name: string;
  /** Rehearsed milliseconds from the beginning of the life to the end of the step. */
  readonly after: number;
  readonly stacks: readonly NamedStackResult[];
  /** Why CloudFormation would not go on, if it would not. */
  readonly refused?: string;
}

export interface Life {
  readonly steps: readonly LifeStep[];
  /** Two days after the deletion. */
  readonly leftBehind: readonly string[];
  /** What the stacks use and the rehearsal does not simulate: what happened may differ from what AWS would do. */
  readonly notUnderstood: readonly string[];
  /** What went wrong, a line each; none where all steps are complete and nothing is left behind. */
  readonly trouble: readonly string[];
}

const DAY = 24 * 3_600_000;
const OLD_DAYS = 30;
const LATER_DAYS = 2;
const DELETED = 'DELETE_COMPLETE';

/** Deploys all stacks of one assembly after the other, deletes them all after thirty days, and looks two days later what is left. */
export async function live(rehearsal: Rehearsal, deployments: readonly LifeDeployment[]): Promise<Life> {
  const { aws, clock, cloudFormation, journal } = rehearsal;
  const start = clock.now();
  const before = aws.inventory();
  const perform = async (name: string, act: () => Promise<readonly NamedStackResult[]>): Promise<LifeStep> => {
    journal.write('story', name, '');
    try {
      const stacks = await act();
      return { name, stacks, after: clock.now() - start };
    } catch (error) {
      return { name, stacks: [], after: clock.now() - start, refused: error instanceof Error ? error.message : String(error) };
    }
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
  const leftBehind = differences(before, aws.inventory());
  const trouble = [
    ...deployed.flatMap((step) => troubleOf(step, ['CREATE_COMPLETE', 'UPDATE_COMPLETE'])),
    ...deployed
      .filter(({ stacks, refused }) => stacks.length === 0 && refused === undefined)
      .map(({ name }) => `${name}: no stack`),
    ...troubleOf(deleted, [DELETED]),
    ...leftBehind,
  ];
  return { steps: [...deployed, deleted], leftBehind, notUnderstood: aws.notUnderstood.list(), trouble };
}

/** What there is that was not there before, and what is no longer there, a line each. */
export function differences(before: Inventory, after: Inventory): string[] {
  return (Object.keys(after) as (keyof Inventory)[]).flatMap((kind) => [
    ...without(after[kind], before[kind]).map((item) => `left behind of ${kind}: ${JSON.stringify(item)}`),
    ...without(before[kind], after[kind]).map((item) => `missing of ${kind}: ${JSON.stringify(item)}`),
  ]);
}

/** Equal items count as often as there are of them; an authorization that was renewed is the same. */
function without(items: readonly object[], others: readonly object[]): object[] {
  const rest = others.map(comparable);
  return items.filter((item) => {
    const index = rest.indexOf(comparable(item));
    rest.splice(index, index < 0 ? 0 : 1);
    return index < 0;
  });
}

const comparable = (item: object): string => JSON.stringify(withoutExpirationTime(item));

function troubleOf({ name, stacks, refused }: LifeStep, complete: readonly string[]): string[] {
  const wrong = stacks.filter(({ status }) => !complete.includes(status));
  return [
    ...wrong.map((stack) => `${name}: ${stack.name} ${stack.status}${stack.reason === undefined ? '' : `: ${stack.reason}`}`),
    ...(refused === undefined ? [] : [`${name}: ${refused}`]),
  ];
}
