import type { Iam } from '../../aws/iam/iam';
import type { Keys } from '../../aws/kms/keys';
import { ServiceError } from '../../aws/service';
import {
  functionArn,
  isRunnable,
  type EventInvokeConfiguration,
  type FunctionConfiguration,
} from '../../lambda/service/function-configuration';
import type { LambdaService } from '../../lambda/service/lambda-service';
import type { NetworkInterfaces } from '../../lambda/service/network-interfaces';
import type { NotUnderstood } from '../../not-understood';
import { runInBackground } from '../../time/background';
import type { Properties } from '../template/template';
import { number, object, required, text, texts } from './properties';
import {
  handlerFailure,
  type ResourceOutcome,
  type ResourceRequest,
  type ResourceType,
  type StackIdentity,
} from './resource-type';

/** The services that Lambda's resource types need. */
interface FunctionServices {
  readonly iam: Iam;
  readonly lambda: LambdaService;
  readonly keys: Keys;
  readonly networkInterfaces: NetworkInterfaces;
  readonly notUnderstood: NotUnderstood;
}

function configurationOf({ stack, properties, assets }: ResourceRequest, functionName: string): FunctionConfiguration {
  const code = object(properties, 'Code');
  const zipFile = text(code, 'ZipFile');
  const logging = object(properties, 'LoggingConfig');
  const vpcConfig = object(properties, 'VpcConfig');
  const vpc = { subnetIds: texts(vpcConfig, 'SubnetIds'), securityGroupIds: texts(vpcConfig, 'SecurityGroupIds') };
  const kmsKeyArn = text(properties, 'KmsKeyArn');
  return {
    functionName,
    account: stack.account,
    region: stack.region,
    role: required(properties, 'Role'),
    handler: required(properties, 'Handler'),
    runtime: required(properties, 'Runtime'),
    timeoutSeconds: number(properties, 'Timeout', 3),
    memoryMegabytes: number(properties, 'MemorySize', 128),
    environment: Object.fromEntries(
      Object.entries(object(object(properties, 'Environment'), 'Variables')).map(([name, value]) => [name, String(value)]),
    ),
    logGroupName: text(logging, 'LogGroup') ?? `/aws/lambda/${functionName}`,
    logFormat: text(logging, 'LogFormat') === 'JSON' ? 'JSON' : 'Text',
    ...(vpc.subnetIds.length + vpc.securityGroupIds.length === 0 ? {} : { vpc }),
    ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
    code: zipFile === undefined ? { directory: assets.assetDirectory(required(code, 'S3Key')) } : { zipFile },
  };
}

/** The ARN of a function, from its name or ARN. */
const arnOf = (stack: StackIdentity, name: string) =>
  name.startsWith('arn:') ? name : functionArn(stack.account, stack.region, name);

/** Throws Lambda's error if Lambda can't assume the function's role. */
function requireRole({ iam }: FunctionServices, { role }: FunctionConfiguration): void {
  if (!iam.canServiceAssume(role, 'lambda.amazonaws.com')) {
    const message = 'The role defined for the function cannot be assumed by Lambda.';
    throw new ServiceError('InvalidParameterValueException', message);
  }
}

/** Throws Lambda's error if the function's KMS key does not exist. */
function requireKey({ keys }: FunctionServices, { kmsKeyArn }: FunctionConfiguration): void {
  if (kmsKeyArn !== undefined && !keys.has(kmsKeyArn)) {
    const problem =
      'Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant.';
    const cause = `KMS Exception: NotFoundException KMS Message: Key '${kmsKeyArn}' does not exist`;
    throw new ServiceError('InvalidParameterValueException', `${problem} Please check your KMS key settings. ${cause}`);
  }
}

function functionType(services: FunctionServices): ResourceType {
  const { lambda, networkInterfaces, notUnderstood } = services;
  const deploy = async (request: ResourceRequest, name: string): Promise<ResourceOutcome> => {
    const configuration = configurationOf(request, name);
    if (!isRunnable(configuration.runtime)) {
      notUnderstood.note(`functions with the runtime ${configuration.runtime}: they are never run, and each invocation fails`);
    }
    try {
      requireRole(services, configuration);
      requireKey(services, configuration);
      await networkInterfaces.connect(configuration);
    } catch (error) {
      throw error instanceof ServiceError ? handlerFailure('Lambda', error) : error;
    }
    const arn = lambda.deploy(configuration);
    return { physicalId: name, attributes: { Arn: arn } };
  };
  return {
    seconds: 3,
    create: (request) => {
      const name = text(request.properties, 'FunctionName') ?? request.generateName(64);
      if (lambda.has(arnOf(request.stack, name))) {
        throw new Error(`Resource of type 'AWS::Lambda::Function' with identifier '${name}' already exists.`);
      }
      return deploy(request, name);
    },
    update: async (request) => {
      const before = lambda.configuration(arnOf(request.stack, request.physicalId));
      const outcome = await deploy(request, request.physicalId);
      runInBackground(() => networkInterfaces.release(before));
      return outcome;
    },
    // CloudFormation waits until Lambda has deleted the network interfaces
    delete: async ({ stack, physicalId }) => {
      const arn = arnOf(stack, physicalId);
      if (lambda.has(arn)) {
        const before = lambda.configuration(arn);
        lambda.remove(arn);
        await networkInterfaces.release(before);
      }
    },
  };
}

const functionOf = ({ stack, properties }: ResourceRequest) => arnOf(stack, required(properties, 'FunctionName'));

/** Versions are immutable: every change creates a new one. */
function versionType({ lambda, networkInterfaces }: FunctionServices): ResourceType {
  return {
    create: (request) => {
      const arn = functionOf(request);
      const version = lambda.publish(arn);
      return { physicalId: `${arn}:${version}`, attributes: { Version: version, FunctionArn: `${arn}:${version}` } };
    },
    update: ({ physicalId, attributes }) => ({ physicalId, attributes }),
    delete: (request) => {
      const arn = functionOf(request);
      lambda.unpublish(arn, String(request.attributes.Version));
      if (lambda.has(arn)) {
        runInBackground(() => networkInterfaces.release(lambda.configuration(arn)));
      }
    },
  };
}

function aliasType(lambda: LambdaService): ResourceType {
  const set = (request: ResourceRequest) => {
    const name = required(request.properties, 'Name');
    lambda.setAlias(functionOf(request), name, required(request.properties, 'FunctionVersion'));
    const arn = `${functionOf(request)}:${name}`;
    return { physicalId: arn, attributes: { AliasArn: arn } };
  };
  return {
    create: (request) => {
      const name = required(request.properties, 'Name');
      if (lambda.hasAlias(functionOf(request), name)) {
        throw new Error(`Resource of type 'AWS::Lambda::Alias' with identifier '${functionOf(request)}:${name}' already exists.`);
      }
      return set(request);
    },
    update: set,
    delete: (request) => {
      lambda.removeAlias(functionOf(request), required(request.properties, 'Name'));
    },
  };
}

function eventInvokeConfigurationOf(properties: Properties): EventInvokeConfiguration {
  const destinations = object(properties, 'DestinationConfig');
  const onSuccess = text(object(destinations, 'OnSuccess'), 'Destination');
  const onFailure = text(object(destinations, 'OnFailure'), 'Destination');
  return {
    maximumRetryAttempts: number(properties, 'MaximumRetryAttempts', 2),
    maximumEventAgeSeconds: number(properties, 'MaximumEventAgeInSeconds', 21_600),
    ...(onSuccess === undefined ? {} : { onSuccess }),
    ...(onFailure === undefined ? {} : { onFailure }),
  };
}

function eventInvokeConfigType({ lambda, notUnderstood }: FunctionServices): ResourceType {
  const qualified = (request: ResourceRequest) => `${functionOf(request)}:${required(request.properties, 'Qualifier')}`;
  const configure = (request: ResourceRequest) => {
    const configuration = eventInvokeConfigurationOf(request.properties);
    [configuration.onSuccess, configuration.onFailure]
      .filter((destination) => destination !== undefined && destination.split(':')[2] !== 'sqs')
      .forEach((destination) => {
        notUnderstood.note(`the destination ${String(destination)} of a function: only SQS queues are simulated as destinations`);
      });
    lambda.configureEventInvoke(qualified(request), configuration);
  };
  return {
    create: (request) => {
      if (!lambda.has(qualified(request))) {
        throw new Error(`The function or its version or alias does not exist: ${qualified(request)}`);
      }
      if (lambda.hasEventInvoke(qualified(request))) {
        const id = `${required(request.properties, 'FunctionName')}|${required(request.properties, 'Qualifier')}`;
        throw new Error(`Resource of type 'AWS::Lambda::EventInvokeConfig' with identifier '${id}' already exists.`);
      }
      configure(request);
      return { physicalId: request.generateName(), attributes: {} };
    },
    update: (request) => {
      configure(request);
      return { physicalId: request.physicalId, attributes: request.attributes };
    },
    delete: (request) => {
      if (lambda.has(functionOf(request))) {
        lambda.configureEventInvoke(qualified(request));
      }
    },
  };
}

export const lambdaTypes = (services: FunctionServices): Readonly<Record<string, ResourceType>> => ({
  'AWS::Lambda::Function': functionType(services),
  'AWS::Lambda::EventInvokeConfig': eventInvokeConfigType(services),
  'AWS::Lambda::Version': versionType(services),
  'AWS::Lambda::Alias': aliasType(services.lambda),
});
