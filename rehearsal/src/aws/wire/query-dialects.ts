import { EC2_ERRORS, QUERY_ERRORS } from '../service';
import type { Dialect } from './query';

export const EC2_DIALECT: Dialect = {
  errors: EC2_ERRORS,
  item: 'item',
  success: (operation, result, requestId) => ({ [`${operation}Response`]: { requestId, ...result } }),
  failure: ({ code, message }, requestId) => ({
    Response: { Errors: { Error: { Code: code, Message: message } }, RequestID: requestId },
  }),
};

export const QUERY_DIALECT: Dialect = {
  errors: QUERY_ERRORS,
  item: 'member',
  success: (operation, result, requestId) => ({
    [`${operation}Response`]: { [`${operation}Result`]: result, ResponseMetadata: { RequestId: requestId } },
  }),
  failure: ({ code, message, status }, requestId) => ({
    ErrorResponse: { Error: { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message }, RequestId: requestId },
  }),
};
