import { Aws } from './aws';
import { put } from './cloudformation';
import { createHandler } from './handler';
import { consoleLog } from './log';
import { realTime } from './time';

const region = process.env.AWS_REGION ?? '';

export const handler = createHandler({
  api: new Aws(),
  assume: (role, sessionName) => Aws.as(role, sessionName, region),
  put,
  time: realTime,
  log: consoleLog,
  region,
});
