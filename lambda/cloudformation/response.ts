import { request } from 'node:https';
import { retry } from '../time';
import type { Time } from '../time';
import type { Addressee } from './request';
import { NotAnswerableError } from './request';

/*
 * What a custom resource answers to CloudFormation:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
 */

export interface Answer {
  readonly status: 'SUCCESS' | 'FAILED';
  readonly physicalResourceId: string;
  readonly reason?: string;
  readonly data?: object;
}

/** CloudFormation refuses a longer answer. */
const MAX_ANSWER_BYTES = 4096;

/** What an answer needs besides the ids of the request: for a reason, or for a new physical id and attributes. */
const ROOM_BYTES = 1024;

/** @throws NotAnswerableError if the ids that an answer must contain leave no room for anything else. */
export function requireRoom(addressee: Addressee, physicalResourceId: string): void {
  const bytes = Buffer.byteLength(answerBody(addressee, { status: 'FAILED', physicalResourceId }));
  if (bytes > MAX_ANSWER_BYTES - ROOM_BYTES) {
    throw new NotAnswerableError(
      `the event is not a request of CloudFormation: an answer with its ids would take ${bytes} bytes`,
    );
  }
}

/** The body of an answer. Its reason is shortened if the body would be too long otherwise. */
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
  const { reason } = answer;
  const whole = body(reason);
  return reason === undefined || Buffer.byteLength(whole) <= MAX_ANSWER_BYTES
    ? whole
    : body(shorten(reason, MAX_ANSWER_BYTES - Buffer.byteLength(body(''))));
}

/** The longest beginning of `text` that takes at most `bytes` bytes within a JSON string, and never ends within a character. */
function shorten(text: string, bytes: number): string {
  let kept = '';
  let used = Buffer.byteLength('...');
  for (const character of text) {
    used += Buffer.byteLength(JSON.stringify(character)) - 2;
    if (used > bytes) {
      break;
    }
    kept += character;
  }
  return `${kept}...`;
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
        // the signature of the URL covers an empty content type, and S3 accepts no chunked body
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
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${PUT_TIMEOUT_MILLISECONDS / 1000} seconds`)));
    outgoing.once('error', reject);
    outgoing.end(body);
  });

/** The URL has expired, or is wrong. */
const FINAL_STATUSES: ReadonlySet<number> = new Set([403, 404]);

/** CloudFormation's endpoint will not accept this answer, however often it is sent. */
export class RefusedAnswerError extends Error {}

/**
 * Answers CloudFormation. Retries until `signal` says that time is up.
 *
 * @throws Error if the answer could not be delivered. It never contains the URL, which is a secret.
 */
export async function respond(addressee: Addressee, answer: Answer, send: Put, time: Time, signal: AbortSignal): Promise<void> {
  const body = answerBody(addressee, answer);
  await retry(
    async () => {
      const status = await send(addressee.responseUrl, body, signal);
      if (status < 200 || status > 299) {
        const problem = `CloudFormation's response endpoint answered HTTP ${status}`;
        throw FINAL_STATUSES.has(status) ? new RefusedAnswerError(problem) : new Error(problem);
      }
    },
    (error, attempt) => (error instanceof RefusedAnswerError ? undefined : Math.min(500 * 2 ** attempt, 20_000)),
    time,
    signal,
  );
}
