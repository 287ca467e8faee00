import type { VpcBlocks } from '../../lambda/network/ec2-view';
import { endedProblem, wouldEndAgain } from '../../lambda/peering/ended';
import type { EndedConnection } from '../../lambda/peering/ended';
import { listedConnection } from './situations';

function blocks(...cidrBlocks: readonly string[]): VpcBlocks {
  return { kind: 'shown', blocks: cidrBlocks };
}

function ended(change: Partial<EndedConnection> = {}, message = '', status = 'failed'): EndedConnection {
  return {
    peering: listedConnection({ status, message }),
    peerVpcId: 'vpc-peer',
    peerOnCreate: false,
    fleetCidrBlock: '10.1.0.0/16',
    vpcBlocks: blocks('10.0.0.0/16'),
    ...change,
  };
}

const OVERLAP = "the CIDR block of the fleet's VPC, 10.1.0.0/16, overlaps with 10.1.2.0/24 of VPC vpc-peer";
const CHANGE_BLOCK =
  'use a peer VPC with another CIDR block, or replace the fleet: GameLift may choose another block for a new fleet';
const CHANGE_BLOCK_SENTENCE = CHANGE_BLOCK.replace(/^u/, 'U');
const CHECK_EVENTS = 'Look at the events of the fleet, then deploy again';
const reports = (status: string): string => `GameLift reports the status ${status} for the peering connection`;
const FAILED = `${reports('failed')}, without a reason`;

const overlapping: Partial<EndedConnection> = { vpcBlocks: blocks('10.0.0.0/16', '10.1.2.0/24') };
const missingVpc: Partial<EndedConnection> = { vpcBlocks: { kind: 'no such VPC' } };
const unreadableVpc: Partial<EndedConnection> = { vpcBlocks: { kind: 'unavailable' } };
const unknownFleetBlock = { fleetCidrBlock: undefined };
const peeredOnCreate = { peerOnCreate: true };
const REPLACE_FLEET =
  'replace the fleet, or remove peerOnCreate, which replaces it too: with peerOnCreate, GameLift peers a fleet only while it creates it';
const CHECK_EVENTS_AND_REPLACE = `Look at the events of the fleet, then ${REPLACE_FLEET}`;

test.each<readonly [string, EndedConnection, boolean, string]>([
  ['GameLift gives no reason', ended(), false, `${FAILED}. ${CHECK_EVENTS}`],
  ['GameLift gives a reason', ended({}, 'not authorized'), false, `${reports('failed')} (not authorized). ${CHECK_EVENTS}`],
  [
    'the connection was deleted, so that another request may succeed',
    ended({}, 'no', 'deleted'),
    false,
    `${reports('deleted')} (no). ${CHECK_EVENTS}`,
  ],
  [
    'GameLift accepted the request, but lists no connection',
    ended({}, '', 'not listed'),
    false,
    `GameLift accepted the request, but lists no peering connection. ${CHECK_EVENTS}`,
  ],
  [
    'the connection was rejected, which is final',
    ended({}, 'no', 'rejected'),
    true,
    `${reports('rejected')} (no). ${CHECK_EVENTS}`,
  ],
  [
    'the connection expired, which is final',
    ended({}, '', 'expired'),
    true,
    `${reports('expired')}, without a reason. ${CHECK_EVENTS}`,
  ],
  ['the CIDR blocks overlap, which is final', ended(overlapping), true, `${OVERLAP}. ${CHANGE_BLOCK_SENTENCE}`],
  [
    'the CIDR blocks overlap, and GameLift gives a reason',
    ended(overlapping, 'no'),
    true,
    `${OVERLAP} (GameLift: no). ${CHANGE_BLOCK_SENTENCE}`,
  ],
  [
    'the peer VPC does not exist, which is final',
    ended(missingVpc),
    true,
    `${FAILED}, and EC2 finds no VPC vpc-peer. Correct the vpc of the VpcPeeringAuthorization, then deploy again`,
  ],
  [
    "the CIDR block of the fleet's VPC is unknown: the message has those of the peer VPC",
    ended({ ...unknownFleetBlock, vpcBlocks: blocks('10.0.0.0/16', '10.2.0.0/16') }, 'no'),
    false,
    `${reports('failed')} (no). The peer VPC has 10.0.0.0/16, 10.2.0.0/16, and GameLift does not say which CIDR block the fleet's VPC ` +
      `has. If the blocks overlap, ${CHANGE_BLOCK}. Otherwise, look at the events of the fleet, then deploy again`,
  ],
  [
    'the connection expired: the message has no CIDR blocks, because they are not the cause',
    ended(unknownFleetBlock, 'no', 'expired'),
    true,
    `${reports('expired')} (no). ${CHECK_EVENTS}`,
  ],
  ["EC2 can't be read: the message has no CIDR blocks", ended(unreadableVpc), false, `${FAILED}. ${CHECK_EVENTS}`],
  [
    'the fleet was peered on creation: only a new fleet is peered again',
    ended(peeredOnCreate, 'no'),
    false,
    `${reports('failed')} (no). ${CHECK_EVENTS_AND_REPLACE}`,
  ],
  [
    'the fleet was peered on creation, and the connection was deleted',
    ended(peeredOnCreate, '', 'deleted'),
    false,
    `${reports('deleted')}, without a reason. ${CHECK_EVENTS_AND_REPLACE}`,
  ],
  [
    'the fleet was peered on creation, and GameLift lists no connection',
    ended(peeredOnCreate, '', 'not listed'),
    false,
    `GameLift lists no peering connection. ${CHECK_EVENTS_AND_REPLACE}`,
  ],
  [
    'the fleet was peered on creation, and the CIDR blocks overlap',
    ended({ ...peeredOnCreate, ...overlapping }),
    true,
    `${OVERLAP}. ${CHANGE_BLOCK_SENTENCE}`,
  ],
  [
    "the fleet was peered on creation, and the CIDR block of the fleet's VPC is unknown",
    ended({ ...peeredOnCreate, ...unknownFleetBlock }, 'no'),
    false,
    `${reports('failed')} (no). The peer VPC has 10.0.0.0/16, and GameLift does not say which CIDR block the fleet's VPC ` +
      `has. If the blocks overlap, ${CHANGE_BLOCK}. Otherwise, look at the events of the fleet, then ${REPLACE_FLEET}`,
  ],
  ['no CIDR block is known', ended({ ...unknownFleetBlock, ...unreadableVpc }), false, `${FAILED}. ${CHECK_EVENTS}`],
])('explains why the connection did not become active, and what to do, if %s', (_, connection, isFinal, message) => {
  expect(endedProblem(connection).message).toBe(message);
  expect(wouldEndAgain(connection)).toBe(isFinal);
});

test.each([
  ['equal blocks', '10.1.0.0/16', '10.1.0.0/16', true],
  ['a block that the other contains', '10.1.255.0/24', '10.1.0.0/16', true],
  ['a block that contains the other', '10.0.0.0/8', '10.1.0.0/16', true],
  ['adjacent blocks, the first one lower', '10.0.0.0/16', '10.1.0.0/16', false],
  ['adjacent blocks, the first one higher', '10.2.0.0/16', '10.1.0.0/16', false],
  ['adjacent blocks of different sizes', '10.0.128.0/17', '10.1.0.0/24', false],
  ['adjacent blocks in the upper half of all addresses', '192.168.0.0/17', '192.168.128.0/17', false],
  ['the first address of the block', '10.1.0.0/32', '10.1.0.0/16', true],
  ['the last address of the block', '10.1.255.255/32', '10.1.0.0/16', true],
  ['the address before the block', '10.0.255.255/32', '10.1.0.0/16', false],
  ['the address after the block', '10.2.0.0/32', '10.1.0.0/16', false],
  ['the same single address', '10.1.0.0/32', '10.1.0.0/32', true],
  ['two single addresses', '10.1.0.0/32', '10.1.0.1/32', false],
  ['an address without a prefix length', '10.1.0.0', '10.1.0.1/32', false],
  ['all addresses', '0.0.0.0/0', '255.255.255.255/32', true],
  ['the two halves of all addresses', '0.0.0.0/1', '128.0.0.0/1', false],
  ['a block with bits beyond its prefix length', '10.1.77.0/16', '10.1.0.0/24', true],
])('detects whether CIDR blocks overlap: %s', (_, vpcBlock, fleetCidrBlock, isOverlapping) => {
  expect(wouldEndAgain(ended({ fleetCidrBlock, vpcBlocks: blocks(vpcBlock) }))).toBe(isOverlapping);
  expect(wouldEndAgain(ended({ fleetCidrBlock: vpcBlock, vpcBlocks: blocks(fleetCidrBlock) }))).toBe(isOverlapping);
});

test('reports no overlap if the VPC has no CIDR blocks', () => {
  expect(wouldEndAgain(ended({ vpcBlocks: blocks() }))).toBe(false);
});
