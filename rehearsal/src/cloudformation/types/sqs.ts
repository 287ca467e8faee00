import { urlOf, type Queues } from '../../aws/sqs/queues';
import type { Properties } from '../template/template';
import { number, object, text, texts } from './properties';
import type { ResourceRequest, ResourceType } from './resource-type';

const FOUR_DAYS = 345_600;

const retention = (properties: Properties) => number(properties, 'MessageRetentionPeriod', FOUR_DAYS);

function queueType(queues: Queues): ResourceType {
  return {
    create: ({ stack, properties, generateName }) => {
      const name = text(properties, 'QueueName') ?? generateName(80);
      const arn = queues.create(stack, name, retention(properties));
      const physicalId = urlOf(stack, name);
      return { physicalId, attributes: { Arn: arn, QueueName: name, QueueUrl: physicalId } };
    },
    update: ({ properties, physicalId, attributes }) => {
      queues.configure(String(attributes.Arn), retention(properties));
      return { physicalId, attributes };
    },
    delete: ({ attributes }) => {
      queues.delete(String(attributes.Arn));
    },
  };
}

function queuePolicyType(queues: Queues): ResourceType {
  const put = ({ properties }: ResourceRequest) => {
    texts(properties, 'Queues').forEach((url) => {
      queues.setPolicy(url, object(properties, 'PolicyDocument'));
    });
  };
  return {
    create: (request) => {
      put(request);
      const physicalId = request.generateName();
      return { physicalId, attributes: { Id: physicalId } };
    },
    update: (request) => {
      const kept = texts(request.properties, 'Queues');
      texts(request.previous, 'Queues')
        .filter((url) => !kept.includes(url))
        .forEach((url) => {
          queues.setPolicy(url, undefined);
        });
      put(request);
      return { physicalId: request.physicalId, attributes: request.attributes };
    },
    delete: ({ properties }) => {
      texts(properties, 'Queues').forEach((url) => {
        queues.setPolicy(url, undefined);
      });
    },
  };
}

export function sqsTypes(queues: Queues): Readonly<Record<string, ResourceType>> {
  return { 'AWS::SQS::Queue': queueType(queues), 'AWS::SQS::QueuePolicy': queuePolicyType(queues) };
}
