import { OWNER_TAG, TAG_PREFIX } from '../../lib/contract';
import type { Ec2Peering, Tags } from '../aws/api';
import { isAlive } from '../aws/connections';
import type { ListedConnection } from '../aws/connections';
import type { ClaimedConnection } from '../model/connection';
import { peeringsIn } from './ec2-view';
import type { Ec2View } from './ec2-view';

const FLEET_TAG = `${TAG_PREFIX}fleet`;
const CONNECTION_TAG = `${TAG_PREFIX}connection`;

/** The owner of a connection, according to EC2's tags. */
export type TaggedOwner =
  | { readonly kind: 'this resource' }
  | { readonly kind: 'another resource'; readonly name: string }
  | { readonly kind: 'unknown' };

/** Whether EC2's tags name an owner of a connection that GameLift lists. */
export function hasOwnerTag(peering: ListedConnection, view: Ec2View): boolean {
  return ownerTagOf(peering, view) !== undefined;
}

function ownerTagOf(peering: ListedConnection, view: Ec2View): string | undefined {
  return sidesOf(peering, view)
    .map(({ tags }) => tags[OWNER_TAG])
    .find((owner) => owner !== undefined);
}

/** EC2's peering connections with the GameLift VPC of a connection that GameLift lists, except those that have ended. */
function sidesOf({ gameLiftVpcId }: ListedConnection, view: Ec2View): readonly Ec2Peering[] {
  return peeringsIn(view).filter((side) => side.requesterVpcId === gameLiftVpcId && isAlive(side));
}

/**
 * The tags that a resource writes on the peer VPC's side of its connection. They inform people. If the fleet has lost its tags, they prove
 * which resource owns the connection.
 */
export class Ec2Tags {
  static readonly keys: readonly string[] = ['Name', OWNER_TAG, FLEET_TAG, CONNECTION_TAG];

  constructor(
    private readonly owner: string,
    private readonly fleetId: string,
  ) {}

  /** @param connectionId GameLift's id of the connection, which may differ from EC2's */
  tagsFor(connectionId: string): Tags {
    const { owner, fleetId } = this;
    return { Name: `GameLift ${fleetId}`, [OWNER_TAG]: owner, [FLEET_TAG]: fleetId, [CONNECTION_TAG]: connectionId };
  }

  /** Whether the tags say that this resource created the connection, for this fleet. */
  isOwn({ tags }: Ec2Peering): boolean {
    return tags[OWNER_TAG] === this.owner && tags[FLEET_TAG] === this.fleetId;
  }

  /** Whether the tags say that this resource created the connection, for this fleet or another one. */
  isOwnOfAnyFleet({ tags }: Ec2Peering): boolean {
    return tags[OWNER_TAG] === this.owner;
  }

  /** Whether the tags name another fleet. */
  isOfOtherFleet({ tags }: Ec2Peering): boolean {
    return tags[FLEET_TAG] !== undefined && tags[FLEET_TAG] !== this.fleetId;
  }

  /** The owner of a connection that GameLift lists, according to EC2's tags. */
  taggedOwnerOf(peering: ListedConnection, view: Ec2View): TaggedOwner {
    if (sidesOf(peering, view).some((side) => this.isOwn(side))) {
      return { kind: 'this resource' };
    }
    const owner = ownerTagOf(peering, view);
    // tags that name this resource but not this fleet are wrong: GameLift lists the connection for this fleet
    return owner === undefined || owner === this.owner ? { kind: 'unknown' } : { kind: 'another resource', name: owner };
  }

  /** Finds the connection that this resource created, as EC2's tags describe it. Returns undefined if EC2 shows none. */
  findOwnConnection(view: Ec2View): (ClaimedConnection & { readonly status: string }) | undefined {
    for (const side of peeringsIn(view)) {
      const id = side.tags[CONNECTION_TAG];
      if (isAlive(side) && this.isOwn(side) && id !== undefined) {
        const { requesterVpcId: gameLiftVpcId, cidrBlock = '', status } = side;
        return { id, gameLiftVpcId, cidrBlock, isAdopted: false, status };
      }
    }
    return undefined;
  }
}
