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
  createRoleSession,
  startSimulation,
  VPC_ACCOUNT,
  type Simulation,
} from '../simulation';

const DAY_SECONDS = 24 * 3600;

let simulation: Simulation;
let peerVpcClient: GameLiftClient;
let fleetClient: GameLiftClient;
let authorizationInput: { GameLiftAwsAccountId: string; PeerVpcId: string };

beforeEach(async () => {
  simulation = await startSimulation();
  const { aws } = simulation;
  peerVpcClient = gameLiftClient(aws, aws.iam.administrator(VPC_ACCOUNT));
  fleetClient = gameLiftClient(aws, aws.iam.administrator(GAMELIFT_ACCOUNT));
  const { vpcId } = aws.ec2.createVpc({ account: VPC_ACCOUNT, region: REGION, cidrBlock: '10.0.0.0/16' });
  authorizationInput = { GameLiftAwsAccountId: GAMELIFT_ACCOUNT, PeerVpcId: vpcId };
});

afterEach(async () => {
  peerVpcClient.destroy();
  fleetClient.destroy();
  await simulation.aws.close();
});

async function authorize(client = peerVpcClient): Promise<VpcPeeringAuthorization> {
  const { VpcPeeringAuthorization } = await client.send(new CreateVpcPeeringAuthorizationCommand(authorizationInput));
  if (VpcPeeringAuthorization === undefined) {
    throw new Error('expected an authorization in the output');
  }
  return VpcPeeringAuthorization;
}

async function listAuthorizations(client: GameLiftClient): Promise<VpcPeeringAuthorization[]> {
  return (await client.send(new DescribeVpcPeeringAuthorizationsCommand({}))).VpcPeeringAuthorizations ?? [];
}

function cancel(): Promise<unknown> {
  return peerVpcClient.send(new DeleteVpcPeeringAuthorizationCommand(authorizationInput));
}

describe('an authorization', () => {
  test('is valid for 24 hours, and both accounts can list it', async () => {
    const now = simulation.clock.now();
    const authorization = await authorize();
    expect(authorization).toEqual({
      GameLiftAwsAccountId: GAMELIFT_ACCOUNT,
      PeerVpcAwsAccountId: VPC_ACCOUNT,
      PeerVpcId: authorizationInput.PeerVpcId,
      CreationTime: new Date(now),
      ExpirationTime: new Date(now + DAY_SECONDS * 1000),
    });
    expect(await listAuthorizations(peerVpcClient)).toEqual([authorization]);
    expect(await listAuthorizations(fleetClient)).toEqual([authorization]);
    expect(await listAuthorizations(gameLiftClient(simulation.aws, simulation.aws.iam.administrator('333333333333')))).toEqual(
      [],
    );
  });

  test('is no longer listed after 24 hours', async () => {
    await authorize();
    simulation.clock.advance(DAY_SECONDS - 1);
    expect(await listAuthorizations(fleetClient)).toHaveLength(1);
    // ten seconds, so that the second call is not throttled
    simulation.clock.advance(10);
    expect(await listAuthorizations(fleetClient)).toEqual([]);
  });

  test('is no longer listed after it is canceled', async () => {
    await authorize();
    await cancel();
    expect(await listAuthorizations(peerVpcClient)).toEqual([]);
  });

  test('has times with fractions of a second', async () => {
    const milliseconds = 123;
    await simulation.clock.sleep(milliseconds);
    expect((await authorize()).CreationTime?.getTime()).toBe(simulation.clock.now());
  });

  test('can be created by a client that uses CBOR, which also receives errors', async () => {
    const config = clientConfig(simulation.aws, simulation.aws.iam.administrator(VPC_ACCOUNT));
    const client = new GameLiftClient({ ...config, protocol: SmithyRpcV2CborProtocol });
    expect((await authorize(client)).ExpirationTime).toEqual(new Date(simulation.clock.now() + DAY_SECONDS * 1000));
    await expect(authorize(client)).rejects.toMatchObject({ name: 'ThrottlingException', message: 'Rate exceeded' });
  });
});

describe('the input of a call', () => {
  test.each([
    [1024, undefined],
    [1025, 'Member must have length less than or equal to 1024'],
    [0, 'Member must have length greater than or equal to 1'],
  ])('can have an account id of 1 to 1024 characters: test with %i', async (length, problem) => {
    const account = 'x'.repeat(length);
    authorizationInput = { ...authorizationInput, GameLiftAwsAccountId: account };
    if (problem === undefined) {
      await expect(authorize()).resolves.toBeDefined();
    } else {
      await expect(authorize()).rejects.toMatchObject({
        name: 'InvalidRequestException',
        message: `1 validation error detected: Value '${account}' at 'gameLiftAwsAccountId' failed to satisfy constraint: ${problem}`,
      });
    }
  });

  test('is refused if required members are missing', async () => {
    const command = new CreateVpcPeeringAuthorizationCommand({ GameLiftAwsAccountId: undefined, PeerVpcId: undefined });
    await expect(peerVpcClient.send(command)).rejects.toMatchObject({
      name: 'InvalidRequestException',
      message:
        "2 validation errors detected: Value null at 'gameLiftAwsAccountId' failed to satisfy constraint: Member must not be null; " +
        "Value null at 'peerVpcId' failed to satisfy constraint: Member must not be null",
    });
    // the refused call does not count against the rate limit
    await expect(authorize()).resolves.toBeDefined();
  });

  test('is refused if the operation is not simulated', async () => {
    await expect(fleetClient.send(new ListBuildsCommand({}))).rejects.toMatchObject({ name: 'UnknownOperationException' });
    expect(simulation.aws.notUnderstood.list()).toEqual([
      'calls of gamelift ListBuilds: the operation is not simulated, and each call is refused',
    ]);
  });
});

describe('the rate limit', () => {
  test('allows one call every ten seconds, and does not count throttled calls', async () => {
    await authorize();
    simulation.clock.advance(9.999);
    await expect(authorize()).rejects.toMatchObject({ name: 'ThrottlingException', message: 'Rate exceeded' });
    simulation.clock.advance(0.001);
    await authorize();
  });

  test('is separate for each operation and account', async () => {
    await authorize();
    await cancel();
    await listAuthorizations(peerVpcClient);
    await listAuthorizations(fleetClient);
    await expect(listAuthorizations(fleetClient)).rejects.toMatchObject({ name: 'ThrottlingException' });
  });

  test.each(['not counted', 'counted'] as const)('treats denied calls as %s', async (reading) => {
    simulation.aws.behaviours.set('deniedCalls', reading);
    const { credentials } = createRoleSession(simulation.aws, policy(allow('s3:GetObject')));
    await expect(authorize(gameLiftClient(simulation.aws, credentials))).rejects.toMatchObject({ name: 'AccessDeniedException' });
    await (reading === 'not counted' ? authorize() : expect(authorize()).rejects.toMatchObject({ name: 'ThrottlingException' }));
  });

  test.each(['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'] as const)(
    'causes the error %s',
    async (reading) => {
      simulation.aws.behaviours.set('throttlingError', reading);
      await authorize();
      await expect(authorize()).rejects.toMatchObject({ name: reading, message: 'Rate exceeded' });
    },
  );
});

describe('readings', () => {
  test('a new authorization can be listed 15 seconds late', async () => {
    simulation.aws.behaviours.set('readBack', 'up to 15 seconds late');
    const authorization = await authorize();
    expect(await listAuthorizations(peerVpcClient)).toEqual([]);
    simulation.clock.advance(15);
    expect(await listAuthorizations(peerVpcClient)).toEqual([authorization]);
  });

  test.each([
    ['renews', 3600],
    ['keeps expiry', 0],
  ] as const)('under the reading "%s", authorizing again after an hour adds %i seconds', async (reading, addedSeconds) => {
    simulation.aws.behaviours.set('authorizingAgain', reading);
    const first = await authorize();
    simulation.clock.advance(3600);
    const second = await authorize();
    expect(Number(second.ExpirationTime) - Number(first.ExpirationTime)).toBe(addedSeconds * 1000);
  });

  test('authorizing again can be refused until the authorization has expired', async () => {
    simulation.aws.behaviours.set('authorizingAgain', 'InvalidRequestException');
    await authorize();
    simulation.clock.advance(3600);
    await expect(authorize()).rejects.toMatchObject({
      name: 'InvalidRequestException',
      message: `A VPC peering authorization for ${authorizationInput.PeerVpcId} already exists.`,
    });
    simulation.clock.advance(DAY_SECONDS);
    await authorize();
  });

  test.each(['NotFoundException', 'success'] as const)(
    'canceling an authorization that does not exist has the result %s',
    async (reading) => {
      simulation.aws.behaviours.set('deletingAbsentAuthorization', reading);
      await (reading === 'success' ? cancel() : expect(cancel()).rejects.toMatchObject({ name: reading }));
    },
  );

  test.each(['InvalidRequestException', 'NotFoundException', 'accepted'] as const)(
    'authorizing a VPC that does not exist has the result %s',
    async (reading) => {
      simulation.aws.behaviours.set('absentVpc', reading);
      // the VPC does not exist in the account of the fleets
      const authorization = authorize(fleetClient);
      await (reading === 'accepted' ? authorization : expect(authorization).rejects.toMatchObject({ name: reading }));
    },
  );

  test.each(['listed', 'not listed'] as const)('a used authorization is %s', async (reading) => {
    simulation.aws.behaviours.set('usedAuthorizations', reading);
    await authorize();
    expect(simulation.aws.gameLift.authorizations.use(authorizationKey())).toBe(true);
    expect(await listAuthorizations(peerVpcClient)).toHaveLength(reading === 'listed' ? 1 : 0);
    expect(simulation.aws.gameLift.authorizations.use(authorizationKey())).toBe(true);
  });

  test('a consumed authorization cannot be used again', async () => {
    simulation.aws.behaviours.set('useOfAuthorization', 'consumed');
    await authorize();
    const { authorizations } = simulation.aws.gameLift;
    expect(authorizations.use(authorizationKey())).toBe(true);
    expect(() => authorizations.use(authorizationKey())).toThrow(
      `There is no valid VPC peering authorization for ${authorizationInput.PeerVpcId}.`,
    );
    simulation.aws.behaviours.set('missingAuthorization', 'accepted, then fails');
    expect(authorizations.use(authorizationKey())).toBe(false);
  });

  test('unknown behaviours and readings are refused', () => {
    // calls `set` without its types, which allow only known names
    const set = (name: string, reading: string): void => {
      Reflect.apply(simulation.aws.behaviours.set.bind(simulation.aws.behaviours), undefined, [name, reading]);
    };
    expect(() => {
      set('throttlingError', 'Slow');
    }).toThrow(
      "unknown reading 'Slow' of behaviour 'throttlingError': choose one of ThrottlingException, TooManyRequestsException, RequestLimitExceeded",
    );
    expect(() => {
      set('absent', 'renews');
    }).toThrow("unknown behaviour 'absent'");
  });

  function authorizationKey() {
    return {
      peerVpcAccount: VPC_ACCOUNT,
      peerVpcId: authorizationInput.PeerVpcId,
      gameLiftAccount: GAMELIFT_ACCOUNT,
      region: REGION,
    };
  }
});

describe('the permissions of the caller', () => {
  const authorizeStatement = allow('gamelift:CreateVpcPeeringAuthorization');
  const describeStatement = allow(['ec2:DescribeRouteTables', 'ec2:DescribeSecurityGroups']);

  function statementsForVpc(account: string, vpcId: string): object[] {
    const arn = `arn:aws:ec2:${REGION}:${account}:vpc/${vpcId}`;
    const vpcCondition = { ArnEquals: { 'ec2:Vpc': arn } };
    return [
      allow('ec2:AcceptVpcPeeringConnection', arn),
      allow('ec2:CreateRoute', `arn:aws:ec2:${REGION}:${account}:route-table/*`, vpcCondition),
      allow('ec2:AuthorizeSecurityGroup*', `arn:aws:ec2:${REGION}:${account}:security-group/*`, vpcCondition),
    ];
  }

  test('can be limited to the VPC, and CreateVpcPeeringAuthorization uses all of them', async () => {
    const { credentials, roleArn } = createRoleSession(
      simulation.aws,
      policy(authorizeStatement, describeStatement, ...statementsForVpc(VPC_ACCOUNT, authorizationInput.PeerVpcId)),
    );
    await authorize(gameLiftClient(simulation.aws, credentials));
    expect(simulation.aws.iam.usedActions()).toEqual(
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

  test('must include every action on the VPC, and the error names a missing action', async () => {
    const { credentials } = createRoleSession(
      simulation.aws,
      policy(authorizeStatement, describeStatement, ...statementsForVpc(VPC_ACCOUNT, authorizationInput.PeerVpcId).slice(1)),
    );
    await expect(authorize(gameLiftClient(simulation.aws, credentials))).rejects.toMatchObject({
      name: 'UnauthorizedException',
      message:
        `User: arn:aws:sts::${VPC_ACCOUNT}:assumed-role/Handler/function is not authorized to perform: ec2:AcceptVpcPeeringConnection ` +
        `on resource: arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:vpc/${authorizationInput.PeerVpcId} ` +
        'because no identity-based policy allows the ec2:AcceptVpcPeeringConnection action',
    });
  });

  test('must be for the right VPC, unless GameLift does not check the permissions in the VPC', async () => {
    const { credentials } = createRoleSession(
      simulation.aws,
      policy(authorizeStatement, describeStatement, ...statementsForVpc(VPC_ACCOUNT, 'vpc-0123456789abcdef0')),
    );
    await expect(authorize(gameLiftClient(simulation.aws, credentials))).rejects.toMatchObject({ name: 'UnauthorizedException' });
    simulation.aws.behaviours.set('peerPermissions', 'not checked');
    // so that the next call is not throttled
    simulation.clock.advance(10);
    await authorize(gameLiftClient(simulation.aws, credentials));
  });

  test('must include the call itself, and a denial has the message of IAM', async () => {
    const { credentials } = createRoleSession(simulation.aws, policy(describeStatement));
    await expect(authorize(gameLiftClient(simulation.aws, credentials))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message:
        `User: arn:aws:sts::${VPC_ACCOUNT}:assumed-role/Handler/function is not authorized to perform: ` +
        'gamelift:CreateVpcPeeringAuthorization on resource: * because no identity-based policy allows the ' +
        'gamelift:CreateVpcPeeringAuthorization action',
      $metadata: expect.objectContaining({ httpStatusCode: 400 }) as unknown,
    });
  });
});
