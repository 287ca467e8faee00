import {
  CreateVpcPeeringAuthorizationCommand,
  DeleteVpcPeeringAuthorizationCommand,
  DescribeVpcPeeringAuthorizationsCommand,
  GameLiftClient,
  ListBuildsCommand,
  type VpcPeeringAuthorization,
} from '@aws-sdk/client-gamelift';
import { SmithyRpcV2CborProtocol } from '@smithy/core/cbor';
import {
  allow,
  clientConfig,
  GAMELIFT_ACCOUNT,
  gameLiftClient,
  policy,
  REGION,
  sessionOf,
  startWorld,
  VPC_ACCOUNT,
  type World,
} from '../world';

const DAY = 24 * 3600;

let world: World;
let owner: GameLiftClient;
let manager: GameLiftClient;
let key: { GameLiftAwsAccountId: string; PeerVpcId: string };

beforeEach(async () => {
  world = await startWorld();
  const { aws } = world;
  owner = gameLiftClient(aws, aws.iam.administrator(VPC_ACCOUNT));
  manager = gameLiftClient(aws, aws.iam.administrator(GAMELIFT_ACCOUNT));
  const { vpcId } = aws.ec2.createVpc({ account: VPC_ACCOUNT, region: REGION, cidrBlock: '10.0.0.0/16' });
  key = { GameLiftAwsAccountId: GAMELIFT_ACCOUNT, PeerVpcId: vpcId };
});

afterEach(async () => {
  owner.destroy();
  manager.destroy();
  await world.aws.close();
});

async function authorize(client = owner): Promise<VpcPeeringAuthorization> {
  const { VpcPeeringAuthorization } = await client.send(new CreateVpcPeeringAuthorizationCommand(key));
  if (VpcPeeringAuthorization === undefined) {
    throw new Error('the answer has no authorization');
  }
  return VpcPeeringAuthorization;
}

async function listed(client: GameLiftClient): Promise<VpcPeeringAuthorization[]> {
  return (await client.send(new DescribeVpcPeeringAuthorizationsCommand({}))).VpcPeeringAuthorizations ?? [];
}

function cancel(): Promise<unknown> {
  return owner.send(new DeleteVpcPeeringAuthorizationCommand(key));
}

describe('an authorization', () => {
  test('is valid for 24 hours and seen by both accounts', async () => {
    const now = world.clock.now();
    const authorization = await authorize();
    expect(authorization).toEqual({
      GameLiftAwsAccountId: GAMELIFT_ACCOUNT,
      PeerVpcAwsAccountId: VPC_ACCOUNT,
      PeerVpcId: key.PeerVpcId,
      CreationTime: new Date(now),
      ExpirationTime: new Date(now + DAY * 1000),
    });
    expect(await listed(owner)).toEqual([authorization]);
    expect(await listed(manager)).toEqual([authorization]);
    expect(await listed(gameLiftClient(world.aws, world.aws.iam.administrator('333333333333')))).toEqual([]);
  });

  test('is gone when its day is over', async () => {
    await authorize();
    world.clock.advance(DAY - 1);
    expect(await listed(manager)).toHaveLength(1);
    world.clock.advance(10);
    expect(await listed(manager)).toEqual([]);
  });

  test('is gone when it was cancelled', async () => {
    await authorize();
    await cancel();
    expect(await listed(owner)).toEqual([]);
  });

  test('keeps fractions of a second', async () => {
    await world.clock.sleep(123);
    expect((await authorize()).CreationTime?.getTime()).toBe(world.clock.now());
  });

  test('speaks CBOR to clients that do', async () => {
    const config = clientConfig(world.aws, world.aws.iam.administrator(VPC_ACCOUNT));
    const client = new GameLiftClient({ ...config, protocol: SmithyRpcV2CborProtocol });
    expect((await authorize(client)).ExpirationTime).toEqual(new Date(world.clock.now() + DAY * 1000));
    await expect(authorize(client)).rejects.toMatchObject({ name: 'ThrottlingException', message: 'Rate exceeded' });
  });
});

describe('input', () => {
  test.each([
    ['x'.repeat(1024), undefined],
    ['x'.repeat(1025), 'Member must have length less than or equal to 1024'],
    ['', 'Member must have length greater than or equal to 1'],
  ])('of an account id is bounded as in the service model (case %#)', async (account, problem) => {
    key = { ...key, GameLiftAwsAccountId: account };
    if (problem === undefined) {
      await expect(authorize()).resolves.toBeDefined();
    } else {
      await expect(authorize()).rejects.toMatchObject({
        name: 'InvalidRequestException',
        message: `1 validation error detected: Value '${account}' at 'gameLiftAwsAccountId' failed to satisfy constraint: ${problem}`,
      });
    }
  });

  test('lacks nothing that is required', async () => {
    const command = new CreateVpcPeeringAuthorizationCommand({ GameLiftAwsAccountId: undefined, PeerVpcId: undefined });
    await expect(owner.send(command)).rejects.toMatchObject({
      name: 'InvalidRequestException',
      message:
        "2 validation errors detected: Value null at 'gameLiftAwsAccountId' failed to satisfy constraint: Member must not be null; " +
        "Value null at 'peerVpcId' failed to satisfy constraint: Member must not be null",
    });
    await expect(authorize()).resolves.toBeDefined();
  });

  test('names an operation that is simulated', async () => {
    await expect(manager.send(new ListBuildsCommand({}))).rejects.toMatchObject({ name: 'UnknownOperationException' });
    expect(world.aws.notUnderstood.list()).toEqual([
      'calls of gamelift ListBuilds: the operation is not simulated, and each call is refused',
    ]);
  });
});

describe('the rate limit', () => {
  test('gives one call every ten seconds, and takes nothing for a throttled one', async () => {
    await authorize();
    world.clock.advance(9.999);
    await expect(authorize()).rejects.toMatchObject({ name: 'ThrottlingException', message: 'Rate exceeded' });
    world.clock.advance(0.001);
    await authorize();
  });

  test('is one for each operation and account', async () => {
    await authorize();
    await cancel();
    await listed(owner);
    await listed(manager);
    await expect(listed(manager)).rejects.toMatchObject({ name: 'ThrottlingException' });
  });

  test.each(['free', 'counted'] as const)('finds denied calls %s', async (reading) => {
    world.aws.behaviours.set('deniedCalls', reading);
    const { credentials } = sessionOf(world.aws, policy(allow('s3:GetObject')));
    await expect(authorize(gameLiftClient(world.aws, credentials))).rejects.toMatchObject({ name: 'AccessDeniedException' });
    await (reading === 'free' ? authorize() : expect(authorize()).rejects.toMatchObject({ name: 'ThrottlingException' }));
  });

  test.each(['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'] as const)(
    'shows as %s',
    async (reading) => {
      world.aws.behaviours.set('throttlingError', reading);
      await authorize();
      await expect(authorize()).rejects.toMatchObject({ name: reading, message: 'Rate exceeded' });
    },
  );
});

describe('what AWS does not say', () => {
  test('an authorization may be listed up to 15 seconds late', async () => {
    world.aws.behaviours.set('readBack', 'up to 15 seconds late');
    const authorization = await authorize();
    expect(await listed(owner)).toEqual([]);
    world.clock.advance(15);
    expect(await listed(owner)).toEqual([authorization]);
  });

  test.each([
    ['renews', 3600],
    ['keeps expiry', 0],
  ] as const)('authorizing again %s', async (reading, gained) => {
    world.aws.behaviours.set('authorizingAgain', reading);
    const first = await authorize();
    world.clock.advance(3600);
    const second = await authorize();
    expect(Number(second.ExpirationTime) - Number(first.ExpirationTime)).toBe(gained * 1000);
  });

  test('authorizing again is refused, until the first has expired', async () => {
    world.aws.behaviours.set('authorizingAgain', 'InvalidRequestException');
    await authorize();
    world.clock.advance(3600);
    await expect(authorize()).rejects.toMatchObject({
      name: 'InvalidRequestException',
      message: `A VPC peering authorization for ${key.PeerVpcId} already exists.`,
    });
    world.clock.advance(DAY);
    await authorize();
  });

  test.each(['NotFoundException', 'success'] as const)('deleting one that is absent: %s', async (reading) => {
    world.aws.behaviours.set('deletingAbsentAuthorization', reading);
    await (reading === 'success' ? cancel() : expect(cancel()).rejects.toMatchObject({ name: reading }));
  });

  test.each(['InvalidRequestException', 'NotFoundException', 'accepted'] as const)(
    'authorizing an absent VPC: %s',
    async (reading) => {
      world.aws.behaviours.set('absentVpc', reading);
      const absent = authorize(manager);
      await (reading === 'accepted' ? absent : expect(absent).rejects.toMatchObject({ name: reading }));
    },
  );

  test.each(['listed', 'not listed'] as const)('one that was used is %s', async (reading) => {
    world.aws.behaviours.set('usedAuthorizations', reading);
    await authorize();
    expect(world.aws.gameLift.authorizations.use(domainKey())).toBe(true);
    expect(await listed(owner)).toHaveLength(reading === 'listed' ? 1 : 0);
    expect(world.aws.gameLift.authorizations.use(domainKey())).toBe(true);
  });

  test('one that is consumed is missing the second time', async () => {
    world.aws.behaviours.set('useOfAuthorization', 'consumed');
    await authorize();
    const { authorizations } = world.aws.gameLift;
    expect(authorizations.use(domainKey())).toBe(true);
    expect(() => authorizations.use(domainKey())).toThrow(`There is no valid VPC peering authorization for ${key.PeerVpcId}.`);
    world.aws.behaviours.set('missingAuthorization', 'failed');
    expect(authorizations.use(domainKey())).toBe(false);
  });

  test('readings and names that do not exist are refused', () => {
    const set = (name: string, reading: string): void => {
      Reflect.apply(world.aws.behaviours.set.bind(world.aws.behaviours), undefined, [name, reading]);
    };
    expect(() => {
      set('throttlingError', 'Slow');
    }).toThrow(
      "unknown reading 'Slow' of behaviour 'throttlingError': choose one of ThrottlingException, TooManyRequestsException, RequestLimitExceeded",
    );
    expect(() => {
      set('weather', 'fine');
    }).toThrow("unknown behaviour 'weather'");
  });

  function domainKey() {
    return { peerVpcAccount: VPC_ACCOUNT, peerVpcId: key.PeerVpcId, gameLiftAccount: GAMELIFT_ACCOUNT, region: REGION };
  }
});

describe('the caller’s credentials', () => {
  const gameLift = allow('gamelift:CreateVpcPeeringAuthorization');
  const describes = allow(['ec2:DescribeRouteTables', 'ec2:DescribeSecurityGroups']);

  function scoped(account: string, vpcId: string): object[] {
    const arn = `arn:aws:ec2:${REGION}:${account}:vpc/${vpcId}`;
    const inVpc = { ArnEquals: { 'ec2:Vpc': arn } };
    return [
      allow('ec2:AcceptVpcPeeringConnection', arn),
      allow('ec2:CreateRoute', `arn:aws:ec2:${REGION}:${account}:route-table/*`, inVpc),
      allow('ec2:AuthorizeSecurityGroup*', `arn:aws:ec2:${REGION}:${account}:security-group/*`, inVpc),
    ];
  }

  test('suffice when they are scoped to the VPC, and all count as used', async () => {
    const { credentials, roleArn } = sessionOf(world.aws, policy(gameLift, describes, ...scoped(VPC_ACCOUNT, key.PeerVpcId)));
    await authorize(gameLiftClient(world.aws, credentials));
    expect(world.aws.iam.usedActions()).toEqual(
      [
        'gamelift:CreateVpcPeeringAuthorization',
        'ec2:AcceptVpcPeeringConnection',
        'ec2:AuthorizeSecurityGroupEgress',
        'ec2:AuthorizeSecurityGroupIngress',
        'ec2:CreateRoute',
        'ec2:DescribeRouteTables',
        'ec2:DescribeSecurityGroups',
      ].map((action) => ({ roleArn, action })),
    );
  });

  test('are missed by name where they lack an action in the VPC', async () => {
    const { credentials } = sessionOf(world.aws, policy(gameLift, describes, ...scoped(VPC_ACCOUNT, key.PeerVpcId).slice(1)));
    await expect(authorize(gameLiftClient(world.aws, credentials))).rejects.toMatchObject({
      name: 'UnauthorizedException',
      message:
        `User: arn:aws:sts::${VPC_ACCOUNT}:assumed-role/Handler/function is not authorized to perform: ec2:AcceptVpcPeeringConnection ` +
        `on resource: arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:vpc/${key.PeerVpcId} ` +
        'because no identity-based policy allows the ec2:AcceptVpcPeeringConnection action',
    });
  });

  test('are missed where they are for another VPC', async () => {
    const { credentials } = sessionOf(world.aws, policy(gameLift, describes, ...scoped(VPC_ACCOUNT, 'vpc-0123456789abcdef0')));
    await expect(authorize(gameLiftClient(world.aws, credentials))).rejects.toMatchObject({ name: 'UnauthorizedException' });
    world.aws.behaviours.set('peerPermissions', 'not checked');
    world.clock.advance(10);
    await authorize(gameLiftClient(world.aws, credentials));
  });

  test('are denied in the words of IAM', async () => {
    const { credentials } = sessionOf(world.aws, policy(describes));
    await expect(authorize(gameLiftClient(world.aws, credentials))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message:
        `User: arn:aws:sts::${VPC_ACCOUNT}:assumed-role/Handler/function is not authorized to perform: ` +
        'gamelift:CreateVpcPeeringAuthorization on resource: * because no identity-based policy allows the ' +
        'gamelift:CreateVpcPeeringAuthorization action',
      $metadata: expect.objectContaining({ httpStatusCode: 400 }) as unknown,
    });
  });
});
