import type { Rule } from '../../src/aws/ec2/security-group-rules';
import { Rehearsal } from '../../src/index';
import { writeAssembly } from '../assembly';

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
});
afterEach(() => rehearsal.close());

const deploy = (Resources: object) => rehearsal.cloudFormation.deploy(writeAssembly({ Resources }), 'Stack');

describe('an update of the inline rules of a security group', () => {
  const tcpRule = (port: number, properties: object = {}) => ({
    IpProtocol: 'tcp',
    FromPort: port,
    ToPort: port,
    CidrIp: '10.192.0.0/20',
    ...properties,
  });
  const stackWithRules = (...ingress: object[]) => ({
    Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
    Group: {
      Type: 'AWS::EC2::SecurityGroup',
      Properties: { VpcId: { Ref: 'Vpc' }, GroupDescription: 'group', SecurityGroupIngress: ingress },
    },
  });
  const groupId = () =>
    rehearsal.cloudFormation.describe('Stack').resources.find(({ logicalId }) => logicalId === 'Group')?.physicalId ?? '';
  const currentRules = (): readonly Rule[] => rehearsal.aws.ec2.securityGroups.get(groupId())?.rules ?? [];
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

  test('adds a rule once if it is declared twice or exists already, and removes no rule that no longer exists', async () => {
    await deploy(stackWithRules(tcpRule(1), tcpRule(1, { Description: 'again' }), tcpRule(2)));
    expect(ports()).toEqual([1, 2]);
    const place = { account: '111111111111', region: 'us-east-1' };
    const { ec2 } = rehearsal.aws;
    const rule = (port: number): Rule => ({
      direction: 'ingress',
      protocol: 'tcp',
      fromPort: port,
      toPort: port,
      peer: '10.192.0.0/20',
    });
    ec2.revokeRule(place, groupId(), rule(2));
    ec2.authorizeRule(place, groupId(), rule(3));
    expect((await deploy(stackWithRules(tcpRule(1), tcpRule(3)))).status).toBe('UPDATE_COMPLETE');
    expect(ports()).toEqual([1, 3]);
  });
});
