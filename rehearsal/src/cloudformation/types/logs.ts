import type { LogGroups } from '../../aws/cloudwatch/log-groups';
import { optionalText } from './properties';
import type { ResourceType } from './resource-type';

export function logsTypes(logGroups: LogGroups): Readonly<Record<string, ResourceType>> {
  return {
    'AWS::Logs::LogGroup': {
      create: ({ stack, properties, generateName }) => {
        const name = optionalText(properties, 'LogGroupName') ?? generateName();
        if (logGroups.has(stack, name)) {
          throw new Error(
            `Resource of type 'AWS::Logs::LogGroup' with identifier '{"/properties/LogGroupName":"${name}"}' already exists.`,
          );
        }
        return { physicalId: name, attributes: { Arn: logGroups.create(stack, name) } };
      },
      update: ({ physicalId, attributes }) => ({ physicalId, attributes }),
      delete: ({ stack, physicalId }) => {
        logGroups.delete(stack, physicalId);
      },
    },
  };
}
