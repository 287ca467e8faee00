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
const OTHER_BLOCK =
  'se a peer VPC with another CIDR block, or replace the fleet: GameLift may choose another block for a new fleet';
const LOOK_AT_EVENTS = 'Look at the events of the fleet, then deploy again';
const reports = (status: string): string => `GameLift reports the status ${status} for the peering connection`;
const FAILED = `${reports('failed')}, without a reason`;

const overlapping: Partial<EndedConnection> = { vpcBlocks: blocks('10.0.0.0/16', '10.1.2.0/24') };
const missing: Partial<EndedConnection> = { vpcBlocks: { kind: 'no such VPC' } };
const unavailable: Partial<EndedConnection> = { vpcBlocks: { kind: 'unavailable' } };
const unknown = { fleetCidrBlock: undefined };
const onCreate = { peerOnCreate: true };
const REPLACE =
  'replace the fleet, or remove peerOnCreate, which replaces it too: with peerOnCreate, GameLift peers a fleet only while it creates it';
const LOOK_AND_REPLACE = `Look at the events of the fleet, then ${REPLACE}`;

test.each<readonly [string, EndedConnection, boolean, string]>([
  ['GameLift gives no reason', ended(), false, `${FAILED}. ${LOOK_AT_EVENTS}`],
  ['GameLift gives a reason', ended({}, 'not authorized'), false, `${reports('failed')} (not authorized). ${LOOK_AT_EVENTS}`],
  [
    'deleted, so that another request may succeed',
    ended({}, 'no', 'deleted'),
    false,
    `${reports('deleted')} (no). ${LOOK_AT_EVENTS}`,
  ],
  [
    'GameLift accepted the request, and lists nothing',
    ended({}, '', 'not listed'),
    false,
    `GameLift accepted the request, but lists no peering connection. ${LOOK_AT_EVENTS}`,
  ],
  ['rejected, which is final', ended({}, 'no', 'rejected'), true, `${reports('rejected')} (no). ${LOOK_AT_EVENTS}`],
  ['expired, which is final', ended({}, '', 'expired'), true, `${reports('expired')}, without a reason. ${LOOK_AT_EVENTS}`],
  ['the CIDR blocks overlap, which is final', ended(overlapping), true, `${OVERLAP}. U${OTHER_BLOCK}`],
  [
    'the CIDR blocks overlap, and GameLift gives a reason',
    ended(overlapping, 'no'),
    true,
    `${OVERLAP} (GameLift: no). U${OTHER_BLOCK}`,
  ],
  [
    'the peer VPC does not exist, which is final',
    ended(missing),
    true,
    `${FAILED}, and EC2 finds no VPC vpc-peer. Correct the vpc of the VpcPeeringAuthorization, then deploy again`,
  ],
  [
    "the CIDR block of the fleet's VPC is unknown: shows those of the peer VPC",
    ended({ ...unknown, vpcBlocks: blocks('10.0.0.0/16', '10.2.0.0/16') }, 'no'),
    false,
    `${reports('failed')} (no). The peer VPC has 10.0.0.0/16, 10.2.0.0/16, and GameLift does not say which CIDR block the fleet's VPC ` +
      `has. If the blocks overlap, u${OTHER_BLOCK}. Otherwise, look at the events of the fleet, then deploy again`,
  ],
  [
    'expired: shows no CIDR blocks, because they are not the cause',
    ended(unknown, 'no', 'expired'),
    true,
    `${reports('expired')} (no). ${LOOK_AT_EVENTS}`,
  ],
  ["EC2 can't be read: shows no CIDR blocks", ended(unavailable), false, `${FAILED}. ${LOOK_AT_EVENTS}`],
  [
    'peered on creation: only a new fleet is peered again',
    ended(onCreate, 'no'),
    false,
    `${reports('failed')} (no). ${LOOK_AND_REPLACE}`,
  ],
  [
    'peered on creation, and deleted',
    ended(onCreate, '', 'deleted'),
    false,
    `${reports('deleted')}, without a reason. ${LOOK_AND_REPLACE}`,
  ],
  [
    'peered on creation, and GameLift lists nothing',
    ended(onCreate, '', 'not listed'),
    false,
    `GameLift lists no peering connection. ${LOOK_AND_REPLACE}`,
  ],
  [
    'peered on creation, and the CIDR blocks overlap',
    ended({ ...onCreate, ...overlapping }),
    true,
    `${OVERLAP}. U${OTHER_BLOCK}`,
  ],
  [
    "peered on creation, and the CIDR block of the fleet's VPC is unknown",
    ended({ ...onCreate, ...unknown }, 'no'),
    false,
    `${reports('failed')} (no). The peer VPC has 10.0.0.0/16, and GameLift does not say which CIDR block the fleet's VPC ` +
      `has. If the blocks overlap, u${OTHER_BLOCK}. Otherwise, look at the events of the fleet, then ${REPLACE}`,
  ],
  ['no CIDR block is known', ended({ ...unknown, ...unavailable }), false, `${FAILED}. ${LOOK_AT_EVENTS}`],
])('reports a connection that ended: %s', (_, connection, isFinal, message) => {
  expect(endedProblem(connection).message).toBe(message);
  expect(wouldEndAgain(connection)).toBe(isFinal);
});

test.each([
  ['equal', '10.1.0.0/16', '10.1.0.0/16', true],
  ['contained', '10.1.255.0/24', '10.1.0.0/16', true],
  ['containing', '10.0.0.0/8', '10.1.0.0/16', true],
  ['adjacent, below', '10.0.0.0/16', '10.1.0.0/16', false],
  ['adjacent, above', '10.2.0.0/16', '10.1.0.0/16', false],
  ['adjacent, of different sizes', '10.0.128.0/17', '10.1.0.0/24', false],
  ['adjacent, in the upper half of all addresses', '192.168.0.0/17', '192.168.128.0/17', false],
  ['the first address', '10.1.0.0/32', '10.1.0.0/16', true],
  ['the last address', '10.1.255.255/32', '10.1.0.0/16', true],
  ['the address before', '10.0.255.255/32', '10.1.0.0/16', false],
  ['the address after', '10.2.0.0/32', '10.1.0.0/16', false],
  ['the same single address', '10.1.0.0/32', '10.1.0.0/32', true],
  ['two single addresses', '10.1.0.0/32', '10.1.0.1/32', false],
  ['an address without a length', '10.1.0.0', '10.1.0.1/32', false],
  ['all addresses', '0.0.0.0/0', '255.255.255.255/32', true],
  ['two halves', '0.0.0.0/1', '128.0.0.0/1', false],
  ['with bits beyond the length', '10.1.77.0/16', '10.1.0.0/24', true],
])('detects whether CIDR blocks overlap: %s', (_, vpcBlock, fleetCidrBlock, isOverlapping) => {
  expect(wouldEndAgain(ended({ fleetCidrBlock, vpcBlocks: blocks(vpcBlock) }))).toBe(isOverlapping);
  expect(wouldEndAgain(ended({ fleetCidrBlock: vpcBlock, vpcBlocks: blocks(fleetCidrBlock) }))).toBe(isOverlapping);
});

test('a VPC without CIDR blocks overlaps with nothing', () => {
  expect(wouldEndAgain(ended({ vpcBlocks: blocks() }))).toBe(false);
});
