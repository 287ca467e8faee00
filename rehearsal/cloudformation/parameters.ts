import type { ParameterStore } from '../aws/parameters';
import type { StackArtifact } from './assembly';

const SSM_TYPE = /^AWS::SSM::Parameter::Value<(.*)>$/;

/** The values that a template's parameters have now: those that name a parameter of Systems Manager may have changed since. */
export function parametersOf(artifact: StackArtifact, store: ParameterStore): Readonly<Record<string, unknown>> {
  const unknown = Object.keys(artifact.parameters).filter((name) => !(name in (artifact.template.Parameters ?? {})));
  if (unknown.length > 0) {
    throw new Error(`Parameters: [${unknown.join(', ')}] do not exist in the template`);
  }
  const values = Object.entries(artifact.template.Parameters ?? {}).map(([name, { Type, Default, AllowedValues }]) => {
    const given = artifact.parameters[name] ?? Default;
    if (given === undefined) {
      throw new Error(`Parameters: [${name}] must have values`);
    }
    if (AllowedValues?.map(String).includes(String(given)) === false) {
      throw new Error(`Parameter '${name}' must be one of AllowedValues`);
    }
    const inner = SSM_TYPE.exec(Type)?.[1];
    const value = inner === undefined ? String(given) : fetch(artifact, store, String(given));
    return [name, isList(inner ?? Type) ? value.split(',') : value];
  });
  return Object.fromEntries(values) as Readonly<Record<string, unknown>>;
}

const isList = (type: string) => type === 'CommaDelimitedList' || type.startsWith('List<');

function fetch(artifact: StackArtifact, store: ParameterStore, name: string): string {
  const parameter = store.get(artifact, name);
  if (!parameter) {
    throw new Error(`Unable to fetch parameters [${name}] from parameter store for this account.`);
  }
  return parameter.value;
}
