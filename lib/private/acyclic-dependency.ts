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
  private acyclicTargets: IConstruct[] = [];

  constructor(private readonly targets: readonly CfnResource[]) {}

  add(source: CfnResource): void {
    this.sources.push(source);
    source.node.addDependency(new LateDependable(() => this.targetsFor(source)));
  }

  private targetsFor(source: CfnResource): IConstruct[] {
    // a search that another dependency has started uses the last decision: it must not start further searches
    if (!isSearching()) {
      // one search serves all sources; when a source asks again, more dependencies may be known, so search again
      if (this.answered.size === 0 || this.answered.has(source)) {
        this.answered.clear();
        this.acyclicTargets = this.findAcyclicTargets();
      }
      this.answered.add(source);
    }
    return this.acyclicTargets;
  }

  private findAcyclicTargets(): IConstruct[] {
    if (this.targets.length === 0) {
      return [];
    }
    const search = new DependencySearch(this.sources, innermostCommonStack([...this.sources, ...this.targets]));
    return this.targets.filter((target) => !search.reachesTarget([target]));
  }
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

/** The innermost stack that contains all of the constructs, directly or in nested stacks. */
function innermostCommonStack([first, ...others]: readonly IConstruct[]): Stack | undefined {
  const stacksOfOthers = others.map(enclosingStacks);
  return first === undefined
    ? undefined
    : enclosingStacks(first).find((stack) => stacksOfOthers.every((stacks) => stacks.includes(stack)));
}
