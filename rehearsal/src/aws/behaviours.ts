/**
 * The questions that AWS's documents leave open. Each reading is one possible answer; code under rehearsal must work with all of them.
 * `row` is the number in the table of open questions. Row 17 is about CloudFormation: it is an option of the rehearsal.
 */
export const BEHAVIOURS = {
  authorizingAgain: {
    row: 1,
    question: 'What authorizing again does while an authorization is valid.',
    readings: ['renews', 'keeps expiry', 'InvalidRequestException'],
    default: 'renews',
  },
  useOfAuthorization: {
    row: 2,
    question: 'Whether creating or deleting a connection uses the authorization up.',
    readings: ['reusable', 'consumed'],
    default: 'reusable',
  },
  missingAuthorization: {
    row: 3,
    question: 'How a missing or expired authorization shows when a connection or a fleet needs it.',
    readings: ['UnauthorizedException', 'NotFoundException', 'InvalidRequestException', 'failed'],
    default: 'UnauthorizedException',
  },
  existingConnection: {
    row: 4,
    question: 'What creating a connection that exists answers.',
    readings: ['InvalidRequestException', 'accepted'],
    default: 'InvalidRequestException',
  },
  deletingConnections: {
    row: 5,
    question: 'Whether a connection is gone when DeleteVpcPeeringConnection returns, or is `deleting` for a while.',
    readings: ['done on return', 'deleting for a while'],
    default: 'done on return',
  },
  endedConnections: {
    row: 6,
    question: 'Whether DescribeVpcPeeringConnections lists deleted and failed connections, for hours as EC2 does.',
    readings: ['linger', 'gone'],
    default: 'linger',
  },
  connectionIds: {
    row: 7,
    question: 'Whose id VpcPeeringConnectionId is.',
    readings: ['pcx of EC2', 'own of GameLift'],
    default: 'pcx of EC2',
  },
  connectionsOfDeletedFleet: {
    row: 8,
    question: 'What DescribeVpcPeeringConnections answers for a fleet that was deleted.',
    readings: ['NotFoundException', 'empty list'],
    default: 'NotFoundException',
  },
  peerVpcWrites: {
    row: 9,
    question: 'Where GameLift writes routes in the peer VPC; where it does, it opens the default security group as well.',
    readings: ['every route table', 'main route table', 'none'],
    default: 'every route table',
  },
  peerVpcWritesOnDelete: {
    row: 9,
    question: 'What becomes of the routes and rules that GameLift wrote when the connection is deleted.',
    readings: ['removed', 'left behind'],
    default: 'removed',
  },
  deletingAbsentAuthorization: {
    row: 10,
    question: 'What deleting an authorization that is not there, or has expired, answers.',
    readings: ['NotFoundException', 'success'],
    default: 'NotFoundException',
  },
  fleetEvents: {
    row: 11,
    question: 'Whether peering writes fleet events.',
    readings: ['written', 'never seen'],
    default: 'written',
  },
  throttlingError: {
    row: 12,
    question: 'The name of the error above the rate limit.',
    readings: ['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'],
    default: 'ThrottlingException',
  },
  connectingInactiveFleet: {
    row: 13,
    question: 'What creating a connection for a fleet that is not ACTIVE does.',
    readings: ['InvalidRequestException', 'pending until it is'],
    default: 'InvalidRequestException',
  },
  usedAuthorizations: {
    row: 14,
    question: 'Whether DescribeVpcPeeringAuthorizations lists an authorization that was used and is still valid.',
    readings: ['listed', 'not listed'],
    default: 'listed',
  },
  fleetCidrBlocks: {
    row: 15,
    question: 'Whether the VPCs of two fleets can have the same addresses.',
    readings: ['distinct', 'may coincide'],
    default: 'distinct',
  },
  foreignFleetTags: {
    row: 16,
    question: 'What CloudFormation’s update of a fleet does to tags that CloudFormation did not set.',
    readings: ['leaves them', 'strips them'],
    default: 'leaves them',
  },
  failedSeenByAccepter: {
    row: 18,
    question: 'Whether EC2 shows a connection that failed to the owner of the peer VPC.',
    readings: ['never seen', 'seen'],
    default: 'never seen',
  },
  readBack: {
    row: 19,
    question: 'How soon what GameLift and EC2 list and describe shows a write; late reads can go back and forth between states.',
    readings: ['at once', 'up to 15 seconds late'],
    default: 'at once',
  },
  iamPropagation: {
    row: 20,
    question: 'How soon each check of a caller knows a change of a role, its policies or its trust.',
    readings: ['at once', 'up to a minute late'],
    default: 'at once',
  },
  connectingPermissions: {
    row: 21,
    question: 'Whether and when the EC2 permissions of who calls CreateVpcPeeringConnection are checked on the peer VPC.',
    readings: ['not checked', 'checked at the call', 'checked when GameLift acts'],
    default: 'not checked',
  },
  fleetDeletion: {
    row: 22,
    question: 'When CloudFormation calls DeleteFleet for a fleet that is DELETE_IN_PROGRESS: it may scale it down first.',
    readings: ['at once', 'minutes later'],
    default: 'at once',
  },
  disconnectingPeeredFleet: {
    row: 23,
    question: 'What DeleteVpcPeeringConnection answers for the connection of a fleet that was created with its peer VPC.',
    readings: ['as for any other', 'InvalidRequestException'],
    default: 'as for any other',
  },
  removalPermissions: {
    row: 24,
    question:
      'Whether GameLift removes routes and rules only where who authorized may do so: an older reference lists the actions.',
    readings: ['needed', 'not needed'],
    default: 'needed',
  },
  throttledCalls: {
    row: 25,
    question: 'Whether a call above the rate limit costs a token, so that the wait for the next one begins anew.',
    readings: ['free', 'counted'],
    default: 'free',
  },
  endedCidrBlocks: {
    question: 'Whether GameLift tells the CIDR block of the fleet’s VPC with a connection that failed, or with active ones only.',
    readings: ['not told', 'told'],
    default: 'not told',
  },
  fleetArns: {
    question: 'Whether fleet ARNs have an account: those of the service model have none, those of policies do.',
    readings: ['without account', 'with account'],
    default: 'without account',
  },
  eventOrder: {
    question: 'In which order DescribeFleetEvents lists.',
    readings: ['oldest first', 'newest first'],
    default: 'oldest first',
  },
  absentVpc: {
    question: 'What authorizing a VPC that is not in the caller’s account and Region answers.',
    readings: ['InvalidRequestException', 'NotFoundException', 'accepted'],
    default: 'InvalidRequestException',
  },
  peerPermissions: {
    question: 'Whether the caller’s EC2 permissions on the peer VPC are checked when it authorizes, or are only missed later.',
    readings: ['checked', 'not checked'],
    default: 'checked',
  },
  deniedCalls: {
    question: 'Whether a call that IAM denies takes a token of the rate limit.',
    readings: ['free', 'counted'],
    default: 'free',
  },
} as const satisfies Record<string, Behaviour>;

export interface Behaviour {
  readonly row?: number;
  readonly question: string;
  readonly readings: readonly string[];
  readonly default: string;
}

export type BehaviourName = keyof typeof BEHAVIOURS;

export type Reading<Name extends BehaviourName> = (typeof BEHAVIOURS)[Name]['readings'][number];

/** Throws if the behaviour is unknown, or does not have this reading. */
export function checkReading(known: Readonly<Record<string, Behaviour>>, name: string, reading: string): void {
  const behaviour = Object.hasOwn(known, name) ? known[name] : undefined;
  if (behaviour === undefined) {
    throw new Error(`unknown behaviour '${name}': choose one of ${Object.keys(known).join(', ')}`);
  }
  if (!behaviour.readings.includes(reading)) {
    throw new Error(`unknown reading '${reading}' of behaviour '${name}': choose one of ${behaviour.readings.join(', ')}`);
  }
}

/** The readings in force; a change takes effect with the next call. */
export class Behaviours {
  private readonly chosen = new Map<string, string>();

  get<Name extends BehaviourName>(name: Name): Reading<Name> {
    // `set` has checked the reading
    return (this.chosen.get(name) ?? BEHAVIOURS[name].default) as Reading<Name>;
  }

  /** Throws if the name or the reading is unknown: they may come from a command line. */
  set<Name extends BehaviourName>(name: Name, reading: Reading<Name>): void {
    checkReading(BEHAVIOURS, name, reading);
    this.chosen.set(name, reading);
  }
}
