import type { Faults } from 'rehearsal/in-process';
import type { ConnectionRecord } from '../../lambda/aws/api';
import { MAX_PEERED_BEFORE } from '../../lambda/peering/claim';
import { deviationsFrom, leftBehind, failureReasons } from './checker';
import { runWithFault } from './faults';
import { deployAll, runLife, LIVES } from './lives';
import { assemblyOf, declareStack, fleet, STACK } from './stacks';
import type { DeclaredStack } from './stacks';
import { ACCOUNT, MatrixRehearsal, ACCOUNT_AND_REGION, REGION } from './rehearsal';

/*
 * Which resource owns a connection if an event is delivered twice, if somebody else requests the connection at the same time, or if the VPC has
 * more peerings than fit in a note.
 */

// this fleet stays connected: when the last connection is removed, CloudFormation also deletes the handler's permissions to connect
const arena = fleet({ name: 'Arena' });
const UNPEERED = declareStack({ fleets: [fleet({ peering: 'none' }), arena] });
const PEERED = declareStack({ fleets: [fleet(), arena] });

/** Creates the stack without the connection of fleet Lobby, then adds the connection in an update with these faults. Returns the final status. */
async function updateWithFaults(rehearsal: MatrixRehearsal, faults: Faults, peeredStack = PEERED): Promise<string> {
  expect(await rehearsal.cloudFormation.deploy(assemblyOf(UNPEERED), STACK)).toMatchObject({ status: 'CREATE_COMPLETE' });
  rehearsal.functions.faults = faults;
  const { status } = await rehearsal.cloudFormation.deploy(assemblyOf(peeredStack), STACK);
  // wait until a duplicate of the request has ended: it runs for less than 15 minutes
  await rehearsal.clock.sleep(15 * 60_000);
  return status;
}

function findLobby({ aws }: MatrixRehearsal): { readonly id: string; readonly tags: object } {
  const fleets = aws.inventory().fleets as readonly { readonly id: string; readonly Name: string; readonly tags: object }[];
  const lobby = fleets.find(({ Name }) => Name === 'Lobby');
  if (lobby === undefined) {
    throw new Error('fleet Lobby not found');
  }
  return lobby;
}

function connectionsOf({ aws }: MatrixRehearsal, fleetId: string): readonly { readonly id: string; readonly status: string }[] {
  const connections = aws.inventory().connections as readonly {
    readonly id: string;
    readonly fleetId: string;
    readonly status: string;
  }[];
  return connections.filter((connection) => connection.fleetId === fleetId);
}

/** Deletes the stack without faults, and returns what is left behind. */
async function deleteStack(rehearsal: MatrixRehearsal): Promise<readonly string[]> {
  rehearsal.functions.faults = {};
  expect(await rehearsal.cloudFormation.delete(STACK)).toMatchObject({ status: 'DELETE_COMPLETE' });
  return leftBehind(rehearsal);
}

test.each([0, 4, 8])(
  'a duplicate create that is delivered %d seconds later, while CloudFormation deletes the failed resource, leaves nothing behind',
  async (seconds) => {
    const rehearsal = await MatrixRehearsal.populate({ fleetEvents: 'never seen' });
    let hasFailed = false;
    const status = await updateWithFaults(rehearsal, {
      copyDelays: ({ request }) => (request.startsWith('Create LobbyPeering') ? [seconds] : []),
      call: ({ request, operation }) => {
        if (hasFailed || operation !== 'DescribeVpcPeeringConnections' || !request.startsWith('Create LobbyPeering')) {
          return undefined;
        }
        const isRequested = rehearsal.functions.calls.some((call) => call.operation === 'CreateVpcPeeringConnection');
        hasFailed = isRequested;
        return isRequested ? { kind: 'error', name: 'InvalidRequestException', status: 400 } : undefined;
      },
    });
    expect(hasFailed).toBe(true);
    // CloudFormation uses the first response: that of the failed create or that of its duplicate
    expect(status).toMatch(/^UPDATE_(ROLLBACK_)?COMPLETE$/);
    expect(deviationsFrom(rehearsal, status === 'UPDATE_COMPLETE' ? PEERED : UNPEERED)).toEqual([]);
    expect(await deleteStack(rehearsal)).toEqual([]);
    rehearsal.close();
  },
);

describe('a duplicate of a failed create leaves no claim on a fleet of somebody else', () => {
  const problemsWithFaults = async (faults: Faults): Promise<readonly string[]> => {
    const scenario = {
      name: 'the create is delivered twice',
      faults,
      deployment: 'must succeed',
      mayLeaveAuthorization: true,
    } as const;
    return (await runWithFault('existing connection is not adopted', {}, scenario)).problems;
  };
  const isCreate = ({ request }: { readonly request: string }): boolean => request.startsWith('Create LobbyPeering');

  test.each([0, 0.5, 1, 1.5, 2, 5])('if the duplicate is delivered %d seconds later, during the deletion', async (seconds) => {
    expect(await problemsWithFaults({ copyDelays: (point) => (isCreate(point) ? [seconds] : []) })).toEqual([]);
  });

  test.each([0.5, 5, 9.5])(
    'if the duplicate is delivered %d seconds later, before CloudFormation receives the response',
    async (seconds) => {
      let hasTimedOut = false;
      const problems = await problemsWithFaults({
        copyDelays: (point) => (isCreate(point) ? [seconds] : []),
        put: (point) => {
          if (hasTimedOut || !isCreate(point)) {
            return undefined;
          }
          hasTimedOut = true;
          return { kind: 'timeout' };
        },
      });
      expect(hasTimedOut).toBe(true);
      expect(problems).toEqual([]);
    },
  );
});

test('a duplicate create requests no connection if it is throttled until CloudFormation has deleted the resource', async () => {
  const rehearsal = await MatrixRehearsal.populate();
  let hasRefused = false;
  const isDeleted = (): boolean =>
    rehearsal.functions.calls.some(
      ({ request, operation }) => request.startsWith('Delete LobbyPeering') && operation === 'UntagResource',
    );
  const status = await updateWithFaults(rehearsal, {
    copyDelays: ({ request }) => (request.startsWith('Create LobbyPeering') ? [1] : []),
    call: ({ request, operation }) => {
      if (request.startsWith('Create LobbyPeering') && operation === 'TagResource' && !hasRefused) {
        hasRefused = true;
        return { kind: 'error', name: 'TaggingFailedException', status: 400 };
      }
      const isThrottled = operation === 'CreateVpcPeeringConnection' && !isDeleted();
      return isThrottled ? { kind: 'error', name: 'ThrottlingException', status: 400 } : undefined;
    },
  });
  expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(isDeleted()).toBe(true);
  const indexOfLastCall = (operation: string): number =>
    rehearsal.functions.calls.findLastIndex((call) => call.operation === operation);
  expect(indexOfLastCall('UntagResource')).toBeGreaterThan(indexOfLastCall('CreateVpcPeeringConnection'));
  expect(deviationsFrom(rehearsal, UNPEERED)).toEqual([]);
  expect(await deleteStack(rehearsal)).toEqual([]);
  rehearsal.close();
});

test.each(['InvalidRequestException', 'accepted'] as const)(
  'if a create with adoptExisting runs twice, the slower run does not note the connection of the faster run as adopted (existingConnection: %s)',
  async (existingConnection) => {
    const adoptingStack = declareStack({ fleets: [fleet({ adoptExisting: true }), arena] });
    const rehearsal = await MatrixRehearsal.populate({ existingConnection });
    const status = await updateWithFaults(
      rehearsal,
      { copyDelays: ({ request }) => (request.startsWith('Create LobbyPeering') ? [0] : []) },
      adoptingStack,
    );
    expect(status).toBe('UPDATE_COMPLETE');
    expect(deviationsFrom(rehearsal, adoptingStack)).toEqual([]);
    expect(await rehearsal.cloudFormation.deploy(assemblyOf(UNPEERED), STACK)).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(deviationsFrom(rehearsal, UNPEERED)).toEqual([]);
    expect(await deleteStack(rehearsal)).toEqual([]);
    rehearsal.close();
  },
);

test('the deletion of a failed create does not delete the connection of a later create', async () => {
  const rehearsal = await MatrixRehearsal.populate();
  const invocations: { readonly arn: string; readonly event: Readonly<Record<string, unknown>> }[] = [];
  const { functions, responses } = rehearsal;
  const invokeAsync = functions.invokeAsync.bind(functions);
  jest.spyOn(functions, 'invokeAsync').mockImplementation((arn, event) => {
    invocations.push({ arn, event: event as Readonly<Record<string, unknown>> });
    invokeAsync(arn, event);
  });
  /** Sends the last request for the connection again, with these properties changed, and returns the response. */
  const resendLastRequest = async (
    changes: object,
  ): Promise<{ readonly Status: string; readonly PhysicalResourceId: string }> => {
    const lastInvocation = invocations.findLast(({ event }) => String(event.LogicalResourceId).startsWith('LobbyPeering'));
    if (lastInvocation === undefined) {
      throw new Error('no request for the connection was sent');
    }
    const { url, response } = responses.issueUrl({ region: REGION, stackId: '', logicalId: '', requestId: '' });
    invokeAsync(lastInvocation.arn, { ...lastInvocation.event, ResponseURL: url, ...changes });
    await rehearsal.clock.sleep(15 * 60_000);
    return JSON.parse((await response).toString()) as { readonly Status: string; readonly PhysicalResourceId: string };
  };
  const status = await updateWithFaults(rehearsal, {
    call: ({ request, operation }) =>
      request.startsWith('Create LobbyPeering') && operation === 'CreateTags'
        ? { kind: 'error', name: 'TagLimitExceeded', status: 400 }
        : undefined,
  });
  expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
  // the test itself sends the requests below, so the stack has no outputs and no logical id of the connection: ignore these deviations
  const unexpectedDeviations = (): readonly string[] =>
    deviationsFrom(rehearsal, PEERED).filter(
      (text) => !/^\w+ of Lobby is undefined|is not claimed as Game\/undefined\//.test(text),
    );
  const failedCreate = await resendLastRequest({ RequestType: 'Create', RequestId: 'one', PhysicalResourceId: undefined });
  expect(failedCreate).toMatchObject({
    Status: 'FAILED',
    PhysicalResourceId: expect.stringMatching(/\/unfinished\/one$/) as string,
  });
  rehearsal.functions.faults = {};
  const laterCreate = await resendLastRequest({ RequestType: 'Create', RequestId: 'two', PhysicalResourceId: undefined });
  expect(laterCreate).toMatchObject({ Status: 'SUCCESS' });
  const { PhysicalResourceId } = failedCreate;
  expect(await resendLastRequest({ RequestType: 'Delete', RequestId: 'three', PhysicalResourceId })).toMatchObject({
    Status: 'SUCCESS',
  });
  expect(unexpectedDeviations()).toEqual([]);
  // an update with the physical id of a failed create does not change that id
  const update = await resendLastRequest({
    RequestType: 'Update',
    RequestId: 'four',
    PhysicalResourceId,
    OldResourceProperties: {},
  });
  expect(update).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
  expect(unexpectedDeviations()).toEqual([]);
  expect(await resendLastRequest({ RequestType: 'Delete', RequestId: 'five', PhysicalResourceId })).toMatchObject({
    Status: 'SUCCESS',
  });
  expect(deviationsFrom(rehearsal, UNPEERED)).toEqual([]);
  expect(await deleteStack(rehearsal)).toEqual([]);
  rehearsal.close();
});

test('an update fails and leaves no claim if somebody else requests the connection at the same time', async () => {
  const rehearsal = await MatrixRehearsal.populate();
  let hasRequested = false;
  const status = await updateWithFaults(rehearsal, {
    call: ({ operation }) => {
      if (!hasRequested && operation === 'CreateVpcPeeringConnection') {
        hasRequested = true;
        const FleetId = findLobby(rehearsal).id;
        const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: rehearsal.vpcs.A.vpcId };
        void rehearsal.aws.callGameLift('CreateVpcPeeringConnection', input, ACCOUNT_AND_REGION);
      }
      return undefined;
    },
  });
  expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(failureReasons(rehearsal)).toEqual([expect.stringContaining('exists already, and this stack did not create it')]);
  const { id, tags } = findLobby(rehearsal);
  expect(tags).toEqual({});
  expect(rehearsal.aws.inventory().connections).toContainEqual(expect.objectContaining({ fleetId: id, status: 'active' }));
  rehearsal.close();
});

describe('if CloudFormation removes the handler’s tags from the fleet', () => {
  test.each(['stored', 'ignored'] as const)(
    'a change of the VPC that is rolled back leaves nothing in the new VPC (failedUpdatePhysicalId: %s)',
    async (reading) => {
      const rehearsal = await MatrixRehearsal.populate({ foreignFleetTags: 'removed', failedUpdatePhysicalId: reading });
      const originalStack = declareStack();
      expect(await deployAll(rehearsal, originalStack)).toMatchObject({ status: 'CREATE_COMPLETE' });
      rehearsal.functions.faults = {
        call: ({ operation }) =>
          operation === 'ModifyVpcPeeringConnectionOptions'
            ? { kind: 'error', name: 'OperationNotPermitted', status: 400 }
            : undefined,
      };
      const stackInNewVpc = declareStack({ vpc: 'B', fleets: [fleet({ description: 'second', dnsResolution: true })] });
      expect(await deployAll(rehearsal, stackInNewVpc)).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE' });
      expect(deviationsFrom(rehearsal, originalStack)).toEqual([]);
      expect(await deleteStack(rehearsal)).toEqual([]);
      rehearsal.close();
    },
  );

  test.each([{}, { routes: 'one subnet' as const }])(
    'a connection that was created with adoptExisting, and then updated, is deleted when the construct is removed (other changes: %j)',
    async (change) => {
      const rehearsal = await MatrixRehearsal.populate({ foreignFleetTags: 'removed' });
      const adoptingFleet = fleet({ adoptExisting: true });
      expect(await deployAll(rehearsal, declareStack({ fleets: [adoptingFleet, arena] }))).toMatchObject({
        status: 'CREATE_COMPLETE',
      });
      const updatedStack = declareStack({ fleets: [{ ...adoptingFleet, description: 'second', ...change }, arena] });
      expect(await deployAll(rehearsal, updatedStack)).toMatchObject({ status: 'UPDATE_COMPLETE' });
      const unpeeredStack = declareStack({ fleets: [fleet({ description: 'second', peering: 'none' }), arena] });
      expect(await deployAll(rehearsal, unpeeredStack)).toMatchObject({ status: 'UPDATE_COMPLETE' });
      expect(deviationsFrom(rehearsal, unpeeredStack)).toEqual([]);
      expect(await deleteStack(rehearsal)).toEqual([]);
      rehearsal.close();
    },
  );

  test('a connection that somebody deleted and created again by hand is kept when the construct is removed', async () => {
    const rehearsal = await MatrixRehearsal.populate({ foreignFleetTags: 'removed' });
    expect(await deployAll(rehearsal, PEERED)).toMatchObject({ status: 'CREATE_COMPLETE' });
    const { id: FleetId } = findLobby(rehearsal);
    const [oldConnection] = connectionsOf(rehearsal, FleetId);
    await rehearsal.authorize('A');
    await rehearsal.clock.sleep(60_000);
    await rehearsal.aws.callGameLift(
      'DeleteVpcPeeringConnection',
      { FleetId, VpcPeeringConnectionId: oldConnection?.id },
      ACCOUNT_AND_REGION,
    );
    await rehearsal.clock.sleep(60_000);
    const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: rehearsal.vpcs.A.vpcId };
    await rehearsal.aws.callGameLift('CreateVpcPeeringConnection', input, ACCOUNT_AND_REGION);
    await rehearsal.waitDays(2);
    const createdByHand = connectionsOf(rehearsal, FleetId);
    expect(await deployAll(rehearsal, declareStack({ fleets: [fleet({ description: 'second' }), arena] }))).toMatchObject({
      status: 'UPDATE_COMPLETE',
    });
    expect(
      await deployAll(rehearsal, declareStack({ fleets: [fleet({ description: 'second', peering: 'none' }), arena] })),
    ).toMatchObject({
      status: 'UPDATE_COMPLETE',
    });
    expect(connectionsOf(rehearsal, FleetId)).toEqual(createdByHand);
    rehearsal.close();
  });
});

test('without access to EC2, the handler creates nothing if CloudFormation cancels the requests that wait in the queue', async () => {
  const rehearsal = await MatrixRehearsal.populate();
  const stackWith = (peering: 'connected' | 'none'): DeclaredStack => {
    const names = ['Lobby', 'Arena', 'Third', 'Fourth', 'Fifth', 'Sixth'];
    const fleets = names.map((name) => fleet({ name, peering, routes: 'none' }));
    return declareStack({ vpc: 'C', access: 'none', fleets: [...fleets, fleet({ name: 'Last', routes: 'none' })] });
  };
  await rehearsal.authorize('C');
  expect(await deployAll(rehearsal, stackWith('none'))).toMatchObject({ status: 'CREATE_COMPLETE' });
  await rehearsal.waitDays(0.5);
  await rehearsal.authorize('C');
  let hasFailed = false;
  rehearsal.functions.faults = {
    call: ({ request, operation }) => {
      const isFirstTagRead = !hasFailed && /^Create \w+Peering/.test(request) && operation === 'ListTagsForResource';
      hasFailed ||= isFirstTagRead;
      return isFirstTagRead ? { kind: 'error', name: 'InvalidRequestException', status: 400 } : undefined;
    },
  };
  expect(await deployAll(rehearsal, stackWith('connected'))).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE' });
  // wait until the runs of the canceled requests have ended
  await rehearsal.clock.sleep(20 * 60_000);
  expect(deviationsFrom(rehearsal, stackWith('none'))).toEqual([]);
  await rehearsal.waitDays(3);
  await rehearsal.authorize('C');
  expect(await deleteStack(rehearsal)).toEqual([]);
  rehearsal.close();
});

test.each([true, false])(
  'a create that GameLift refuses leaves no claim, and a connection that is created by hand later stays unchanged (adoptExisting: %p)',
  async (adoptExisting) => {
    const rehearsal = await MatrixRehearsal.populate();
    const unpeeredFleet = fleet({ name: 'Arena', peering: 'none' });
    rehearsal.functions.faults = {
      call: ({ operation }) =>
        operation === 'CreateVpcPeeringConnection' ? { kind: 'error', name: 'InvalidRequestException', status: 400 } : undefined,
    };
    const failingStack = declareStack({ fleets: [fleet(), unpeeredFleet] });
    expect(await rehearsal.cloudFormation.deploy(assemblyOf(failingStack), STACK, { onFailure: 'keep' })).toMatchObject({
      status: 'CREATE_FAILED',
    });
    rehearsal.functions.faults = {};
    const { id: FleetId, tags } = findLobby(rehearsal);
    expect(tags).toEqual({});
    await rehearsal.waitDays(2);
    await rehearsal.authorize('A');
    const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: rehearsal.vpcs.A.vpcId };
    await rehearsal.aws.callGameLift('CreateVpcPeeringConnection', input, ACCOUNT_AND_REGION);
    await rehearsal.waitDays(2);
    const createdByHand = connectionsOf(rehearsal, FleetId);
    expect(createdByHand).toMatchObject([{ status: 'active' }]);
    const { status } = await deployAll(rehearsal, declareStack({ fleets: [fleet({ adoptExisting }), unpeeredFleet] }));
    expect(status).toBe(adoptExisting ? 'UPDATE_COMPLETE' : 'UPDATE_ROLLBACK_COMPLETE');
    expect(connectionsOf(rehearsal, FleetId)).toEqual(createdByHand);
    rehearsal.close();
  },
);

test.each([
  [8, false],
  [25, false],
  [25, true],
])(
  'the create waits if GameLift’s list shows the new connection %d seconds late (the list contains an earlier connection: %p)',
  async (delaySeconds, hasEarlierConnection) => {
    const rehearsal = await MatrixRehearsal.populate({ fleetEvents: 'never seen' });
    rehearsal.aws.scriptedOutcomes.connectionSeconds = 6;
    for (const declared of hasEarlierConnection ? [UNPEERED, PEERED, UNPEERED] : [UNPEERED]) {
      expect(await deployAll(rehearsal, declared)).toMatchObject({
        status: expect.stringMatching(/^(CREATE|UPDATE)_COMPLETE$/) as string,
      });
    }
    await rehearsal.clock.sleep(600_000);
    const earlierIds = new Set(connectionsOf(rehearsal, findLobby(rehearsal).id).map(({ id }) => id));
    let requestedAt = Infinity;
    const originalCall = rehearsal.aws.call.bind(rehearsal.aws);
    jest.spyOn(rehearsal.aws, 'call').mockImplementation(async (service, operation, ...rest) => {
      const output = await originalCall(service, operation, ...rest);
      if (operation === 'CreateVpcPeeringConnection') {
        requestedAt = Math.min(requestedAt, rehearsal.clock.now());
      }
      if (service !== 'gamelift' || operation !== 'DescribeVpcPeeringConnections') {
        return output;
      }
      const { VpcPeeringConnections: listed } = output as { readonly VpcPeeringConnections: readonly ConnectionRecord[] };
      const isShown = ({ VpcPeeringConnectionId: id = '' }: ConnectionRecord): boolean =>
        earlierIds.has(id) || rehearsal.clock.now() - requestedAt >= delaySeconds * 1000;
      return { VpcPeeringConnections: listed.filter(isShown) };
    });
    expect(await deployAll(rehearsal, PEERED)).toMatchObject({ status: 'UPDATE_COMPLETE' });
    jest.restoreAllMocks();
    expect(deviationsFrom(rehearsal, PEERED)).toEqual([]);
    expect(await deleteStack(rehearsal)).toEqual([]);
    rehearsal.close();
  },
);

test.each([MAX_PEERED_BEFORE, MAX_PEERED_BEFORE + 1])(
  'connections are created and deleted if the VPC has %d other peerings',
  async (otherPeerings) => {
    /** Expects that the life succeeds. Returns the first call for connections when the handler creates one. */
    const firstCallOfLife = async (name: keyof typeof LIVES): Promise<string | undefined> => {
      const rehearsal = await MatrixRehearsal.populate({ fleetEvents: 'never seen' });
      // minus one, because the VPC already has a peering with somebody else's fleet
      rehearsal.addOtherPeerings(otherPeerings - 1);
      expect(await runLife(rehearsal, LIVES[name])).toEqual([]);
      rehearsal.close();
      const operations = rehearsal.functions.calls
        .filter(({ request, service }) => request.startsWith('Create LobbyPeering') && service === 'gamelift')
        .map(({ operation }) => operation);
      return operations.find((operation) => /VpcPeeringConnections?$/.test(operation));
    };
    // if the peerings do not fit in a note, the handler reads GameLift's list instead
    expect(await firstCallOfLife('created and deleted within a day')).toBe(
      otherPeerings > MAX_PEERED_BEFORE ? 'DescribeVpcPeeringConnections' : 'CreateVpcPeeringConnection',
    );
    await firstCallOfLife('existing connection is adopted');
    await firstCallOfLife('existing connection is not adopted');
  },
);
