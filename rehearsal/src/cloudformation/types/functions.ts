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
import { numberOrDefault, nestedProperties, requiredText, optionalText, textList } from './properties';
import {
  resourceFailureOf,
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
  const code = nestedProperties(properties, 'Code');
  const zipFile = optionalText(code, 'ZipFile');
  const loggingConfig = nestedProperties(properties, 'LoggingConfig');
  const vpcConfig = nestedProperties(properties, 'VpcConfig');
  const vpc = { subnetIds: textList(vpcConfig, 'SubnetIds'), securityGroupIds: textList(vpcConfig, 'SecurityGroupIds') };
  const kmsKeyArn = optionalText(properties, 'KmsKeyArn');
  return {
    functionName,
    account: stack.account,
    region: stack.region,
    role: requiredText(properties, 'Role'),
    handler: requiredText(properties, 'Handler'),
    runtime: requiredText(properties, 'Runtime'),
    timeoutSeconds: numberOrDefault(properties, 'Timeout', 3),
    memoryMegabytes: numberOrDefault(properties, 'MemorySize', 128),
    environment: Object.fromEntries(
      Object.entries(nestedProperties(nestedProperties(properties, 'Environment'), 'Variables')).map(([name, value]) => [
        name,
        String(value),
      ]),
    ),
    logGroupName: optionalText(loggingConfig, 'LogGroup') ?? `/aws/lambda/${functionName}`,
    logFormat: optionalText(loggingConfig, 'LogFormat') === 'JSON' ? 'JSON' : 'Text',
    ...(vpc.subnetIds.length + vpc.securityGroupIds.length === 0 ? {} : { vpc }),
    ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
    code: zipFile === undefined ? { directory: assets.assetDirectory(requiredText(code, 'S3Key')) } : { zipFile },
  };
}

/** Converts the name or ARN of a function to its ARN. */
const functionArnOf = (stack: StackIdentity, nameOrArn: string) =>
  nameOrArn.startsWith('arn:') ? nameOrArn : functionArn(stack.account, stack.region, nameOrArn);

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
      throw error instanceof ServiceError ? resourceFailureOf('Lambda', error) : error;
    }
    const arn = lambda.deploy(configuration);
    return { physicalId: name, attributes: { Arn: arn } };
  };
  return {
    durationSeconds: 3,
    create: (request) => {
      const name = optionalText(request.properties, 'FunctionName') ?? request.generateName(64);
      if (lambda.has(functionArnOf(request.stack, name))) {
        throw new Error(`Resource of type 'AWS::Lambda::Function' with identifier '${name}' already exists.`);
      }
      return deploy(request, name);
    },
    update: async (request) => {
      const previousConfiguration = lambda.configuration(functionArnOf(request.stack, request.physicalId));
      const outcome = await deploy(request, request.physicalId);
      // CloudFormation does not wait until Lambda has deleted the network interfaces
      runInBackground(() => networkInterfaces.release(previousConfiguration));
      return outcome;
    },
    // here, CloudFormation waits until Lambda has deleted the network interfaces
    delete: async ({ stack, physicalId }) => {
      const arn = functionArnOf(stack, physicalId);
      if (lambda.has(arn)) {
        const previousConfiguration = lambda.configuration(arn);
        lambda.remove(arn);
        await networkInterfaces.release(previousConfiguration);
      }
    },
  };
}

/** The ARN of the function that a version, alias or configuration belongs to. */
const requestedFunctionArn = ({ stack, properties }: ResourceRequest) =>
  functionArnOf(stack, requiredText(properties, 'FunctionName'));

/** Versions are immutable: every change creates a new one. */
function versionType({ lambda, networkInterfaces }: FunctionServices): ResourceType {
  return {
    create: (request) => {
      const arn = requestedFunctionArn(request);
      const version = lambda.publish(arn);
      return { physicalId: `${arn}:${version}`, attributes: { Version: version, FunctionArn: `${arn}:${version}` } };
    },
    update: ({ physicalId, attributes }) => ({ physicalId, attributes }),
    delete: (request) => {
      const arn = requestedFunctionArn(request);
      lambda.unpublish(arn, String(request.attributes.Version));
      if (lambda.has(arn)) {
        runInBackground(() => networkInterfaces.release(lambda.configuration(arn)));
      }
    },
  };
}

function aliasType(lambda: LambdaService): ResourceType {
  const putAlias = (request: ResourceRequest) => {
    const name = requiredText(request.properties, 'Name');
    lambda.setAlias(requestedFunctionArn(request), name, requiredText(request.properties, 'FunctionVersion'));
    const arn = `${requestedFunctionArn(request)}:${name}`;
    return { physicalId: arn, attributes: { AliasArn: arn } };
  };
  return {
    create: (request) => {
      const name = requiredText(request.properties, 'Name');
      if (lambda.hasAlias(requestedFunctionArn(request), name)) {
        throw new Error(
          `Resource of type 'AWS::Lambda::Alias' with identifier '${requestedFunctionArn(request)}:${name}' already exists.`,
        );
      }
      return putAlias(request);
    },
    update: putAlias,
    delete: (request) => {
      lambda.removeAlias(requestedFunctionArn(request), requiredText(request.properties, 'Name'));
    },
  };
}

function eventInvokeConfigurationOf(properties: Properties): EventInvokeConfiguration {
  const destinations = nestedProperties(properties, 'DestinationConfig');
  const onSuccess = optionalText(nestedProperties(destinations, 'OnSuccess'), 'Destination');
  const onFailure = optionalText(nestedProperties(destinations, 'OnFailure'), 'Destination');
  return {
    maximumRetryAttempts: numberOrDefault(properties, 'MaximumRetryAttempts', 2),
    maximumEventAgeSeconds: numberOrDefault(properties, 'MaximumEventAgeInSeconds', 21_600),
    ...(onSuccess === undefined ? {} : { onSuccess }),
    ...(onFailure === undefined ? {} : { onFailure }),
  };
}

function eventInvokeConfigType({ lambda, notUnderstood }: FunctionServices): ResourceType {
  const qualifiedArnOf = (request: ResourceRequest) =>
    `${requestedFunctionArn(request)}:${requiredText(request.properties, 'Qualifier')}`;
  const configure = (request: ResourceRequest) => {
    const configuration = eventInvokeConfigurationOf(request.properties);
    [configuration.onSuccess, configuration.onFailure]
      .filter((destination) => destination !== undefined && destination.split(':')[2] !== 'sqs')
      .forEach((destination) => {
        notUnderstood.note(`the destination ${String(destination)} of a function: only SQS queues are simulated as destinations`);
      });
    lambda.configureEventInvoke(qualifiedArnOf(request), configuration);
  };
  return {
    create: (request) => {
      if (!lambda.has(qualifiedArnOf(request))) {
        throw new Error(`The function or its version or alias does not exist: ${qualifiedArnOf(request)}`);
      }
      if (lambda.hasEventInvoke(qualifiedArnOf(request))) {
        const id = `${requiredText(request.properties, 'FunctionName')}|${requiredText(request.properties, 'Qualifier')}`;
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
      if (lambda.has(requestedFunctionArn(request))) {
        // a call without a configuration deletes the configuration
        lambda.configureEventInvoke(qualifiedArnOf(request));
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
