import { partitionOf, urlSuffixOf } from '../../aws/partitions';
import type { StackArtifact } from '../template/cloud-assembly';
import { conditionsOf, decide, outputRequest, resolve, textOf, type Scope } from '../template/intrinsics';
import type { OutputRequest } from '../template/intrinsics';
import { argumentsOf, isObject, references, type TemplateResource } from '../template/template';
import { malformedExport } from '../template/validation';
import { ResourceFailure, type StackIdentity } from '../types/resource-type';
import { findCycle } from './graph';
import type { Outputs, Resource } from './stack';

/** A resource of the template, with unresolved properties. */
export interface Planned {
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
  readonly missingAttribute: (resource: Resource, attribute: string) => unknown;
  readonly stackOutput: (request: OutputRequest) => unknown;
  /** The parameter values. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Replaces the dynamic references in a value. */
  readonly dereference: (value: unknown) => unknown;
}

/** A validated template with evaluated conditions and known dependencies. Resolves properties on demand. */
export class Plan {
  readonly resources: ReadonlyMap<string, Planned>;
  readonly imports = new Set<string>();
  private readonly scope: Scope;

  constructor(private readonly options: PlanOptions) {
    const { artifact, stack, resources, exportsOf, missingAttribute, stackOutput, parameters } = options;
    const { template } = artifact;
    const existing = (logicalId: string): Resource => {
      const resource = resources.get(logicalId);
      if (resource?.physicalId === undefined) {
        throw new ResourceFailure(`Template error: instance of Ref or Fn::GetAtt references ${logicalId}, which is not there`);
      }
      return resource;
    };
    const base = {
      template,
      region: stack.region,
      parameters: { ...pseudoParameters(stack), ...parameters },
      reference: (logicalId: string) => existing(logicalId).physicalId,
      attribute: (logicalId: string, attribute: string) => {
        const resource = existing(logicalId);
        return attribute in resource.attributes ? resource.attributes[attribute] : missingAttribute(resource, attribute);
      },
      importValue: (name: string) => {
        const values = exportsOf(stack.account, stack.region);
        if (!values.has(name)) {
          throw new ResourceFailure(`No export named ${name} found.`);
        }
        this.imports.add(name);
        return values.get(name);
      },
      stackOutput,
    };
    this.scope = { ...base, condition: conditionsOf(base) };
    this.resources = this.planResources();
    this.validate();
  }

  properties(logicalId: string): Resource['properties'] {
    const properties = this.resources.get(logicalId)?.definition.Properties ?? {};
    return this.options.dereference(resolve(properties, this.scope)) as Resource['properties'];
  }

  /** The outputs of other stacks that the template reads, except requests that depend on resources. */
  outputRequests(): OutputRequest[] {
    const { Resources, Outputs } = this.options.artifact.template;
    return argumentsOf('Fn::GetStackOutput', [Resources, Outputs]).flatMap((argument) =>
      references(argument).some((name) => this.resources.has(name)) ? [] : [outputRequest(argument, this.scope)],
    );
  }

  outputs(): Outputs {
    const wanted = Object.entries(this.options.artifact.template.Outputs ?? {}).filter(([, { Condition }]) =>
      this.applies(Condition),
    );
    const values = wanted.map(([name, { Value }]) => [name, this.outputValue(Value)] as const);
    const exports = wanted.flatMap(([, { Value, Export }]) =>
      Export ? [[textOf(resolve(Export.Name, this.scope)), this.outputValue(Value)] as const] : [],
    );
    return { values: Object.fromEntries(values), exports: Object.fromEntries(exports) };
  }

  private outputValue(value: unknown): string {
    return textOf(this.options.dereference(this.scalar(value)));
  }

  private scalar(value: unknown): unknown {
    const resolved = resolve(value, this.scope);
    if (Array.isArray(resolved) || isObject(resolved)) {
      throw new Error('Template format error: The Value field of every Outputs member must evaluate to a String.');
    }
    return resolved;
  }

  private applies(condition: string | undefined): boolean {
    return condition === undefined || this.scope.condition(condition) === true;
  }

  private planResources(): ReadonlyMap<string, Planned> {
    const all = Object.entries(this.options.artifact.template.Resources ?? {});
    const planned = all.filter(([, { Condition }]) => this.applies(Condition));
    const names = new Set(planned.map(([logicalId]) => logicalId));
    return new Map(
      planned.map(([logicalId, definition]) => {
        const referred = references(decide(definition.Properties ?? {}, this.scope));
        // DependsOn may name resources that a condition excludes.
        const explicit = [definition.DependsOn ?? []]
          .flat()
          .filter((name) => !(name in Object.fromEntries(all)) || names.has(name));
        const dependencies = [
          ...new Set([...referred.filter((name) => !(name in this.scope.parameters) && !name.startsWith('AWS::')), ...explicit]),
        ];
        return [logicalId, { logicalId, definition, dependencies }];
      }),
    );
  }

  private validate(): void {
    const { Conditions = {}, Resources, Outputs: outputs = {} } = this.options.artifact.template;
    Object.keys(Conditions).forEach((name) => this.scope.condition(name));
    argumentsOf('Fn::FindInMap', [Resources, outputs])
      .filter((argument) => this.isKnown(argument))
      .forEach((argument) => resolve({ 'Fn::FindInMap': argument }, this.scope));
    const outputReferences = Object.values(outputs)
      .filter(({ Condition }) => this.applies(Condition))
      .flatMap(({ Value }) => references(decide(Value, this.scope)))
      .filter((name) => !(name in this.scope.parameters) && !name.startsWith('AWS::'));
    const unknown = (names: readonly string[]) => [...new Set(names.filter((name) => !this.resources.has(name)))].join(', ');
    const inResources = unknown([...this.resources.values()].flatMap(({ dependencies }) => dependencies));
    if (inResources) {
      throw new Error(
        `Template format error: Unresolved resource dependencies [${inResources}] in the Resources block of the template`,
      );
    }
    const inOutputs = unknown(outputReferences);
    if (inOutputs) {
      throw new Error(
        `Template format error: Unresolved resource dependencies [${inOutputs}] in the Outputs block of the template`,
      );
    }
    this.validateOutputs();
    const cycle = findCycle(new Map([...this.resources].map(([logicalId, { dependencies }]) => [logicalId, dependencies])));
    if (cycle) {
      throw new Error(`Circular dependency between resources: [${cycle.join(', ')}]`);
    }
  }

  /** Validates the outputs whose values and export names do not depend on resources. */
  private validateOutputs(): void {
    const { Outputs = {} } = this.options.artifact.template;
    const exporters = new Map<string, string>();
    for (const [name, { Condition, Value, Export }] of Object.entries(Outputs)) {
      if (!this.applies(Condition)) {
        continue;
      }
      if (this.isKnown(Value)) {
        this.scalar(Value);
      }
      if (Export) {
        const exportName = textOf(resolve(Export.Name, this.scope));
        if (!/^[A-Za-z0-9:-]{1,255}$/.test(exportName)) {
          throw new Error(`Template format error: ${malformedExport(name)}`);
        }
        const other = exporters.get(exportName);
        if (other !== undefined) {
          throw new Error(`Template format error: Outputs ${other} and ${name} have the same export name: ${exportName}`);
        }
        exporters.set(exportName, name);
      }
    }
  }

  /** Whether a value depends only on parameters. */
  private isKnown(value: unknown): boolean {
    const others = ['Fn::ImportValue', 'Fn::GetStackOutput'].flatMap((name) => argumentsOf(name, value));
    return others.length === 0 && !references(value).some((name) => name in (this.options.artifact.template.Resources ?? {}));
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
