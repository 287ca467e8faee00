import type { Alarms } from '../../aws/alarms';
import type { Ec2 } from '../../aws/ec2';
import type { Iam } from '../../aws/iam';
import type { ParameterStore } from '../../aws/parameters';
import type { Queues } from '../../aws/queues';
import type { Journal } from '../../journal';
import type { LambdaService } from '../../lambda/runtime';
import type { Scheduler } from '../../scheduler/index';
import type { ResourceRequest, ResourceType } from '../resource-type';
import { alarmTypes } from './alarms';
import { CustomResource, type CustomResourceOptions } from './custom-resource';
import { lambdaTypes } from './functions';
import { gameLiftTypes, type GameLiftAccess } from './gamelift';
import { iamTypes } from './iam';
import { networkTypes } from './network';
import { text } from './properties';
import { schedulerTypes } from './scheduler';
import { sqsTypes } from './sqs';
import { ssmTypes } from './ssm';

export interface TypeOptions extends CustomResourceOptions {
  readonly journal: Journal;
  readonly lambda: LambdaService;
  readonly iam: Iam;
  readonly ec2: Ec2;
  readonly gameLift: GameLiftAccess;
  readonly parameters: ParameterStore;
  readonly queues: Queues;
  readonly alarms: Alarms;
  readonly scheduler: Scheduler;
}

function logGroupType(): ResourceType {
  const existing = new Set<string>();
  return {
    createOnly: ['LogGroupName'],
    create: ({ stack, properties, generateName }) => {
      const name = text(properties, 'LogGroupName') ?? generateName();
      const arn = `arn:aws:logs:${stack.region}:${stack.account}:log-group:${name}:*`;
      if (existing.has(arn)) {
        throw new Error(
          `Resource of type 'AWS::Logs::LogGroup' with identifier '{"/properties/LogGroupName":"${name}"}' already exists.`,
        );
      }
      existing.add(arn);
      return { physicalId: name, attributes: { Arn: arn } };
    },
    update: ({ physicalId, attributes }) => ({ physicalId, attributes }),
    delete: ({ attributes }) => {
      existing.delete(String(attributes.Arn));
    },
  };
}

/** Accepted, without any effect on the rehearsal. */
const inert: ResourceType = {
  create: ({ generateName }) => ({ physicalId: generateName(), attributes: {} }),
  update: ({ physicalId, attributes }) => ({ physicalId, attributes }),
  delete: () => undefined,
};

/** The types of resources that templates name. To simulate one more, add it here, or with `register`. */
export class ResourceTypes {
  private readonly types: Map<string, ResourceType>;
  private readonly custom: ResourceType;

  constructor(private readonly options: TypeOptions) {
    this.custom = new CustomResource(options);
    this.types = new Map<string, ResourceType>(
      Object.entries({
        'AWS::CloudFormation::CustomResource': this.custom,
        'AWS::CDK::Metadata': inert,
        'AWS::Lambda::Permission': inert,
        'AWS::Logs::LogGroup': logGroupType(),
        ...lambdaTypes(options.lambda),
        ...iamTypes(options.iam),
        ...networkTypes(options.ec2),
        ...gameLiftTypes(options.gameLift, options.clock),
        ...ssmTypes(options.parameters),
        ...sqsTypes(options.queues),
        ...schedulerTypes(options.scheduler),
        ...alarmTypes(options.alarms, (request) => {
          this.note(request, 'is an alarm of a kind that is not simulated: it has no state');
        }),
      }),
    );
  }

  register(name: string, type: ResourceType): void {
    this.types.set(name, type);
  }

  find(name: string): ResourceType {
    return this.types.get(name) ?? (name.startsWith('Custom::') ? this.custom : this.unknown());
  }

  private unknown(): ResourceType {
    return {
      ...inert,
      create: (request) => {
        this.note(request, 'is not simulated: its id and attributes are made up');
        return inert.create(request);
      },
      missingAttribute: ({ stack, physicalId }, attribute) =>
        attribute.endsWith('Arn')
          ? `arn:aws:unknown:${stack.region}:${stack.account}:${physicalId}`
          : `${physicalId}-${attribute}`,
    };
  }

  private note({ stack, logicalId, type }: ResourceRequest, message: string): void {
    this.options.journal.write('cloudformation', `${stack.name}/${logicalId}`, `${type} ${message}`);
  }
}
