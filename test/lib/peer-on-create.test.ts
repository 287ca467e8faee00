import { App, CfnParameter, CfnResource, Fn, NestedStack, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { Construct } from 'constructs';
import type { IConstruct } from 'constructs';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { VpcPeeringConnectionProps } from '../../lib';

/*
 * Connections with peerOnCreate: GameLift creates them together with the fleet.
 */

const env = { account: '111111111111', region: 'us-east-1' };
const AUTHORIZATION_TYPE = 'Custom::GameLiftVpcPeeringAuthorization';
const CONNECTION_TYPE = 'Custom::GameLiftVpcPeeringConnection';
const TEARDOWN_TYPE = 'Custom::GameLiftVpcPeeringTeardown';
const FLEET_TYPE = 'AWS::GameLift::Fleet';

function createStack(app: App, id = 'Game'): Stack {
  return new Stack(app, id, { env });
}

function importVpc(stack: Stack, vpcId = 'vpc-0a'): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, vpcId, { vpcId, availabilityZones: ['us-east-1a'] });
}

function createAuthorization(stack: Stack, vpcId = 'vpc-0a'): VpcPeeringAuthorization {
  return new VpcPeeringAuthorization(stack, `Authorization${vpcId}`, { vpc: importVpc(stack, vpcId) });
}

function createFleet(scope: Construct, id = 'Fleet', props: Partial<gamelift.CfnFleetProps> = {}): gamelift.CfnFleet {
  return new gamelift.CfnFleet(scope, id, { name: 'fleet', ...props });
}

interface StackWithConnection<Fleet extends IConstruct> {
  readonly stack: Stack;
  readonly fleet: Fleet;
  readonly connection: VpcPeeringConnection;
}

/** Creates a stack with a connection, by default with `peerOnCreate`. */
function connectFleet<Fleet extends IConstruct>(
  fleetOf: (stack: Stack, app: App) => Fleet,
  props: Partial<VpcPeeringConnectionProps> = {},
): StackWithConnection<Fleet> {
  const app = new App();
  const stack = createStack(app);
  const fleet = fleetOf(stack, app);
  const options = { authorization: createAuthorization(stack), fleet, peerOnCreate: true, ...props };
  return { stack, fleet, connection: new VpcPeeringConnection(stack, 'Peering', options) };
}

function connectCfnFleet(props: Partial<VpcPeeringConnectionProps> = {}): StackWithConnection<gamelift.CfnFleet> {
  return connectFleet((stack) => createFleet(stack), props);
}

interface Resource {
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
}

function resourcesOf(stack: Stack, type: string): [logicalId: string, Resource][] {
  return Object.entries(Template.fromStack(stack).findResources(type)) as [string, Resource][];
}

function idOf(stack: Stack, type: string): string {
  const [[id] = ['']] = resourcesOf(stack, type);
  return id;
}

describe('a connection with peerOnCreate', () => {
  test('sets the VPC and its account on the fleet, and the fleet is created after the authorization and its policy', () => {
    const { stack } = connectCfnFleet();
    const [policy] = resourcesOf(stack, 'AWS::IAM::RolePolicy').map(([id]) => id);
    expect(policy).toMatch(/^GameLiftVpcPeeringHandlerAuthorize/);
    Template.fromStack(stack).hasResource(FLEET_TYPE, {
      Properties: { PeerVpcId: 'vpc-0a', PeerVpcAwsAccountId: '111111111111' },
      DependsOn: [idOf(stack, AUTHORIZATION_TYPE), policy],
    });
  });

  test('is created after the fleet, and the teardown is deleted before the connection and the fleet', () => {
    const { stack } = connectCfnFleet();
    Template.fromStack(stack).hasResourceProperties(CONNECTION_TYPE, {
      FleetId: { Ref: 'Fleet' },
      PeerOnCreate: true,
      AdoptExisting: false,
    });
    Template.fromStack(stack).hasResource(TEARDOWN_TYPE, {
      Properties: { FleetIds: [{ Ref: 'Fleet' }] },
      DependsOn: Match.arrayWith([idOf(stack, CONNECTION_TYPE)]),
    });
  });

  test('sets the account on a fleet that is inside another construct and already has the same peerVpcId', () => {
    const { stack } = connectFleet((scope) => {
      const wrapper = new Construct(scope, 'Wrapper');
      createFleet(wrapper, 'Resource', { peerVpcId: 'vpc-0a', peerVpcAwsAccountId: '999999999999' });
      return wrapper;
    });
    Template.fromStack(stack).hasResourceProperties(FLEET_TYPE, { PeerVpcId: 'vpc-0a', PeerVpcAwsAccountId: '111111111111' });
  });

  test('sets the VPC and its account on a fleet that is a CfnResource, even if the VPC is in another stack', () => {
    const app = new App();
    const vpc = new ec2.Vpc(createStack(app, 'Network'), 'Vpc', { maxAzs: 1, natGateways: 0 });
    const stack = createStack(app);
    const fleet = new CfnResource(stack, 'Raw', { type: FLEET_TYPE, properties: { Name: 'fleet' } });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true });
    const template = Template.fromStack(stack);
    template.hasResourceProperties(FLEET_TYPE, {
      Name: 'fleet',
      PeerVpcId: { 'Fn::ImportValue': Match.stringLikeRegexp('^Network:ExportsOutputRefVpc') },
      PeerVpcAwsAccountId: '111111111111',
    });
    template.hasResourceProperties(AUTHORIZATION_TYPE, {
      ReliedOnBy: { Raw: Match.objectLike({ PeerVpcAwsAccountId: '111111111111' }) },
    });
  });

  test('replaces earlier overrides of the account, and of a VPC id that is unknown at synthesis', () => {
    const { stack } = connectFleet((scope) => {
      const fleet = createFleet(scope);
      fleet.addPropertyOverride('PeerVpcId', { 'Fn::ImportValue': 'VpcId' });
      fleet.addPropertyOverride('PeerVpcAwsAccountId', '999999999999');
      return fleet;
    });
    Template.fromStack(stack).hasResourceProperties(FLEET_TYPE, { PeerVpcId: 'vpc-0a', PeerVpcAwsAccountId: '111111111111' });
  });

  test.each<[string, (stack: Stack, vpc: ec2.Vpc) => string]>([
    ['an attribute of the resource of the same VPC', (_, vpc) => (vpc.node.defaultChild as ec2.CfnVPC).attrVpcId],
    ['a parameter', (stack) => new CfnParameter(stack, 'PeerVpcId').valueAsString],
    ['an import', () => Fn.importValue('PeerVpcId')],
    ['the id of an imported VPC', () => 'vpc-0b'],
  ])('replaces a peerVpcId that is %s, because it may be the same VPC', (_, peerVpcIdOf) => {
    const stack = createStack(new App());
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0 });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    const fleet = createFleet(stack, 'Fleet', { peerVpcId: peerVpcIdOf(stack, vpc) });
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true });
    Template.fromStack(stack).hasResourceProperties(FLEET_TYPE, { PeerVpcId: { Ref: Match.stringLikeRegexp('^Vpc') } });
  });

  test('sets a reference to the account in a stack without an account', () => {
    const stack = new Stack(new App(), 'Game');
    const options = { authorization: createAuthorization(stack), fleet: createFleet(stack), peerOnCreate: true };
    new VpcPeeringConnection(stack, 'Peering', options);
    Template.fromStack(stack).hasResourceProperties(FLEET_TYPE, { PeerVpcAwsAccountId: { Ref: 'AWS::AccountId' } });
  });

  test('has rules, routes and DNS like any other connection', () => {
    const { stack, connection } = connectCfnFleet({ dnsResolution: true });
    connection.allowTo(new ec2.SecurityGroup(stack, 'Database', { vpc: importVpc(stack, 'vpc-0b') }), ec2.Port.tcp(5432));
    Template.fromStack(stack).hasResourceProperties(CONNECTION_TYPE, { Routes: 'EveryRouteTable', DnsResolution: true });
    Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      CidrIp: { 'Fn::GetAtt': [idOf(stack, CONNECTION_TYPE), 'GameLiftCidrBlock'] },
    });
  });
});

test.each([
  ['absent', {}],
  ['false', { peerOnCreate: false }],
])('a connection does not change its fleet if peerOnCreate is %s', (_, option) => {
  const stack = createStack(new App());
  new VpcPeeringConnection(stack, 'Peering', { authorization: createAuthorization(stack), fleet: createFleet(stack), ...option });
  Template.fromStack(stack).hasResource(FLEET_TYPE, {
    Properties: { PeerVpcId: Match.absent(), PeerVpcAwsAccountId: Match.absent() },
    DependsOn: Match.absent(),
  });
  Template.fromStack(stack).hasResourceProperties(CONNECTION_TYPE, { PeerOnCreate: false });
});

describe('peerOnCreate fails', () => {
  const FAILURES: [string, () => unknown, string][] = [
    [
      'for an imported fleet',
      () => connectFleet((stack) => gamelift.CfnFleet.fromFleetId(stack, 'Imported', 'fleet-1')),
      'peerOnCreate of Game/Peering requires an AWS::GameLift::Fleet in the same stack, but Game/Imported is imported, or created by ' +
        'another resource: leave out peerOnCreate to connect the fleet that exists',
    ],
    [
      'for a fleet in another stack',
      () => connectFleet((_, app) => createFleet(createStack(app, 'Fleets'))),
      'peerOnCreate of Game/Peering requires an AWS::GameLift::Fleet in the same stack, but Fleets/Fleet is in Fleets: create the ' +
        'connection in Fleets; the authorization can be in another stack',
    ],
    [
      'with adoptExisting',
      () => connectCfnFleet({ adoptExisting: true }),
      'pass either peerOnCreate or adoptExisting to Game/Peering, got both: GameLift creates the connection with the fleet, so there is ' +
        'none to adopt',
    ],
    [
      'for a fleet that has another VPC',
      () => connectFleet((stack) => createFleet(stack, 'Fleet', { peerVpcId: 'vpc-0b' })),
      'fleet Game/Fleet already has the peerVpcId vpc-0b: GameLift peers a fleet with only one VPC on creation. Remove that peerVpcId, or ' +
        'leave out peerOnCreate',
    ],
  ];

  const peerOnCreateWith = (stack: Stack, id: string, fleet: IConstruct, vpc: ec2.IVpc): VpcPeeringConnection => {
    const authorization = new VpcPeeringAuthorization(stack, `${id}Authorization`, { vpc });
    return new VpcPeeringConnection(stack, id, { authorization, fleet, peerOnCreate: true });
  };

  test('for a fleet that another connection peers on creation', () => {
    const stack = createStack(new App());
    const fleet = createFleet(stack);
    peerOnCreateWith(stack, 'One', fleet, new ec2.Vpc(stack, 'VpcOne', { maxAzs: 1, natGateways: 0 }));
    const other = new ec2.Vpc(stack, 'VpcTwo', { maxAzs: 1, natGateways: 0 });
    expect(() => peerOnCreateWith(stack, 'Two', fleet, other)).toThrow(
      new Error(
        'fleet Game/Fleet already has the peerVpcId of Game/One: GameLift peers a fleet with only one VPC on creation. Leave out ' +
          'peerOnCreate on Game/One or on Game/Two',
      ),
    );
  });

  test('for a fleet that refers to another VPC of the app', () => {
    const stack = createStack(new App());
    const [one, two] = ['VpcOne', 'VpcTwo'].map((id) => new ec2.Vpc(stack, id, { maxAzs: 1, natGateways: 0 })) as [
      ec2.Vpc,
      ec2.Vpc,
    ];
    expect(() => peerOnCreateWith(stack, 'Peering', createFleet(stack, 'Fleet', { peerVpcId: one.vpcId }), two)).toThrow(
      new Error(
        'fleet Game/Fleet already has the peerVpcId of Game/VpcOne/Resource: GameLift peers a fleet with only one VPC on creation. Remove ' +
          'that peerVpcId, or leave out peerOnCreate',
      ),
    );
  });

  test('for a CfnResource whose override has another VPC', () => {
    const stack = createStack(new App());
    const fleet = new CfnResource(stack, 'Raw', { type: FLEET_TYPE });
    fleet.addPropertyOverride('PeerVpcId', 'vpc-0b');
    expect(() => peerOnCreateWith(stack, 'Peering', fleet, importVpc(stack))).toThrow(
      'fleet Game/Raw already has the peerVpcId vpc-0b:',
    );
  });

  test.each(FAILURES)('%s', (_, build, message) => {
    expect(build).toThrow(new Error(message));
  });

  test.each<[string, (fleet: gamelift.CfnFleet) => void]>([
    ['by a property', (fleet) => (fleet.peerVpcId = 'vpc-0b')],
    ['by the removal of a property', (fleet) => (fleet.peerVpcId = undefined)],
    [
      'by an override',
      (fleet) => {
        fleet.addPropertyOverride('PeerVpcId', 'vpc-0b');
      },
    ],
  ])('at synthesis if the VPC of the fleet is changed later %s', (_, change) => {
    const { stack, fleet } = connectCfnFleet();
    change(fleet);
    expect(() => Template.fromStack(stack)).toThrow(
      'fleet Game/Fleet must keep the VPC of Game/Peering as its peerVpcId, because peerOnCreate is set, but it was changed later: remove ' +
        'that change, or leave out peerOnCreate',
    );
  });
});

describe('peerOnCreate fails at synthesis if the account of the VPC is changed later', () => {
  const message =
    'fleet Game/Fleet must keep the account of the VPC of Game/Peering as its peerVpcAwsAccountId, because peerOnCreate is set, but it was ' +
    'changed later: remove that change, or leave out peerOnCreate';

  test.each<[string, (fleet: gamelift.CfnFleet) => void]>([
    ['by a property', (fleet) => (fleet.peerVpcAwsAccountId = '999999999999')],
    ['by the removal of the property', (fleet) => (fleet.peerVpcAwsAccountId = undefined)],
    [
      'by an override',
      (fleet) => {
        fleet.addPropertyOverride('PeerVpcAwsAccountId', '999999999999');
      },
    ],
    [
      'by an override that removes it',
      (fleet) => {
        fleet.addPropertyDeletionOverride('PeerVpcAwsAccountId');
      },
    ],
  ])('%s', (_, change) => {
    const { stack, fleet } = connectCfnFleet();
    change(fleet);
    expect(() => Template.fromStack(stack)).toThrow(message);
  });
});

describe('a fleet whose own peerVpcId is the VPC of its connection', () => {
  const message =
    'fleet Game/Fleet has the VPC of Game/Peering as its peerVpcId, so GameLift peers it on creation: set peerOnCreate on the connection, ' +
    'or remove the peerVpcId, which replaces the fleet';

  function stackWith(props: Partial<VpcPeeringConnectionProps>, peerVpcId: string): Stack {
    return connectFleet((stack) => createFleet(stack, 'Fleet', { peerVpcId }), { peerOnCreate: false, ...props }).stack;
  }

  test('fails at synthesis without peerOnCreate', () => {
    const stack = stackWith({}, 'vpc-0a');
    expect(() => Template.fromStack(stack)).toThrow(message);
  });

  test('fails at synthesis without peerOnCreate if the peerVpcId is set later', () => {
    const { stack, fleet } = connectCfnFleet({ peerOnCreate: false });
    fleet.peerVpcId = 'vpc-0a';
    expect(() => Template.fromStack(stack)).toThrow(message);
  });

  test.each<[string, (fleet: gamelift.CfnFleet, resource: ec2.CfnVPC) => void]>([
    ['a reference', (fleet, { ref }) => (fleet.peerVpcId = ref)],
    ['an attribute', (fleet, { attrVpcId }) => (fleet.peerVpcId = attrVpcId)],
    [
      'an override with a reference',
      (fleet, { logicalId, stack }) => {
        fleet.addPropertyOverride('PeerVpcId', { Ref: stack.resolve(logicalId) as string });
      },
    ],
  ])('fails at synthesis if the peerVpcId is %s of the VPC of the connection', (_, setVpc) => {
    const stack = createStack(new App());
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0 });
    const fleet = createFleet(stack);
    setVpc(fleet, vpc.node.defaultChild as ec2.CfnVPC);
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
    expect(() => Template.fromStack(stack)).toThrow(message);
  });

  test('is allowed with peerOnCreate, with adoptExisting, and with another VPC', () => {
    for (const stack of [
      stackWith({ peerOnCreate: true }, 'vpc-0a'),
      stackWith({ adoptExisting: true }, 'vpc-0a'),
      stackWith({}, 'vpc-0b'),
    ]) {
      expect(() => Template.fromStack(stack)).not.toThrow();
    }
  });
});

describe('the order of connections with and without peerOnCreate', () => {
  /** The ids `00`, `01` and so on. */
  const numberedIds = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index).padStart(2, '0'));

  type AddConnection = (stack: Stack, authorization: VpcPeeringAuthorization) => VpcPeeringConnection;
  const connect =
    (id: string): AddConnection =>
    (stack, authorization) =>
      new VpcPeeringConnection(stack, `${id}Peering`, { authorization, fleet: createFleet(stack, id) });
  const peerOnCreate =
    (id: string): AddConnection =>
    (stack, authorization) =>
      new VpcPeeringConnection(stack, `${id}Peering`, { authorization, fleet: createFleet(stack, id), peerOnCreate: true });

  /** The fleets and connections that a connection depends on. */
  function dependenciesOf(stack: Stack, id: string): string[] {
    const [, connection] = resourcesOf(stack, CONNECTION_TYPE).find(([logicalId]) => logicalId.startsWith(id)) ?? [];
    return (connection?.DependsOn ?? [])
      .filter((logicalId) => !logicalId.startsWith('GameLiftVpcPeeringHandler'))
      .map((logicalId) => logicalId.replace(/[0-9A-F]{8}$/, ''));
  }

  /** The resource of a nested stack in its parent, by the id of the nested stack. */
  function nestedStackOf(parent: Stack, id: string): { readonly logicalId: string; readonly dependencies: readonly string[] } {
    const [logicalId = '', resource] =
      resourcesOf(parent, 'AWS::CloudFormation::Stack').find(([nestedId]) => nestedId.startsWith(id)) ?? [];
    expect(resource).toBeDefined();
    return { logicalId, dependencies: resource?.DependsOn ?? [] };
  }

  function stackWith(...connections: AddConnection[]): Stack {
    const stack = createStack(new App());
    const authorization = createAuthorization(stack);
    connections.forEach((addConnection) => addConnection(stack, authorization));
    return stack;
  }

  test.each([
    ['before', [peerOnCreate('OnCreate'), connect('Later')]],
    ['after', [connect('Later'), peerOnCreate('OnCreate')]],
  ])(
    'a connection without peerOnCreate is created after a connection with peerOnCreate that is declared %s it',
    (_, connections) => {
      const stack = stackWith(...connections);
      expect(dependenciesOf(stack, 'Later')).toEqual(['OnCreatePeering']);
      expect(dependenciesOf(stack, 'OnCreate')).toEqual([]);
    },
  );

  test('the fleets do not wait for each other, so they are created at the same time', () => {
    const stack = stackWith(peerOnCreate('OnCreate'), connect('Later'));
    const [, laterFleet] = resourcesOf(stack, FLEET_TYPE).find(([id]) => id === 'Later') ?? [];
    expect(laterFleet).not.toHaveProperty('DependsOn');
    const [, onCreateFleet] = resourcesOf(stack, FLEET_TYPE).find(([id]) => id === 'OnCreate') ?? [];
    expect(onCreateFleet?.DependsOn?.filter((id) => id.startsWith('Later'))).toEqual([]);
  });

  test('a connection does not wait for a connection with peerOnCreate for another VPC or in another stack', () => {
    const app = new App();
    const [stack, other] = [createStack(app), createStack(app, 'Other')];
    peerOnCreate('OnCreate')(stack, createAuthorization(stack, 'vpc-0b'));
    peerOnCreate('Elsewhere')(other, createAuthorization(other));
    connect('Later')(stack, createAuthorization(stack));
    expect(dependenciesOf(stack, 'Later')).toEqual([]);
  });

  test('a connection waits for a connection with peerOnCreate even if they use different authorizations for the same VPC', () => {
    const stack = createStack(new App());
    peerOnCreate('OnCreate')(stack, createAuthorization(stack));
    const importedAuthorization = VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Received', {
      vpc: ec2.Vpc.fromVpcAttributes(stack, 'Again', { vpcId: 'vpc-0a', availabilityZones: ['us-east-1a'] }),
    });
    new VpcPeeringConnection(stack, 'LaterPeering', { authorization: importedAuthorization, fleet: createFleet(stack, 'Later') });
    expect(dependenciesOf(stack, 'Later')).toEqual(['OnCreatePeering']);
  });

  test.each<[string, (fleet: gamelift.CfnFleet, connection: VpcPeeringConnection) => void]>([
    [
      'a dependency',
      (fleet, connection) => {
        fleet.node.addDependency(connection);
      },
    ],
    ['a property', (fleet, connection) => (fleet.description = Fn.join(' ', ['after', connection.gameLiftCidrBlock]))],
  ])('a connection does not wait for a fleet that already waits for the connection because of %s', (_, makeFleetWait) => {
    const stack = createStack(new App());
    const authorization = createAuthorization(stack);
    const first = connect('First')(stack, authorization);
    connect('Second')(stack, authorization);
    const fleet = createFleet(stack, 'OnCreate');
    new VpcPeeringConnection(stack, 'OnCreatePeering', { authorization, fleet, peerOnCreate: true });
    makeFleetWait(fleet, first);
    expect(dependenciesOf(stack, 'First')).toEqual([]);
    expect(dependenciesOf(stack, 'Second')).toEqual(['OnCreatePeering']);
  });

  test('connections do not wait for each other if none has peerOnCreate', () => {
    const stack = stackWith(connect('One'), connect('Two'));
    expect(dependenciesOf(stack, 'One')).toEqual([]);
    expect(dependenciesOf(stack, 'Two')).toEqual([]);
  });

  test('connections with and without peerOnCreate are in separate batches', () => {
    const ids = numberedIds(41);
    const stack = stackWith(...ids.flatMap((id) => [connect(`Later${id}`), peerOnCreate(`OnCreate${id}`)]));
    // of each kind, eight batches of five are created at the same time, and the ninth batch waits for the first
    const peerings = (name: string): string[] => ids.map((id) => `${name}${id}Peering`);
    expect(dependenciesOf(stack, 'OnCreate39')).toEqual([]);
    expect(dependenciesOf(stack, 'OnCreate40')).toEqual(peerings('OnCreate').slice(0, 5));
    expect(dependenciesOf(stack, 'Later39').sort()).toEqual(peerings('OnCreate'));
    expect(dependenciesOf(stack, 'Later40').sort()).toEqual([...peerings('Later').slice(0, 5), ...peerings('OnCreate')]);
  });

  describe('for two VPCs', () => {
    interface ConnectionCounts {
      /** The number of connections without peerOnCreate. */
      readonly withoutPeerOnCreate: number;
      readonly withPeerOnCreate: number;
      readonly order?: 'peerOnCreate last' | 'peerOnCreate first';
    }

    /** A stack with connections without peerOnCreate for one VPC, and connections with peerOnCreate for another VPC. */
    function stackWithBothKinds({ withoutPeerOnCreate, withPeerOnCreate, order = 'peerOnCreate last' }: ConnectionCounts): Stack {
      const stack = createStack(new App());
      const [authorization, otherAuthorization] = [createAuthorization(stack), createAuthorization(stack, 'vpc-0b')];
      const additions = [
        ...numberedIds(withoutPeerOnCreate).map((id) => () => connect(`Later${id}`)(stack, authorization)),
        ...numberedIds(withPeerOnCreate).map((id) => () => peerOnCreate(`OnCreate${id}`)(stack, otherAuthorization)),
      ];
      (order === 'peerOnCreate last' ? additions : additions.reverse()).forEach((add) => add());
      return stack;
    }

    const sortedDependenciesOf = (stack: Stack, id: string): string[] => dependenciesOf(stack, id).sort();

    test.each(['peerOnCreate last', 'peerOnCreate first'] as const)(
      'at most 40 connections are created at the same time: %s',
      (order) => {
        const stack = stackWithBothKinds({ withoutPeerOnCreate: 40, withPeerOnCreate: 41, order });
        const dependencies = sortedDependenciesOf(stack, 'Later00');
        expect(dependencies).toHaveLength(36);
        // 35 connections of the second to the eighth batch with peerOnCreate, and the only one of the ninth batch, which waits for the five of
        // the first batch
        const dependenciesOfWaiting = dependencies
          .map((id) => sortedDependenciesOf(stack, id.replace('Peering', '')))
          .filter(({ length }) => length > 0);
        expect(dependenciesOfWaiting).toHaveLength(1);
        expect(dependenciesOfWaiting[0]).toHaveLength(5);
        expect(dependencies).not.toEqual(expect.arrayContaining(dependenciesOfWaiting[0] ?? []));
        expect(sortedDependenciesOf(stack, 'Later39')).toEqual(dependencies);
      },
    );

    test('at most 40 connections are created at the same time in nested stacks', () => {
      const parent = createStack(new App());
      const authorization = createAuthorization(parent);
      const stacks = ['One', 'Two'].map((id) => new NestedStack(parent, id)) as [NestedStack, NestedStack];
      numberedIds(45).forEach((id) => connect(`Later${id}`)(stacks[0], authorization));
      numberedIds(5).forEach((id) => connect(`Later${id}`)(stacks[1], authorization));
      expect(sortedDependenciesOf(stacks[0], 'Later39')).toEqual([]);
      expect(sortedDependenciesOf(stacks[0], 'Later40')).toHaveLength(5);
      const [one, two] = [nestedStackOf(parent, 'One'), nestedStackOf(parent, 'Two')];
      expect(two.dependencies).toContain(one.logicalId);
      expect(one.dependencies).not.toContain(two.logicalId);
    });

    test('up to 40 connections in total do not wait for each other', () => {
      const stack = stackWithBothKinds({ withoutPeerOnCreate: 20, withPeerOnCreate: 20 });
      expect(sortedDependenciesOf(stack, 'Later00')).toEqual([]);
      expect(sortedDependenciesOf(stack, 'OnCreate00')).toEqual([]);
    });

    test('with 41 connections in total, those without peerOnCreate wait for all connections with peerOnCreate', () => {
      const stack = stackWithBothKinds({ withoutPeerOnCreate: 21, withPeerOnCreate: 20 });
      for (const id of ['Later00', 'Later20']) {
        expect(sortedDependenciesOf(stack, id)).toEqual(numberedIds(20).map((number) => `OnCreate${number}Peering`));
      }
      expect(sortedDependenciesOf(stack, 'OnCreate19')).toEqual([]);
    });
  });

  test('a nested stack waits for another nested stack that has a connection with peerOnCreate, since CloudFormation deploys both together', () => {
    const parent = createStack(new App());
    const authorization = createAuthorization(parent);
    connect('Later')(new NestedStack(parent, 'One'), authorization);
    peerOnCreate('OnCreate')(new NestedStack(parent, 'Two'), authorization);
    const [one, two] = [nestedStackOf(parent, 'One'), nestedStackOf(parent, 'Two')];
    expect(one.dependencies).toContain(two.logicalId);
    expect(two.dependencies).not.toContain(one.logicalId);
  });

  test('if two nested stacks have connections with and without peerOnCreate, only one waits for the other', () => {
    const parent = createStack(new App());
    const authorization = createAuthorization(parent);
    const stacks = ['One', 'Two'].map((id) => new NestedStack(parent, id));
    for (const stack of stacks) {
      connect('Later')(stack, authorization);
      peerOnCreate('OnCreate')(stack, authorization);
    }
    for (const stack of stacks) {
      expect(dependenciesOf(stack, 'Later')).toEqual(['OnCreatePeering']);
    }
    const nested = resourcesOf(parent, 'AWS::CloudFormation::Stack');
    const ids = nested.map(([id]) => id);
    expect(nested.flatMap(([, { DependsOn = [] }]) => DependsOn.filter((id) => ids.includes(id)))).toHaveLength(1);
  });

  test('two connections with peerOnCreate in nested stacks of one parent have a warning', () => {
    const parent = createStack(new App());
    const authorization = createAuthorization(parent);
    const [one, two] = [new NestedStack(parent, 'One'), new NestedStack(parent, 'Two')];
    peerOnCreate('First')(one, authorization);
    peerOnCreate('Second')(two, authorization);
    Annotations.fromStack(parent).hasWarning(
      '/Game/Two/SecondPeering',
      Match.stringLikeRegexp('^Game/Two/SecondPeering and Game/One/FirstPeering both have peerOnCreate for the same VPC'),
    );
  });

  test('two connections with peerOnCreate have a warning that says why and what to do', () => {
    const stack = stackWith(peerOnCreate('One'), peerOnCreate('Two'));
    Annotations.fromStack(stack).hasWarning(
      '/Game/TwoPeering',
      'Game/TwoPeering and Game/OnePeering both have peerOnCreate for the same VPC. If each use consumes the authorization (AWS does not ' +
        'document this), a deployment that creates or replaces both fleets fails, because the second fleet finds no authorization. Set ' +
        'peerOnCreate for one of them only, and connect the other without it [ack: cdk-gamelift-vpc-peering:severalPeeredOnCreate]',
    );
    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toHaveLength(1);
  });

  test('there is no warning about connections with peerOnCreate in different stacks or for different VPCs', () => {
    const app = new App();
    const [stack, other] = [createStack(app), createStack(app, 'Other')];
    const authorization = createAuthorization(stack);
    peerOnCreate('One')(stack, authorization);
    connect('Later')(stack, authorization);
    peerOnCreate('Two')(stack, createAuthorization(stack, 'vpc-0b'));
    peerOnCreate('Three')(other, createAuthorization(other));
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
    Annotations.fromStack(other).hasNoWarning('*', Match.anyValue());
  });
});
