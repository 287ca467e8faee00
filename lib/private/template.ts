import { DefaultTokenResolver, Reference, Tokenization } from 'aws-cdk-lib';
import type { CfnResource, IPostProcessor, IResolvable, IResolveContext } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/*
 * Reads resources as they will appear in the template. These functions work at any time, even before the CDK has resolved references
 * between stacks.
 */

/**
 * Resolves each reference to `<path of its target>::<attribute>`, and collects the targets. A logical id would not be unique in
 * an app.
 */
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
    return { Ref: `${token.target.node.path}::${token.displayName}` };
  }
}

export interface ResolvedValue {
  /** The value with its tokens resolved. A reference is `{ Ref: '<path of its target>::<attribute>' }`. */
  readonly value: unknown;
  /** The constructs that the value refers to. */
  readonly targets: ReadonlySet<IConstruct>;
}

export function resolveReferences(value: unknown, scope: IConstruct): ResolvedValue {
  const resolver = new ReferenceResolver();
  const resolved = Tokenization.resolve(value, { scope, resolver, preparing: false }) as unknown;
  return { value: resolved, targets: resolver.targets };
}

/** A resource as it will appear in the template, overrides included. */
export function definitionOf(resource: CfnResource): Readonly<Record<string, unknown>> {
  const { Resources } = resolveReferences(resource._toCloudFormation(), resource).value as {
    readonly Resources?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  const [definition] = Object.values(Resources ?? {});
  return definition ?? {};
}

/** The properties of a resource as they will appear in the template, overrides included. */
export function propertiesOf(resource: CfnResource): Readonly<Record<string, unknown>> {
  const { Properties } = definitionOf(resource) as { readonly Properties?: Readonly<Record<string, unknown>> };
  return Properties ?? {};
}

/**
 * A property of a resource as it will appear in the template, overrides included. `targets` are the constructs that the whole resource refers
 * to, not only this property.
 */
export function propertyOf(resource: CfnResource, name: string): ResolvedValue {
  return { value: propertiesOf(resource)[name], targets: resolveReferences(resource._toCloudFormation(), resource).targets };
}

/** Whether a property of a resource will have this value in the template. */
export function hasProperty(resource: CfnResource, name: string, value: unknown): boolean {
  // an override can contain references as the template contains them, for example { Ref: 'Vpc' }
  const expected = [resolveReferences(value, resource).value, resource.stack.resolve(value) as unknown];
  const actual = JSON.stringify(propertiesOf(resource)[name]);
  return expected.some((each) => JSON.stringify(each) === actual);
}
