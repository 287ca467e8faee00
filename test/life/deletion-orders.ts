import type { Resource } from 'rehearsal';

/** Whether deleting the resource calls GameLift, or removes permissions for such calls. The order of other resources does not matter. */
function affectsGameLiftCalls({ type }: Resource): boolean {
  return type.startsWith('Custom::') || type === 'AWS::GameLift::Fleet' || type === 'AWS::IAM::RolePolicy';
}

/** Chooses another order of deletions in each run, until it has chosen all orders that the dependencies allow. */
export class DeletionOrders {
  /** The choices of the current run: the index of the chosen resource, and the number of candidates. */
  private choices: { readonly index: number; readonly candidates: number }[] = [];
  /** The indexes to choose first in this run. Later choices have index 0. Undefined if all orders were tried. */
  private prescribedIndexes: readonly number[] | undefined = [];
  private isExploring = false;
  private order: string[] = [];

  /** Chooses the resource to delete next, for `RehearsalOptions.nextDeletion`. Outside of `explore`, the order is by logical id. */
  readonly chooseNext = (deletableResources: readonly Resource[]): Resource => {
    // the order of `deletableResources` may differ from run to run
    const sortedResources = deletableResources.toSorted((one, other) => (one.logicalId < other.logicalId ? -1 : 1));
    const relevantResources = sortedResources.filter(affectsGameLiftCalls);
    const candidates = this.isExploring && relevantResources.length > 0 ? relevantResources : sortedResources.slice(0, 1);
    const index = this.isExploring ? (this.prescribedIndexes?.[this.choices.length] ?? 0) : 0;
    const chosenResource = candidates[index];
    if (chosenResource === undefined) {
      throw new Error(`only ${candidates.length} resources can be deleted next, but there were more in an earlier run`);
    }
    if (this.isExploring) {
      this.choices.push({ index, candidates: candidates.length });
      this.order.push(chosenResource.logicalId);
    }
    return chosenResource;
  };

  /** The logical ids that this run has deleted in `explore`, in the order of their deletion. */
  get deletedIds(): readonly string[] {
    return this.order;
  }

  /** Runs the task, and chooses the order of its deletions. */
  async explore<T>(task: () => Promise<T>): Promise<T> {
    this.isExploring = true;
    try {
      return await task();
    } finally {
      this.isExploring = false;
    }
  }

  /** Whether there is another order to try. */
  get hasNext(): boolean {
    return this.prescribedIndexes !== undefined;
  }

  /** Prepares the next order: changes the last choice that has an untried candidate. */
  advance(): void {
    const changedPosition = this.choices.findLastIndex(({ index, candidates }) => index + 1 < candidates);
    this.prescribedIndexes =
      changedPosition < 0
        ? undefined
        : this.choices
            .slice(0, changedPosition + 1)
            .map(({ index }, position) => (position === changedPosition ? index + 1 : index));
    this.choices = [];
    this.order = [];
  }
}

/** Calls `run` once for each order of the deletions in its call of `explore`. Returns the orders, as lists of logical ids. */
export async function runInEveryOrder(run: (orders: DeletionOrders) => Promise<void>): Promise<readonly (readonly string[])[]> {
  const orders = new DeletionOrders();
  const triedOrders: (readonly string[])[] = [];
  while (orders.hasNext) {
    try {
      await run(orders);
    } catch (error) {
      throw new Error(`failed in the order ${orders.deletedIds.join(', ')}`, { cause: error });
    }
    triedOrders.push(orders.deletedIds);
    orders.advance();
  }
  return triedOrders;
}
