import { ec2Side } from './situations';
import { awsError, GAMELIFT_ACCOUNT, HOUR, propertiesOf, requestOf, TestWorld, VPC, VPC_ACCOUNT } from './world';

const CREATE = `Create ${VPC} ${GAMELIFT_ACCOUNT}`;
const DELETE = `Delete ${VPC} ${GAMELIFT_ACCOUNT}`;
const DESCRIBE_AUTHORIZATIONS = 'Describe authorizations';
/** Before the handler cancels an authorization, it makes one of these two calls to check that nothing is peered with the VPC. */
const DESCRIBE_PEERINGS = `Describe peerings of ${VPC}`;
const DESCRIBE_CONNECTIONS = 'Describe connections';
const PAIR_TEXT = `between VPC ${VPC} of account ${VPC_ACCOUNT} and GameLift account ${GAMELIFT_ACCOUNT} in eu-central-1`;
const REMEDY =
  `Check that VPC ${VPC} belongs to account ${VPC_ACCOUNT} and is in eu-central-1, and that the gameLiftAccount of the ` +
  `VpcPeeringAuthorization, ${GAMELIFT_ACCOUNT}, is the account of the fleet, then try again`;

describe('a create', () => {
  test('authorizes once and responds with the attributes', async () => {
    const world = new TestWorld();
    expect(await world.run(requestOf('Create'))).toEqual({
      Status: 'SUCCESS',
      PhysicalResourceId: '6b2e1c9c-0000-4000-8000-000000000000/Authorization',
      StackId: 'arn:aws:cloudformation:eu-central-1:111111111111:stack/Peered/6b2e1c9c-0000-4000-8000-000000000000',
      RequestId: 'f0f0f0f0-0000-4000-8000-000000000000',
      LogicalResourceId: 'Authorization',
      NoEcho: false,
      Data: {
        ExpirationTime: '2026-01-02T00:00:00.000Z',
        CreationTime: '2026-01-01T00:00:00.000Z',
        ExpirationEpochSeconds: Date.parse('2026-01-02T00:00:00Z') / 1000,
        PeerVpcId: VPC,
        PeerVpcAwsAccountId: VPC_ACCOUNT,
        GameLiftAwsAccountId: GAMELIFT_ACCOUNT,
      },
    });
    expect(world.api.calls).toEqual([CREATE]);
  });

  test('responds with the same physical id if Lambda runs the request twice', async () => {
    const world = new TestWorld();
    const first = await world.run(requestOf('Create'));
    const second = await world.run(requestOf('Create'));
    expect(second?.PhysicalResourceId).toBe(first?.PhysicalResourceId);
  });

  test('calculates the creation time if GameLift returns only the expiration time', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [{ ExpirationTime: new Date('2026-01-01T23:59:58.250Z') }];
    expect((await world.run(requestOf('Create')))?.Data).toMatchObject({
      CreationTime: '2025-12-31T23:59:58.250Z',
      ExpirationTime: '2026-01-01T23:59:58.250Z',
      ExpirationEpochSeconds: Date.parse('2026-01-01T23:59:58Z') / 1000,
    });
  });

  test('fails if GameLift does not return the expiration time', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [{ PeerVpcId: VPC }];
    expect((await world.run(requestOf('Create')))?.Reason).toBe(
      `could not authorize VPC peering ${PAIR_TEXT}: ` +
        'GameLift accepted CreateVpcPeeringAuthorization but returned no expiration time. Deploy again',
    );
  });
});

describe('an update while an authorization is valid', () => {
  test('makes no other call than CreateVpcPeeringAuthorization if GameLift renews the authorization', async () => {
    const world = new TestWorld();
    await world.run(requestOf('Update'));
    expect(world.api.calls).toEqual([CREATE]);
  });

  test('makes no other call than CreateVpcPeeringAuthorization if GameLift keeps one that is valid for 12 more hours', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [{ expiresInHours: 12 }];
    expect((await world.run(requestOf('Update')))?.Data?.ExpirationTime).toBe('2026-01-01T12:00:00.000Z');
    expect(world.api.calls).toEqual([CREATE]);
  });

  test('cancels and creates the authorization again if GameLift keeps an authorization that is valid for less than 12 more hours', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [{ expiresInHours: 11.99 }, { expiresInHours: 24 }];
    expect((await world.run(requestOf('Update')))?.Data?.ExpirationTime).toBe('2026-01-02T00:00:00.000Z');
    expect(world.api.calls).toEqual([CREATE, DELETE, CREATE]);
  });

  test('fails if the new authorization is valid for less than 12 hours, too', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [{ expiresInHours: 1 }];
    expect(await world.run(requestOf('Update'))).toMatchObject({
      Status: 'FAILED',
      Reason:
        `could not authorize VPC peering ${PAIR_TEXT}: GameLift returned an authorization that expires at 2026-01-01T01:00:00.000Z, ` +
        'less than 12 hours from now, although the earlier one had been canceled. Deploy again',
    });
  });

  test('responds with the listed authorization if GameLift refuses the call and that authorization is valid for 12 more hours', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('InvalidRequestException')];
    world.api.describeAuthorizationsResults = [
      [{ ...world.api.authorizationExpiringIn(23), PeerVpcId: 'vpc-0' }, world.api.authorizationExpiringIn(20)],
    ];
    expect((await world.run(requestOf('Update')))?.Data?.ExpirationTime).toBe('2026-01-01T20:00:00.000Z');
    expect(world.api.calls).toEqual([CREATE, DESCRIBE_AUTHORIZATIONS]);
  });

  test('cancels and creates the authorization again if GameLift refuses the call and the listed authorization expires in less than 12 hours', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('InvalidRequestException'), { expiresInHours: 24 }];
    world.api.describeAuthorizationsResults = [[world.api.authorizationExpiringIn(3)]];
    expect((await world.run(requestOf('Update')))?.Data?.ExpirationTime).toBe('2026-01-02T00:00:00.000Z');
    expect(world.api.calls).toEqual([CREATE, DESCRIBE_AUTHORIZATIONS, DELETE, CREATE]);
  });

  test('cancels and creates the authorization again if GameLift refuses the call and lists no authorization', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('InvalidRequestException'), { expiresInHours: 24 }];
    expect((await world.run(requestOf('Update')))?.Status).toBe('SUCCESS');
    expect(world.api.calls).toEqual([CREATE, DESCRIBE_AUTHORIZATIONS, DELETE, CREATE]);
  });

  test('cancels and creates the authorization again up to three times if GameLift refuses the calls, because others may authorize at the same time', async () => {
    const world = new TestWorld();
    const refusal = awsError('InvalidRequestException', 'one is valid');
    world.api.createAuthorizationResults = [refusal, refusal, refusal, { expiresInHours: 24 }];
    expect((await world.run(requestOf('Update')))?.Status).toBe('SUCCESS');
    const round = [CREATE, DESCRIBE_AUTHORIZATIONS, DELETE];
    expect(world.api.calls).toEqual([...round, ...round, ...round, CREATE]);
    world.api.calls.length = 0;
    world.api.createAuthorizationResults = [refusal];
    expect((await world.run(requestOf('Update')))?.Reason).toContain('InvalidRequestException: one is valid');
    expect(world.api.calls).toEqual([...round, ...round, ...round, CREATE, DESCRIBE_AUTHORIZATIONS]);
  });

  test('fails if GameLift refuses the call and there was nothing to cancel', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('InvalidRequestException', 'no')];
    world.api.deleteAuthorizationResults = [awsError('NotFoundException')];
    expect((await world.run(requestOf('Update')))?.Reason).toContain('InvalidRequestException: no. ');
    expect(world.api.calls).toEqual([CREATE, DESCRIBE_AUTHORIZATIONS, DELETE, CREATE, DESCRIBE_AUTHORIZATIONS]);
  });

  test('ignores listed authorizations that have expired or belong to other accounts', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('InvalidRequestException'), { expiresInHours: 24 }];
    world.api.describeAuthorizationsResults = [
      [
        world.api.authorizationExpiringIn(-1),
        { ...world.api.authorizationExpiringIn(20), GameLiftAwsAccountId: '333333333333' },
        { ...world.api.authorizationExpiringIn(20), PeerVpcAwsAccountId: '333333333333' },
        { PeerVpcId: VPC, GameLiftAwsAccountId: GAMELIFT_ACCOUNT },
      ],
    ];
    expect((await world.run(requestOf('Update')))?.Data?.ExpirationTime).toBe('2026-01-02T00:00:00.000Z');
    expect(world.api.calls).toEqual([CREATE, DESCRIBE_AUTHORIZATIONS, DELETE, CREATE]);
  });
});

describe('an update with another VPC', () => {
  test('authorizes the new pair, keeps the physical id, and lets the authorization of the previous pair expire', async () => {
    const world = new TestWorld();
    const response = await world.run(
      requestOf('Update', {
        ResourceProperties: propertiesOf({ PeerVpcId: 'vpc-1' }),
        OldResourceProperties: propertiesOf(),
        PhysicalResourceId: 'earlier/physical/id',
      }),
    );
    expect(response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'earlier/physical/id' });
    expect(world.api.calls).toEqual([`Create vpc-1 ${GAMELIFT_ACCOUNT}`]);
  });
});

describe('an update that replaces a VPC of another account, whose peering the handler cannot authorize', () => {
  const OTHER_ACCOUNT = '333333333333';

  /**
   * @param connectionStatus the status of the connection with the previous VPC
   * @param listedAfterSeconds how many seconds after the start of the update GameLift begins to list this connection
   */
  async function replaceVpc(connectionStatus: string, { listedAfterSeconds = 0 } = {}): Promise<TestWorld> {
    const world = new TestWorld();
    const listedAt = world.time.now() + listedAfterSeconds * 1000;
    const connection = { VpcPeeringConnectionId: 'pcx-1', PeerVpcId: VPC, Status: { Code: connectionStatus } };
    jest
      .spyOn(world.api, 'describeVpcPeeringConnections')
      .mockImplementation(() => Promise.resolve(world.time.now() >= listedAt ? [connection] : []));
    await world.run(
      requestOf('Update', {
        ResourceProperties: propertiesOf({ PeerVpcId: 'vpc-1' }),
        OldResourceProperties: propertiesOf({ PeerVpcAwsAccountId: OTHER_ACCOUNT }),
      }),
    );
    return world;
  }

  test('fails before any change if the previous VPC is peered and has no authorization, because the cleanup would fail', async () => {
    const { api, responses } = await replaceVpc('active');
    expect(responses).toMatchObject([
      { Status: 'FAILED', Reason: expect.stringContaining(`of account ${OTHER_ACCOUNT}`) as string },
    ]);
    expect(responses[0]?.Reason).toContain('Run there: aws gamelift create-vpc-peering-authorization');
    // the handler reads the list twice, because a new authorization may not be listed yet
    expect(api.calls).toEqual([DESCRIBE_AUTHORIZATIONS, DESCRIBE_AUTHORIZATIONS]);
  });

  test('also fails if GameLift lists the connection with the previous VPC only 15 seconds after the update began', async () => {
    const { api, responses } = await replaceVpc('active', { listedAfterSeconds: 15 });
    expect(responses).toMatchObject([
      { Status: 'FAILED', Reason: expect.stringContaining(`of account ${OTHER_ACCOUNT}`) as string },
    ]);
    expect(api.calls).toEqual([DESCRIBE_AUTHORIZATIONS, DESCRIBE_AUTHORIZATIONS]);
  });

  test('succeeds if nothing is peered with the previous VPC', async () => {
    const { api, responses } = await replaceVpc('deleted');
    expect(responses).toMatchObject([{ Status: 'SUCCESS' }]);
    expect(api.calls).toEqual([`Create vpc-1 ${GAMELIFT_ACCOUNT}`]);
  });
});

describe('a delete', () => {
  test('cancels the authorization if EC2 shows that nothing is peered', async () => {
    const world = new TestWorld();
    expect(await world.run(requestOf('Delete'))).toMatchObject({ Status: 'SUCCESS' });
    expect(world.api.calls).toEqual([DESCRIBE_PEERINGS, DELETE]);
  });

  test.each(['active', 'pending-acceptance', 'provisioning'])(
    'cancels nothing while a peering connection from another account is %s, and logs the expiration time',
    async (status) => {
      const world = new TestWorld();
      world.api.describePeeringsResults = [[ec2Side({ status })]];
      world.api.describeAuthorizationsResults = [[world.api.authorizationExpiringIn(7)]];
      expect(await world.run(requestOf('Delete'))).toMatchObject({ Status: 'SUCCESS' });
      expect(world.api.calls).not.toContain(DELETE);
      expect(world.logRecords).toContainEqual({
        message:
          'the authorization is not canceled, since something may be peered with the VPC: it expires at 2026-01-01T07:00:00.000Z',
        peerVpcId: VPC,
      });
    },
  );

  test.each([
    ['has ended', ec2Side({ status: 'deleted' })],
    ["comes from the VPC's own account", ec2Side({ requesterAccount: VPC_ACCOUNT })],
  ])('cancels if the only peering connection %s', async (_, peering) => {
    const world = new TestWorld();
    world.api.describePeeringsResults = [[peering]];
    await world.run(requestOf('Delete'));
    expect(world.api.calls).toEqual([DESCRIBE_PEERINGS, DELETE]);
  });

  test('cancels if a peering connection was just deleted and is still shown in the first read', async () => {
    const world = new TestWorld();
    world.api.describePeeringsResults = [[ec2Side()], []];
    await world.run(requestOf('Delete'));
    expect(world.api.calls).toEqual([DESCRIBE_PEERINGS, DESCRIBE_PEERINGS, DELETE]);
  });

  test('succeeds without canceling if EC2 returns an error', async () => {
    const world = new TestWorld();
    world.api.describePeeringsResults = [awsError('UnauthorizedOperation', 'no')];
    expect(await world.run(requestOf('Delete'))).toMatchObject({ Status: 'SUCCESS' });
    expect(world.api.calls).not.toContain(DELETE);
    expect(world.logRecords.map(({ message }) => message)).toContain(
      'the authorization is not canceled, since something may be peered with the VPC: it expires within 24 hours',
    );
  });

  describe('if the VPC and the fleet are in the same account', () => {
    const oneAccount = (): Record<string, unknown> => ({
      ResourceProperties: propertiesOf({ GameLiftAwsAccountId: VPC_ACCOUNT }),
    });
    const DELETE_IN_ONE_ACCOUNT = `Delete ${VPC} ${VPC_ACCOUNT}`;

    test.each([
      ['nothing', []],
      ['a connection with another VPC', [{ PeerVpcId: 'vpc-0', Status: { Code: 'active' } }]],
      ['a deleted connection', [{ PeerVpcId: VPC, Status: { Code: 'deleted' } }]],
      ['a failed connection', [{ PeerVpcId: VPC, Status: { Code: 'failed' } }]],
    ])('cancels if GameLift lists %s, whatever EC2 shows', async (_, connections) => {
      const world = new TestWorld();
      world.api.describeConnectionsResults = [connections];
      world.api.describePeeringsResults = [[ec2Side()]];
      await world.run(requestOf('Delete', oneAccount()));
      expect(world.api.calls).toEqual([DESCRIBE_CONNECTIONS, DELETE_IN_ONE_ACCOUNT]);
    });

    test.each(['active', 'pending-acceptance'])('cancels nothing while GameLift lists a connection as %s', async (status) => {
      const world = new TestWorld();
      world.api.describeConnectionsResults = [[{ PeerVpcId: VPC, Status: { Code: status } }]];
      expect(await world.run(requestOf('Delete', oneAccount()))).toMatchObject({ Status: 'SUCCESS' });
      expect(world.api.calls).toEqual([DESCRIBE_CONNECTIONS, DESCRIBE_CONNECTIONS, DESCRIBE_AUTHORIZATIONS]);
    });

    test('checks again for peering connections before it cancels a second time', async () => {
      const world = new TestWorld();
      world.api.describeConnectionsResults = [[], [{ PeerVpcId: VPC, Status: { Code: 'active' } }]];
      world.api.deleteAuthorizationResults = [awsError('NotFoundException'), 'done'];
      world.api.describeAuthorizationsResults = [
        [{ ...world.api.authorizationExpiringIn(1), GameLiftAwsAccountId: VPC_ACCOUNT }],
      ];
      await world.run(requestOf('Delete', oneAccount()));
      expect(world.api.calls.filter((call) => call === DELETE_IN_ONE_ACCOUNT)).toHaveLength(1);
    });
  });

  test('cancels the authorization after a canceled create, for which CloudFormation generated the physical id', async () => {
    const world = new TestWorld();
    const response = await world.run(requestOf('Delete', { PhysicalResourceId: 'Peered-Authorization-1B2C3D' }));
    expect(response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'Peered-Authorization-1B2C3D' });
    expect(world.api.calls).toEqual([DESCRIBE_PEERINGS, DELETE]);
  });

  test('succeeds if there is no authorization', async () => {
    const world = new TestWorld();
    world.api.deleteAuthorizationResults = [awsError('NotFoundException')];
    expect((await world.run(requestOf('Delete')))?.Status).toBe('SUCCESS');
    expect(world.api.calls).toEqual([DESCRIBE_PEERINGS, DELETE, DESCRIBE_AUTHORIZATIONS]);
  });

  test('cancels again if GameLift finds no authorization but lists one', async () => {
    const world = new TestWorld();
    world.api.deleteAuthorizationResults = [awsError('NotFoundException'), 'done'];
    world.api.describeAuthorizationsResults = [[world.api.authorizationExpiringIn(1)]];
    expect((await world.run(requestOf('Delete')))?.Status).toBe('SUCCESS');
    expect(world.api.calls).toEqual([DESCRIBE_PEERINGS, DELETE, DESCRIBE_AUTHORIZATIONS, DESCRIBE_PEERINGS, DELETE]);
  });

  test('succeeds if there is no authorization and the list cannot be read', async () => {
    const world = new TestWorld();
    world.api.deleteAuthorizationResults = [awsError('NotFoundException')];
    world.api.describeAuthorizationsResults = [awsError('InvalidRequestException')];
    expect((await world.run(requestOf('Delete')))?.Status).toBe('SUCCESS');
    expect(world.api.calls).toEqual([DESCRIBE_PEERINGS, DELETE, DESCRIBE_AUTHORIZATIONS]);
  });

  test('succeeds if GameLift says that the request is invalid and lists no authorization', async () => {
    const world = new TestWorld();
    world.api.deleteAuthorizationResults = [awsError('InvalidRequestException')];
    world.api.describeAuthorizationsResults = [[world.api.authorizationExpiringIn(-1)]];
    expect((await world.run(requestOf('Delete')))?.Status).toBe('SUCCESS');
  });

  test('fails if GameLift says that the request is invalid and lists an authorization', async () => {
    const world = new TestWorld();
    world.api.deleteAuthorizationResults = [awsError('InvalidRequestException', 'no')];
    world.api.describeAuthorizationsResults = [[world.api.authorizationExpiringIn(1)]];
    expect((await world.run(requestOf('Delete')))?.Reason).toBe(
      `could not cancel the VPC peering authorization ${PAIR_TEXT}: InvalidRequestException: no. ${REMEDY}`,
    );
  });
});

describe('a create or an update to which AWS returns errors', () => {
  test.each(['InvalidRequestException', 'NotFoundException'])(
    'fails with a reason that says what to check if GameLift returns %s',
    async (name) => {
      const world = new TestWorld();
      world.api.createAuthorizationResults = [awsError(name, 'Invalid peer VPC')];
      expect(await world.run(requestOf('Create'))).toMatchObject({
        Status: 'FAILED',
        Reason: `could not authorize VPC peering ${PAIR_TEXT}: ${name}: Invalid peer VPC. ${REMEDY}`,
        PhysicalResourceId: '6b2e1c9c-0000-4000-8000-000000000000/Authorization/nothing-done',
      });
    },
  );

  test.each(['InvalidRequestException', 'NotFoundException'])(
    'fails with a reason that says that the VPC does not exist, and cancels nothing, if GameLift returns %s and EC2 finds no VPC',
    async (name) => {
      const world = new TestWorld();
      world.api.createAuthorizationResults = [awsError(name, 'Invalid peer VPC')];
      world.api.vpcExistsResults = [false];
      expect((await world.run(requestOf('Create')))?.Reason).toBe(
        `could not authorize VPC peering ${PAIR_TEXT}: ${name}: Invalid peer VPC. ` +
          `There is no VPC ${VPC} in account ${VPC_ACCOUNT} and eu-central-1: correct the vpc of the VpcPeeringAuthorization, then deploy again`,
      );
      expect(world.api.calls).not.toContain(DELETE);
    },
  );

  test('fails with a reason that names no account if the VPC and the fleet are in the same account', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('InternalServiceException', 'oops', 500)];
    const ResourceProperties = propertiesOf({ GameLiftAwsAccountId: VPC_ACCOUNT });
    expect((await world.run(requestOf('Create', { ResourceProperties })))?.Reason).toBe(
      `could not authorize VPC peering for VPC ${VPC} in eu-central-1: InternalServiceException: oops. The template is not the cause: try again`,
    );
  });

  test('fails with a reason that says what to check if EC2 returns an error, too', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('NotFoundException', 'No')];
    world.api.vpcExistsResults = ['denied'];
    expect((await world.run(requestOf('Create')))?.Reason).toBe(
      `could not authorize VPC peering ${PAIR_TEXT}: NotFoundException: No. ${REMEDY}`,
    );
  });

  test.each(['AccessDeniedException', 'UnauthorizedException'])(
    'retries %s for a minute, because a new policy does not take effect at once',
    async (name) => {
      const world = new TestWorld();
      world.api.createAuthorizationResults = [...Array.from({ length: 7 }, () => awsError(name)), { expiresInHours: 24 }];
      expect((await world.run(requestOf('Create')))?.Status).toBe('SUCCESS');
    },
  );

  test.each(['AccessDeniedException', 'UnauthorizedException'])('fails if %s lasts longer than a minute', async (name) => {
    const world = new TestWorld();
    const startedAt = world.time.now();
    world.api.createAuthorizationResults = [awsError(name, 'not allowed', 403)];
    expect((await world.run(requestOf('Create')))?.Reason).toBe(
      `could not authorize VPC peering ${PAIR_TEXT}: ${name}: not allowed. ` +
        `Check that the handler's role in account ${VPC_ACCOUNT} is allowed to call gamelift:CreateVpcPeeringAuthorization, ` +
        'gamelift:DeleteVpcPeeringAuthorization, gamelift:DescribeVpcPeeringAuthorizations and the EC2 actions that GameLift requires for ' +
        `VPC ${VPC}, and that no service control policy or permissions boundary denies them, then try again`,
    );
    // the handler tries every ten seconds, until more than 75 seconds have passed
    expect(world.time.now() - startedAt).toBe(80_000);
  });

  test.each(['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'])(
    'retries after %s just after each multiple of 10.35 seconds',
    async (name) => {
      const world = new TestWorld();
      await world.time.sleep(10_350 - (world.time.now() % 10_350), new AbortController().signal);
      const startedAt = world.time.now();
      world.api.createAuthorizationResults = [
        ...Array.from({ length: 6 }, () => awsError(name, 'Rate exceeded')),
        { expiresInHours: 24 },
      ];
      expect((await world.run(requestOf('Create')))?.Status).toBe('SUCCESS');
      // with its seventh attempt, a caller calls two milliseconds earlier in the round than with its sixth
      expect(world.time.now() - startedAt).toBe(6 * 10_350 + 150 - 7 * 2);
    },
  );

  test('fails with a reason that names the rate limit if the call is throttled until the time is up', async () => {
    const world = new TestWorld();
    const startedAt = world.time.now();
    world.api.createAuthorizationResults = [awsError('ThrottlingException', 'Rate exceeded')];
    expect((await world.run(requestOf('Create')))?.Reason).toBe(
      `could not authorize VPC peering ${PAIR_TEXT}: CreateVpcPeeringAuthorization was still throttled after 300 seconds (GameLift allows ` +
        'one call in ten seconds of each peering operation for the whole account). ' +
        'Other callers in this account use the same operation: try again when they have finished',
    );
    expect(world.time.now() - startedAt).toBe(300_000);
  });

  test.each([
    awsError('InternalServiceException', 'oops', 500),
    awsError('SomethingNew', 'oops', 503),
    awsError('TimeoutError', 'oops'),
    awsError('SyntaxError', 'Unexpected token'),
    Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
  ])('retries after $name: $message', async (error) => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [error, error, error, error, { expiresInHours: 24 }];
    expect((await world.run(requestOf('Create')))?.Status).toBe('SUCCESS');
  });

  test('fails after five attempts if GameLift keeps failing', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('InternalServiceException', 'oops', 500)];
    expect((await world.run(requestOf('Create')))?.Reason).toBe(
      `could not authorize VPC peering ${PAIR_TEXT}: InternalServiceException: oops. The template is not the cause: try again`,
    );
    expect(world.api.calls).toHaveLength(5);
  });

  test('fails at once if GameLift returns an unknown error', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('BrandNewException', 'hello')];
    expect((await world.run(requestOf('Create')))?.Reason).toContain('BrandNewException: hello.');
    expect(world.api.calls).toHaveLength(1);
  });

  test('keeps a listed authorization that is valid for exactly 12 more hours', async () => {
    const world = new TestWorld();
    await world.time.sleep(12 * HOUR, new AbortController().signal);
    world.api.createAuthorizationResults = [awsError('InvalidRequestException')];
    world.api.describeAuthorizationsResults = [[world.api.authorizationExpiringIn(12)]];
    await world.run(requestOf('Update'));
    expect(world.api.calls).toEqual([CREATE, DESCRIBE_AUTHORIZATIONS]);
  });
});

describe('the delete that follows a failed create', () => {
  /** Runs a create that fails, then the delete. Returns the calls of the delete. */
  async function failThenDelete(world: TestWorld): Promise<string[]> {
    const createResponse = await world.run(requestOf('Create'));
    expect(createResponse?.Status).toBe('FAILED');
    world.api.calls.length = 0;
    world.api.deleteAuthorizationResults = ['done'];
    const { PhysicalResourceId } = createResponse ?? {};
    const deleteResponse = await world.run(requestOf('Delete', { PhysicalResourceId }));
    expect(deleteResponse).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
    return world.api.calls;
  }

  test.each(['AccessDeniedException', 'UnauthorizedException', 'ThrottlingException', 'NotFoundException'])(
    'cancels nothing if every call failed with %s, because an authorization may belong to another stack',
    async (name) => {
      const world = new TestWorld();
      world.api.createAuthorizationResults = [awsError(name)];
      expect(await failThenDelete(world)).toEqual([]);
    },
  );

  test('cancels the authorization if a call may have taken effect', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('TimeoutError'), awsError('AccessDeniedException')];
    expect(await failThenDelete(world)).toEqual([DESCRIBE_PEERINGS, DELETE]);
  });

  test('cancels the authorization if GameLift returned no expiration time', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [{ PeerVpcId: VPC }];
    expect(await failThenDelete(world)).toEqual([DESCRIBE_PEERINGS, DELETE]);
  });

  test('cancels the authorization if an update has succeeded after the failed create', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('NotFoundException'), { expiresInHours: 24 }];
    const createResponse = await world.run(requestOf('Create'));
    const updateResponse = await world.run(requestOf('Update', { PhysicalResourceId: createResponse?.PhysicalResourceId }));
    await world.run(requestOf('Delete', { PhysicalResourceId: updateResponse?.PhysicalResourceId }));
    expect(world.api.calls.at(-1)).toBe(DELETE);
  });
});
