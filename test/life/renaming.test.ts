import {
  deployFleetStack,
  expectNoFailedDelete,
  expectNothingLeft,
  deleteStack,
  startFastRehearsal,
  withoutExpirationTimes,
  withStackStatus,
} from './common-stacks';
import { DAY_MS, failureReasons, closeRehearsals } from './rehearsals';

afterEach(closeRehearsals);

test('a renamed construct keeps its connection and rules if its resources keep their logical ids', async () => {
  const rehearsal = await startFastRehearsal();
  const before = rehearsal.aws.inventory();
  expect(await deployFleetStack(rehearsal)).toBe('CREATE_COMPLETE');
  const { connections, peerings, routes, rules } = rehearsal.aws.inventory();
  await rehearsal.clock.sleep(10 * DAY_MS);
  const renamed = {
    id: 'Renamed',
    addResources: (stack) => {
      stack.renameLogicalId('Renamed9CF9602B', 'Peering3EBF733F');
      stack.renameLogicalId('RenamedRule1367faa574e2b8ad0A79E223', 'PeeringRule1367faa574e2b8adFB75E100');
    },
  } satisfies Parameters<typeof deployFleetStack>[1];
  expect(await deployFleetStack(rehearsal, renamed)).toBe('UPDATE_COMPLETE');
  const after = rehearsal.aws.inventory();
  expect(after).toMatchObject({ connections, peerings, routes });
  expect(withoutDescriptions(after.rules)).toEqual(withoutDescriptions(rules));
  await rehearsal.clock.sleep(10 * DAY_MS);
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await expectNothingLeft(rehearsal, before);
});

/** The description of a rule contains the id of the construct. */
function withoutDescriptions(rules: readonly object[]): object[] {
  return rules.map((rule) => ({ ...rule, description: '' }));
}

test('an update that renames a construct and its logical ids fails, and changes nothing', async () => {
  const rehearsal = await startFastRehearsal();
  expect(await deployFleetStack(rehearsal)).toBe('CREATE_COMPLETE');
  const created = withoutExpirationTimes(rehearsal.aws.inventory());
  expect(await deployFleetStack(rehearsal, { id: 'Renamed' })).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(failureReasons(rehearsal)).toEqual([
    expect.stringContaining('the peering connection belongs to resource Peering3EBF733F of stack Stack ('),
  ]);
  expect(withoutExpirationTimes(rehearsal.aws.inventory())).toEqual(withStackStatus(created, 'UPDATE_ROLLBACK_COMPLETE'));
});
