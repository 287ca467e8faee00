import { describeOwner, ownerOf } from '../../lambda/peering/claim';
import { GUID } from './world';

/** GameLift's limit. */
const MAX_TAG_VALUE_LENGTH = 256;

function owner(stackName: string, logicalResourceId: string, guid = GUID): string {
  const stackId = `arn:aws:cloudformation:us-east-1:111111111111:stack/${stackName}/${guid}`;
  return ownerOf({ stackId, logicalResourceId });
}

test('ownerOf returns the stack name, the logical id and the unique part of the stack id', () => {
  expect(owner('Game', 'Peering')).toBe(`Game/Peering/${GUID}`);
});

test.each([
  ['short', 'Game', 'Peering'],
  ['as long as possible', 'S'.repeat(128), 'P'.repeat(254)],
])(
  'ownerOf, if the stack name and the logical id are %s, returns a text that fits into a tag and differs for another stack or logical id',
  (_, stack, logicalId) => {
    const owners = [
      owner(stack, `${logicalId}1`),
      owner(stack, `${logicalId}2`),
      owner(`${stack.slice(1)}2`, `${logicalId}1`),
      owner(stack, `${logicalId}1`, GUID.replace(/0$/, '1')),
    ];
    expect(new Set(owners).size).toBe(owners.length);
    expect(Math.max(...owners.map(({ length }) => length))).toBeLessThanOrEqual(MAX_TAG_VALUE_LENGTH);
    // a second call returns the same owner
    expect(owner(stack, `${logicalId}1`)).toBe(owners[0]);
  },
);

test.each([
  ['names the parts of an owner', `Game/Peering/${GUID}`, `resource Peering of stack Game (${GUID})`],
  ['shows a tag that somebody has edited', 'Game', 'an unknown resource (its tag says "Game")'],
  ['shows an empty tag', '', 'an unknown resource (its tag says "")'],
  ['shows a tag with an empty part', `Game//${GUID}`, `an unknown resource (its tag says "Game//${GUID}")`],
])('describeOwner %s', (_, tag, description) => {
  expect(describeOwner(tag)).toBe(description);
});
