import type { Faults } from 'rehearsal/in-process';
import type { ConnectionRecord } from '../../lambda/aws/api';
import { MAX_PEERED_BEFORE } from '../../lambda/peering/claim';
import { deviations, leftovers, reasons } from './checker';
import { runWithFault } from './faults';
import { deploy, live, LIFECYCLES } from './lifecycles';
import { assemblyOf, declare, fleet, STACK } from './stacks';
import type { Declared } from './stacks';
import { ACCOUNT, MatrixWorld, PLACE, REGION } from './world';

/*
 * Whose a connection is: with several runs of one request at a time, somebody else who requests one in the same moment, and
 * more peerings than a claim has room for.
 */

// another one is peered all the time: with the last connection, the permissions to make any would go
const arena = fleet({ name: 'Arena' });
const UNPEERED = declare({ fleets: [fleet({ peering: 'none' }), arena] });
const PEERED = declare({ fleets: [fleet(), arena] });

/** A fleet that is to be peered while something happens. */
async function peer(world: MatrixWorld, faults: Faults, peered = PEERED): Promise<string> {
  expect(await world.cloudFormation.deploy(assemblyOf(UNPEERED), STACK)).toMatchObject({ status: 'CREATE_COMPLETE' });
  world.functions.faults = faults;
  const { status } = await world.cloudFormation.deploy(assemblyOf(peered), STACK);
  // so long a copy of a request could be at work
  await world.clock.sleep(15 * 60_000);
  return status;
}

function lobby({ aws }: MatrixWorld): { readonly id: string; readonly tags: object } {
  const fleets = aws.inventory().fleets as readonly { readonly id: string; readonly Name: string; readonly tags: object }[];
  const found = fleets.find(({ Name }) => Name === 'Lobby');
  if (found === undefined) {
    throw new Error('there is no fleet Lobby');
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
  return leftovers(world);
}

test.each([0, 4, 8])(
  'a copy of a create that goes on while CloudFormation deletes what it takes for failed leaves nothing: %d seconds later',
  async (seconds) => {
    const world = await MatrixWorld.populate({ fleetEvents: 'never seen' });
    let failed = false;
    const status = await peer(world, {
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
    // whichever of the two answered first
    expect(status).toMatch(/^UPDATE_(ROLLBACK_)?COMPLETE$/);
    expect(deviations(world, status === 'UPDATE_COMPLETE' ? PEERED : UNPEERED)).toEqual([]);
    expect(await remove(world)).toEqual([]);
    world.close();
  },
);

describe('a copy of a refused create leaves no claim on a fleet that somebody else made', () => {
  const problemsWith = async (faults: Faults): Promise<readonly string[]> => {
    const scenario = { name: 'the create comes again', faults, severity: 'mild', leavesAuthorization: true } as const;
    return (await runWithFault('connection that was there before, refused', {}, scenario)).problems;
  };
  const isCreate = ({ request }: { readonly request: string }): boolean => request.startsWith('Create LobbyPeering');

  test.each([0, 0.5, 1, 1.5, 2, 5])('%d seconds later, while everything is deleted', async (seconds) => {
    expect(await problemsWith({ copies: (point) => (isCreate(point) ? [seconds] : []) })).toEqual([]);
  });

  test.each([0.5, 5, 9.5])('%d seconds later, before CloudFormation has the answer', async (seconds) => {
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

test('a copy of a create that waits to request what CloudFormation has deleted by then requests nothing', async () => {
  const world = await MatrixWorld.populate();
  let refused = false;
  const deleted = (): boolean =>
    world.functions.calls.some(
      ({ request, operation }) => request.startsWith('Delete LobbyPeering') && operation === 'UntagResource',
    );
  const status = await peer(world, {
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
  'of two runs that may adopt, the slower one does not take for adopted what the other made: an existing connection is %s',
  async (existingConnection) => {
    const adopting = declare({ fleets: [fleet({ adoptExisting: true }), arena] });
    const world = await MatrixWorld.populate({ existingConnection });
    const status = await peer(
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

test('a creation that failed, was kept and is made anew: its deletion leaves what came after it alone, whichever comes first', async () => {
  const world = await MatrixWorld.populate();
  const invocations: { readonly arn: string; readonly event: Readonly<Record<string, unknown>> }[] = [];
  const { functions, responses } = world;
  const invoke = functions.invokeAsync.bind(functions);
  jest.spyOn(functions, 'invokeAsync').mockImplementation((arn, event) => {
    invocations.push({ arn, event: event as Readonly<Record<string, unknown>> });
    invoke(arn, event);
  });
  /** Sends the last request for the connection again, changed; gives the answer. */
  const send = async (change: object): Promise<{ readonly Status: string; readonly PhysicalResourceId: string }> => {
    const last = invocations.findLast(({ event }) => String(event.LogicalResourceId).startsWith('LobbyPeering'));
    if (last === undefined) {
      throw new Error('nothing was ever asked of the connection');
    }
    const { url, answer } = responses.issue({ region: REGION, stackId: '', logicalId: '', requestId: '' });
    invoke(last.arn, { ...last.event, ResponseURL: url, ...change });
    await world.clock.sleep(15 * 60_000);
    return JSON.parse((await answer).toString()) as { readonly Status: string; readonly PhysicalResourceId: string };
  };
  const status = await peer(world, {
    call: ({ request, operation }) =>
      request.startsWith('Create LobbyPeering') && operation === 'CreateTags'
        ? { kind: 'error', name: 'TagLimitExceeded', status: 400 }
        : undefined,
  });
  expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
  // CloudFormation knows nothing of what is made now
  const wrong = (): readonly string[] =>
    deviations(world, PEERED).filter((text) => !/^\w+ of Lobby is undefined|is not claimed as Game\/undefined\//.test(text));
  const failed = await send({ RequestType: 'Create', RequestId: 'one', PhysicalResourceId: undefined });
  expect(failed).toMatchObject({ Status: 'FAILED', PhysicalResourceId: expect.stringMatching(/\/unfinished\/one$/) as string });
  world.functions.faults = {};
  const made = await send({ RequestType: 'Create', RequestId: 'two', PhysicalResourceId: undefined });
  expect(made).toMatchObject({ Status: 'SUCCESS' });
  const { PhysicalResourceId } = failed;
  expect(await send({ RequestType: 'Delete', RequestId: 'three', PhysicalResourceId })).toMatchObject({ Status: 'SUCCESS' });
  expect(wrong()).toEqual([]);
  // updated under the id of one that failed, it keeps that id, and goes by it
  const updated = await send({ RequestType: 'Update', RequestId: 'four', PhysicalResourceId, OldResourceProperties: {} });
  expect(updated).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
  expect(wrong()).toEqual([]);
  expect(await send({ RequestType: 'Delete', RequestId: 'five', PhysicalResourceId })).toMatchObject({ Status: 'SUCCESS' });
  expect(deviations(world, UNPEERED)).toEqual([]);
  expect(await remove(world)).toEqual([]);
  world.close();
});

test("what somebody else requests in the same moment is not taken for one's own", async () => {
  const world = await MatrixWorld.populate();
  let requested = false;
  const status = await peer(world, {
    call: ({ operation }) => {
      if (!requested && operation === 'CreateVpcPeeringConnection') {
        requested = true;
        const FleetId = lobby(world).id;
        const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: world.places.A.vpcId };
        void world.aws.callGameLift('CreateVpcPeeringConnection', input, PLACE);
      }
      return undefined;
    },
  });
  expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(reasons(world)).toEqual([expect.stringContaining('exists already, and this stack did not create it')]);
  const { id, tags } = lobby(world);
  expect(tags).toEqual({});
  expect(world.aws.inventory().connections).toContainEqual(expect.objectContaining({ fleetId: id, status: 'active' }));
  world.close();
});

describe('tags that CloudFormation strips from the fleet', () => {
  test.each(['stored', 'ignored'] as const)('a move that is rolled back leaves nothing in the other VPC: %s', async (reading) => {
    const world = await MatrixWorld.populate({ foreignFleetTags: 'strips them', failedUpdatePhysicalId: reading });
    const here = declare();
    expect(await deploy(world, here)).toMatchObject({ status: 'CREATE_COMPLETE' });
    world.functions.faults = {
      call: ({ operation }) =>
        operation === 'ModifyVpcPeeringConnectionOptions'
          ? { kind: 'error', name: 'OperationNotPermitted', status: 400 }
          : undefined,
    };
    const there = declare({ vpc: 'B', fleets: [fleet({ description: 'second', dnsResolution: true })] });
    expect(await deploy(world, there)).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE' });
    expect(deviations(world, here)).toEqual([]);
    expect(await remove(world)).toEqual([]);
    world.close();
  });

  test.each([{}, { routes: 'one subnet' as const }])(
    'what was made with adoptExisting is deleted with the construct, after a change of %p',
    async (change) => {
      const world = await MatrixWorld.populate({ foreignFleetTags: 'strips them' });
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

  test('a connection that somebody made anew by hand stays when the construct goes', async () => {
    const world = await MatrixWorld.populate({ foreignFleetTags: 'strips them' });
    expect(await deploy(world, PEERED)).toMatchObject({ status: 'CREATE_COMPLETE' });
    const { id: FleetId } = lobby(world);
    const [old] = connectionsOf(world, FleetId);
    await world.authorize('A');
    await world.clock.sleep(60_000);
    await world.aws.callGameLift('DeleteVpcPeeringConnection', { FleetId, VpcPeeringConnectionId: old?.id }, PLACE);
    await world.clock.sleep(60_000);
    const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: world.places.A.vpcId };
    await world.aws.callGameLift('CreateVpcPeeringConnection', input, PLACE);
    await world.pass(2);
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

test('creates that are cancelled while they wait for a look make nothing: six at once, where EC2 can not be asked', async () => {
  const world = await MatrixWorld.populate();
  const of = (peering: 'connected' | 'none'): Declared => {
    const names = ['Lobby', 'Arena', 'Third', 'Fourth', 'Fifth', 'Sixth'];
    const fleets = names.map((name) => fleet({ name, peering, routes: 'none' }));
    return declare({ vpc: 'C', access: 'none', fleets: [...fleets, fleet({ name: 'Last', routes: 'none' })] });
  };
  await world.authorize('C');
  expect(await deploy(world, of('none'))).toMatchObject({ status: 'CREATE_COMPLETE' });
  await world.pass(0.5);
  await world.authorize('C');
  let failed = false;
  world.functions.faults = {
    call: ({ request, operation }) => {
      const fails = !failed && /^Create \w+Peering/.test(request) && operation === 'ListTagsForResource';
      failed ||= fails;
      return fails ? { kind: 'error', name: 'InvalidRequestException', status: 400 } : undefined;
    },
  };
  expect(await deploy(world, of('connected'))).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE' });
  await world.clock.sleep(20 * 60_000);
  expect(deviations(world, of('none'))).toEqual([]);
  await world.pass(3);
  await world.authorize('C');
  expect(await remove(world)).toEqual([]);
  world.close();
});

test.each([true, false])(
  'after all requests were refused, nothing is claimed, and what is made by hand then is not taken: adoptExisting %p',
  async (adoptExisting) => {
    const world = await MatrixWorld.populate();
    const rest = fleet({ name: 'Arena', peering: 'none' });
    world.functions.faults = {
      call: ({ operation }) =>
        operation === 'CreateVpcPeeringConnection' ? { kind: 'error', name: 'InvalidRequestException', status: 400 } : undefined,
    };
    const kept = declare({ fleets: [fleet(), rest] });
    expect(await world.cloudFormation.deploy(assemblyOf(kept), STACK, { onFailure: 'keep' })).toMatchObject({
      status: 'CREATE_FAILED',
    });
    world.functions.faults = {};
    const { id: FleetId, tags } = lobby(world);
    expect(tags).toEqual({});
    await world.pass(2);
    await world.authorize('A');
    const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: world.places.A.vpcId };
    await world.aws.callGameLift('CreateVpcPeeringConnection', input, PLACE);
    await world.pass(2);
    const byHand = connectionsOf(world, FleetId);
    expect(byHand).toMatchObject([{ status: 'active' }]);
    const { status } = await deploy(world, declare({ fleets: [fleet({ adoptExisting }), rest] }));
    expect(status).toBe(adoptExisting ? 'UPDATE_COMPLETE' : 'UPDATE_ROLLBACK_COMPLETE');
    expect(connectionsOf(world, FleetId)).toEqual(byHand);
    world.close();
  },
);

test.each([
  [8, false],
  [25, false],
  [25, true],
])('a list of connections that is %d seconds late is waited for; one of earlier is in it: %p', async (late, earlier) => {
  const world = await MatrixWorld.populate({ fleetEvents: 'never seen' });
  world.aws.scriptedOutcomes.connectionSeconds = 6;
  for (const declared of earlier ? [UNPEERED, PEERED, UNPEERED] : [UNPEERED]) {
    expect(await deploy(world, declared)).toMatchObject({
      status: expect.stringMatching(/^(CREATE|UPDATE)_COMPLETE$/) as string,
    });
  }
  await world.clock.sleep(600_000);
  const old = new Set(connectionsOf(world, lobby(world).id).map(({ id }) => id));
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
      old.has(id) || world.clock.now() - requestedAt >= late * 1000;
    return { VpcPeeringConnections: listed.filter(isShown) };
  });
  expect(await deploy(world, PEERED)).toMatchObject({ status: 'UPDATE_COMPLETE' });
  jest.restoreAllMocks();
  expect(deviations(world, PEERED)).toEqual([]);
  expect(await remove(world)).toEqual([]);
  world.close();
});

test.each([MAX_PEERED_BEFORE, MAX_PEERED_BEFORE + 1])(
  '%d other peerings of the VPC, which nobody tells from those of the fleet',
  async (others) => {
    const asked = async (name: keyof typeof LIFECYCLES): Promise<boolean> => {
      const world = await MatrixWorld.populate({ fleetEvents: 'never seen' });
      world.peerWithMore(others - 1);
      expect(await live(world, LIFECYCLES[name])).toEqual([]);
      world.close();
      const operations = world.functions.calls
        .filter(({ request, service }) => request.startsWith('Create LobbyPeering') && service === 'gamelift')
        .map(({ operation }) => operation);
      const [first] = operations.filter((operation) => /VpcPeeringConnections?$/.test(operation));
      return first === 'DescribeVpcPeeringConnections';
    };
    // somebody else's, and those: GameLift has to be asked what a claim has no room for
    expect(await asked('created and deleted within a day')).toBe(others > MAX_PEERED_BEFORE);
    await asked('connection that was there before, adopted');
    await asked('connection that was there before, refused');
  },
);
