/** A CloudFormation template in JSON. */
export interface Template {
  readonly AWSTemplateFormatVersion?: string;
  readonly Description?: string;
  readonly Parameters?: Readonly<Record<string, TemplateParameter>>;
  readonly Mappings?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Resources?: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, TemplateOutput>>;
  readonly Transform?: unknown;
  readonly Rules?: Readonly<Record<string, unknown>>;
  readonly Hooks?: Readonly<Record<string, unknown>>;
}

export interface TemplateParameter {
  readonly Type: string;
  readonly Default?: string | number;
  readonly AllowedValues?: readonly (string | number)[];
  readonly AllowedPattern?: string;
  readonly MinLength?: string | number;
  readonly MaxLength?: string | number;
  readonly MinValue?: string | number;
  readonly MaxValue?: string | number;
  readonly ConstraintDescription?: string;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Properties;
  readonly DependsOn?: string | readonly string[];
  readonly Metadata?: unknown;
  readonly Condition?: string;
  readonly CreationPolicy?: unknown;
  readonly UpdatePolicy?: unknown;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface TemplateOutput {
  readonly Value: unknown;
  readonly Condition?: string;
  readonly Export?: { readonly Name: unknown };
}

export type Properties = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The names in the placeholders `${…}` of a `Fn::Sub` string. */
export const substitutions = (text: string): string[] =>
  [...text.matchAll(/\$\{([^!}][^}]*)\}/g)].map((match) => (match[1] ?? '').trim());

/** The parameters, resources and pseudo parameters that a value refers to. */
export function references(value: unknown): string[] {
  if (Array.isArray(value)) {
    return value.flatMap(references);
  }
  if (!isObject(value)) {
    return [];
  }
  return Object.entries(value).flatMap(([key, argument]) => {
    if (key === 'Ref' && typeof argument === 'string') {
      return [argument];
    }
    if (key === 'Fn::GetAtt') {
      return [getAttParts(argument)[0]];
    }
    if (key === 'Fn::Sub') {
      const [text, variables] = subParts(argument);
      const names = substitutions(text).filter((name) => !(name in variables));
      return [...names.map((name) => name.split('.')[0] ?? name), ...references(variables)];
    }
    return references(argument);
  });
}

/** The unevaluated arguments of an intrinsic function, such as `Fn::FindInMap`, wherever a value contains it. */
export function argumentsOf(name: string, value: unknown): unknown[] {
  if (Array.isArray(value)) {
    return value.flatMap((item) => argumentsOf(name, item));
  }
  return isObject(value) ? Object.entries(value).flatMap(([key, item]) => (key === name ? [item] : argumentsOf(name, item))) : [];
}

/** Splits the argument of `Fn::GetAtt`, which is a list or a string with a period. */
export function getAttParts(argument: unknown): [logicalId: string, attribute: string] {
  const [logicalId, ...attribute] = Array.isArray(argument) ? argument.map(String) : String(argument).split('.');
  return [logicalId ?? '', attribute.join('.')];
}

/** Splits the argument of `Fn::Sub`, which is a string, or a string and variables. */
export function subParts(argument: unknown): [text: string, variables: Readonly<Record<string, unknown>>] {
  const [text, variables] = Array.isArray(argument) ? (argument as unknown[]) : [argument];
  return [String(text), isObject(variables) ? variables : {}];
}
