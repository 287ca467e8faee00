import type { AccountAndRegion } from '../../aws/service';
import type { ParameterStore } from '../../aws/ssm/parameter-store';
import { NotSimulated } from '../../not-understood';
import { ResourceFailure } from '../types/resource-type';
import { isObject } from './template';

const DYNAMIC_REFERENCE = /\{\{resolve:([^:}]+):([^}]*)\}\}/g;

/** Replaces every `{{resolve:ssm:…}}` in a value. CloudFormation does this after it has evaluated the functions. */
export function resolveDynamicReferences(value: unknown, place: AccountAndRegion, store: ParameterStore): unknown {
  if (typeof value === 'string') {
    return value.replace(DYNAMIC_REFERENCE, (_, service: string, reference: string) =>
      lookUpParameter(service, reference, place, store),
    );
  }
  if (Array.isArray(value)) {
    return value.map((item) => resolveDynamicReferences(item, place, store));
  }
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveDynamicReferences(item, place, store)]))
    : value;
}

function lookUpParameter(service: string, reference: string, place: AccountAndRegion, store: ParameterStore): string {
  if (service !== 'ssm') {
    throw new NotSimulated(`dynamic references to ${service} are not simulated: got ${reference}`);
  }
  // ignore the version: the simulation keeps only the latest one
  const [name = ''] = reference.split(':');
  const parameter = store.get(place, name);
  if (!parameter) {
    throw new ResourceFailure(`Parameters: [ssm:${reference}] cannot be found.`);
  }
  return parameter.value;
}
