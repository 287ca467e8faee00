import { functionArn, type EventInvokeConfiguration, type FunctionConfiguration, type LambdaService } from '../../lambda/runtime';
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

export function lambdaTypes(lambda: LambdaService): Readonly<Record<string, ResourceType>> {
  const deploy = (request: ResourceRequest, name: string) => {
    const arn = lambda.deploy(configurationOf(request, name));
    return { physicalId: name, attributes: { Arn: arn } };
  };
  const eventInvoke = (properties: Properties): EventInvokeConfiguration => ({
    maximumRetryAttempts: number(properties, 'MaximumRetryAttempts', 2),
    maximumEventAgeSeconds: number(properties, 'MaximumEventAgeInSeconds', 21_600),
  });
  return {
    'AWS::Lambda::Function': {
      createOnly: ['FunctionName', 'PackageType'],
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
    },
    'AWS::Lambda::EventInvokeConfig': {
      createOnly: ['FunctionName', 'Qualifier'],
      create: ({ stack, properties, generateName }) => {
        lambda.configureEventInvoke(arnOf(stack, required(properties, 'FunctionName')), eventInvoke(properties));
        return { physicalId: generateName(), attributes: {} };
      },
      update: ({ stack, properties, physicalId }) => {
        lambda.configureEventInvoke(arnOf(stack, required(properties, 'FunctionName')), eventInvoke(properties));
        return { physicalId, attributes: {} };
      },
      delete: ({ stack, properties }) => {
        const arn = arnOf(stack, required(properties, 'FunctionName'));
        if (lambda.has(arn)) {
          lambda.configureEventInvoke(arn);
        }
      },
    },
  };
}
