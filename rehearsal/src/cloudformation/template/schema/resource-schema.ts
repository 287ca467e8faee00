/*
 * CloudFormation's resource schemas, as AWS publishes them in the package `@aws-cdk/aws-service-spec`.
 */

export type TypeSchema =
  | 'string'
  | 'number'
  | 'integer'
  | 'boolean'
  | 'json'
  | 'date-time'
  | 'null'
  | 'tag'
  /** One of these values. */
  | { readonly enum: readonly (string | number)[] }
  | { readonly array: TypeSchema }
  | { readonly map: TypeSchema }
  | { readonly union: readonly TypeSchema[] }
  /** The name of a definition. */
  | { readonly ref: string };

export interface PropertySchema {
  readonly type: TypeSchema;
  readonly required?: boolean;
  /** A change replaces the resource, or may replace it. */
  readonly createOnly?: boolean;
}

export type PropertySchemas = Readonly<Record<string, PropertySchema>>;

export interface ResourceSchema {
  readonly properties: PropertySchemas;
  /** The attributes for `Fn::GetAtt`. */
  readonly attributes: readonly string[];
  readonly definitions: Readonly<Record<string, PropertySchemas>>;
}
