import { deploy, expectNoFailedDelete, expectNothingLeft, remove, start, withoutExpirationTimes, withStack } from './scene';
import { DAY, failures, Stage } from './stage';

afterEach(() => Stage.clear());

test('a connection is renamed in the app, with its rules, and keeps its logical ids: it is the same connection', async () => {
  const rehearsal = await start();
  const before = rehearsal.aws.inventory();
  expect(await deploy(rehearsal)).toBe('CREATE_COMPLETE');
  const { connections, peerings, routes, rules } = rehearsal.aws.inventory();
  await rehearsal.clock.sleep(10 * DAY);
  const renamed = {
    id: 'Renamed',
    more: (stack) => {
      stack.renameLogicalId('Renamed9CF9602B', 'Peering3EBF733F');
      stack.renameLogicalId('RenamedRule1367faa574e2b8ad0A79E223', 'PeeringRule1367faa574e2b8adFB75E100');
    },
  } satisfies Parameters<typeof deploy>[1];
  expect(await deploy(rehearsal, renamed)).toBe('UPDATE_COMPLETE');
  const after = rehearsal.aws.inventory();
  expect(after).toMatchObject({ connections, peerings, routes });
  expect(withoutDescriptions(after.rules)).toEqual(withoutDescriptions(rules));
  await rehearsal.clock.sleep(10 * DAY);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await expectNothingLeft(rehearsal, before);
});

/** The description of a rule names the construct. */
function withoutDescriptions(rules: readonly object[]): object[] {
  return rules.map((rule) => ({ ...rule, description: '' }));
}

test('a connection that is renamed with its rules, but not with its logical ids, is refused and nothing is lost', async () => {
  const rehearsal = await start();
  expect(await deploy(rehearsal)).toBe('CREATE_COMPLETE');
  const created = withoutExpirationTimes(rehearsal.aws.inventory());
  expect(await deploy(rehearsal, { id: 'Renamed' })).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(failures(rehearsal)).toEqual([
    expect.stringContaining('the peering connection belongs to resource Peering3EBF733F of stack Stack ('),
  ]);
  expect(withoutExpirationTimes(rehearsal.aws.inventory())).toEqual(withStack(created, 'UPDATE_ROLLBACK_COMPLETE'));
});
