import { once } from 'node:events';
import type { ClientRequest, IncomingHttpHeaders, ServerResponse } from 'node:http';
import https, { createServer, globalAgent } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { rehearsedTime } from 'rehearsal/in-process';
import { generate } from 'selfsigned';
import { handler } from '../../lambda';
import { put } from '../../lambda/cloudformation/response';
import { createHandler } from '../../lambda/handler';
import type { LogRecord } from '../../lambda/log';
import { realTime } from '../../lambda/time';
import { recordingLog, requestOf, ScriptedApi } from './world';

/*
 * Runs the handler as Lambda does, with the real clock, log and network. A local server receives the responses to CloudFormation.
 */

interface ReceivedRequest {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: Server;
let url: string;
let receivedRequests: ReceivedRequest[];
let sendHttpResponse: (response: ServerResponse) => void;

beforeAll(async () => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  globalAgent.options.ca = [cert];
  server = createServer({ cert, key }, (request, response) => {
    void text(request).then((body) => {
      receivedRequests.push({ method: request.method, headers: request.headers, body });
      sendHttpResponse(response);
    });
  });
  server.listen(0);
  await once(server, 'listening');
  url = `https://localhost:${(server.address() as AddressInfo).port}/answer?X-Amz-Signature=5ec2e7`;
});

beforeEach(() => {
  receivedRequests = [];
  sendHttpResponse = (response) => response.end();
});

afterAll(() => {
  // all suites of the process share this agent
  delete globalAgent.options.ca;
  globalAgent.destroy();
  server.closeAllConnections();
  server.close();
});

test('sends the response with the headers for which the URL is signed, and logs why the request failed', async () => {
  const write = jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
  const event = requestOf('Create', { ResponseURL: url, ResourceProperties: {} });
  await handler(event, { getRemainingTimeInMillis: () => 900_000 });
  expect(receivedRequests).toEqual([
    {
      method: 'PUT',
      headers: expect.objectContaining({
        'content-type': '',
        'content-length': String(receivedRequests[0]?.body.length),
      }) as object,
      body: expect.stringContaining('"Status":"FAILED"') as string,
    },
  ]);
  expect(receivedRequests[0]?.headers).not.toHaveProperty('transfer-encoding');
  const records = write.mock.calls.map(([line]) => JSON.parse(String(line)) as { readonly message: object });
  expect(records.map(({ message }) => message)).toEqual([
    expect.objectContaining({ message: expect.stringMatching(/^PeerVpcId must be/) as string, requestId: event.RequestId }),
  ]);
  expect(JSON.stringify(write.mock.calls)).not.toContain('5ec2e7');
  write.mockRestore();
});

test('responds with success to the delete of a resource that was never created, and logs that the request is done', async () => {
  const info = jest.spyOn(console, 'info').mockImplementation(() => undefined);
  const event = requestOf('Delete', { ResponseURL: url, PhysicalResourceId: 'x/Authorization/nothing-done' });
  await handler(event, { getRemainingTimeInMillis: () => 900_000 });
  expect(receivedRequests).toEqual([expect.objectContaining({ body: expect.stringContaining('"Status":"SUCCESS"') as string })]);
  expect(info).toHaveBeenCalledWith(expect.objectContaining({ message: 'done' }));
  info.mockRestore();
});

test('put returns the HTTP status of the endpoint, and rejects if the connection breaks or the signal is aborted', async () => {
  const { signal } = new AbortController();
  sendHttpResponse = (response) => response.writeHead(503).end('slow down');
  expect(await put(url, '{"é":1}', signal)).toBe(503);
  expect(receivedRequests[0]).toMatchObject({ body: '{"é":1}', headers: { 'content-length': '8' } });
  sendHttpResponse = (response) => response.socket?.destroy();
  await expect(put(url, '{}', signal)).rejects.toThrow('socket hang up');
  const controller = new AbortController();
  sendHttpResponse = () => {
    controller.abort();
  };
  await expect(put(url, '{}', controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
});

describe('if a response cannot be delivered, neither the log nor the error contains its URL, which is a secret', () => {
  const secrets = ['X-Amz-', 'ASIA5EC2E7', '5ec2e7', '20260101T000000Z'];
  let secretUrl: string;
  let requestSpy: jest.SpiedFunction<typeof https.request>;

  beforeEach(() => {
    requestSpy = jest.spyOn(https, 'request');
    secretUrl = `${url}&X-Amz-Credential=ASIA5EC2E7&X-Amz-Date=20260101T000000Z`;
  });

  afterEach(() => {
    requestSpy.mockRestore();
  });

  /** Runs a request whose time is up after the first attempt to send its response. Returns the log and the error of the handler. */
  async function attemptToRespond(): Promise<{ readonly logRecords: readonly LogRecord[]; readonly error: unknown }> {
    const logRecords: LogRecord[] = [];
    let isTimeUp = false;
    const run = createHandler({
      api: new ScriptedApi(rehearsedTime()),
      assume: () => new ScriptedApi(rehearsedTime()),
      put: (...args) =>
        put(...args).finally(() => {
          isTimeUp = true;
        }),
      time: {
        now: () => 0,
        jitter: () => 0,
        // the timers of the request never fire, and the pause before a second attempt rejects, as if the signal had been aborted
        sleep: () => (isTimeUp ? Promise.reject(new Error('the time is up')) : new Promise(() => undefined)),
      },
      log: recordingLog(logRecords),
      region: 'us-east-1',
    });
    const event = requestOf('Delete', { ResponseURL: secretUrl, PhysicalResourceId: 'x/Authorization/nothing-done' });
    const error = await run(event, { getRemainingTimeInMillis: () => 900_000 }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return { logRecords, error };
  }

  /** Simulates an endpoint that sends nothing: Node.js emits this event when the timeout of a request is over. */
  const emitTimeout = (): void => {
    (requestSpy.mock.results[0]?.value as ClientRequest).emit('timeout');
  };

  test.each<[string, (response: ServerResponse) => void, string]>([
    ['sends nothing', emitTimeout, 'no response within 10 seconds'],
    ['closes the connection without an HTTP response', (response) => response.socket?.destroy(), 'socket hang up'],
    [
      'returns HTTP 403 with the URL in it',
      (response) =>
        response.writeHead(403, secretUrl, { location: secretUrl }).end(`<Error><Resource>${secretUrl}</Resource></Error>`),
      "CloudFormation's response endpoint returned HTTP 403",
    ],
    [
      'returns HTTP 500 with the URL in it',
      (response) => response.writeHead(500, secretUrl, { location: secretUrl }).end(secretUrl),
      "CloudFormation's response endpoint returned HTTP 500",
    ],
    [
      'closes the connection in the middle of an HTTP response',
      (response) => {
        response.writeHead(200, { 'content-length': 1000 }).write(secretUrl, () => response.socket?.destroy());
      },
      'aborted',
    ],
  ])('if the endpoint %s', async (_, behaveAsEndpoint, problem) => {
    sendHttpResponse = behaveAsEndpoint;
    const { logRecords, error } = await attemptToRespond();
    expect(requestSpy).toHaveBeenCalledWith(secretUrl, expect.objectContaining({ timeout: 10_000 }), expect.anything());
    expect(receivedRequests).toHaveLength(1);
    expect(logRecords.at(-1)).toMatchObject({
      message: 'could not send the response to CloudFormation',
      error: expect.stringContaining(problem) as string,
    });
    const logAndError = inspect([logRecords, error], { depth: null, showHidden: true, maxStringLength: null });
    expect(secrets.filter((secret) => logAndError.includes(secret))).toEqual([]);
  });
});

test('realTime.sleep waits, and rejects with the reason of the signal as soon as the signal is aborted', async () => {
  const startedAt = realTime.now();
  await realTime.sleep(20, new AbortController().signal);
  expect(realTime.now() - startedAt).toBeGreaterThanOrEqual(19);
  const controller = new AbortController();
  const reason = new Error('enough');
  const sleep = realTime.sleep(60_000, controller.signal);
  controller.abort(reason);
  await expect(sleep).rejects.toBe(reason);
});

test('realTime.jitter returns random numbers from 0 to 1', () => {
  const jitters = Array.from({ length: 50 }, () => realTime.jitter());
  expect(Math.min(...jitters)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...jitters)).toBeLessThan(1);
  expect(new Set(jitters).size).toBeGreaterThan(10);
});
