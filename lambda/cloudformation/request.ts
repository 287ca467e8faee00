import { isRecord, readMatch, readRecord, formatValue } from './values';
import type { RawProperties, TextFormat } from './values';

/*
 * What CloudFormation sends to a custom resource:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
 */

const REQUEST_TYPES = ['Create', 'Update', 'Delete'] as const;
export type RequestType = (typeof REQUEST_TYPES)[number];

/** The stack and the resource for which the handler makes calls. */
export interface Requester {
  readonly stackId: string;
  readonly logicalResourceId: string;
}

/** What the handler needs to know about a request in order to respond. */
export interface ResponseTarget extends Requester {
  readonly responseUrl: string;
  readonly requestId: string;
  /** Absent on a create. CloudFormation generates one for the delete of a resource whose create it canceled. */
  readonly physicalResourceId?: string;
}

export interface CustomResourceRequest extends ResponseTarget {
  readonly requestType: RequestType;
  readonly resourceType: string;
  readonly properties: RawProperties;
  /** On an update: the properties before the update. On a rollback: the properties of the update that failed. */
  readonly oldProperties?: RawProperties;
}

/** The parts of an event that could be parsed. */
export interface ParsedEvent {
  readonly target: ResponseTarget;
  /** Undefined if it is missing or wrong. */
  readonly requestType: RequestType | undefined;
  /** Undefined if it is missing or wrong. */
  readonly resourceType: string | undefined;
  /** The request, or an Error that names the invalid member and what it must be. */
  readonly request: CustomResourceRequest | Error;
}

const STACK_ID: TextFormat = {
  pattern: /^arn:[a-z-]{1,32}:cloudformation:[a-z0-9-]{1,32}:\d{12}:stack\/[\w-]{1,128}\/[\w-]{1,64}$/,
  description: 'the ARN of a stack',
};
const LOGICAL_ID: TextFormat = { pattern: /^\w{1,255}$/, description: 'the logical id of a resource' };

/** The event does not contain what a response needs. */
export class NotARequestError extends Error {}

/** @throws NotARequestError if the event is not a request from CloudFormation. */
export function parseEvent(event: unknown): ParsedEvent {
  if (!isRecord(event)) {
    throw new NotARequestError('the event is not a request from CloudFormation: it is not an object');
  }
  const target = parseTarget(event);
  const { RequestType, ResourceType } = event;
  const resourceType = typeof ResourceType === 'string' && ResourceType !== '' ? ResourceType : undefined;
  const requestType = REQUEST_TYPES.find((type) => type === RequestType);
  return { target, requestType, resourceType, request: tryParseRequest(event, target, requestType, resourceType) };
}

function parseTarget(event: RawProperties): ResponseTarget {
  const field = (name: string): string => {
    const value = event[name];
    return typeof value === 'string' ? value : '';
  };
  const missingFields = ['ResponseURL', 'StackId', 'RequestId', 'LogicalResourceId'].filter((name) => field(name) === '');
  if (missingFields.length > 0) {
    throw new NotARequestError(`the event is not a request from CloudFormation: it has no ${missingFields.join(', ')}`);
  }
  const responseUrl = field('ResponseURL');
  if (!URL.canParse(responseUrl) || new URL(responseUrl).protocol !== 'https:') {
    throw new NotARequestError('the event is not a request from CloudFormation: its ResponseURL is not an https URL');
  }
  const physicalResourceId = field('PhysicalResourceId');
  return {
    responseUrl,
    stackId: field('StackId'),
    requestId: field('RequestId'),
    logicalResourceId: field('LogicalResourceId'),
    ...(physicalResourceId === '' ? {} : { physicalResourceId }),
  };
}

function tryParseRequest(
  event: RawProperties,
  target: ResponseTarget,
  requestType: RequestType | undefined,
  resourceType: string | undefined,
): CustomResourceRequest | Error {
  const { RequestType, ResourceType, PhysicalResourceId, OldResourceProperties } = event;
  if (requestType === undefined) {
    return new Error(`RequestType must be one of ${REQUEST_TYPES.join(', ')}, got ${formatValue(RequestType)}`);
  }
  if (resourceType === undefined) {
    return new Error(`ResourceType must be a string that is not empty, got ${formatValue(ResourceType)}`);
  }
  if (PhysicalResourceId !== undefined && typeof PhysicalResourceId !== 'string') {
    return new Error(`PhysicalResourceId must be a string, got ${formatValue(PhysicalResourceId)}`);
  }
  try {
    return {
      ...target,
      ...readRequester(event),
      requestType,
      resourceType,
      properties: readRecord(event, 'ResourceProperties'),
      ...(isRecord(OldResourceProperties) ? { oldProperties: OldResourceProperties } : {}),
    };
  } catch (error) {
    if (!(error instanceof Error)) {
      throw error;
    }
    return error;
  }
}

/** @throws Error if the stack id or the logical id is invalid. */
export function readRequester(fields: RawProperties): Requester {
  return {
    stackId: readMatch(fields, 'StackId', STACK_ID),
    logicalResourceId: readMatch(fields, 'LogicalResourceId', LOGICAL_ID),
  };
}
