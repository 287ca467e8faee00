import type { NotUnderstood } from '../../aws/not-understood';
import { functionArn, type EventInvokeConfiguration, type FunctionConfiguration } from '../../lambda/functions';
import type { LambdaService } from '../../lambda/runtime';
import type { ResourceRequest, ResourceType, StackIdentity } from '../resource-type';
import type { Properties } from '../template';
import { number, object, required, text } from './properties';

function configurationOf({ stack, properties, assets }: ResourceRequest, functionName: string): FunctionConfiguration {
  const code = object(properties, 'Code');
  const zipFile = text(code, 'ZipFile');
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
    logGroupName: text(object(properties, 'LoggingConfig'), 'LogGroup') ?? `/aws/lambda/${functionName}`,
    code: zipFile === undefined ? { directory: assets.assetDirectory(required(code, 'S3Key')) } : { zipFile },
  };
}

/** A function's name or ARN, as its ARN. */
const arnOf = (stack: StackIdentity, name: string) =>
  name.startsWith('arn:') ? name : functionArn(stack.account, stack.region, name);

function functionType(lambda: LambdaService, notUnderstood: NotUnderstood): ResourceType {
  const deploy = (request: ResourceRequest, name: string) => {
    const configuration = configurationOf(request, name);
    if (!configuration.runtime.startsWith('nodejs')) {
      notUnderstood.note(`functions with the runtime ${configuration.runtime}: they are never run, and each invocation fails`);
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
    update: (request) => deploy(request, request.physicalId),
    delete: ({ stack, physicalId }) => {
      lambda.remove(arnOf(stack, physicalId));
    },
  };
}

const functionOf = ({ stack, properties }: ResourceRequest) => arnOf(stack, required(properties, 'FunctionName'));

/** A version is never changed: whatever changes makes another. */
function versionType(lambda: LambdaService): ResourceType {
  return {
    create: (request) => {
      const arn = functionOf(request);
      const version = lambda.publish(arn);
      return { physicalId: `${arn}:${version}`, attributes: { Version: version, FunctionArn: `${arn}:${version}` } };
    },
    update: ({ physicalId, attributes }) => ({ physicalId, attributes }),
    delete: (request) => {
      lambda.unpublish(functionOf(request), String(request.attributes.Version));
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

function eventInvokeConfigType(lambda: LambdaService): ResourceType {
  const qualified = (request: ResourceRequest) => `${functionOf(request)}:${required(request.properties, 'Qualifier')}`;
  const configure = (request: ResourceRequest) => {
    lambda.configureEventInvoke(qualified(request), eventInvokeConfigurationOf(request.properties));
  };
  return {
    create: (request) => {
      if (!lambda.has(qualified(request))) {
        throw new Error(`The function or its version or alias does not exist: ${qualified(request)}`);
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

export const lambdaTypes = (lambda: LambdaService, notUnderstood: NotUnderstood): Readonly<Record<string, ResourceType>> => ({
  'AWS::Lambda::Function': functionType(lambda, notUnderstood),
  'AWS::Lambda::EventInvokeConfig': eventInvokeConfigType(lambda),
  'AWS::Lambda::Version': versionType(lambda),
  'AWS::Lambda::Alias': aliasType(lambda),
});
