import { RESPONSE_RESERVE_SECONDS, AUTHORIZATION_BUDGET_SECONDS } from '../lib/contract';
import { readError } from './aws/errors';
import { GRACE_MILLISECONDS, withDeadline, withTimeLimit } from './cloudformation/deadline';
import { PhysicalId, isNothingDoneId } from './cloudformation/physical-id';
import { NotARequestError, parseEvent } from './cloudformation/request';
import type { CustomResourceRequest, ParsedEvent, ResponseTarget } from './cloudformation/request';
import { throwIfIdsTooLong, RejectedResponseError, sendResponse } from './cloudformation/response';
import type { CustomResourceResponse } from './cloudformation/response';
import { formatValue } from './cloudformation/values';
import type { Log } from './log';
import { schemaVersionError } from './resources/properties';
import { RequestContext } from './resources/resource';
import type { Dependencies, Resource } from './resources/resource';

/** The part of Lambda's context that the handler uses. */
export interface InvocationContext {
  getRemainingTimeInMillis(): number;
}

export interface ResourceType {
  /** The maximum duration from the start of the invocation to the response, in seconds. */
  readonly budgetSeconds: number;
  /** @throws Error if a property is missing or wrong. */
  readonly createResource: (request: CustomResourceRequest, context: RequestContext) => Resource;
}

export type ResourceTypes = ReadonlyMap<string, ResourceType>;

/** Handles one request from CloudFormation, and sends exactly one response, even after an error. */
export async function handleRequest(
  event: unknown,
  invocation: InvocationContext,
  types: ResourceTypes,
  dependencies: Dependencies,
): Promise<void> {
  const { log, time } = dependencies;
  const parsed = tryParse(event, log);
  if (parsed === undefined) {
    return;
  }
  const { target, resourceType = '', requestType, request } = parsed;
  const { stackId, logicalResourceId, requestId } = target;
  const ids = { stackId, logicalResourceId, requestId };
  const startedAt = time.now();
  const availableMilliseconds = invocation.getRemainingTimeInMillis();
  const type = types.get(resourceType);
  const budgetMilliseconds = (type?.budgetSeconds ?? AUTHORIZATION_BUDGET_SECONDS) * 1000;
  const limitMilliseconds = Math.min(availableMilliseconds - RESPONSE_RESERVE_SECONDS * 1000, budgetMilliseconds);
  const response =
    request instanceof Error
      ? failedResponse(target, request.message)
      : await handleWithinTimeLimit(limitMilliseconds, request, types, dependencies);
  if (response.status === 'SUCCESS') {
    log.info({ message: 'done', ...ids });
  } else {
    log.failedRequest({
      message: response.reason ?? 'failed',
      // the metric counts all unknown resource types as one
      resourceType: type === undefined ? 'Unknown' : resourceType,
      requestType: requestType ?? 'Unknown',
      ...ids,
    });
  }
  // CloudFormation still waits at this time: its ServiceTimeout is the maximum age of an event, plus the budget and both reserves
  const responseDeadline = startedAt + Math.min(budgetMilliseconds + 2 * RESPONSE_RESERVE_SECONDS * 1000, availableMilliseconds);
  try {
    await withTimeLimit(responseDeadline - GRACE_MILLISECONDS - time.now(), time, (signal) =>
      sendResponse(target, response, { put: dependencies.put, time, signal }),
    );
  } catch (error) {
    log.error({ message: 'could not send the response to CloudFormation', error: readError(error).message, ...ids });
    if (!(error instanceof RejectedResponseError)) {
      // throw, so that the invocation fails and Lambda runs the request again. It is safe to run a request twice
      throw error;
    }
  }
}

/** Logs an error and returns undefined if the event does not contain what a response needs. */
function tryParse(event: unknown, log: Log): ParsedEvent | undefined {
  try {
    const parsed = parseEvent(event);
    throwIfIdsTooLong(parsed.target, PhysicalId.idOfInvalidRequest(parsed.target));
    return parsed;
  } catch (error) {
    if (!(error instanceof NotARequestError)) {
      throw error;
    }
    // the invocation succeeds: if it failed, Lambda would run the same event again
    log.error({ message: error.message });
    return undefined;
  }
}

/** Handles the request. Returns a FAILED response if that takes longer than `limitMilliseconds`. */
async function handleWithinTimeLimit(
  limitMilliseconds: number,
  request: CustomResourceRequest,
  types: ResourceTypes,
  dependencies: Dependencies,
): Promise<CustomResourceResponse> {
  const { requestType } = request;
  if (limitMilliseconds <= 0) {
    return failedResponse(request, `the function has no time left for the ${requestType}: try again`);
  }
  try {
    return await withDeadline<CustomResourceResponse>(
      limitMilliseconds,
      dependencies.time,
      (signal) => checkAndHandle(request, types, new RequestContext(request, dependencies, signal)),
      () => ({
        status: 'FAILED',
        physicalResourceId: PhysicalId.idAfterTimeout(request),
        reason: `the ${requestType} was not finished within ${Math.round(limitMilliseconds / 1000)} seconds: try again`,
      }),
    );
  } catch (error) {
    return failedResponse(request, readError(error).message);
  }
}

/** Checks the request, then handles it. */
async function checkAndHandle(
  request: CustomResourceRequest,
  types: ResourceTypes,
  context: RequestContext,
): Promise<CustomResourceResponse> {
  const { requestType, resourceType, properties, physicalResourceId: receivedId } = request;
  const isDelete = requestType === 'Delete';
  if (isDelete && receivedId !== undefined && isNothingDoneId(receivedId)) {
    return { status: 'SUCCESS', physicalResourceId: receivedId };
  }
  const type = types.get(resourceType);
  if (type === undefined) {
    return failedResponse(
      request,
      `this version of the handler does not support the resource type ${formatValue(resourceType)}, only ${[...types.keys()].join(', ')}: ` +
        'deploy with the version of cdk-gamelift-vpc-peering that synthesized the template',
    );
  }
  const versionError = schemaVersionError(properties);
  if (versionError !== undefined && !isDelete) {
    return failedResponse(request, versionError);
  }
  let resource: Resource;
  try {
    resource = type.createResource(request, context);
  } catch (error) {
    if (!isDelete || versionError !== undefined) {
      return failedResponse(request, readError(error).message);
    }
    // a create with invalid properties has created nothing, and a failed delete would block the stack
    context.dependencies.log.error({ message: `nothing to delete: ${readError(error).message}` });
    return { status: 'SUCCESS', physicalResourceId: PhysicalId.idOfInvalidRequest(request) };
  }
  return await createUpdateOrDelete(resource, request);
}

/** Creates, updates or deletes the resource. */
async function createUpdateOrDelete(
  resource: Resource,
  { requestType, physicalResourceId: receivedId }: CustomResourceRequest,
): Promise<CustomResourceResponse> {
  const { physicalId } = resource;
  const isDelete = requestType === 'Delete';
  const deletedId = receivedId ?? physicalId.createdId;
  try {
    if (isDelete) {
      await resource.delete();
      return { status: 'SUCCESS', physicalResourceId: deletedId };
    }
    const data = await (requestType === 'Create' ? resource.create() : resource.update());
    return { status: 'SUCCESS', physicalResourceId: physicalId.idAfterSuccess(receivedId), data };
  } catch (error) {
    const physicalResourceId = isDelete ? deletedId : physicalId.idAfterFailure(receivedId, error);
    return { status: 'FAILED', physicalResourceId, reason: readError(error).message };
  }
}

/** The response if the request fails before its create, update or delete starts. */
function failedResponse(target: ResponseTarget, reason: string): CustomResourceResponse {
  return { status: 'FAILED', physicalResourceId: PhysicalId.idOfInvalidRequest(target), reason };
}
