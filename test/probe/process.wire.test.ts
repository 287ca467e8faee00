import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readReadings } from 'rehearsal/cli';
import { policyFor } from '../../probe/policy';
import { QUESTIONS } from '../../probe/questions';
import { ACCOUNT, ProbeFixture, REGION } from './fixture';

/*
 * Runs `npm run probe` in a process of its own.
 */

const ROOT = join(__dirname, '..', '..');
const PROBE_MAIN = join(ROOT, 'probe', 'main.ts');
const SIMULATED_TIME = join(__dirname, 'simulated-time.ts');
const FLEET_ID = 'fleet-2222bbbb-33cc-44dd-55ee-6666ffff77aa';
const VPC_ID = 'vpc-0123456789abcdef0';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await ProbeFixture.closeAll();
});

interface ProcessResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunningProcess {
  readonly child: ChildProcess;
  readonly result: Promise<ProcessResult>;
  /** Waits until stdout or stderr contains the text. */
  readonly waitForText: (text: string) => Promise<void>;
}

function startProcess(
  args: readonly string[],
  { env = {}, preload = [] }: { env?: Record<string, string>; preload?: string[] } = {},
): RunningProcess {
  const imports = ['tsx', ...preload].flatMap((module) => ['--import', module]);
  const child = spawn(process.execPath, [...imports, PROBE_MAIN, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, TSX_DISABLE_CACHE: '1', AWS_EC2_METADATA_DISABLED: 'true', HOME: tmpdir(), ...env },
  });
  let [stdout, stderr] = ['', ''];
  const waiters: { readonly text: string; readonly resolve: () => void }[] = [];
  const resolveWaiters = (): void => {
    waiters
      .filter(({ text }) => `${stdout}${stderr}`.includes(text))
      .forEach(({ resolve }) => {
        resolve();
      });
  };
  child.stdout.on('data', (data) => {
    stdout += String(data);
    resolveWaiters();
  });
  child.stderr.on('data', (data) => {
    stderr += String(data);
    resolveWaiters();
  });
  const result = new Promise<ProcessResult>((resolve) => {
    child.on('close', (code) => {
      // the deprecation warnings of Node.js and the SDK are removed
      resolve({ code, stdout, stderr: stderr.replace(/^\(node:.*?show where the warning was created\)\n/gms, '') });
    });
  });
  const waitForText = (text: string): Promise<void> =>
    new Promise((resolve) => {
      waiters.push({ text, resolve });
      resolveWaiters();
    });
  return { child, result, waitForText };
}

/** Starts the probe in a process whose clock is simulated. */
async function startProbe(
  args: readonly string[] = [],
  { terminal = 'yes' } = {},
): Promise<{ fixture: ProbeFixture; run: RunningProcess }> {
  const fixture = await ProbeFixture.create();
  const { clock } = fixture.rehearsal;
  // serves the clock to the process: simulated-time.ts requests /MILLISECONDS to sleep, and the response, after the sleep, is the new time
  const server = createServer((request, response) => {
    const milliseconds = Number(request.url?.slice(1));
    void clock.sleep(milliseconds).then(() => response.end(String(clock.now())));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { accessKeyId, secretAccessKey } = fixture.aws.iam.administrator(ACCOUNT);
  const env = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL: fixture.aws.endpointUrl,
    SIMULATED_CLOCK: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    SIMULATED_NOW: String(clock.now()),
    SIMULATED_TERMINAL: terminal,
  };
  return {
    fixture,
    run: startProcess(['--fleet', fixture.fleetId, '--vpc', fixture.vpcId, ...args], { env, preload: [SIMULATED_TIME] }),
  };
}

const PROMPT = 'Begin? (yes/no) ';

describe('npm run probe', () => {
  test('asks before it begins, prints a table, and writes a file that the rehearsal accepts', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'probe-')), 'readings.json');
    const { fixture, run } = await startProbe(['--json', file]);
    await run.waitForText(PROMPT);
    expect(fixture.calls.some((call) => call.startsWith('gamelift:Create'))).toBe(false);
    run.child.stdin?.write('yes\n');
    const { code, stdout, stderr } = await run.result;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const question of Object.keys(QUESTIONS)) {
      expect(stdout).toMatch(new RegExp(`^${question} +\\S`, 'm'));
    }
    expect(stdout).toContain(`As JSON, for npm run rehearse -- --readings: ${file}`);
    expect(readReadings(file)).toContainEqual({ name: 'authorizingAgain', reading: 'renews' });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      region: REGION,
      questions: { readBack: { undetermined: expect.stringContaining('reads showed the last write') as string } },
    });
    expect(fixture.leftBehind).toEqual([]);
  }, 300_000);

  test('changes nothing if the user does not confirm', async () => {
    const { fixture, run } = await startProbe();
    await run.waitForText(PROMPT);
    run.child.stdin?.write('no\n');
    expect(await run.result).toMatchObject({ code: 1, stderr: 'You did not agree.\nNothing was changed.\n' });
    expect(fixture.leftBehind).toEqual([]);
  }, 300_000);

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'undoes everything after %s, and asks the user to wait after a second signal',
    async (signal) => {
      const { fixture, run } = await startProbe([
        '--yes',
        '--json',
        join(mkdtempSync(join(tmpdir(), 'probe-')), 'readings.json'),
      ]);
      await run.waitForText('connectionIds: ');
      run.child.kill(signal);
      await run.waitForText(`Stopping because of ${signal}, and undoing the changes.`);
      run.child.kill(signal);
      const { code, stdout, stderr } = await run.result;
      expect(code).toBe(1);
      expect(stderr).toContain('Still undoing the changes. Please wait.');
      expect(stdout).toContain('undoing the changes');
      expect(fixture.calls).toContain('gamelift:DeleteVpcPeeringConnection');
      expect(stderr).toContain(`The probe was interrupted by ${signal}.\nAll changes were undone.`);
      expect(fixture.leftBehind).toEqual([]);
    },
    300_000,
  );

  test('does not begin without --yes if stdin is not a terminal', async () => {
    const { fixture, run } = await startProbe([], { terminal: 'no' });
    expect(await run.result).toEqual({
      code: 2,
      stdout: '',
      stderr: 'The probe asks before it begins, but stdin is not a terminal: add --yes to begin without asking.\n',
    });
    expect(fixture.calls).toEqual([]);
  }, 300_000);

  test.each([
    [['--fleet', FLEET_ID], '--fleet and --vpc must be given. For help, run npm run probe -- --help'],
    [
      ['--fleet', 'containerfleet-1', '--vpc', VPC_ID],
      "--fleet must be the id of an EC2 fleet such as fleet-2222bbbb-33cc-44dd-55ee-6666ffff77aa, got 'containerfleet-1'",
    ],
    [['--vpc', 'vpc'], "--vpc must be the id of a VPC such as vpc-0123456789abcdef0, got 'vpc'"],
  ])(
    'fails with a clear message for the arguments %j',
    async (args, message) => {
      expect(await startProcess(args).result).toEqual({ code: 2, stdout: '', stderr: `${message}\n` });
    },
    300_000,
  );

  test('names an unknown option', async () => {
    const { code, stdout, stderr } = await startProcess(['--region', 'x']).result;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain("Unknown option '--region'");
  }, 300_000);

  test('fails before it begins if the file can’t be written', async () => {
    const args = ['--fleet', FLEET_ID, '--vpc', VPC_ID, '--yes', '--json', '/nowhere/readings.json'];
    const { code, stderr } = await startProcess(args, { env: { AWS_REGION: REGION } }).result;
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "--json must be a file in a directory that can be written to, got '/nowhere/readings.json'\n",
    });
  }, 300_000);

  test('prints the policy and nothing else', async () => {
    const { code, stdout, stderr } = await startProcess(['--policy', '--fleet', FLEET_ID, '--vpc', VPC_ID], {
      env: { AWS_REGION: REGION },
    }).result;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(policyFor({ region: REGION, fleetId: FLEET_ID, vpcId: VPC_ID }));
  }, 300_000);

  test('prints the help', async () => {
    const { code, stdout } = await startProcess(['--help']).result;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^usage: npm run probe -- --fleet FLEET --vpc VPC/);
  }, 300_000);
});
