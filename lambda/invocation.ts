import { ANSWER_RESERVE_SECONDS, AUTHORIZATION_BUDGET_SECONDS } from '../lib/contract';
import { laterVersion } from './resources/properties';
import { RequestContext } from './resources/resource';
import type { Dependencies, Resource } from './resources/resource';
import { GRACE_MILLISECONDS, withDeadline, withTimeLimit } from './cloudformation/deadline';
import { isNothingDone, PhysicalId } from './cloudformation/physical-id';
import { NotAnswerableError, parseAddressee, parseRequest, REQUEST_TYPES } from './cloudformation/request';
import type { Addressee, CustomResourceRequest } from './cloudformation/request';
import { RefusedAnswerError, requireRoom, respond } from './cloudformation/response';
import type { Answer } from './cloudformation/response';
import { isRecord, show } from './cloudformation/values';

/** The part of Lambda's context that is used. */
export interface InvocationContext {
  getRemainingTimeInMillis(): number;
}

export interface ResourceType {
  /** Seconds from the start of an invocation to its answer. */
  readonly budgetSeconds: number;
  /** @throws Error if a property is missing or wrong. */
  readonly open: (request: CustomResourceRequest, context: RequestContext) => Resource;
}

type ResourceTypes = ReadonlyMap<unknown, ResourceType>;

/** Handles one request of CloudFormation, and sends one answer to it, whatever happens. */
export async function answerTo(
  event: unknown,
  context: InvocationContext,
  types: ResourceTypes,
  dependencies: Dependencies,
): Promise<void> {
  const { log, put, time } = dependencies;
  let addressee: Addressee;
  try {
    addressee = parseAddressee(event);
    requireRoom(addressee, PhysicalId.ofRefused(addressee));
  } catch (error) {
    if (!(error instanceof NotAnswerableError)) {
      throw error;
    }
    // not an error of the function: Lambda would retry, to no avail
    log.error({ message: error.message });
    return;
  }
  const { stackId, logicalResourceId, requestId } = addressee;
  const subject = { stackId, logicalResourceId, requestId };
  const started = time.now();
  const remaining = context.getRemainingTimeInMillis();
  const budget = budgetOf(isRecord(event) ? event.ResourceType : undefined, types);
  const answer = await handle(event, addressee, { types, dependencies, budget, available: remaining });
  if (answer.status === 'SUCCESS') {
    log.info({ message: 'done', ...subject });
  } else {
    const { resourceType, requestType } = typesOf(event, types);
    log.failedRequest({ message: answer.reason ?? 'failed', resourceType, requestType, ...subject });
  }
  // CloudFormation waits for the ServiceTimeout, which is this long after the latest start of an invocation
  const end = started + Math.min(budget + 2 * ANSWER_RESERVE_SECONDS * 1000, remaining);
  try {
    await withTimeLimit(end - GRACE_MILLISECONDS - time.now(), time, (signal) => respond(addressee, answer, put, time, signal));
  } catch (error) {
    log.error({ message: 'CloudFormation could not be answered', error: messageOf(error), ...subject });
    if (!(error instanceof RefusedAnswerError)) {
      // counts as an error of the function, and Lambda runs the request again, which is safe
      throw error;
    }
  }
}

/** The types by which a failed request is counted. A type that the handler does not know is not counted by its own name. */
function typesOf(event: unknown, types: ResourceTypes): { readonly resourceType: string; readonly requestType: string } {
  const { ResourceType, RequestType } = isRecord(event) ? event : {};
  const requestType = REQUEST_TYPES.find((type) => type === RequestType) ?? 'Unknown';
  return { resourceType: typeof ResourceType === 'string' && types.has(ResourceType) ? ResourceType : 'Unknown', requestType };
}

/** Milliseconds from the start of an invocation to its answer. */
function budgetOf(resourceType: unknown, types: ResourceTypes): number {
  return (types.get(resourceType)?.budgetSeconds ?? AUTHORIZATION_BUDGET_SECONDS) * 1000;
}

interface Handling {
  readonly types: ResourceTypes;
  readonly dependencies: Dependencies;
  /** Milliseconds for this type of resource. */
  readonly budget: number;
  /** Milliseconds that the invocation has. */
  readonly available: number;
}

async function handle(
  event: unknown,
  addressee: Addressee,
  { types, dependencies, budget, available }: Handling,
): Promise<Answer> {
  try {
    const request = parseRequest(event);
    const milliseconds = Math.min(available - ANSWER_RESERVE_SECONDS * 1000, budget);
    if (milliseconds <= 0) {
      throw new Error(`the function has no time left for the ${request.requestType}: deploy again`);
    }
    return await withDeadline<Answer>(
      milliseconds,
      dependencies.time,
      (signal) => run(request, types, new RequestContext(request, dependencies, signal)),
      () => ({
        status: 'FAILED',
        physicalResourceId: request.physicalResourceId ?? PhysicalId.fixed(request).made,
        reason: `the ${request.requestType} was not finished within ${Math.round(milliseconds / 1000)} seconds: deploy again`,
      }),
    );
  } catch (error) {
    return { status: 'FAILED', physicalResourceId: PhysicalId.ofRefused(addressee), reason: messageOf(error) };
  }
}

async function run(request: CustomResourceRequest, types: ResourceTypes, context: RequestContext): Promise<Answer> {
  const { requestType, resourceType, properties, physicalResourceId: received } = request;
  const isDelete = requestType === 'Delete';
  if (isDelete && received !== undefined && isNothingDone(received)) {
    return { status: 'SUCCESS', physicalResourceId: received };
  }
  const refuse = (reason: string): Answer => ({
    status: 'FAILED',
    physicalResourceId: PhysicalId.ofRefused(request),
    reason,
  });
  const type = types.get(resourceType);
  if (type === undefined) {
    return refuse(
      `this version of the handler knows no ${show(resourceType)}, only ${[...types.keys()].join(', ')}: ` +
        'deploy with the version of cdk-gamelift-vpc-peering that wrote the template',
    );
  }
  const later = laterVersion(properties);
  if (later !== undefined && !isDelete) {
    return refuse(later);
  }
  let resource: Resource;
  try {
    resource = type.open(request, context);
  } catch (error) {
    if (!isDelete || later !== undefined) {
      return refuse(messageOf(error));
    }
    // nothing was ever made with such properties, and a delete that fails would block the stack
    context.dependencies.log.error({ message: `nothing to delete: ${messageOf(error)}` });
    return { status: 'SUCCESS', physicalResourceId: PhysicalId.ofRefused(request) };
  }
  const { physicalId } = resource;
  try {
    if (isDelete) {
      await resource.delete();
      return { status: 'SUCCESS', physicalResourceId: received ?? physicalId.made };
    }
    const data = await (requestType === 'Create' ? resource.create() : resource.update());
    return { status: 'SUCCESS', physicalResourceId: physicalId.afterSuccess(received), data };
  } catch (error) {
    const physicalResourceId = isDelete ? (received ?? physicalId.made) : physicalId.afterFailure(received, error);
    return { status: 'FAILED', physicalResourceId, reason: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
