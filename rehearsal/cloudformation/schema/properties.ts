import { isDeepStrictEqual } from 'node:util';
import { isObject, type Properties } from '../template';
import type { PropertySchemas, ResourceSchema, TypeSchema } from './index';

/** Whether a change of properties replaces the resource. */
export const isReplacement = ({ properties }: ResourceSchema, before: Properties, after: Properties): boolean =>
  Object.entries(properties).some(
    ([name, { createOnly }]) => createOnly === true && !isDeepStrictEqual(before[name], after[name]),
  );

/** What is wrong with properties, a line each, in the words of CloudFormation. */
export function violations(schema: ResourceSchema, properties: Properties): string[] {
  return violationsOfObject(schema.properties, properties, '#', schema);
}

function violationsOfObject(properties: PropertySchemas, value: Properties, at: string, schema: ResourceSchema): string[] {
  const missing = Object.entries(properties).filter(([name, { required }]) => required === true && value[name] === undefined);
  const extraneous = Object.keys(value).filter((name) => !(name in properties));
  return [
    ...missing.map(([name]) => `${at}: required key [${name}] not found`),
    ...extraneous.map((name) => `${at}: extraneous key [${name}] is not permitted`),
    ...Object.entries(value).flatMap(([name, item]) => {
      const property = properties[name];
      return property === undefined || item === undefined ? [] : violationsOf(property.type, item, `${at}/${name}`, schema);
    }),
  ];
}

const TAG: PropertySchemas = { Key: { type: 'string', required: true }, Value: { type: 'string', required: true } };

function violationsOf(type: TypeSchema, value: unknown, at: string, schema: ResourceSchema): string[] {
  if (typeof type === 'string') {
    return type === 'tag' ? violationsOfReference(TAG, value, at, schema) : violationsOfScalar(type, value, at);
  }
  if ('union' in type) {
    const each = type.union.map((one) => violationsOf(one, value, at, schema));
    return each.some((found) => found.length === 0) ? [] : (each[0] ?? []);
  }
  if ('ref' in type) {
    return violationsOfReference(schema.definitions[type.ref] ?? {}, value, at, schema);
  }
  if ('array' in type) {
    return Array.isArray(value)
      ? value.flatMap((item: unknown, index) => violationsOf(type.array, item, `${at}/${index}`, schema))
      : [unexpected('JSONArray', value, at)];
  }
  return isObject(value)
    ? Object.entries(value).flatMap(([name, item]) => violationsOf(type.map, item, `${at}/${name}`, schema))
    : [unexpected('JSONObject', value, at)];
}

function violationsOfReference(properties: PropertySchemas, value: unknown, at: string, schema: ResourceSchema): string[] {
  return isObject(value) ? violationsOfObject(properties, value, at, schema) : [unexpected('JSONObject', value, at)];
}

const isNumeric = (text: unknown) => typeof text !== 'boolean' && String(text).trim() !== '' && Number.isFinite(Number(text));

/** CloudFormation converts scalars: "1" is a number, "true" a boolean, and both are strings. */
const SCALARS: Readonly<Record<string, { readonly name: string; readonly accepts: (scalar: unknown) => boolean }>> = {
  string: { name: 'String', accepts: () => true },
  'date-time': { name: 'String', accepts: () => true },
  number: { name: 'Number', accepts: isNumeric },
  integer: { name: 'Integer', accepts: (scalar) => isNumeric(scalar) && Number.isInteger(Number(scalar)) },
  boolean: { name: 'Boolean', accepts: (scalar) => ['true', 'false'].includes(String(scalar).toLowerCase()) },
};

function violationsOfScalar(type: string, value: unknown, at: string): string[] {
  const scalar = SCALARS[type];
  if (scalar === undefined) {
    return [];
  }
  const accepted = !Array.isArray(value) && !isObject(value) && value !== null && scalar.accepts(value);
  return accepted ? [] : [unexpected(scalar.name, value, at)];
}

function unexpected(expected: string, value: unknown, at: string): string {
  const kinds: Readonly<Record<string, string>> = { string: 'String', boolean: 'Boolean', number: 'Number' };
  const found = Array.isArray(value) ? 'JSONArray' : value === null ? 'Null' : (kinds[typeof value] ?? 'JSONObject');
  return `${at}: expected type: ${expected}, found: ${found}`;
}
