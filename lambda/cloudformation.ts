import { request } from 'node:https';
import { retry } from './time';
import type { Time } from './time';

/*
 * The protocol between CloudFormation and a custom resource:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */

export const REQUEST_TYPES = ['Create', 'Update', 'Delete'] as const;
export type RequestType = (typeof REQUEST_TYPES)[number];

/** Properties as they come over the wire: not yet checked. */
export type RawProperties = Readonly<Record<string, unknown>>;

/** The part of a request without which it can't be answered. */
export interface Addressee {
  readonly responseUrl: string;
  readonly stackId: string;
  readonly requestId: string;
  readonly logicalResourceId: string;
  /** Absent on a create. After a cancelled create it may be one that CloudFormation made up. */
  readonly physicalResourceId?: string;
}

export interface CustomResourceRequest extends Addressee {
  readonly requestType: RequestType;
  readonly resourceType: string;
  readonly properties: RawProperties;
  /** On an update: what was declared before, or, when an update is rolled back, what it was to become. */
  readonly oldProperties?: RawProperties;
}

export interface Answer {
  readonly status: 'SUCCESS' | 'FAILED';
  readonly physicalResourceId: string;
  readonly reason?: string;
  readonly data?: object;
}

/** CloudFormation refuses an answer that is longer. */
const MAX_ANSWER_BYTES = 4096;

/** What an answer needs beside the ids of the request: for a reason, or for a new physical id and attributes. */
const ROOM_BYTES = 1024;

const STACK_ID = /^arn:[a-z-]{1,32}:cloudformation:[a-z0-9-]{1,32}:\d{12}:stack\/[\w-]{1,128}\/[\w-]{1,64}$/;
const LOGICAL_ID = /^\w{1,255}$/;

/** A request failed before it made anything: whoever cleans up after it finds nothing to do. */
export class NothingDoneError extends Error {
  override readonly name = 'NothingDoneError';
}

/** Thrown for an event that nobody can be answered for. */
export class NotAnswerableError extends Error {}

/** On whose behalf calls are made. */
export type Requester = Pick<Addressee, 'stackId' | 'logicalResourceId'>;

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(event: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = event[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * @throws NotAnswerableError if the event does not say who is to be answered.
 */
export function parseAddressee(event: unknown): Addressee {
  if (!isRecord(event)) {
    throw new NotAnswerableError('the event is not a request of CloudFormation: it is not an object');
  }
  const responseUrl = text(event, 'ResponseURL');
  const stackId = text(event, 'StackId');
  const requestId = text(event, 'RequestId');
  const logicalResourceId = text(event, 'LogicalResourceId');
  if (responseUrl === undefined || stackId === undefined || requestId === undefined || logicalResourceId === undefined) {
    const missing = ['ResponseURL', 'StackId', 'RequestId', 'LogicalResourceId'].filter(
      (name) => text(event, name) === undefined,
    );
    throw new NotAnswerableError(`the event is not a request of CloudFormation: it has no ${missing.join(', ')}`);
  }
  if (!URL.canParse(responseUrl) || new URL(responseUrl).protocol !== 'https:') {
    throw new NotAnswerableError('the event is not a request of CloudFormation: its ResponseURL is no https URL');
  }
  const physicalResourceId = text(event, 'PhysicalResourceId');
  return {
    responseUrl,
    stackId,
    requestId,
    logicalResourceId,
    ...(physicalResourceId === undefined ? {} : { physicalResourceId }),
  };
}

/**
 * @throws Error if the request is not one of the three kinds, comes from no stack, or has no properties.
 */
export function parseRequest(event: unknown): CustomResourceRequest {
  const addressee = parseAddressee(event);
  const fields = isRecord(event) ? event : {};
  const requestType = REQUEST_TYPES.find((type) => type === fields.RequestType);
  if (requestType === undefined) {
    throw new Error(`RequestType must be one of ${REQUEST_TYPES.join(', ')}, got ${show(fields.RequestType)}`);
  }
  const resourceType = text(fields, 'ResourceType');
  if (resourceType === undefined) {
    throw new Error(`ResourceType must be a string, got ${show(fields.ResourceType)}`);
  }
  const { PhysicalResourceId: physicalResourceId } = fields;
  if (physicalResourceId !== undefined && typeof physicalResourceId !== 'string') {
    throw new Error(`PhysicalResourceId must be a string, got ${show(physicalResourceId)}`);
  }
  return {
    ...addressee,
    ...readRequester(fields),
    requestType,
    resourceType,
    properties: readRecord(fields, 'ResourceProperties'),
    ...(isRecord(fields.OldResourceProperties) ? { oldProperties: fields.OldResourceProperties } : {}),
  };
}

/** @throws Error if the stack's id, of which account and session are read, or the logical id can't be one. */
export function readRequester(fields: RawProperties): Requester {
  return {
    stackId: readMatch(fields, 'StackId', STACK_ID, 'the ARN of a stack'),
    logicalResourceId: readMatch(fields, 'LogicalResourceId', LOGICAL_ID, 'the logical id of a resource'),
  };
}

/** @throws Error that does not show what was got: there may be an external id in it. */
export function readRecord(fields: RawProperties, name: string): RawProperties {
  const value = fields[name];
  if (isRecord(value)) {
    return value;
  }
  const kind = value === undefined ? 'nothing' : value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
  throw new Error(`${name} must be an object, got ${kind}`);
}

/** @throws Error that names the property, what it has to be and what it was. */
export function readMatch(properties: RawProperties, name: string, pattern: RegExp, what: string): string {
  const value = properties[name];
  if (typeof value === 'string' && pattern.test(value)) {
    return value;
  }
  // true is not "true": without these words nobody would see why it is refused
  const kind = typeof value === 'string' || value === undefined ? '' : ', which is no string';
  throw new Error(`${name} must be ${what}, got ${show(value)}${kind}`);
}

/** A value for an error message: short, whatever it is. */
export function show(value: unknown): string {
  const shown = value === undefined ? 'nothing' : jsonOf(value);
  // never ends within a character
  return shown.length <= 120 ? shown : `${shown.slice(0, 117).replace(/[\ud800-\udbff]$/, '')}...`;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'what is nested too deeply to be shown';
  }
}

/** The longest beginning of `value` that takes at most `bytes` in JSON, never ending within a character. */
function fit(value: string, bytes: number): string {
  if (Buffer.byteLength(JSON.stringify(value)) <= bytes) {
    return value;
  }
  let kept = '';
  let used = Buffer.byteLength('"..."');
  for (const character of value) {
    used += Buffer.byteLength(JSON.stringify(character)) - 2;
    if (used > bytes) {
      break;
    }
    kept += character;
  }
  return `${kept}...`;
}

/** @throws NotAnswerableError if the ids that an answer has to hold leave no room in it for anything else. */
export function requireRoom(addressee: Addressee, physicalResourceId: string): void {
  const bytes = Buffer.byteLength(answerBody(addressee, { status: 'FAILED', physicalResourceId }));
  if (bytes > MAX_ANSWER_BYTES - ROOM_BYTES) {
    throw new NotAnswerableError(
      `the event is not a request of CloudFormation: an answer with its ids would take ${bytes} bytes`,
    );
  }
}

/** The body of an answer: always short enough, its reason cut where need be. */
export function answerBody(addressee: Addressee, answer: Answer): string {
  const body = (reason: string | undefined): string =>
    JSON.stringify({
      Status: answer.status,
      Reason: reason,
      PhysicalResourceId: answer.physicalResourceId,
      StackId: addressee.stackId,
      RequestId: addressee.requestId,
      LogicalResourceId: addressee.logicalResourceId,
      NoEcho: false,
      Data: answer.data,
    });
  const whole = body(answer.reason);
  if (answer.reason === undefined || Buffer.byteLength(whole) <= MAX_ANSWER_BYTES) {
    return whole;
  }
  return body(fit(answer.reason, MAX_ANSWER_BYTES - Buffer.byteLength(body(''))));
}

/** Sends a body to a pre-signed URL and gives the HTTP status. */
export type Put = (url: string, body: string, signal: AbortSignal) => Promise<number>;

/** Milliseconds after which a PUT that nobody answers is given up. */
const PUT_TIMEOUT = 10_000;

export const put: Put = (url, body, signal) =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: 'PUT',
        // the URL's signature covers an empty content type, and S3 takes no chunked body
        headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) },
        timeout: PUT_TIMEOUT,
        signal,
      },
      (incoming) => {
        incoming.resume();
        incoming.once('error', reject);
        incoming.once('end', () => {
          resolve(incoming.statusCode ?? 0);
        });
      },
    );
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${PUT_TIMEOUT / 1000} seconds`)));
    outgoing.once('error', reject);
    outgoing.end(body);
  });

/** The URL has expired, or leads nowhere. */
const FINAL: ReadonlySet<number> = new Set([403, 404]);

/** The endpoint will not take this answer, however often it is sent. */
export class RefusedAnswerError extends Error {}

/**
 * Answers CloudFormation. A failure is tried again until `signal` says that time is up.
 *
 * @throws Error if the answer could not be delivered; it never names the URL, which is a secret.
 */
export async function respond(addressee: Addressee, answer: Answer, send: Put, time: Time, signal: AbortSignal): Promise<void> {
  const body = answerBody(addressee, answer);
  await retry(
    async () => {
      const status = await send(addressee.responseUrl, body, signal);
      if (status < 200 || status > 299) {
        const problem = `CloudFormation's response endpoint answered HTTP ${status}`;
        throw FINAL.has(status) ? new RefusedAnswerError(problem) : new Error(problem);
      }
    },
    (error, attempt) => (error instanceof RefusedAnswerError ? undefined : Math.min(500 * 2 ** attempt, 20_000)),
    time,
    signal,
  );
}
