import type { TemplateFile } from '../cloudformation/template/cloud-assembly';
import { isObject } from '../cloudformation/template/template';
import { isRunnable } from '../lambda/service/function-configuration';

/** A function that the rehearsal creates but cannot run. */
export interface UnrunnableFunction {
  /** The stack and the logical id. */
  readonly name: string;
  /** The runtime, or `container image`. */
  readonly runtime: string;
}

/**
 * Lists the functions that the rehearsal cannot run, without duplicates. Accepts invalid templates: they are validated later. Ignores
 * runtimes that a template computes with an intrinsic function such as `Fn::FindInMap`: the CDK does this only for Node.js.
 */
export function findUnrunnableFunctions(templates: readonly TemplateFile[]): UnrunnableFunction[] {
  const functions = new Map<string, UnrunnableFunction>();
  for (const { name: stack, template } of templates) {
    for (const [logicalId, resource] of Object.entries(objectOf(template.Resources))) {
      const { Type, Properties } = objectOf(resource);
      const { Code, Runtime } = objectOf(Properties);
      const runtime = objectOf(Code).ImageUri === undefined ? Runtime : 'container image';
      if (Type === 'AWS::Lambda::Function' && typeof runtime === 'string' && !isRunnable(runtime)) {
        const name = `${stack}/${logicalId}`;
        functions.set(`${name} ${runtime}`, { name, runtime });
      }
    }
  }
  return [...functions.values()];
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {});
