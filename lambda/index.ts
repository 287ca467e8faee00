import { awsApi, awsApiAs } from './aws';
import { put } from './cloudformation/response';
import { createHandler } from './handler';
import { consoleLog } from './log';
import { realTime } from './time';

const region = process.env.AWS_REGION ?? '';

export const handler = createHandler({
  api: awsApi(),
  assume: (role, sessionName) => awsApiAs(role, sessionName, region),
  put,
  time: realTime,
  log: consoleLog,
  region,
});
