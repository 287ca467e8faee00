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
 * Makes each of several sources depend on each target, except on targets that depend on a source themselves. Targets that are added
 * to the array later count, too.
 */
export class AcyclicDependency {
  private readonly sources: CfnResource[] = [];
  private readonly answered = new Set<CfnResource>();
  /** By the stack of the source. */
  private readonly acyclicTargets = new Map<Stack, readonly CfnResource[]>();

  constructor(private readonly targets: readonly CfnResource[]) {}

  add(source: CfnResource): void {
    this.sources.push(source);
    source.node.addDependency(new LateDependable(() => this.targetsFor(source)));
  }

  private targetsFor(source: CfnResource): IConstruct[] {
    // a search that another dependency has started uses the last decision: it must not start further searches
    if (!isSearching()) {
      // one search serves all sources of a stack; when a source asks again, more dependencies may be known, so search again
      if (this.answered.size === 0 || this.answered.has(source)) {
        this.answered.clear();
        this.decide();
      }
      this.answered.add(source);
    }
    return [...(this.acyclicTargets.get(source.stack) ?? [])];
  }

  private decide(): void {
    this.acyclicTargets.clear();
    for (const [stack, sources] of groupBy(this.sources, (source) => source.stack)) {
      // the decision about one stack counts when the next one is made, since the stacks could depend on each other
      this.acyclicTargets.set(stack, this.findAcyclicTargets(stack, sources));
    }
  }

  /** Sources and targets of the same nested stack are compared as resources of it, also if there are others elsewhere. */
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

/** Constructs to depend on that are determined when the CDK asks for them. */
class LateDependable extends Dependable implements IDependable {
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
