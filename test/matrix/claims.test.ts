import type { Faults } from 'rehearsal/in-process';
import type { ConnectionRecord } from '../../lambda/aws/api';
import { MAX_PEERED_BEFORE } from '../../lambda/peering/claim';
import { deviationsFrom, leftBehind, failureReasons } from './checker';
import { runWithFault } from './faults';
import { deployAll, runLife, LIVES } from './lives';
import { assemblyOf, declareStack, fleet, STACK } from './stacks';
import type { DeclaredStack } from './stacks';
import { ACCOUNT, MatrixWorld, PLACE, REGION } from './world';

/*
 * Which resource owns a connection if an event is delivered twice, if somebody else requests the connection at the same time, or if the VPC has
 * more peerings than fit in a claim.
 */

// always connected, because CloudFormation deletes the permissions to connect with the last connection of the stack
const arena = fleet({ name: 'Arena' });
const UNPEERED = declareStack({ fleets: [fleet({ peering: 'none' }), arena] });
const PEERED = declareStack({ fleets: [fleet(), arena] });

/** Creates the stack without the connection of fleet Lobby, then adds the connection in an update with these faults. Returns its status. */
async function updateWithFaults(world: MatrixWorld, faults: Faults, peered = PEERED): Promise<string> {
  expect(await world.cloudFormation.deploy(assemblyOf(UNPEERED), STACK)).toMatchObject({ status: 'CREATE_COMPLETE' });
  world.functions.faults = faults;
  const { status } = await world.cloudFormation.deploy(assemblyOf(peered), STACK);
  // until a duplicate of the request has ended in any case
  await world.clock.sleep(15 * 60_000);
  return status;
}

/** Fleet Lobby. */
function findLobby({ aws }: MatrixWorld): { readonly id: string; readonly tags: object } {
  const fleets = aws.inventory().fleets as readonly { readonly id: string; readonly Name: string; readonly tags: object }[];
  const found = fleets.find(({ Name }) => Name === 'Lobby');
  if (found === undefined) {
    throw new Error('fleet Lobby not found');
  }
  return found;
}

function connectionsOf({ aws }: MatrixWorld, fleetId: string): readonly { readonly id: string; readonly status: string }[] {
  const connections = aws.inventory().connections as readonly {
    readonly id: string;
    readonly fleetId: string;
    readonly status: string;
  }[];
  return connections.filter((connection) => connection.fleetId === fleetId);
}

/** Deletes the stack without faults, and returns what is left behind. */
async function deleteStack(world: MatrixWorld): Promise<readonly string[]> {
  world.functions.faults = {};
  expect(await world.cloudFormation.delete(STACK)).toMatchObject({ status: 'DELETE_COMPLETE' });
  return leftBehind(world);
}

test.each([0, 4, 8])(
  'a duplicate create that is delivered %d seconds later, while CloudFormation deletes the failed resource, leaves nothing behind',
  async (seconds) => {
    const world = await MatrixWorld.populate({ fleetEvents: 'never seen' });
    let failed = false;
    const status = await updateWithFaults(world, {
      copyDelays: ({ request }) => (request.startsWith('Create LobbyPeering') ? [seconds] : []),
      call: ({ request, operation }) => {
        if (failed || operation !== 'DescribeVpcPeeringConnections' || !request.startsWith('Create LobbyPeering')) {
          return undefined;
        }
        const requested = world.functions.calls.some((call) => call.operation === 'CreateVpcPeeringConnection');
        failed = requested;
        return requested ? { kind: 'error', name: 'InvalidRequestException', status: 400 } : undefined;
      },
    });
    expect(failed).toBe(true);
    // CloudFormation uses the first response: that of the failed create or that of its duplicate
    expect(status).toMatch(/^UPDATE_(ROLLBACK_)?COMPLETE$/);
    expect(deviationsFrom(world, status === 'UPDATE_COMPLETE' ? PEERED : UNPEERED)).toEqual([]);
    expect(await deleteStack(world)).toEqual([]);
    world.close();
  },
);

describe('a duplicate of a failed create leaves no claim on a fleet of somebody else', () => {
  const problemsWithFaults = async (faults: Faults): Promise<readonly string[]> => {
    const scenario = {
      name: 'the create is delivered twice',
      faults,
      deployment: 'must succeed',
      leavesAuthorization: true,
    } as const;
    return (await runWithFault('existing connection is not adopted', {}, scenario)).problems;
  };
  const isCreate = ({ request }: { readonly request: string }): boolean => request.startsWith('Create LobbyPeering');

  test.each([0, 0.5, 1, 1.5, 2, 5])('if it is delivered %d seconds later, during the deletion', async (seconds) => {
    expect(await problemsWithFaults({ copyDelays: (point) => (isCreate(point) ? [seconds] : []) })).toEqual([]);
  });

  test.each([0.5, 5, 9.5])(
    'if it is delivered %d seconds later, before CloudFormation receives the response',
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

test('a duplicate create that is throttled until CloudFormation has deleted the resource requests nothing', async () => {
  const world = await MatrixWorld.populate();
  let refused = false;
  const isDeleted = (): boolean =>
    world.functions.calls.some(
      ({ request, operation }) => request.startsWith('Delete LobbyPeering') && operation === 'UntagResource',
    );
  const status = await updateWithFaults(world, {
    copyDelays: ({ request }) => (request.startsWith('Create LobbyPeering') ? [1] : []),
    call: ({ request, operation }) => {
      if (request.startsWith('Create LobbyPeering') && operation === 'TagResource' && !refused) {
        refused = true;
        return { kind: 'error', name: 'TaggingFailedException', status: 400 };
      }
      const isThrottled = operation === 'CreateVpcPeeringConnection' && !isDeleted();
      return isThrottled ? { kind: 'error', name: 'ThrottlingException', status: 400 } : undefined;
    },
  });
  expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(isDeleted()).toBe(true);
  const lastCallOf = (operation: string): number => world.functions.calls.findLastIndex((call) => call.operation === operation);
  expect(lastCallOf('UntagResource')).toBeGreaterThan(lastCallOf('CreateVpcPeeringConnection'));
  expect(deviationsFrom(world, UNPEERED)).toEqual([]);
  expect(await deleteStack(world)).toEqual([]);
  world.close();
});

test.each(['InvalidRequestException', 'accepted'] as const)(
  'if a create with adoptExisting runs twice, the slower run does not note the connection of the faster run as adopted (existingConnection: %s)',
  async (existingConnection) => {
    const adopting = declareStack({ fleets: [fleet({ adoptExisting: true }), arena] });
    const world = await MatrixWorld.populate({ existingConnection });
    const status = await updateWithFaults(
      world,
      { copyDelays: ({ request }) => (request.startsWith('Create LobbyPeering') ? [0] : []) },
      adopting,
    );
    expect(status).toBe('UPDATE_COMPLETE');
    expect(deviationsFrom(world, adopting)).toEqual([]);
    expect(await world.cloudFormation.deploy(assemblyOf(UNPEERED), STACK)).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(deviationsFrom(world, UNPEERED)).toEqual([]);
    expect(await deleteStack(world)).toEqual([]);
    world.close();
  },
);

test('the deletion of a failed create does not delete the connection of a later create', async () => {
  const world = await MatrixWorld.populate();
  const invocations: { readonly arn: string; readonly event: Readonly<Record<string, unknown>> }[] = [];
  const { functions, responses } = world;
  const invoke = functions.invokeAsync.bind(functions);
  jest.spyOn(functions, 'invokeAsync').mockImplementation((arn, event) => {
    invocations.push({ arn, event: event as Readonly<Record<string, unknown>> });
    invoke(arn, event);
  });
  /** Sends the last request for the connection again with changes, and returns the response. */
  const send = async (change: object): Promise<{ readonly Status: string; readonly PhysicalResourceId: string }> => {
    const last = invocations.findLast(({ event }) => String(event.LogicalResourceId).startsWith('LobbyPeering'));
    if (last === undefined) {
      throw new Error('no request for the connection was sent');
    }
    const { url, response } = responses.issueUrl({ region: REGION, stackId: '', logicalId: '', requestId: '' });
    invoke(last.arn, { ...last.event, ResponseURL: url, ...change });
    await world.clock.sleep(15 * 60_000);
    return JSON.parse((await response).toString()) as { readonly Status: string; readonly PhysicalResourceId: string };
  };
  const status = await updateWithFaults(world, {
    call: ({ request, operation }) =>
      request.startsWith('Create LobbyPeering') && operation === 'CreateTags'
        ? { kind: 'error', name: 'TagLimitExceeded', status: 400 }
        : undefined,
  });
  expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
  // CloudFormation does not know the resources that these requests create, so it has no outputs and no logical id of them
  const unexpectedDeviations = (): readonly string[] =>
    deviationsFrom(world, PEERED).filter((text) => !/^\w+ of Lobby is undefined|is not claimed as Game\/undefined\//.test(text));
  const failed = await send({ RequestType: 'Create', RequestId: 'one', PhysicalResourceId: undefined });
  expect(failed).toMatchObject({ Status: 'FAILED', PhysicalResourceId: expect.stringMatching(/\/unfinished\/one$/) as string });
  world.functions.faults = {};
  const succeeded = await send({ RequestType: 'Create', RequestId: 'two', PhysicalResourceId: undefined });
  expect(succeeded).toMatchObject({ Status: 'SUCCESS' });
  const { PhysicalResourceId } = failed;
  expect(await send({ RequestType: 'Delete', RequestId: 'three', PhysicalResourceId })).toMatchObject({ Status: 'SUCCESS' });
  expect(unexpectedDeviations()).toEqual([]);
  // an update with the physical id of a failed create keeps that id
  const updated = await send({ RequestType: 'Update', RequestId: 'four', PhysicalResourceId, OldResourceProperties: {} });
  expect(updated).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
  expect(unexpectedDeviations()).toEqual([]);
  expect(await send({ RequestType: 'Delete', RequestId: 'five', PhysicalResourceId })).toMatchObject({ Status: 'SUCCESS' });
  expect(deviationsFrom(world, UNPEERED)).toEqual([]);
  expect(await deleteStack(world)).toEqual([]);
  world.close();
});

test('fails and leaves no claim if somebody else requests the connection at the same time', async () => {
  const world = await MatrixWorld.populate();
  let hasRequested = false;
  const status = await updateWithFaults(world, {
    call: ({ operation }) => {
      if (!hasRequested && operation === 'CreateVpcPeeringConnection') {
        hasRequested = true;
        const FleetId = findLobby(world).id;
        const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: world.vpcs.A.vpcId };
        void world.aws.callGameLift('CreateVpcPeeringConnection', input, PLACE);
      }
      return undefined;
    },
  });
  expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(failureReasons(world)).toEqual([expect.stringContaining('exists already, and this stack did not create it')]);
  const { id, tags } = findLobby(world);
  expect(tags).toEqual({});
  expect(world.aws.inventory().connections).toContainEqual(expect.objectContaining({ fleetId: id, status: 'active' }));
  world.close();
});

describe('if CloudFormation removes the handler’s tags from the fleet', () => {
  test.each(['stored', 'ignored'] as const)(
    'a change of the VPC that is rolled back leaves nothing in the new VPC (failedUpdatePhysicalId: %s)',
    async (reading) => {
      const world = await MatrixWorld.populate({ foreignFleetTags: 'removed', failedUpdatePhysicalId: reading });
      const original = declareStack();
      expect(await deployAll(world, original)).toMatchObject({ status: 'CREATE_COMPLETE' });
      world.functions.faults = {
        call: ({ operation }) =>
          operation === 'ModifyVpcPeeringConnectionOptions'
            ? { kind: 'error', name: 'OperationNotPermitted', status: 400 }
            : undefined,
      };
      const moved = declareStack({ vpc: 'B', fleets: [fleet({ description: 'second', dnsResolution: true })] });
      expect(await deployAll(world, moved)).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE' });
      expect(deviationsFrom(world, original)).toEqual([]);
      expect(await deleteStack(world)).toEqual([]);
      world.close();
    },
  );

  test.each([{}, { routes: 'one subnet' as const }])(
    'a connection that was created with adoptExisting is deleted with the construct after an update (other changes: %j)',
    async (change) => {
      const world = await MatrixWorld.populate({ foreignFleetTags: 'removed' });
      const adopting = fleet({ adoptExisting: true });
      expect(await deployAll(world, declareStack({ fleets: [adopting, arena] }))).toMatchObject({ status: 'CREATE_COMPLETE' });
      const changed = declareStack({ fleets: [{ ...adopting, description: 'second', ...change }, arena] });
      expect(await deployAll(world, changed)).toMatchObject({ status: 'UPDATE_COMPLETE' });
      const last = declareStack({ fleets: [fleet({ description: 'second', peering: 'none' }), arena] });
      expect(await deployAll(world, last)).toMatchObject({ status: 'UPDATE_COMPLETE' });
      expect(deviationsFrom(world, last)).toEqual([]);
      expect(await deleteStack(world)).toEqual([]);
      world.close();
    },
  );

  test('a connection that somebody deleted and created again by hand is kept when the construct is removed', async () => {
    const world = await MatrixWorld.populate({ foreignFleetTags: 'removed' });
    expect(await deployAll(world, PEERED)).toMatchObject({ status: 'CREATE_COMPLETE' });
    const { id: FleetId } = findLobby(world);
    const [oldConnection] = connectionsOf(world, FleetId);
    await world.authorize('A');
    await world.clock.sleep(60_000);
    await world.aws.callGameLift('DeleteVpcPeeringConnection', { FleetId, VpcPeeringConnectionId: oldConnection?.id }, PLACE);
    await world.clock.sleep(60_000);
    const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: world.vpcs.A.vpcId };
    await world.aws.callGameLift('CreateVpcPeeringConnection', input, PLACE);
    await world.waitDays(2);
    const createdByHand = connectionsOf(world, FleetId);
    expect(await deployAll(world, declareStack({ fleets: [fleet({ description: 'second' }), arena] }))).toMatchObject({
      status: 'UPDATE_COMPLETE',
    });
    expect(
      await deployAll(world, declareStack({ fleets: [fleet({ description: 'second', peering: 'none' }), arena] })),
    ).toMatchObject({
      status: 'UPDATE_COMPLETE',
    });
    expect(connectionsOf(world, FleetId)).toEqual(createdByHand);
    world.close();
  });
});

test('without access to EC2, creates nothing if six requests are canceled while they are queued', async () => {
  const world = await MatrixWorld.populate();
  const stackWith = (peering: 'connected' | 'none'): DeclaredStack => {
    const names = ['Lobby', 'Arena', 'Third', 'Fourth', 'Fifth', 'Sixth'];
    const fleets = names.map((name) => fleet({ name, peering, routes: 'none' }));
    return declareStack({ vpc: 'C', access: 'none', fleets: [...fleets, fleet({ name: 'Last', routes: 'none' })] });
  };
  await world.authorize('C');
  expect(await deployAll(world, stackWith('none'))).toMatchObject({ status: 'CREATE_COMPLETE' });
  await world.waitDays(0.5);
  await world.authorize('C');
  let failed = false;
  world.functions.faults = {
    call: ({ request, operation }) => {
      const fails = !failed && /^Create \w+Peering/.test(request) && operation === 'ListTagsForResource';
      failed ||= fails;
      return fails ? { kind: 'error', name: 'InvalidRequestException', status: 400 } : undefined;
    },
  };
  expect(await deployAll(world, stackWith('connected'))).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE' });
  await world.clock.sleep(20 * 60_000);
  expect(deviationsFrom(world, stackWith('none'))).toEqual([]);
  await world.waitDays(3);
  await world.authorize('C');
  expect(await deleteStack(world)).toEqual([]);
  world.close();
});

test.each([true, false])(
  'a create that GameLift refuses leaves no claim, and a connection that is created by hand later stays unchanged (adoptExisting: %p)',
  async (adoptExisting) => {
    const world = await MatrixWorld.populate();
    const unpeered = fleet({ name: 'Arena', peering: 'none' });
    world.functions.faults = {
      call: ({ operation }) =>
        operation === 'CreateVpcPeeringConnection' ? { kind: 'error', name: 'InvalidRequestException', status: 400 } : undefined,
    };
    const kept = declareStack({ fleets: [fleet(), unpeered] });
    expect(await world.cloudFormation.deploy(assemblyOf(kept), STACK, { onFailure: 'keep' })).toMatchObject({
      status: 'CREATE_FAILED',
    });
    world.functions.faults = {};
    const { id: FleetId, tags } = findLobby(world);
    expect(tags).toEqual({});
    await world.waitDays(2);
    await world.authorize('A');
    const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: world.vpcs.A.vpcId };
    await world.aws.callGameLift('CreateVpcPeeringConnection', input, PLACE);
    await world.waitDays(2);
    const createdByHand = connectionsOf(world, FleetId);
    expect(createdByHand).toMatchObject([{ status: 'active' }]);
    const { status } = await deployAll(world, declareStack({ fleets: [fleet({ adoptExisting }), unpeered] }));
    expect(status).toBe(adoptExisting ? 'UPDATE_COMPLETE' : 'UPDATE_ROLLBACK_COMPLETE');
    expect(connectionsOf(world, FleetId)).toEqual(createdByHand);
    world.close();
  },
);

test.each([
  [8, false],
  [25, false],
  [25, true],
])(
  'waits if GameLift’s list shows the new connection %d seconds late (the list contains an earlier connection: %p)',
  async (delaySeconds, hasEarlier) => {
    const world = await MatrixWorld.populate({ fleetEvents: 'never seen' });
    world.aws.scriptedOutcomes.connectionSeconds = 6;
    for (const declared of hasEarlier ? [UNPEERED, PEERED, UNPEERED] : [UNPEERED]) {
      expect(await deployAll(world, declared)).toMatchObject({
        status: expect.stringMatching(/^(CREATE|UPDATE)_COMPLETE$/) as string,
      });
    }
    await world.clock.sleep(600_000);
    const earlier = new Set(connectionsOf(world, findLobby(world).id).map(({ id }) => id));
    let requestedAt = Infinity;
    const call = world.aws.call.bind(world.aws);
    jest.spyOn(world.aws, 'call').mockImplementation(async (service, operation, ...rest) => {
      const output = await call(service, operation, ...rest);
      if (operation === 'CreateVpcPeeringConnection') {
        requestedAt = Math.min(requestedAt, world.clock.now());
      }
      if (service !== 'gamelift' || operation !== 'DescribeVpcPeeringConnections') {
        return output;
      }
      const { VpcPeeringConnections: listed } = output as { readonly VpcPeeringConnections: readonly ConnectionRecord[] };
      const isShown = ({ VpcPeeringConnectionId: id = '' }: ConnectionRecord): boolean =>
        earlier.has(id) || world.clock.now() - requestedAt >= delaySeconds * 1000;
      return { VpcPeeringConnections: listed.filter(isShown) };
    });
    expect(await deployAll(world, PEERED)).toMatchObject({ status: 'UPDATE_COMPLETE' });
    jest.restoreAllMocks();
    expect(deviationsFrom(world, PEERED)).toEqual([]);
    expect(await deleteStack(world)).toEqual([]);
    world.close();
  },
);

test.each([MAX_PEERED_BEFORE, MAX_PEERED_BEFORE + 1])(
  'creates and deletes connections if the VPC has %d other peerings',
  async (others) => {
    /** Runs the life. Returns whether the first call for the connection reads GameLift's list. */
    const runAndCheckListFirst = async (name: keyof typeof LIVES): Promise<boolean> => {
      const world = await MatrixWorld.populate({ fleetEvents: 'never seen' });
      world.addOtherPeerings(others - 1);
      expect(await runLife(world, LIVES[name])).toEqual([]);
      world.close();
      const operations = world.functions.calls
        .filter(({ request, service }) => request.startsWith('Create LobbyPeering') && service === 'gamelift')
        .map(({ operation }) => operation);
      const [first] = operations.filter((operation) => /VpcPeeringConnections?$/.test(operation));
      return first === 'DescribeVpcPeeringConnections';
    };
    // if the peerings do not fit in a claim, the handler reads GameLift's list instead
    expect(await runAndCheckListFirst('created and deleted within a day')).toBe(others > MAX_PEERED_BEFORE);
    await runAndCheckListFirst('existing connection is adopted');
    await runAndCheckListFirst('existing connection is not adopted');
  },
);
