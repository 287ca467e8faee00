import type { ParameterStore } from '../../aws/ssm/parameter-store';
import { requiredText, optionalText } from './properties';
import type { ResourceRequest, ResourceType } from './resource-type';

export function ssmTypes(parameters: ParameterStore): Readonly<Record<string, ResourceType>> {
  const put = ({ stack, properties }: ResourceRequest, name: string) => {
    const parameter = { type: requiredText(properties, 'Type'), value: requiredText(properties, 'Value') };
    parameters.put(stack, name, parameter);
    return { physicalId: name, attributes: { Type: parameter.type, Value: parameter.value } };
  };
  return {
    'AWS::SSM::Parameter': {
      create: (request) => {
        const name = optionalText(request.properties, 'Name') ?? request.generateName();
        if (parameters.has(request.stack, name)) {
          throw new Error(`Resource of type 'AWS::SSM::Parameter' with identifier '${name}' already exists.`);
        }
        return put(request, name);
      },
      update: (request) => put(request, request.physicalId),
      delete: ({ stack, physicalId }) => {
        parameters.delete(stack, physicalId);
      },
    },
  };
}
