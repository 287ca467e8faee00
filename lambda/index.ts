import { Aws } from './aws';
import { put } from './cloudformation';
import { createHandler } from './handler';
import { consoleLog } from './log';
import { realTime } from './time';

export const handler = createHandler({
  api: new Aws(),
  put,
  time: realTime,
  log: consoleLog,
  region: process.env.AWS_REGION ?? '',
});
