import type { VpcBlocks } from '../../lambda/network/ec2-view';
import { endedProblem, wouldEndAgain } from '../../lambda/peering/ended';
import type { EndedConnection } from '../../lambda/peering/ended';
import { listedConnection } from './situations';

function blocks(...cidrBlocks: readonly string[]): VpcBlocks {
  return { kind: 'shown', blocks: cidrBlocks };
}

/** @param reason what GameLift says about the end of the connection */
function endedConnection({
  reason = '',
  status = 'failed',
  ...change
}: Partial<EndedConnection> & { readonly reason?: string; readonly status?: string } = {}): EndedConnection {
  return {
    peering: listedConnection({ status, message: reason }),
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
const statusText = (status: string): string => `GameLift reports the status ${status} for the peering connection`;
const FAILED = `${statusText('failed')}, without a reason`;

const overlapping: Partial<EndedConnection> = { vpcBlocks: blocks('10.0.0.0/16', '10.1.2.0/24') };
const missingVpc: Partial<EndedConnection> = { vpcBlocks: { kind: 'no such VPC' } };
const unreadableVpc: Partial<EndedConnection> = { vpcBlocks: { kind: 'unavailable' } };
const unknownFleetBlock = { fleetCidrBlock: undefined };
const peeredOnCreate = { peerOnCreate: true };
const REPLACE_FLEET =
  'replace the fleet, or remove peerOnCreate, which also replaces the fleet: with peerOnCreate, GameLift peers a fleet only while it creates it';
const CHECK_EVENTS_AND_REPLACE = `Look at the events of the fleet, then ${REPLACE_FLEET}`;

test.each<readonly [string, EndedConnection, 'would end again' | 'may succeed', string]>([
  ['GameLift gives no reason', endedConnection(), 'may succeed', `${FAILED}. ${CHECK_EVENTS}`],
  [
    'GameLift gives a reason',
    endedConnection({ reason: 'not authorized' }),
    'may succeed',
    `${statusText('failed')} (not authorized). ${CHECK_EVENTS}`,
  ],
  [
    'the connection was deleted',
    endedConnection({ reason: 'no', status: 'deleted' }),
    'may succeed',
    `${statusText('deleted')} (no). ${CHECK_EVENTS}`,
  ],
  [
    'GameLift accepted the request, but lists no connection',
    endedConnection({ status: 'not listed' }),
    'may succeed',
    `GameLift accepted the request, but lists no peering connection. ${CHECK_EVENTS}`,
  ],
  [
    'the connection was rejected',
    endedConnection({ reason: 'no', status: 'rejected' }),
    'would end again',
    `${statusText('rejected')} (no). ${CHECK_EVENTS}`,
  ],
  [
    'the connection expired',
    endedConnection({ status: 'expired' }),
    'would end again',
    `${statusText('expired')}, without a reason. ${CHECK_EVENTS}`,
  ],
  ['the CIDR blocks overlap', endedConnection(overlapping), 'would end again', `${OVERLAP}. ${CHANGE_BLOCK_SENTENCE}`],
  [
    'the CIDR blocks overlap, and GameLift gives a reason',
    endedConnection({ ...overlapping, reason: 'no' }),
    'would end again',
    `${OVERLAP} (GameLift: no). ${CHANGE_BLOCK_SENTENCE}`,
  ],
  [
    'the peer VPC does not exist',
    endedConnection(missingVpc),
    'would end again',
    `${FAILED}, and EC2 finds no VPC vpc-peer. Correct the vpc of the VpcPeeringAuthorization, then deploy again`,
  ],
  [
    "the CIDR block of the fleet's VPC is unknown: the message lists the blocks of the peer VPC",
    endedConnection({ ...unknownFleetBlock, vpcBlocks: blocks('10.0.0.0/16', '10.2.0.0/16'), reason: 'no' }),
    'may succeed',
    `${statusText('failed')} (no). The peer VPC has 10.0.0.0/16, 10.2.0.0/16, and GameLift does not say which CIDR block the fleet's VPC ` +
      `has. If the blocks overlap, ${CHANGE_BLOCK}. Otherwise, look at the events of the fleet, then deploy again`,
  ],
  [
    'the connection expired: the message contains no CIDR blocks, because they are not the cause',
    endedConnection({ ...unknownFleetBlock, reason: 'no', status: 'expired' }),
    'would end again',
    `${statusText('expired')} (no). ${CHECK_EVENTS}`,
  ],
  [
    "EC2 can't be read: the message contains no CIDR blocks",
    endedConnection(unreadableVpc),
    'may succeed',
    `${FAILED}. ${CHECK_EVENTS}`,
  ],
  [
    'the fleet was peered on creation: only a new fleet is peered again',
    endedConnection({ ...peeredOnCreate, reason: 'no' }),
    'may succeed',
    `${statusText('failed')} (no). ${CHECK_EVENTS_AND_REPLACE}`,
  ],
  [
    'the fleet was peered on creation, and the connection was deleted',
    endedConnection({ ...peeredOnCreate, status: 'deleted' }),
    'may succeed',
    `${statusText('deleted')}, without a reason. ${CHECK_EVENTS_AND_REPLACE}`,
  ],
  [
    'the fleet was peered on creation, and GameLift lists no connection',
    endedConnection({ ...peeredOnCreate, status: 'not listed' }),
    'may succeed',
    `GameLift lists no peering connection. ${CHECK_EVENTS_AND_REPLACE}`,
  ],
  [
    'the fleet was peered on creation, and the CIDR blocks overlap',
    endedConnection({ ...peeredOnCreate, ...overlapping }),
    'would end again',
    `${OVERLAP}. ${CHANGE_BLOCK_SENTENCE}`,
  ],
  [
    "the fleet was peered on creation, and the CIDR block of the fleet's VPC is unknown",
    endedConnection({ ...peeredOnCreate, ...unknownFleetBlock, reason: 'no' }),
    'may succeed',
    `${statusText('failed')} (no). The peer VPC has 10.0.0.0/16, and GameLift does not say which CIDR block the fleet's VPC ` +
      `has. If the blocks overlap, ${CHANGE_BLOCK}. Otherwise, look at the events of the fleet, then ${REPLACE_FLEET}`,
  ],
  [
    'the CIDR blocks of both VPCs are unknown',
    endedConnection({ ...unknownFleetBlock, ...unreadableVpc }),
    'may succeed',
    `${FAILED}. ${CHECK_EVENTS}`,
  ],
])('explains why the connection did not become active, and what to do, if %s', (_, connection, nextRequest, message) => {
  expect(endedProblem(connection).message).toBe(message);
  expect(wouldEndAgain(connection)).toBe(nextRequest === 'would end again');
});

test.each([
  ['equal blocks', '10.1.0.0/16', '10.1.0.0/16', 'overlap'],
  ['a block that the other contains', '10.1.255.0/24', '10.1.0.0/16', 'overlap'],
  ['a block that contains the other', '10.0.0.0/8', '10.1.0.0/16', 'overlap'],
  ['adjacent blocks, the first one lower', '10.0.0.0/16', '10.1.0.0/16', 'no overlap'],
  ['adjacent blocks, the first one higher', '10.2.0.0/16', '10.1.0.0/16', 'no overlap'],
  ['adjacent blocks of different sizes', '10.0.128.0/17', '10.1.0.0/24', 'no overlap'],
  ['adjacent blocks in the upper half of all addresses', '192.168.0.0/17', '192.168.128.0/17', 'no overlap'],
  ['the first address of the block', '10.1.0.0/32', '10.1.0.0/16', 'overlap'],
  ['the last address of the block', '10.1.255.255/32', '10.1.0.0/16', 'overlap'],
  ['the address before the block', '10.0.255.255/32', '10.1.0.0/16', 'no overlap'],
  ['the address after the block', '10.2.0.0/32', '10.1.0.0/16', 'no overlap'],
  ['the same single address', '10.1.0.0/32', '10.1.0.0/32', 'overlap'],
  ['two single addresses', '10.1.0.0/32', '10.1.0.1/32', 'no overlap'],
  ['an address without a prefix length', '10.1.0.0', '10.1.0.1/32', 'no overlap'],
  ['all addresses', '0.0.0.0/0', '255.255.255.255/32', 'overlap'],
  ['the two halves of all addresses', '0.0.0.0/1', '128.0.0.0/1', 'no overlap'],
  ['a block with bits beyond its prefix length', '10.1.77.0/16', '10.1.0.0/24', 'overlap'],
])('detects whether CIDR blocks overlap: %s', (_, vpcBlock, fleetCidrBlock, result) => {
  expect(wouldEndAgain(endedConnection({ fleetCidrBlock, vpcBlocks: blocks(vpcBlock) }))).toBe(result === 'overlap');
  expect(wouldEndAgain(endedConnection({ fleetCidrBlock: vpcBlock, vpcBlocks: blocks(fleetCidrBlock) }))).toBe(
    result === 'overlap',
  );
});

test('reports no overlap if the VPC has no CIDR blocks', () => {
  expect(wouldEndAgain(endedConnection({ vpcBlocks: blocks() }))).toBe(false);
});
