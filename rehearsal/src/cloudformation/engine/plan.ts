import { partitionOf, urlSuffixOf } from '../../aws/partitions';
import type { StackArtifact } from '../template/cloud-assembly';
import { conditionsOf, resolveIfs, outputReferenceOf, resolve, textOf, type Scope } from '../template/intrinsics';
import type { OutputReference } from '../template/intrinsics';
import { argumentsOf, isObject, references, type TemplateResource } from '../template/template';
import { malformedExportMessage } from '../template/validation';
import { ResourceFailure, type StackIdentity } from '../types/resource-type';
import { findCycle } from './graph';
import type { Outputs, Resource } from './stack';

/** A resource of the template, with unresolved properties. */
export interface PlannedResource {
  readonly logicalId: string;
  readonly definition: TemplateResource;
  readonly dependencies: readonly string[];
}

interface PlanOptions {
  readonly artifact: StackArtifact;
  readonly stack: StackIdentity;
  /** The current resources of the stack. They change during the deployment. */
  readonly resources: ReadonlyMap<string, Resource>;
  readonly exportsOf: (account: string, region: string) => ReadonlyMap<string, unknown>;
  /** Returns the value of an attribute that is not in the resource's `attributes`, or throws. */
  readonly missingAttributeValue: (resource: Resource, attribute: string) => unknown;
  readonly readStackOutput: (reference: OutputReference) => unknown;
  /** The parameter values. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Replaces the dynamic references in a value. */
  readonly resolveDynamicReferences: (value: unknown) => unknown;
}

/** A validated template. Conditions and dependencies are evaluated at once, properties on demand. */
export class Plan {
  readonly resources: ReadonlyMap<string, PlannedResource>;
  readonly imports = new Set<string>();
  private readonly scope: Scope;

  constructor(private readonly options: PlanOptions) {
    const { artifact, stack, resources, exportsOf, missingAttributeValue, readStackOutput, parameters } = options;
    const { template } = artifact;
    const requireExistingResource = (logicalId: string): Resource => {
      const resource = resources.get(logicalId);
      if (resource?.physicalId === undefined) {
        throw new ResourceFailure(`Template error: instance of Ref or Fn::GetAtt references ${logicalId}, which does not exist`);
      }
      return resource;
    };
    const scopeWithoutConditions = {
      template,
      region: stack.region,
      parameters: { ...pseudoParameters(stack), ...parameters },
      physicalIdOf: (logicalId: string) => requireExistingResource(logicalId).physicalId,
      attributeOf: (logicalId: string, attribute: string) => {
        const resource = requireExistingResource(logicalId);
        return attribute in resource.attributes ? resource.attributes[attribute] : missingAttributeValue(resource, attribute);
      },
      importValue: (name: string) => {
        const values = exportsOf(stack.account, stack.region);
        if (!values.has(name)) {
          throw new ResourceFailure(`No export named ${name} found.`);
        }
        this.imports.add(name);
        return values.get(name);
      },
      readStackOutput,
    };
    this.scope = { ...scopeWithoutConditions, evaluateCondition: conditionsOf(scopeWithoutConditions) };
    this.resources = this.planResources();
    this.validate();
  }

  resolveProperties(logicalId: string): Resource['properties'] {
    const properties = this.resources.get(logicalId)?.definition.Properties ?? {};
    return this.options.resolveDynamicReferences(resolve(properties, this.scope)) as Resource['properties'];
  }

  /** Lists the outputs of other stacks that the template reads, except references whose arguments depend on resources. */
  outputReferences(): OutputReference[] {
    const { Resources, Outputs } = this.options.artifact.template;
    return argumentsOf('Fn::GetStackOutput', [Resources, Outputs]).flatMap((argument) =>
      references(argument).some((name) => this.resources.has(name)) ? [] : [outputReferenceOf(argument, this.scope)],
    );
  }

  resolveOutputs(): Outputs {
    const includedOutputs = Object.entries(this.options.artifact.template.Outputs ?? {}).filter(([, { Condition }]) =>
      this.isConditionMet(Condition),
    );
    const values = includedOutputs.map(([name, { Value }]) => [name, this.resolveOutput(Value)] as const);
    const exports = includedOutputs.flatMap(([, { Value, Export }]) =>
      Export ? [[textOf(resolve(Export.Name, this.scope)), this.resolveOutput(Value)] as const] : [],
    );
    return { values: Object.fromEntries(values), exports: Object.fromEntries(exports) };
  }

  private resolveOutput(value: unknown): string {
    return textOf(this.options.resolveDynamicReferences(this.resolveScalar(value)));
  }

  private resolveScalar(value: unknown): unknown {
    const resolved = resolve(value, this.scope);
    if (Array.isArray(resolved) || isObject(resolved)) {
      throw new Error('Template format error: The Value field of every Outputs member must evaluate to a String.');
    }
    return resolved;
  }

  private isConditionMet(condition: string | undefined): boolean {
    return condition === undefined || this.scope.evaluateCondition(condition) === true;
  }

  private planResources(): ReadonlyMap<string, PlannedResource> {
    const definitions = Object.entries(this.options.artifact.template.Resources ?? {});
    const includedDefinitions = definitions.filter(([, { Condition }]) => this.isConditionMet(Condition));
    const includedIds = new Set(includedDefinitions.map(([logicalId]) => logicalId));
    return new Map(
      includedDefinitions.map(([logicalId, definition]) => {
        const referencedNames = references(resolveIfs(definition.Properties ?? {}, this.scope));
        // DependsOn may name resources that a condition excludes: ignore these
        const explicitDependencies = [definition.DependsOn ?? []]
          .flat()
          .filter((name) => !(name in Object.fromEntries(definitions)) || includedIds.has(name));
        const dependencies = [
          ...new Set([
            ...referencedNames.filter((name) => !(name in this.scope.parameters) && !name.startsWith('AWS::')),
            ...explicitDependencies,
          ]),
        ];
        return [logicalId, { logicalId, definition, dependencies }];
      }),
    );
  }

  private validate(): void {
    const { Conditions = {}, Resources, Outputs: outputs = {} } = this.options.artifact.template;
    // evaluate all conditions and mappings, also unused ones: this throws if one is invalid
    Object.keys(Conditions).forEach((name) => this.scope.evaluateCondition(name));
    argumentsOf('Fn::FindInMap', [Resources, outputs])
      .filter((argument) => this.dependsOnlyOnParameters(argument))
      .forEach((argument) => resolve({ 'Fn::FindInMap': argument }, this.scope));
    const outputReferences = Object.values(outputs)
      .filter(({ Condition }) => this.isConditionMet(Condition))
      .flatMap(({ Value }) => references(resolveIfs(Value, this.scope)))
      .filter((name) => !(name in this.scope.parameters) && !name.startsWith('AWS::'));
    const unknownNamesIn = (names: readonly string[]) =>
      [...new Set(names.filter((name) => !this.resources.has(name)))].join(', ');
    const unknownInResources = unknownNamesIn([...this.resources.values()].flatMap(({ dependencies }) => dependencies));
    if (unknownInResources) {
      throw new Error(
        `Template format error: Unresolved resource dependencies [${unknownInResources}] in the Resources block of the template`,
      );
    }
    const unknownInOutputs = unknownNamesIn(outputReferences);
    if (unknownInOutputs) {
      throw new Error(
        `Template format error: Unresolved resource dependencies [${unknownInOutputs}] in the Outputs block of the template`,
      );
    }
    this.validateOutputs();
    const cycle = findCycle(new Map([...this.resources].map(([logicalId, { dependencies }]) => [logicalId, dependencies])));
    if (cycle) {
      throw new Error(`Circular dependency between resources: [${cycle.join(', ')}]`);
    }
  }

  /** Validates the export names, which never depend on resources, and the values that depend only on parameters. */
  private validateOutputs(): void {
    const { Outputs = {} } = this.options.artifact.template;
    const exporters = new Map<string, string>();
    for (const [name, { Condition, Value, Export }] of Object.entries(Outputs)) {
      if (!this.isConditionMet(Condition)) {
        continue;
      }
      if (this.dependsOnlyOnParameters(Value)) {
        this.resolveScalar(Value);
      }
      if (Export) {
        const exportName = textOf(resolve(Export.Name, this.scope));
        if (!/^[A-Za-z0-9:-]{1,255}$/.test(exportName)) {
          throw new Error(`Template format error: ${malformedExportMessage(name)}`);
        }
        const otherOutput = exporters.get(exportName);
        if (otherOutput !== undefined) {
          throw new Error(`Template format error: Outputs ${otherOutput} and ${name} have the same export name: ${exportName}`);
        }
        exporters.set(exportName, name);
      }
    }
  }

  /** Whether a value depends only on parameters. */
  private dependsOnlyOnParameters(value: unknown): boolean {
    const valuesOfOtherStacks = ['Fn::ImportValue', 'Fn::GetStackOutput'].flatMap((name) => argumentsOf(name, value));
    return (
      valuesOfOtherStacks.length === 0 &&
      !references(value).some((name) => name in (this.options.artifact.template.Resources ?? {}))
    );
  }
}

const pseudoParameters = ({ name, id, account, region }: StackIdentity) => ({
  'AWS::AccountId': account,
  'AWS::NotificationARNs': [],
  'AWS::Partition': partitionOf(region),
  'AWS::Region': region,
  'AWS::StackId': id,
  'AWS::StackName': name,
  'AWS::URLSuffix': urlSuffixOf(region),
});
