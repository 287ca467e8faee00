import { Ids } from '../../aws/ids';
import type { LambdaService } from '../../lambda/service/lambda-service';
import { NotSimulated } from '../../not-understood';
import type { RehearsalClock } from '../../time/clock';
import type { Responses } from '../engine/responses';
import { textOf } from '../template/intrinsics';
import { isObject, type Properties } from '../template/template';
import {
  ResourceFailure,
  type ExistingResource,
  type ResourceOutcome,
  type ResourceRequest,
  type ResourceType,
  type ResourceUpdate,
} from './resource-type';

export interface CustomResourceOptions {
  readonly clock: RehearsalClock;
  readonly lambda: LambdaService;
  readonly responses: Responses;
  /**
   * If the response to an update reports a failure and contains a new physical id, whether CloudFormation uses the new id from then on. AWS does
   * not document this.
   *
   * @default 'stored'
   */
  readonly failedUpdatePhysicalId?: 'stored' | 'ignored';
}

interface CustomResourceResponse {
  readonly hasSucceeded: boolean;
  readonly physicalId: string;
  readonly reason: string;
  readonly data: Properties;
}

const MAXIMUM_RESPONSE_BYTES = 4096;
const MAXIMUM_PHYSICAL_ID_BYTES = 1024;
const DEFAULT_TIMEOUT_SECONDS = 3600;

/** The type of all custom resources. Sends requests to the function in the service token, and waits for the responses. */
export class CustomResource implements ResourceType {
  /** An operation takes only as long as the function takes to respond. */
  readonly durationSeconds = 0;
  private readonly ids = new Ids();

  constructor(private readonly options: CustomResourceOptions) {}

  reasonToRefuse({ previousProperties, properties }: ResourceUpdate): string | undefined {
    return previousProperties.ServiceToken === properties.ServiceToken ? undefined : 'Modifying service token is not allowed.';
  }

  async create(resource: ResourceRequest): Promise<ResourceOutcome> {
    // the rollback needs a physical id for its Delete request, even if the function returns none
    const fallbackId = resource.generateName();
    const response = await this.sendRequest(resource, { RequestType: 'Create' }, fallbackId);
    return outcomeOf(response, response.physicalId);
  }

  async update(resource: ResourceUpdate): Promise<ResourceOutcome> {
    const { physicalId, previousProperties } = resource;
    const details = {
      RequestType: 'Update',
      PhysicalResourceId: physicalId,
      OldResourceProperties: stringify(previousProperties),
    };
    const response = await this.sendRequest(resource, details, physicalId);
    const isIdIgnored = !response.hasSucceeded && this.options.failedUpdatePhysicalId === 'ignored';
    return outcomeOf(response, isIdIgnored ? physicalId : response.physicalId);
  }

  async delete(resource: ExistingResource): Promise<void> {
    const { physicalId } = resource;
    const response = await this.sendRequest(resource, { RequestType: 'Delete', PhysicalResourceId: physicalId }, physicalId);
    throwIfFailed(response, physicalId);
  }

  missingAttributeValue(resource: ExistingResource, attribute: string): unknown {
    const { stack, logicalId } = resource;
    throw new ResourceFailure(
      `CustomResource attribute error: Vendor response doesn't contain ${attribute} attribute in object ${stack.id}|${logicalId}`,
    );
  }

  /**
   * @param details the members of the request that depend on its type
   * @param fallbackId the physical id if there is no valid response
   */
  private async sendRequest(resource: ResourceRequest, details: object, fallbackId: string): Promise<CustomResourceResponse> {
    const { stack, logicalId, type, properties } = resource;
    const requestId = this.ids.uuid('request');
    const { url, response } = this.options.responses.issueUrl({ region: stack.region, stackId: stack.id, logicalId, requestId });
    const request = {
      ...details,
      ResponseURL: url,
      StackId: stack.id,
      RequestId: requestId,
      ResourceType: type,
      LogicalResourceId: logicalId,
      ResourceProperties: stringify(properties),
    };
    const token = textOf(properties.ServiceToken ?? '');
    if (token.split(':')[2] !== 'lambda') {
      throw new NotSimulated(`only Lambda functions are simulated as service tokens: got ${token}`);
    }
    try {
      this.options.lambda.invokeAsync(token, request);
    } catch (error) {
      throw new ResourceFailure(error instanceof Error ? error.message : String(error), fallbackId);
    }
    const timeoutSeconds = Number(properties.ServiceTimeout ?? DEFAULT_TIMEOUT_SECONDS);
    const body = await this.waitForResponse(timeoutSeconds, response, resource.canceled);
    if (body === 'canceled') {
      throw new ResourceFailure('Resource operation cancelled', fallbackId);
    }
    if (body === 'timeout') {
      const advice =
        'If you are using the Python cfn-response module, you may need to update your Lambda function code so that CloudFormation can attach the updated version.';
      const message = 'CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId';
      throw new ResourceFailure(`${message} [${requestId}]. ${advice}`, fallbackId);
    }
    return parseResponse(body, request, fallbackId);
  }

  private async waitForResponse(
    seconds: number,
    response: Promise<Buffer>,
    canceled: Promise<void>,
  ): Promise<Buffer | 'timeout' | 'canceled'> {
    let cancelTimeout: () => void = () => undefined;
    const timeout = new Promise<'timeout'>((resolve) => {
      cancelTimeout = this.options.clock.callAfter(seconds * 1000, () => {
        resolve('timeout');
      });
    });
    try {
      return await this.options.clock.wait(Promise.race([response, timeout, canceled.then(() => 'canceled' as const)]));
    } finally {
      cancelTimeout();
    }
  }
}

function outcomeOf(response: CustomResourceResponse, physicalId: string): ResourceOutcome {
  throwIfFailed(response, physicalId);
  return { physicalId, attributes: response.data };
}

function throwIfFailed({ hasSucceeded, reason }: CustomResourceResponse, physicalId: string): void {
  if (!hasSucceeded) {
    throw new ResourceFailure(reason, physicalId);
  }
}

/** CloudFormation sends all scalars as strings. */
function stringify(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(stringify);
  }
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, stringify(item)])) : textOf(value);
}

interface CustomResourceRequest {
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
}

function parseResponse(body: Buffer, request: CustomResourceRequest, fallbackId: string): CustomResourceResponse {
  const invalidResponseFailure = (reason: string) => new ResourceFailure(reason, fallbackId);
  if (body.length > MAXIMUM_RESPONSE_BYTES) {
    throw invalidResponseFailure('Response object is too long.');
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    throw invalidResponseFailure('Invalid response object: it is not valid JSON.');
  }
  if (!isObject(parsed)) {
    throw invalidResponseFailure('Invalid response object: it is not a JSON object.');
  }
  const { Status, PhysicalResourceId: id, Reason, Data = {} } = parsed;
  const mismatchedKey = (['StackId', 'RequestId', 'LogicalResourceId'] as const).find((key) => parsed[key] !== request[key]);
  if (mismatchedKey) {
    throw invalidResponseFailure(`Invalid response object: ${mismatchedKey} does not match the request.`);
  }
  if (Status !== 'SUCCESS' && Status !== 'FAILED') {
    throw invalidResponseFailure('Invalid response object: Value of property Status must be SUCCESS or FAILED.');
  }
  if (typeof id !== 'string' || id === '' || Buffer.byteLength(id) > MAXIMUM_PHYSICAL_ID_BYTES) {
    throw invalidResponseFailure('Invalid PhysicalResourceId');
  }
  if (Status === 'FAILED' && (typeof Reason !== 'string' || Reason === '')) {
    throw invalidResponseFailure('Invalid response object: Reason is required when Status is FAILED.');
  }
  if (Data !== null && !isObject(Data)) {
    throw invalidResponseFailure('Invalid response object: Value of property Data must be an object.');
  }
  const reason = `Received response status [FAILED] from custom resource. Message returned: ${String(Reason)} (RequestId: ${request.RequestId})`;
  return { hasSucceeded: Status === 'SUCCESS', physicalId: id, reason, data: Data ?? {} };
}
