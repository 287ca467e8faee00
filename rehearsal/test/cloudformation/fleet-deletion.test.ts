import { InProcessRehearsal } from '../../src/in-process';
import { writeAssembly } from '../assembly';

const FLEET = { Type: 'AWS::GameLift::Fleet', Properties: { Name: 'fleet', BuildId: 'build-1', EC2InstanceType: 'c5.large' } };

let world: InProcessRehearsal;

beforeEach(async () => {
  world = new InProcessRehearsal({ startTime: Date.UTC(2026, 0, 1), createHandler: () => () => Promise.resolve() });
  await world.cloudFormation.deploy(writeAssembly({ Resources: { Fleet: FLEET } }), 'Stack');
});

afterEach(() => world.close());

/** Returns the seconds from the start of the fleet's deletion to the call of DeleteFleet. */
async function secondsUntilDeleteFleet(): Promise<number> {
  expect(await world.cloudFormation.delete('Stack')).toMatchObject({ status: 'DELETE_COMPLETE' });
  const timeOf = (wanted: (entry: { readonly subject: string; readonly message: string }) => boolean): number =>
    world.journal.entries.find(wanted)?.time ?? NaN;
  const begun = timeOf(({ message }) => message === 'DELETE_IN_PROGRESS AWS::GameLift::Fleet');
  const called = timeOf(({ subject, message }) => subject === 'DeleteFleet' && message.startsWith('succeeded'));
  return Math.round((called - begun) / 1000);
}

test('CloudFormation deletes a fleet at once by default', async () => {
  expect(await secondsUntilDeleteFleet()).toBe(0);
});

test('CloudFormation may delete a fleet minutes later', async () => {
  world.aws.behaviours.set('fleetDeletion', 'minutes later');
  expect(await secondsUntilDeleteFleet()).toBe(300);
});
