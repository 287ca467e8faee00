import type { CfnResource, Stack } from 'aws-cdk-lib';
import { Dependable } from 'constructs';
import type { IConstruct, IDependable } from 'constructs';
import { DependencySearch, isSearching } from './dependency-search';
import { enclosingStacks } from './enclosing-stacks';

/**
 * Makes a resource depend on another resource of the same Stage, unless that would create a cycle.
 *
 * The decision is made at synthesis, when all other dependencies are known.
 */
export function addDependencyUnlessCyclic(source: CfnResource, target: CfnResource): void {
  new AcyclicDependency([target]).addSource(source);
}

/**
 * Makes each of several sources depend on each target, including targets that are added to the array later. Leaves out targets that depend
 * on a source themselves.
 */
export class AcyclicDependency {
  private readonly sources: CfnResource[] = [];
  /** The sources whose targets the CDK has read since the last decision. */
  private readonly sourcesReadSinceDecision = new Set<CfnResource>();
  /** The targets that the sources of each stack can depend on. */
  private readonly acyclicTargets = new Map<Stack, readonly CfnResource[]>();

  constructor(private readonly targets: readonly CfnResource[]) {}

  addSource(source: CfnResource): void {
    this.sources.push(source);
    source.node.addDependency(new LazyDependable(() => this.targetsFor(source)));
  }

  private targetsFor(source: CfnResource): IConstruct[] {
    // while a search for another dependency runs, use the last decision, because a search must not start further searches
    if (!isSearching()) {
      // If the CDK asks for the same source again, more dependencies may exist than at the last decision, so decide again.
      if (this.sourcesReadSinceDecision.size === 0 || this.sourcesReadSinceDecision.has(source)) {
        this.sourcesReadSinceDecision.clear();
        this.decide();
      }
      this.sourcesReadSinceDecision.add(source);
    }
    return [...(this.acyclicTargets.get(source.stack) ?? [])];
  }

  private decide(): void {
    this.acyclicTargets.clear();
    for (const [stack, sources] of groupBy(this.sources, (source) => source.stack)) {
      // store the targets of this stack before the search for the next stack, because that search may read them
      this.acyclicTargets.set(stack, this.findAcyclicTargets(stack, sources));
    }
  }

  /** Returns the targets that do not depend on a source. Searches in the innermost stack that contains the sources and the target. */
  private findAcyclicTargets(stack: Stack, sources: readonly CfnResource[]): CfnResource[] {
    const byCommonStack = groupBy(this.targets, (target) => innermostCommonStack(stack, target));
    return [...byCommonStack].flatMap(([commonStack, targets]) => {
      // leave out each target that depends on a source, because a dependency on it would close a cycle
      const search = new DependencySearch(sources, commonStack);
      return targets.filter((target) => !search.reaches([target]));
    });
  }
}

function groupBy<K>(resources: readonly CfnResource[], keyOf: (resource: CfnResource) => K): ReadonlyMap<K, CfnResource[]> {
  const groups = new Map<K, CfnResource[]>();
  for (const resource of resources) {
    const key = keyOf(resource);
    groups.set(key, [...(groups.get(key) ?? []), resource]);
  }
  return groups;
}

/** Determines the constructs to depend on only when the CDK reads them. */
class LazyDependable extends Dependable implements IDependable {
  constructor(private readonly determineRoots: () => IConstruct[]) {
    super();
    Dependable.implement(this, this);
  }

  get dependencyRoots(): IConstruct[] {
    return this.determineRoots();
  }
}

/** The innermost stack that contains two constructs, directly or in nested stacks. */
function innermostCommonStack(one: IConstruct, other: IConstruct): Stack | undefined {
  const stacksOfOther = enclosingStacks(other);
  return enclosingStacks(one).find((stack) => stacksOfOther.includes(stack));
}
