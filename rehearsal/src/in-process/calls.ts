import { BrokenAnswerError, ServiceError, type SimulatedAws } from '../aws';
import type { Send } from './handler';

/*
 * Calls of the simulated AWS from this process, which fail as the SDK's do.
 */

/** Calls as whom these credentials are. */
export function sendAs(aws: SimulatedAws, accessKeyId: string, region: string): Send {
  return async (service, operation, input) => {
    const session = aws.iam.lookUp(accessKeyId);
    if (session === undefined || aws.iam.isExpired(session.credentials)) {
      throw sdkError('ExpiredToken', 'The security token included in the request is expired', 403);
    }
    try {
      return await aws.call(service, operation, input, { principal: session.principal, region });
    } catch (error) {
      if (error instanceof BrokenAnswerError) {
        throw error.kind === 'reset' ? reset() : malformed();
      }
      throw error instanceof ServiceError ? sdkError(error.code, error.message, error.status) : error;
    }
  };
}

/** As the SDK throws it. */
export function sdkError(name: string, message: string, httpStatusCode: number): Error {
  return Object.assign(new Error(message), {
    name,
    $fault: httpStatusCode < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode },
  });
}

export function reset(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', $metadata: {} });
}

/** The answer makes no sense. */
export function malformed(): Error {
  return Object.assign(new SyntaxError("Expected property name or '}' in JSON at position 1"), {
    $metadata: { httpStatusCode: 200 },
  });
}

/** No answer came as long as the client waited. */
export function timeout(milliseconds: number): Error {
  return Object.assign(new Error(`Request did not complete within ${milliseconds} ms`), { name: 'TimeoutError', $metadata: {} });
}
