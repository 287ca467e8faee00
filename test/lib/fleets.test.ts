import { App, CfnDeletionPolicy, NestedStack, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import type { CfnResource } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { Construct } from 'constructs';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { VpcPeeringAuthorizationProps, VpcPeeringConnectionProps } from '../../lib';

/*
 * What is refused at synthesis, and what is warned of, about the fleets that are peered.
 */

const env = { account: '111111111111', region: 'us-east-1' };

function stackIn(scope: Construct, id = 'Game', place: { readonly account?: string; readonly region?: string } = env): Stack {
  return new Stack(scope, id, { env: place });
}

function authorizationIn(
  stack: Stack,
  props: Partial<VpcPeeringAuthorizationProps> = {},
  id = 'Authorization',
): VpcPeeringAuthorization {
  const vpc = ec2.Vpc.fromVpcAttributes(stack, `${id}Vpc`, { vpcId: 'vpc-0a', availabilityZones: ['us-east-1a'] });
  return new VpcPeeringAuthorization(stack, id, { vpc, ...props });
}

function fleetIn(stack: Stack, props: Partial<gamelift.CfnFleetProps> = {}): gamelift.CfnFleet {
  return new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet', ...props });
}

/** A fleet construct as studios write them: with the fleet as its child, and what refers to it. */
class WrappedFleet extends Construct {
  readonly fleetRef: VpcPeeringConnectionProps['fleet']['fleetRef'];
  readonly env = env;

  constructor(stack: Stack, id: string, fleetId: string) {
    super(stack, id);
    this.fleetRef = { fleetId, fleetArn: '' };
  }
}

const WAYS: [string, (stack: Stack, fleet: gamelift.CfnFleet) => void][] = [
  [
    'connected',
    (stack, fleet) => {
      new VpcPeeringConnection(stack, 'Peering', { authorization: authorizationIn(stack), fleet });
    },
  ],
  [
    'connected by what refers to it',
    (stack, fleet) => {
      const authorization = authorizationIn(stack);
      new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: new WrappedFleet(stack, 'Wrapped', fleet.ref) });
    },
  ],
  [
    'peered at creation',
    (stack, fleet) => {
      authorizationIn(stack).authorizeFleet(fleet);
    },
  ],
];

describe.each(WAYS)('a fleet that is %s', (_, peer) => {
  const anywhere = 'GameLift peers EC2 fleets only: fleet Game/Fleet is of compute type ANYWHERE';

  test('must not be an Anywhere fleet', () => {
    const stack = stackIn(new App());
    expect(() => {
      peer(stack, fleetIn(stack, { computeType: 'ANYWHERE' }));
    }).toThrow(anywhere);
  });

  test.each<[string, (fleet: gamelift.CfnFleet) => void]>([
    ['a property', (fleet) => (fleet.computeType = 'ANYWHERE')],
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
  ])('must not become one later by %s', (__, change) => {
    const app = new App();
    const stack = stackIn(app);
    const fleet = fleetIn(stack, { computeType: 'EC2' });
    peer(stack, fleet);
    change(fleet);
    expect(() => app.synth()).toThrow(anywhere);
  });

  const warning = Match.stringLikeRegexp('those in its remote locations stay unpeered');

  test.each<[string, string[], string | undefined]>([
    ['home and another', ['us-east-1', 'eu-central-1'], env.region],
    ['another only', ['eu-central-1'], env.region],
    ['a Local Zone', ['us-east-1-chi-1'], env.region],
    ['two, of which one is not home, whichever it is', ['us-east-1', 'eu-central-1'], undefined],
  ])('has a warning if it has remote locations: %s', (__, locations, region) => {
    for (const late of [false, true]) {
      const stack = stackIn(new App(), 'Game', { account: env.account, ...(region === undefined ? {} : { region }) });
      const declared = locations.map((location) => ({ location }));
      const fleet = fleetIn(stack, late ? {} : { locations: declared });
      peer(stack, fleet);
      if (late) {
        fleet.locations = declared;
      }
      Annotations.fromStack(stack).hasWarning('/Game/Fleet', warning);
    }
  });

  test.each([
    ['none listed', undefined],
    ['home', [{ location: 'us-east-1' }]],
  ])('has no warning if it has no remote locations: %s', (__, locations) => {
    const stack = stackIn(new App());
    peer(stack, fleetIn(stack, locations === undefined ? {} : { locations }));
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });
});

describe('what is connected must be an EC2 fleet', () => {
  test.each<[string, (stack: Stack) => string, string]>([
    [
      'a container fleet',
      (stack) => new gamelift.CfnContainerFleet(stack, 'Containers', { fleetRoleArn: 'r' }).attrFleetId,
      'GameLift peers EC2 fleets only: Game/Fleet must be an AWS::GameLift::Fleet, got AWS::GameLift::ContainerFleet',
    ],
    [
      'an alias',
      (stack) =>
        new gamelift.CfnAlias(stack, 'Alias', { name: 'live', routingStrategy: { type: 'TERMINAL', message: 'no' } }).ref,
      'GameLift peers EC2 fleets only: Game/Fleet must be an AWS::GameLift::Fleet, got AWS::GameLift::Alias',
    ],
    [
      'the id of a container fleet',
      () => 'containerfleet-1',
      "fleet must have the id of an EC2 fleet, such as fleet-01234567-89ab-cdef-0123-456789abcdef, got 'containerfleet-1'",
    ],
  ])('%s is refused', (_, fleetIdIn, message) => {
    const stack = stackIn(new App());
    const fleet = new WrappedFleet(stack, 'Fleet', fleetIdIn(stack));
    expect(() => new VpcPeeringConnection(stack, 'Peering', { authorization: authorizationIn(stack), fleet })).toThrow(message);
  });
});

describe('a fleet in another stack than its connection', () => {
  function warned(connectionIn: (app: App) => Stack, fleetStackIn: (app: App) => Stack): Annotations {
    const app = new App();
    const [own, other] = [connectionIn(app), fleetStackIn(app)];
    new VpcPeeringConnection(own, 'Peering', { authorization: authorizationIn(own), fleet: fleetIn(other) });
    return Annotations.fromStack(own);
  }
  const game = (app: App): Stack => (app.node.tryFindChild('Game') as Stack | undefined) ?? stackIn(app);

  test('has a warning that says where to put the connection, and why', () => {
    warned(game, (app) => stackIn(app, 'Fleets')).hasWarning(
      '/Game/Peering',
      'fleet Fleets/Fleet is in another stack than its connection Game/Peering: a new build replaces the fleet, and CloudFormation refuses ' +
        'to change the export of its id while Game uses it, so that every such deployment fails. Create the connection in Fleets, the ' +
        'stack of the fleet; its authorization may be in another stack [ack: cdk-gamelift-vpc-peering:fleetInOtherStack]',
    );
  });

  test('has another reason if one is nested in the other', () => {
    warned(game, (app) => new NestedStack(game(app), 'Fleets')).hasWarning(
      '/Game/Peering',
      'fleet Game/Fleets/Fleet is in another stack than its connection Game/Peering: with a new build, Game/Fleets may delete the old fleet ' +
        'before Game deletes its connection. Create the connection in Game/Fleets, the stack of the fleet; its authorization may be in ' +
        'another stack [ack: cdk-gamelift-vpc-peering:fleetInOtherStack]',
    );
  });

  test('has none if it is in the same stack, or is not of the app', () => {
    warned(game, game).hasNoWarning('*', Match.anyValue());
    const stack = stackIn(new App());
    const fleet = gamelift.CfnFleet.fromFleetId(stackIn(stack, 'Other'), 'Fleet', 'fleet-1');
    new VpcPeeringConnection(stack, 'Peering', { authorization: authorizationIn(stack), fleet });
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });
});

describe('a fleet that is retained', () => {
  const ID = 'cdk-gamelift-vpc-peering:retainedFleet';
  const { RETAIN, RETAIN_ON_UPDATE_OR_DELETE, DESTROY } = RemovalPolicy;

  interface Policies {
    readonly before?: (fleet: gamelift.CfnFleet) => void;
    readonly props?: Partial<VpcPeeringConnectionProps>;
    readonly after?: (fleet: gamelift.CfnFleet, connection: VpcPeeringConnection) => void;
  }

  function annotationsWith({ before, props, after }: Policies): Annotations {
    const stack = stackIn(new App());
    const fleet = fleetIn(stack);
    before?.(fleet);
    const connection = new VpcPeeringConnection(stack, 'Peering', { authorization: authorizationIn(stack), fleet, ...props });
    after?.(fleet, connection);
    return Annotations.fromStack(stack);
  }

  test.each<[string, Policies]>([
    [
      'before it is connected',
      {
        before: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
      },
    ],
    [
      'after it is connected',
      {
        after: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
      },
    ],
    [
      'but not when its creation fails',
      {
        after: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN_ON_UPDATE_OR_DELETE);
        },
      },
    ],
    [
      'when it is replaced',
      {
        after: (fleet) => {
          fleet.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
        },
      },
    ],
    [
      'when it is removed',
      {
        after: (fleet) => {
          fleet.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE;
        },
      },
    ],
    [
      'with an override',
      {
        after: (fleet) => {
          fleet.addOverride('DeletionPolicy', 'Retain');
        },
      },
    ],
    [
      'and its connection is not, as it says',
      {
        before: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
        props: { removalPolicy: DESTROY },
      },
    ],
    [
      'and its connection only when it is replaced',
      {
        before: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
        after: (_, { node }) => {
          (node.defaultChild as CfnResource).cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
        },
      },
    ],
  ])('%s: the connection has a warning that says what is lost, and what to do', (_, policies) => {
    annotationsWith(policies).hasWarning(
      '/Game/Peering',
      'fleet Game/Fleet is retained when it is removed or replaced, but its connection Game/Peering is deleted then, and players who are ' +
        'still on that fleet lose what they reach through it, such as a database: set removalPolicy: RemovalPolicy.RETAIN on the connection, ' +
        `which retains its routes and the rules of allowTo, too [ack: ${ID}]`,
    );
  });

  test.each<[string, Policies]>([
    [
      'with its connection',
      {
        before: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
        props: { removalPolicy: RETAIN },
      },
    ],
    [
      'with its connection, but for creations that fail',
      {
        before: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
        props: { removalPolicy: RETAIN_ON_UPDATE_OR_DELETE },
      },
    ],
    [
      'with its connection, both later',
      {
        after: (fleet, connection) => {
          [fleet, connection].forEach((each) => {
            each.applyRemovalPolicy(RETAIN);
          });
        },
      },
    ],
    [
      'no longer',
      {
        before: (fleet) => {
          fleet.applyRemovalPolicy(RETAIN);
        },
        after: (fleet) => {
          fleet.applyRemovalPolicy(DESTROY);
        },
      },
    ],
    ['at no time', {}],
    ['at no time, though its connection is', { props: { removalPolicy: RETAIN } }],
  ])('%s: the connection has no warning', (_, policies) => {
    annotationsWith(policies).hasNoWarning('*', Match.anyValue());
  });
});

describe('a fleet that is peered twice with one VPC', () => {
  function twice(
    one: (stack: Stack, authorization: VpcPeeringAuthorization, fleet: gamelift.CfnFleet) => void,
    two: (stack: Stack, authorization: VpcPeeringAuthorization, fleet: gamelift.CfnFleet) => void,
  ): App {
    const app = new App();
    const stack = stackIn(app);
    const [authorization, fleet] = [authorizationIn(stack), fleetIn(stack)];
    one(stack, authorization, fleet);
    two(stack, authorization, fleet);
    return app;
  }
  const connect =
    (id: string, adoptExisting = false) =>
    (stack: Stack, authorization: VpcPeeringAuthorization, fleet: gamelift.CfnFleet): void => {
      new VpcPeeringConnection(stack, id, { authorization, fleet, adoptExisting });
    };
  const atCreation = (_: Stack, authorization: VpcPeeringAuthorization, fleet: gamelift.CfnFleet): void => {
    authorization.authorizeFleet(fleet);
  };
  const byProperty = (_: Stack, __: VpcPeeringAuthorization, fleet: gamelift.CfnFleet): void => {
    fleet.peerVpcId = 'vpc-0a';
  };

  test.each([
    ['by two connections', connect('One'), connect('Two'), 'Game/Two', 'Game/One'],
    ['by a connection, and at creation', connect('One'), atCreation, 'Game/Fleet', 'Game/One'],
    ['at creation, and by a connection', atCreation, connect('Two'), 'Game/Two', 'Game/Fleet'],
    ['twice at creation', atCreation, atCreation, 'Game/Fleet', 'Game/Fleet'],
  ])('%s, is refused', (_, one, two, by, other) => {
    expect(() => twice(one, two)).toThrow(
      `a fleet and a VPC have one connection: ${by} would peer fleet Game/Fleet with the VPC that ${other} peers it with already: remove one ` +
        'of them, or set adoptExisting on the connection that is to use what the other makes',
    );
  });

  test('by a connection, and by its own property that was set later, is refused', () => {
    expect(() => twice(connect('One'), byProperty).synth()).toThrow(
      'fleet Game/Fleet is peered with the same VPC when it is created: take away its peerVpcId, or this connection, or set adoptExisting ' +
        'to use the connection that GameLift makes',
    );
  });

  test('is not refused if one adopts what the other makes', () => {
    expect(() => {
      twice(atCreation, connect('Two', true)).synth();
      twice(connect('One', true), byProperty).synth();
    }).not.toThrow();
  });

  test('is refused in two stacks, but not in two Stages, which may be two studios', () => {
    const connectIn = (scope: Construct, id: string): void => {
      const stack = stackIn(scope, id);
      const fleet = gamelift.CfnFleet.fromFleetId(stack, 'Fleet', 'fleet-1');
      new VpcPeeringConnection(stack, 'Peering', { authorization: authorizationIn(stack), fleet });
    };
    const app = new App();
    connectIn(app, 'One');
    expect(() => {
      connectIn(app, 'Two');
    }).toThrow('Two/Peering would peer fleet fleet-1 with the VPC that One/Peering peers it with already');
    expect(() => {
      connectIn(new Stage(app, 'Stage'), 'One');
    }).not.toThrow();
  });

  test('is not refused with another VPC', () => {
    const stack = stackIn(new App());
    const [authorization, fleet] = [authorizationIn(stack), fleetIn(stack)];
    new VpcPeeringConnection(stack, 'One', { authorization, fleet });
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Other', { vpcId: 'vpc-0b', availabilityZones: ['us-east-1a'] });
    expect(
      () => new VpcPeeringConnection(stack, 'Two', { authorization: authorizationIn(stack, { vpc }, 'Another'), fleet }),
    ).not.toThrow();
  });
});

describe('two authorizations', () => {
  test('of one pair in one stack are refused', () => {
    const stack = stackIn(new App());
    authorizationIn(stack);
    expect(() => authorizationIn(stack, {}, 'Two')).toThrow(
      'GameLift has one authorization for a VPC and a GameLift account: Game/Two and Game/Authorization are for the same ones, and the first ' +
        'to be deleted would cancel it for both. Keep one of them, and pass it to every connection and fleet',
    );
  });

  test('of another account, another VPC, or another stack are not', () => {
    const app = new App();
    const stack = stackIn(app);
    authorizationIn(stack);
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Other', { vpcId: 'vpc-0b', availabilityZones: ['us-east-1a'] });
    expect(() => {
      authorizationIn(stack, { gameLiftAccount: '333333333333' }, 'Two');
      authorizationIn(stack, { vpc }, 'Three');
      authorizationIn(stackIn(app, 'Data'));
    }).not.toThrow();
  });
});

describe.each(WAYS.map(([name]) => name).filter((name) => name !== 'connected by what refers to it'))(
  'a fleet that is %s',
  (way) => {
    function use(authorization: VpcPeeringAuthorization, stack: Stack): void {
      if (way === 'connected') {
        new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: fleetIn(stack) });
      } else {
        authorization.authorizeFleet(fleetIn(stack));
      }
    }

    test('in another account than the authorization is for, is refused', () => {
      const stack = stackIn(new App());
      expect(() => {
        use(authorizationIn(stack, { gameLiftAccount: '333333333333' }), stack);
      }).toThrow(
        'Game/Authorization authorizes the fleets of account 333333333333, but stack Game is in account 111111111111: create the connection ' +
          "and the fleet in a stack of account 333333333333, or pass gameLiftAccount '111111111111' to the authorization",
      );
    });

    test('in another Region than the authorization, is refused', () => {
      const app = new App();
      expect(() => {
        use(authorizationIn(stackIn(app, 'Network')), stackIn(app, 'Game', { ...env, region: 'eu-central-1' }));
      }).toThrow(
        'GameLift peers within one Region: Network/Authorization is in us-east-1, but stack Game is in eu-central-1: create the connection and ' +
          'the fleet in a stack in us-east-1',
      );
    });

    test('in places that are known only at the deployment, is not refused', () => {
      const app = new App();
      expect(() => {
        use(authorizationIn(stackIn(app, 'Network', {}), { gameLiftAccount: '333333333333' }), stackIn(app, 'Game', {}));
      }).not.toThrow();
    });
  },
);

test('a fleet of another Region than its connection is refused', () => {
  const app = new App();
  const stack = stackIn(app);
  const fleet = fleetIn(stackIn(app, 'Fleets', { ...env, region: 'eu-central-1' }));
  expect(() => new VpcPeeringConnection(stack, 'Peering', { authorization: authorizationIn(stack), fleet })).toThrow(
    'GameLift peers within one Region: Fleets/Fleet is in eu-central-1, but Game/Peering is in us-east-1: create the connection in a stack ' +
      'in eu-central-1, with a VPC there',
  );
});
