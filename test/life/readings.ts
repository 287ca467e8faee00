import { deploy, expectNoFailedDelete, expectNothingLeft, remove, start } from './scene';
import { DAY } from './stage';

/*
 * What AWS does not say, read in other ways than by default.
 */

export const FEW_READINGS = [
  ['authorizingAgain', 'keeps expiry'],
  ['useOfAuthorization', 'consumed'],
  ['missingAuthorization', 'failed'],
  ['connectionIds', 'own of GameLift'],
  ['peerVpcWritesOnDelete', 'left behind'],
  ['fleetEvents', 'never seen'],
  ['foreignFleetTags', 'strips them'],
] as const;

/** The rest: `npm run test:scale`. */
export const MANY_READINGS = [
  ['authorizingAgain', 'InvalidRequestException'],
  ['missingAuthorization', 'NotFoundException'],
  ['missingAuthorization', 'InvalidRequestException'],
  ['existingConnection', 'accepted'],
  ['deletingConnections', 'deleting for a while'],
  ['endedConnections', 'gone'],
  ['connectionsOfDeletedFleet', 'empty list'],
  ['peerVpcWrites', 'main route table'],
  ['peerVpcWrites', 'none'],
  ['deletingAbsentAuthorization', 'success'],
  ['throttlingError', 'TooManyRequestsException'],
  ['connectingInactiveFleet', 'pending until it is'],
  ['usedAuthorizations', 'not listed'],
  ['fleetCidrBlocks', 'may coincide'],
  ['failedSeenByAccepter', 'seen'],
] as const;

type Choice = (typeof FEW_READINGS)[number] | (typeof MANY_READINGS)[number];

/** A whole life under one reading: nothing is left of it. */
export async function live(name: Choice[0], reading: Choice[1]): Promise<void> {
  const rehearsal = await start();
  rehearsal.aws.behaviours.set(name, reading);
  const before = rehearsal.aws.inventory();
  expect(await deploy(rehearsal)).toBe('CREATE_COMPLETE');
  await rehearsal.clock.sleep(10 * DAY);
  expect(await deploy(rehearsal, { build: '2' })).toBe('UPDATE_COMPLETE');
  await rehearsal.clock.sleep(30 * DAY);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  if (name === 'peerVpcWritesOnDelete') {
    // rules of security groups that GameLift leaves can't be told from the user's own; here they went with the VPC
    expect(rehearsal.aws.inventory()).toEqual(before);
  }
  await expectNothingLeft(rehearsal, before);
}
