import type { Alarms } from '../../aws/cloudwatch/alarms';
import type { LogGroups } from '../../aws/cloudwatch/log-groups';
import type { Ec2 } from '../../aws/ec2/ec2';
import type { Iam } from '../../aws/iam/iam';
import type { Keys } from '../../aws/kms/keys';
import { arnOf } from '../../aws/partitions';
import type { Queues } from '../../aws/sqs/queues';
import type { ParameterStore } from '../../aws/ssm/parameter-store';
import type { Journal } from '../../journal';
import type { LambdaService } from '../../lambda/service/lambda-service';
import type { NetworkInterfaces } from '../../lambda/service/network-interfaces';
import type { NotUnderstood } from '../../not-understood';
import type { Scheduler } from '../../scheduler/scheduler';
import { constraintViolations, customResourceViolations } from '../template/schema/constraints';
import { schemaOf as publishedSchemaOf, type ResourceSchema } from '../template/schema/index';
import { propertyViolations } from '../template/schema/properties';
import type { Properties } from '../template/template';
import { AcceptedResources, generatedIdentity, type AcceptedResource } from './accepted';
import { alarmTypes } from './alarms';
import { CustomResource, type CustomResourceOptions } from './custom-resource';
import { lambdaTypes } from './functions';
import { gameLiftTypes, type GameLiftAccess } from './gamelift';
import { iamTypes } from './iam';
import { kmsTypes } from './kms';
import { logsTypes } from './logs';
import { networkTypes } from './network';
import type { ResourceRequest, ResourceType } from './resource-type';
import { schedulerTypes } from './scheduler';
import { sqsTypes } from './sqs';
import { ssmTypes } from './ssm';

export interface TypeOptions extends CustomResourceOptions {
  readonly journal: Journal;
  readonly lambda: LambdaService;
  readonly iam: Iam;
  readonly ec2: Ec2;
  readonly keys: Keys;
  readonly networkInterfaces: NetworkInterfaces;
  readonly gameLift: GameLiftAccess;
  readonly parameterStore: ParameterStore;
  readonly queues: Queues;
  readonly alarms: Alarms;
  readonly logGroups: LogGroups;
  readonly notUnderstood: NotUnderstood;
  readonly scheduler: Scheduler;
}

/** Properties with an effect in AWS, but not in the simulation. */
const PROPERTIES_WITHOUT_EFFECT: Readonly<Record<string, readonly string[]>> = {
  'AWS::EC2::Subnet': ['Ipv6CidrBlock', 'Ipv6Native'],
  'AWS::GameLift::Fleet': ['AnywhereConfiguration', 'Locations', 'ScalingPolicies'],
  'AWS::IAM::ManagedPolicy': ['Groups', 'Users'],
  'AWS::IAM::Policy': ['Groups', 'Users'],
  'AWS::IAM::Role': ['MaxSessionDuration'],
  'AWS::KMS::Key': ['Enabled', 'KeyPolicy'],
  'AWS::Lambda::Alias': ['ProvisionedConcurrencyConfig', 'RoutingConfig'],
  'AWS::Lambda::Function': [
    'CapacityProviderConfig',
    'CodeSigningConfigArn',
    'DeadLetterConfig',
    'DurableConfig',
    'FileSystemConfigs',
    'Layers',
    'ReservedConcurrentExecutions',
    'SnapStart',
    'TenancyConfig',
  ],
  'AWS::Lambda::Version': ['ProvisionedConcurrencyConfig', 'RuntimePolicy'],
  'AWS::Logs::LogGroup': ['DeletionProtectionEnabled', 'KmsKeyId'],
  'AWS::Scheduler::Schedule': ['KmsKeyArn'],
  'AWS::SQS::Queue': ['DelaySeconds', 'FifoQueue', 'KmsMasterKeyId', 'RedrivePolicy'],
  'AWS::SSM::Parameter': ['AllowedPattern', 'DataType', 'Policies'],
};

/** All resource types. To simulate another type, add it here or with `register`. */
export class ResourceTypes {
  private readonly types: Map<string, ResourceType>;
  private readonly customResource: ResourceType;
  private readonly accepted = new AcceptedResources();

  constructor(private readonly options: TypeOptions) {
    this.customResource = new CustomResource(options);
    this.types = new Map<string, ResourceType>(
      Object.entries({
        'AWS::CloudFormation::CustomResource': this.customResource,
        'AWS::CDK::Metadata': this.accepted.createType(generatedIdentity),
        'AWS::Lambda::Permission': this.accepted.createType((request) => {
          options.notUnderstood.note('AWS::Lambda::Permission: accepted, without effect on who may invoke a function');
          return generatedIdentity(request);
        }),
        ...logsTypes(options.logGroups),
        ...kmsTypes(options.keys),
        ...lambdaTypes(options),
        ...iamTypes(options.iam),
        ...networkTypes(options.ec2, options.clock),
        ...gameLiftTypes(options.gameLift, options.clock, this.accepted),
        ...ssmTypes(options.parameterStore),
        ...sqsTypes(options.queues),
        ...schedulerTypes(options.scheduler),
        ...alarmTypes(options.alarms, (request) => {
          this.writeToJournal(request, 'is an alarm of a kind that is not simulated: it has no state');
          options.notUnderstood.note('alarms without a static threshold on a single metric: they have no state');
        }),
      }),
    );
  }

  register(name: string, type: ResourceType): void {
    this.types.set(name, type);
  }

  find(name: string): ResourceType {
    return this.types.get(name) ?? (name.startsWith('Custom::') ? this.customResource : this.notSimulatedType());
  }

  /** Whether the type may exist. Third-party types may be registered in any account. */
  recognizes(name: string): boolean {
    if (this.types.has(name)) {
      return true;
    }
    if (name.startsWith('Custom::')) {
      return /^Custom::[A-Za-z0-9_@-]{1,60}$/.test(name);
    }
    if (!name.startsWith('AWS::')) {
      return /^\w+::\w+::\w+(::MODULE)?$/.test(name);
    }
    return publishedSchemaOf(name) !== undefined;
  }

  /** The published schema of a type. Undefined for custom resources and other types without one. */
  schemaOf(name: string): ResourceSchema | undefined {
    return this.find(name) === this.customResource ? undefined : publishedSchemaOf(name);
  }

  /** CloudFormation's messages for invalid properties. */
  violations(name: string, properties: Properties): string[] {
    if (this.find(name) === this.customResource) {
      const missing = properties.ServiceToken === undefined ? ['#: required key [ServiceToken] not found'] : [];
      return [...missing, ...customResourceViolations(properties)];
    }
    const schema = publishedSchemaOf(name);
    return schema === undefined ? [] : [...propertyViolations(schema, properties), ...constraintViolations(name, properties)];
  }

  /** Notes the properties of a resource that have no effect in the simulation. */
  noteIgnoredProperties(name: string, properties: Properties): void {
    (PROPERTIES_WITHOUT_EFFECT[name] ?? [])
      .filter((property) => properties[property] !== undefined)
      .forEach((property) => {
        this.options.notUnderstood.note(`${property} of ${name}: accepted, without effect`);
      });
  }

  /** The resources that are accepted but not simulated. */
  otherResources(): AcceptedResource[] {
    return this.accepted.list();
  }

  private notSimulatedType(): ResourceType {
    return {
      ...this.accepted.createType((request) => {
        this.writeToJournal(request, 'is not simulated: its id and attributes are made up');
        this.options.notUnderstood.note(
          publishedSchemaOf(request.type) === undefined
            ? `${request.type}: ids and attributes are made up, and properties are not checked`
            : `${request.type}: ids and attributes are made up`,
        );
        return generatedIdentity(request);
      }),
      missingAttributeValue: ({ stack, physicalId }, attribute) =>
        attribute.endsWith('Arn') ? arnOf(stack, 'unknown', physicalId) : `${physicalId}-${attribute}`,
    };
  }

  private writeToJournal({ stack, logicalId, type }: ResourceRequest, message: string): void {
    this.options.journal.write('cloudformation', `${stack.name}/${logicalId}`, `${type} ${message}`);
  }
}
