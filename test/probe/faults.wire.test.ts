import type { Fault } from 'rehearsal/aws';
import { ProbeFixture, wrongReadings } from './fixture';

/*
 * Tests the probe with a fault: one call fails, with an error that AWS documents for the service or with a network error.
 */

const errorFault = (name: string, status: number): Fault => ({ kind: 'error', name, status, message: 'injected' });

/** Which operations the probe calls, and which faults they can have. */
const SERVICES: Readonly<
  Record<string, { readonly operations: readonly string[]; readonly faults: Readonly<Record<string, Fault>> }>
> = {
  gamelift: {
    operations: [
      'CreateVpcPeeringAuthorization',
      'CreateVpcPeeringConnection',
      'DeleteVpcPeeringAuthorization',
      'DeleteVpcPeeringConnection',
      'DescribeFleetAttributes',
      'DescribeFleetEvents',
      'DescribeVpcPeeringAuthorizations',
      'DescribeVpcPeeringConnections',
      'ListTagsForResource',
      'TagResource',
      'UntagResource',
    ],
    faults: {
      UnauthorizedException: errorFault('UnauthorizedException', 400),
      InvalidRequestException: errorFault('InvalidRequestException', 400),
      NotFoundException: errorFault('NotFoundException', 400),
      AccessDeniedException: errorFault('AccessDeniedException', 400),
      ThrottlingException: errorFault('ThrottlingException', 400),
      InternalServiceException: errorFault('InternalServiceException', 500),
      'a connection reset': { kind: 'reset' },
    },
  },
  ec2: {
    operations: [
      'DeleteRoute',
      'DescribeNetworkInterfaces',
      'DescribeRouteTables',
      'DescribeSecurityGroups',
      'DescribeVpcPeeringConnections',
      'DescribeVpcs',
      'RevokeSecurityGroupEgress',
      'RevokeSecurityGroupIngress',
    ],
    faults: {
      UnauthorizedOperation: errorFault('UnauthorizedOperation', 403),
      RequestLimitExceeded: errorFault('RequestLimitExceeded', 503),
      InternalError: errorFault('InternalError', 500),
      'a connection reset': { kind: 'reset' },
    },
  },
};

/** GameLift also returns these errors without a fault, so the probe may draw a wrong conclusion from them. With these faults, the test does not check the readings. */
const AMBIGUOUS_ERRORS = ['UnauthorizedException', 'InvalidRequestException', 'NotFoundException'];

/** With this reading, the probe also calls EC2's operations that remove routes and rules. */
const READINGS = { peerVpcWritesOnDelete: 'left behind' };

/** The calls of a run without a fault, in order, such as `ec2:DescribeVpcs`. */
let calls: readonly string[];

beforeAll(async () => {
  const fixture = await ProbeFixture.create(READINGS);
  await fixture.run();
  calls = [...fixture.calls];
  await ProbeFixture.closeAll();
});
afterEach(() => ProbeFixture.closeAll());

/** The numbers of the calls that fail in turn, counted from 1: each call of a write operation, or the first and the last call of a read operation. */
function numbersOfCallsToFail(operation: string): readonly number[] {
  const numbers = calls.flatMap((call, index) => (call === operation ? [index + 1] : []));
  const [first = 0, last = 0] = [numbers.at(0), numbers.at(-1)];
  return /:(Describe|List|Get)/.test(operation) ? [...new Set([first, last])] : numbers;
}

const OPERATIONS = Object.entries(SERVICES).flatMap(([service, { operations }]) =>
  operations.map((name) => `${service}:${name}`),
);

test('SERVICES lists exactly the operations that the probe calls', () => {
  const calledOperations = [...new Set(calls)].filter((call) => call !== 'sts:GetCallerIdentity');
  expect(calledOperations.sort()).toEqual([...OPERATIONS].sort());
});

const CASES = Object.entries(SERVICES).flatMap(([service, { operations, faults }]) =>
  operations.flatMap((name) =>
    Object.entries(faults).map(([faultName, fault]) => ({ operation: `${service}:${name}`, faultName, fault })),
  ),
);

test.each(CASES)(
  'the probe leaves nothing behind and prints a clear message if a call of $operation fails with $faultName',
  async ({ operation, faultName, fault }) => {
    const fixture = await ProbeFixture.create(READINGS);
    for (const number of numbersOfCallsToFail(operation)) {
      const hook = fixture.atCall(number, () => fault);
      const outcome = await fixture.run();
      hook.remove();
      expect({ number, wasCalled: hook.wasCalled, left: fixture.leftBehind }).toEqual({ number, wasCalled: true, left: [] });
      if (outcome.kind === 'stopped') {
        expect(outcome.error).toMatch(fault.kind === 'error' ? /injected/ : /failed: /);
        expect(outcome.error).toMatch(/All changes were undone\.|Nothing was changed\.|was not found/);
      }
      if (!AMBIGUOUS_ERRORS.includes(faultName)) {
        expect({ number, wrong: wrongReadings(outcome, READINGS) }).toEqual({ number, wrong: [] });
      }
      // until ended connections are not listed any more
      await fixture.waitHours(3);
    }
  },
  300_000,
);
