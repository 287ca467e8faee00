import { App, CfnDeletionPolicy, CfnResource, NestedStack, RemovalPolicy, Resource, Stack, Stage } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { Construct } from 'constructs';
import type { IConstruct } from 'constructs';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { VpcPeeringAuthorizationProps, VpcPeeringConnectionProps } from '../../lib';

/*
 * Tests of the errors and warnings about peered fleets at synthesis.
 */

const env = { account: '111111111111', region: 'us-east-1' };

function createStack(
  scope: Construct,
  id = 'Game',
  stackEnv: { readonly account?: string; readonly region?: string } = env,
): Stack {
  return new Stack(scope, id, { env: stackEnv });
}

function createAuthorization(
  stack: Stack,
  props: Partial<VpcPeeringAuthorizationProps> = {},
  id = 'Authorization',
): VpcPeeringAuthorization {
  const vpc = ec2.Vpc.fromVpcAttributes(stack, `${id}Vpc`, { vpcId: 'vpc-0a', availabilityZones: ['us-east-1a'] });
  return new VpcPeeringAuthorization(stack, id, { vpc, ...props });
}

function createFleet(stack: Stack, props: Partial<gamelift.CfnFleetProps> = {}): gamelift.CfnFleet {
  return new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet', ...props });
}

/** A construct with a `fleetRef`, like the constructs that users write around a fleet. */
class WrappedFleet extends Construct {
  readonly fleetRef: { readonly fleetId: string; readonly fleetArn: string };
  readonly env = env;

  constructor(stack: Stack, id: string, fleetId: string) {
    super(stack, id);
    this.fleetRef = { fleetId, fleetArn: '' };
  }
}

const PEERING_METHODS: [string, (stack: Stack, fleet: gamelift.CfnFleet) => void][] = [
  [
    'connected',
    (stack, fleet) => {
      new VpcPeeringConnection(stack, 'Peering', { authorization: createAuthorization(stack), fleet });
    },
  ],
  [
    'connected by a reference to its id',
    (stack, fleet) => {
      const authorization = createAuthorization(stack);
      new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: new WrappedFleet(stack, 'Wrapped', fleet.ref) });
    },
  ],
  [
    'peered on creation',
    (stack, fleet) => {
      new VpcPeeringConnection(stack, 'Peering', { authorization: createAuthorization(stack), fleet, peerOnCreate: true });
    },
  ],
];

describe.each(PEERING_METHODS)('a fleet that is %s', (_, peer) => {
  const anywhereError = 'GameLift peers EC2 fleets only: fleet Game/Fleet has the compute type ANYWHERE';

  test('fails if it is an Anywhere fleet', () => {
    const stack = createStack(new App());
    expect(() => {
      peer(stack, createFleet(stack, { computeType: 'ANYWHERE' }));
    }).toThrow(anywhereError);
  });

  test.each<[string, (fleet: gamelift.CfnFleet) => void]>([
    ['a change of the property', (fleet) => (fleet.computeType = 'ANYWHERE')],
    [
      'a property override',
      (fleet) => {
        fleet.addPropertyOverride('ComputeType', 'ANYWHERE');
      },
    ],
    [
      'an override',
      (fleet) => {
        fleet.addOverride('Properties.ComputeType', 'ANYWHERE');
      },
    ],
  ])('fails at synthesis if it becomes an Anywhere fleet later by %s', (__, change) => {
    const app = new App();
    const stack = createStack(app);
    const fleet = createFleet(stack, { computeType: 'EC2' });
    peer(stack, fleet);
    change(fleet);
    expect(() => app.synth()).toThrow(anywhereError);
  });

  const remoteLocationsWarning = Match.stringLikeRegexp('instances in its remote locations cannot reach the peer VPC');

  test.each<[string, string[], string | undefined]>([
    ['its home Region and another Region', ['us-east-1', 'eu-central-1'], env.region],
    ['only another Region', ['eu-central-1'], env.region],
    ['a Local Zone', ['us-east-1-chi-1'], env.region],
    ['two Regions and a token as its home Region', ['us-east-1', 'eu-central-1'], undefined],
  ])('has a warning about its remote locations if it has %s', (__, locations, region) => {
    for (const isSetLater of [false, true]) {
      const stack = createStack(new App(), 'Game', { account: env.account, ...(region === undefined ? {} : { region }) });
      const locationProps = locations.map((location) => ({ location }));
      const fleet = createFleet(stack, isSetLater ? {} : { locations: locationProps });
      peer(stack, fleet);
      if (isSetLater) {
        fleet.locations = locationProps;
      }
      Annotations.fromStack(stack).hasWarning('/Game/Fleet', remoteLocationsWarning);
    }
  });

  test.each([
    ['no locations', undefined],
    ['its home Region', [{ location: 'us-east-1' }]],
  ])('has no warning about remote locations if it has %s', (__, locations) => {
    const stack = createStack(new App());
    peer(stack, createFleet(stack, locations === undefined ? {} : { locations }));
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });
});

/** The error about a construct that is not a fleet. */
function wrongFleetError(description: string): string {
  return (
    `fleet must be an EC2 fleet of GameLift, got ${description}: pass an aws_gamelift.CfnFleet, a construct whose default child is one, or ` +
    "aws_gamelift.CfnFleet.fromFleetId(this, 'ImportedFleet', 'fleet-…')"
  );
}

/** A fleet construct like those of aws-gamelift-alpha: it has no `fleetRef`, and its default child is the fleet. */
class BuildFleet extends Resource {
  readonly fleetId: string;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.fleetId = new gamelift.CfnFleet(this, 'Resource', { name: 'fleet' }).attrFleetId;
  }
}

/** Like the result of `BuildFleet.fromBuildFleetAttributes` in aws-gamelift-alpha: it has only ids, and no default child. */
class ImportedBuildFleet extends Resource {
  readonly fleetId = 'fleet-2';
}

describe('a connection accepts', () => {
  /** The fleet id in the template of a connection. */
  const fleetIdWith = (fleetOf: (stack: Stack) => IConstruct): unknown => {
    const stack = createStack(new App());
    new VpcPeeringConnection(stack, 'Peering', { authorization: createAuthorization(stack), fleet: fleetOf(stack) });
    const [connection] = Object.values(Template.fromStack(stack).findResources('Custom::GameLiftVpcPeeringConnection'));
    return (connection as { Properties: { FleetId: unknown } }).Properties.FleetId;
  };
  const wrap = (stack: Stack): Construct => {
    const wrapper = new Construct(stack, 'Wrapper');
    new gamelift.CfnFleet(wrapper, 'Default', { name: 'fleet' });
    return wrapper;
  };

  test.each<[string, (stack: Stack) => IConstruct, unknown]>([
    ['a CfnFleet', (stack) => createFleet(stack), { Ref: 'Fleet' }],
    [
      'a CfnResource of the type AWS::GameLift::Fleet',
      (stack) => new CfnResource(stack, 'Raw', { type: 'AWS::GameLift::Fleet', properties: { Name: 'fleet' } }),
      { Ref: 'Raw' },
    ],
    ['a fleet that was imported by its id', (stack) => gamelift.CfnFleet.fromFleetId(stack, 'Imported', 'fleet-1'), 'fleet-1'],
    [
      'a fleet that was imported by its ARN',
      (stack) => gamelift.CfnFleet.fromFleetArn(stack, 'Imported', `arn:aws:gamelift:us-east-1:${env.account}:fleet/fleet-1`),
      'fleet-1',
    ],
    ['a construct with a fleet as its default child', wrap, { Ref: 'Wrapper' }],
    [
      'a construct whose default child is a fleet construct',
      (stack) => {
        const wrapper = new Construct(new Construct(stack, 'Outer'), 'Wrapper');
        new BuildFleet(wrapper, 'Resource');
        return wrapper;
      },
      { Ref: expect.stringMatching(/^OuterWrapper/) as string },
    ],
    [
      'a fleet that was imported by an ARN without an account',
      (stack) => gamelift.CfnFleet.fromFleetArn(stack, 'Imported', 'arn:aws:gamelift:us-east-1::fleet/fleet-1'),
      'fleet-1',
    ],
    ['a fleet like those of aws-gamelift-alpha', (stack) => new BuildFleet(stack, 'Build'), { Ref: 'Build45A36621' }],
    ['an imported fleet like those of aws-gamelift-alpha', (stack) => new ImportedBuildFleet(stack, 'Build'), 'fleet-2'],
    [
      'a construct that refers to a fleet',
      (stack) => new WrappedFleet(stack, 'Ref', createFleet(stack).attrFleetId),
      { Ref: 'Fleet' },
    ],
    [
      'a construct that refers to a custom resource',
      (stack) => {
        const resource = new CfnResource(stack, 'Custom', { type: 'Custom::Fleet', properties: { ServiceToken: 'arn' } });
        return new WrappedFleet(stack, 'Ref', resource.getAtt('FleetId').toString());
      },
      { 'Fn::GetAtt': ['Custom', 'FleetId'] },
    ],
  ])('%s', (_, fleetOf, fleetId) => {
    expect(fleetIdWith(fleetOf)).toEqual(fleetId);
  });
});

describe('a connection fails with', () => {
  test.each<[string, (stack: Stack) => unknown, string]>([
    [
      'a container fleet',
      (stack) => new gamelift.CfnContainerFleet(stack, 'Fleet', { fleetRoleArn: 'r' }),
      wrongFleetError('Game/Fleet of class CfnContainerFleet, which is an AWS::GameLift::ContainerFleet'),
    ],
    [
      'a reference to a container fleet',
      (stack) => new WrappedFleet(stack, 'Fleet', new gamelift.CfnContainerFleet(stack, 'C', { fleetRoleArn: 'r' }).attrFleetId),
      wrongFleetError('Game/Fleet of class WrappedFleet, which is an AWS::GameLift::ContainerFleet'),
    ],
    [
      'a reference to an alias',
      (stack) => {
        const alias = new gamelift.CfnAlias(stack, 'A', { name: 'live', routingStrategy: { type: 'TERMINAL', message: 'no' } });
        return new WrappedFleet(stack, 'Fleet', alias.ref);
      },
      wrongFleetError('Game/Fleet of class WrappedFleet, which is an AWS::GameLift::Alias'),
    ],
    [
      'a fleet of another service that has a fleetId',
      (stack) =>
        Object.assign(new CfnResource(stack, 'Fleet', { type: 'AWS::Deadline::Fleet' }), { fleetId: 'fleet-0123456789abcdef' }),
      wrongFleetError('Game/Fleet of class CfnResource, which is an AWS::Deadline::Fleet'),
    ],
    ['a construct without a fleet', (stack) => new Construct(stack, 'Fleet'), wrongFleetError('Game/Fleet of class Construct')],
    [
      'a construct with several fleets and no default child',
      (stack) => {
        const group = new Construct(stack, 'Group');
        ['One', 'Two'].forEach((id) => new gamelift.CfnFleet(group, id, { name: 'fleet' }));
        return group;
      },
      wrongFleetError('Game/Group of class Construct'),
    ],
    ['an id instead of a construct, from code without types', () => 'fleet-1', wrongFleetError('a string')],
    ['undefined, from code without types', () => undefined, wrongFleetError('undefined')],
    ['null, from code without types', () => null, wrongFleetError('null')],
    [
      'attributes instead of a construct, from code without types',
      () => ({ fleetId: 'fleet-1' }),
      wrongFleetError('an object that is not a construct'),
    ],
    [
      'a construct whose default child is ambiguous',
      (stack) => {
        const group = new Construct(stack, 'Group');
        ['Resource', 'Default'].forEach((id) => new gamelift.CfnFleet(group, id, { name: 'fleet' }));
        return group;
      },
      wrongFleetError('Game/Group of class Construct, which has a child Resource and a child Default'),
    ],
    [
      'a construct whose default child has no fleet',
      (stack) => {
        const wrapper = new Construct(stack, 'Wrapper');
        new Construct(wrapper, 'Resource');
        return wrapper;
      },
      wrongFleetError('Game/Wrapper of class Construct'),
    ],
    [
      'the id of a container fleet',
      (stack) => new WrappedFleet(stack, 'Fleet', 'containerfleet-1'),
      "fleet must have the id of an EC2 fleet, such as fleet-01234567-89ab-cdef-0123-456789abcdef, got 'containerfleet-1'",
    ],
  ])('%s', (_, fleetOf, message) => {
    const stack = createStack(new App());
    const fleet = fleetOf(stack) as IConstruct;
    expect(() => new VpcPeeringConnection(stack, 'Peering', { authorization: createAuthorization(stack), fleet })).toThrow(
      new Error(message),
    );
  });

  test('a reference to a fleet that another connection already has', () => {
    const stack = createStack(new App());
    const authorization = createAuthorization(stack);
    const fleet = createFleet(stack);
    new VpcPeeringConnection(stack, 'One', { authorization, fleet });
    const reference = new WrappedFleet(stack, 'Again', fleet.attrFleetId);
    expect(() => new VpcPeeringConnection(stack, 'Two', { authorization, fleet: reference })).toThrow(
      'a fleet and a VPC can have only one peering connection, but Game/Two and Game/One both peer fleet Game/Fleet with the same VPC',
    );
  });
});

describe('a fleet in another stack than its connection', () => {
  function annotationsWith(connectionStackIn: (app: App) => Stack, fleetStackIn: (app: App) => Stack): Annotations {
    const app = new App();
    const [connectionStack, fleetStack] = [connectionStackIn(app), fleetStackIn(app)];
    const authorization = createAuthorization(connectionStack);
    new VpcPeeringConnection(connectionStack, 'Peering', { authorization, fleet: createFleet(fleetStack) });
    return Annotations.fromStack(connectionStack);
  }
  const gameStackIn = (app: App): Stack => (app.node.tryFindChild('Game') as Stack | undefined) ?? createStack(app);

  test('has a warning that explains the problem and says where to create the connection', () => {
    annotationsWith(gameStackIn, (app) => createStack(app, 'Fleets')).hasWarning(
      '/Game/Peering',
      'fleet Fleets/Fleet is in another stack than its connection Game/Peering: a new build replaces the fleet, but CloudFormation refuses ' +
        'to change the export of the fleet id while Game uses it, so every deployment of a new build fails. Create the connection in ' +
        'Fleets, the stack of the fleet; the authorization can be in another stack [ack: cdk-gamelift-vpc-peering:fleetInOtherStack]',
    );
  });

  test('has a warning with another reason if the stack of the fleet is nested in the stack of the connection', () => {
    annotationsWith(gameStackIn, (app) => new NestedStack(gameStackIn(app), 'Fleets')).hasWarning(
      '/Game/Peering',
      'fleet Game/Fleets/Fleet is in another stack than its connection Game/Peering: when a new build replaces the fleet, Game/Fleets may ' +
        'delete the old fleet before Game deletes its connection. Create the connection in Game/Fleets, the stack of the fleet; the ' +
        'authorization can be in another stack [ack: cdk-gamelift-vpc-peering:fleetInOtherStack]',
    );
  });

  test('has no warning if the fleet is in the same stack or is imported', () => {
    annotationsWith(gameStackIn, gameStackIn).hasNoWarning('*', Match.anyValue());
    const stack = createStack(new App());
    const fleet = gamelift.CfnFleet.fromFleetId(createStack(stack, 'Other'), 'Fleet', 'fleet-1');
    new VpcPeeringConnection(stack, 'Peering', { authorization: createAuthorization(stack), fleet });
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });
});

describe('the warning about a retained fleet', () => {
  const WARNING_ID = 'cdk-gamelift-vpc-peering:retainedFleet';
  const { RETAIN, RETAIN_ON_UPDATE_OR_DELETE, DESTROY } = RemovalPolicy;

  interface FleetChanges {
    /** A change before the connection is created. */
    readonly before?: (fleet: gamelift.CfnFleet) => void;
    readonly props?: Partial<VpcPeeringConnectionProps>;
    /** A change after the connection is created. */
    readonly after?: (fleet: gamelift.CfnFleet, connection: VpcPeeringConnection) => void;
  }

  function annotationsWith({ before, props, after }: FleetChanges): Annotations {
    const stack = createStack(new App());
    const fleet = createFleet(stack);
    before?.(fleet);
    const connection = new VpcPeeringConnection(stack, 'Peering', { authorization: createAuthorization(stack), fleet, ...props });
    after?.(fleet, connection);
    return Annotations.fromStack(stack);
  }

  test.each<[string, FleetChanges]>([
    [
      'retained before its connection is created',
      {
        before: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
      },
    ],
    [
      'retained after its connection is created',
      {
        after: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
      },
    ],
    [
      'retained unless its creation fails',
      {
        after: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN_ON_UPDATE_OR_DELETE);
        },
      },
    ],
    [
      'retained only when it is replaced',
      {
        after: (fleet) => {
          fleet.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
        },
      },
    ],
    [
      'retained only when it is removed',
      {
        after: (fleet) => {
          fleet.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE;
        },
      },
    ],
    [
      'retained by an override',
      {
        after: (fleet) => {
          fleet.addOverride('DeletionPolicy', 'Retain');
        },
      },
    ],
    [
      'retained and its connection has the policy DESTROY',
      {
        before: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
        props: { removalPolicy: DESTROY },
      },
    ],
    [
      'retained but its connection is retained only when the connection is replaced',
      {
        before: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
        after: (_, { node }) => {
          (node.defaultChild as CfnResource).cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
        },
      },
    ],
  ])('is added to the connection if the fleet is %s', (_, changes) => {
    annotationsWith(changes).hasWarning(
      '/Game/Peering',
      'fleet Game/Fleet is retained when it is removed or replaced, but its connection Game/Peering is deleted. Players on the retained ' +
        'fleet then lose everything that they reach through the connection, such as a database. Set removalPolicy: RemovalPolicy.RETAIN on ' +
        `the connection, which also retains its routes and the rules of allowTo [ack: ${WARNING_ID}]`,
    );
  });

  test.each<[string, FleetChanges]>([
    [
      'retained with its connection',
      {
        before: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
        props: { removalPolicy: RETAIN },
      },
    ],
    [
      'retained with its connection, unless the creation of the connection fails',
      {
        before: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
        props: { removalPolicy: RETAIN_ON_UPDATE_OR_DELETE },
      },
    ],
    [
      'retained with its connection, and both policies are applied after the connection is created',
      {
        after: (fleet, connection) => {
          fleet.applyRemovalPolicy(RETAIN);
          connection.applyRemovalPolicy(RETAIN);
        },
      },
    ],
    [
      'retained at first but deleted in the end',
      {
        before: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
        after: (fleet) => {
          fleet.applyRemovalPolicy(DESTROY);
        },
      },
    ],
    ['not retained', {}],
    ['not retained, but its connection is retained', { props: { removalPolicy: RETAIN } }],
  ])('is not added if the fleet is %s', (_, changes) => {
    annotationsWith(changes).hasNoWarning('*', Match.anyValue());
  });
});

describe('a fleet that is peered twice', () => {
  type PeerFleet = (stack: Stack, authorization: VpcPeeringAuthorization, fleet: gamelift.CfnFleet) => void;

  function peerTwice(first: PeerFleet, second: PeerFleet): App {
    const app = new App();
    const stack = createStack(app);
    const [authorization, fleet] = [createAuthorization(stack), createFleet(stack)];
    first(stack, authorization, fleet);
    second(stack, authorization, fleet);
    return app;
  }
  const connect =
    (id: string, props: Partial<VpcPeeringConnectionProps> = {}): PeerFleet =>
    (stack, authorization, fleet) => {
      new VpcPeeringConnection(stack, id, { authorization, fleet, ...props });
    };
  const connectOnCreate =
    (id: string): PeerFleet =>
    (stack, authorization, fleet) => {
      new VpcPeeringConnection(stack, id, { authorization, fleet, peerOnCreate: true });
    };
  const setPeerVpcId: PeerFleet = (_stack, _authorization, fleet) => {
    fleet.peerVpcId = 'vpc-0a';
  };

  test.each([
    ['two connections', connect('One'), connect('Two')],
    ['a connection, and then a connection with peerOnCreate', connect('One'), connectOnCreate('Two')],
    ['a connection with peerOnCreate, and then a connection without it', connectOnCreate('One'), connect('Two')],
    ['two connections with peerOnCreate', connectOnCreate('One'), connectOnCreate('Two')],
  ])('fails with %s for the same VPC', (_, first, second) => {
    expect(() => peerTwice(first, second)).toThrow(
      'a fleet and a VPC can have only one peering connection, but Game/Two and Game/One both peer fleet Game/Fleet with the same VPC: ' +
        "remove one of them, or set adoptExisting on the one that should use the other's connection",
    );
  });

  test('fails with a connection and a peerVpcId that is set later to the same VPC', () => {
    expect(() => peerTwice(connect('One'), setPeerVpcId).synth()).toThrow(
      'fleet Game/Fleet has the VPC of Game/One as its peerVpcId, so GameLift peers it on creation: set peerOnCreate on the ' +
        'connection, or remove the peerVpcId, which replaces the fleet',
    );
  });

  test('fails with two connections even if a third one adopts the connection', () => {
    const connectAndAdopt: PeerFleet = (stack, authorization, fleet) => {
      connect('One')(stack, authorization, fleet);
      connect('Adopting', { adoptExisting: true })(stack, authorization, fleet);
    };
    expect(() => peerTwice(connectAndAdopt, connect('Two'))).toThrow(
      /^a fleet and a VPC can have only one .* Game\/Two and Game\/One both peer /,
    );
  });

  test('is allowed if one construct adopts the connection of the other', () => {
    expect(() => {
      peerTwice(connectOnCreate('One'), connect('Two', { adoptExisting: true })).synth();
      peerTwice(connect('One', { adoptExisting: true }), setPeerVpcId).synth();
    }).not.toThrow();
  });

  test('fails if the connections are in two stacks, but not if they are in two Stages, which can be separate environments', () => {
    const connectIn = (scope: Construct, id: string): void => {
      const stack = createStack(scope, id);
      const fleet = gamelift.CfnFleet.fromFleetId(stack, 'Fleet', 'fleet-1');
      new VpcPeeringConnection(stack, 'Peering', { authorization: createAuthorization(stack), fleet });
    };
    const app = new App();
    connectIn(app, 'One');
    expect(() => {
      connectIn(app, 'Two');
    }).toThrow(
      'a fleet and a VPC can have only one peering connection, but Two/Peering and One/Peering both peer fleet fleet-1 with the same VPC',
    );
    expect(() => {
      connectIn(new Stage(app, 'Stage'), 'One');
    }).not.toThrow();
  });

  test('is allowed with two VPCs', () => {
    const stack = createStack(new App());
    const [authorization, fleet] = [createAuthorization(stack), createFleet(stack)];
    new VpcPeeringConnection(stack, 'One', { authorization, fleet });
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Other', { vpcId: 'vpc-0b', availabilityZones: ['us-east-1a'] });
    expect(
      () => new VpcPeeringConnection(stack, 'Two', { authorization: createAuthorization(stack, { vpc }, 'Another'), fleet }),
    ).not.toThrow();
  });
});

describe('two authorizations', () => {
  test('fail in one stack for the same VPC and GameLift account', () => {
    const stack = createStack(new App());
    createAuthorization(stack);
    expect(() => createAuthorization(stack, {}, 'Two')).toThrow(
      'GameLift has only one authorization for a VPC and a GameLift account, but Game/Two and Game/Authorization are for the same VPC and ' +
        'account: keep one of them, and pass it to all connections and fleets',
    );
  });

  test('are allowed for another GameLift account, for another VPC, or in another stack', () => {
    const app = new App();
    const stack = createStack(app);
    createAuthorization(stack);
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Other', { vpcId: 'vpc-0b', availabilityZones: ['us-east-1a'] });
    expect(() => {
      createAuthorization(stack, { gameLiftAccount: '333333333333' }, 'Two');
      createAuthorization(stack, { vpc }, 'Three');
      createAuthorization(createStack(app, 'Data'));
    }).not.toThrow();
  });
});

describe.each([
  ['connected', false],
  ['peered on creation', true],
])('a fleet that is %s', (_, peerOnCreate) => {
  function peerFleet(authorization: VpcPeeringAuthorization, stack: Stack): void {
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: createFleet(stack), peerOnCreate });
  }

  test('fails if its stack is not in the GameLift account of the authorization', () => {
    const stack = createStack(new App());
    expect(() => {
      peerFleet(createAuthorization(stack, { gameLiftAccount: '333333333333' }), stack);
    }).toThrow(
      'Game/Authorization authorizes the fleets of account 333333333333, but stack Game is in account 111111111111: create the connection ' +
        "and the fleet in a stack of account 333333333333, or pass gameLiftAccount '111111111111' to the authorization",
    );
  });

  test('fails if its stack is in another Region than the authorization', () => {
    const app = new App();
    expect(() => {
      peerFleet(createAuthorization(createStack(app, 'Network')), createStack(app, 'Game', { ...env, region: 'eu-central-1' }));
    }).toThrow(
      'GameLift peers only within a Region, but Network/Authorization is in us-east-1 and stack Game is in eu-central-1: create the ' +
        'connection and the fleet in a stack in us-east-1',
    );
  });

  test('is allowed if accounts and Regions are tokens', () => {
    const app = new App();
    expect(() => {
      peerFleet(
        createAuthorization(createStack(app, 'Network', {}), { gameLiftAccount: '333333333333' }),
        createStack(app, 'Game', {}),
      );
    }).not.toThrow();
  });
});

test('a connection fails with a fleet in another Region', () => {
  const app = new App();
  const stack = createStack(app);
  const fleet = createFleet(createStack(app, 'Fleets', { ...env, region: 'eu-central-1' }));
  expect(() => new VpcPeeringConnection(stack, 'Peering', { authorization: createAuthorization(stack), fleet })).toThrow(
    'GameLift peers only within a Region, but Fleets/Fleet is in eu-central-1 and Game/Peering is in us-east-1: create the connection in a ' +
      'stack in eu-central-1, with a VPC there',
  );
});

test('a connection fails with a fleet in another account', () => {
  const stack = createStack(new App());
  const fleet = gamelift.CfnFleet.fromFleetArn(stack, 'Fleet', 'arn:aws:gamelift:us-east-1:999999999999:fleet/fleet-1');
  expect(() => new VpcPeeringConnection(stack, 'Peering', { authorization: createAuthorization(stack), fleet })).toThrow(
    new Error(
      'only the account that owns a fleet can peer it, but Game/Fleet is in account 999999999999 and Game/Peering is in account ' +
        '111111111111: create the connection in a stack of account 999999999999',
    ),
  );
});
