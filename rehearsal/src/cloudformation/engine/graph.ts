/**
 * Runs `task` for all nodes in parallel, each after its predecessors. Skips nodes after a failed predecessor.
 *
 * @returns whether all tasks succeeded
 */
export async function runInOrder<T>(
  nodes: readonly T[],
  predecessorsOf: (node: T) => readonly T[],
  task: (node: T) => Promise<boolean>,
): Promise<boolean> {
  const runs = new Map<T, Promise<boolean>>();
  const run = (node: T): Promise<boolean> => {
    const existingRun = runs.get(node);
    if (existingRun) {
      return existingRun;
    }
    const newRun = Promise.all(predecessorsOf(node).map(run)).then((results) => results.every(Boolean) && task(node));
    runs.set(node, newRun);
    return newRun;
  };
  const results = await Promise.all(nodes.map(run));
  return results.every(Boolean);
}

/** Like `runInOrder`, but runs one task at a time. `choose` selects the next node, among the nodes whose predecessors have succeeded. */
export async function runOneByOne<T>(
  nodes: readonly T[],
  predecessorsOf: (node: T) => readonly T[],
  task: (node: T) => Promise<boolean>,
  choose: (ready: readonly T[]) => T,
): Promise<boolean> {
  const waitingNodes = new Set(nodes);
  const succeededNodes = new Set<T>();
  for (;;) {
    const readyNodes = [...waitingNodes].filter((node) =>
      predecessorsOf(node).every((predecessor) => succeededNodes.has(predecessor)),
    );
    if (readyNodes.length === 0) {
      return succeededNodes.size === nodes.length;
    }
    const node = choose(readyNodes);
    waitingNodes.delete(node);
    if (await task(node)) {
      succeededNodes.add(node);
    }
  }
}

/** The names on a cycle, or undefined if there is none. */
export function findCycle(dependencies: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const visited = new Set<string>();
  const visit = (name: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(name)) {
      return path.slice(path.indexOf(name));
    }
    if (visited.has(name)) {
      return undefined;
    }
    for (const next of dependencies.get(name) ?? []) {
      const cycle = visit(next, [...path, name]);
      if (cycle) {
        return cycle;
      }
    }
    visited.add(name);
    return undefined;
  };
  for (const name of dependencies.keys()) {
    const cycle = visit(name, []);
    if (cycle) {
      return cycle;
    }
  }
  return undefined;
}
