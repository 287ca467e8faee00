import type { VpcBlocks } from '../../lambda/network/ec2-view';
import { endedProblem, wouldEndAgain } from '../../lambda/peering/ended';
import type { EndedConnection } from '../../lambda/peering/ended';
import { peering } from './situations';

function blocks(...cidrBlocks: readonly string[]): VpcBlocks {
  return { kind: 'shown', blocks: cidrBlocks };
}

function ended(change: Partial<EndedConnection> = {}, message = '', status = 'failed'): EndedConnection {
  return {
    peering: peering({ status, message }),
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
const LOOK = 'Look at the events of the fleet, then deploy again';
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
  ['without a reason, if GameLift gives none', ended(), false, `${FAILED}. ${LOOK}`],
  ["with GameLift's reason", ended({}, 'not authorized'), false, `${reports('failed')} (not authorized). ${LOOK}`],
  [
    'by a deletion, after which another request may succeed',
    ended({}, 'no', 'deleted'),
    false,
    `${reports('deleted')} (no). ${LOOK}`,
  ],
  [
    'or not, if GameLift accepted the request and lists nothing',
    ended({}, '', 'not listed'),
    false,
    `GameLift accepted the request, but lists no peering connection. ${LOOK}`,
  ],
  ['finally, as rejected', ended({}, 'no', 'rejected'), true, `${reports('rejected')} (no). ${LOOK}`],
  ['finally, as expired', ended({}, '', 'expired'), true, `${reports('expired')}, without a reason. ${LOOK}`],
  ['finally, because the CIDR blocks overlap', ended(overlapping), true, `${OVERLAP}. U${OTHER_BLOCK}`],
  [
    "finally, because the CIDR blocks overlap, with GameLift's reason",
    ended(overlapping, 'no'),
    true,
    `${OVERLAP} (GameLift: no). U${OTHER_BLOCK}`,
  ],
  [
    'finally, because there is no such VPC',
    ended(missing),
    true,
    `${FAILED}, and EC2 finds no VPC vpc-peer. Correct the vpc of the VpcPeeringAuthorization, then deploy again`,
  ],
  [
    "with the CIDR blocks of the VPC, if that of the fleet's VPC is not known",
    ended({ ...unknown, vpcBlocks: blocks('10.0.0.0/16', '10.2.0.0/16') }, 'no'),
    false,
    `${reports('failed')} (no). The peer VPC has 10.0.0.0/16, 10.2.0.0/16, and GameLift does not say which CIDR block the fleet's VPC ` +
      `has. If the blocks overlap, u${OTHER_BLOCK}. Otherwise, look at the events of the fleet, then deploy again`,
  ],
  [
    'without CIDR blocks, if they are not the cause',
    ended(unknown, 'no', 'expired'),
    true,
    `${reports('expired')} (no). ${LOOK}`,
  ],
  ['without CIDR blocks, if EC2 does not answer', ended(unavailable), false, `${FAILED}. ${LOOK}`],
  [
    'on creation, and only a new fleet is peered again',
    ended(onCreate, 'no'),
    false,
    `${reports('failed')} (no). ${LOOK_AND_REPLACE}`,
  ],
  [
    'by a deletion, of a fleet peered on creation',
    ended(onCreate, '', 'deleted'),
    false,
    `${reports('deleted')}, without a reason. ${LOOK_AND_REPLACE}`,
  ],
  [
    'if GameLift lists nothing of a fleet that it peers on creation',
    ended(onCreate, '', 'not listed'),
    false,
    `GameLift lists no peering connection. ${LOOK_AND_REPLACE}`,
  ],
  ['on creation, because the CIDR blocks overlap', ended({ ...onCreate, ...overlapping }), true, `${OVERLAP}. U${OTHER_BLOCK}`],
  [
    "on creation, with the CIDR blocks of the VPC, if that of the fleet's VPC is not known",
    ended({ ...onCreate, ...unknown }, 'no'),
    false,
    `${reports('failed')} (no). The peer VPC has 10.0.0.0/16, and GameLift does not say which CIDR block the fleet's VPC ` +
      `has. If the blocks overlap, u${OTHER_BLOCK}. Otherwise, look at the events of the fleet, then ${REPLACE}`,
  ],
  ['without CIDR blocks, if none is known', ended({ ...unknown, ...unavailable }), false, `${FAILED}. ${LOOK}`],
])('reports a connection that ended %s', (_, given, final, message) => {
  expect(endedProblem(given).message).toBe(message);
  expect(wouldEndAgain(given)).toBe(final);
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
])('finds out whether CIDR blocks overlap: %s', (_, vpcBlock, fleetCidrBlock, isOverlapping) => {
  expect(wouldEndAgain(ended({ fleetCidrBlock, vpcBlocks: blocks(vpcBlock) }))).toBe(isOverlapping);
  expect(wouldEndAgain(ended({ fleetCidrBlock: vpcBlock, vpcBlocks: blocks(fleetCidrBlock) }))).toBe(isOverlapping);
});

test('a VPC without CIDR blocks overlaps with nothing', () => {
  expect(wouldEndAgain(ended({ vpcBlocks: blocks() }))).toBe(false);
});
