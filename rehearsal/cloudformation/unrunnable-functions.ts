import { isRunnable } from '../lambda/functions';
import type { TemplateFile } from './assembly';
import { isObject } from './template';

/** A function that the rehearsal creates, and can not run. */
export interface UnrunnableFunction {
  /** The stack and the logical id. */
  readonly name: string;
  /** `container image` if it has one instead. */
  readonly runtime: string;
}

/**
 * What templates declare, which are not validated yet. A runtime that is computed is known only when the function is created: those
 * that the CDK has templates compute are of Node.js.
 */
export function unrunnableFunctions(templates: readonly TemplateFile[]): UnrunnableFunction[] {
  return templates.flatMap(({ name, template }) =>
    Object.entries(objectOf(template.Resources)).flatMap(([logicalId, resource]) => {
      const { Type, Properties } = objectOf(resource);
      const { Code, Runtime } = objectOf(Properties);
      const runtime = objectOf(Code).ImageUri === undefined ? Runtime : 'container image';
      const unrunnable = Type === 'AWS::Lambda::Function' && typeof runtime === 'string' && !isRunnable(runtime);
      return unrunnable ? [{ name: `${name}/${logicalId}`, runtime }] : [];
    }),
  );
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {});
