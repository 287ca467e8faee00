import { RemovalPolicy } from 'aws-cdk-lib';
import type { Rehearsal } from 'rehearsal';
import type { Inventory } from 'rehearsal/aws';
import { PeeringRoutes } from '../../lib';
import {
  expectNothingLeft,
  ACCOUNT,
  createExistingResources,
  expectNoFailedDelete,
  failAfterConnections,
  deployConnections,
  ACCOUNT_AND_REGION,
  deleteStack,
  startFastRehearsal,
  withStackStatus,
  withoutExpirationTimes,
} from './common-stacks';
import type { ExistingResources, ConnectionsOptions } from './common-stacks';
import { DAY_MS, failureReasons, HOUR_MS, closeRehearsals } from './rehearsals';

afterEach(closeRehearsals);

/** Authorizes and connects the fleet by hand. */
async function connectByHand(rehearsal: Rehearsal, { fleetIds, vpcId }: ExistingResources): Promise<void> {
  const pair = { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: vpcId };
  await rehearsal.aws.callGameLift('CreateVpcPeeringAuthorization', pair, ACCOUNT_AND_REGION);
  const input = { FleetId: fleetIds[0], PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: vpcId };
  await rehearsal.aws.callGameLift('CreateVpcPeeringConnection', input, ACCOUNT_AND_REGION);
  // until the authorization has expired
  await rehearsal.clock.sleep(2 * DAY_MS);
}

const findConnection = (rehearsal: Rehearsal, existing: ExistingResources): object | undefined =>
  rehearsal.aws
    .inventory()
    .connections.find((connection) => 'fleetId' in connection && connection.fleetId === existing.fleetIds[0]);

/** Expects this inventory and one authorization. The handler lets it expire, because a connection of somebody else may need it. */
function expectAuthorizationLeftToExpire(rehearsal: Rehearsal, inventory: Inventory): void {
  const { authorizations, ...others } = rehearsal.aws.inventory();
  expect({ ...others, authorizations: [] }).toEqual(inventory);
  const expirationTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
  expect(authorizations).toEqual([expect.objectContaining({ expirationTime })]);
}

const ADOPTING: ConnectionsOptions = { props: { adoptExisting: true, dnsResolution: true } };

describe('a connection that somebody made by hand', () => {
  test('makes the create fail, and stays unchanged', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    await connectByHand(rehearsal, existing);
    const before = rehearsal.aws.inventory();
    const [{ id }] = before.connections as [{ id: string }];
    expect(await deployConnections(rehearsal, existing)).toBe('ROLLBACK_COMPLETE');
    expect(failureReasons(rehearsal)).toEqual([
      `could not peer fleet ${existing.fleetIds[0] ?? ''} with VPC ${existing.vpcId} in us-east-1: ` +
        `the peering connection ${id} between them exists already, and this stack did not create it. Delete it, or pass adoptExisting to the VpcPeeringConnection to ` +
        'use it and leave it in place',
    ]);
    expectAuthorizationLeftToExpire(rehearsal, withStackStatus(before, 'ROLLBACK_COMPLETE'));
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothingLeft(rehearsal, before);
  });

  test.each(['every route table', 'none'] as const)(
    'is adopted with adoptExisting, and restored when the construct is removed (peerVpcWrites: %s)',
    async (peerVpcWrites) => {
      const rehearsal = await startFastRehearsal();
      rehearsal.aws.behaviours.set('peerVpcWrites', peerVpcWrites);
      const existing = await createExistingResources(rehearsal);
      await connectByHand(rehearsal, existing);
      const before = rehearsal.aws.inventory();
      expect(await deployConnections(rehearsal, existing, ADOPTING)).toBe('CREATE_COMPLETE');
      const adopted = rehearsal.aws.inventory();
      expect(adopted.connections).toEqual(before.connections);
      expect(adopted.peerings).toEqual([expect.objectContaining({ dnsResolution: { accepter: true, requester: false } })]);
      expect(adopted.routes.length).toBeGreaterThanOrEqual(3);
      await rehearsal.clock.sleep(10 * DAY_MS);
      expect(await deployConnections(rehearsal, existing, { ...ADOPTING, fleetIds: [] })).toBe('UPDATE_COMPLETE');
      expectNoFailedDelete(rehearsal);
      expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
      await expectNothingLeft(rehearsal, before);
    },
  );

  test('is adopted without dnsResolution, and keeps DNS resolution on if it was on', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    await connectByHand(rehearsal, existing);
    const [peering] = rehearsal.aws.ec2.peerings.all();
    Object.assign(peering?.dnsResolution ?? {}, { accepter: true });
    expect(await deployConnections(rehearsal, existing, { props: { adoptExisting: true } })).toBe('CREATE_COMPLETE');
    expect(rehearsal.aws.inventory().peerings).toEqual([
      expect.objectContaining({ dnsResolution: { accepter: true, requester: false } }),
    ]);
  });

  test('is adopted, and restored when the create is rolled back', async () => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
    const existing = await createExistingResources(rehearsal);
    await connectByHand(rehearsal, existing);
    const before = rehearsal.aws.inventory();
    expect(await deployConnections(rehearsal, existing, { ...ADOPTING, addResources: failAfterConnections })).toBe(
      'ROLLBACK_COMPLETE',
    );
    expectAuthorizationLeftToExpire(rehearsal, withStackStatus(before, 'ROLLBACK_COMPLETE'));
  });

  test('is adopted, belongs to the stack after adoptExisting is removed, and is deleted with the stack', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    const before = rehearsal.aws.inventory();
    await connectByHand(rehearsal, existing);
    expect(await deployConnections(rehearsal, existing, ADOPTING)).toBe('CREATE_COMPLETE');
    await rehearsal.clock.sleep(DAY_MS);
    expect(await deployConnections(rehearsal, existing)).toBe('UPDATE_COMPLETE');
    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    // the routes from before the adoption are deleted, too, because only this connection used them
    await expectNothingLeft(rehearsal, before);
  });

  test('is adopted, and restored if an update that removes adoptExisting is rolled back', async () => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.behaviours.set('peerVpcWrites', 'main route table');
    const existing = await createExistingResources(rehearsal);
    await connectByHand(rehearsal, existing);
    const before = rehearsal.aws.inventory();
    expect(await deployConnections(rehearsal, existing, ADOPTING)).toBe('CREATE_COMPLETE');
    const withoutAdoptExisting: ConnectionsOptions = {
      props: { routes: PeeringRoutes.none() },
      addResources: failAfterConnections,
    };
    expect(await deployConnections(rehearsal, existing, withoutAdoptExisting)).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothingLeft(rehearsal, before);
  });
});

describe('a connection of another stack', () => {
  test('is adopted, and still belongs to the other stack after the create is rolled back', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    expect(await deployConnections(rehearsal, existing, { name: 'Owner' })).toBe('CREATE_COMPLETE');
    const before = rehearsal.aws.inventory();
    const retained = { removalPolicy: RemovalPolicy.RETAIN };
    expect(
      await deployConnections(rehearsal, existing, { ...ADOPTING, authorization: retained, addResources: failAfterConnections }),
    ).toBe('ROLLBACK_COMPLETE');
    expect(withoutExpirationTimes(rehearsal.aws.inventory())).toEqual(
      withStackStatus(withoutExpirationTimes(before), 'ROLLBACK_COMPLETE'),
    );
  });

  test('is adopted, and is kept when the stack that owns it is deleted', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    expect(await deployConnections(rehearsal, existing, { name: 'Owner' })).toBe('CREATE_COMPLETE');
    expect(await deployConnections(rehearsal, existing, ADOPTING)).toBe('CREATE_COMPLETE');
    await rehearsal.clock.sleep(10 * DAY_MS);
    const { connections, routes } = rehearsal.aws.inventory();
    expect(await deleteStack(rehearsal, 'Owner')).toBe('DELETE_COMPLETE');
    expect(rehearsal.aws.inventory()).toMatchObject({ connections, routes });
  });

  test('can be moved: the other stack retains it, this stack adopts it, removes adoptExisting, and deletes it', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    const before = rehearsal.aws.inventory();
    const retaining = { name: 'From', props: { removalPolicy: RemovalPolicy.RETAIN } };
    expect(await deployConnections(rehearsal, existing, { name: 'From' })).toBe('CREATE_COMPLETE');
    const { connections, routes, peerings } = rehearsal.aws.inventory();
    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deployConnections(rehearsal, existing, retaining)).toBe('UPDATE_COMPLETE');
    expect(await deployConnections(rehearsal, existing, { name: 'To', props: { adoptExisting: true } })).toBe('CREATE_COMPLETE');
    await rehearsal.clock.sleep(HOUR_MS);
    expect(await deleteStack(rehearsal, 'From')).toBe('DELETE_COMPLETE');
    expect(rehearsal.aws.inventory()).toMatchObject({ connections, routes, peerings });
    expect(await deployConnections(rehearsal, existing, { name: 'To' })).toBe('UPDATE_COMPLETE');
    expect(rehearsal.aws.inventory()).toMatchObject({ connections, routes, peerings });
    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deleteStack(rehearsal, 'To')).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    await expectNothingLeft(rehearsal, before);
  });
});

describe('a connection of this stack', () => {
  test('makes the create of a renamed construct fail, and stays unchanged', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
    const before = rehearsal.aws.inventory();
    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deployConnections(rehearsal, existing, { id: 'Renamed' })).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(failureReasons(rehearsal)).toEqual([
      expect.stringMatching(
        /: the peering connection belongs to resource Peering\w+ of stack Stack \([0-9a-f-]{36}\), according to a tag on the fleet\. Remove it there, or pass adoptExisting to the VpcPeeringConnection to use it$/,
      ),
    ]);
    const after = rehearsal.aws.inventory();
    expect({ ...after, authorizations: [] }).toEqual({
      ...withStackStatus(before, 'UPDATE_ROLLBACK_COMPLETE'),
      authorizations: [],
    });
  });

  test('is created again by the next update of its resource if somebody deleted it by hand', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    const before = rehearsal.aws.inventory();
    expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
    await rehearsal.clock.sleep(HOUR_MS);
    const [{ id, fleetId }] = rehearsal.aws.inventory().connections as [{ id: string; fleetId: string }];
    const input = { FleetId: fleetId, VpcPeeringConnectionId: id };
    await rehearsal.aws.callGameLift('DeleteVpcPeeringConnection', input, ACCOUNT_AND_REGION);
    expect(findConnection(rehearsal, existing)).toBeUndefined();
    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deployConnections(rehearsal, existing, { props: { dnsResolution: true } })).toBe('UPDATE_COMPLETE');
    expect(findConnection(rehearsal, existing)).toMatchObject({ status: 'active' });
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothingLeft(rehearsal, before);
  });

  test('does not block the deletion of the stack if somebody deleted it by hand', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    const before = rehearsal.aws.inventory();
    expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
    const [{ id, fleetId }] = rehearsal.aws.inventory().connections as [{ id: string; fleetId: string }];
    await rehearsal.clock.sleep(HOUR_MS);
    await rehearsal.aws.callGameLift(
      'DeleteVpcPeeringConnection',
      { FleetId: fleetId, VpcPeeringConnectionId: id },
      ACCOUNT_AND_REGION,
    );
    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    await expectNothingLeft(rehearsal, before);
  });
});
