import { Duration, Stack } from 'aws-cdk-lib';
import type { Rehearsal } from 'rehearsal';
import { AuthorizationRenewal, PeeringRoutes, VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringRole } from '../../lib';
import type { IVpcPeeringAuthorization, VpcPeeringConnectionProps } from '../../lib';
import { importVpc, addFleet, expectNoFailedDelete, expectNothingLeft, startFastRehearsal } from './common-stacks';
import {
  countCalls,
  DAY_MS,
  editTemplate,
  failureReasons,
  HOUR_MS,
  closeRehearsals,
  synthesizeApp,
  journalLinesFrom,
} from './rehearsals';

/*
 * The game servers are in one account. The VPC with the data is in another account.
 */

const GAME_ENV = { account: '111111111111', region: 'us-east-1' };
const DATA_ENV = { account: '222222222222', region: 'us-east-1' };
const EXTERNAL_ID = 'studio-7f3a9';

afterEach(closeRehearsals);

interface GameOptions {
  readonly peerOnCreate?: boolean;
  readonly build?: string;
  readonly isPeered?: boolean;
  /** More properties of the connection. */
  readonly connectionProps?: Partial<VpcPeeringConnectionProps>;
}

function addFleetAndConnection(
  stack: Stack,
  authorization: IVpcPeeringAuthorization,
  { peerOnCreate = false, build = '1', connectionProps = {} }: GameOptions,
): void {
  const fleet = addFleet(stack, build);
  new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate, ...connectionProps });
}

/** Creates a VPC with two route tables in the data account. */
function createDataVpc(rehearsal: Rehearsal): string {
  const { vpcId } = rehearsal.aws.ec2.createVpc({ ...DATA_ENV, cidrBlock: '10.90.0.0/16' });
  rehearsal.aws.ec2.createRouteTable(DATA_ENV, vpcId);
  return vpcId;
}

/** Synthesizes the stack of the fleet, without a peer role. */
function synthesizeGame(vpcId: string, options: GameOptions = {}): string {
  return synthesizeApp((app) => {
    const stack = new Stack(app, 'Game', { env: GAME_ENV });
    const authorization = VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Authorization', {
      vpc: importVpc(stack, vpcId),
      peerVpcAccount: DATA_ENV.account,
    });
    addFleetAndConnection(stack, authorization, {
      ...options,
      connectionProps: { routes: PeeringRoutes.none(), ...options.connectionProps },
    });
  });
}

describe('with a role in the account of the VPC', () => {
  function synthesizeStacks(vpcId: string, options: GameOptions = {}, externalId = EXTERNAL_ID): string {
    return synthesizeApp((app) => {
      const data = new Stack(app, 'Data', { env: DATA_ENV });
      const game = new Stack(app, 'Game', { env: GAME_ENV });
      const peerRole = new VpcPeeringRole(data, 'Role', {
        vpc: importVpc(data, vpcId),
        gameLiftAccount: GAME_ENV.account,
        externalId: EXTERNAL_ID,
      });
      if (options.isPeered === false) {
        addFleet(game, '1');
        return;
      }
      const authorization = new VpcPeeringAuthorization(game, 'Authorization', {
        vpc: importVpc(game, vpcId),
        peerRole,
        externalId,
      });
      addFleetAndConnection(game, authorization, options);
    });
  }

  async function deploy(rehearsal: Rehearsal, assembly: string): Promise<string[]> {
    const { cloudFormation } = rehearsal;
    return [(await cloudFormation.deploy(assembly, 'Data')).status, (await cloudFormation.deploy(assembly, 'Game')).status];
  }

  test.each([
    ['connected with DNS resolution', { connectionProps: { dnsResolution: true } }],
    ['peered on creation', { peerOnCreate: true }],
  ])(
    'a fleet that is %s can be created, replaced after ten days, and deleted with its stack after thirty more days',
    async (_, kind: GameOptions) => {
      const rehearsal = await startFastRehearsal();
      const vpcId = createDataVpc(rehearsal);
      const before = rehearsal.aws.inventory();
      expect(await deploy(rehearsal, synthesizeStacks(vpcId, kind))).toEqual(['CREATE_COMPLETE', 'CREATE_COMPLETE']);
      await rehearsal.clock.sleep(10 * DAY_MS);
      expect(await deploy(rehearsal, synthesizeStacks(vpcId, { ...kind, build: '2' }))).toEqual([
        'CREATE_COMPLETE',
        'UPDATE_COMPLETE',
      ]);
      await rehearsal.clock.sleep(30 * DAY_MS);
      expect((await rehearsal.cloudFormation.delete('Game')).status).toBe('DELETE_COMPLETE');
      expect((await rehearsal.cloudFormation.delete('Data')).status).toBe('DELETE_COMPLETE');
      expectNoFailedDelete(rehearsal);
      await expectNothingLeft(rehearsal, before);
    },
  );

  test('if all connections are removed, keeps the permissions of the role until the cleanup has ended', async () => {
    const rehearsal = await startFastRehearsal();
    const vpcId = createDataVpc(rehearsal);
    const before = rehearsal.aws.inventory();
    await deploy(rehearsal, synthesizeStacks(vpcId));
    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deploy(rehearsal, synthesizeStacks(vpcId, { isPeered: false }))).toEqual(['CREATE_COMPLETE', 'UPDATE_COMPLETE']);
    expectNoFailedDelete(rehearsal);
    expect(rehearsal.aws.inventory().connections).toEqual([]);
    expect((await rehearsal.cloudFormation.delete('Game')).status).toBe('DELETE_COMPLETE');
    expect((await rehearsal.cloudFormation.delete('Data')).status).toBe('DELETE_COMPLETE');
    await expectNothingLeft(rehearsal, before);
  });

  test('assumes the role with a session name that contains the names of the stack and the resource', async () => {
    const rehearsal = await startFastRehearsal();
    await deploy(rehearsal, synthesizeStacks(createDataVpc(rehearsal)));
    expect(journalLinesFrom(rehearsal, 'gamelift').find((line) => line.startsWith('CreateVpcPeeringAuthorization'))).toMatch(
      /called by arn:aws:sts::222222222222:assumed-role\/Data-Role-us-east-1-\w+\/Game\.Authorization\w{8} of account 222222222222$/,
    );
  });

  test('fails if the external id is wrong, and names the role and the account', async () => {
    const rehearsal = await startFastRehearsal();
    const vpcId = createDataVpc(rehearsal);
    expect(await deploy(rehearsal, synthesizeStacks(vpcId, {}, 'another-id'))).toEqual(['CREATE_COMPLETE', 'ROLLBACK_COMPLETE']);
    expect(failureReasons(rehearsal)[0]).toMatch(
      new RegExp(
        `^could not authorize VPC peering between VPC ${vpcId} of account 222222222222 and GameLift account 111111111111 in us-east-1: ` +
          'AccessDenied: the role (arn:aws:iam::222222222222:role/[\\w-]+) could not be assumed: .* is not authorized to perform: ' +
          'sts:AssumeRole on resource: \\1. Check that the role trusts this account, with the externalId of the VpcPeeringAuthorization if it ' +
          'has one, and that role \\1 in account 222222222222 is allowed to call ',
      ),
    );
    expect(JSON.stringify(rehearsal.journal.entries)).not.toContain(EXTERNAL_ID);
    expect(JSON.stringify(rehearsal.journal.entries)).not.toContain('another-id');
  });

  test.each([
    ['gamelift:CreateVpcPeeringAuthorization', /AccessDeniedException: .*assumed-role/],
    ['ec2:AcceptVpcPeeringConnection', /UnauthorizedException: .*assumed-role/],
    ['ec2:CreateTags', /UnauthorizedOperation: .*/],
  ])('fails if the role does not allow %s, and names the account', async (action, reason) => {
    const rehearsal = await startFastRehearsal();
    const vpcId = createDataVpc(rehearsal);
    const before = rehearsal.aws.inventory();
    const assembly = editTemplate(
      synthesizeStacks(vpcId),
      ({ Resources }) => {
        const [role] = Object.values(Resources).filter(({ Type }) => Type === 'AWS::IAM::Role');
        const { Policies } = role?.Properties as {
          Policies: { PolicyDocument: { Statement: { Action: string | string[] }[] } }[];
        };
        for (const statement of Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)) {
          // replaces the action by a harmless one, because a statement must not be empty
          statement.Action = [statement.Action].flat().map((other) => (other === action ? 'ec2:DescribeVpcs' : other));
        }
      },
      'Data',
    );
    expect(await deploy(rehearsal, assembly)).toEqual(['CREATE_COMPLETE', 'ROLLBACK_COMPLETE']);
    expect(failureReasons(rehearsal)[0]).toMatch(reason);
    expect(failureReasons(rehearsal)[0]).toContain('222222222222');
    expect((await rehearsal.cloudFormation.delete('Game')).status).toBe('DELETE_COMPLETE');
    expect((await rehearsal.cloudFormation.delete('Data')).status).toBe('DELETE_COMPLETE');
    await expectNothingLeft(rehearsal, before);
  });
});

describe('without a role in the account of the VPC', () => {
  async function deploy(rehearsal: Rehearsal, vpcId: string, options: GameOptions = {}): Promise<string> {
    return (await rehearsal.cloudFormation.deploy(synthesizeGame(vpcId, options), 'Game')).status;
  }

  /** Runs the command that the error message contains, in the account that the message names. */
  async function runCommandIn(rehearsal: Rehearsal, reason: string | undefined): Promise<void> {
    const match =
      /Only account (?<account>\d{12}), which owns the VPC, can authorize this\. Run there: aws gamelift create-vpc-peering-authorization --game-lift-aws-account-id (?<gameLiftAccount>\d{12}) --peer-vpc-id (?<vpcId>vpc-\w+) --region (?<region>\S+)/.exec(
        reason ?? '',
      );
    const { account = '', gameLiftAccount, vpcId, region = '' } = match?.groups ?? {};
    const pair = { GameLiftAwsAccountId: gameLiftAccount, PeerVpcId: vpcId };
    await rehearsal.aws.callGameLift('CreateVpcPeeringAuthorization', pair, { account, region });
    // until the rate limit allows the next call
    await rehearsal.clock.sleep(10_000);
  }

  test.each([
    ['connected', {}],
    ['peered on creation', { peerOnCreate: true }],
  ])(
    'a fleet that is %s: a deployment without an authorization fails with a command in its message, and succeeds after this command',
    async (_, kind: GameOptions) => {
      const rehearsal = await startFastRehearsal();
      const vpcId = createDataVpc(rehearsal);
      const before = rehearsal.aws.inventory();
      expect(await deploy(rehearsal, vpcId, kind)).toBe('ROLLBACK_COMPLETE');
      expect(rehearsal.aws.inventory().fleets).toEqual([]);
      expect(failureReasons(rehearsal)[0]).toBe(
        `an authorization is missing between VPC ${vpcId} of account 222222222222 and GameLift account 111111111111 in us-east-1: GameLift ` +
          'lists none that is valid. Only account 222222222222, which owns the VPC, can authorize this. Run there: ' +
          'aws gamelift create-vpc-peering-authorization ' +
          `--game-lift-aws-account-id 111111111111 --peer-vpc-id ${vpcId} --region us-east-1 and then try again here. If GameLift ` +
          'refuses again, it still has an authorization that was already used. In that case, run this there first: ' +
          'aws gamelift delete-vpc-peering-authorization ' +
          `--game-lift-aws-account-id 111111111111 --peer-vpc-id ${vpcId} --region us-east-1`,
      );
      expect((await rehearsal.cloudFormation.delete('Game')).status).toBe('DELETE_COMPLETE');
      await runCommandIn(rehearsal, failureReasons(rehearsal)[0]);
      expect(await deploy(rehearsal, vpcId, kind)).toBe('CREATE_COMPLETE');

      await rehearsal.clock.sleep(10 * DAY_MS);
      const { fleets, connections } = rehearsal.aws.inventory();
      expect(await deploy(rehearsal, vpcId, { ...kind, build: '2' })).toBe('UPDATE_ROLLBACK_COMPLETE');
      // the rollback restored the fleet and the connection
      expect(rehearsal.aws.inventory()).toMatchObject({ fleets, connections });
      await runCommandIn(rehearsal, failureReasons(rehearsal).at(-1));
      expect(await deploy(rehearsal, vpcId, { ...kind, build: '2' })).toBe('UPDATE_COMPLETE');
      expectNoFailedDelete(rehearsal);

      await rehearsal.clock.sleep(30 * DAY_MS);
      expect((await rehearsal.cloudFormation.delete('Game')).status).toBe('DELETE_FAILED');
      expect(rehearsal.aws.inventory().fleets).toHaveLength(1);
      await runCommandIn(rehearsal, failureReasons(rehearsal).at(-1));
      expect((await rehearsal.cloudFormation.delete('Game')).status).toBe('DELETE_COMPLETE');
      await expectNothingLeft(rehearsal, before);
      expect(countCalls(rehearsal, 'CreateVpcPeeringAuthorization')).toBe(3);
    },
  );

  test('fails if the authorization expires within an hour, and says when it expires', async () => {
    const rehearsal = await startFastRehearsal();
    const vpcId = createDataVpc(rehearsal);
    const pair = { GameLiftAwsAccountId: GAME_ENV.account, PeerVpcId: vpcId };
    await rehearsal.aws.callGameLift('CreateVpcPeeringAuthorization', pair, DATA_ENV);
    const expirationTime = rehearsal.clock.now() + DAY_MS;
    expect(await deploy(rehearsal, vpcId)).toBe('CREATE_COMPLETE');
    await rehearsal.clock.sleep(expirationTime - HOUR_MS / 2 - rehearsal.clock.now());
    expect(await deploy(rehearsal, vpcId, { build: '2' })).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(failureReasons(rehearsal)[0]).toMatch(
      /: the one that GameLift lists expires at 2026-01-02T00:0\d:\d\d\.\d{3}Z, less than an hour from now\. Only account 222222222222, /,
    );
  });

  test('fails before any change if the VPC changes, and the cleanup of the old VPC would lack an authorization', async () => {
    const rehearsal = await startFastRehearsal();
    const [firstVpcId, secondVpcId] = [createDataVpc(rehearsal), createDataVpc(rehearsal)];
    const authorize = async (PeerVpcId: string): Promise<void> => {
      await rehearsal.aws.callGameLift(
        'CreateVpcPeeringAuthorization',
        { GameLiftAwsAccountId: GAME_ENV.account, PeerVpcId },
        DATA_ENV,
      );
      // until the rate limit allows the next call
      await rehearsal.clock.sleep(10_000);
    };
    await authorize(firstVpcId);
    expect(await deploy(rehearsal, firstVpcId)).toBe('CREATE_COMPLETE');
    await rehearsal.clock.sleep(10 * DAY_MS);
    await authorize(secondVpcId);
    expect(await deploy(rehearsal, secondVpcId)).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(failureReasons(rehearsal)[0]).toContain(
      `an authorization is missing between VPC ${firstVpcId} of account 222222222222`,
    );
    await authorize(firstVpcId);
    expect(await deploy(rehearsal, secondVpcId)).toBe('UPDATE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    expect(rehearsal.aws.inventory().connections).toEqual([expect.objectContaining({ peerVpcId: secondVpcId })]);
  });

  test.each(['keeps expiry', 'InvalidRequestException'] as const)(
    'succeeds after the second command of the message if an authorization was used, is not listed and cannot be renewed (%s)',
    async (reading) => {
      const rehearsal = await startFastRehearsal();
      rehearsal.aws.behaviours.set('authorizingAgain', reading);
      rehearsal.aws.behaviours.set('usedAuthorizations', 'not listed');
      const vpcId = createDataVpc(rehearsal);
      const pair = { GameLiftAwsAccountId: GAME_ENV.account, PeerVpcId: vpcId };
      await rehearsal.aws.callGameLift('CreateVpcPeeringAuthorization', pair, DATA_ENV);
      expect(await deploy(rehearsal, vpcId)).toBe('CREATE_COMPLETE');
      expect(await deploy(rehearsal, vpcId, { build: '2' })).toBe('UPDATE_ROLLBACK_COMPLETE');
      await rehearsal.aws.callGameLift('DeleteVpcPeeringAuthorization', pair, DATA_ENV);
      await rehearsal.aws.callGameLift('CreateVpcPeeringAuthorization', pair, DATA_ENV);
      expect(await deploy(rehearsal, vpcId, { build: '2' })).toBe('UPDATE_COMPLETE');
      expectNoFailedDelete(rehearsal);
    },
  );

  test('fails at deployment if the stack has no account at synthesis, and its routes are in another account', async () => {
    const rehearsal = await startFastRehearsal();
    const vpcId = createDataVpc(rehearsal);
    const assembly = synthesizeApp((app) => {
      const stack = new Stack(app, 'Game');
      const authorization = VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Authorization', {
        vpc: importVpc(stack, vpcId),
        peerVpcAccount: DATA_ENV.account,
      });
      addFleetAndConnection(stack, authorization, {});
    });
    await rehearsal.aws.callGameLift(
      'CreateVpcPeeringAuthorization',
      { GameLiftAwsAccountId: GAME_ENV.account, PeerVpcId: vpcId },
      DATA_ENV,
    );
    expect((await rehearsal.cloudFormation.deploy(assembly, 'Game')).status).toBe('ROLLBACK_COMPLETE');
    expect(failureReasons(rehearsal)[0]).toMatch(
      /: routes and DNS of the VPC can't be set from another account. Pass PeeringRoutes\.none\(\) and no dnsResolution to the VpcPeeringConnection, and set them in account 222222222222, or pass a peerRole of that account to the VpcPeeringAuthorization$/,
    );
  });
});

describe('an authorization that is renewed on a schedule', () => {
  function synthesizeData(vpcId: string, every = Duration.hours(12)): string {
    return synthesizeApp((app) => {
      const stack = new Stack(app, 'Data', { env: DATA_ENV });
      new VpcPeeringAuthorization(stack, 'Authorization', {
        vpc: importVpc(stack, vpcId),
        gameLiftAccount: GAME_ENV.account,
        renewal: AuthorizationRenewal.scheduled(every),
      });
    });
  }

  function failedRenewalReports(rehearsal: Rehearsal): { queueMessages: unknown[]; alarmStates: string[] } {
    const { resources } = rehearsal.cloudFormation.describe('Data');
    const arnOf = (type: string): string => String(resources.find((resource) => resource.type === type)?.attributes.Arn);
    const { history } = rehearsal.aws.alarms.describe(arnOf('AWS::CloudWatch::Alarm'));
    return {
      queueMessages: rehearsal.aws.queues.messages(arnOf('AWS::SQS::Queue')).map(({ body }) => JSON.parse(body) as unknown),
      alarmStates: history.map(({ state }) => state),
    };
  }

  test('lets a deployment replace a fleet of the other account on day 17, although one renewal has failed', async () => {
    const rehearsal = await startFastRehearsal();
    const vpcId = createDataVpc(rehearsal);
    const before = rehearsal.aws.inventory();
    const { cloudFormation } = rehearsal;
    expect((await cloudFormation.deploy(synthesizeData(vpcId), 'Data')).status).toBe('CREATE_COMPLETE');
    expect((await cloudFormation.deploy(synthesizeGame(vpcId, { peerOnCreate: true }), 'Game')).status).toBe('CREATE_COMPLETE');

    await rehearsal.clock.sleep(5 * DAY_MS);
    // this fault lasts longer than Lambda retries a renewal
    const endFault = rehearsal.aws.intercept(({ operation }) =>
      operation === 'CreateVpcPeeringAuthorization'
        ? { kind: 'error', name: 'InternalServiceException', message: 'Out of order', status: 500 }
        : undefined,
    );
    await rehearsal.clock.sleep(DAY_MS / 2 + HOUR_MS);
    endFault();
    const { queueMessages, alarmStates } = failedRenewalReports(rehearsal);
    expect(queueMessages).toEqual([
      expect.objectContaining({
        requestContext: expect.objectContaining({ condition: 'RetriesExhausted', approximateInvokeCount: 3 }) as unknown,
        requestPayload: { GameLiftVpcPeeringRenewal: expect.objectContaining({ PeerVpcId: vpcId }) as unknown },
        responsePayload: expect.objectContaining({
          errorMessage: expect.stringContaining(
            `could not authorize VPC peering between VPC ${vpcId} of account 222222222222 and GameLift account 111111111111 in us-east-1: ` +
              'InternalServiceException: Out of order',
          ) as unknown,
        }) as unknown,
      }),
    ]);
    expect(JSON.stringify(queueMessages)).not.toContain('X-Amz-Signature');
    expect(alarmStates).toContain('ALARM');
    await rehearsal.clock.sleep(DAY_MS);
    expect(failedRenewalReports(rehearsal).alarmStates.at(-1)).toBe('OK');

    await rehearsal.clock.sleep(10 * DAY_MS + DAY_MS / 2);
    expect((await cloudFormation.deploy(synthesizeGame(vpcId, { peerOnCreate: true, build: '2' }), 'Game')).status).toBe(
      'UPDATE_COMPLETE',
    );
    await rehearsal.clock.sleep(13 * DAY_MS);
    expect(rehearsal.aws.inventory().authorizations).toHaveLength(1);
    expect((await cloudFormation.delete('Game')).status).toBe('DELETE_COMPLETE');
    expect((await cloudFormation.delete('Data')).status).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    await expectNothingLeft(rehearsal, before);
  });

  test('is valid at every time in ten days', async () => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.behaviours.set('authorizingAgain', 'keeps expiry');
    const vpcId = createDataVpc(rehearsal);
    expect((await rehearsal.cloudFormation.deploy(synthesizeData(vpcId, Duration.hours(22)), 'Data')).status).toBe(
      'CREATE_COMPLETE',
    );
    for (let hour = 0; hour < 10 * 24; hour += 1) {
      // the additional minute moves the check to another minute of the hour
      await rehearsal.clock.sleep(HOUR_MS + 60_000);
      expect(rehearsal.aws.inventory().authorizations).toHaveLength(1);
    }
  });
});
