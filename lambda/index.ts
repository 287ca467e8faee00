import { createAwsApi, createAwsApiWithRole } from './aws';
import { put } from './cloudformation/response';
import { createHandler } from './handler';
import { consoleLog } from './log';
import { realTime } from './time';

const region = process.env.AWS_REGION ?? '';

export const handler = createHandler({
  api: createAwsApi(),
  assume: (role, sessionName) => createAwsApiWithRole(role, sessionName, region),
  put,
  time: realTime,
  log: consoleLog,
  region,
});
