import { NotSimulated } from '../../not-understood';
import { textOf } from '../template/intrinsics';
import type { Properties } from '../template/template';

/*
 * Reads the properties of resources. The properties were validated against the schema of the resource type before.
 */

export const optionalText = (properties: Properties, name: string): string | undefined => {
  const value = properties[name];
  return value === undefined ? undefined : textOf(value);
};

export const requiredText = (properties: Properties, name: string): string => {
  const value = optionalText(properties, name);
  if (value === undefined) {
    throw new NotSimulated(
      `resources without the property ${name} are not simulated: set it, although CloudFormation does not require it`,
    );
  }
  return value;
};

export const numberOrDefault = (properties: Properties, name: string, defaultValue: number): number =>
  Number(properties[name] ?? defaultValue);

export const objectList = (properties: Properties, name: string): readonly Properties[] =>
  (properties[name] ?? []) as readonly Properties[];

export const textList = (properties: Properties, name: string): readonly string[] =>
  (properties[name] ?? []) as readonly string[];

export const nestedProperties = (properties: Properties, name: string): Properties => (properties[name] ?? {}) as Properties;
