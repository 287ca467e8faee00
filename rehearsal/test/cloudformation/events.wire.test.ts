import { Rehearsal } from '../../src/index';
import { customResource, HANDLER_RESOURCES, writeAssembly } from '../assembly';

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
});
afterEach(() => rehearsal.close());

const deploy = (Resources: object) => rehearsal.cloudFormation.deploy(writeAssembly({ Resources }), 'Stack');
/** The events of one resource, each with the seconds since the first event. */
const eventsOf = (logicalId: string, from = 0) => {
  const entries = rehearsal.journal.entries
    .slice(from)
    .filter(({ source, subject }) => source === 'cloudformation' && subject === `Stack/${logicalId}`);
  return entries.map(({ time, message }) => [Math.round((time - (entries[0]?.time ?? 0)) / 1000), message]);
};
const journalLength = () => rehearsal.journal.entries.length;
const vpc = (CidrBlock = '10.0.0.0/16') => ({ Type: 'AWS::EC2::VPC', Properties: { CidrBlock } });
const fleet = { Type: 'AWS::GameLift::Fleet', Properties: { Name: 'fleet', BuildId: 'build-1', EC2InstanceType: 'c5.large' } };

describe('the events of a resource', () => {
  test('say “Resource creation Initiated” as soon as the physical id is known', async () => {
    await deploy({ Vpc: vpc() });
    expect(eventsOf('Vpc')).toEqual([
      [0, 'CREATE_IN_PROGRESS AWS::EC2::VPC'],
      [0, 'CREATE_IN_PROGRESS AWS::EC2::VPC: Resource creation Initiated'],
      [3, 'CREATE_COMPLETE AWS::EC2::VPC'],
    ]);
  });

  test('say “Resource creation Initiated” at the beginning for a fleet, and at the end for a custom resource', async () => {
    await deploy({ ...HANDLER_RESOURCES, Fleet: fleet, Thing: customResource({ Seconds: 30 }) });
    expect(eventsOf('Fleet')).toEqual([
      [0, 'CREATE_IN_PROGRESS AWS::GameLift::Fleet'],
      [0, 'CREATE_IN_PROGRESS AWS::GameLift::Fleet: Resource creation Initiated'],
      [1501, 'CREATE_COMPLETE AWS::GameLift::Fleet'],
    ]);
    expect(eventsOf('Thing')).toEqual([
      [0, 'CREATE_IN_PROGRESS Custom::Thing'],
      [30, 'CREATE_IN_PROGRESS Custom::Thing: Resource creation Initiated'],
      [30, 'CREATE_COMPLETE Custom::Thing'],
    ]);
  });

  test('say “Resource creation Initiated” for a replacement, but not for a failed resource or a deletion', async () => {
    await deploy({ Vpc: vpc() });
    const beforeReplacement = journalLength();
    await deploy({ Vpc: vpc('10.1.0.0/16') });
    expect(eventsOf('Vpc', beforeReplacement).map(([, message]) => message)).toEqual([
      'UPDATE_IN_PROGRESS AWS::EC2::VPC: Requested update requires the creation of a new physical resource; hence creating one.',
      'UPDATE_IN_PROGRESS AWS::EC2::VPC: Resource creation Initiated',
      'UPDATE_COMPLETE AWS::EC2::VPC',
      'DELETE_IN_PROGRESS AWS::EC2::VPC',
      'DELETE_COMPLETE AWS::EC2::VPC',
    ]);
    const beforeFailure = journalLength();
    await deploy({ Vpc: vpc('10.1.0.0/16'), Bad: vpc('10.0.0.0/8') });
    expect(eventsOf('Bad', beforeFailure).map(([, message]) => message)).toEqual([
      'CREATE_IN_PROGRESS AWS::EC2::VPC',
      "CREATE_FAILED AWS::EC2::VPC: The CIDR '10.0.0.0/8' is invalid.",
      'DELETE_COMPLETE AWS::EC2::VPC',
    ]);
  });
});
