/** The questions and their readings. A test compares the names with those of `npm run rehearse -- --behaviours`. */
export const QUESTIONS = {
  authorizingAgain: ['renews', 'keeps expiry', 'InvalidRequestException'],
  useOfAuthorization: ['reusable', 'consumed'],
  missingAuthorization: ['UnauthorizedException', 'NotFoundException', 'InvalidRequestException', 'accepted, then fails'],
  existingConnection: ['InvalidRequestException', 'accepted'],
  deletingConnections: ['done on return', 'deleting for a while'],
  endedConnections: ['listed for hours', 'not listed'],
  connectionIds: ['id of EC2', 'id of GameLift'],
  peerVpcWrites: ['every route table', 'main route table', 'none'],
  peerVpcWritesOnDelete: ['removed', 'left behind'],
  deletingAbsentAuthorization: ['NotFoundException', 'success'],
  fleetEvents: ['written', 'never seen'],
  throttlingError: ['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'],
  usedAuthorizations: ['listed', 'not listed'],
  readBack: ['at once', 'up to 15 seconds late'],
  throttledCalls: ['not counted', 'counted'],
} as const satisfies Record<string, readonly string[]>;

export type Question = keyof typeof QUESTIONS;

export type Reading<Name extends Question> = (typeof QUESTIONS)[Name][number];

/** @returns undefined if no reading of the question has this name */
export function findReading<Name extends Question>(question: Name, name: string): Reading<Name> | undefined {
  return QUESTIONS[question].find((reading) => reading === name);
}
