import type { Faults } from 'rehearsal/in-process';
import type { ConnectionRecord } from '../../lambda/aws/api';
import { MAX_PEERED_BEFORE } from '../../lambda/peering/claim';
import { deviations, leftBehind, failureReasons } from './checker';
import { runWithFault } from './faults';
import { deploy, runLife, LIFECYCLES } from './lifecycles';
import { assemblyOf, declare, fleet, STACK } from './stacks';
import type { Declared } from './stacks';
import { ACCOUNT, MatrixWorld, PLACE, REGION } from './world';

/*
 * Who owns a connection, if an event is delivered twice, if somebody else requests the connection at the same time, or if the VPC has more
 * peerings than fit in a claim.
 */

// always peered, since the permissions to connect are deleted with the last connection of the stack
const arena = fleet({ name: 'Arena' });
const UNPEERED = declare({ fleets: [fleet({ peering: 'none' }), arena] });
const PEERED = declare({ fleets: [fleet(), arena] });

/** Adds the connection in an update with these faults. */
async function updateWithFaults(world: MatrixWorld, faults: Faults, peered = PEERED): Promise<string> {
  expect(await world.cloudFormation.deploy(assemblyOf(UNPEERED), STACK)).toMatchObject({ status: 'CREATE_COMPLETE' });
  world.functions.faults = faults;
  const { status } = await world.cloudFormation.deploy(assemblyOf(peered), STACK);
  // until a duplicate of the request has certainly ended
  await world.clock.sleep(15 * 60_000);
  return status;
}

function lobby({ aws }: MatrixWorld): { readonly id: string; readonly tags: object } {
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

async function remove(world: MatrixWorld): Promise<readonly string[]> {
  world.functions.faults = {};
  expect(await world.cloudFormation.delete(STACK)).toMatchObject({ status: 'DELETE_COMPLETE' });
  return leftBehind(world);
}

test.each([0, 4, 8])(
  'a duplicate create that runs while CloudFormation deletes the failed resource leaves nothing behind: delivered %d seconds later',
  async (seconds) => {
    const world = await MatrixWorld.populate({ fleetEvents: 'never seen' });
    let failed = false;
    const status = await updateWithFaults(world, {
      copies: ({ request }) => (request.startsWith('Create LobbyPeering') ? [seconds] : []),
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
    // depends on which of the two responds first
    expect(status).toMatch(/^UPDATE_(ROLLBACK_)?COMPLETE$/);
    expect(deviations(world, status === 'UPDATE_COMPLETE' ? PEERED : UNPEERED)).toEqual([]);
    expect(await remove(world)).toEqual([]);
    world.close();
  },
);

describe('a duplicate of a failed create leaves no claim on a fleet of somebody else', () => {
  const problemsWith = async (faults: Faults): Promise<readonly string[]> => {
    const scenario = {
      name: 'the create is delivered twice',
      faults,
      deployment: 'must succeed',
      leavesAuthorization: true,
    } as const;
    return (await runWithFault('existing connection, not adopted', {}, scenario)).problems;
  };
  const isCreate = ({ request }: { readonly request: string }): boolean => request.startsWith('Create LobbyPeering');

  test.each([0, 0.5, 1, 1.5, 2, 5])('delivered %d seconds later, during the deletion', async (seconds) => {
    expect(await problemsWith({ copies: (point) => (isCreate(point) ? [seconds] : []) })).toEqual([]);
  });

  test.each([0.5, 5, 9.5])('delivered %d seconds later, before CloudFormation has the response', async (seconds) => {
    let isSlow = true;
    const problems = await problemsWith({
      copies: (point) => (isCreate(point) ? [seconds] : []),
      put: (point) => {
        const fault = isSlow && isCreate(point) ? ({ kind: 'timeout' } as const) : undefined;
        isSlow &&= fault === undefined;
        return fault;
      },
    });
    expect(isSlow).toBe(false);
    expect(problems).toEqual([]);
  });
});

test('a duplicate create that is throttled until CloudFormation has deleted the resource requests nothing', async () => {
  const world = await MatrixWorld.populate();
  let refused = false;
  const deleted = (): boolean =>
    world.functions.calls.some(
      ({ request, operation }) => request.startsWith('Delete LobbyPeering') && operation === 'UntagResource',
    );
  const status = await updateWithFaults(world, {
    copies: ({ request }) => (request.startsWith('Create LobbyPeering') ? [1] : []),
    call: ({ request, operation }) => {
      if (request.startsWith('Create LobbyPeering') && operation === 'TagResource' && !refused) {
        refused = true;
        return { kind: 'error', name: 'TaggingFailedException', status: 400 };
      }
      const waits = operation === 'CreateVpcPeeringConnection' && !deleted();
      return waits ? { kind: 'error', name: 'ThrottlingException', status: 400 } : undefined;
    },
  });
  expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(deleted()).toBe(true);
  const last = (operation: string): number => world.functions.calls.findLastIndex((call) => call.operation === operation);
  expect(last('UntagResource')).toBeGreaterThan(last('CreateVpcPeeringConnection'));
  expect(deviations(world, UNPEERED)).toEqual([]);
  expect(await remove(world)).toEqual([]);
  world.close();
});

test.each(['InvalidRequestException', 'accepted'] as const)(
  'the slower of two runs with adoptExisting does not note a connection as adopted that the other has created (existingConnection: %s)',
  async (existingConnection) => {
    const adopting = declare({ fleets: [fleet({ adoptExisting: true }), arena] });
    const world = await MatrixWorld.populate({ existingConnection });
    const status = await updateWithFaults(
      world,
      { copies: ({ request }) => (request.startsWith('Create LobbyPeering') ? [0] : []) },
      adopting,
    );
    expect(status).toBe('UPDATE_COMPLETE');
    expect(deviations(world, adopting)).toEqual([]);
    expect(await world.cloudFormation.deploy(assemblyOf(UNPEERED), STACK)).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(deviations(world, UNPEERED)).toEqual([]);
    expect(await remove(world)).toEqual([]);
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
    const { url, response } = responses.issue({ region: REGION, stackId: '', logicalId: '', requestId: '' });
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
  // CloudFormation does not know the resources that these requests create
  const unexpected = (): readonly string[] =>
    deviations(world, PEERED).filter((text) => !/^\w+ of Lobby is undefined|is not claimed as Game\/undefined\//.test(text));
  const failed = await send({ RequestType: 'Create', RequestId: 'one', PhysicalResourceId: undefined });
  expect(failed).toMatchObject({ Status: 'FAILED', PhysicalResourceId: expect.stringMatching(/\/unfinished\/one$/) as string });
  world.functions.faults = {};
  const succeeded = await send({ RequestType: 'Create', RequestId: 'two', PhysicalResourceId: undefined });
  expect(succeeded).toMatchObject({ Status: 'SUCCESS' });
  const { PhysicalResourceId } = failed;
  expect(await send({ RequestType: 'Delete', RequestId: 'three', PhysicalResourceId })).toMatchObject({ Status: 'SUCCESS' });
  expect(unexpected()).toEqual([]);
  // an update with the physical id of a failed create keeps that id
  const updated = await send({ RequestType: 'Update', RequestId: 'four', PhysicalResourceId, OldResourceProperties: {} });
  expect(updated).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
  expect(unexpected()).toEqual([]);
  expect(await send({ RequestType: 'Delete', RequestId: 'five', PhysicalResourceId })).toMatchObject({ Status: 'SUCCESS' });
  expect(deviations(world, UNPEERED)).toEqual([]);
  expect(await remove(world)).toEqual([]);
  world.close();
});

test('does not claim a connection that somebody else requested at the same time', async () => {
  const world = await MatrixWorld.populate();
  let requested = false;
  const status = await updateWithFaults(world, {
    call: ({ operation }) => {
      if (!requested && operation === 'CreateVpcPeeringConnection') {
        requested = true;
        const FleetId = lobby(world).id;
        const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: world.vpcs.A.vpcId };
        void world.aws.callGameLift('CreateVpcPeeringConnection', input, PLACE);
      }
      return undefined;
    },
  });
  expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(failureReasons(world)).toEqual([expect.stringContaining('exists already, and this stack did not create it')]);
  const { id, tags } = lobby(world);
  expect(tags).toEqual({});
  expect(world.aws.inventory().connections).toContainEqual(expect.objectContaining({ fleetId: id, status: 'active' }));
  world.close();
});

describe('if CloudFormation removes our tags from the fleet', () => {
  test.each(['stored', 'ignored'] as const)(
    'a rolled back change of the VPC leaves nothing in the new VPC (failedUpdatePhysicalId: %s)',
    async (reading) => {
      const world = await MatrixWorld.populate({ foreignFleetTags: 'removed', failedUpdatePhysicalId: reading });
      const original = declare();
      expect(await deploy(world, original)).toMatchObject({ status: 'CREATE_COMPLETE' });
      world.functions.faults = {
        call: ({ operation }) =>
          operation === 'ModifyVpcPeeringConnectionOptions'
            ? { kind: 'error', name: 'OperationNotPermitted', status: 400 }
            : undefined,
      };
      const moved = declare({ vpc: 'B', fleets: [fleet({ description: 'second', dnsResolution: true })] });
      expect(await deploy(world, moved)).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE' });
      expect(deviations(world, original)).toEqual([]);
      expect(await remove(world)).toEqual([]);
      world.close();
    },
  );

  test.each([{}, { routes: 'one subnet' as const }])(
    'a connection that was created with adoptExisting is deleted with the construct, after a change of %p',
    async (change) => {
      const world = await MatrixWorld.populate({ foreignFleetTags: 'removed' });
      const adopting = fleet({ adoptExisting: true });
      expect(await deploy(world, declare({ fleets: [adopting, arena] }))).toMatchObject({ status: 'CREATE_COMPLETE' });
      const changed = declare({ fleets: [{ ...adopting, description: 'second', ...change }, arena] });
      expect(await deploy(world, changed)).toMatchObject({ status: 'UPDATE_COMPLETE' });
      const last = declare({ fleets: [fleet({ description: 'second', peering: 'none' }), arena] });
      expect(await deploy(world, last)).toMatchObject({ status: 'UPDATE_COMPLETE' });
      expect(deviations(world, last)).toEqual([]);
      expect(await remove(world)).toEqual([]);
      world.close();
    },
  );

  test('a connection that somebody recreated by hand is kept when the construct is removed', async () => {
    const world = await MatrixWorld.populate({ foreignFleetTags: 'removed' });
    expect(await deploy(world, PEERED)).toMatchObject({ status: 'CREATE_COMPLETE' });
    const { id: FleetId } = lobby(world);
    const [old] = connectionsOf(world, FleetId);
    await world.authorize('A');
    await world.clock.sleep(60_000);
    await world.aws.callGameLift('DeleteVpcPeeringConnection', { FleetId, VpcPeeringConnectionId: old?.id }, PLACE);
    await world.clock.sleep(60_000);
    const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: world.vpcs.A.vpcId };
    await world.aws.callGameLift('CreateVpcPeeringConnection', input, PLACE);
    await world.waitDays(2);
    const byHand = connectionsOf(world, FleetId);
    expect(await deploy(world, declare({ fleets: [fleet({ description: 'second' }), arena] }))).toMatchObject({
      status: 'UPDATE_COMPLETE',
    });
    expect(await deploy(world, declare({ fleets: [fleet({ description: 'second', peering: 'none' }), arena] }))).toMatchObject({
      status: 'UPDATE_COMPLETE',
    });
    expect(connectionsOf(world, FleetId)).toEqual(byHand);
    world.close();
  });
});

test('creates nothing if six requests are canceled while they are queued, without access to EC2', async () => {
  const world = await MatrixWorld.populate();
  const declaredWith = (peering: 'connected' | 'none'): Declared => {
    const names = ['Lobby', 'Arena', 'Third', 'Fourth', 'Fifth', 'Sixth'];
    const fleets = names.map((name) => fleet({ name, peering, routes: 'none' }));
    return declare({ vpc: 'C', access: 'none', fleets: [...fleets, fleet({ name: 'Last', routes: 'none' })] });
  };
  await world.authorize('C');
  expect(await deploy(world, declaredWith('none'))).toMatchObject({ status: 'CREATE_COMPLETE' });
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
  expect(await deploy(world, declaredWith('connected'))).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE' });
  await world.clock.sleep(20 * 60_000);
  expect(deviations(world, declaredWith('none'))).toEqual([]);
  await world.waitDays(3);
  await world.authorize('C');
  expect(await remove(world)).toEqual([]);
  world.close();
});

test.each([true, false])(
  'a create that was refused leaves no claim, and does not claim a connection that is made by hand later (adoptExisting: %p)',
  async (adoptExisting) => {
    const world = await MatrixWorld.populate();
    const unpeered = fleet({ name: 'Arena', peering: 'none' });
    world.functions.faults = {
      call: ({ operation }) =>
        operation === 'CreateVpcPeeringConnection' ? { kind: 'error', name: 'InvalidRequestException', status: 400 } : undefined,
    };
    const kept = declare({ fleets: [fleet(), unpeered] });
    expect(await world.cloudFormation.deploy(assemblyOf(kept), STACK, { onFailure: 'keep' })).toMatchObject({
      status: 'CREATE_FAILED',
    });
    world.functions.faults = {};
    const { id: FleetId, tags } = lobby(world);
    expect(tags).toEqual({});
    await world.waitDays(2);
    await world.authorize('A');
    const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: world.vpcs.A.vpcId };
    await world.aws.callGameLift('CreateVpcPeeringConnection', input, PLACE);
    await world.waitDays(2);
    const byHand = connectionsOf(world, FleetId);
    expect(byHand).toMatchObject([{ status: 'active' }]);
    const { status } = await deploy(world, declare({ fleets: [fleet({ adoptExisting }), unpeered] }));
    expect(status).toBe(adoptExisting ? 'UPDATE_COMPLETE' : 'UPDATE_ROLLBACK_COMPLETE');
    expect(connectionsOf(world, FleetId)).toEqual(byHand);
    world.close();
  },
);

test.each([
  [8, false],
  [25, false],
  [25, true],
])(
  'waits for a list of connections that is %d seconds late (it contains an earlier connection: %p)',
  async (late, hasEarlier) => {
    const world = await MatrixWorld.populate({ fleetEvents: 'never seen' });
    world.aws.scriptedOutcomes.connectionSeconds = 6;
    for (const declared of hasEarlier ? [UNPEERED, PEERED, UNPEERED] : [UNPEERED]) {
      expect(await deploy(world, declared)).toMatchObject({
        status: expect.stringMatching(/^(CREATE|UPDATE)_COMPLETE$/) as string,
      });
    }
    await world.clock.sleep(600_000);
    const earlier = new Set(connectionsOf(world, lobby(world).id).map(({ id }) => id));
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
        earlier.has(id) || world.clock.now() - requestedAt >= late * 1000;
      return { VpcPeeringConnections: listed.filter(isShown) };
    });
    expect(await deploy(world, PEERED)).toMatchObject({ status: 'UPDATE_COMPLETE' });
    jest.restoreAllMocks();
    expect(deviations(world, PEERED)).toEqual([]);
    expect(await remove(world)).toEqual([]);
    world.close();
  },
);

test.each([MAX_PEERED_BEFORE, MAX_PEERED_BEFORE + 1])('works with %d other peerings of the VPC', async (others) => {
  const listsConnectionsFirst = async (name: keyof typeof LIFECYCLES): Promise<boolean> => {
    const world = await MatrixWorld.populate({ fleetEvents: 'never seen' });
    world.peerWithMore(others - 1);
    expect(await runLife(world, LIFECYCLES[name])).toEqual([]);
    world.close();
    const operations = world.functions.calls
      .filter(({ request, service }) => request.startsWith('Create LobbyPeering') && service === 'gamelift')
      .map(({ operation }) => operation);
    const [first] = operations.filter((operation) => /VpcPeeringConnections?$/.test(operation));
    return first === 'DescribeVpcPeeringConnections';
  };
  // if the peerings do not fit in a claim, the handler reads GameLift's list instead
  expect(await listsConnectionsFirst('created and deleted within a day')).toBe(others > MAX_PEERED_BEFORE);
  await listsConnectionsFirst('existing connection, adopted');
  await listsConnectionsFirst('existing connection, not adopted');
});
