import { InProcessRehearsal } from '../../src/in-process';
import { writeAssembly } from '../assembly';

const FLEET = { Type: 'AWS::GameLift::Fleet', Properties: { Name: 'fleet', BuildId: 'build-1', EC2InstanceType: 'c5.large' } };

let rehearsal: InProcessRehearsal;

beforeEach(async () => {
  rehearsal = new InProcessRehearsal({ startTime: Date.UTC(2026, 0, 1), createHandler: () => () => Promise.resolve() });
  await rehearsal.cloudFormation.deploy(writeAssembly({ Resources: { Fleet: FLEET } }), 'Stack');
});

afterEach(() => rehearsal.close());

/** Deletes the stack. Returns the seconds from the start of the fleet's deletion to the call of DeleteFleet. */
async function secondsUntilDeleteFleet(): Promise<number> {
  expect(await rehearsal.cloudFormation.delete('Stack')).toMatchObject({ status: 'DELETE_COMPLETE' });
  const timeOf = (matches: (entry: { readonly subject: string; readonly message: string }) => boolean): number =>
    rehearsal.journal.entries.find(matches)?.time ?? NaN;
  const startedAt = timeOf(({ message }) => message === 'DELETE_IN_PROGRESS AWS::GameLift::Fleet');
  const calledAt = timeOf(({ subject, message }) => subject === 'DeleteFleet' && message.startsWith('succeeded'));
  return Math.round((calledAt - startedAt) / 1000);
}

test('CloudFormation deletes a fleet at once by default', async () => {
  expect(await secondsUntilDeleteFleet()).toBe(0);
});

test('CloudFormation deletes a fleet minutes later under the reading "minutes later"', async () => {
  rehearsal.aws.behaviours.set('fleetDeletion', 'minutes later');
  expect(await secondsUntilDeleteFleet()).toBe(300);
});
