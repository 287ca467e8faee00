/** The module `cfn-response`, which Lambda adds to functions with inline code. */
export const CFN_RESPONSE = `
exports.SUCCESS = 'SUCCESS';
exports.FAILED = 'FAILED';
exports.send = (event, context, status, data, physicalResourceId, noEcho) => {
  const body = Buffer.from(JSON.stringify({
    Status: status,
    Reason: 'See the details in CloudWatch Log Stream: ' + context.logStreamName,
    PhysicalResourceId: physicalResourceId || context.logStreamName,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    NoEcho: noEcho || false,
    Data: data,
  }));
  const url = new URL(event.ResponseURL);
  const headers = { 'content-type': '', 'content-length': body.length };
  const request = require('https').request({ hostname: url.hostname, path: url.pathname + url.search, method: 'PUT', headers }, (response) => {
    response.resume();
    context.done();
  });
  request.on('error', (error) => context.done(error));
  request.end(body);
};
`;
