import { BrokenResponseError, ServiceError, type SimulatedAws } from '../aws';
import type { Send } from './handler';

/*
 * Calls to the simulated AWS from this process. They fail with the errors of the AWS SDK.
 */

/** Returns a function that makes calls with the credentials of `accessKeyId`. */
export function sendAs(aws: SimulatedAws, accessKeyId: string, region: string): Send {
  return async (service, operation, input) => {
    const session = aws.iam.findSession(accessKeyId);
    if (session === undefined || aws.iam.isExpired(session.credentials)) {
      throw sdkError('ExpiredToken', 'The security token included in the request is expired', 403);
    }
    try {
      return await aws.call(service, operation, input, { principal: session.principal, region });
    } catch (error) {
      if (error instanceof BrokenResponseError) {
        throw error.kind === 'reset' ? connectionResetError() : malformedOutputError();
      }
      throw error instanceof ServiceError ? sdkError(error.code, error.message, error.status) : error;
    }
  };
}

/** Creates an error like those that the SDK throws. */
export function sdkError(name: string, message: string, httpStatusCode: number): Error {
  return Object.assign(new Error(message), {
    name,
    $fault: httpStatusCode < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode },
  });
}

export function connectionResetError(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', $metadata: {} });
}

/** The error for an output that is not valid JSON. */
export function malformedOutputError(): Error {
  return Object.assign(new SyntaxError("Expected property name or '}' in JSON at position 1"), {
    $metadata: { httpStatusCode: 200 },
  });
}

/** The error for a call that returns no output before the client's timeout. */
export function requestTimeoutError(milliseconds: number): Error {
  return Object.assign(new Error(`Request did not complete within ${milliseconds} ms`), { name: 'TimeoutError', $metadata: {} });
}
