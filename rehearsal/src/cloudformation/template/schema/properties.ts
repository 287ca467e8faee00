import { isDeepStrictEqual } from 'node:util';
import { isObject, type Properties } from '../template';
import type { PropertySchemas, ResourceSchema, TypeSchema } from './index';

/** Whether a property change requires replacement. */
export const requiresReplacement = (schema: ResourceSchema, before: Properties, after: Properties): boolean =>
  changesCreateOnly(schema.properties, before, after, schema);

/** Whether a create-only property differs, also in nested objects. */
function changesCreateOnly(properties: PropertySchemas, before: unknown, after: unknown, schema: ResourceSchema): boolean {
  return Object.entries(properties).some(([name, { createOnly, type }]) => {
    const [oldValue, newValue] = [memberOf(before, name), memberOf(after, name)];
    return !isDeepStrictEqual(oldValue, newValue) && (createOnly === true || containsChange(type, oldValue, newValue, schema));
  });
}

function containsChange(type: TypeSchema, before: unknown, after: unknown, schema: ResourceSchema): boolean {
  if (typeof type === 'string' || 'enum' in type) {
    return false;
  }
  if ('union' in type) {
    return type.union.some((one) => containsChange(one, before, after, schema));
  }
  if ('ref' in type) {
    return changesCreateOnly(schema.definitions[type.ref] ?? {}, before, after, schema);
  }
  const itemType = 'array' in type ? type.array : type.map;
  const names = new Set([before, after].flatMap((value) => Object.keys(Object(value) as object)));
  return [...names].some((name) => containsChange(itemType, memberOf(before, name), memberOf(after, name), schema));
}

/** A property of an object, or an item of a list. */
const memberOf = (value: unknown, name: string): unknown =>
  isObject(value) || Array.isArray(value) ? (value as Properties)[name] : undefined;

/** CloudFormation's messages for invalid properties, one per line. */
export function propertyViolations(schema: ResourceSchema, properties: Properties): string[] {
  return violationsOfObject(schema.properties, properties, '#', schema);
}

function violationsOfObject(properties: PropertySchemas, value: Properties, path: string, schema: ResourceSchema): string[] {
  const missing = Object.entries(properties).filter(([name, { required }]) => required === true && value[name] === undefined);
  const extraneous = Object.keys(value).filter((name) => !(name in properties));
  return [
    ...missing.map(([name]) => `${path}: required key [${name}] not found`),
    ...extraneous.map((name) => `${path}: extraneous key [${name}] is not permitted`),
    ...Object.entries(value).flatMap(([name, item]) => {
      const property = properties[name];
      return property === undefined || item === undefined ? [] : violationsOf(property.type, item, `${path}/${name}`, schema);
    }),
  ];
}

const TAG: PropertySchemas = { Key: { type: 'string', required: true }, Value: { type: 'string', required: true } };

function violationsOf(type: TypeSchema, value: unknown, path: string, schema: ResourceSchema): string[] {
  if (typeof type === 'string') {
    return type === 'tag' ? violationsOfReference(TAG, value, path, schema) : violationsOfScalar(type, value, path);
  }
  if ('union' in type) {
    // a value is valid if it matches one type of the union. If not, report why it does not match the first type
    const violationsPerType = type.union.map((one) => violationsOf(one, value, path, schema));
    return violationsPerType.some((found) => found.length === 0) ? [] : (violationsPerType[0] ?? []);
  }
  if ('enum' in type) {
    return violationsOfEnum(type.enum, value, path);
  }
  if ('ref' in type) {
    return violationsOfReference(schema.definitions[type.ref] ?? {}, value, path, schema);
  }
  if ('array' in type) {
    return Array.isArray(value)
      ? value.flatMap((item: unknown, index) => violationsOf(type.array, item, `${path}/${index}`, schema))
      : [unexpectedType('JSONArray', value, path)];
  }
  return isObject(value)
    ? Object.entries(value).flatMap(([name, item]) => violationsOf(type.map, item, `${path}/${name}`, schema))
    : [unexpectedType('JSONObject', value, path)];
}

function violationsOfReference(properties: PropertySchemas, value: unknown, path: string, schema: ResourceSchema): string[] {
  return isObject(value) ? violationsOfObject(properties, value, path, schema) : [unexpectedType('JSONObject', value, path)];
}

const isNumeric = (text: unknown) => typeof text !== 'boolean' && String(text).trim() !== '' && Number.isFinite(Number(text));

/** CloudFormation converts scalars: "1" is a number, "true" a boolean, and both are strings. */
const SCALAR_TYPES: Readonly<Record<string, { readonly name: string; readonly accepts: (scalar: unknown) => boolean }>> = {
  string: { name: 'String', accepts: () => true },
  'date-time': { name: 'String', accepts: () => true },
  number: { name: 'Number', accepts: isNumeric },
  integer: { name: 'Integer', accepts: (scalar) => isNumeric(scalar) && Number.isInteger(Number(scalar)) },
  boolean: { name: 'Boolean', accepts: (scalar) => ['true', 'false'].includes(String(scalar).toLowerCase()) },
};

function violationsOfEnum(allowed: readonly (string | number)[], value: unknown, path: string): string[] {
  const violations = violationsOfScalar('string', value, path);
  return violations.length > 0 || allowed.map(String).includes(String(value))
    ? violations
    : [`${path}: failed validation constraint for keyword [enum]`];
}

function violationsOfScalar(type: string, value: unknown, path: string): string[] {
  const scalar = SCALAR_TYPES[type];
  if (scalar === undefined) {
    return [];
  }
  const isAccepted = !Array.isArray(value) && !isObject(value) && value !== null && scalar.accepts(value);
  return isAccepted ? [] : [unexpectedType(scalar.name, value, path)];
}

function unexpectedType(expected: string, value: unknown, path: string): string {
  const typeNames: Readonly<Record<string, string>> = { string: 'String', boolean: 'Boolean', number: 'Number' };
  const foundType = Array.isArray(value) ? 'JSONArray' : value === null ? 'Null' : (typeNames[typeof value] ?? 'JSONObject');
  return `${path}: expected type: ${expected}, found: ${foundType}`;
}
