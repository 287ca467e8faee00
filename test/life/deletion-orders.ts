import type { Resource } from 'rehearsal';

/** Whether deleting the resource calls GameLift, or removes permissions for such calls. The order of other resources does not matter. */
function affectsGameLiftCalls({ type }: Resource): boolean {
  return type.startsWith('Custom::') || type === 'AWS::GameLift::Fleet' || type === 'AWS::IAM::RolePolicy';
}

/** Chooses another order of deletions in each run, until all orders that the dependencies allow were tried. */
export class DeletionOrders {
  /** The choices of the current run: the index that was chosen, and the number of candidates. */
  private choices: { readonly index: number; readonly candidates: number }[] = [];
  /** The first indexes to choose in this run. Then the first candidate is chosen. Undefined if all orders were tried. */
  private prescribed: readonly number[] | undefined = [];
  private isExploring = false;
  private order: string[] = [];

  /** For `RehearsalOptions.nextDeletion`. Outside of `during`, the order is by logical id. */
  readonly chooseNext = (ready: readonly Resource[]): Resource => {
    // the same in every run
    const sorted = ready.toSorted((one, other) => (one.logicalId < other.logicalId ? -1 : 1));
    const relevant = sorted.filter(affectsGameLiftCalls);
    const candidates = this.isExploring && relevant.length > 0 ? relevant : sorted.slice(0, 1);
    const index = this.isExploring ? (this.prescribed?.[this.choices.length] ?? 0) : 0;
    const chosen = candidates[index];
    if (chosen === undefined) {
      throw new Error(`only ${candidates.length} resources can be deleted next, but there were more in an earlier run`);
    }
    if (this.isExploring) {
      this.choices.push({ index, candidates: candidates.length });
      this.order.push(chosen.logicalId);
    }
    return chosen;
  };

  /** The logical ids that this run deleted inside of `during`, in their order. */
  get deletedIds(): readonly string[] {
    return this.order;
  }

  /** Explores the deletions of this task. */
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
    return this.prescribed !== undefined;
  }

  /** Prepares the next order. */
  advance(): void {
    const last = this.choices.findLastIndex(({ index, candidates }) => index + 1 < candidates);
    this.prescribed =
      last < 0
        ? undefined
        : this.choices.slice(0, last + 1).map(({ index }, position) => (position === last ? index + 1 : index));
    this.choices = [];
    this.order = [];
  }
}

/** Calls `run` once for each order of the deletions that it explores, and returns the orders. */
export async function runInEveryOrder(run: (orders: DeletionOrders) => Promise<void>): Promise<readonly (readonly string[])[]> {
  const orders = new DeletionOrders();
  const tried: (readonly string[])[] = [];
  while (orders.hasNext) {
    try {
      await run(orders);
    } catch (error) {
      throw new Error(`failed in the order ${orders.deletedIds.join(', ')}`, { cause: error });
    }
    tried.push(orders.deletedIds);
    orders.advance();
  }
  return tried;
}
