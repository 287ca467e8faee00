import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Rehearsal } from '../../src/index';
import type { FunctionConfiguration } from '../../src/lambda/service/function-configuration';

const ACCOUNT = '111111111111';
let rehearsal: Rehearsal;
let role: string;

beforeAll(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2030, 5, 1) });
  const assumeRolePolicy = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
  role = rehearsal.aws.iam.createRole({ account: ACCOUNT, roleName: 'role', assumeRolePolicy }).arn;
});
afterAll(() => rehearsal.close());

let functionCount = 0;

/** Deploys a function with inline code or with an asset. Returns its ARN. */
function deployFunction(code: string | { directory: string }, configuration: Partial<FunctionConfiguration> = {}): string {
  const functionName = `function-${++functionCount}`;
  return rehearsal.lambda.deploy({
    functionName,
    account: ACCOUNT,
    region: 'us-east-1',
    role,
    handler: 'index.handler',
    runtime: 'nodejs20.x',
    timeoutSeconds: 900,
    memoryMegabytes: 128,
    environment: {},
    logGroupName: `/aws/lambda/${functionName}`,
    code: typeof code === 'string' ? { zipFile: code } : code,
    ...configuration,
  });
}

function writeAssetFiles(files: Record<string, string>): { directory: string } {
  const directory = mkdtempSync(path.join(tmpdir(), 'rehearsal-asset-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), content);
  }
  return { directory };
}

const handlerWith = (body: string) => `exports.handler = async (event, context) => { ${body} };`;
/** Deploys a function with this code as its handler, and invokes it. */
const invokeCode = async (body: string, event: unknown = {}, configuration: Partial<FunctionConfiguration> = {}) =>
  rehearsal.lambda.invoke(deployFunction(handlerWith(body), configuration), event);
const secondsSince = (time: number) => Math.round((rehearsal.clock.now() - time) / 1000);
/** What the function has logged. */
const logLines = (arn: string) =>
  rehearsal.journal.entries
    .filter(({ source, subject }) => source === 'lambda' && arn.endsWith(`:${subject}`))
    .map(({ message }) => message);

describe('the environment of the code', () => {
  test("contains Lambda's variables, and nothing of the host", async () => {
    const { payload } = await invokeCode('return process.env;', {}, { environment: { OWN: 'variable' } });
    expect(payload).toMatchObject({
      AWS_REGION: 'us-east-1',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_ENDPOINT_URL: rehearsal.aws.endpointUrl,
      _HANDLER: 'index.handler',
      OWN: 'variable',
    });
    expect(Object.keys(payload as object)).not.toContain('HOME');
    expect((payload as Record<string, string>).AWS_SESSION_TOKEN).toMatch(/./);
  });

  test('shows rehearsed time in all clocks and timers', async () => {
    const startTime = rehearsal.clock.now();
    const { payload } = await invokeCode(`
      const { setTimeout: sleep } = require('node:timers/promises');
      const read = () => [Date.now(), new Date().getTime(), performance.now(), Number(process.hrtime.bigint()) / 1e6];
      const before = read();
      await new Promise((resolve) => setTimeout(resolve, 60_000));
      await sleep(60_000);
      await new Promise((resolve) => { let ticks = 0; const timer = setInterval(() => { if (++ticks === 3) { clearInterval(timer); resolve(); } }, 60_000); });
      const after = read();
      return { elapsed: after.map((time, index) => Math.round((time - before[index]) / 1000)), year: new Date().getUTCFullYear(),
        date: new Date() instanceof Date, parsed: Date.parse('2020-01-01T00:00:00Z'), utc: Date.UTC(2020, 0, 1), text: typeof Date() };`);
    const parsed = Date.UTC(2020, 0, 1);
    // two timeouts and three ticks of an interval, of a minute each
    expect(payload).toEqual({ elapsed: [300, 300, 300, 300], year: 2030, date: true, parsed, utc: parsed, text: 'string' });
    expect(secondsSince(startTime)).toBe(300);
  });

  test('has a context that counts down in rehearsed time', async () => {
    const { payload } = await invokeCode(
      `await new Promise((resolve) => setTimeout(resolve, 100_000));
      return [context.functionName, context.memoryLimitInMB, Math.round(context.getRemainingTimeInMillis() / 1000)];`,
      {},
      { functionName: 'named' },
    );
    // 100 of 900 seconds have passed
    expect(payload).toEqual(['named', '128', 800]);
  });

  test('contains the packages of the runtime, but no packages that are installed elsewhere', async () => {
    const { payload } = await invokeCode(`
      const { GameLiftClient } = require('@aws-sdk/client-gamelift');
      const load = (name) => { try { require(name); return 'loaded'; } catch (error) { return error.code; } };
      return [typeof GameLiftClient, load('aws-cdk-lib'), load('constructs')];`);
    expect(payload).toEqual(['function', 'MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);
  });

  test('lets a handler be an ES module in a directory, and use the packages of the runtime', async () => {
    const code = writeAssetFiles({
      'src/app.mjs': `import { GameLiftClient } from '@aws-sdk/client-gamelift'; import { own } from './own.mjs'; import { setTimeout } from 'node:timers/promises';
        export const handler = async () => { const before = Date.now(); await setTimeout(3_600_000); return [own, typeof GameLiftClient, Math.round((Date.now() - before) / 1000)]; };`,
      'src/own.mjs': 'export const own = 1;',
    });
    expect(await rehearsal.lambda.invoke(deployFunction(code, { handler: 'src/app.handler', timeoutSeconds: 7200 }), {})).toEqual(
      {
        payload: [1, 'function', 3600],
      },
    );
  });

  test('lets a handler return through its callback, once the event loop is empty', async () => {
    const arn = deployFunction(`exports.handler = (event, context, callback) => {
      setTimeout(() => console.log('after the callback'), 5000);
      callback(null, 'called back');
    };`);
    expect(await rehearsal.lambda.invoke(arn, {})).toEqual({ payload: 'called back' });
    expect(logLines(arn)).toContain('after the callback');
  });

  test('contains cfn-response for inline code', async () => {
    const { payload } = await invokeCode(`return Object.keys(require('cfn-response'));`);
    expect(payload).toEqual(['SUCCESS', 'FAILED', 'send']);
  });
});

describe('rehearsed time', () => {
  test('leaps while a handler waits: an hour with a poll every ten seconds takes a short real time', async () => {
    const arn = deployFunction(
      handlerWith('for (let i = 0; i < 360; i++) await new Promise((resolve) => setTimeout(resolve, 10_000));'),
      {
        timeoutSeconds: 7200,
      },
    );
    const startTime = rehearsal.clock.now();
    await rehearsal.lambda.invoke(arn, {});
    expect(secondsSince(startTime)).toBe(3600);
  });

  test('stands still during file access, cryptography and child processes, and passes when busy code reads the clock', async () => {
    // if time did not stand still, it would leap to `laterTimer`, and then to the end of this sleep
    void rehearsal.clock.sleep(3_600_000);
    const { payload } = await invokeCode(`
      const before = Date.now();
      const crypto = require('node:crypto'), { promisify } = require('node:util'), { spawn } = require('node:child_process');
      const laterTimer = setTimeout(() => undefined, 500_000);
      crypto.randomBytes(16);
      await promisify(crypto.pbkdf2)('a', 'b', 100_000, 64, 'sha512');
      await new Promise((resolve) => spawn('/bin/sleep', ['0.1']).on('exit', resolve));
      await require('node:fs/promises').readFile(__filename);
      for (const end = performance.now() + 50; performance.now() < end;);
      clearTimeout(laterTimer);
      return Date.now() - before;`);
    expect(payload).toBe(50);
  });

  test("keeps a simulated timer if clearTimeout gets Node.js' own timer with the same number", async () => {
    const { payload } = await invokeCode(`
      let hasEnded = false;
      const timer = setTimeout(() => { hasEnded = true; }, 1000);
      clearTimeout({ [Symbol.toPrimitive]: () => Number(timer) });
      await new Promise((resolve) => setTimeout(resolve, 2000));
      return hasEnded;`);
    expect(payload).toBe(true);
  });

  test('passes if code waits while it is loaded', async () => {
    const code = writeAssetFiles({
      'index.mjs': `import { setTimeout } from 'node:timers/promises';
        import { GameLiftClient, DescribeVpcPeeringAuthorizationsCommand } from '@aws-sdk/client-gamelift';
        await setTimeout(5000);
        const refusal = await new GameLiftClient({ maxAttempts: 1 }).send(new DescribeVpcPeeringAuthorizationsCommand({})).catch((error) => error.name);
        export const handler = async () => refusal;`,
    });
    const startTime = rehearsal.clock.now();
    expect(await rehearsal.lambda.invoke(deployFunction(code), {})).toEqual({ payload: 'AccessDeniedException' });
    expect(secondsSince(startTime)).toBe(5);
  });

  test('is not blocked by the timers of code that cannot be loaded', async () => {
    const { payload } = await rehearsal.lambda.invoke(
      deployFunction('setInterval(() => undefined, 1000); throw new Error("no");'),
      {},
    );
    expect(payload).toMatchObject({ errorMessage: 'no' });
    await rehearsal.clock.sleep(1000);
  });
});

describe('an invocation', () => {
  test('fails if busy code exceeds the timeout', async () => {
    const busy = 'for (const end = Date.now() + 1500; Date.now() < end;); return "done";';
    expect(await invokeCode(busy, {}, { timeoutSeconds: 1 })).toMatchObject({
      functionError: 'Unhandled',
      payload: { errorMessage: 'Task timed out after 1.00 seconds' },
    });
    expect(await invokeCode(busy, {}, { timeoutSeconds: 2 })).toEqual({ payload: 'done' });
  });

  test('fails after a minute of real time if the code never yields', async () => {
    const startTime = rehearsal.clock.now();
    expect((await invokeCode('for (;;);')).payload).toMatchObject({ errorMessage: 'Task timed out after 900.00 seconds' });
    expect(rehearsal.clock.now() - startTime).toBe(900_000);
  }, 120_000);

  test('does not start while the code of a simultaneous invocation is busy, and gets other random numbers', async () => {
    const arn = deployFunction(
      handlerWith(
        'console.log(event.n + " begins"); for (const end = Date.now() + 5; Date.now() < end;); console.log(event.n + " ends"); return Math.random();',
      ),
    );
    const numbers = await Promise.all([1, 2, 3].map(async (n) => (await rehearsal.lambda.invoke(arn, { n })).payload));
    expect(logLines(arn).filter((line) => /begins|ends/.test(line))).toEqual(
      [1, 2, 3].flatMap((n) => [`${n} begins`, `${n} ends`]),
    );
    expect(new Set(numbers).size).toBe(3);
  });

  test('continues if a call gets no response, after the client has timed out in rehearsed time', async () => {
    const removeInterceptor = rehearsal.aws.intercept(() => ({ kind: 'hang' }));
    const { payload } = await invokeCode(`
      const { GameLiftClient, DescribeVpcPeeringAuthorizationsCommand } = require('@aws-sdk/client-gamelift');
      const before = Date.now();
      const client = new GameLiftClient({ maxAttempts: 1, requestHandler: { requestTimeout: 120_000, throwOnRequestTimeout: true } });
      const name = await client.send(new DescribeVpcPeeringAuthorizationsCommand({})).catch((error) => error.name);
      const statusOrError = await fetch(process.env.AWS_ENDPOINT_URL, { signal: AbortSignal.timeout(60_000) }).then((response) => response.status, (error) => error.name);
      return [name, Math.round((Date.now() - before) / 60_000), typeof statusOrError];`);
    removeInterceptor();
    // the fault does not apply to unsigned requests, so `fetch` gets a status
    expect(payload).toEqual(['TimeoutError', 2, 'number']);
  });
});

describe('a function error', () => {
  test.each([
    ['an error', 'throw new TypeError("wrong");', { errorType: 'TypeError', errorMessage: 'wrong' }],
    [
      'process.exit',
      'process.exit(3);',
      { errorType: 'Runtime.ExitError', errorMessage: 'Error: Runtime exited with error: exit status 3' },
    ],
    [
      'an unhandled rejection',
      'Promise.reject(new Error("lost")); await new Promise((resolve) => setTimeout(resolve, 1000));',
      { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'Error: lost' },
    ],
    [
      'a crash in a timer',
      'await new Promise(() => setTimeout(() => { throw new Error("late"); }, 1000));',
      { errorType: 'Error', errorMessage: 'late' },
    ],
    [
      'the time limit',
      'await new Promise((resolve) => setTimeout(resolve, 1e7));',
      { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out after 900.00 seconds' },
    ],
    ['an empty event loop without a result', 'await new Promise(() => undefined);', { errorType: 'Runtime.NodeJsExit' }],
    [
      'too much memory',
      'const all = []; for (;;) all.push(new Array(1e6).fill({}));',
      { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('signal: killed') as string },
    ],
  ])('is caused by %s', async (_, body, error) => {
    expect(await invokeCode(body)).toMatchObject({ functionError: 'Unhandled', payload: error });
  });

  test('is caused by code that cannot be loaded', async () => {
    expect((await rehearsal.lambda.invoke(deployFunction('exports.other = 1;'), {})).payload).toMatchObject({
      errorType: 'Runtime.HandlerNotFound',
    });
    expect((await rehearsal.lambda.invoke(deployFunction('require("absent");'), {})).payload).toMatchObject({
      errorType: 'Runtime.ImportModuleError',
    });
    expect((await rehearsal.lambda.invoke(deployFunction('x', { runtime: 'python3.13' }), {})).payload).toMatchObject({
      errorMessage: expect.stringContaining('python3.13') as string,
    });
  });

  test('is caused by a role that Lambda cannot assume', async () => {
    const { functionError } = await invokeCode('return 1;', {}, { role: `arn:aws:iam::${ACCOUNT}:role/absent` });
    expect(functionError).toBe('Unhandled');
  });
});

describe('execution environments', () => {
  const COUNTING_CODE =
    'globalThis.count = (globalThis.count ?? 0) + 1; await new Promise((resolve) => setTimeout(resolve, 1000)); return globalThis.count;';

  test('stay warm, run one invocation at a time, and are not reused after an idle hour', async () => {
    const arn = deployFunction(handlerWith(COUNTING_CODE));
    const invoke = async () => (await rehearsal.lambda.invoke(arn, {})).payload;
    expect(await Promise.all([invoke(), invoke()])).toEqual([1, 1]);
    expect(await invoke()).toBe(2);
    await rehearsal.clock.sleep(3_600_000);
    expect(await invoke()).toBe(1);
  });

  test('are frozen between invocations', async () => {
    const arn = deployFunction(handlerWith('setTimeout(() => console.log("woken at " + event.n), 60_000); return event.n;'));
    await rehearsal.lambda.invoke(arn, { n: 1 });
    await rehearsal.clock.sleep(300_000);
    expect(logLines(arn)).not.toContain('woken at 1');
  });

  test('can be killed', async () => {
    const arn = deployFunction(handlerWith('await new Promise((resolve) => setTimeout(resolve, 600_000));'));
    const invocation = rehearsal.lambda.invoke(arn, {});
    await rehearsal.clock.sleep(60_000);
    expect(rehearsal.lambda.kill(arn)).toBe(1);
    expect((await invocation).payload).toMatchObject({ errorMessage: 'Error: Runtime exited with error: signal: killed' });
    expect(rehearsal.lambda.kill(arn)).toBe(0);
  });
});

describe('asynchronous events', () => {
  const failingCode = handlerWith('console.log("attempt " + context.awsRequestId); throw new Error("no");');
  const attempts = (arn: string) => logLines(arn).filter((message) => message.startsWith('attempt '));

  test('are tried three times, with pauses of one and two minutes, and with the same request id', async () => {
    const arn = deployFunction(failingCode);
    rehearsal.lambda.invokeAsync(arn, {});
    await rehearsal.clock.sleep(55_000);
    expect(attempts(arn)).toHaveLength(1);
    await rehearsal.clock.sleep(10_000);
    expect(attempts(arn)).toHaveLength(2);
    await rehearsal.clock.sleep(3_600_000);
    expect(attempts(arn)).toHaveLength(3);
    expect(new Set(attempts(arn)).size).toBe(1);
  });

  test('respect the configured number of retries and maximum age', async () => {
    const [withoutRetries, withMaximumAge] = [deployFunction(failingCode), deployFunction(failingCode)];
    rehearsal.lambda.configureEventInvoke(withoutRetries, { maximumRetryAttempts: 0 });
    rehearsal.lambda.configureEventInvoke(withMaximumAge, { maximumEventAgeSeconds: 90 });
    rehearsal.lambda.invokeAsync(withoutRetries, {});
    rehearsal.lambda.invokeAsync(withMaximumAge, {});
    await rehearsal.clock.sleep(3_600_000);
    expect(attempts(withoutRetries)).toHaveLength(1);
    expect(attempts(withMaximumAge)).toHaveLength(2);
    expect(logLines(withMaximumAge).at(-1)).toContain('older than 90 seconds');
  });

  test('for a function that does not exist are refused', () => {
    const arn = `arn:aws:lambda:us-east-1:${ACCOUNT}:function:absent`;
    expect(() => {
      rehearsal.lambda.invokeAsync(arn, {});
    }).toThrow(`Function not found: ${arn}`);
  });
});
