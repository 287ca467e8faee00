import { urlOf, type Queues } from '../../aws/sqs/queues';
import type { Properties } from '../template/template';
import { numberOrDefault, nestedProperties, optionalText, textList } from './properties';
import type { ResourceRequest, ResourceType } from './resource-type';

/** Four days. */
const DEFAULT_RETENTION_SECONDS = 345_600;

const retentionSeconds = (properties: Properties) =>
  numberOrDefault(properties, 'MessageRetentionPeriod', DEFAULT_RETENTION_SECONDS);

function queueType(queues: Queues): ResourceType {
  return {
    create: ({ stack, properties, generateName }) => {
      const name = optionalText(properties, 'QueueName') ?? generateName(80);
      const arn = queues.create(stack, name, retentionSeconds(properties));
      const physicalId = urlOf(stack, name);
      return { physicalId, attributes: { Arn: arn, QueueName: name, QueueUrl: physicalId } };
    },
    update: ({ properties, physicalId, attributes }) => {
      queues.configure(String(attributes.Arn), retentionSeconds(properties));
      return { physicalId, attributes };
    },
    delete: ({ attributes }) => {
      queues.delete(String(attributes.Arn));
    },
  };
}

function queuePolicyType(queues: Queues): ResourceType {
  const put = ({ properties }: ResourceRequest) => {
    textList(properties, 'Queues').forEach((url) => {
      queues.setPolicy(url, nestedProperties(properties, 'PolicyDocument'));
    });
  };
  return {
    create: (request) => {
      put(request);
      const physicalId = request.generateName();
      return { physicalId, attributes: { Id: physicalId } };
    },
    update: (request) => {
      const keptUrls = textList(request.properties, 'Queues');
      textList(request.previousProperties, 'Queues')
        .filter((url) => !keptUrls.includes(url))
        .forEach((url) => {
          queues.setPolicy(url, undefined);
        });
      put(request);
      return { physicalId: request.physicalId, attributes: request.attributes };
    },
    delete: ({ properties }) => {
      textList(properties, 'Queues').forEach((url) => {
        queues.setPolicy(url, undefined);
      });
    },
  };
}

export function sqsTypes(queues: Queues): Readonly<Record<string, ResourceType>> {
  return { 'AWS::SQS::Queue': queueType(queues), 'AWS::SQS::QueuePolicy': queuePolicyType(queues) };
}
