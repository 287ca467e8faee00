import { NotSimulated } from '../../not-understood';
import { textOf } from '../template/intrinsics';
import type { Properties } from '../template/template';

/** Reads properties that were validated against the schema. */

export const text = (properties: Properties, name: string): string | undefined => {
  const value = properties[name];
  return value === undefined ? undefined : textOf(value);
};

export const required = (properties: Properties, name: string): string => {
  const value = text(properties, name);
  if (value === undefined) {
    throw new NotSimulated(`a resource without ${name}, which its type does not require, is not simulated`);
  }
  return value;
};

export const number = (properties: Properties, name: string, otherwise: number): number => Number(properties[name] ?? otherwise);

export const objects = (properties: Properties, name: string): readonly Properties[] =>
  (properties[name] ?? []) as readonly Properties[];

export const texts = (properties: Properties, name: string): readonly string[] => (properties[name] ?? []) as readonly string[];

export const object = (properties: Properties, name: string): Properties => (properties[name] ?? {}) as Properties;
