import { once } from 'node:events';
import { createServer, globalAgent } from 'node:https';
import type { Server } from 'node:https';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { generate } from 'selfsigned';
import { handler } from '../../lambda';
import { put } from '../../lambda/cloudformation';
import { realTime } from '../../lambda/time';
import { requestOf } from './world';

/*
 * What Lambda runs, with the clock, the log and the network that it has there.
 */

interface Arrived {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: Server;
let url: string;
let arrived: Arrived[];
let answer: (response: ServerResponse) => void;

beforeAll(async () => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  globalAgent.options.ca = [cert];
  server = createServer({ cert, key }, (request, response) => {
    void text(request).then((body) => {
      arrived.push({ method: request.method, headers: request.headers, body });
      answer(response);
    });
  });
  server.listen(0);
  await once(server, 'listening');
  url = `https://localhost:${(server.address() as AddressInfo).port}/answer?X-Amz-Signature=5ec2e7`;
});

beforeEach(() => {
  arrived = [];
  answer = (response) => response.end();
});

afterAll(() => {
  // one agent for all suites of the process
  delete globalAgent.options.ca;
  globalAgent.destroy();
  server.closeAllConnections();
  server.close();
});

test('an answer arrives as the URL was signed for, and is logged', async () => {
  const logged = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const event = requestOf('Create', { ResponseURL: url, ResourceProperties: {} });
  await handler(event, { getRemainingTimeInMillis: () => 900_000 });
  expect(arrived).toEqual([
    {
      method: 'PUT',
      headers: expect.objectContaining({ 'content-type': '', 'content-length': String(arrived[0]?.body.length) }) as object,
      body: expect.stringContaining('"Status":"FAILED"') as string,
    },
  ]);
  expect(arrived[0]?.headers).not.toHaveProperty('transfer-encoding');
  expect(logged).toHaveBeenCalledWith(
    expect.objectContaining({ message: expect.stringMatching(/^PeerVpcId must be/) as string, requestId: event.RequestId }),
  );
  expect(JSON.stringify(logged.mock.calls)).not.toContain('5ec2e7');
  logged.mockRestore();
});

test('a delete of what was never made is answered with success, and logged', async () => {
  const logged = jest.spyOn(console, 'info').mockImplementation(() => undefined);
  const event = requestOf('Delete', { ResponseURL: url, PhysicalResourceId: 'x/Authorization/nothing-done' });
  await handler(event, { getRemainingTimeInMillis: () => 900_000 });
  expect(arrived).toEqual([expect.objectContaining({ body: expect.stringContaining('"Status":"SUCCESS"') as string })]);
  expect(logged).toHaveBeenCalledWith(expect.objectContaining({ message: 'done' }));
  logged.mockRestore();
});

test('what the endpoint says is told; a connection that breaks, and a signal, end it', async () => {
  const { signal } = new AbortController();
  answer = (response) => response.writeHead(503).end('slow down');
  expect(await put(url, '{"é":1}', signal)).toBe(503);
  expect(arrived[0]).toMatchObject({ body: '{"é":1}', headers: { 'content-length': '8' } });
  answer = (response) => response.socket?.destroy();
  await expect(put(url, '{}', signal)).rejects.toThrow('socket hang up');
  const controller = new AbortController();
  answer = () => {
    controller.abort();
  };
  await expect(put(url, '{}', controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
});

test('time passes, and a wait ends at once, with the reason, when it is told to', async () => {
  const before = realTime.now();
  await realTime.sleep(20, new AbortController().signal);
  expect(realTime.now() - before).toBeGreaterThanOrEqual(19);
  const controller = new AbortController();
  const reason = new Error('enough');
  const waiting = realTime.sleep(60_000, controller.signal);
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  const jitters = Array.from({ length: 50 }, () => realTime.jitter());
  expect(Math.min(...jitters)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...jitters)).toBeLessThan(1);
  expect(new Set(jitters).size).toBeGreaterThan(10);
});
