import type { Fault } from 'rehearsal/aws';
import { ProbeWorld, wrongReadings } from './world';

/*
 * Each call fails once with each error that AWS documents, and with a network error.
 */

const error = (name: string, status: number): Fault => ({ kind: 'error', name, status, message: 'injected' });

const GAMELIFT: Readonly<Record<string, Fault>> = {
  UnauthorizedException: error('UnauthorizedException', 400),
  InvalidRequestException: error('InvalidRequestException', 400),
  NotFoundException: error('NotFoundException', 400),
  AccessDeniedException: error('AccessDeniedException', 400),
  ThrottlingException: error('ThrottlingException', 400),
  InternalServiceException: error('InternalServiceException', 500),
  'a connection reset': { kind: 'reset' },
};
const EC2: Readonly<Record<string, Fault>> = {
  UnauthorizedOperation: error('UnauthorizedOperation', 403),
  RequestLimitExceeded: error('RequestLimitExceeded', 503),
  InternalError: error('InternalError', 500),
  'a connection reset': { kind: 'reset' },
};
/** The probe can't distinguish these from the errors that it looks for, so its findings may be wrong. */
const EXPECTED_ERRORS = ['UnauthorizedException', 'InvalidRequestException', 'NotFoundException'];

/** With this reading, the probe also calls EC2's operations that remove routes and rules. */
const READINGS = { peerVpcWritesOnDelete: 'left behind' };

/** The numbers of all calls of a write operation, or of the first and the last call of a read operation. */
function callNumbers(calls: readonly string[], operation: string): readonly number[] {
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
  await world.waitHours(3);
});
afterAll(() => ProbeWorld.clear());

const FAULTS = [
  ...Object.entries(GAMELIFT).map(([name, fault]) => ({ service: 'gamelift', name, fault })),
  ...Object.entries(EC2).map(([name, fault]) => ({ service: 'ec2', name, fault })),
];

test.each(FAULTS)(
  'leaves nothing behind and prints a clear message if a call of $service fails with $name',
  async ({ service, name, fault }) => {
    const operations = [...new Set(calls)].filter((call) => call.startsWith(`${service}:`));
    for (const [operation, number] of operations.flatMap((one) => callNumbers(calls, one).map((at) => [one, at] as const))) {
      const hook = world.atCall(number, () => fault);
      const outcome = await world.run();
      hook.remove();
      const what = { operation, number };
      expect({ ...what, wasCalled: hook.wasCalled, left: world.leftBehind }).toEqual({ ...what, wasCalled: true, left: [] });
      if (outcome.kind === 'stopped') {
        expect(outcome.error).toMatch(fault.kind === 'error' ? /injected/ : /failed: /);
        expect(outcome.error).toMatch(/All changes were undone\.|Nothing was changed\.|was not found/);
      }
      if (!EXPECTED_ERRORS.includes(name)) {
        expect({ ...what, wrong: wrongReadings(outcome, READINGS) }).toEqual({ ...what, wrong: [] });
      }
      await world.waitHours(3);
    }
  },
  300_000,
);
