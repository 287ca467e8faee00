import type { Resource } from 'rehearsal';

/** What calls GameLift, or is needed by those calls: builds, groups and rules make no difference to them, and go in between. */
function matters({ type }: Resource): boolean {
  return type.startsWith('Custom::') || type === 'AWS::GameLift::Fleet' || type === 'AWS::IAM::RolePolicy';
}

/**
 * Tries every order in which a clean-up can delete what does not depend on each other: one order a run.
 */
export class Orders {
  /** Which of those that were ready was taken, and how many there were, for each choice of the current run. */
  private taken: { readonly index: number; readonly of: number }[] = [];
  private given: readonly number[] | undefined = [];
  private exploring = false;
  private order: string[] = [];

  /** For `RehearsalOptions.nextDeletion`. Outside of `during`, what comes first is deleted first. */
  readonly next = (ready: readonly Resource[]): Resource => {
    // in an order that is the same in every run
    const sorted = ready.toSorted((one, other) => (one.logicalId < other.logicalId ? -1 : 1));
    const choices = this.exploring && sorted.some(matters) ? sorted.filter(matters) : sorted.slice(0, 1);
    const index = this.exploring ? (this.given?.[this.taken.length] ?? 0) : 0;
    const chosen = choices[index];
    if (chosen === undefined) {
      throw new Error(`the same scene gave ${choices.length} resources to choose from, where it gave more before`);
    }
    if (this.exploring) {
      this.taken.push({ index, of: choices.length });
      this.order.push(chosen.logicalId);
    }
    return chosen;
  };

  /** What this run deleted while it was explored, in its order. */
  get deleted(): readonly string[] {
    return this.order;
  }

  /** The deletions in here are tried in every order. */
  async during<T>(act: () => Promise<T>): Promise<T> {
    this.exploring = true;
    try {
      return await act();
    } finally {
      this.exploring = false;
    }
  }

  /** Whether there is another order to run. */
  get left(): boolean {
    return this.given !== undefined;
  }

  /** Goes on to the next order. */
  advance(): void {
    const last = this.taken.findLastIndex(({ index, of }) => index + 1 < of);
    this.given =
      last < 0 ? undefined : this.taken.slice(0, last + 1).map(({ index }, position) => (position === last ? index + 1 : index));
    this.taken = [];
    this.order = [];
  }
}

/**
 * Runs a scene once for each order in which the clean-ups that it explores may go.
 *
 * @returns the orders
 */
export async function inEveryOrder(run: (orders: Orders) => Promise<void>): Promise<readonly (readonly string[])[]> {
  const orders = new Orders();
  const seen: (readonly string[])[] = [];
  while (orders.left) {
    try {
      await run(orders);
    } catch (error) {
      throw new Error(`in the order ${orders.deleted.join(', ')}`, { cause: error });
    }
    seen.push(orders.deleted);
    orders.advance();
  }
  return seen;
}
