import { CfnElement, CfnResource, DefaultTokenResolver, Reference, Stack, Tokenization } from 'aws-cdk-lib';
import type { IPostProcessor, IResolvable, IResolveContext } from 'aws-cdk-lib';
import { Dependable } from 'constructs';
import type { IConstruct, IDependable } from 'constructs';

/*
 * What depends on what, as CloudFormation will see it. At synthesis this can be known before the CDK has resolved the references among
 * stacks, so that a dependency which would close a cycle can be left out.
 */

/** Resolves to intrinsic functions, and names what each reference refers to. */
class ReferenceResolver extends DefaultTokenResolver {
  readonly targets = new Set<IConstruct>();

  constructor() {
    super({ join: (left: unknown, right: unknown) => ({ 'Fn::Join': ['', [left, right]] }) });
  }

  override resolveToken(token: IResolvable, context: IResolveContext, postProcessor: IPostProcessor): unknown {
    if (!Reference.isReference(token)) {
      return super.resolveToken(token, context, postProcessor) as unknown;
    }
    this.targets.add(token.target);
    // the logical id is not unique in the app; the colons tell it from one
    return { Ref: `${token.target.node.path}::${token.displayName}` };
  }
}

/** A value with its tokens resolved, at any time, each reference by the path of its target; and the targets. */
export function withReferences(
  value: unknown,
  scope: IConstruct,
): { readonly resolved: unknown; readonly targets: Set<IConstruct> } {
  const resolver = new ReferenceResolver();
  return { resolved: Tokenization.resolve(value, { scope, resolver, preparing: false }) as unknown, targets: resolver.targets };
}

let searching = false;

/** Whether a search for cycles resolves tokens at the moment. */
export function isSearching(): boolean {
  return searching;
}

/** Searches for what depends on a resource, or on one of several, directly or not: linear in what it visits, as it visits each once. */
export class DependencySearch {
  private readonly verdicts = new Map<IConstruct, boolean>();
  private readonly byLogicalId = new Map<Stack, ReadonlyMap<string, CfnElement>>();
  private readonly ofScope = new Map<IConstruct, readonly IConstruct[]>();
  private readonly targets: ReadonlySet<IConstruct>;

  /**
   * @param targets what is looked for
   * @param level the stack within which they are: a nested stack counts as one resource of it; undefined for whole stacks of an app
   */
  constructor(
    targets: readonly IConstruct[],
    private readonly level: Stack | undefined,
  ) {
    this.targets = new Set(this.unitsOf(targets));
  }

  /** Whether one of the constructs is a target, or depends on one. */
  leadsFrom(constructs: readonly IConstruct[]): boolean {
    const before = searching;
    searching = true;
    try {
      const seen = new Set<IConstruct>();
      const found = this.unitsOf(constructs).some((unit) => this.visit(unit, seen));
      if (!found) {
        seen.forEach((unit) => this.verdicts.set(unit, false));
      }
      return found;
    } finally {
      searching = before;
    }
  }

  /** The resources of a stack that a part of its template names. */
  namedIn(part: unknown, stack: Stack): CfnElement[] {
    const names = namesIn(part);
    return names.length === 0
      ? []
      : names.map((name) => this.elementsOf(stack).get(name)).filter((element) => element !== undefined);
  }

  private visit(unit: IConstruct, seen: Set<IConstruct>): boolean {
    if (this.targets.has(unit)) {
      return true;
    }
    const verdict = this.verdicts.get(unit);
    if (verdict !== undefined || seen.has(unit)) {
      return verdict ?? false;
    }
    seen.add(unit);
    const found = this.neededBy(unit).some((needed) => this.visit(needed, seen));
    if (found) {
      this.verdicts.set(unit, true);
    }
    return found;
  }

  private neededBy(unit: IConstruct): IConstruct[] {
    const needed = this.contentsOf(unit).flatMap((element) => this.neededByElement(element));
    const stacks = Stack.isStack(unit) ? unit.dependencies : [];
    return this.unitsOf([...needed, ...stacks]).filter((other) => other !== unit);
  }

  private neededByElement(element: CfnElement): IConstruct[] {
    const { resolved, targets } = withReferences(element._toCloudFormation(), element);
    const dependencies = CfnResource.isCfnResource(element) ? element.obtainDependencies() : [];
    const { stack } = element;
    const known = new Set(
      dependencies.filter((other) => CfnResource.isCfnResource(other)).map((other) => stack.resolve(other.logicalId) as string),
    );
    // such as in an override
    const named = namesIn(resolved).some((name) => !known.has(name)) ? this.namedIn(resolved, stack) : [];
    const scoped = element.node.scopes.flatMap((scope) => this.neededByScope(scope));
    return [...[...targets].filter((target) => CfnElement.isCfnElement(target)), ...dependencies, ...named, ...scoped];
  }

  /** Dependencies among constructs, which the CDK turns into dependencies among their resources. */
  private neededByScope(scope: IConstruct): readonly IConstruct[] {
    const known = this.ofScope.get(scope);
    if (known !== undefined) {
      return known;
    }
    const needed = scope.node.dependencies.flatMap((other) =>
      other.node.findAll().filter((construct) => CfnResource.isCfnResource(construct)),
    );
    this.ofScope.set(scope, needed);
    return needed;
  }

  private contentsOf(unit: IConstruct): CfnElement[] {
    const whole = Stack.isStack(unit) ? unit : nestedStackOf(unit);
    const within = whole?.node.findAll().filter((construct) => this.unitOf(construct) === unit) ?? [];
    return [...within, unit].filter((construct) => CfnElement.isCfnElement(construct));
  }

  private elementsOf(stack: Stack): ReadonlyMap<string, CfnElement> {
    const known = this.byLogicalId.get(stack);
    if (known !== undefined) {
      return known;
    }
    const elements = stack.node.findAll().filter((construct) => CfnElement.isCfnElement(construct));
    const own = elements.filter((element) => element.stack === stack);
    const map = new Map(own.map((element) => [stack.resolve(element.logicalId) as string, element]));
    this.byLogicalId.set(stack, map);
    return map;
  }

  private unitsOf(constructs: readonly IConstruct[]): IConstruct[] {
    const units = constructs.map((construct) => this.unitOf(construct)).filter((unit) => unit !== undefined);
    return [...new Set(units)];
  }

  private unitOf(construct: IConstruct): IConstruct | undefined {
    let unit = construct;
    let stack = Stack.of(construct);
    while (stack !== this.level) {
      const { nestedStackParent, nestedStackResource } = stack;
      if (nestedStackParent === undefined || nestedStackResource === undefined) {
        return this.level === undefined ? stack : undefined;
      }
      unit = nestedStackResource;
      stack = nestedStackParent;
    }
    return unit;
  }
}

/**
 * Makes a resource depend on another, in whatever stacks of one Stage they are, unless that would close a cycle.
 *
 * It is decided at synthesis, when all other dependencies are known.
 */
export function dependUnlessCyclic(source: CfnResource, target: CfnResource): void {
  new AcyclicDependency([target]).add(source);
}

/** Makes each of several resources depend on each of others, but for those that depend on one of the former. */
export class AcyclicDependency {
  private readonly sources: CfnResource[] = [];
  private readonly asked = new Set<CfnResource>();
  private roots: IConstruct[] = [];

  constructor(private readonly targets: readonly CfnResource[]) {}

  add(source: CfnResource): void {
    this.sources.push(source);
    source.node.addDependency(new UnlessCyclic(() => this.rootsFor(source)));
  }

  private rootsFor(source: CfnResource): IConstruct[] {
    // a search on behalf of another takes what was decided last
    if (!searching) {
      // one search for all sources, and another as soon as one of them asks again: more may be known then
      if (this.asked.size === 0 || this.asked.has(source)) {
        this.asked.clear();
        this.roots = this.decide();
      }
      this.asked.add(source);
    }
    return this.roots;
  }

  private decide(): IConstruct[] {
    const search = new DependencySearch(this.sources, commonStackOf([...this.sources, ...this.targets]));
    return this.targets.filter((target) => !search.leadsFrom([target]));
  }
}

class UnlessCyclic extends Dependable implements IDependable {
  constructor(private readonly decide: () => IConstruct[]) {
    super();
    Dependable.implement(this, this);
  }

  get dependencyRoots(): IConstruct[] {
    return this.decide();
  }
}

function commonStackOf([first, ...others]: readonly IConstruct[]): Stack | undefined {
  const around = others.map(stacksAround);
  return first === undefined ? undefined : stacksAround(first).find((stack) => around.every((stacks) => stacks.includes(stack)));
}

/** The stack that is deployed by itself, around any nested ones. */
export function topStackOf(construct: IConstruct): Stack {
  return stacksAround(construct).at(-1) ?? Stack.of(construct);
}

/** From the innermost to the top. */
function stacksAround(construct: IConstruct): Stack[] {
  const stacks: Stack[] = [];
  for (let stack: Stack | undefined = Stack.of(construct); stack !== undefined; stack = stack.nestedStackParent) {
    stacks.push(stack);
  }
  return stacks;
}

/** The nested stack behind a resource of its parent's: the CDK makes both in the same scope. */
function nestedStackOf(resource: IConstruct): Stack | undefined {
  const siblings = resource.node.scope?.node.scope?.node.children ?? [];
  return siblings.filter((sibling) => Stack.isStack(sibling)).find(({ nestedStackResource }) => nestedStackResource === resource);
}

/** The logical ids in references: a text that only happens to be one, such as a name, is none. */
function namesIn(part: unknown): string[] {
  if (Array.isArray(part)) {
    return part.flatMap(namesIn);
  }
  if (typeof part !== 'object' || part === null) {
    return [];
  }
  return Object.entries(part).flatMap(([key, value]: [string, unknown]) => {
    const texts = [value].flat().filter((item) => typeof item === 'string');
    switch (key) {
      case 'Ref':
      case 'DependsOn':
        return texts.filter((text) => !text.includes('::'));
      case 'Fn::GetAtt':
        return texts.slice(0, 1).flatMap((text) => text.split('.').slice(0, 1));
      case 'Fn::Sub':
        return [...(texts[0] ?? '').matchAll(/\$\{([A-Za-z0-9]+)[.}]/g)].map(([, name = '']) => name).concat(namesIn(value));
      default:
        return namesIn(value);
    }
  });
}
