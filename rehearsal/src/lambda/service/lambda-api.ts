import { JSON_ERRORS, ServiceError } from '../../aws/service';
import type { WireResponse, Service, ServiceCall, WireRequest } from '../../aws/service';
import { functionArn, FunctionNotFound } from './function-configuration';
import type { LambdaService } from './lambda-service';

/** The simulated operations of Lambda's REST API. Functions use them to invoke other functions. */
const OPERATIONS = [
  { name: 'Invoke', method: 'POST', path: /^\/2015-03-31\/functions\/([^/]+)\/invocations$/ },
  { name: 'GetFunction', method: 'GET', path: /^\/2015-03-31\/functions\/([^/]+)$/ },
  { name: 'GetFunctionConfiguration', method: 'GET', path: /^\/2015-03-31\/functions\/([^/]+)\/configuration$/ },
] as const;

export class LambdaApi implements Service {
  readonly source = 'lambda';
  readonly errors = { ...JSON_ERRORS, accessDenied: { ...JSON_ERRORS.accessDenied, status: 403 } };

  constructor(private readonly lambda: LambdaService) {}

  operationName(request: WireRequest): string {
    return findOperation(request)?.name ?? 'UnknownOperation';
  }

  parseInput(request: WireRequest): unknown {
    const name = decodeURIComponent(findOperation(request)?.path.exec(request.path)?.[1] ?? '');
    const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
    return { FunctionName: name, InvocationType: type, Payload: parseBody(request.body) };
  }

  async perform(call: ServiceCall): Promise<WireResponse> {
    const { FunctionName, InvocationType, Payload } = call.input as {
      FunctionName: string;
      InvocationType: string;
      Payload: unknown;
    };
    const arn = arnOf(FunctionName, call);
    const operation = findOperation(call.request)?.name;
    switch (operation) {
      case 'Invoke':
        await call.authorize('lambda:InvokeFunction', [arn]);
        return this.invoke(arn, InvocationType, Payload);
      case 'GetFunction':
        await call.authorize('lambda:GetFunction', [arn]);
        return jsonResponse(200, { Configuration: this.describe(arn), Code: { RepositoryType: 'S3' } });
      case 'GetFunctionConfiguration':
        await call.authorize('lambda:GetFunctionConfiguration', [arn]);
        return jsonResponse(200, this.describe(arn));
      case undefined:
        throw new ServiceError(
          'UnknownOperationException',
          `the rehearsal does not simulate ${call.request.method} ${call.request.path}`,
          404,
        );
    }
  }

  errorResponse(error: ServiceError): WireResponse {
    return jsonResponse(
      error.status,
      { Type: error.status < 500 ? 'User' : 'Service', Message: error.message },
      { 'x-amzn-errortype': error.code },
    );
  }

  private async invoke(arn: string, invocationType: string, payload: unknown): Promise<WireResponse> {
    // throws if the function does not exist
    this.describe(arn);
    if (invocationType === 'DryRun') {
      return { status: 204, headers: {}, body: '' };
    }
    if (invocationType === 'Event') {
      this.lambda.invokeAsync(arn, payload);
      return { status: 202, headers: {}, body: '' };
    }
    const version = this.lambda.version(arn);
    const result = await this.lambda.invoke(arn, payload);
    const errorHeaders: Record<string, string> =
      result.functionError === undefined ? {} : { 'x-amz-function-error': result.functionError };
    return jsonResponse(200, result.payload, { 'x-amz-executed-version': version, ...errorHeaders });
  }

  private describe(arn: string): object {
    try {
      const { functionName, role, runtime, handler, timeoutSeconds, memoryMegabytes } = this.lambda.configuration(arn);
      const state = { State: 'Active', LastUpdateStatus: 'Successful', PackageType: 'Zip', Version: this.lambda.version(arn) };
      const settings = { Role: role, Runtime: runtime, Handler: handler, Timeout: timeoutSeconds, MemorySize: memoryMegabytes };
      return { FunctionName: functionName, FunctionArn: arn, ...settings, ...state };
    } catch (error) {
      throw error instanceof FunctionNotFound ? new ServiceError('ResourceNotFoundException', error.message, 404) : error;
    }
  }
}

const findOperation = (request: WireRequest) =>
  OPERATIONS.find(({ method, path }) => request.method === method && path.test(request.path));

/**
 * Returns the ARN of the called function, with its version or alias.
 *
 * @param name the function's name, partial ARN or ARN. The version or alias is at the end of `name`, or in the query of the call
 */
function arnOf(name: string, { account, region, request }: ServiceCall): string {
  const parts = name.split(':');
  const functionIndex = parts.indexOf('function');
  const owner = functionIndex > 0 && parts[0] !== 'arn' ? (parts[0] ?? account) : account;
  const [functionName = name, qualifier] = functionIndex < 0 ? parts : parts.slice(functionIndex + 1);
  const arn = parts[0] === 'arn' ? parts.slice(0, 7).join(':') : functionArn(owner, region, functionName);
  const versionOrAlias = new URLSearchParams(request.query).get('Qualifier') ?? qualifier;
  return versionOrAlias === undefined ? arn : `${arn}:${versionOrAlias}`;
}

function parseBody(body: Buffer): unknown {
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString());
  } catch {
    throw new ServiceError('InvalidRequestContentException', 'Could not parse request body into json');
  }
}

const jsonResponse = (status: number, body: unknown, headers: Record<string, string> = {}): WireResponse => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body ?? null),
});
