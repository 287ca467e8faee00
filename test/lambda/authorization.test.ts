import type { Ec2Peering } from '../../lambda/aws/api';
import { awsError, GAMELIFT_ACCOUNT, HOUR, propertiesOf, requestOf, TestWorld, VPC, VPC_ACCOUNT } from './world';

const CREATE = `Create ${VPC} ${GAMELIFT_ACCOUNT}`;
const DELETE = `Delete ${VPC} ${GAMELIFT_ACCOUNT}`;
/** What EC2 and GameLift are asked before an authorization is canceled. */
const PEERINGS = `Describe peerings of ${VPC}`;
const CONNECTIONS = 'Describe connections';
const ABOUT = `between VPC ${VPC} of account ${VPC_ACCOUNT} and GameLift account ${GAMELIFT_ACCOUNT} in eu-central-1`;
const CHECK =
  `Check that VPC ${VPC} belongs to account ${VPC_ACCOUNT} and is in eu-central-1, and that the gameLiftAccount of the ` +
  `VpcPeeringAuthorization, ${GAMELIFT_ACCOUNT}, is the account of the fleet, then try again`;

function peeringOf(change: Partial<Ec2Peering> = {}): Ec2Peering {
  return {
    id: 'pcx-1',
    status: 'active',
    message: '',
    requesterVpcId: 'vpc-2',
    requesterAccount: '333333333333',
    cidrBlock: '10.1.0.0/16',
    dnsResolution: false,
    tags: {},
    ...change,
  };
}

describe('create', () => {
  test('authorizes once and answers with the attributes', async () => {
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

  test('run a second time by Lambda, answers with the same physical id', async () => {
    const world = new TestWorld();
    const first = await world.run(requestOf('Create'));
    const second = await world.run(requestOf('Create'));
    expect(second?.PhysicalResourceId).toBe(first?.PhysicalResourceId);
  });

  test('knows when an authorization was issued even if GameLift does not say', async () => {
    const world = new TestWorld();
    world.api.create = [{ ExpirationTime: new Date('2026-01-01T23:59:58.250Z') }];
    expect((await world.run(requestOf('Create')))?.Data).toMatchObject({
      CreationTime: '2025-12-31T23:59:58.250Z',
      ExpirationTime: '2026-01-01T23:59:58.250Z',
      ExpirationEpochSeconds: Date.parse('2026-01-01T23:59:58Z') / 1000,
    });
  });

  test('fails when GameLift does not say when the authorization expires', async () => {
    const world = new TestWorld();
    world.api.create = [{ PeerVpcId: VPC }];
    expect((await world.run(requestOf('Create')))?.Reason).toBe(
      `could not authorize VPC peering ${ABOUT}: ` +
        'GameLift accepted CreateVpcPeeringAuthorization but did not say when the authorization expires. Deploy again',
    );
  });
});

describe('what AWS does while an authorization is valid', () => {
  test('it renews: nothing more is called', async () => {
    const world = new TestWorld();
    await world.run(requestOf('Update'));
    expect(world.api.calls).toEqual([CREATE]);
  });

  test('it keeps the old expiry, and that is far: nothing more is called', async () => {
    const world = new TestWorld();
    world.api.create = [{ hours: 12 }];
    expect((await world.run(requestOf('Update')))?.Data?.ExpirationTime).toBe('2026-01-01T12:00:00.000Z');
    expect(world.api.calls).toEqual([CREATE]);
  });

  test('it keeps the old expiry, and that is near: cancelled and made anew', async () => {
    const world = new TestWorld();
    world.api.create = [{ hours: 11.99 }, { hours: 24 }];
    expect((await world.run(requestOf('Update')))?.Data?.ExpirationTime).toBe('2026-01-02T00:00:00.000Z');
    expect(world.api.calls).toEqual([CREATE, DELETE, CREATE]);
  });

  test('it keeps the old expiry, near, even after cancelling: an error', async () => {
    const world = new TestWorld();
    world.api.create = [{ hours: 1 }];
    expect(await world.run(requestOf('Update'))).toMatchObject({
      Status: 'FAILED',
      Reason:
        `could not authorize VPC peering ${ABOUT}: GameLift answered with an authorization that expires at 2026-01-01T01:00:00.000Z, ` +
        'less than 12 hours from now, although the earlier one had been canceled. Deploy again',
    });
  });

  test('it refuses, and the valid one is listed and lasts: that one is answered', async () => {
    const world = new TestWorld();
    world.api.create = [awsError('InvalidRequestException')];
    world.api.describe = [[{ ...world.api.record(23), PeerVpcId: 'vpc-0' }, world.api.record(20)]];
    expect((await world.run(requestOf('Update')))?.Data?.ExpirationTime).toBe('2026-01-01T20:00:00.000Z');
    expect(world.api.calls).toEqual([CREATE, 'Describe']);
  });

  test('it refuses, and the valid one ends soon: cancelled and made anew', async () => {
    const world = new TestWorld();
    world.api.create = [awsError('InvalidRequestException'), { hours: 24 }];
    world.api.describe = [[world.api.record(3)]];
    expect((await world.run(requestOf('Update')))?.Data?.ExpirationTime).toBe('2026-01-02T00:00:00.000Z');
    expect(world.api.calls).toEqual([CREATE, 'Describe', DELETE, CREATE]);
  });

  test('it refuses, and does not list what was used: cancelled and made anew', async () => {
    const world = new TestWorld();
    world.api.create = [awsError('InvalidRequestException'), { hours: 24 }];
    expect((await world.run(requestOf('Update')))?.Status).toBe('SUCCESS');
    expect(world.api.calls).toEqual([CREATE, 'Describe', DELETE, CREATE]);
  });

  test('it refuses after cancelling too, since others authorize at the same time: cancelled and made anew three times', async () => {
    const world = new TestWorld();
    const refusal = awsError('InvalidRequestException', 'one is valid');
    world.api.create = [refusal, refusal, refusal, { hours: 24 }];
    expect((await world.run(requestOf('Update')))?.Status).toBe('SUCCESS');
    const round = [CREATE, 'Describe', DELETE];
    expect(world.api.calls).toEqual([...round, ...round, ...round, CREATE]);
    world.api.calls.length = 0;
    world.api.create = [refusal];
    expect((await world.run(requestOf('Update')))?.Reason).toContain('InvalidRequestException: one is valid');
    expect(world.api.calls).toEqual([...round, ...round, ...round, CREATE, 'Describe']);
  });

  test('it refuses although there was nothing to cancel: it is believed', async () => {
    const world = new TestWorld();
    world.api.create = [awsError('InvalidRequestException', 'no')];
    world.api.delete = [awsError('NotFoundException')];
    expect((await world.run(requestOf('Update')))?.Reason).toContain('InvalidRequestException: no. ');
    expect(world.api.calls).toEqual([CREATE, 'Describe', DELETE, CREATE, 'Describe']);
  });

  test('an expired one, and those of others, are taken for none', async () => {
    const world = new TestWorld();
    world.api.create = [awsError('InvalidRequestException'), { hours: 24 }];
    world.api.describe = [
      [
        world.api.record(-1),
        { ...world.api.record(20), GameLiftAwsAccountId: '333333333333' },
        { ...world.api.record(20), PeerVpcAwsAccountId: '333333333333' },
        { PeerVpcId: VPC, GameLiftAwsAccountId: GAMELIFT_ACCOUNT },
      ],
    ];
    expect((await world.run(requestOf('Update')))?.Data?.ExpirationTime).toBe('2026-01-02T00:00:00.000Z');
    expect(world.api.calls).toEqual([CREATE, 'Describe', DELETE, CREATE]);
  });
});

describe('update', () => {
  test('authorizes what is declared now, keeps the physical id, and leaves the earlier pair to lapse', async () => {
    const world = new TestWorld();
    const answer = await world.run(
      requestOf('Update', {
        ResourceProperties: propertiesOf({ PeerVpcId: 'vpc-1' }),
        OldResourceProperties: propertiesOf(),
        PhysicalResourceId: 'whatever/it/was',
      }),
    );
    expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'whatever/it/was' });
    expect(world.api.calls).toEqual([`Create vpc-1 ${GAMELIFT_ACCOUNT}`]);
  });
});

describe('an update away from a VPC that only its own account can authorize', () => {
  const FOREIGN = '333333333333';

  async function move(status: string): Promise<TestWorld> {
    const world = new TestWorld();
    const connection = { VpcPeeringConnectionId: 'pcx-1', PeerVpcId: VPC, Status: { Code: status } };
    jest.spyOn(world.api, 'describeVpcPeeringConnections').mockImplementation(() => Promise.resolve([connection]));
    await world.run(
      requestOf('Update', {
        ResourceProperties: propertiesOf({ PeerVpcId: 'vpc-1' }),
        OldResourceProperties: propertiesOf({ PeerVpcAwsAccountId: FOREIGN }),
      }),
    );
    return world;
  }

  test('changes nothing while it is peered and nothing is authorized: what is peered could not be deleted', async () => {
    const { api, answers } = await move('active');
    expect(answers).toMatchObject([{ Status: 'FAILED', Reason: expect.stringContaining(`of account ${FOREIGN}`) as string }]);
    expect(answers[0]?.Reason).toContain('Run there: aws gamelift create-vpc-peering-authorization');
    // twice: one that was given a moment ago may not be listed yet
    expect(api.calls).toEqual(['Describe', 'Describe']);
  });

  test('needs nothing there where nothing is peered any more', async () => {
    const { api, answers } = await move('deleted');
    expect(answers).toMatchObject([{ Status: 'SUCCESS' }]);
    expect(api.calls).toEqual([`Create vpc-1 ${GAMELIFT_ACCOUNT}`]);
  });
});

describe('delete', () => {
  test('cancels the authorization once EC2 shows that nothing is peered', async () => {
    const world = new TestWorld();
    expect(await world.run(requestOf('Delete'))).toMatchObject({ Status: 'SUCCESS' });
    expect(world.api.calls).toEqual([PEERINGS, DELETE]);
  });

  test.each(['active', 'pending-acceptance', 'provisioning'])(
    'cancels nothing while a peering from another account is %s, and logs when the authorization expires',
    async (status) => {
      const world = new TestWorld();
      world.api.peerings = [[peeringOf({ status })]];
      world.api.describe = [[world.api.record(7)]];
      expect(await world.run(requestOf('Delete'))).toMatchObject({ Status: 'SUCCESS' });
      expect(world.api.calls).not.toContain(DELETE);
      expect(world.logged).toContainEqual({
        message:
          'the authorization is not canceled, since something may be peered with the VPC: it expires at 2026-01-01T07:00:00.000Z',
        peerVpcId: VPC,
      });
    },
  );

  test.each([
    ['has ended', peeringOf({ status: 'deleted' })],
    ["comes from the VPC's own account", peeringOf({ requesterAccount: VPC_ACCOUNT })],
  ])('cancels where the only peering %s', async (_, peering) => {
    const world = new TestWorld();
    world.api.peerings = [[peering]];
    await world.run(requestOf('Delete'));
    expect(world.api.calls).toEqual([PEERINGS, DELETE]);
  });

  test('cancels where a peering was deleted a moment ago and is read late', async () => {
    const world = new TestWorld();
    world.api.peerings = [[peeringOf()], []];
    await world.run(requestOf('Delete'));
    expect(world.api.calls).toEqual([PEERINGS, PEERINGS, DELETE]);
  });

  test('cancels nothing where EC2 can not be asked, and succeeds', async () => {
    const world = new TestWorld();
    world.api.peerings = [awsError('UnauthorizedOperation', 'no')];
    expect(await world.run(requestOf('Delete'))).toMatchObject({ Status: 'SUCCESS' });
    expect(world.api.calls).not.toContain(DELETE);
    expect(world.logged.map(({ message }) => message)).toContain(
      'the authorization is not canceled, since something may be peered with the VPC: it expires within 24 hours',
    );
  });

  describe('in the account of the fleets', () => {
    const ownFleets = (): Record<string, unknown> => ({
      ResourceProperties: propertiesOf({ GameLiftAwsAccountId: VPC_ACCOUNT }),
    });
    const deleteOwn = `Delete ${VPC} ${VPC_ACCOUNT}`;

    test.each([
      ['nothing', []],
      ['another VPC', [{ PeerVpcId: 'vpc-0', Status: { Code: 'active' } }]],
      ['what was deleted', [{ PeerVpcId: VPC, Status: { Code: 'deleted' } }]],
      ['what failed', [{ PeerVpcId: VPC, Status: { Code: 'failed' } }]],
    ])('cancels where GameLift lists %s, whatever EC2 shows', async (_, connections) => {
      const world = new TestWorld();
      world.api.connections = [connections];
      world.api.peerings = [[peeringOf()]];
      await world.run(requestOf('Delete', ownFleets()));
      expect(world.api.calls).toEqual([CONNECTIONS, deleteOwn]);
    });

    test.each(['active', 'pending-acceptance'])('cancels nothing while GameLift lists a connection as %s', async (Code) => {
      const world = new TestWorld();
      world.api.connections = [[{ PeerVpcId: VPC, Status: { Code } }]];
      expect(await world.run(requestOf('Delete', ownFleets()))).toMatchObject({ Status: 'SUCCESS' });
      expect(world.api.calls).toEqual([CONNECTIONS, CONNECTIONS, 'Describe']);
    });

    test('asks again before it cancels once more, since something may be peered by then', async () => {
      const world = new TestWorld();
      world.api.connections = [[], [{ PeerVpcId: VPC, Status: { Code: 'active' } }]];
      world.api.delete = [awsError('NotFoundException'), 'done'];
      world.api.describe = [[{ ...world.api.record(1), GameLiftAwsAccountId: VPC_ACCOUNT }]];
      await world.run(requestOf('Delete', ownFleets()));
      expect(world.api.calls.filter((call) => call === deleteOwn)).toHaveLength(1);
    });
  });

  test('cancels after a cancelled create too, whose physical id CloudFormation made up', async () => {
    const world = new TestWorld();
    const answer = await world.run(requestOf('Delete', { PhysicalResourceId: 'Peered-Authorization-1B2C3D' }));
    expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'Peered-Authorization-1B2C3D' });
    expect(world.api.calls).toEqual([PEERINGS, DELETE]);
  });

  test('what is not there is fine', async () => {
    const world = new TestWorld();
    world.api.delete = [awsError('NotFoundException')];
    expect((await world.run(requestOf('Delete')))?.Status).toBe('SUCCESS');
    expect(world.api.calls).toEqual([PEERINGS, DELETE, 'Describe']);
  });

  test('what is not there but is listed is cancelled once more', async () => {
    const world = new TestWorld();
    world.api.delete = [awsError('NotFoundException'), 'done'];
    world.api.describe = [[world.api.record(1)]];
    expect((await world.run(requestOf('Delete')))?.Status).toBe('SUCCESS');
    expect(world.api.calls).toEqual([PEERINGS, DELETE, 'Describe', PEERINGS, DELETE]);
  });

  test('what is not there is fine where nobody can be asked', async () => {
    const world = new TestWorld();
    world.api.delete = [awsError('NotFoundException')];
    world.api.describe = [awsError('InvalidRequestException')];
    expect((await world.run(requestOf('Delete')))?.Status).toBe('SUCCESS');
    expect(world.api.calls).toEqual([PEERINGS, DELETE, 'Describe']);
  });

  test('an invalid request is fine where none is listed', async () => {
    const world = new TestWorld();
    world.api.delete = [awsError('InvalidRequestException')];
    world.api.describe = [[world.api.record(-1)]];
    expect((await world.run(requestOf('Delete')))?.Status).toBe('SUCCESS');
  });

  test('an invalid request is an error where one is listed', async () => {
    const world = new TestWorld();
    world.api.delete = [awsError('InvalidRequestException', 'no')];
    world.api.describe = [[world.api.record(1)]];
    expect((await world.run(requestOf('Delete')))?.Reason).toBe(
      `could not cancel the VPC peering authorization ${ABOUT}: InvalidRequestException: no. ${CHECK}`,
    );
  });
});

describe('refusals', () => {
  test.each(['InvalidRequestException', 'NotFoundException'])('%s: says what to check', async (name) => {
    const world = new TestWorld();
    world.api.create = [awsError(name, 'Invalid peer VPC')];
    expect(await world.run(requestOf('Create'))).toMatchObject({
      Status: 'FAILED',
      Reason: `could not authorize VPC peering ${ABOUT}: ${name}: Invalid peer VPC. ${CHECK}`,
      PhysicalResourceId: '6b2e1c9c-0000-4000-8000-000000000000/Authorization/nothing-done',
    });
  });

  test.each(['InvalidRequestException', 'NotFoundException'])(
    '%s and EC2 knows no such VPC: says so, without another call',
    async (name) => {
      const world = new TestWorld();
      world.api.create = [awsError(name, 'Invalid peer VPC')];
      world.api.exists = [false];
      expect((await world.run(requestOf('Create')))?.Reason).toBe(
        `could not authorize VPC peering ${ABOUT}: ${name}: Invalid peer VPC. ` +
          `There is no VPC ${VPC} in account ${VPC_ACCOUNT} and eu-central-1: correct the vpc of the VpcPeeringAuthorization, then deploy again`,
      );
      expect(world.api.calls).not.toContain(DELETE);
    },
  );

  test('EC2 can not be asked: says what to check all the same', async () => {
    const world = new TestWorld();
    world.api.create = [awsError('NotFoundException', 'No')];
    world.api.exists = ['denied'];
    expect((await world.run(requestOf('Create')))?.Reason).toBe(
      `could not authorize VPC peering ${ABOUT}: NotFoundException: No. ${CHECK}`,
    );
  });

  test.each(['AccessDeniedException', 'UnauthorizedException'])(
    '%s for a minute is retried, since a new policy may not be known everywhere yet',
    async (name) => {
      const world = new TestWorld();
      world.api.create = [...Array.from({ length: 7 }, () => awsError(name)), { hours: 24 }];
      expect((await world.run(requestOf('Create')))?.Status).toBe('SUCCESS');
    },
  );

  test.each(['AccessDeniedException', 'UnauthorizedException'])('%s for longer than a minute is an error', async (name) => {
    const world = new TestWorld();
    const start = world.time.now();
    world.api.create = [awsError(name, 'not allowed', 403)];
    expect((await world.run(requestOf('Create')))?.Reason).toBe(
      `could not authorize VPC peering ${ABOUT}: ${name}: not allowed. ` +
        `Check that the handler's role in account ${VPC_ACCOUNT} is allowed to call gamelift:CreateVpcPeeringAuthorization, ` +
        'gamelift:DeleteVpcPeeringAuthorization, gamelift:DescribeVpcPeeringAuthorizations and the EC2 actions that GameLift requires for ' +
        `VPC ${VPC}, and that no service control policy or permissions boundary denies them, then try again`,
    );
    expect(world.time.now() - start).toBe(80_000);
  });

  test.each(['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'])(
    '%s for a minute: waits for a token',
    async (name) => {
      const world = new TestWorld();
      const start = world.time.now();
      world.api.create = [...Array.from({ length: 6 }, () => awsError(name, 'Rate exceeded')), { hours: 24 }];
      expect((await world.run(requestOf('Create')))?.Status).toBe('SUCCESS');
      expect(world.time.now() - start).toBe(60_000);
    },
  );

  test('throttled until the time is up: says that it was the rate limit', async () => {
    const world = new TestWorld();
    const start = world.time.now();
    world.api.create = [awsError('ThrottlingException', 'Rate exceeded')];
    expect((await world.run(requestOf('Create')))?.Reason).toBe(
      `could not authorize VPC peering ${ABOUT}: CreateVpcPeeringAuthorization was still throttled after 300 seconds (GameLift allows ` +
        'one call in ten seconds of each peering operation for the whole account). ' +
        'Other callers in this account use the same operation: try again when they have finished',
    );
    expect(world.time.now() - start).toBe(300_000);
  });

  test.each([
    awsError('InternalServiceException', 'oops', 500),
    awsError('SomethingNew', 'oops', 503),
    awsError('TimeoutError', 'oops'),
    awsError('SyntaxError', 'Unexpected token'),
    Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
  ])('%s: tried again', async (error) => {
    const world = new TestWorld();
    world.api.create = [error, error, error, error, { hours: 24 }];
    expect((await world.run(requestOf('Create')))?.Status).toBe('SUCCESS');
  });

  test('a failure of GameLift that lasts: five attempts', async () => {
    const world = new TestWorld();
    world.api.create = [awsError('InternalServiceException', 'oops', 500)];
    expect((await world.run(requestOf('Create')))?.Reason).toBe(
      `could not authorize VPC peering ${ABOUT}: InternalServiceException: oops. The template is not the cause: try again`,
    );
    expect(world.api.calls).toHaveLength(5);
  });

  test('an error that nobody foresaw is told as it is, at once', async () => {
    const world = new TestWorld();
    world.api.create = [awsError('BrandNewException', 'hello')];
    expect((await world.run(requestOf('Create')))?.Reason).toContain('BrandNewException: hello.');
    expect(world.api.calls).toHaveLength(1);
  });

  test('an authorization that was renewed half a day ago is still good for a deployment', async () => {
    const world = new TestWorld();
    world.time.pass(12 * HOUR);
    world.api.create = [awsError('InvalidRequestException')];
    world.api.describe = [[world.api.record(12)]];
    await world.run(requestOf('Update'));
    expect(world.api.calls).toEqual([CREATE, 'Describe']);
  });
});

describe('the delete that follows a create that failed', () => {
  async function failThenDelete(world: TestWorld): Promise<string[]> {
    const failed = await world.run(requestOf('Create'));
    expect(failed?.Status).toBe('FAILED');
    world.api.calls.length = 0;
    world.api.delete = ['done'];
    const deleted = await world.run(requestOf('Delete', { PhysicalResourceId: failed?.PhysicalResourceId }));
    expect(deleted).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: failed?.PhysicalResourceId });
    return world.api.calls;
  }

  test.each(['AccessDeniedException', 'UnauthorizedException', 'ThrottlingException', 'NotFoundException'])(
    "cancels nothing where all was refused with %s: what there may be is another stack's",
    async (name) => {
      const world = new TestWorld();
      world.api.create = [awsError(name)];
      expect(await failThenDelete(world)).toEqual([]);
    },
  );

  test('cancels where a call may have taken effect', async () => {
    const world = new TestWorld();
    world.api.create = [awsError('TimeoutError'), awsError('AccessDeniedException')];
    expect(await failThenDelete(world)).toEqual([PEERINGS, DELETE]);
  });

  test('cancels where GameLift authorized and the answer was of no use', async () => {
    const world = new TestWorld();
    world.api.create = [{ PeerVpcId: VPC }];
    expect(await failThenDelete(world)).toEqual([PEERINGS, DELETE]);
  });

  test('an update of a resource whose create was refused gives it an id that is deleted for real', async () => {
    const world = new TestWorld();
    world.api.create = [awsError('NotFoundException'), { hours: 24 }];
    const failed = await world.run(requestOf('Create'));
    const updated = await world.run(requestOf('Update', { PhysicalResourceId: failed?.PhysicalResourceId }));
    await world.run(requestOf('Delete', { PhysicalResourceId: updated?.PhysicalResourceId }));
    expect(world.api.calls.at(-1)).toBe(DELETE);
  });
});
