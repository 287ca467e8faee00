import type { Rehearsal } from 'rehearsal';
import { layoutOf, picturedLife } from 'rehearsal/picture';
import { deployFleetStack, deleteStack, startFastRehearsal } from './common-stacks';
import { DAY_MS, STACK, closeRehearsals } from './rehearsals';

afterEach(closeRehearsals);

/** The groups and results that the picture of the rehearsal shows. */
function pictureOf(rehearsal: Rehearsal) {
  const [firstEntry] = rehearsal.journal.entries;
  return layoutOf(picturedLife('a life', firstEntry?.time ?? 0, rehearsal));
}

test('the picture shows why a deletion after thirty days succeeded', async () => {
  const rehearsal = await startFastRehearsal();
  await deployFleetStack(rehearsal);
  await rehearsal.clock.sleep(30 * DAY_MS);
  await deleteStack(rehearsal);
  const { groups, results } = pictureOf(rehearsal);
  expect(results.map(({ operation, authorization }) => [operation?.status, authorization])).toEqual([
    ['CREATE_COMPLETE', expect.stringMatching(/^no authorization before, authorized after \d+ s$/)],
    ['DELETE_COMPLETE', expect.stringMatching(/^expired 29 d before, authorized (at once|after \d+ s), then canceled$/)],
  ]);
  expect(groups.map(({ name }) => name)).toEqual(['Stack']);
  const { authorizations = [], lanes = [] } = groups[0] ?? {};
  expect(authorizations).toHaveLength(1);
  expect(authorizations[0]?.vpc).toMatch(/^Stack\/Vpc/);
  expect(authorizations[0]?.windows.map(({ endedBy }) => endedBy)).toEqual(['expiry', 'cancellation']);
  expect(lanes.map(({ lane }) => lane)).toEqual(['stack', 'resources', 'runs', 'changes', 'reads', 'fleets', 'messages']);
});

test('the picture shows why a deletion after thirty days failed', async () => {
  const rehearsal = await startFastRehearsal();
  await deployFleetStack(rehearsal, { peerOnCreate: true });
  await rehearsal.clock.sleep(30 * DAY_MS);
  // because of this fault, the teardown can't authorize
  rehearsal.aws.intercept(({ operation }) =>
    operation === 'CreateVpcPeeringAuthorization'
      ? { kind: 'error', name: 'InvalidRequestException', message: 'no', status: 400 }
      : undefined,
  );
  await deleteStack(rehearsal);
  const { results, groups } = pictureOf(rehearsal);
  expect(results.at(-1)).toMatchObject({ operation: { status: 'DELETE_FAILED', isComplete: false } });
  expect(results.at(-1)?.authorization).toBe('expired 29 d before');
  const calls = groups.flatMap(({ lanes }) => lanes.filter(({ lane }) => lane === 'changes').flatMap(({ events }) => events));
  expect(calls.filter(({ result }) => result === 'bad').map(({ title }) => title)).toContain(
    'CreateVpcPeeringAuthorization: InvalidRequestException',
  );
});

test('the picture shows a call that GameLift refused because the authorization was missing', async () => {
  const rehearsal = await startFastRehearsal();
  await deployFleetStack(rehearsal);
  await rehearsal.clock.sleep(2 * DAY_MS);
  const { resources, account, region } = rehearsal.cloudFormation.describe(STACK);
  const fleet = resources.find(({ logicalId }) => logicalId === 'Fleet');
  const deletion = rehearsal.aws.callGameLift('DeleteFleet', { FleetId: fleet?.physicalId }, { account, region });
  await expect(deletion).rejects.toMatchObject({ code: 'UnauthorizedException' });
  const [stack, ...others] = pictureOf(rehearsal).groups;
  expect(others).toEqual([]);
  expect(stack?.authorizations.map(({ changes }) => changes.map(({ kind }) => kind))).toEqual([
    ['authorized', 'used', 'missing'],
  ]);
  const calls = stack?.lanes.find(({ lane }) => lane === 'changes')?.events;
  expect(calls?.at(-1)).toMatchObject({
    title: 'DeleteFleet: UnauthorizedException',
    text: 'Stack/Fleet: called by administrator',
  });
});
