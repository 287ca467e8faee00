import type { Rule } from '../../src/aws/ec2/security-group-rules';
import { Rehearsal } from '../../src/index';
import { customResource, HANDLER_RESOURCES, writeAssembly } from '../assembly';

let rehearsal: Rehearsal;

const start = async (region = 'us-east-1') => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1), region });
};
beforeEach(() => start());
afterEach(() => rehearsal.close());

const deploy = (resources: object, sections: object = {}) =>
  rehearsal.cloudFormation.deploy(writeAssembly({ Resources: resources, ...sections }), 'Stack');
const remove = () => rehearsal.cloudFormation.delete('Stack');
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
  test('include the start of the creation as soon as the physical id is known', async () => {
    await deploy({ Vpc: vpc() });
    expect(eventsOf('Vpc')).toEqual([
      [0, 'CREATE_IN_PROGRESS AWS::EC2::VPC'],
      [0, 'CREATE_IN_PROGRESS AWS::EC2::VPC: Resource creation Initiated'],
      [3, 'CREATE_COMPLETE AWS::EC2::VPC'],
    ]);
  });

  test('include the start of the creation at the beginning for a fleet, and at the end for a custom resource', async () => {
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

  test('include the start of the creation for a replacement, but not for a failed resource or a deletion', async () => {
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

describe('the partition', () => {
  const POLICY = 'arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';
  const { Role } = HANDLER_RESOURCES;
  const resources = {
    ...HANDLER_RESOURCES,
    Role: { ...Role, Properties: { ...Role.Properties, ManagedPolicyArns: [{ 'Fn::Sub': POLICY }] } },
    Thing: customResource({}),
    Queue: { Type: 'AWS::SQS::Queue' },
    Fleet: fleet,
  };
  const outputs = {
    Outputs: Object.fromEntries(
      ['Role.Arn', 'Handler.Arn', 'Queue.Arn', 'Fleet.FleetArn'].map((name) => [
        name.replace('.', ''),
        { Value: { 'Fn::GetAtt': name } },
      ]),
    ),
  };

  test.each([
    ['us-east-1', 'aws', 'amazonaws.com'],
    ['cn-north-1', 'aws-cn', 'amazonaws.com.cn'],
    ['us-gov-west-1', 'aws-us-gov', 'amazonaws.com'],
  ])('of %s is %s in pseudo parameters and in ARNs, with the URL suffix %s', async (region, partition, suffix) => {
    await rehearsal.close();
    await start(region);
    const pseudoOutputs = {
      Pseudo: { Value: { 'Fn::Sub': '${AWS::Partition} ${AWS::URLSuffix}' } },
      Url: { Value: { Ref: 'Queue' } },
    };
    const deployed = await deploy(resources, { Outputs: { ...outputs.Outputs, ...pseudoOutputs } });
    expect(deployed.status).toBe('CREATE_COMPLETE');
    const { Pseudo, Url, ...arns } = deployed.outputs;
    expect(Pseudo).toBe(`${partition} ${suffix}`);
    expect(String(Url)).toContain(`https://sqs.${region}.${suffix}/111111111111/`);
    expect(Object.values(arns).map((arn) => String(arn).split(':')[1])).toEqual([partition, partition, partition, partition]);
    expect(rehearsal.cloudFormation.describe('Stack').id.split(':')[1]).toBe(partition);
    expect(rehearsal.aws.notUnderstood.list()).toEqual([]);
    expect((await remove()).status).toBe('DELETE_COMPLETE');
  });
});

describe('an update of the inline rules of a security group', () => {
  const tcpRule = (port: number, properties: object = {}) => ({
    IpProtocol: 'tcp',
    FromPort: port,
    ToPort: port,
    CidrIp: '10.192.0.0/20',
    ...properties,
  });
  const stackWithRules = (...ingress: object[]) => ({
    Vpc: vpc(),
    Group: {
      Type: 'AWS::EC2::SecurityGroup',
      Properties: { VpcId: { Ref: 'Vpc' }, GroupDescription: 'group', SecurityGroupIngress: ingress },
    },
  });
  const currentRules = (): readonly Rule[] => {
    const id = rehearsal.cloudFormation.describe('Stack').resources.find(({ logicalId }) => logicalId === 'Group')?.physicalId;
    return rehearsal.aws.ec2.securityGroups.get(id ?? '')?.rules ?? [];
  };
  const ports = () => currentRules().flatMap(({ fromPort }) => fromPort ?? []);

  test('adds new rules before it removes old ones, and does not touch unchanged ones', async () => {
    await deploy(stackWithRules(tcpRule(1), tcpRule(2)));
    const calls: string[] = [];
    const { ec2 } = rehearsal.aws;
    const [authorize, revoke] = [ec2.authorizeRule.bind(ec2), ec2.revokeRule.bind(ec2)];
    jest.spyOn(ec2, 'authorizeRule').mockImplementation((place, id, rule) => {
      calls.push(`authorize ${String(rule.fromPort)}`);
      authorize(place, id, rule);
    });
    jest.spyOn(ec2, 'revokeRule').mockImplementation((place, id, rule) => {
      calls.push(`revoke ${String(rule.fromPort)}`);
      revoke(place, id, rule);
    });
    expect((await deploy(stackWithRules(tcpRule(2), tcpRule(3)))).status).toBe('UPDATE_COMPLETE');
    expect(calls).toEqual(['authorize 3', 'revoke 1']);
    expect(ports()).toEqual([2, 3]);
  });

  test('changes the description of a rule in place', async () => {
    await deploy(stackWithRules(tcpRule(1)));
    expect((await deploy(stackWithRules(tcpRule(1, { Description: 'servers' })))).status).toBe('UPDATE_COMPLETE');
    expect(currentRules()).toContainEqual(expect.objectContaining({ fromPort: 1, description: 'servers' }));
    expect(ports()).toEqual([1]);
  });

  test('skips duplicate rules, and rules that were added or removed outside of the stack', async () => {
    await deploy(stackWithRules(tcpRule(1), tcpRule(1, { Description: 'again' }), tcpRule(2)));
    expect(ports()).toEqual([1, 2]);
    const place = { account: '111111111111', region: 'us-east-1' };
    const { ec2 } = rehearsal.aws;
    const rules = currentRules();
    const groupId = [...ec2.securityGroups.values()].find((group) => group.rules === rules)?.groupId ?? '';
    const rule = (port: number): Rule => ({
      direction: 'ingress',
      protocol: 'tcp',
      fromPort: port,
      toPort: port,
      peer: '10.192.0.0/20',
    });
    ec2.revokeRule(place, groupId, rule(2));
    ec2.authorizeRule(place, groupId, rule(3));
    expect((await deploy(stackWithRules(tcpRule(1), tcpRule(3)))).status).toBe('UPDATE_COMPLETE');
    expect(ports()).toEqual([1, 3]);
  });
});
