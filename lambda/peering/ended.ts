import { NOT_LISTED } from '../aws/connections';
import type { ListedConnection } from '../aws/connections';
import type { VpcBlocks } from '../network/ec2-view';
import { Problem } from '../problem';

/** After these statuses, another request may succeed: perhaps the authorization was missing, or somebody deleted the connection. */
const REPEATABLE_STATUSES: ReadonlySet<string> = new Set(['failed', 'deleted', NOT_LISTED]);

/** The remedy if a fleet that is peered on creation has no connection. */
const REPLACE_FLEET =
  'replace the fleet, or remove peerOnCreate, which also replaces the fleet: with peerOnCreate, GameLift peers a fleet only while it creates it';

/** A connection that did not become active, and what the handler knows about it. */
export interface EndedConnection {
  readonly peering: ListedConnection;
  readonly peerVpcId: string;
  /** Whether GameLift creates the connection together with the fleet. */
  readonly peerOnCreate: boolean;
  /** The CIDR block of the fleet's VPC. */
  readonly fleetCidrBlock: string | undefined;
  readonly vpcBlocks: VpcBlocks;
}

/** The remedy if the CIDR blocks of both VPCs overlap. GameLift chooses the block of a fleet's VPC when it creates the fleet. */
const USE_OTHER_BLOCK =
  'use a peer VPC with another CIDR block, or replace the fleet: GameLift may choose another block for a new fleet';

/** Whether a new request for the connection would end in the same way. */
export function wouldEndAgain(ended: EndedConnection): boolean {
  return (
    overlappingBlock(ended) !== undefined ||
    ended.vpcBlocks.kind === 'no such VPC' ||
    !REPEATABLE_STATUSES.has(ended.peering.status)
  );
}

/** The connection of the resource has ended, or never became active. */
export class EndedProblem extends Problem {}

/** Explains why a connection did not become active, as far as the handler knows, and what to do. */
export function endedProblem(ended: EndedConnection): EndedProblem {
  const { peering, peerVpcId, peerOnCreate, fleetCidrBlock, vpcBlocks } = ended;
  const { status, message } = peering;
  const overlapping = overlappingBlock(ended);
  if (overlapping !== undefined) {
    return new EndedProblem(
      `the CIDR block of the fleet's VPC, ${fleetCidrBlock}, overlaps with ${overlapping} of VPC ${peerVpcId}` +
        (message === '' ? '' : ` (GameLift: ${message})`),
      USE_OTHER_BLOCK,
    );
  }
  const reason = message === '' ? ', without a reason' : ` (${message})`;
  const what =
    status === NOT_LISTED
      ? `${peerOnCreate ? 'GameLift' : 'GameLift accepted the request, but'} lists no peering connection`
      : `GameLift reports the status ${status} for the peering connection${reason}`;
  const remedy = `look at the events of the fleet, then ${peerOnCreate ? REPLACE_FLEET : 'deploy again'}`;
  if (vpcBlocks.kind === 'no such VPC') {
    return new EndedProblem(
      `${what}, and EC2 finds no VPC ${peerVpcId}`,
      'correct the vpc of the VpcPeeringAuthorization, then deploy again',
    );
  }
  return vpcBlocks.kind === 'shown' && fleetCidrBlock === undefined && status === 'failed'
    ? new EndedProblem(
        `${what}. The peer VPC has ${vpcBlocks.blocks.join(', ')}, and GameLift does not say which CIDR block the fleet's VPC has`,
        `if the blocks overlap, ${USE_OTHER_BLOCK}. Otherwise, ${remedy}`,
      )
    : new EndedProblem(what, remedy);
}

function overlappingBlock({ fleetCidrBlock, vpcBlocks }: EndedConnection): string | undefined {
  return fleetCidrBlock === undefined || vpcBlocks.kind !== 'shown'
    ? undefined
    : vpcBlocks.blocks.find((block) => areOverlapping(block, fleetCidrBlock));
}

/** Whether two IPv4 CIDR blocks have an address in common. */
function areOverlapping(one: string, other: string): boolean {
  const [first, second] = [one, other].map((block) => {
    const [address = '', length = '32'] = block.split('/');
    const start = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
    const size = 2 ** (32 - Number(length));
    return { from: Math.floor(start / size) * size, to: Math.floor(start / size) * size + size - 1 };
  });
  return first !== undefined && second !== undefined && first.from <= second.to && second.from <= first.to;
}
