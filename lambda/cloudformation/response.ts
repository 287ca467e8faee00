import { request } from 'node:https';
import { retry } from '../time';
import type { Time } from '../time';
import type { ResponseTarget } from './request';
import { NotARequestError } from './request';

/*
 * The response of a custom resource to CloudFormation:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
 */

export interface CustomResourceResponse {
  readonly status: 'SUCCESS' | 'FAILED';
  readonly physicalResourceId: string;
  readonly reason?: string;
  readonly data?: object;
}

/** CloudFormation rejects longer responses. */
const MAX_RESPONSE_BYTES = 4096;

/** The space that the ids of the request must leave in a response: for a reason, or for a new physical id and attributes. */
const RESERVED_BYTES = 1024;

/** @throws NotARequestError if the ids of the request are so long that a response has no space for its content. */
export function throwIfIdsTooLong(target: ResponseTarget, physicalResourceId: string): void {
  const bytes = Buffer.byteLength(responseBody(target, { status: 'FAILED', physicalResourceId }));
  if (bytes > MAX_RESPONSE_BYTES - RESERVED_BYTES) {
    throw new NotARequestError(
      `the event is not a request from CloudFormation: its ids are so long that a response would take ${bytes} bytes`,
    );
  }
}

/** The body of a response. A reason that is too long is shortened. */
function responseBody(target: ResponseTarget, response: CustomResourceResponse): string {
  const bodyWith = (reason: string | undefined): string =>
    JSON.stringify({
      Status: response.status,
      Reason: reason,
      PhysicalResourceId: response.physicalResourceId,
      StackId: target.stackId,
      RequestId: target.requestId,
      LogicalResourceId: target.logicalResourceId,
      NoEcho: false,
      Data: response.data,
    });
  const { reason } = response;
  const fullBody = bodyWith(reason);
  return reason === undefined || Buffer.byteLength(fullBody) <= MAX_RESPONSE_BYTES
    ? fullBody
    : bodyWith(shorten(reason, MAX_RESPONSE_BYTES - Buffer.byteLength(bodyWith(''))));
}

/** Cuts `text` off so that it takes at most `maxBytes` bytes within a JSON string. Never splits a character. */
function shorten(text: string, maxBytes: number): string {
  let start = '';
  let bytes = Buffer.byteLength('...');
  for (const character of text) {
    bytes += Buffer.byteLength(JSON.stringify(character)) - 2;
    if (bytes > maxBytes) {
      break;
    }
    start += character;
  }
  return `${start}...`;
}

/** Sends a body to a presigned URL and returns the HTTP status. */
export type Put = (url: string, body: string, signal: AbortSignal) => Promise<number>;

const PUT_TIMEOUT_MILLISECONDS = 10_000;

export const put: Put = (url, body, signal) =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: 'PUT',
        // the URL is signed for an empty content type, and S3 accepts no chunked body
        headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) },
        timeout: PUT_TIMEOUT_MILLISECONDS,
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
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no response within ${PUT_TIMEOUT_MILLISECONDS / 1000} seconds`)));
    outgoing.once('error', reject);
    outgoing.end(body);
  });

/** HTTP statuses after which a retry is useless: the URL has expired or is wrong. */
const FINAL_STATUSES: ReadonlySet<number> = new Set([403, 404]);

/** The endpoint rejected the response, and would reject it again. */
export class RejectedResponseError extends Error {}

export interface SendOptions {
  readonly put: Put;
  readonly time: Time;
  readonly signal: AbortSignal;
}

/**
 * Sends the response to CloudFormation. Retries until `signal` is aborted.
 *
 * @throws Error if the response could not be delivered. The error never contains the URL, which is a secret.
 */
export async function sendResponse(
  target: ResponseTarget,
  response: CustomResourceResponse,
  options: SendOptions,
): Promise<void> {
  const { signal, time } = options;
  const body = responseBody(target, response);
  await retry(
    async () => {
      const status = await options.put(target.responseUrl, body, signal);
      if (status < 200 || status > 299) {
        const message = `CloudFormation's response endpoint returned HTTP ${status}`;
        throw FINAL_STATUSES.has(status) ? new RejectedResponseError(message) : new Error(message);
      }
    },
    {
      delayAfter: (error, attempt) => (error instanceof RejectedResponseError ? undefined : Math.min(500 * 2 ** attempt, 20_000)),
      time,
      signal,
    },
  );
}
