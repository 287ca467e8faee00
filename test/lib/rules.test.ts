import { App, CfnParameter, Fn, Lazy, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { IVpcPeeringConnection, VpcPeeringConnectionProps } from '../../lib';

/*
 * Tests of allowTo, which adds rules to security groups.
 */

const env = { account: '111111111111', region: 'us-east-1' };
const RULE_TYPE = 'AWS::EC2::SecurityGroupIngress';

function importVpc(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-0a', availabilityZones: ['us-east-1a'] });
}

function createPeering(stack: Stack, props: Partial<VpcPeeringConnectionProps> = {}): VpcPeeringConnection {
  const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: importVpc(stack) });
  return new VpcPeeringConnection(stack, 'Peering', {
    authorization,
    fleet: new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' }),
    ...props,
  });
}

interface Setup {
  readonly stack: Stack;
  readonly peering: VpcPeeringConnection;
  readonly servicesGroup: ec2.SecurityGroup;
}

function setUp(props: Partial<VpcPeeringConnectionProps> = {}): Setup {
  const stack = new Stack(new App(), 'Game', { env });
  const peering = createPeering(stack, props);
  return { stack, peering, servicesGroup: new ec2.SecurityGroup(stack, 'Services', { vpc: vpcOf(stack) }) };
}

function vpcOf(stack: Stack): ec2.IVpc {
  return stack.node.findChild('Vpc') as unknown as ec2.IVpc;
}

/** The protocol, the first port and the last port of each rule. For ICMP, the type and the code instead of the ports. */
function protocolsAndPortsIn(stack: Stack): unknown[] {
  const rules = Object.values(Template.fromStack(stack).findResources(RULE_TYPE)) as {
    Properties: { IpProtocol: unknown; FromPort: unknown; ToPort: unknown };
  }[];
  return rules.map(({ Properties }) => [Properties.IpProtocol, Properties.FromPort, Properties.ToPort]);
}

test.each<[string, (stack: Stack) => ec2.Port[], unknown[]]>([
  [
    'that differ only in punctuation',
    () => [ec2.Port.tcpRange(90, 92), ec2.Port.tcp(9092)],
    [
      ['tcp', 90, 92],
      ['tcp', 9092, 9092],
    ],
  ],
  [
    'of ICMP',
    () => [ec2.Port.icmpTypeAndCode(1, 23), ec2.Port.icmpTypeAndCode(12, 3)],
    [
      ['icmp', 1, 23],
      ['icmp', 12, 3],
    ],
  ],
  [
    'that are parameters',
    (stack) => ['One', 'Two'].map((id) => ec2.Port.tcp(new CfnParameter(stack, id, { type: 'Number' }).valueAsNumber)),
    [
      ['tcp', { Ref: 'One' }, { Ref: 'One' }],
      ['tcp', { Ref: 'Two' }, { Ref: 'Two' }],
    ],
  ],
  [
    'that are intrinsic functions',
    () => ['One', 'Two'].map((name) => ec2.Port.udp(Token.asNumber(Fn.importValue(name)))),
    [
      ['udp', { 'Fn::ImportValue': 'One' }, { 'Fn::ImportValue': 'One' }],
      ['udp', { 'Fn::ImportValue': 'Two' }, { 'Fn::ImportValue': 'Two' }],
    ],
  ],
  [
    'that are known only at synthesis',
    () => [1, 2].map((port) => ec2.Port.tcp(Lazy.number({ produce: () => port }))),
    [
      ['tcp', 1, 1],
      ['tcp', 2, 2],
    ],
  ],
])('allowTo adds one rule for each port, and no second rule for the same port: ports %s', (_, portsOf, expected) => {
  const { stack, peering, servicesGroup } = setUp();
  const ports = portsOf(stack);
  [...ports, ...ports].forEach((port) => {
    peering.allowTo(servicesGroup, port);
  });
  expect(protocolsAndPortsIn(stack)).toEqual(expected);
});

test('allowTo adds two rules for parameters with the same logical id in two stacks', () => {
  const app = new App();
  const stack = new Stack(app, 'Game', { env });
  const peering = createPeering(stack);
  const services = new ec2.SecurityGroup(stack, 'Services', { vpc: vpcOf(stack) });
  for (const id of ['One', 'Two']) {
    const parameter = new CfnParameter(new Stack(app, id, { env }), 'Port', { type: 'Number' });
    peering.allowTo(services, ec2.Port.tcp(parameter.valueAsNumber));
  }
  expect(protocolsAndPortsIn(stack)).toHaveLength(2);
});

test('a rule keeps its logical id when a rule before it is added or removed', () => {
  const logicalIdsWith = (...ports: number[]): string[] => {
    const { stack, peering, servicesGroup } = setUp();
    ports.forEach((port) => {
      peering.allowTo(servicesGroup, ec2.Port.tcp(port));
    });
    return Object.keys(Template.fromStack(stack).findResources(RULE_TYPE));
  };
  expect(logicalIdsWith(5432, 6379)).toEqual([...logicalIdsWith(5432), ...logicalIdsWith(6379)]);
});

test('allowTo adds no rule to a security group that was imported with mutable: false', () => {
  const { stack, peering } = setUp();
  const groups = [false, true].map((mutable) =>
    ec2.SecurityGroup.fromSecurityGroupId(stack, `Mutable${mutable}`, `sg-${mutable}`, { mutable }),
  );
  groups.forEach((group) => {
    peering.allowTo(group, ec2.Port.tcp(5432));
  });
  const template = Template.fromStack(stack);
  template.resourceCountIs(RULE_TYPE, 1);
  template.hasResourceProperties(RULE_TYPE, { GroupId: 'sg-true' });
});

test('allowTo adds one rule for each port of a security group, even if the group is imported several times', () => {
  const { stack, peering, servicesGroup } = setUp();
  const groups = [servicesGroup.securityGroupId, servicesGroup.securityGroupId, 'sg-1', 'sg-1'].map((securityGroupId, index) =>
    ec2.SecurityGroup.fromSecurityGroupId(stack, `Imported${index}`, securityGroupId),
  );
  for (const group of [servicesGroup, ...groups]) {
    peering.allowTo(group, ec2.Port.tcp(5432));
  }
  const rules = Object.values(Template.fromStack(stack).findResources(RULE_TYPE)) as { Properties: { GroupId: unknown } }[];
  expect(rules.map(({ Properties }) => Properties.GroupId)).toEqual([stack.resolve(servicesGroup.securityGroupId), 'sg-1']);
});

test.each([
  [undefined, undefined],
  [RemovalPolicy.DESTROY, 'Delete'],
  [RemovalPolicy.RETAIN, 'Retain'],
])('a rule has the removal policy of the connection: %s', (removalPolicy, expectedPolicy) => {
  const { stack, peering, servicesGroup } = setUp(removalPolicy === undefined ? {} : { removalPolicy });
  peering.allowTo(servicesGroup, ec2.Port.tcp(5432));
  const [rule] = Object.values(Template.fromStack(stack).findResources(RULE_TYPE)) as Record<string, unknown>[];
  expect([rule?.DeletionPolicy, rule?.UpdateReplacePolicy]).toEqual([expectedPolicy, expectedPolicy]);
});

test('applyRemovalPolicy of a connection changes its existing and its new rules', () => {
  const { stack, peering, servicesGroup } = setUp();
  peering.allowTo(servicesGroup, ec2.Port.tcp(5432));
  peering.applyRemovalPolicy(RemovalPolicy.RETAIN);
  peering.allowTo(servicesGroup, ec2.Port.tcp(6379));
  Template.fromStack(stack).allResources(RULE_TYPE, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  expect(() => {
    peering.applyRemovalPolicy(RemovalPolicy.SNAPSHOT);
  }).toThrow('removalPolicy must be DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE, got SNAPSHOT: the resource has no snapshots');
});

describe('an imported connection', () => {
  const attributes = { gameLiftCidrBlock: '10.192.0.0/20', vpcPeeringConnectionId: 'pcx-1', gameLiftVpcId: 'vpc-1' };

  function importConnection(props: Partial<typeof attributes> = {}): { stack: Stack; peering: IVpcPeeringConnection } {
    const stack = new Stack(new App(), 'Data', { env });
    const peering = VpcPeeringConnection.fromVpcPeeringConnectionAttributes(stack, 'Peering', {
      gameLiftCidrBlock: attributes.gameLiftCidrBlock,
      ...props,
    });
    return { stack, peering };
  }

  test('adds the rules of allowTo in its own stack, and nothing else', () => {
    const { stack, peering } = importConnection();
    const group = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Database', 'sg-1');
    peering.allowTo(group, ec2.Port.tcp(5432));
    peering.allowTo(group, ec2.Port.tcp(5432));
    expect(Object.values((Template.fromStack(stack).toJSON() as { Resources: Record<string, unknown> }).Resources)).toEqual([
      {
        Type: RULE_TYPE,
        Properties: {
          CidrIp: '10.192.0.0/20',
          Description: 'GameLift fleet peered by DataPeering4FA9B59B',
          FromPort: 5432,
          GroupId: 'sg-1',
          IpProtocol: 'tcp',
          ToPort: 5432,
        },
      },
    ]);
  });

  test('is a peer in the rules of a security group of its stack', () => {
    const { stack, peering } = importConnection();
    new ec2.SecurityGroup(stack, 'Database', { vpc: importVpc(stack) }).connections.allowFrom(peering, ec2.Port.tcp(5432));
    Template.fromStack(stack).hasResourceProperties(RULE_TYPE, { CidrIp: '10.192.0.0/20', FromPort: 5432 });
  });

  test('can have an export of another stack as its CIDR block', () => {
    const { stack, peering } = importConnection({ gameLiftCidrBlock: Fn.importValue('FleetCidr') });
    peering.allowTo(ec2.SecurityGroup.fromSecurityGroupId(stack, 'Database', 'sg-1'), ec2.Port.tcp(5432));
    Template.fromStack(stack).hasResourceProperties(RULE_TYPE, { CidrIp: { 'Fn::ImportValue': 'FleetCidr' } });
  });

  test('has the attributes that are passed', () => {
    const { vpcPeeringConnectionId, gameLiftVpcId, gameLiftCidrBlock } = importConnection(attributes).peering;
    expect({ vpcPeeringConnectionId, gameLiftVpcId, gameLiftCidrBlock }).toEqual(attributes);
  });

  test.each(['vpcPeeringConnectionId', 'gameLiftVpcId'] as const)('fails when %s is read, but was not passed', (name) => {
    const { peering } = importConnection();
    expect(() => peering[name]).toThrow(
      new Error(`${name} of Data/Peering is unknown: pass it to fromVpcPeeringConnectionAttributes`),
    );
  });

  test.each(['', '10.192.0.0', '10.192.0.0/33', '10.192.0/20', '10.192.0.0/', 'fd00::/8', 'sg-1'])(
    "fails with the CIDR block '%s'",
    (gameLiftCidrBlock) => {
      expect(() => importConnection({ gameLiftCidrBlock })).toThrow(
        new Error(`gameLiftCidrBlock must be an IPv4 CIDR block such as 10.192.0.0/20, got '${gameLiftCidrBlock}'`),
      );
    },
  );

  test.each(['0.0.0.0/0', '10.192.0.1/32'])("allows the CIDR block '%s'", (gameLiftCidrBlock) => {
    expect(importConnection({ gameLiftCidrBlock }).peering.gameLiftCidrBlock).toBe(gameLiftCidrBlock);
  });

  test('fails with a security group in another account', () => {
    const { peering } = importConnection();
    const otherStack = new Stack(new App(), 'Other', { env: { ...env, account: '222222222222' } });
    expect(() => {
      peering.allowTo(ec2.SecurityGroup.fromSecurityGroupId(otherStack, 'Database', 'sg-1'), ec2.Port.tcp(5432));
    }).toThrow('the rules of security group Other/Database can be changed only in its own account 222222222222');
  });

  test('fails with a security group in another Region', () => {
    const { peering } = importConnection();
    const otherStack = new Stack(new App(), 'Other', { env: { ...env, region: 'eu-west-1' } });
    expect(() => {
      peering.allowTo(ec2.SecurityGroup.fromSecurityGroupId(otherStack, 'Database', 'sg-1'), ec2.Port.tcp(5432));
    }).toThrow(
      new Error(
        'security group Other/Database is in Region eu-west-1, but Data/Peering is in us-east-1, and GameLift peers only within a Region: ' +
          'pass a security group of the peer VPC to allowTo',
      ),
    );
  });
});

describe('allowTo with a security group in another account', () => {
  const otherEnv = { account: '222222222222', region: 'us-east-1' };
  const message =
    'the rules of security group Data/Database can be changed only in its own account 222222222222, but ' +
    'Game/Peering is in 111111111111: deploy the stack of the connection with gameLiftCidrBlock as an output, then pass it ' +
    'to VpcPeeringConnection.fromVpcPeeringConnectionAttributes in a stack of account 222222222222, and call allowTo there';

  function allowToDatabase(database: (data: Stack) => ec2.IConnectable): void {
    const app = new App();
    const data = new Stack(app, 'Data', { env: otherEnv });
    const game = new Stack(app, 'Game', { env });
    const peerRole = iam.Role.fromRoleArn(game, 'Role', 'arn:aws:iam::222222222222:role/Peering');
    const authorization = new VpcPeeringAuthorization(game, 'Authorization', { vpc: importVpc(game), peerRole });
    const fleet = new gamelift.CfnFleet(game, 'Fleet', { name: 'fleet' });
    new VpcPeeringConnection(game, 'Peering', { authorization, fleet }).allowTo(database(data), ec2.Port.tcp(5432));
  }

  test.each<[string, (data: Stack) => ec2.IConnectable]>([
    ['created', (data) => new ec2.SecurityGroup(data, 'Database', { vpc: importVpc(data) })],
    ['imported', (data) => ec2.SecurityGroup.fromSecurityGroupId(data, 'Database', 'sg-1')],
  ])('fails with an error that says what to do instead if the group is %s in a stack of that account', (_, database) => {
    expect(() => {
      allowToDatabase(database);
    }).toThrow(message);
  });

  test('is allowed if the account of the stack is a token', () => {
    expect(() => {
      const stack = new Stack(new App(), 'Game', { env: { region: env.region } });
      const group = ec2.SecurityGroup.fromSecurityGroupId(new Stack(new App(), 'Data', { env: otherEnv }), 'Database', 'sg-1');
      createPeering(stack).allowTo(group, ec2.Port.tcp(5432));
    }).not.toThrow();
  });
});
