import type { Fault } from 'rehearsal/aws';
import { ProbeWorld, wrongReadings } from './world';

/*
 * Each call fails once in each way that AWS documents, and when the network fails.
 */

const error = (name: string, status: number): Fault => ({ kind: 'error', name, status, message: 'injected' });

const GAMELIFT: Readonly<Record<string, Fault>> = {
  UnauthorizedException: error('UnauthorizedException', 400),
  InvalidRequestException: error('InvalidRequestException', 400),
  NotFoundException: error('NotFoundException', 400),
  AccessDeniedException: error('AccessDeniedException', 400),
  ThrottlingException: error('ThrottlingException', 400),
  InternalServiceException: error('InternalServiceException', 500),
  'a broken connection': { kind: 'reset' },
};
const EC2: Readonly<Record<string, Fault>> = {
  UnauthorizedOperation: error('UnauthorizedOperation', 403),
  RequestLimitExceeded: error('RequestLimitExceeded', 503),
  InternalError: error('InternalError', 500),
  'a broken connection': { kind: 'reset' },
};
/** AWS answers so: what the probe reads from it is what AWS says. */
const ANSWERS = ['UnauthorizedException', 'InvalidRequestException', 'NotFoundException'];

/** Both would be undone: left-behind routes are removed with EC2's operations. */
const READINGS = { peerVpcWritesOnDelete: 'left behind' };

/** The numbers of all calls that change something, and of the first and the last of those that look. */
function numbersOf(calls: readonly string[], operation: string): readonly number[] {
  const numbers = calls.flatMap((call, index) => (call === operation ? [index + 1] : []));
  const [first = 0, last = 0] = [numbers.at(0), numbers.at(-1)];
  return /:(Describe|List|Get)/.test(operation) ? [...new Set([first, last])] : numbers;
}

let world: ProbeWorld;
let calls: readonly string[];

beforeAll(async () => {
  world = await ProbeWorld.start(READINGS);
  await world.run();
  calls = [...world.calls];
  await world.pass(3);
});
afterAll(() => ProbeWorld.clear());

const FAULTS = [
  ...Object.entries(GAMELIFT).map(([name, fault]) => ({ service: 'gamelift', name, fault })),
  ...Object.entries(EC2).map(([name, fault]) => ({ service: 'ec2', name, fault })),
];

test.each(FAULTS)(
  'leaves nothing behind and gives a clear message if a call of $service fails with $name',
  async ({ service, name, fault }) => {
    const operations = [...new Set(calls)].filter((call) => call.startsWith(`${service}:`));
    for (const [operation, number] of operations.flatMap((one) => numbersOf(calls, one).map((at) => [one, at] as const))) {
      const act = world.atCall(number, () => fault);
      const outcome = await world.run();
      act.remove();
      const what = { operation, number };
      expect({ ...what, happened: act.happened, left: world.leftBehind }).toEqual({ ...what, happened: true, left: [] });
      if (outcome.kind === 'stopped') {
        expect(outcome.error).toMatch(fault.kind === 'error' ? /injected/ : /failed: /);
        expect(outcome.error).toMatch(/What was done is undone\.|Nothing was changed\.|was not found/);
      }
      if (!ANSWERS.includes(name)) {
        expect({ ...what, wrong: wrongReadings(outcome, READINGS) }).toEqual({ ...what, wrong: [] });
      }
      await world.pass(3);
    }
  },
  300_000,
);
