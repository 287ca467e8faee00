import { EC2_ERRORS, QUERY_ERRORS } from '../service';
import type { Dialect } from './query';

export const EC2_DIALECT: Dialect = {
  errors: EC2_ERRORS,
  itemElement: 'item',
  successDocument: (operation, result, requestId) => ({ [`${operation}Response`]: { requestId, ...result } }),
  failureDocument: ({ code, message }, requestId) => ({
    Response: { Errors: { Error: { Code: code, Message: message } }, RequestID: requestId },
  }),
};

export const QUERY_DIALECT: Dialect = {
  errors: QUERY_ERRORS,
  itemElement: 'member',
  successDocument: (operation, result, requestId) => ({
    [`${operation}Response`]: { [`${operation}Result`]: result, ResponseMetadata: { RequestId: requestId } },
  }),
  failureDocument: ({ code, message, status }, requestId) => ({
    ErrorResponse: { Error: { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message }, RequestId: requestId },
  }),
};
