import { CfnElement, CfnResource, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { resolveReferences } from './template';

let runningSearches = 0;

/** Whether a search is resolving tokens right now. */
export function isSearching(): boolean {
  return runningSearches > 0;
}

/**
 * Finds out whether constructs depend on one of several destinations, directly or indirectly, in the deployed templates.
 *
 * The search compares units. A unit is a resource of one stack, or a whole stack. A nested stack counts as one resource of its parent stack.
 * Each unit is visited once, so the duration grows with the number of units.
 */
export class DependencySearch {
  /** Whether a unit reaches a destination, for each unit that has been searched. */
  private readonly resultsByUnit = new Map<IConstruct, boolean>();
  private readonly elementsByStack = new Map<Stack, ReadonlyMap<string, CfnElement>>();
  private readonly dependenciesByScope = new Map<IConstruct, readonly IConstruct[]>();
  private readonly destinations: ReadonlySet<IConstruct>;

  /**
   * @param destinations the constructs that others may depend on
   * @param stack the stack whose resources are the units; undefined if whole stacks are the units
   */
  constructor(
    destinations: readonly IConstruct[],
    private readonly stack: Stack | undefined,
  ) {
    this.destinations = new Set(this.unitsOf(destinations));
  }

  /** Whether one of the constructs is a destination, or depends on one. */
  reaches(constructs: readonly IConstruct[]): boolean {
    runningSearches += 1;
    try {
      const visited = new Set<IConstruct>();
      const found = this.unitsOf(constructs).some((unit) => this.unitReaches(unit, visited));
      if (!found) {
        visited.forEach((unit) => this.resultsByUnit.set(unit, false));
      }
      return found;
    } finally {
      runningSearches -= 1;
    }
  }

  /** The elements of a stack that a part of its template refers to. */
  elementsReferencedIn(part: unknown, stack: Stack): CfnElement[] {
    return referencedLogicalIds(part)
      .map((logicalId) => this.elementsOf(stack).get(logicalId))
      .filter((element) => element !== undefined);
  }

  private unitReaches(unit: IConstruct, visited: Set<IConstruct>): boolean {
    if (this.destinations.has(unit)) {
      return true;
    }
    const result = this.resultsByUnit.get(unit);
    if (result !== undefined || visited.has(unit)) {
      return result ?? false;
    }
    visited.add(unit);
    const found = this.dependenciesOfUnit(unit).some((dependency) => this.unitReaches(dependency, visited));
    // do not store `false` yet: in a cycle, this unit may depend on a unit whose search is still running and finds a destination later.
    // `reaches` stores `false` when the whole search has ended
    if (found) {
      this.resultsByUnit.set(unit, true);
    }
    return found;
  }

  private dependenciesOfUnit(unit: IConstruct): IConstruct[] {
    const dependencies = this.elementsOfUnit(unit).flatMap((element) => this.dependenciesOfElement(element));
    const stacks = Stack.isStack(unit) ? unit.dependencies : [];
    return this.unitsOf([...dependencies, ...stacks]).filter((other) => other !== unit);
  }

  private dependenciesOfElement(element: CfnElement): IConstruct[] {
    const { value, targets } = resolveReferences(element._toCloudFormation(), element);
    const dependencies = CfnResource.isCfnResource(element) ? element.obtainDependencies() : [];
    const { stack } = element;
    const dependencyIds = new Set(
      dependencies.filter((other) => CfnResource.isCfnResource(other)).map((other) => stack.resolve(other.logicalId) as string),
    );
    // references that are template text instead of tokens, such as those in an override
    const referencedElements = referencedLogicalIds(value).some((logicalId) => !dependencyIds.has(logicalId))
      ? this.elementsReferencedIn(value, stack)
      : [];
    const scopeDependencies = element.node.scopes.flatMap((scope) => this.dependenciesOfScope(scope));
    return [
      ...[...targets].filter((target) => CfnElement.isCfnElement(target)),
      ...dependencies,
      ...referencedElements,
      ...scopeDependencies,
    ];
  }

  /** Dependencies between constructs. The CDK turns them into dependencies between the resources in these constructs. */
  private dependenciesOfScope(scope: IConstruct): readonly IConstruct[] {
    const cached = this.dependenciesByScope.get(scope);
    if (cached !== undefined) {
      return cached;
    }
    const dependencies = scope.node.dependencies.flatMap((other) =>
      other.node.findAll().filter((construct) => CfnResource.isCfnResource(construct)),
    );
    this.dependenciesByScope.set(scope, dependencies);
    return dependencies;
  }

  private elementsOfUnit(unit: IConstruct): CfnElement[] {
    const stack = Stack.isStack(unit) ? unit : nestedStackOf(unit);
    const contents = stack?.node.findAll().filter((construct) => this.unitOf(construct) === unit) ?? [];
    return [...contents, unit].filter((construct) => CfnElement.isCfnElement(construct));
  }

  /** The elements of a stack, by logical id. */
  private elementsOf(stack: Stack): ReadonlyMap<string, CfnElement> {
    const cached = this.elementsByStack.get(stack);
    if (cached !== undefined) {
      return cached;
    }
    const elements = stack.node.findAll().filter((construct) => CfnElement.isCfnElement(construct));
    const elementsOfThisStack = elements.filter((element) => element.stack === stack);
    const byLogicalId = new Map(elementsOfThisStack.map((element) => [stack.resolve(element.logicalId) as string, element]));
    this.elementsByStack.set(stack, byLogicalId);
    return byLogicalId;
  }

  private unitsOf(constructs: readonly IConstruct[]): IConstruct[] {
    const units = constructs.map((construct) => this.unitOf(construct)).filter((unit) => unit !== undefined);
    return [...new Set(units)];
  }

  private unitOf(construct: IConstruct): IConstruct | undefined {
    let unit = construct;
    let stack = Stack.of(construct);
    while (stack !== this.stack) {
      const { nestedStackParent, nestedStackResource } = stack;
      if (nestedStackParent === undefined || nestedStackResource === undefined) {
        return this.stack === undefined ? stack : undefined;
      }
      unit = nestedStackResource;
      stack = nestedStackParent;
    }
    return unit;
  }
}

/** The nested stack that a resource of the parent stack deploys. The CDK creates the resource in a construct next to the nested stack. */
function nestedStackOf(resource: IConstruct): Stack | undefined {
  const siblings = resource.node.scope?.node.scope?.node.children ?? [];
  return siblings.filter((sibling) => Stack.isStack(sibling)).find(({ nestedStackResource }) => nestedStackResource === resource);
}

/** The logical ids to which a part of a template refers. A text that only happens to equal a logical id is not a reference. */
function referencedLogicalIds(part: unknown): string[] {
  if (Array.isArray(part)) {
    return part.flatMap(referencedLogicalIds);
  }
  if (typeof part !== 'object' || part === null) {
    return [];
  }
  return Object.entries(part).flatMap(([key, value]: [string, unknown]) => {
    const texts = [value].flat().filter((item) => typeof item === 'string');
    switch (key) {
      case 'Ref':
      case 'DependsOn':
        // leaves out pseudo parameters, and the paths that resolveReferences has written
        return texts.filter((text) => !text.includes('::'));
      case 'Fn::GetAtt':
        return texts.slice(0, 1).flatMap((text) => text.split('.').slice(0, 1));
      case 'Fn::Sub':
        // `${Id}` and `${Id.Attribute}`, but not `${AWS::Region}` or `${!Literal}`
        return [...(texts[0] ?? '').matchAll(/\$\{([A-Za-z0-9]+)[.}]/g)]
          .map(([, logicalId = '']) => logicalId)
          .concat(referencedLogicalIds(value));
      default:
        return referencedLogicalIds(value);
    }
  });
}
