import { OWNER_TAG, TAG_PREFIX } from '../../lib/contract';
import { Ec2Tags } from '../../lambda/network/ec2-tags';
import type { TaggedOwner } from '../../lambda/network/ec2-tags';
import { ec2Side, OTHER, peering, shown, UNRELATED_VPC } from './situations';

const OWN = 'Game/Peering/guid';
const tags = new Ec2Tags(OWN, 'fleet-1');
const tagged = (owner: string, fleetId: string): object => ({ tags: { [OWNER_TAG]: owner, [`${TAG_PREFIX}fleet`]: fleetId } });
const BY_OTHER: TaggedOwner = { kind: 'another resource', name: OTHER };

test.each<readonly [string, object, TaggedOwner]>([
  ['this resource, by its tags', tagged(OWN, 'fleet-1'), { kind: 'this resource' }],
  ['another resource, by its tags', tagged(OTHER, 'fleet-1'), BY_OTHER],
  ['nobody known, without tags', {}, { kind: 'unknown' }],
  ['nobody known, if the tags name this resource with another fleet', tagged(OWN, 'fleet-2'), { kind: 'unknown' }],
  [
    'nobody known, if only a connection of another VPC has tags',
    { ...tagged(OTHER, 'fleet-1'), requesterVpcId: UNRELATED_VPC },
    { kind: 'unknown' },
  ],
  ['nobody known, if only an ended connection has tags', { ...tagged(OTHER, 'fleet-1'), status: 'deleted' }, { kind: 'unknown' }],
])('a connection belongs to %s', (_, side, owner) => {
  expect(tags.taggedOwnerOf(peering(), shown(ec2Side(side)))).toEqual(owner);
});
