import { App, CfnResource, NestedStack, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { IVpcPeeringAuthorization } from '../../lib';

/*
 * The order in which resources and stacks are created and deleted, and how long the synthesis takes to determine it.
 */

const env = { account: '111111111111', region: 'us-east-1' };
const AUTHORIZATION_TYPE = 'Custom::GameLiftVpcPeeringAuthorization';

function createAuthorization(stack: Stack, vpcId = 'vpc-0a'): VpcPeeringAuthorization {
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId, availabilityZones: ['us-east-1a'] });
  return new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
}

function createFleet(stack: Stack, props: Partial<gamelift.CfnFleetProps> = {}): gamelift.CfnFleet {
  return new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet', ...props });
}

function peerOnCreate(stack: Stack, authorization: IVpcPeeringAuthorization, fleet: gamelift.CfnFleet): VpcPeeringConnection {
  return new VpcPeeringConnection(stack, `Peering${fleet.node.id}`, { authorization, fleet, peerOnCreate: true });
}

const PEERING_METHODS: [string, (stack: Stack, authorization: IVpcPeeringAuthorization) => void][] = [
  [
    'peered after its creation',
    (stack, authorization) => {
      new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: createFleet(stack) });
    },
  ],
  [
    'peered on its creation',
    (stack, authorization) => {
      peerOnCreate(stack, authorization, createFleet(stack));
    },
  ],
];

/** The logical ids that the resource of each nested stack depends on. */
function dependenciesOfNestedStacks(parent: Stack): unknown[] {
  const stacks = Object.values(Template.fromStack(parent).findResources('AWS::CloudFormation::Stack')) as {
    DependsOn?: string[];
  }[];
  return stacks.map(({ DependsOn = [] }) => DependsOn);
}

/** Makes a stack depend on another stack. Newer versions of the CDK have another name for this method. */
function addStackDependency(stack: Stack & { addStackDependency?: (target: Stack) => void }, target: Stack): void {
  if (stack.addStackDependency === undefined) {
    stack.addDependency(target);
  } else {
    stack.addStackDependency(target);
  }
}

function authorizationIdOf(stack: Stack): string {
  const [id = ''] = Object.keys(Template.fromStack(stack).findResources(AUTHORIZATION_TYPE));
  return id;
}

describe.each(PEERING_METHODS)('with a fleet that is %s', (_, peer) => {
  test('a nested stack with the fleet is created after the authorization of its parent, and deleted before it', () => {
    const parent = new Stack(new App(), 'Game', { env });
    const nested = new NestedStack(parent, 'Fleets');
    peer(nested, createAuthorization(parent));
    expect(dependenciesOfNestedStacks(parent)).toEqual([[authorizationIdOf(parent)]]);
  });

  test('the outer of two nested stacks is created after the authorization of its parent, and deleted before it', () => {
    const parent = new Stack(new App(), 'Game', { env });
    const nested = new NestedStack(new NestedStack(parent, 'Outer'), 'Fleets');
    peer(nested, createAuthorization(parent));
    expect(dependenciesOfNestedStacks(parent)).toEqual([[authorizationIdOf(parent)]]);
  });

  test('the resource in a parent stack that renews the authorization is created after the nested stack with the authorization, and deleted before it', () => {
    const parent = new Stack(new App(), 'Game', { env });
    peer(parent, createAuthorization(new NestedStack(parent, 'Network')));
    const [nestedStack = ''] = Object.keys(Template.fromStack(parent).findResources('AWS::CloudFormation::Stack'));
    const [renewal] = Object.values(Template.fromStack(parent).findResources(AUTHORIZATION_TYPE)) as { DependsOn: string[] }[];
    expect(renewal?.DependsOn).toContain(nestedStack);
  });

  test('a stack with the fleet is deployed after the stack of the authorization, and deleted before it', () => {
    const app = new App();
    const [network, fleets] = ['Network', 'Fleets'].map((id) => new Stack(app, id, { env })) as [Stack, Stack];
    peer(fleets, createAuthorization(network));
    app.synth();
    expect(fleets.dependencies).toEqual([network]);
    expect(network.dependencies).toEqual([]);
  });

  test('a stack with the fleet does not depend on the stack of the authorization if that would create a cycle', () => {
    const app = new App();
    const [network, fleets] = ['Network', 'Fleets'].map((id) => new Stack(app, id, { env })) as [Stack, Stack];
    peer(fleets, createAuthorization(network));
    const group = new ec2.CfnSecurityGroup(fleets, 'Group', { groupDescription: 'created with the fleets' });
    // after the peering, this reference makes the network stack depend on the fleet stack
    new ec2.CfnSecurityGroup(network, 'Group', { groupDescription: group.ref });
    app.synth();
    expect(fleets.dependencies).toEqual([]);
    expect(network.dependencies).toEqual([fleets]);
  });

  test('a stack with the fleet does not depend on the stack of the authorization if the app adds the opposite dependency', () => {
    const app = new App();
    const [network, between, fleets] = ['Network', 'Between', 'Fleets'].map((id) => new Stack(app, id, { env })) as [
      Stack,
      Stack,
      Stack,
    ];
    peer(fleets, createAuthorization(network));
    addStackDependency(network, between);
    addStackDependency(between, fleets);
    app.synth();
    expect(fleets.dependencies).toEqual([]);
    expect(network.dependencies).toEqual([between]);
  });

  test('a nested stack with the fleet does not depend on the authorization if that would create a cycle', () => {
    const parent = new Stack(new App(), 'Game', { env });
    const nested = new NestedStack(parent, 'Fleets');
    const vpc = new ec2.Vpc(nested, 'Vpc', { maxAzs: 1, natGateways: 0 });
    peer(nested, new VpcPeeringAuthorization(parent, 'Authorization', { vpc }));
    expect(dependenciesOfNestedStacks(parent)).toEqual([[]]);
  });
});

test('if each of two stacks uses the authorization of the other stack, only one stack depends on the other', () => {
  const app = new App();
  const [one, two] = ['One', 'Two'].map((id) => new Stack(app, id, { env })) as [Stack, Stack];
  const [authorizationOfOne, authorizationOfTwo] = [createAuthorization(one, 'vpc-0a'), createAuthorization(two, 'vpc-0b')];
  peerOnCreate(two, authorizationOfOne, createFleet(two));
  peerOnCreate(one, authorizationOfTwo, createFleet(one));
  app.synth();
  expect([one.dependencies, two.dependencies]).toEqual([[two], []]);
});

test('the triggers of an authorization contain no references that would create a cycle with a nested stack', () => {
  const parent = new Stack(new App(), 'Game', { env });
  const nested = new NestedStack(parent, 'Fleets');
  const authorization = createAuthorization(parent);
  peerOnCreate(nested, authorization, createFleet(nested));
  const build = new gamelift.CfnBuild(nested, 'Build', {});
  peerOnCreate(parent, authorization, createFleet(parent, { buildId: build.ref, ec2InstanceType: 'c5.large' }));
  expect(dependenciesOfNestedStacks(parent)).toEqual([[authorizationIdOf(parent)]]);
  const [resource] = Object.values(Template.fromStack(parent).findResources(AUTHORIZATION_TYPE)) as {
    Properties: { ReliedOnBy: { Fleet: Record<string, unknown> } };
  }[];
  expect(resource?.Properties.ReliedOnBy.Fleet).not.toHaveProperty('BuildId');
  expect(resource?.Properties.ReliedOnBy.Fleet).toHaveProperty('EC2InstanceType');
});

describe('the number of renderings at synthesis', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** Counts how often the CDK renders a resource while it synthesizes an app with this number of fleets. */
  function countRenderings(
    fleets: number,
    peer: (stack: Stack, authorization: IVpcPeeringAuthorization, fleet: gamelift.CfnFleet) => unknown,
  ): number {
    const stack = new Stack(new App(), 'Game', { env });
    const authorization = createAuthorization(stack);
    for (let index = 0; index < fleets; index += 1) {
      const build = new gamelift.CfnBuild(stack, `Build${index}`, { version: String(index) });
      peer(stack, authorization, new gamelift.CfnFleet(stack, `Fleet${index}`, { name: 'fleet', buildId: build.ref }));
    }
    const renderings = jest.spyOn(CfnResource.prototype, '_toCloudFormation');
    Template.fromStack(stack);
    const count = renderings.mock.calls.length;
    renderings.mockRestore();
    return count;
  }

  test.each<[string, Parameters<typeof countRenderings>[1]]>([
    ['all fleets are peered on creation', peerOnCreate],
    [
      'the first fleet is peered on creation, and the others after their creation',
      (stack, authorization, fleet) =>
        fleet.node.id === 'Fleet0'
          ? peerOnCreate(stack, authorization, fleet)
          : new VpcPeeringConnection(stack, `P${fleet.node.id}`, { authorization, fleet }),
    ],
    [
      'all fleets are peered after their creation',
      (stack, authorization, fleet) => {
        new VpcPeeringConnection(stack, `P${fleet.node.id}`, { authorization, fleet });
      },
    ],
  ])('grows linearly with the number of fleets if %s', (_, peer) => {
    const [with50, with100, with150] = [50, 100, 150].map((fleets) => countRenderings(fleets, peer)) as [number, number, number];
    expect(with150 - with100).toBeLessThan(1.2 * (with100 - with50));
    // for each fleet, the CDK renders the fleet, its build, its connection, and their dependencies a few times
    expect((with150 - with100) / 50).toBeLessThan(40);
  });
});
