import { Problem } from '../problem';
import type { VpcBlocks } from './observer';
import { NOT_LISTED } from './watch';
import type { Peering } from './watch';

/** Statuses after which another request may succeed: an authorization may have been missing, or an earlier connection was deleted. */
const NOT_FINAL: ReadonlySet<string> = new Set(['failed', 'deleted', NOT_LISTED]);

/** What to do without the connection of a fleet that is peered on creation. */
const REPLACE_FLEET =
  'replace the fleet, or remove peerOnCreate, which replaces it too: with peerOnCreate, GameLift peers a fleet only while it creates it';

/** A connection that did not become active, and what is known about it. */
export interface Ended {
  readonly peering: Peering;
  readonly peerVpcId: string;
  /** Only GameLift makes the connection, with the fleet. */
  readonly peerOnCreate: boolean;
  /** The block of the fleet's VPC. */
  readonly fleetCidrBlock: string | undefined;
  readonly vpcBlocks: VpcBlocks;
}

/** Whether another request would end in the same way. */
export function isFinal(ended: Ended): boolean {
  return overlappingBlock(ended) !== undefined || ended.vpcBlocks.kind === 'no such VPC' || !NOT_FINAL.has(ended.peering.status);
}

/** Says why a connection did not become active, as far as that is known, and what to do. */
export function endedProblem(ended: Ended): Problem {
  const { peering, peerVpcId, peerOnCreate, fleetCidrBlock, vpcBlocks } = ended;
  const { status, message } = peering;
  const overlapping = overlappingBlock(ended);
  if (overlapping !== undefined) {
    return new Problem(
      `the fleet's VPC has ${fleetCidrBlock}, which overlaps with ${overlapping} of VPC ${peerVpcId}, and GameLift can not change the ` +
        `fleet's CIDR block${message === '' ? '' : ` (GameLift: ${message})`}`,
      'use a VPC with another CIDR block, or replace the fleet',
    );
  }
  const reason = message === '' ? ', without a reason' : ` (${message})`;
  const what =
    status === NOT_LISTED
      ? `${peerOnCreate ? 'GameLift' : 'GameLift accepted the request, but'} lists no peering connection`
      : `GameLift ended the peering connection as ${status}${reason}`;
  const remedy = `look at the events of the fleet, then ${peerOnCreate ? REPLACE_FLEET : 'deploy again'}`;
  if (vpcBlocks.kind === 'no such VPC') {
    return new Problem(
      `${what}, and EC2 knows no VPC ${peerVpcId} in this account and Region`,
      'correct the VPC, then deploy again',
    );
  }
  return vpcBlocks.kind === 'shown' && fleetCidrBlock === undefined && status === 'failed'
    ? new Problem(
        `${what}; the VPC has ${vpcBlocks.blocks.join(', ')}, and GameLift does not say what the fleet's VPC has`,
        `if they overlap, use a VPC with another CIDR block, or replace the fleet; otherwise ${remedy}`,
      )
    : new Problem(what, remedy);
}

function overlappingBlock({ fleetCidrBlock, vpcBlocks }: Ended): string | undefined {
  return fleetCidrBlock === undefined || vpcBlocks.kind !== 'shown'
    ? undefined
    : vpcBlocks.blocks.find((block) => overlap(block, fleetCidrBlock));
}

/** Whether two IPv4 CIDR blocks share an address. */
function overlap(one: string, other: string): boolean {
  const [first, second] = [one, other].map((block) => {
    const [address = '', length = '32'] = block.split('/');
    const start = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
    const size = 2 ** (32 - Number(length));
    return { from: Math.floor(start / size) * size, to: Math.floor(start / size) * size + size - 1 };
  });
  return first !== undefined && second !== undefined && first.from <= second.to && second.from <= first.to;
}
