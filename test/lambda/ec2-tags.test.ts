import { OWNER_TAG, TAG_PREFIX } from '../../lib/contract';
import { Ec2Tags } from '../../lambda/network/ec2-tags';
import type { TaggedOwner } from '../../lambda/network/ec2-tags';
import { ec2Side, OTHER_OWNER, listedConnection, ec2ViewOf, UNRELATED_VPC } from './situations';

const OWNER = 'Game/Peering/guid';
const tags = new Ec2Tags(OWNER, 'fleet-1');
const withTags = (owner: string, fleetId: string): object => ({ tags: { [OWNER_TAG]: owner, [`${TAG_PREFIX}fleet`]: fleetId } });
const OTHER_RESOURCE: TaggedOwner = { kind: 'another resource', name: OTHER_OWNER };

test.each<readonly [string, object, TaggedOwner]>([
  ['this resource if the tags name it', withTags(OWNER, 'fleet-1'), { kind: 'this resource' }],
  ['another resource if the tags name it', withTags(OTHER_OWNER, 'fleet-1'), OTHER_RESOURCE],
  ['an unknown owner if there are no tags', {}, { kind: 'unknown' }],
  ['an unknown owner if the tags name this resource and another fleet', withTags(OWNER, 'fleet-2'), { kind: 'unknown' }],
  [
    'an unknown owner if only a connection of another VPC has tags',
    { ...withTags(OTHER_OWNER, 'fleet-1'), requesterVpcId: UNRELATED_VPC },
    { kind: 'unknown' },
  ],
  [
    'an unknown owner if only an ended connection has tags',
    { ...withTags(OTHER_OWNER, 'fleet-1'), status: 'deleted' },
    { kind: 'unknown' },
  ],
])('a connection belongs to %s', (_, side, owner) => {
  expect(tags.taggedOwnerOf(listedConnection(), ec2ViewOf(ec2Side(side)))).toEqual(owner);
});
