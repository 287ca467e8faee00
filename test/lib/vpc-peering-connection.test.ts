import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Aws, Duration, Fn, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import type { CfnResource } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { Construct } from 'constructs';
import { schemaOf } from 'rehearsal/schema';
import { PeeringRoutes, VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { VpcPeeringConnectionProps } from '../../lib';

const AUTHORIZATION_TYPE = 'Custom::GameLiftVpcPeeringAuthorization';
const CONNECTION_TYPE = 'Custom::GameLiftVpcPeeringConnection';
const TEARDOWN_TYPE = 'Custom::GameLiftVpcPeeringTeardown';
const env = { account: '111111111111', region: 'eu-central-1' };
const FLEET_ID = 'fleet-01234567-89ab-cdef-0123-456789abcdef';

function importVpc(stack: Stack, attributes = {}): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-central-1a'],
    ...attributes,
  });
}

function importFleet(stack: Stack, id = FLEET_ID): VpcPeeringConnectionProps['fleet'] {
  const fleetArn = `arn:aws:gamelift:eu-central-1::fleet/${id}`;
  return Object.assign(new Construct(stack, `Imported${id}`), { fleetRef: { fleetId: id, fleetArn }, env });
}

function createFleet(stack: Stack, props: Partial<gamelift.CfnFleetProps> = {}): gamelift.CfnFleet {
  return new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet', ec2InstanceType: 'c5.large', ...props });
}

function stackWithConnection(props: Partial<VpcPeeringConnectionProps> = {}): { stack: Stack; connection: VpcPeeringConnection } {
  const stack = new Stack(new App(), 'Stack', { env });
  const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: importVpc(stack) });
  return {
    stack,
    connection: new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: importFleet(stack), ...props }),
  };
}

type Resources = Record<string, { Type: string; Properties: Record<string, unknown>; DependsOn?: string[] }>;

function resourcesOf(stack: Stack, type?: string): Resources {
  const { Resources: all } = Template.fromStack(stack).toJSON() as { Resources: Resources };
  return Object.fromEntries(Object.entries(all).filter(([, { Type }]) => type === undefined || Type === type));
}

describe('the template', () => {
  test('contains ten resources for one authorization with one connection', () => {
    const { stack } = stackWithConnection();
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
      AUTHORIZATION_TYPE,
      CONNECTION_TYPE,
      TEARDOWN_TYPE,
    ]);
  });

  test('contains the resources that docs/resources.md lists and explains', () => {
    const text = readFileSync(join(__dirname, '..', '..', 'docs', 'resources.md'), 'utf8');
    const [table = ''] = /\| resource +\| why it is needed[^]*?\n\n/.exec(text) ?? [];
    const rows = table.split('\n').filter((line) => line.startsWith('| `'));
    const listedTypes = rows.map((line) => /^\| `([\w:]+)`/.exec(line)?.[1]);
    const createdTypes = Object.values(resourcesOf(stackWithConnection().stack)).map(({ Type }) => Type);
    expect([...listedTypes].sort()).toEqual([...createdTypes].sort());
    expect(listedTypes.length).toBeLessThanOrEqual(10);

    const stackWithoutConnection = new Stack(new App(), 'Stack', { env });
    new VpcPeeringAuthorization(stackWithoutConnection, 'Authorization', { vpc: importVpc(stackWithoutConnection) });
    const createdTypesWithoutConnection = Object.values(resourcesOf(stackWithoutConnection)).map(({ Type }) => Type);
    // the first six rows are the resources of a stack without connections
    expect(listedTypes.slice(0, 6).sort()).toEqual(createdTypesWithoutConnection.sort());
  });

  test('contains one more resource for each connection, and stays far below the limits of AWS with a hundred connections', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: importVpc(stack) });
    for (let index = 0; index < 100; index += 1) {
      const fleet = importFleet(stack, `fleet-01234567-89ab-cdef-0123-${String(index).padStart(12, '0')}`);
      new VpcPeeringConnection(stack, `Peering${index}`, { authorization, fleet });
    }
    const resources = Object.values(resourcesOf(stack));
    expect(resources).toHaveLength(9 + 100);

    // IAM allows 10,240 characters for all inline policies of a role together, without white space
    const inlinePolicies = resources.flatMap(({ Type, Properties }) =>
      Type === 'AWS::IAM::RolePolicy'
        ? [Properties.PolicyDocument]
        : ((Properties.Policies ?? []) as { PolicyDocument: object }[]).map(({ PolicyDocument }) => PolicyDocument),
    );
    expect(inlinePolicies).toHaveLength(4);
    expect(JSON.stringify(inlinePolicies).length).toBeLessThan(10_240 / 2);
    // CloudFormation allows 1 MB for a template. Lambda allows 1 MB for an event, which contains all properties of a resource
    expect(JSON.stringify(Template.fromStack(stack).toJSON()).length).toBeLessThan(1_000_000 / 4);
    const largestProperties = Math.max(...resources.map(({ Properties }) => JSON.stringify(Properties).length));
    expect(largestProperties).toBeLessThan(1_000_000 / 40);
  });

  test('keeps the policies for connections with four VPCs below the limit of a role', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    for (const digit of ['1', '2', '3', '4']) {
      const vpc = ec2.Vpc.fromVpcAttributes(stack, `Vpc${digit}`, {
        vpcId: `vpc-${digit.repeat(17)}`,
        availabilityZones: ['eu-central-1a'],
      });
      const authorization = new VpcPeeringAuthorization(stack, `Authorization${digit}`, { vpc });
      new VpcPeeringConnection(stack, `Peering${digit}`, { authorization, fleet: importFleet(stack, `fleet-${digit}`) });
    }
    const policies = Object.values(resourcesOf(stack, 'AWS::IAM::RolePolicy')).map(({ Properties }) => Properties.PolicyDocument);
    // one policy for the fleets, and two for each VPC
    expect(policies).toHaveLength(1 + 2 * 4);
    const resolvedPolicies = JSON.stringify(policies).replace(
      /\{"Fn::Join":\["",\["arn:",\{"Ref":"AWS::Partition"\},"([^"]*)"\]\]\}/g,
      '"arn:aws$1"',
    );
    expect(resolvedPolicies).not.toContain('Fn::');
    expect(resolvedPolicies.length).toBeLessThan(10_240 * 0.95);
  });

  test('passes all properties to the handler, with the expiration time, so that the connection depends on the authorization', () => {
    const { stack } = stackWithConnection();
    const [authorization] = Object.keys(resourcesOf(stack, AUTHORIZATION_TYPE));
    Template.fromStack(stack).hasResource(CONNECTION_TYPE, {
      Properties: {
        SchemaVersion: '1',
        ServiceTimeout: '1200',
        FleetId: FLEET_ID,
        PeerVpcId: 'vpc-0123456789abcdef0',
        PeerVpcAwsAccountId: '111111111111',
        GameLiftAwsAccountId: '111111111111',
        TimeoutSeconds: 600,
        Routes: 'EveryRouteTable',
        RouteTableIds: Match.absent(),
        DnsResolution: false,
        AdoptExisting: false,
        PeerOnCreate: false,
        AuthorizationExpirationTime: { 'Fn::GetAtt': [authorization, 'ExpirationTime'] },
      },
      DependsOn: Match.arrayWith([
        Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerAuthorize'),
        Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerConnect'),
        Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerEventInvokeConfig'),
      ]),
    });
  });

  test('deletes the teardown before all connections of its stack', () => {
    const { stack } = stackWithConnection();
    const [connection] = Object.keys(resourcesOf(stack, CONNECTION_TYPE));
    Template.fromStack(stack).hasResource(TEARDOWN_TYPE, {
      Properties: { PeerVpcId: 'vpc-0123456789abcdef0', FleetIds: [FLEET_ID] },
      DependsOn: Match.arrayWith([connection]),
    });
  });

  test('exposes the attributes of the custom resource', () => {
    const { stack, connection } = stackWithConnection();
    const [id] = Object.keys(resourcesOf(stack, CONNECTION_TYPE));
    expect(stack.resolve([connection.vpcPeeringConnectionId, connection.gameLiftVpcId, connection.gameLiftCidrBlock])).toEqual([
      { 'Fn::GetAtt': [id, 'VpcPeeringConnectionId'] },
      { 'Fn::GetAtt': [id, 'GameLiftVpcId'] },
      { 'Fn::GetAtt': [id, 'GameLiftCidrBlock'] },
    ]);
  });

  test('grants only the permissions that a connection needs, limited to its VPC and to tags of this library', () => {
    const { stack } = stackWithConnection();
    const policies = Object.values(resourcesOf(stack, 'AWS::IAM::RolePolicy'));
    const [fleetsPolicy, connectPolicy] = ['Fleets', 'Connect'].map((kind) =>
      policies.find(({ Properties }) => JSON.stringify(Properties.PolicyName).includes(`-${kind}`)),
    );
    const vpcArn = {
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':ec2:eu-central-1:111111111111:vpc/vpc-0123456789abcdef0']],
    };
    const arn = (text: string): unknown => ({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, text]] });
    expect(fleetsPolicy?.Properties.PolicyDocument).toEqual({
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
    expect(connectPolicy?.Properties.PolicyDocument).toEqual({
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

describe('the triggers of an authorization', () => {
  type PeerFleet = (stack: Stack, authorization: VpcPeeringAuthorization, fleet: gamelift.CfnFleet) => void;
  const connect: PeerFleet = (stack, authorization, fleet) => {
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
  };
  const peerOnCreate: PeerFleet = (stack, authorization, fleet) => {
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true });
  };

  /** The property `ReliedOnBy` of the authorization. */
  function triggersWith(
    change: (fleet: gamelift.CfnFleet, authorization: VpcPeeringAuthorization, build: gamelift.CfnBuild) => void,
    peer = connect,
  ): Record<string, Record<string, unknown>> {
    const stack = new Stack(new App(), 'Stack', { env });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: importVpc(stack) });
    const build = new gamelift.CfnBuild(stack, 'Build', { storageLocation: { bucket: 'b', key: 'k', roleArn: 'r' } });
    const fleet = createFleet(stack, { buildId: build.ref });
    change(fleet, authorization, build);
    peer(stack, authorization, fleet);
    const [resource] = Object.values(resourcesOf(stack, AUTHORIZATION_TYPE));
    return resource?.Properties.ReliedOnBy as Record<string, Record<string, unknown>>;
  }
  const changeNothing = (): void => undefined;

  test('contain build, peer VPC and digest, for a fleet that is peered on creation and for its connection', () => {
    const fleet = { BuildId: { Ref: 'Build' }, EC2InstanceType: 'c5.large' };
    const peer = { PeerVpcId: 'vpc-0123456789abcdef0', PeerVpcAwsAccountId: '111111111111' };
    const Digest = expect.stringMatching(/^[0-9a-f]{16}$/) as string;
    expect(triggersWith(changeNothing, peerOnCreate)).toEqual({
      Fleet: { ...fleet, ...peer, Digest },
      Peering3EBF733F: { FleetId: { ...fleet, ...peer }, ...peer, Digest },
    });
  });

  test('change with a property of the connection', () => {
    const [before, after] = [false, true].map((dnsResolution) =>
      triggersWith(changeNothing, (stack, authorization, fleet) => {
        new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true, dnsResolution });
      }),
    );
    expect(after?.Fleet).toEqual(before?.Fleet);
    expect(after?.Peering3EBF733F?.Digest).not.toBe(before?.Peering3EBF733F?.Digest);
  });

  const properties = Object.entries(schemaOf('AWS::GameLift::Fleet')?.properties ?? {});
  const [createOnlyProperties, updatableProperties] = [true, undefined].map((value) =>
    properties.filter(([, { createOnly }]) => createOnly === value).map(([name]) => name),
  ) as [string[], string[]];

  test('contain a reference to the VPC', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0 });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: createFleet(stack), peerOnCreate: true });
    const [resource] = Object.values(resourcesOf(stack, AUTHORIZATION_TYPE));
    expect(resource?.Properties.ReliedOnBy).toMatchObject({ Fleet: { PeerVpcId: { Ref: 'Vpc8378EB38' } } });
  });

  // the connection sets the VPC and its account, so the tests above check these two properties
  test.each(createOnlyProperties.filter((property) => !['PeerVpcId', 'PeerVpcAwsAccountId'].includes(property)))(
    'contain %s with its references, because a change of this property replaces the fleet',
    (property) => {
      const reference = { 'Fn::GetAtt': ['Build', 'Arn'] };
      const triggers = triggersWith((fleet) => {
        fleet.addPropertyOverride(property, reference);
      }, peerOnCreate);
      expect(triggers.Fleet).toMatchObject({ [property]: reference });
    },
  );

  test.each(updatableProperties)(
    'contain %s only in the digest, because a change of this property does not replace the fleet',
    (property) => {
      const triggers = triggersWith((fleet) => {
        fleet.addPropertyOverride(property, 'changed');
      }, peerOnCreate);
      expect(triggers.Fleet).not.toHaveProperty(property);
      expect(triggers.Fleet?.Digest).not.toBe(triggersWith(changeNothing, peerOnCreate).Fleet?.Digest);
    },
  );

  test('contain the create-only values of a connected fleet, but no reference to the fleet, so that the authorization does not wait for the fleet', () => {
    expect(triggersWith(changeNothing)).toEqual({
      Peering3EBF733F: {
        FleetId: { BuildId: { Ref: 'Build' }, EC2InstanceType: 'c5.large' },
        PeerVpcId: 'vpc-0123456789abcdef0',
        PeerVpcAwsAccountId: '111111111111',
        Digest: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      },
    });
  });

  test('change in the digest if a connection gets another fleet with the same properties', () => {
    const makeAnotherFleet = (fleet: gamelift.CfnFleet): void => {
      fleet.overrideLogicalId('Another');
    };
    const [before, after] = [changeNothing, makeAnotherFleet].map((change) => triggersWith(change).Peering3EBF733F);
    expect(after).toEqual({ ...before, Digest: expect.not.stringMatching(String(before?.Digest)) as string });
  });

  test('change only in the digest if a change does not replace the fleet', () => {
    const [before, after] = [changeNothing, (fleet: gamelift.CfnFleet): void => void (fleet.description = 'other')].map(
      (change) => triggersWith(change, peerOnCreate).Fleet,
    );
    expect(after).toEqual({ ...before, Digest: after?.Digest });
    expect(after?.Digest).not.toBe(before?.Digest);
  });

  test('contain a value only in the digest if it refers to the authorization, because the reference would create a cycle', () => {
    const triggers = triggersWith((fleet, { expirationTime }) => {
      fleet.instanceRoleArn = Fn.join(' ', ['until', expirationTime]);
    }, peerOnCreate);
    expect(triggers.Fleet).not.toHaveProperty('InstanceRoleARN');
    expect(triggers.Fleet).toHaveProperty('BuildId');
  });

  test.each([
    ['Fn::Sub', { 'Fn::Sub': 'until ${AUTHORIZATION.ExpirationTime}' }],
    ['Fn::Sub with a map', { 'Fn::Sub': ['until ${Time}', { Time: { 'Fn::GetAtt': ['AUTHORIZATION', 'ExpirationTime'] } }] }],
    ['Fn::GetAtt as one text', { 'Fn::GetAtt': 'AUTHORIZATION.ExpirationTime' }],
    ['Ref', { Ref: 'AUTHORIZATION' }],
  ])('contain a build only in the digest if the build refers to the authorization: %s', (_, reference) => {
    const triggers = triggersWith(({ stack }, authorization, build) => {
      const logicalId = stack.getLogicalId(authorization.node.findChild('Resource').node.defaultChild as CfnResource);
      build.addPropertyOverride('Version', JSON.parse(JSON.stringify(reference).replaceAll('AUTHORIZATION', logicalId)));
    }, peerOnCreate);
    expect(triggers.Fleet).not.toHaveProperty('BuildId');
  });

  test('contain a build whose name equals the logical id of the fleet, because text is not a reference', () => {
    const triggers = triggersWith((_fleet, _authorization, build) => {
      build.name = 'Fleet';
    }, peerOnCreate);
    expect(triggers.Fleet).toHaveProperty('BuildId');
  });

  test('contain only the fleets that use this authorization, even if one fleet depends on another', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    const authorize = (letter: string): VpcPeeringAuthorization => {
      const vpc = importVpc(new Stack(stack, `S${letter}`, { env }), { vpcId: `vpc-0${letter}` });
      return new VpcPeeringAuthorization(stack, `Authorization${letter}`, { vpc });
    };
    const fleet = createFleet(stack);
    new VpcPeeringConnection(stack, 'One', { authorization: authorize('a'), fleet, peerOnCreate: true });
    const secondFleet = new gamelift.CfnFleet(stack, 'Second', { name: 'second', instanceRoleArn: fleet.ref });
    new VpcPeeringConnection(stack, 'Two', { authorization: authorize('b'), fleet: secondFleet, peerOnCreate: true });
    const reliedOnBy = Object.values(resourcesOf(stack, AUTHORIZATION_TYPE)).map(({ Properties }) =>
      Object.keys(Properties.ReliedOnBy as object),
    );
    expect(reliedOnBy).toEqual([
      ['Fleet', expect.stringMatching(/^One/)],
      ['Second', expect.stringMatching(/^Two/)],
    ]);
  });
});

describe('several stacks', () => {
  function stacksWithSharedAuthorization(): { database: Stack; fleets: Stack } {
    const app = new App();
    const database = new Stack(app, 'Database', { env });
    const authorization = new VpcPeeringAuthorization(database, 'Authorization', { vpc: importVpc(database) });
    const fleets = new Stack(app, 'Fleets', { env });
    new VpcPeeringConnection(fleets, 'OnCreate', { authorization, fleet: createFleet(fleets), peerOnCreate: true });
    new VpcPeeringConnection(fleets, 'Peering', { authorization, fleet: importFleet(fleets) });
    return { database, fleets };
  }

  test('a stack that uses the authorization of another stack has its own renewal and teardown', () => {
    const { database, fleets } = stacksWithSharedAuthorization();
    expect(Object.keys(resourcesOf(fleets, AUTHORIZATION_TYPE))).toHaveLength(1);
    expect(Object.keys(resourcesOf(fleets, TEARDOWN_TYPE))).toHaveLength(1);
    expect(Object.keys(resourcesOf(database, TEARDOWN_TYPE))).toHaveLength(0);
    Template.fromStack(fleets).hasResource(AUTHORIZATION_TYPE, { DeletionPolicy: 'Retain' });
    const [renewal] = Object.keys(resourcesOf(fleets, AUTHORIZATION_TYPE));
    const [policy] = Object.keys(resourcesOf(fleets, 'AWS::IAM::RolePolicy'));
    Template.fromStack(fleets).hasResource('AWS::GameLift::Fleet', { DependsOn: [renewal, policy] });
  });

  test('the triggers of an authorization contain the fleet of another stack as an import', () => {
    const app = new App();
    const fleet = createFleet(new Stack(app, 'Fleets', { env }));
    const stack = new Stack(app, 'Stack', { env });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: importVpc(stack) });
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
    const [resource] = Object.values(resourcesOf(stack, AUTHORIZATION_TYPE));
    expect(resource?.Properties.ReliedOnBy).toMatchObject({
      Peering3EBF733F: { FleetId: { 'Fn::ImportValue': expect.stringMatching(/^Fleets:/) as string } },
    });
  });

  test('the expiration time is never an export', () => {
    const { database } = stacksWithSharedAuthorization();
    expect(Template.fromStack(database).toJSON()).not.toHaveProperty('Outputs');
  });

  test('a connection fails with an authorization in another Stage, with an error that names the import method', () => {
    const app = new App();
    const authorization = new VpcPeeringAuthorization(new Stack(new Stage(app, 'One', { env }), 'Stack'), 'Authorization', {
      vpc: importVpc(new Stack(app, 'Vpc', { env })),
    });
    const other = new Stack(new Stage(app, 'Two', { env }), 'Stack');
    expect(() => {
      new VpcPeeringConnection(other, 'Peering', { authorization, fleet: createFleet(other), peerOnCreate: true });
    }).toThrow(
      'One/Stack/Authorization is in another Stage than Two/Stack, and Stages are deployed independently: ' +
        'import the authorization there with VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes',
    );
  });
});

describe('many connections', () => {
  /** For each connection, the numbers of the connections that it depends on. */
  function dependenciesOfConnections(
    count: number,
    fleetOf: (stack: Stack, index: number) => VpcPeeringConnectionProps['fleet'],
    changeStack?: (stack: Stack) => void,
  ): number[][] {
    const stack = new Stack(new App(), 'Stack', { env });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: importVpc(stack) });
    for (let index = 0; index < count; index += 1) {
      new VpcPeeringConnection(stack, `P${index}x`, { authorization, fleet: fleetOf(stack, index) });
    }
    changeStack?.(stack);
    const numbersIn = (ids: readonly string[]): number[] =>
      ids.flatMap((id) => [...id.matchAll(/^P(\d+)x/g)].map(([, number]) => Number(number)));
    return Object.entries(resourcesOf(stack, CONNECTION_TYPE)).map(([, { DependsOn = [] }]) => numbersIn(DependsOn));
  }
  const createNumberedFleet = (stack: Stack, index: number): gamelift.CfnFleet =>
    new gamelift.CfnFleet(stack, `Fleet${index}`, { name: 'fleet' });

  test.each([
    ['imported fleets', (stack: Stack, index: number) => importFleet(stack, `fleet-${index}`)],
    ['fleets of the stack', createNumberedFleet],
  ])('with %s, each connection depends on the five connections of the eighth batch before its own', (_, fleetOf) => {
    const batch = (number: number): number[] => Array.from({ length: 5 }, (__, index) => 5 * number + index);
    const sortedDependencies = dependenciesOfConnections(85, fleetOf).map((numbers) =>
      numbers.toSorted((one, other) => one - other),
    );
    const expectedDependencies = (index: number): number[] => (index < 40 ? [] : batch(Math.floor(index / 5) - 8));
    expect(sortedDependencies).toEqual(Array.from({ length: 85 }, (__, index) => expectedDependencies(index)));
  });

  test('have no dependencies that would create a cycle', () => {
    const fleets: gamelift.CfnFleet[] = [];
    const dependencies = dependenciesOfConnections(
      43,
      (stack, index) => {
        const fleet = createNumberedFleet(stack, index);
        fleets.push(fleet);
        return fleet;
      },
      (stack) => {
        const connections = stack.node.children.filter((child) => child instanceof VpcPeeringConnection);
        // the first fleet has a dependency on connection 40, and a property of the second fleet refers to connection 41
        const [firstFleet, secondFleet] = fleets as [gamelift.CfnFleet, gamelift.CfnFleet];
        const [connection40, connection41] = connections.slice(40) as [VpcPeeringConnection, VpcPeeringConnection];
        firstFleet.node.addDependency(connection40);
        secondFleet.description = `after ${connection41.gameLiftCidrBlock}`;
      },
    );
    for (const numbers of dependencies.slice(40)) {
      expect(numbers).toHaveLength(3);
      expect(numbers).not.toEqual(expect.arrayContaining([0]));
      expect(numbers).not.toEqual(expect.arrayContaining([1]));
    }
  });
});

describe('routes', () => {
  const routesOf = (options: (stack: Stack) => { vpc: ec2.IVpc; routes?: PeeringRoutes }): Record<string, unknown> => {
    const stack = new Stack(new App(), 'Stack', { env });
    const { vpc, routes } = options(stack);
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    new VpcPeeringConnection(stack, 'Peering', {
      authorization,
      fleet: importFleet(stack),
      ...(routes === undefined ? {} : { routes }),
    });
    const [connection] = Object.values(resourcesOf(stack, CONNECTION_TYPE));
    const { Routes, RouteTableIds } = connection?.Properties ?? {};
    return { Routes, RouteTableIds };
  };
  const createVpc = (stack: Stack): ec2.Vpc => new ec2.Vpc(stack, 'Vpc', { maxAzs: 1 });

  test('in all route tables of a VPC of the app are passed as references, so that the tables are created first', () => {
    expect(routesOf((stack) => ({ vpc: createVpc(stack) }))).toEqual({
      Routes: 'RouteTables',
      RouteTableIds: [{ Ref: 'VpcPublicSubnet1RouteTable6C95E38E' }, { Ref: 'VpcPrivateSubnet1RouteTableB2C5B500' }],
    });
  });

  test('in all route tables of an imported VPC are determined at deployment', () => {
    expect(routesOf((stack) => ({ vpc: importVpc(stack) }))).toEqual({ Routes: 'EveryRouteTable', RouteTableIds: undefined });
  });

  test('in all route tables of a VPC are determined at deployment if its subnets are separate constructs', () => {
    const vpcWithoutSubnets = (stack: Stack): ec2.IVpc => {
      const vpc = new ec2.Vpc(stack, 'Vpc', { subnetConfiguration: [], availabilityZones: ['eu-central-1a'] });
      new ec2.PrivateSubnet(stack, 'Subnet', {
        vpcId: vpc.vpcId,
        cidrBlock: '10.0.0.0/24',
        availabilityZone: 'eu-central-1a',
      });
      return vpc;
    };
    expect(routesOf((stack) => ({ vpc: vpcWithoutSubnets(stack) }))).toEqual({
      Routes: 'EveryRouteTable',
      RouteTableIds: undefined,
    });
  });

  test('for subnets that share a route table include this table only once', () => {
    const vpcWithSharedTable = (stack: Stack): ec2.IVpc =>
      importVpc(stack, {
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

  test('for imported subnets fail if the route tables are unknown', () => {
    const routes = PeeringRoutes.forSubnets({ subnetType: ec2.SubnetType.PRIVATE_ISOLATED });
    expect(() => routesOf((stack) => ({ vpc: importVpc(stack, { isolatedSubnetIds: ['subnet-1'] }), routes }))).toThrow(
      'the route table of subnet Stack/Vpc/IsolatedSubnet1 is unknown: import the subnet with its routeTableId, or pass PeeringRoutes.everyRouteTable()',
    );
  });

  test('can be left out', () => {
    expect(routesOf((stack) => ({ vpc: importVpc(stack), routes: PeeringRoutes.none() }))).toEqual({
      Routes: 'None',
      RouteTableIds: undefined,
    });
  });
});

describe('allowTo', () => {
  test('opens a port only to the fleet, with a rule in the stack of the connection', () => {
    const app = new App();
    const data = new Stack(app, 'Data', { env });
    const database = new ec2.SecurityGroup(data, 'Database', { vpc: importVpc(data) });
    const stack = new Stack(app, 'Stack', { env });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: importVpc(stack) });
    const peering = new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: importFleet(stack) });
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

  test('creates no cycle with a fleet whose properties refer to the database', () => {
    const app = new App();
    const stack = new Stack(app, 'Stack', { env });
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1 });
    const database = new ec2.SecurityGroup(stack, 'Database', { vpc });
    const serverProcesses = [{ launchPath: '/server', concurrentExecutions: 1, parameters: database.securityGroupId }];
    const fleet = createFleet(stack, { runtimeConfiguration: { serverProcesses } });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    const peering = new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
    peering.allowTo(database, ec2.Port.tcp(5432));
    database.connections.allowFrom(peering, ec2.Port.tcp(6379));
    expect(() => Template.fromStack(stack)).not.toThrow();
    Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroup', { SecurityGroupIngress: Match.absent() });
    Template.fromStack(stack).resourceCountIs('AWS::EC2::SecurityGroupIngress', 2);
  });

  test('fails with a target that has no security group', () => {
    const { connection } = stackWithConnection();
    expect(() => {
      connection.allowTo({ connections: new ec2.Connections() }, ec2.Port.tcp(1));
    }).toThrow('allowTo of Stack/Peering requires a target that has a security group, got one without');
  });
});

describe('the validation of a connection', () => {
  test.each([
    [Duration.minutes(14), 840],
    [Duration.seconds(0), 0],
    [Duration.millis(1500), 1.5],
  ])('fails with a timeout of %s', (timeout, seconds) => {
    expect(() => stackWithConnection({ timeout })).toThrow(`timeout must be whole seconds from 1 to 780, got ${seconds}`);
  });

  test.each([Duration.seconds(1), Duration.minutes(13)])('allows a timeout of %s', (timeout) => {
    expect(() => stackWithConnection({ timeout })).not.toThrow();
  });

  test('fails with the removal policy SNAPSHOT', () => {
    expect(() => stackWithConnection({ removalPolicy: RemovalPolicy.SNAPSHOT })).toThrow(
      'removalPolicy must be DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE, got SNAPSHOT: the resource has no snapshots',
    );
  });

  test('fails with an invalid fleet id', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: importVpc(stack) });
    const fleet = importFleet(stack, 'arn:aws:gamelift:eu-central-1::fleet/fleet-1');
    expect(() => new VpcPeeringConnection(stack, 'Peering', { authorization, fleet })).toThrow(
      "fleet must have the id of an EC2 fleet, such as fleet-01234567-89ab-cdef-0123-456789abcdef, got 'arn:aws:gamelift:eu-central-1::fleet/fleet-1'",
    );
  });

  test('allows tokens', () => {
    expect(() => {
      const stack = new Stack(new App(), 'Stack');
      const authorization = new VpcPeeringAuthorization(stack, 'Authorization', {
        vpc: importVpc(stack, { vpcId: Aws.STACK_NAME }),
      });
      const fleet = importFleet(stack, Aws.STACK_ID);
      new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
    }).not.toThrow();
  });
});
