/**
 * The questions that AWS's documents leave open. Each reading is one possible answer; code under rehearsal must work with all of them.
 * See docs/what-aws-leaves-open.md. The question about CloudFormation is in CLOUDFORMATION_BEHAVIOURS.
 */
export const BEHAVIOURS = {
  authorizingAgain: {
    question: 'What does authorizing again do while an authorization is valid?',
    readings: ['renews', 'keeps expiry', 'InvalidRequestException'],
    default: 'renews',
  },
  useOfAuthorization: {
    question: 'Does creating or deleting a connection consume the authorization?',
    readings: ['reusable', 'consumed'],
    default: 'reusable',
  },
  missingAuthorization: {
    question: 'How does GameLift report that a valid authorization is missing?',
    // the last reading: GameLift accepts the call, and the connection or its deletion fails later
    readings: ['UnauthorizedException', 'NotFoundException', 'InvalidRequestException', 'accepted, then fails'],
    default: 'UnauthorizedException',
  },
  existingConnection: {
    question: 'What does CreateVpcPeeringConnection return if the connection exists already?',
    readings: ['InvalidRequestException', 'accepted'],
    default: 'InvalidRequestException',
  },
  deletingConnections: {
    question: 'Is a connection deleted when DeleteVpcPeeringConnection returns, or is it `deleting` for a while?',
    readings: ['done on return', 'deleting for a while'],
    default: 'done on return',
  },
  endedConnections: {
    question: 'Does DescribeVpcPeeringConnections list deleted and failed connections for hours, as EC2 does?',
    readings: ['listed for hours', 'not listed'],
    default: 'listed for hours',
  },
  connectionIds: {
    question: 'Is VpcPeeringConnectionId the id that EC2 shows, or an id of GameLift’s own?',
    readings: ['id of EC2', 'id of GameLift'],
    default: 'id of EC2',
  },
  connectionsOfDeletedFleet: {
    question: 'What does DescribeVpcPeeringConnections return for a deleted fleet?',
    readings: ['NotFoundException', 'empty list'],
    default: 'NotFoundException',
  },
  peerVpcWrites: {
    question:
      'In which route tables of the peer VPC does GameLift write routes? If it writes any, it also opens the default security group.',
    readings: ['every route table', 'main route table', 'none'],
    default: 'every route table',
  },
  peerVpcWritesOnDelete: {
    question: 'When the connection is deleted, does GameLift remove the routes and rules that it wrote?',
    readings: ['removed', 'left behind'],
    default: 'removed',
  },
  deletingAbsentAuthorization: {
    question: 'What does DeleteVpcPeeringAuthorization return if the authorization does not exist or has expired?',
    readings: ['NotFoundException', 'success'],
    default: 'NotFoundException',
  },
  fleetEvents: {
    question: 'Does GameLift write fleet events about peering?',
    readings: ['written', 'never seen'],
    default: 'written',
  },
  throttlingError: {
    question: 'What is the name of the error for calls above the rate limit?',
    readings: ['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'],
    default: 'ThrottlingException',
  },
  connectingInactiveFleet: {
    question: 'What does CreateVpcPeeringConnection do if the fleet is not ACTIVE?',
    readings: ['InvalidRequestException', 'pending until ACTIVE'],
    default: 'InvalidRequestException',
  },
  usedAuthorizations: {
    question: 'Does DescribeVpcPeeringAuthorizations list an authorization that was used and is still valid?',
    readings: ['listed', 'not listed'],
    default: 'listed',
  },
  fleetCidrBlocks: {
    question: 'Can the VPCs of two fleets have the same CIDR block?',
    readings: ['distinct', 'may be equal'],
    default: 'distinct',
  },
  foreignFleetTags: {
    question: 'When CloudFormation updates a fleet, does it keep the tags that it did not set?',
    readings: ['kept', 'removed'],
    default: 'kept',
  },
  failedSeenByAccepter: {
    question: 'Does EC2 show a failed connection to the owner of the peer VPC?',
    readings: ['not shown', 'shown'],
    default: 'not shown',
  },
  readBack: {
    question: 'When do reads of GameLift and EC2 show a write? Late reads can show old and new states alternately.',
    readings: ['at once', 'up to 15 seconds late'],
    default: 'at once',
  },
  iamPropagation: {
    question: 'When do permission checks apply a change of a role, its policies or its trust policy?',
    readings: ['at once', 'up to a minute late'],
    default: 'at once',
  },
  connectingPermissions: {
    question: 'When does AWS check the EC2 permissions of the caller of CreateVpcPeeringConnection on the peer VPC?',
    readings: ['not checked', 'checked at the call', 'checked when GameLift acts'],
    default: 'not checked',
  },
  fleetDeletion: {
    question: 'How soon after DELETE_IN_PROGRESS does CloudFormation call DeleteFleet? It may scale the fleet down first.',
    readings: ['at once', 'minutes later'],
    default: 'at once',
  },
  disconnectingPeeredFleet: {
    question: 'What does DeleteVpcPeeringConnection do with the connection of a fleet that was created with its peer VPC?',
    readings: ['deleted', 'InvalidRequestException'],
    default: 'deleted',
  },
  removalPermissions: {
    question: 'Does GameLift need the authorizer’s permissions to remove routes and rules? An older API reference lists them.',
    readings: ['needed', 'not needed'],
    default: 'needed',
  },
  throttledCalls: {
    question: 'Does a throttled call count against the rate limit, so that the wait for the next call starts again?',
    readings: ['not counted', 'counted'],
    default: 'not counted',
  },
  endedCidrBlocks: {
    question: 'Does DescribeVpcPeeringConnections return the fleet’s CIDR block for a connection that failed?',
    readings: ['not returned', 'returned'],
    default: 'not returned',
  },
  fleetArns: {
    question: 'Do fleet ARNs contain an account? Those in the service model have none, those in policies have one.',
    readings: ['without account', 'with account'],
    default: 'without account',
  },
  eventOrder: {
    question: 'In which order does DescribeFleetEvents list events?',
    readings: ['oldest first', 'newest first'],
    default: 'oldest first',
  },
  absentVpc: {
    question: 'What does CreateVpcPeeringAuthorization return if the VPC is not in the caller’s account and Region?',
    readings: ['InvalidRequestException', 'NotFoundException', 'accepted'],
    default: 'InvalidRequestException',
  },
  peerPermissions: {
    question: 'Does CreateVpcPeeringAuthorization check the caller’s EC2 permissions on the peer VPC?',
    readings: ['checked', 'not checked'],
    default: 'checked',
  },
  deniedCalls: {
    question: 'Does a call that IAM denies count against the rate limit?',
    readings: ['not counted', 'counted'],
    default: 'not counted',
  },
} as const satisfies Record<string, Behaviour>;

export interface Behaviour {
  readonly question: string;
  readonly readings: readonly string[];
  readonly default: string;
}

export type BehaviourName = keyof typeof BEHAVIOURS;

export type Reading<Name extends BehaviourName> = (typeof BEHAVIOURS)[Name]['readings'][number];

/** Throws if the behaviour is unknown, or does not have this reading. */
export function requireReading(behaviours: Readonly<Record<string, Behaviour>>, name: string, reading: string): void {
  const behaviour = Object.hasOwn(behaviours, name) ? behaviours[name] : undefined;
  if (behaviour === undefined) {
    throw new Error(`unknown behaviour '${name}': choose one of ${Object.keys(behaviours).join(', ')}`);
  }
  if (!behaviour.readings.includes(reading)) {
    throw new Error(`unknown reading '${reading}' of behaviour '${name}': choose one of ${behaviour.readings.join(', ')}`);
  }
}

/** The chosen reading of each question. A change takes effect with the next call. */
export class Behaviours {
  private readonly chosenReadings = new Map<string, string>();

  get<Name extends BehaviourName>(name: Name): Reading<Name> {
    // `set` has checked the reading
    return (this.chosenReadings.get(name) ?? BEHAVIOURS[name].default) as Reading<Name>;
  }

  /** Throws if the name or the reading is unknown: they may come from a command line. */
  set<Name extends BehaviourName>(name: Name, reading: Reading<Name>): void {
    requireReading(BEHAVIOURS, name, reading);
    this.chosenReadings.set(name, reading);
  }
}
