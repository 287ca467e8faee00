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
  new AcyclicDependency([target]).add(source);
}

/**
 * Makes each of several sources depend on each target, except on targets that depend on a source themselves. This includes targets
 * that are added to the array later.
 */
export class AcyclicDependency {
  private readonly sources: CfnResource[] = [];
  /** The sources that have used the current decision. */
  private readonly decidedSources = new Set<CfnResource>();
  /** By the stack of the source. */
  private readonly acyclicTargets = new Map<Stack, readonly CfnResource[]>();

  constructor(private readonly targets: readonly CfnResource[]) {}

  add(source: CfnResource): void {
    this.sources.push(source);
    source.node.addDependency(new LazyDependable(() => this.targetsFor(source)));
  }

  private targetsFor(source: CfnResource): IConstruct[] {
    // During another search, return the last decision: a search must not start further searches.
    if (!isSearching()) {
      // Decide once for all sources. If the CDK asks for a source again, dependencies may have been added, so decide again.
      if (this.decidedSources.size === 0 || this.decidedSources.has(source)) {
        this.decidedSources.clear();
        this.decide();
      }
      this.decidedSources.add(source);
    }
    return [...(this.acyclicTargets.get(source.stack) ?? [])];
  }

  private decide(): void {
    this.acyclicTargets.clear();
    for (const [stack, sources] of groupBy(this.sources, (source) => source.stack)) {
      // Store each decision before the next one: the next search must see it, or two stacks could depend on each other.
      this.acyclicTargets.set(stack, this.findAcyclicTargets(stack, sources));
    }
  }

  /** Compares sources and targets as resources of the innermost stack that contains both. */
  private findAcyclicTargets(stack: Stack, sources: readonly CfnResource[]): CfnResource[] {
    const byCommonStack = groupBy(this.targets, (target) => innermostCommonStack(stack, target));
    return [...byCommonStack].flatMap(([commonStack, targets]) => {
      const search = new DependencySearch(sources, commonStack);
      return targets.filter((target) => !search.reachesTarget([target]));
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

/** A dependency whose constructs are determined when the CDK asks for them. */
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
