import { App, Fn, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { Construct } from 'constructs';
import type { IConstruct } from 'constructs';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { VpcPeeringConnectionProps } from '../../lib';

/*
 * Fleets that GameLift peers on creation.
 */

const env = { account: '111111111111', region: 'us-east-1' };
const AUTHORIZATION = 'Custom::GameLiftVpcPeeringAuthorization';
const CONNECTION = 'Custom::GameLiftVpcPeeringConnection';
const TEARDOWN = 'Custom::GameLiftVpcPeeringTeardown';
const FLEET = 'AWS::GameLift::Fleet';

function stackIn(app: App, id = 'Game'): Stack {
  return new Stack(app, id, { env });
}

function vpcIn(stack: Stack, vpcId = 'vpc-0a'): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, vpcId, { vpcId, availabilityZones: ['us-east-1a'] });
}

function authorizationIn(stack: Stack, vpcId = 'vpc-0a'): VpcPeeringAuthorization {
  return new VpcPeeringAuthorization(stack, `Authorization${vpcId}`, { vpc: vpcIn(stack, vpcId) });
}

function fleetIn(scope: Construct, id = 'Fleet', props: Partial<gamelift.CfnFleetProps> = {}): gamelift.CfnFleet {
  return new gamelift.CfnFleet(scope, id, { name: 'fleet', ...props });
}

interface Peered<Fleet extends IConstruct> {
  readonly stack: Stack;
  readonly fleet: Fleet;
  readonly connection: VpcPeeringConnection;
}

/** A stack with a connection that has `peerOnCreate`, unless the properties say otherwise. */
function peeredWith<Fleet extends IConstruct>(
  fleetOf: (stack: Stack, app: App) => Fleet,
  props: Partial<VpcPeeringConnectionProps> = {},
): Peered<Fleet> {
  const app = new App();
  const stack = stackIn(app);
  const fleet = fleetOf(stack, app);
  const options = { authorization: authorizationIn(stack), fleet, peerOnCreate: true, ...props };
  return { stack, fleet, connection: new VpcPeeringConnection(stack, 'Peering', options) };
}

function peered(props: Partial<VpcPeeringConnectionProps> = {}): Peered<gamelift.CfnFleet> {
  return peeredWith((stack) => fleetIn(stack), props);
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

describe('the template', () => {
  test('has the VPC and its account as properties of the fleet, and creates the fleet after the authorization and its policy', () => {
    const { stack } = peered();
    const [policy] = resourcesOf(stack, 'AWS::IAM::RolePolicy').map(([id]) => id);
    expect(policy).toMatch(/^GameLiftVpcPeeringHandlerAuthorize/);
    Template.fromStack(stack).hasResource(FLEET, {
      Properties: { PeerVpcId: 'vpc-0a', PeerVpcAwsAccountId: '111111111111' },
      DependsOn: [idOf(stack, AUTHORIZATION), policy],
    });
  });

  test('creates the connection after the fleet, and deletes the teardown before both', () => {
    const { stack } = peered();
    Template.fromStack(stack).hasResourceProperties(CONNECTION, {
      FleetId: { Ref: 'Fleet' },
      PeerOnCreate: true,
      AdoptExisting: false,
    });
    Template.fromStack(stack).hasResource(TEARDOWN, {
      Properties: { FleetIds: [{ Ref: 'Fleet' }] },
      DependsOn: Match.arrayWith([idOf(stack, CONNECTION)]),
    });
  });

  test.each([
    ['absent', {}],
    ['false', { peerOnCreate: false }],
  ])('has no VPC in the fleet, and no dependency of the fleet, if the option is %s', (_, option) => {
    const stack = stackIn(new App());
    new VpcPeeringConnection(stack, 'Peering', { authorization: authorizationIn(stack), fleet: fleetIn(stack), ...option });
    Template.fromStack(stack).hasResource(FLEET, {
      Properties: { PeerVpcId: Match.absent(), PeerVpcAwsAccountId: Match.absent() },
      DependsOn: Match.absent(),
    });
    Template.fromStack(stack).hasResourceProperties(CONNECTION, { PeerOnCreate: false });
  });

  test('has the same VPC for a fleet in a construct, whose own peerVpc is the same', () => {
    const { stack } = peeredWith((scope) => {
      const wrapper = new Construct(scope, 'Wrapper');
      fleetIn(wrapper, 'Resource', { peerVpcId: 'vpc-0a', peerVpcAwsAccountId: '999999999999' });
      return wrapper;
    });
    Template.fromStack(stack).hasResourceProperties(FLEET, { PeerVpcId: 'vpc-0a', PeerVpcAwsAccountId: '111111111111' });
  });

  test('has rules, routes and DNS as with any other connection', () => {
    const { stack, connection } = peered({ dnsResolution: true });
    connection.allowTo(new ec2.SecurityGroup(stack, 'Database', { vpc: vpcIn(stack, 'vpc-0b') }), ec2.Port.tcp(5432));
    Template.fromStack(stack).hasResourceProperties(CONNECTION, { Routes: 'EveryRouteTable', DnsResolution: true });
    Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      CidrIp: { 'Fn::GetAtt': [idOf(stack, CONNECTION), 'GameLiftCidrBlock'] },
    });
  });
});

describe('is refused', () => {
  const refused: [string, () => unknown, string][] = [
    [
      'for an imported fleet',
      () => peeredWith((stack) => gamelift.CfnFleet.fromFleetId(stack, 'Imported', 'fleet-1')),
      'peerOnCreate of Game/Peering requires an AWS::GameLift::Fleet in the same stack, but Game/Imported is imported, or created by ' +
        'another resource: leave out peerOnCreate to connect the fleet that exists',
    ],
    [
      'for a fleet in another stack',
      () => peeredWith((_, app) => fleetIn(stackIn(app, 'Fleets'))),
      'peerOnCreate of Game/Peering requires an AWS::GameLift::Fleet in the same stack, but Fleets/Fleet is in Fleets: create the ' +
        'connection in Fleets; the authorization can be in another stack',
    ],
    [
      'with adoptExisting',
      () => peered({ adoptExisting: true }),
      'pass either peerOnCreate or adoptExisting to Game/Peering, got both: GameLift creates the connection with the fleet, so there is ' +
        'none to adopt',
    ],
    [
      'for a fleet that has another VPC',
      () => peeredWith((stack) => fleetIn(stack, 'Fleet', { peerVpcId: 'vpc-0b' })),
      'fleet Game/Fleet already has the peerVpcId vpc-0b: GameLift peers a fleet with only one VPC on creation. Remove that peerVpcId, or ' +
        'leave out peerOnCreate',
    ],
  ];

  test.each(refused)('%s', (_, build, message) => {
    expect(build).toThrow(new Error(message));
  });

  test.each<[string, (fleet: gamelift.CfnFleet) => void]>([
    ['a property', (fleet) => (fleet.peerVpcId = 'vpc-0b')],
    ['a property that is removed', (fleet) => (fleet.peerVpcId = undefined)],
    [
      'an override',
      (fleet) => {
        fleet.addPropertyOverride('PeerVpcId', 'vpc-0b');
      },
    ],
  ])('at synthesis if the fleet gets another VPC later: %s', (_, change) => {
    const { stack, fleet } = peered();
    change(fleet);
    expect(() => Template.fromStack(stack)).toThrow(
      'fleet Game/Fleet must keep the VPC of Game/Peering as its peerVpcId, because peerOnCreate is set, but it was changed later: remove ' +
        'that change, or leave out peerOnCreate',
    );
  });
});

describe('a fleet whose own peerVpcId is the VPC of its connection', () => {
  const message =
    'fleet Game/Fleet has the VPC of Game/Peering as its peerVpcId, so GameLift peers it on creation: set peerOnCreate on the connection, ' +
    'or remove the peerVpcId, which replaces the fleet';

  function connected(props: Partial<VpcPeeringConnectionProps>, peerVpcId: string): Stack {
    return peeredWith((stack) => fleetIn(stack, 'Fleet', { peerVpcId }), { peerOnCreate: false, ...props }).stack;
  }

  test('is refused at synthesis without peerOnCreate', () => {
    const stack = connected({}, 'vpc-0a');
    expect(() => Template.fromStack(stack)).toThrow(message);
  });

  test('is refused at synthesis without peerOnCreate if it is set later', () => {
    const { stack, fleet } = peered({ peerOnCreate: false });
    fleet.peerVpcId = 'vpc-0a';
    expect(() => Template.fromStack(stack)).toThrow(message);
  });

  test('is refused at synthesis if both are references to the same VPC', () => {
    const stack = stackIn(new App());
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0 });
    const fleet = fleetIn(stack, 'Fleet', { peerVpcId: vpc.vpcId });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
    expect(() => Template.fromStack(stack)).toThrow(message);
  });

  test('is allowed with peerOnCreate, with adoptExisting, and with another VPC', () => {
    for (const stack of [
      connected({ peerOnCreate: true }, 'vpc-0a'),
      connected({ adoptExisting: true }, 'vpc-0a'),
      connected({}, 'vpc-0b'),
    ]) {
      expect(() => Template.fromStack(stack)).not.toThrow();
    }
  });
});

describe('connections that are requested, and fleets that are peered on creation', () => {
  type Add = (stack: Stack, authorization: VpcPeeringAuthorization) => VpcPeeringConnection;
  const connect =
    (id: string): Add =>
    (stack, authorization) =>
      new VpcPeeringConnection(stack, `${id}Peering`, { authorization, fleet: fleetIn(stack, id) });
  const peerOnCreate =
    (id: string): Add =>
    (stack, authorization) =>
      new VpcPeeringConnection(stack, `${id}Peering`, { authorization, fleet: fleetIn(stack, id), peerOnCreate: true });

  /** What the connection with an id depends on, of the fleets and connections. */
  function dependenciesOf(stack: Stack, id: string): string[] {
    const [, connection] = resourcesOf(stack, CONNECTION).find(([logicalId]) => logicalId.startsWith(id)) ?? [];
    return (connection?.DependsOn ?? [])
      .filter((logicalId) => !logicalId.startsWith('GameLiftVpcPeeringHandler'))
      .map((logicalId) => logicalId.replace(/[0-9A-F]{8}$/, ''));
  }

  function stackWith(...adds: Add[]): Stack {
    const stack = stackIn(new App());
    const authorization = authorizationIn(stack);
    adds.forEach((add) => add(stack, authorization));
    return stack;
  }

  test.each([
    ['before', [peerOnCreate('OnCreate'), connect('Later')]],
    ['after', [connect('Later'), peerOnCreate('OnCreate')]],
  ])('a connection is created after such a connection that is declared %s it', (_, adds) => {
    const stack = stackWith(...adds);
    expect(dependenciesOf(stack, 'Later')).toEqual(['OnCreatePeering']);
    expect(dependenciesOf(stack, 'OnCreate')).toEqual([]);
  });

  test('the fleets do not wait for each other, so a deployment takes about as long as the slowest', () => {
    const stack = stackWith(peerOnCreate('OnCreate'), connect('Later'));
    const [, later] = resourcesOf(stack, FLEET).find(([id]) => id === 'Later') ?? [];
    expect(later).not.toHaveProperty('DependsOn');
    const [, peered] = resourcesOf(stack, FLEET).find(([id]) => id === 'OnCreate') ?? [];
    expect(peered?.DependsOn?.filter((id) => id.startsWith('Later'))).toEqual([]);
  });

  test('a connection does not wait for fleets that are peered with another VPC, or in another stack', () => {
    const app = new App();
    const [stack, other] = [stackIn(app), stackIn(app, 'Other')];
    peerOnCreate('OnCreate')(stack, authorizationIn(stack, 'vpc-0b'));
    peerOnCreate('Elsewhere')(other, authorizationIn(other));
    connect('Later')(stack, authorizationIn(stack));
    expect(dependenciesOf(stack, 'Later')).toEqual([]);
  });

  test('a connection waits for such a connection if the two use different authorizations for the same VPC', () => {
    const stack = stackIn(new App());
    peerOnCreate('OnCreate')(stack, authorizationIn(stack));
    const received = VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Received', {
      vpc: ec2.Vpc.fromVpcAttributes(stack, 'Again', { vpcId: 'vpc-0a', availabilityZones: ['us-east-1a'] }),
    });
    new VpcPeeringConnection(stack, 'LaterPeering', { authorization: received, fleet: fleetIn(stack, 'Later') });
    expect(dependenciesOf(stack, 'Later')).toEqual(['OnCreatePeering']);
  });

  test.each<[string, (peered: gamelift.CfnFleet, later: VpcPeeringConnection) => void]>([
    [
      'a dependency',
      (peered, later) => {
        peered.node.addDependency(later);
      },
    ],
    ['a property', (peered, later) => (peered.description = Fn.join(' ', ['after', later.gameLiftCidrBlock]))],
  ])('the dependency is left out if the fleet waits for the connection: %s', (_, wait) => {
    const stack = stackIn(new App());
    const authorization = authorizationIn(stack);
    const first = connect('First')(stack, authorization);
    connect('Second')(stack, authorization);
    const fleet = fleetIn(stack, 'OnCreate');
    new VpcPeeringConnection(stack, 'OnCreatePeering', { authorization, fleet, peerOnCreate: true });
    wait(fleet, first);
    expect(dependenciesOf(stack, 'First')).toEqual([]);
    expect(dependenciesOf(stack, 'Second')).toEqual(['OnCreatePeering']);
  });

  test('connections do not wait for each other if there is no such connection', () => {
    const stack = stackWith(connect('One'), connect('Two'));
    expect(dependenciesOf(stack, 'One')).toEqual([]);
    expect(dependenciesOf(stack, 'Two')).toEqual([]);
  });

  test('batches of requested connections and of those that are peered on creation do not mix', () => {
    const ids = Array.from({ length: 41 }, (_, index) => String(index).padStart(2, '0'));
    const stack = stackWith(...ids.flatMap((id) => [connect(`Later${id}`), peerOnCreate(`OnCreate${id}`)]));
    const peerings = (name: string): string[] => ids.map((id) => `${name}${id}Peering`);
    expect(dependenciesOf(stack, 'OnCreate39')).toEqual([]);
    expect(dependenciesOf(stack, 'OnCreate40')).toEqual(peerings('OnCreate').slice(0, 40));
    expect(dependenciesOf(stack, 'Later39')).toEqual(peerings('OnCreate'));
    expect(dependenciesOf(stack, 'Later40').sort()).toEqual([...peerings('Later').slice(0, 40), ...peerings('OnCreate')]);
  });

  test('two fleets that are peered on creation have a warning that says why and what to do', () => {
    const stack = stackWith(peerOnCreate('One'), peerOnCreate('Two'));
    Annotations.fromStack(stack).hasWarning(
      '/Game/TwoPeering',
      'Game/TwoPeering and Game/OnePeering both have peerOnCreate for the same VPC. If each use consumes the authorization (AWS does not ' +
        'document this), a deployment that creates or replaces both fleets fails, because the second fleet finds no authorization. Set ' +
        'peerOnCreate for one of them only, and connect the other without it [ack: cdk-gamelift-vpc-peering:severalPeeredOnCreate]',
    );
    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toHaveLength(1);
  });

  test('there is no warning with one such fleet, or with two in two stacks or for two VPCs', () => {
    const app = new App();
    const [stack, other] = [stackIn(app), stackIn(app, 'Other')];
    const authorization = authorizationIn(stack);
    peerOnCreate('One')(stack, authorization);
    connect('Later')(stack, authorization);
    peerOnCreate('Two')(stack, authorizationIn(stack, 'vpc-0b'));
    peerOnCreate('Three')(other, authorizationIn(other));
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
    Annotations.fromStack(other).hasNoWarning('*', Match.anyValue());
  });
});
