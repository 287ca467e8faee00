import { OWNER_TAG, TAG_PREFIX } from '../../lib/contract';
import { Ec2Tags } from '../../lambda/network/ec2-tags';
import type { TaggedOwner } from '../../lambda/network/ec2-tags';
import { ec2Side, OTHER, peering, shown, UNRELATED_VPC } from './situations';

const OWN = 'Game/Peering/guid';
const tags = new Ec2Tags(OWN, 'fleet-1');
const tagged = (owner: string, fleetId: string): object => ({ tags: { [OWNER_TAG]: owner, [`${TAG_PREFIX}fleet`]: fleetId } });
const BY_OTHER: TaggedOwner = { kind: 'another resource', name: OTHER };

test.each<readonly [string, object, TaggedOwner]>([
  ['this resource if the tags name it', tagged(OWN, 'fleet-1'), { kind: 'this resource' }],
  ['another resource if the tags name it', tagged(OTHER, 'fleet-1'), BY_OTHER],
  ['an unknown owner if there are no tags', {}, { kind: 'unknown' }],
  ['an unknown owner if the tags name this resource and another fleet', tagged(OWN, 'fleet-2'), { kind: 'unknown' }],
  [
    'an unknown owner if only a connection of another VPC has tags',
    { ...tagged(OTHER, 'fleet-1'), requesterVpcId: UNRELATED_VPC },
    { kind: 'unknown' },
  ],
  [
    'an unknown owner if only an ended connection has tags',
    { ...tagged(OTHER, 'fleet-1'), status: 'deleted' },
    { kind: 'unknown' },
  ],
])('a connection belongs to %s', (_, side, owner) => {
  expect(tags.taggedOwnerOf(peering(), shown(ec2Side(side)))).toEqual(owner);
});
