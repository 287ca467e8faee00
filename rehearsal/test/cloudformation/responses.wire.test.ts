import { request } from 'node:https';
import { ResponseEndpoint } from '../../src/cloudformation/engine/response-endpoint';
import { Rehearsal } from '../../src/index';
import { functionResource, HANDLER_RESOURCES, reasons, writeAssembly } from '../assembly';

/** In these tests, the code of a function sends responses. It does not know that it runs in a rehearsal. */

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start();
});
afterEach(() => rehearsal.close());

/**
 * Deploys a custom resource whose function runs `code` for the create, and logs what `code` returns. `code` can use `url` (the response
 * URL), `bodyWith(changes)` (a valid body with changed members), `headersFor(body)`, `put(headers, body, requestOptions)`,
 * `sendValidResponse()` and `formatResult(statusCode, text)` (the HTTP status and S3's error code, as `put` returns them).
 * Returns the status of the stack, and the logged results.
 */
async function deploy(code: string): Promise<{ status: string; loggedResults: unknown[] }> {
  const handler = `
    const https = require('node:https');
    exports.handler = async (event) => {
      const url = new URL(event.ResponseURL);
      const bodyWith = (changes = {}) => {
        const { StackId, RequestId, LogicalResourceId } = event;
        return JSON.stringify({ Status: 'SUCCESS', PhysicalResourceId: 'id', StackId, RequestId, LogicalResourceId, ...changes });
      };
      const formatResult = (statusCode, text) => statusCode + ' ' + (/<Code>(.*)<.Code>/.exec(text)?.[1] ?? '');
      const put = (headers, body, requestOptions = {}) => new Promise((resolve) => {
        const options = { hostname: url.hostname, path: url.pathname + url.search, method: 'PUT', headers, ...requestOptions };
        const request = https.request(options, (received) => {
          let text = '';
          received.on('data', (chunk) => (text += chunk)).on('end', () => resolve(formatResult(received.statusCode, text)));
        });
        request.on('error', (error) => resolve(error.code));
        request.write(body);
        request.end();
      });
      const headersFor = (body) => ({ 'content-type': '', 'content-length': Buffer.byteLength(body) });
      const sendValidResponse = () => put(headersFor(bodyWith()), bodyWith());
      const result = event.RequestType === 'Create' ? await (async () => { ${code} })() : await sendValidResponse();
      if (event.RequestType === 'Create') console.log('RESULT ' + JSON.stringify(result));
    };`;
  const Handler = functionResource(handler, { Timeout: 900 });
  const Thing = {
    Type: 'Custom::Thing',
    Properties: { ServiceToken: { 'Fn::GetAtt': ['Handler', 'Arn'] }, ServiceTimeout: 300 },
  };
  const { status } = await rehearsal.cloudFormation.deploy(
    writeAssembly({ Resources: { Role: HANDLER_RESOURCES.Role, Handler, Thing } }),
    'Stack',
  );
  // the deployment can finish before the function logs its result
  await rehearsal.clock.sleep(1000);
  const results = rehearsal.journal.entries.filter(({ message }) => message.startsWith('RESULT '));
  return { status, loggedResults: results.map(({ message }) => JSON.parse(message.slice('RESULT '.length)) as unknown) };
}

test.each([
  [
    'a content type',
    `put({ ...headersFor(bodyWith()), 'content-type': 'application/json' }, bodyWith())`,
    '403 SignatureDoesNotMatch',
  ],
  ['a chunked body', `put({ 'content-type': '', 'transfer-encoding': 'chunked' }, bodyWith())`, '501 NotImplemented'],
  ['a method other than PUT', `put(headersFor(bodyWith()), bodyWith(), { method: 'POST' })`, '403 SignatureDoesNotMatch'],
  [
    'a query that was not signed',
    `put(headersFor(bodyWith()), bodyWith(), { path: url.pathname + url.search + '0' })`,
    '403 SignatureDoesNotMatch',
  ],
  ['a header that was not signed', `put({ ...headersFor(bodyWith()), 'x-amz-acl': 'private' }, bodyWith())`, '403 AccessDenied'],
  [
    'the content type that fetch adds to a string',
    `fetch(url, { method: 'PUT', body: bodyWith() }).then(async (received) => formatResult(received.status, await received.text()))`,
    '403 SignatureDoesNotMatch',
  ],
  [
    'a body that is shorter than its content length',
    `put({ 'content-type': '', 'content-length': 1000 }, bodyWith())`,
    '400 RequestTimeout',
  ],
])('a response with %s is refused, and the resource fails after its timeout', async (_, code, expected) => {
  expect(await deploy(`return ${code};`)).toEqual({ status: 'ROLLBACK_COMPLETE', loggedResults: [expected] });
  expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toContain('did not receive a response');
});

test('a response without a content length is refused', async () => {
  const code = `new Promise((resolve) => {
    const socket = require('node:tls').connect(443, url.hostname, { servername: url.hostname }, () =>
      socket.write('PUT ' + url.pathname + url.search + ' HTTP/1.1\\r\\nHost: ' + url.hostname + '\\r\\n\\r\\n'));
    socket.once('data', (data) => { socket.destroy(); resolve(data.toString().split('\\r\\n')[0]); });
  })`;
  expect((await deploy(`return ${code};`)).loggedResults).toEqual(['HTTP/1.1 411 Length Required']);
});

test('the response URL is a presigned URL of S3 that expires after two hours', async () => {
  const responses = await ResponseEndpoint.start(rehearsal.clock, rehearsal.journal);
  const { url } = responses.issueUrl({ region: 'us-east-1', stackId: 'stack', logicalId: 'One', requestId: 'request' });
  const { hostname, pathname, search, searchParams } = new URL(url);
  expect(hostname).toBe('cloudformation-custom-resource-response-useast1.s3.amazonaws.com');
  expect(pathname).toMatch(/^\/stack%7COne%7C[0-9a-f-]+$/);
  expect(searchParams.get('X-Amz-SignedHeaders')).toBe('host');
  const { port, certificate } = await responses.portAndCertificate('us-east-1');
  const put = () =>
    new Promise((resolve, reject) => {
      const headers = { host: hostname, 'content-length': 2 };
      const options = {
        host: '127.0.0.1',
        port,
        servername: hostname,
        ca: certificate,
        method: 'PUT',
        path: pathname + search,
        headers,
      };
      request(options, (response) => {
        response.resume().on('end', () => {
          resolve(response.statusCode);
        });
      })
        .on('error', reject)
        .end('{}');
    });
  // until ten seconds before the URL expires
  await rehearsal.clock.sleep(7_190_000);
  expect(await put()).toBe(200);
  await rehearsal.clock.sleep(20_000);
  expect(await put()).toBe(403);
  await responses.close();
});

test('a response that fetch sends as bytes without a content type is accepted', async () => {
  const code = `fetch(url, { method: 'PUT', body: Buffer.from(bodyWith()) }).then((received) => received.status)`;
  expect(await deploy(`return ${code};`)).toEqual({ status: 'CREATE_COMPLETE', loggedResults: [200] });
});

test('a second response is accepted and ignored', async () => {
  const code = `await sendValidResponse(); const body = bodyWith({ Status: 'FAILED', Reason: 'too late' }); return put(headersFor(body), body);`;
  expect(await deploy(code)).toEqual({ status: 'CREATE_COMPLETE', loggedResults: ['200 '] });
  const accepted = rehearsal.journal.entries.filter(({ source, message }) => source === 's3' && message.endsWith('accepted'));
  expect(accepted).toHaveLength(2);
  const requestId = /request ([0-9a-f-]+)/.exec(accepted[0]?.message ?? '')?.[1] ?? '';
  expect(rehearsal.responses.responseCount(requestId)).toBe(2);
});

test.each([
  ['is not JSON', `'{'`, 'Invalid response object: it is not valid JSON.'],
  [
    'has the id of another request',
    `bodyWith({ RequestId: 'other' })`,
    'Invalid response object: RequestId does not match the request.',
  ],
  [
    'has no status',
    `bodyWith({ Status: undefined })`,
    'Invalid response object: Value of property Status must be SUCCESS or FAILED.',
  ],
  ['has no physical id', `bodyWith({ PhysicalResourceId: undefined })`, 'Invalid PhysicalResourceId'],
  [
    'has the status FAILED but no reason',
    `bodyWith({ Status: 'FAILED' })`,
    'Invalid response object: Reason is required when Status is FAILED.',
  ],
  [
    'has data that is not an object',
    `bodyWith({ Data: ['a'] })`,
    'Invalid response object: Value of property Data must be an object.',
  ],
  ['is cut off', `bodyWith().slice(0, -5)`, 'Invalid response object: it is not valid JSON.'],
])('a response that %s fails the resource', async (_, body, reason) => {
  expect((await deploy(`const body = ${body}; return put(headersFor(body), body);`)).status).toBe('ROLLBACK_COMPLETE');
  expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([reason]);
});

test('the function can send the response again if the first attempt hangs', async () => {
  const removeFault = rehearsal.responses.intercept(({ attempt }) => (attempt === 1 ? 'hang' : undefined));
  const code = `
    const before = Date.now();
    const first = await Promise.race([sendValidResponse(), new Promise((resolve) => setTimeout(resolve, 30_000, 'gave up'))]);
    return [first, await sendValidResponse(), Math.round((Date.now() - before) / 1000)];`;
  expect(await deploy(code)).toEqual({ status: 'CREATE_COMPLETE', loggedResults: [['gave up', '200 ', 30]] });
  removeFault();
});
