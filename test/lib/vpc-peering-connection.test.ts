import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Aws, Duration, Fn, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import type { CfnResource } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { Construct } from 'constructs';
import { PeeringRoutes, VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { VpcPeeringConnectionProps } from '../../lib';
import { schemaOf } from '../../rehearsal/cloudformation/schema';

const AUTHORIZATION = 'Custom::GameLiftVpcPeeringAuthorization';
const CONNECTION = 'Custom::GameLiftVpcPeeringConnection';
const TEARDOWN = 'Custom::GameLiftVpcPeeringTeardown';
const env = { account: '111111111111', region: 'eu-central-1' };
const FLEET = 'fleet-01234567-89ab-cdef-0123-456789abcdef';

function imported(stack: Stack, attributes = {}): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-central-1a'],
    ...attributes,
  });
}

function fleetRef(stack: Stack, id = FLEET): VpcPeeringConnectionProps['fleet'] {
  const fleetArn = `arn:aws:gamelift:eu-central-1::fleet/${id}`;
  return Object.assign(new Construct(stack, `Imported${id}`), { fleetRef: { fleetId: id, fleetArn }, env });
}

function fleetOf(stack: Stack, props: Partial<gamelift.CfnFleetProps> = {}): gamelift.CfnFleet {
  return new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet', ec2InstanceType: 'c5.large', ...props });
}

function connected(props: Partial<VpcPeeringConnectionProps> = {}): { stack: Stack; connection: VpcPeeringConnection } {
  const stack = new Stack(new App(), 'Stack', { env });
  const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: imported(stack) });
  return { stack, connection: new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: fleetRef(stack), ...props }) };
}

type Resources = Record<string, { Type: string; Properties: Record<string, unknown>; DependsOn?: string[] }>;

function resourcesOf(stack: Stack, type?: string): Resources {
  const { Resources: all } = Template.fromStack(stack).toJSON() as { Resources: Resources };
  return Object.fromEntries(Object.entries(all).filter(([, { Type }]) => type === undefined || Type === type));
}

describe('the template', () => {
  test('of one authorization with one connection has ten resources', () => {
    const { stack } = connected();
    expect(
      Object.values(resourcesOf(stack))
        .map(({ Type }) => Type)
        .sort(),
    ).toEqual([
      'AWS::IAM::Role',
      'AWS::IAM::RolePolicy',
      'AWS::IAM::RolePolicy',
      'AWS::IAM::RolePolicy',
      'AWS::Lambda::EventInvokeConfig',
      'AWS::Lambda::Function',
      'AWS::Logs::LogGroup',
      AUTHORIZATION,
      CONNECTION,
      TEARDOWN,
    ]);
  });

  test('has the resources that the README lists, each with why it is needed', () => {
    const text = readFileSync(join(__dirname, '..', '..', 'README.md'), 'utf8');
    const [table = ''] = /\| resource +\| why it is needed[^]*?\n\n/.exec(text) ?? [];
    const rows = table.split('\n').filter((line) => line.startsWith('| `'));
    const listed = rows.map((line) => /^\| `([\w:]+)`/.exec(line)?.[1]);
    const declared = Object.values(resourcesOf(connected().stack)).map(({ Type }) => Type);
    expect([...listed].sort()).toEqual([...declared].sort());
    expect(listed.length).toBeLessThanOrEqual(10);

    const authorized = new Stack(new App(), 'Stack', { env });
    new VpcPeeringAuthorization(authorized, 'Authorization', { vpc: imported(authorized) });
    const withoutConnection = Object.values(resourcesOf(authorized)).map(({ Type }) => Type);
    expect(listed.slice(0, 6).sort()).toEqual(withoutConnection.sort());
  });

  test('has one more resource for each further connection, and with a hundred is far from every limit of IAM, CloudFormation and Lambda', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: imported(stack) });
    for (let index = 0; index < 100; index += 1) {
      const fleet = fleetRef(stack, `fleet-01234567-89ab-cdef-0123-${String(index).padStart(12, '0')}`);
      new VpcPeeringConnection(stack, `Peering${index}`, { authorization, fleet });
    }
    const resources = Object.values(resourcesOf(stack));
    expect(resources).toHaveLength(9 + 100);

    // IAM counts the inline policies of a role together, without white space: 10,240 characters at the most
    const inline = resources.flatMap(({ Type, Properties }) =>
      Type === 'AWS::IAM::RolePolicy'
        ? [Properties.PolicyDocument]
        : ((Properties.Policies ?? []) as { PolicyDocument: object }[]).map(({ PolicyDocument }) => PolicyDocument),
    );
    expect(inline).toHaveLength(4);
    expect(JSON.stringify(inline).length).toBeLessThan(10_240 / 2);
    // CloudFormation: 1 MB a template, and a function is given all properties of a resource in one event of 1 MB
    expect(JSON.stringify(Template.fromStack(stack).toJSON()).length).toBeLessThan(1_000_000 / 4);
    const longest = Math.max(...resources.map(({ Properties }) => JSON.stringify(Properties).length));
    expect(longest).toBeLessThan(256_000 / 10);
  });

  test('has room for the connections of four VPCs in what the policies of a role may say', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    for (const digit of ['1', '2', '3', '4']) {
      const vpc = ec2.Vpc.fromVpcAttributes(stack, `Vpc${digit}`, {
        vpcId: `vpc-${digit.repeat(17)}`,
        availabilityZones: ['eu-central-1a'],
      });
      const authorization = new VpcPeeringAuthorization(stack, `Authorization${digit}`, { vpc });
      new VpcPeeringConnection(stack, `Peering${digit}`, { authorization, fleet: fleetRef(stack, `fleet-${digit}`) });
    }
    const policies = Object.values(resourcesOf(stack, 'AWS::IAM::RolePolicy')).map(({ Properties }) => Properties.PolicyDocument);
    // one for the fleets, two for each VPC
    expect(policies).toHaveLength(1 + 2 * 4);
    const resolved = JSON.stringify(policies).replace(
      /\{"Fn::Join":\["",\["arn:",\{"Ref":"AWS::Partition"\},"([^"]*)"\]\]\}/g,
      '"arn:aws$1"',
    );
    expect(resolved).not.toContain('Fn::');
    expect(resolved.length).toBeLessThan(10_240 * 0.95);
  });

  test('hands the handler what is declared, and the expiry, which orders the two', () => {
    const { stack } = connected();
    const [authorization] = Object.keys(resourcesOf(stack, AUTHORIZATION));
    Template.fromStack(stack).hasResource(CONNECTION, {
      Properties: {
        SchemaVersion: '1',
        ServiceTimeout: '1200',
        FleetId: FLEET,
        PeerVpcId: 'vpc-0123456789abcdef0',
        PeerVpcAwsAccountId: '111111111111',
        GameLiftAwsAccountId: '111111111111',
        TimeoutSeconds: 600,
        Routes: 'EveryRouteTable',
        RouteTableIds: Match.absent(),
        DnsResolution: false,
        AdoptExisting: false,
        AuthorizationExpirationTime: { 'Fn::GetAtt': [authorization, 'ExpirationTime'] },
      },
      DependsOn: Match.arrayWith([
        Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerAuthorize'),
        Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerConnect'),
        Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerEventInvokeConfig'),
      ]),
    });
  });

  test('deletes the teardown before every connection of its stack', () => {
    const { stack } = connected();
    const [connection] = Object.keys(resourcesOf(stack, CONNECTION));
    Template.fromStack(stack).hasResource(TEARDOWN, {
      Properties: { PeerVpcId: 'vpc-0123456789abcdef0', FleetIds: [FLEET] },
      DependsOn: Match.arrayWith([connection]),
    });
  });

  test('exposes what the deployment answers as attributes', () => {
    const { stack, connection } = connected();
    const [id] = Object.keys(resourcesOf(stack, CONNECTION));
    expect(stack.resolve([connection.vpcPeeringConnectionId, connection.gameLiftVpcId, connection.gameLiftCidrBlock])).toEqual([
      { 'Fn::GetAtt': [id, 'VpcPeeringConnectionId'] },
      { 'Fn::GetAtt': [id, 'GameLiftVpcId'] },
      { 'Fn::GetAtt': [id, 'GameLiftCidrBlock'] },
    ]);
  });

  test('allows what connecting takes, in this VPC only, with tags of its own only, and nothing beyond it', () => {
    const { stack } = connected();
    const policies = Object.values(resourcesOf(stack, 'AWS::IAM::RolePolicy'));
    const [fleets, connect] = ['Fleets', 'Connect'].map((kind) =>
      policies.find(({ Properties }) => JSON.stringify(Properties.PolicyName).includes(`-${kind}`)),
    );
    const vpcArn = {
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':ec2:eu-central-1:111111111111:vpc/vpc-0123456789abcdef0']],
    };
    const arn = (text: string): unknown => ({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, text]] });
    expect(fleets?.Properties.PolicyDocument).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: [
            'gamelift:CreateVpcPeeringConnection',
            'gamelift:DeleteVpcPeeringConnection',
            'gamelift:DescribeFleetAttributes',
            'gamelift:DescribeVpcPeeringConnections',
          ],
          Resource: '*',
        },
        {
          Effect: 'Allow',
          Action: ['gamelift:DescribeFleetEvents', 'gamelift:ListTagsForResource'],
          Resource: arn(':gamelift:eu-central-1:*:fleet/*'),
        },
        {
          Effect: 'Allow',
          Action: ['gamelift:TagResource', 'gamelift:UntagResource'],
          Resource: arn(':gamelift:eu-central-1:*:fleet/*'),
          Condition: {
            'ForAllValues:StringLike': { 'aws:TagKeys': ['cdk-gamelift-vpc-peering:*'] },
            Null: { 'aws:TagKeys': 'false' },
          },
        },
        ...['cdk-gamelift-vpc-peering:owner', 'cdk-gamelift-vpc-peering:changed:fleet'].map((tag) => ({
          Effect: 'Allow',
          Action: 'ec2:DeleteTags',
          Resource: arn(':ec2:eu-central-1:111111111111:vpc-peering-connection/*'),
          Condition: {
            'ForAllValues:StringLike': { 'aws:TagKeys': ['Name', 'cdk-gamelift-vpc-peering:*'] },
            Null: { 'aws:TagKeys': 'false', [`aws:ResourceTag/${tag}`]: 'false' },
          },
        })),
      ],
    });
    expect(connect?.Properties.PolicyDocument).toEqual({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: 'ec2:DescribeVpcPeeringConnections', Resource: '*' },
        {
          Effect: 'Allow',
          Action: 'ec2:CreateTags',
          Resource: arn(':ec2:eu-central-1:111111111111:vpc-peering-connection/*'),
          Condition: {
            ArnEquals: { 'ec2:AccepterVpc': vpcArn },
            'ForAllValues:StringLike': { 'aws:TagKeys': ['Name', 'cdk-gamelift-vpc-peering:*'] },
            Null: { 'aws:TagKeys': 'false' },
          },
        },
        {
          Effect: 'Allow',
          Action: 'ec2:ModifyVpcPeeringConnectionOptions',
          Resource: arn(':ec2:eu-central-1:111111111111:vpc-peering-connection/*'),
          Condition: { ArnEquals: { 'ec2:AccepterVpc': vpcArn } },
        },
        {
          Effect: 'Allow',
          Action: 'ec2:ReplaceRoute',
          Resource: arn(':ec2:eu-central-1:111111111111:route-table/*'),
          Condition: { ArnEquals: { 'ec2:Vpc': vpcArn } },
        },
      ],
    });
  });
});

describe('renewal by what changes', () => {
  function reliedOn(
    change: (fleet: gamelift.CfnFleet, authorization: VpcPeeringAuthorization, build: gamelift.CfnBuild) => void,
    born = false,
  ): Record<string, Record<string, unknown>> {
    const stack = new Stack(new App(), 'Stack', { env });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: imported(stack) });
    const build = new gamelift.CfnBuild(stack, 'Build', { storageLocation: { bucket: 'b', key: 'k', roleArn: 'r' } });
    const fleet = fleetOf(stack, { buildId: build.ref });
    change(fleet, authorization, build);
    if (born) {
      authorization.authorizeFleet(fleet);
    } else {
      new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
    }
    const [resource] = Object.values(resourcesOf(stack, AUTHORIZATION));
    return resource?.Properties.ReliedOnBy as Record<string, Record<string, unknown>>;
  }
  const nothing = (): void => undefined;

  test('a fleet that is born peered: its build shows as a reference, which a new build changes', () => {
    expect(reliedOn(nothing, true)).toEqual({
      Fleet: {
        BuildId: { Ref: 'Build' },
        EC2InstanceType: 'c5.large',
        PeerVpcId: 'vpc-0123456789abcdef0',
        PeerVpcAwsAccountId: '111111111111',
        Digest: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      },
    });
  });

  const properties = Object.entries(schemaOf('AWS::GameLift::Fleet')?.properties ?? {});
  const [replacing, inPlace] = [true, undefined].map((wanted) =>
    properties.filter(([, { createOnly }]) => createOnly === wanted).map(([name]) => name),
  ) as [string[], string[]];

  test.each(replacing)('%s, whose change replaces a fleet, shows with the references in it', (property) => {
    const reference = { 'Fn::GetAtt': ['Build', 'Arn'] };
    const relied = reliedOn((fleet) => {
      fleet.addPropertyOverride(property, reference);
    }, true);
    expect(relied.Fleet).toMatchObject({ [property]: reference });
  });

  test.each(inPlace)('%s, which can be changed in place, shows in the digest alone', (property) => {
    const relied = reliedOn((fleet) => {
      fleet.addPropertyOverride(property, 'changed');
    }, true);
    expect(relied.Fleet).not.toHaveProperty(property);
    expect(relied.Fleet?.Digest).not.toBe(reliedOn(nothing, true).Fleet?.Digest);
  });

  test('a connection: what replaces its fleet shows, and not the fleet, for which nothing else has to wait', () => {
    expect(reliedOn(nothing)).toEqual({
      Peering3EBF733F: {
        FleetId: { BuildId: { Ref: 'Build' }, EC2InstanceType: 'c5.large' },
        PeerVpcId: 'vpc-0123456789abcdef0',
        PeerVpcAwsAccountId: '111111111111',
        Digest: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      },
    });
  });

  test('a connection: another fleet shows in the digest, even if it is made of the same', () => {
    const another = (fleet: gamelift.CfnFleet): void => {
      fleet.overrideLogicalId('Another');
    };
    const [before, after] = [nothing, another].map((change) => reliedOn(change).Peering3EBF733F);
    expect(after).toEqual({ ...before, Digest: expect.not.stringMatching(String(before?.Digest)) as string });
  });

  test('what does not replace the fleet shows in the digest', () => {
    const [before, after] = [nothing, (fleet: gamelift.CfnFleet): void => void (fleet.description = 'other')].map(
      (change) => reliedOn(change, true).Fleet,
    );
    expect(after).toEqual({ ...before, Digest: after?.Digest });
    expect(after?.Digest).not.toBe(before?.Digest);
  });

  test('what would close a cycle is left out, but for the digest', () => {
    const relied = reliedOn((fleet, { expirationTime }) => {
      fleet.instanceRoleArn = Fn.join(' ', ['until', expirationTime]);
    }, true);
    expect(relied.Fleet).not.toHaveProperty('InstanceRoleARN');
    expect(relied.Fleet).toHaveProperty('BuildId');
  });

  test.each([
    ['Fn::Sub', { 'Fn::Sub': 'until ${LATE.ExpirationTime}' }],
    ['Fn::Sub with a map', { 'Fn::Sub': ['until ${Time}', { Time: { 'Fn::GetAtt': ['LATE', 'ExpirationTime'] } }] }],
    ['Fn::GetAtt as one text', { 'Fn::GetAtt': 'LATE.ExpirationTime' }],
    ['Ref', { Ref: 'LATE' }],
  ])('the same with %s, in a build', (_, reference) => {
    const relied = reliedOn(({ stack }, authorization, build) => {
      const name = stack.getLogicalId(authorization.node.findChild('Resource').node.defaultChild as CfnResource);
      build.addPropertyOverride('Version', JSON.parse(JSON.stringify(reference).replaceAll('LATE', name)));
    }, true);
    expect(relied.Fleet).not.toHaveProperty('BuildId');
  });

  test('a text that happens to be the logical id of the fleet is no reference to it', () => {
    const relied = reliedOn((_fleet, _authorization, build) => {
      build.name = 'Fleet';
    }, true);
    expect(relied.Fleet).toHaveProperty('BuildId');
  });

  test('two authorizations whose fleets depend on each other stay apart', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    const [one, two] = ['a', 'b'].map((digit) => {
      const vpc = imported(new Stack(stack, `S${digit}`, { env }), { vpcId: `vpc-0${digit}` });
      return new VpcPeeringAuthorization(stack, `Authorization${digit}`, { vpc });
    });
    const first = fleetOf(stack);
    one?.authorizeFleet(first);
    const second = new gamelift.CfnFleet(stack, 'Second', { name: 'second', instanceRoleArn: first.ref });
    two?.authorizeFleet(second);
    const relied = Object.values(resourcesOf(stack, AUTHORIZATION)).map(({ Properties }) =>
      Object.keys(Properties.ReliedOnBy as object),
    );
    expect(relied).toEqual([['Fleet'], ['Second']]);
  });
});

describe('stacks look after themselves', () => {
  function acrossStacks(): { database: Stack; fleets: Stack } {
    const app = new App();
    const database = new Stack(app, 'Database', { env });
    const authorization = new VpcPeeringAuthorization(database, 'Authorization', { vpc: imported(database) });
    const fleets = new Stack(app, 'Fleets', { env });
    authorization.authorizeFleet(fleetOf(fleets));
    new VpcPeeringConnection(fleets, 'Peering', { authorization, fleet: fleetRef(fleets) });
    return { database, fleets };
  }

  test('a stack that relies on the authorization of another has a renewal and a teardown of its own', () => {
    const { database, fleets } = acrossStacks();
    expect(Object.keys(resourcesOf(fleets, AUTHORIZATION))).toHaveLength(1);
    expect(Object.keys(resourcesOf(fleets, TEARDOWN))).toHaveLength(1);
    expect(Object.keys(resourcesOf(database, TEARDOWN))).toHaveLength(0);
    Template.fromStack(fleets).hasResource(AUTHORIZATION, { DeletionPolicy: 'Retain' });
    const [renewal] = Object.keys(resourcesOf(fleets, AUTHORIZATION));
    const [policy] = Object.keys(resourcesOf(fleets, 'AWS::IAM::RolePolicy'));
    Template.fromStack(fleets).hasResource('AWS::GameLift::Fleet', { DependsOn: [renewal, policy] });
  });

  test('the fleet of another stack shows as an import', () => {
    const app = new App();
    const fleet = fleetOf(new Stack(app, 'Fleets', { env }));
    const stack = new Stack(app, 'Stack', { env });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: imported(stack) });
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
    const [resource] = Object.values(resourcesOf(stack, AUTHORIZATION));
    expect(resource?.Properties.ReliedOnBy).toMatchObject({
      Peering3EBF733F: { FleetId: { 'Fn::ImportValue': expect.stringMatching(/^Fleets:/) as string } },
    });
  });

  test('the expiry is never an export', () => {
    const { database } = acrossStacks();
    expect(Template.fromStack(database).toJSON()).not.toHaveProperty('Outputs');
  });

  test('across Stages it is refused, and the import named', () => {
    const app = new App();
    const authorization = new VpcPeeringAuthorization(new Stack(new Stage(app, 'One', { env }), 'Stack'), 'Authorization', {
      vpc: imported(new Stack(app, 'Vpc', { env })),
    });
    const other = new Stack(new Stage(app, 'Two', { env }), 'Stack');
    expect(() => {
      authorization.authorizeFleet(fleetOf(other));
    }).toThrow(
      'One/Stack/Authorization is in another Stage than Two/Stack, and Stages are deployed apart: ' +
        'import the authorization there with VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes',
    );
  });
});

describe('many connections', () => {
  /** Which connections each one depends on, by their numbers. */
  function waiting(
    count: number,
    fleet: (stack: Stack, index: number) => VpcPeeringConnectionProps['fleet'],
    change?: (stack: Stack) => void,
  ): number[][] {
    const stack = new Stack(new App(), 'Stack', { env });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: imported(stack) });
    for (let index = 0; index < count; index += 1) {
      new VpcPeeringConnection(stack, `P${index}x`, { authorization, fleet: fleet(stack, index) });
    }
    change?.(stack);
    const numbers = (ids: readonly string[]): number[] =>
      ids.flatMap((id) => [...id.matchAll(/^P(\d+)x/g)].map(([, number]) => Number(number)));
    return Object.entries(resourcesOf(stack, CONNECTION)).map(([, { DependsOn = [] }]) => numbers(DependsOn));
  }
  const made = (stack: Stack, index: number): gamelift.CfnFleet =>
    new gamelift.CfnFleet(stack, `Fleet${index}`, { name: 'fleet' });

  test.each([
    ['from elsewhere', (stack: Stack, index: number) => fleetRef(stack, `fleet-${index}`)],
    ['of the stack', made],
  ])('to fleets %s: each waits for all of the forty before its own forty', (_, fleet) => {
    const batch = (first: number): number[] => Array.from({ length: 40 }, (__, index) => first + index);
    const sorted = waiting(85, fleet).map((numbers) => numbers.toSorted((one, other) => one - other));
    expect(sorted).toEqual(Array.from({ length: 85 }, (__, index) => (index < 40 ? [] : batch(index < 80 ? 0 : 40))));
  });

  test('dependencies that would close a cycle are left out', () => {
    const fleets: gamelift.CfnFleet[] = [];
    const result = waiting(
      43,
      (stack, index) => {
        const fleet = made(stack, index);
        fleets.push(fleet);
        return fleet;
      },
      (stack) => {
        const connections = stack.node.children.filter((child) => child instanceof VpcPeeringConnection);
        // the fleets of the first two need what comes late: the one as a dependency, the other in a property
        const [first, second] = fleets as [gamelift.CfnFleet, gamelift.CfnFleet];
        const [early, late] = connections.slice(40) as [VpcPeeringConnection, VpcPeeringConnection];
        first.node.addDependency(early);
        second.description = `after ${late.gameLiftCidrBlock}`;
      },
    );
    for (const numbers of result.slice(40)) {
      expect(numbers).toHaveLength(38);
      expect(numbers).not.toEqual(expect.arrayContaining([0]));
      expect(numbers).not.toEqual(expect.arrayContaining([1]));
    }
  });
});

describe('routes', () => {
  const routesOf = (build: (stack: Stack) => { vpc: ec2.IVpc; routes?: PeeringRoutes }): Record<string, unknown> => {
    const stack = new Stack(new App(), 'Stack', { env });
    const { vpc, routes } = build(stack);
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    new VpcPeeringConnection(stack, 'Peering', {
      authorization,
      fleet: fleetRef(stack),
      ...(routes === undefined ? {} : { routes }),
    });
    const [connection] = Object.values(resourcesOf(stack, CONNECTION));
    const { Routes, RouteTableIds } = connection?.Properties ?? {};
    return { Routes, RouteTableIds };
  };
  const ownVpc = (stack: Stack): ec2.Vpc => new ec2.Vpc(stack, 'Vpc', { maxAzs: 1 });

  test('to every table of a VPC of the app: as properties, so that they are there first', () => {
    expect(routesOf((stack) => ({ vpc: ownVpc(stack) }))).toEqual({
      Routes: 'RouteTables',
      RouteTableIds: [{ Ref: 'VpcPublicSubnet1RouteTable6C95E38E' }, { Ref: 'VpcPrivateSubnet1RouteTableB2C5B500' }],
    });
  });

  test('to every table of an imported VPC: found at the deployment', () => {
    expect(routesOf((stack) => ({ vpc: imported(stack) }))).toEqual({ Routes: 'EveryRouteTable', RouteTableIds: undefined });
  });

  test('to the tables of some subnets, shared ones once', () => {
    const vpcWithSharedTable = (stack: Stack): ec2.IVpc =>
      imported(stack, {
        isolatedSubnetIds: ['subnet-1', 'subnet-2'],
        isolatedSubnetRouteTableIds: ['rtb-0a', 'rtb-0a'],
        availabilityZones: ['eu-central-1a', 'eu-central-1b'],
      });
    const routes = PeeringRoutes.forSubnets({ subnetType: ec2.SubnetType.PRIVATE_ISOLATED });
    expect(routesOf((stack) => ({ vpc: vpcWithSharedTable(stack), routes }))).toEqual({
      Routes: 'RouteTables',
      RouteTableIds: ['rtb-0a'],
    });
  });

  test('to subnets whose tables nobody knows: refused', () => {
    const routes = PeeringRoutes.forSubnets({ subnetType: ec2.SubnetType.PRIVATE_ISOLATED });
    expect(() => routesOf((stack) => ({ vpc: imported(stack, { isolatedSubnetIds: ['subnet-1'] }), routes }))).toThrow(
      'the route table of subnet Stack/Vpc/IsolatedSubnet1 is not known: import it with its routeTableId, or pass PeeringRoutes.everyRouteTable()',
    );
  });

  test('none', () => {
    expect(routesOf((stack) => ({ vpc: imported(stack), routes: PeeringRoutes.none() }))).toEqual({
      Routes: 'None',
      RouteTableIds: undefined,
    });
  });
});

describe('who may talk to whom', () => {
  test('allowTo opens a port to the fleet and to nobody else, in the stack of the connection', () => {
    const app = new App();
    const data = new Stack(app, 'Data', { env });
    const database = new ec2.SecurityGroup(data, 'Database', { vpc: imported(data) });
    const stack = new Stack(app, 'Stack', { env });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: imported(stack) });
    const peering = new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: fleetRef(stack) });
    peering.allowTo(database, ec2.Port.tcp(5432));
    peering.allowTo(database, ec2.Port.tcp(5432));
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 1);
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      CidrIp: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Peering'), 'GameLiftCidrBlock'] },
      IpProtocol: 'tcp',
      FromPort: 5432,
      ToPort: 5432,
      GroupId: { 'Fn::ImportValue': Match.stringLikeRegexp('^Data:') },
    });
    Template.fromStack(data).resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
  });

  test('closes no cycle with a fleet that is told the address of the database', () => {
    const app = new App();
    const stack = new Stack(app, 'Stack', { env });
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1 });
    const database = new ec2.SecurityGroup(stack, 'Database', { vpc });
    const serverProcesses = [{ launchPath: '/server', concurrentExecutions: 1, parameters: database.securityGroupId }];
    const fleet = fleetOf(stack, { runtimeConfiguration: { serverProcesses } });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    const peering = new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
    peering.allowTo(database, ec2.Port.tcp(5432));
    database.connections.allowFrom(peering, ec2.Port.tcp(6379));
    expect(() => Template.fromStack(stack)).not.toThrow();
    Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroup', { SecurityGroupIngress: Match.absent() });
    Template.fromStack(stack).resourceCountIs('AWS::EC2::SecurityGroupIngress', 2);
  });

  test('what has no security group is refused', () => {
    const { connection } = connected();
    expect(() => {
      connection.allowTo({ connections: new ec2.Connections() }, ec2.Port.tcp(1));
    }).toThrow('Stack/Peering can be allowed to reach what has a security group, and this has none: add one first');
  });
});

describe('fleets that are born peered', () => {
  function authorize(fleet: (stack: Stack) => Construct): Stack {
    const stack = new Stack(new App(), 'Stack', { env });
    new VpcPeeringAuthorization(stack, 'Authorization', { vpc: imported(stack) }).authorizeFleet(fleet(stack));
    return stack;
  }

  test('are given the VPC and its account, as they are and not as attributes, after the authorization and its permissions', () => {
    const stack = authorize((scope) => fleetOf(scope));
    const [authorization] = Object.keys(resourcesOf(stack, AUTHORIZATION));
    // GameLift acts in the VPC with the permissions of who authorized, also while it deletes the fleet
    const [policy] = Object.keys(resourcesOf(stack, 'AWS::IAM::RolePolicy'));
    Template.fromStack(stack).hasResource('AWS::GameLift::Fleet', {
      Properties: { PeerVpcId: 'vpc-0123456789abcdef0', PeerVpcAwsAccountId: '111111111111' },
      DependsOn: [authorization, policy],
    });
    Template.fromStack(stack).hasResource(TEARDOWN, {
      Properties: { FleetIds: [{ Ref: 'Fleet' }] },
    });
  });

  test('may be wrapped', () => {
    const stack = authorize((scope) => {
      const wrapper = new Construct(scope, 'Wrapper');
      new gamelift.CfnFleet(wrapper, 'Resource', { name: 'fleet' });
      return wrapper;
    });
    Template.fromStack(stack).hasResourceProperties('AWS::GameLift::Fleet', { PeerVpcId: 'vpc-0123456789abcdef0' });
  });

  test.each([
    [
      'a fleet with another VPC',
      (stack: Stack) => fleetOf(stack, { peerVpcId: 'vpc-0b' }),
      'fleet Stack/Fleet is to be peered with vpc-0b already: a fleet is born with one peer VPC',
    ],
    [
      'an Anywhere fleet',
      (stack: Stack) => fleetOf(stack, { computeType: 'ANYWHERE' }),
      'GameLift peers EC2 fleets only: fleet Stack/Fleet is of compute type ANYWHERE',
    ],
    [
      'a container fleet',
      (stack: Stack) => new gamelift.CfnContainerFleet(stack, 'Fleet', { fleetRoleArn: 'r' }),
      'GameLift peers EC2 fleets only: Stack/Fleet must be an AWS::GameLift::Fleet, or have one as its default child, got AWS::GameLift::ContainerFleet',
    ],
    [
      'no fleet at all',
      (stack: Stack) => new Construct(stack, 'Fleet'),
      'GameLift peers EC2 fleets only: Stack/Fleet must be an AWS::GameLift::Fleet, or have one as its default child, got no resource of CloudFormation',
    ],
  ])('%s is refused', (_, fleet: (stack: Stack) => Construct, message) => {
    expect(() => authorize(fleet)).toThrow(message);
  });

  test('remote locations stay unpeered, and that is said', () => {
    const stack = authorize((scope) => fleetOf(scope, { locations: [{ location: 'eu-central-1' }, { location: 'us-east-1' }] }));
    Annotations.fromStack(stack).hasWarning(
      '/Stack/Fleet',
      Match.stringLikeRegexp('those in its remote locations stay unpeered'),
    );
  });
});

describe('misuse', () => {
  test.each([
    [Duration.minutes(14), 840],
    [Duration.seconds(0), 0],
    [Duration.millis(1500), 1.5],
  ])('a timeout of %s', (timeout, seconds) => {
    expect(() => connected({ timeout })).toThrow(`timeout must be whole seconds from 1 to 780, got ${seconds}`);
  });

  test.each([Duration.seconds(1), Duration.minutes(13)])('but not a timeout of %s', (timeout) => {
    expect(() => connected({ timeout })).not.toThrow();
  });

  test('a snapshot of a connection', () => {
    expect(() => connected({ removalPolicy: RemovalPolicy.SNAPSHOT })).toThrow(
      'removalPolicy must be DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE, got snapshot: there is nothing to take one of',
    );
  });

  test('a fleet id that is none', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: imported(stack) });
    const fleet = fleetRef(stack, 'arn:aws:gamelift:eu-central-1::fleet/fleet-1');
    expect(() => new VpcPeeringConnection(stack, 'Peering', { authorization, fleet })).toThrow(
      "fleet must have the id of an EC2 fleet, such as fleet-01234567-89ab-cdef-0123-456789abcdef, got 'arn:aws:gamelift:eu-central-1::fleet/fleet-1'",
    );
  });

  test('what is not known before the deployment is not checked', () => {
    expect(() => {
      const stack = new Stack(new App(), 'Stack');
      const authorization = new VpcPeeringAuthorization(stack, 'Authorization', {
        vpc: imported(stack, { vpcId: Aws.STACK_NAME }),
      });
      const fleet = fleetRef(stack, Aws.STACK_ID);
      new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
    }).not.toThrow();
  });
});
