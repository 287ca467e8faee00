import { Buffer } from 'node:buffer';
import { request } from 'node:https';
import { onEvent } from './provider.mjs';

/* A handler that sends the responses to CloudFormation itself, like AWS's samples of custom resources. */

export async function handler(event, context) {
  try {
    const { PhysicalResourceId = event.PhysicalResourceId, Data } = await onEvent(event);
    await respond(event, { Status: 'SUCCESS', PhysicalResourceId, Data });
  } catch (error) {
    const PhysicalResourceId = event.PhysicalResourceId ?? context.logStreamName;
    await respond(event, { Status: 'FAILED', PhysicalResourceId, Reason: error.message });
  }
}

function respond({ ResponseURL, StackId, RequestId, LogicalResourceId }, result) {
  const body = Buffer.from(JSON.stringify({ StackId, RequestId, LogicalResourceId, ...result }));
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': '', 'content-length': body.length };
    const put = request(ResponseURL, { method: 'PUT', headers }, (response) => {
      response.resume();
      response.once('end', resolve);
    });
    put.once('error', reject);
    put.end(body);
  });
}
