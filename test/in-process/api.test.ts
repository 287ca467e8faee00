import { Rehearsal } from 'rehearsal';
import type { RehearsalClock } from 'rehearsal';
import type { SimulatedAws } from 'rehearsal/aws';
import { sendAs } from 'rehearsal/in-process';
import { createAwsApi, createAwsApiWithRole } from '../../lambda/aws';
import { readError } from '../../lambda/aws/errors';
import type { Dependencies } from '../../lambda/resources/resource';
import { ACCOUNT, DAY_MS, ACCOUNT_AND_REGION, REGION } from '../matrix/rehearsal';
import { SimulatedApi } from './api';

/*
 * In process, the handler calls the simulated AWS without the SDK and HTTP. Its calls must have the same output and errors as over HTTP.
 * These tests make each call in both ways, in the same simulated AWS.
 */

type Api = Dependencies['api'];

/** Makes one call of the handler's API, and returns its output. */
type ApiCall = (api: Api, signal: AbortSignal) => Promise<unknown>;

const OTHER_ACCOUNT = '222222222222';
const ABSENT_FLEET_ID = 'fleet-00000000-0000-0000-0000-000000000000';
/** GameLift allows one call of an operation in this time. */
const RATE_LIMIT_MILLISECONDS = 10_000;
const HOUR = 3_600_000;

class ApiComparison {
  static async start(): Promise<ApiComparison> {
    return new ApiComparison(
      await Rehearsal.start({ ...ACCOUNT_AND_REGION, startTime: Date.UTC(2026, 0, 1), callMilliseconds: 0 }),
    );
  }

  readonly clock: RehearsalClock;
  readonly aws: SimulatedAws;
  readonly vpcId: string;
  readonly tableId: string;
  readonly wireApi: Api;
  readonly inProcessApi: Api;
  private readonly environment = { ...process.env };

  private constructor(private readonly rehearsal: Rehearsal) {
    const { aws, clock } = rehearsal;
    this.clock = clock;
    this.aws = aws;
    aws.scriptedOutcomes.fleetActivationSeconds = 1000;
    this.vpcId = aws.ec2.createVpc({ ...ACCOUNT_AND_REGION, cidrBlock: '10.90.0.0/16' }).vpcId;
    this.tableId = aws.ec2.vpc(ACCOUNT_AND_REGION, this.vpcId).mainRouteTableId;
    const { accessKeyId, secretAccessKey } = aws.iam.administrator(ACCOUNT);
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: aws.endpointUrl,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    });
    this.wireApi = createAwsApi();
    this.inProcessApi = new SimulatedApi(sendAs(aws, accessKeyId, REGION));
  }

  async close(): Promise<void> {
    process.env = this.environment;
    await this.rehearsal.close();
  }

  /** Creates a fleet that becomes ACTIVE in less than an hour, and returns its id. */
  async createFleet(): Promise<string> {
    const input = { Name: 'Lobby', BuildId: 'build-1', EC2InstanceType: 'c5.large' };
    const output = await this.aws.callGameLift('CreateFleet', input, ACCOUNT_AND_REGION);
    return (output as { readonly FleetAttributes: { readonly FleetId: string } }).FleetAttributes.FleetId;
  }

  /**
   * Makes a call over HTTP, then in process, without throttling. Checks that both calls have the same output or error.
   *
   * @returns that output or error
   */
  async compare(call: ApiCall): Promise<unknown> {
    const wireResult = await this.callAfterPause(this.wireApi, call);
    expect(await this.callAfterPause(this.inProcessApi, call)).toEqual(wireResult);
    return wireResult;
  }

  /** Compares a call that can take effect only once: runs `undo` after the call over HTTP, and before the call in process. */
  async compareWithUndo(call: ApiCall, undo: () => Promise<unknown>): Promise<unknown> {
    const wireResult = await this.callAfterPause(this.wireApi, call);
    await undo();
    expect(await this.callAfterPause(this.inProcessApi, call)).toEqual(wireResult);
    return wireResult;
  }

  /** Makes a call after a pause, so that GameLift does not throttle the call. Returns its output or error. */
  async callAfterPause(api: Api, call: ApiCall): Promise<unknown> {
    await this.clock.sleep(RATE_LIMIT_MILLISECONDS);
    return this.callAtOnce(api, call);
  }

  /** Makes a call without a pause. Returns its output or error. */
  async callAtOnce(api: Api, call: ApiCall): Promise<unknown> {
    try {
      return await call(api, new AbortController().signal);
    } catch (error) {
      const { name, message } = readError(error);
      const status = (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode;
      return { name, message, status };
    }
  }
}

let comparison: ApiComparison;

beforeEach(async () => {
  comparison = await ApiComparison.start();
});

afterEach(() => comparison.close());

test('calls in process for authorizations have the same output and errors as over HTTP', () =>
  comparison.clock.work(async () => {
    const { vpcId } = comparison;
    const input = { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: vpcId };
    expect(await comparison.compare((api, signal) => api.describeVpcPeeringAuthorizations(signal))).toEqual([]);
    expect(await comparison.compare((api, signal) => api.deleteVpcPeeringAuthorization(input, signal))).toMatchObject({
      name: 'NotFoundException',
      status: 400,
    });
    const authorize: ApiCall = (api, signal) => api.createVpcPeeringAuthorization(input, signal);
    const [wireRecord, inProcessRecord] = [
      await comparison.callAfterPause(comparison.wireApi, authorize),
      await comparison.callAfterPause(comparison.inProcessApi, authorize),
    ] as {
      readonly CreationTime: Date;
      readonly ExpirationTime: Date;
    }[];
    for (const { CreationTime, ExpirationTime, ...pair } of [wireRecord, inProcessRecord].filter(
      (record) => record !== undefined,
    )) {
      expect(pair).toEqual({ ...input, PeerVpcAwsAccountId: ACCOUNT });
      expect(ExpirationTime.getTime() - CreationTime.getTime()).toBe(DAY_MS);
    }
    const earliestTime = (wireRecord?.CreationTime.getTime() ?? 0) + RATE_LIMIT_MILLISECONDS;
    expect(inProcessRecord?.CreationTime.getTime()).toBeGreaterThanOrEqual(earliestTime);
    expect(await comparison.compare((api, signal) => api.describeVpcPeeringAuthorizations(signal))).toHaveLength(1);
    const withAbsentVpc = { ...input, PeerVpcId: 'vpc-0123456789abcdef0' };
    expect(await comparison.compare((api, signal) => api.createVpcPeeringAuthorization(withAbsentVpc, signal))).toMatchObject({
      status: 400,
    });
    const cancel: ApiCall = (api, signal) => api.deleteVpcPeeringAuthorization(input, signal);
    expect(
      await comparison.compareWithUndo(cancel, () => comparison.callAfterPause(comparison.wireApi, authorize)),
    ).toBeUndefined();
    // without the pause, GameLift throttles the second call
    await comparison.callAfterPause(comparison.wireApi, cancel);
    const throttled = await comparison.callAtOnce(comparison.wireApi, cancel);
    expect(throttled).toMatchObject({ name: 'ThrottlingException', status: 400 });
    expect(await comparison.callAtOnce(comparison.inProcessApi, cancel)).toEqual(throttled);
  }));

test('calls in process for fleets, and for their tags and events, have the same output and errors as over HTTP', () =>
  comparison.clock.work(async () => {
    const { clock } = comparison;
    expect(await comparison.compare((api, signal) => api.describeFleet(ABSENT_FLEET_ID, signal))).toBeUndefined();
    expect(
      await comparison.compare((api, signal) => api.describeFleetEvents(ABSENT_FLEET_ID, new Date(0), signal)),
    ).toMatchObject({
      name: 'NotFoundException',
    });
    const FleetId = await comparison.createFleet();
    expect(await comparison.compare((api, signal) => api.describeFleet(FleetId, signal))).toMatchObject({ computeType: 'EC2' });
    await clock.sleep(HOUR);
    const fleet = (await comparison.compare((api, signal) => api.describeFleet(FleetId, signal))) as { readonly arn: string };
    expect(fleet).toMatchObject({ status: 'ACTIVE' });
    const events = await comparison.compare((api, signal) => api.describeFleetEvents(FleetId, new Date(0), signal));
    expect((events as readonly object[]).length).toBeGreaterThan(2);
    expect(await comparison.compare((api, signal) => api.describeFleetEvents(FleetId, new Date(clock.now()), signal))).toEqual(
      [],
    );
    expect(await comparison.compare((api, signal) => api.listFleetTags(fleet.arn, signal))).toEqual({});
    await comparison.compare((api, signal) => api.tagFleet(fleet.arn, { one: '1', two: 'with space' }, signal));
    expect(await comparison.compare((api, signal) => api.listFleetTags(fleet.arn, signal))).toEqual({
      one: '1',
      two: 'with space',
    });
    await comparison.compare((api, signal) => api.untagFleet(fleet.arn, ['one', 'absent'], signal));
    expect(await comparison.compare((api, signal) => api.listFleetTags(fleet.arn, signal))).toEqual({ two: 'with space' });
  }));

test('calls in process for connections, in GameLift and EC2, have the same output and errors as over HTTP', () =>
  comparison.clock.work(async () => {
    const { aws, clock, tableId, vpcId } = comparison;
    const FleetId = await comparison.createFleet();
    await clock.sleep(HOUR);
    expect(await comparison.compare((api, signal) => api.describeVpcPeeringConnections(undefined, signal))).toEqual([]);
    expect(await comparison.compare((api, signal) => api.describeVpcPeeringConnections(ABSENT_FLEET_ID, signal))).toMatchObject({
      status: 400,
    });
    const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: vpcId };
    const connect: ApiCall = (api, signal) => api.createVpcPeeringConnection(input, signal);
    expect(await comparison.compare(connect)).toMatchObject({ name: 'UnauthorizedException' });
    await aws.callGameLift(
      'CreateVpcPeeringAuthorization',
      { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: vpcId },
      ACCOUNT_AND_REGION,
    );
    expect(await comparison.callAfterPause(comparison.wireApi, connect)).toBeUndefined();
    await clock.sleep(HOUR);
    const [connection] = (await comparison.compare((api, signal) => api.describeVpcPeeringConnections(FleetId, signal))) as {
      readonly VpcPeeringConnectionId: string;
      readonly IpV4CidrBlock: string;
    }[];
    expect(connection).toMatchObject({ FleetId, PeerVpcId: vpcId, Status: { Code: 'active' } });
    const [peering] = (await comparison.compare((api, signal) => api.describePeerings(vpcId, signal))) as {
      readonly id: string;
    }[];
    expect(peering).toMatchObject({ status: 'active', dnsResolution: false, tags: {}, cidrBlock: connection?.IpV4CidrBlock });
    const peeringId = peering?.id ?? '';
    await comparison.compare((api, signal) => api.tagPeering(peeringId, { Name: 'Lobby' }, signal));
    await comparison.compare((api, signal) => api.setDnsResolution(peeringId, true, signal));
    expect(await comparison.compare((api, signal) => api.describePeerings(vpcId, signal))).toMatchObject([
      { dnsResolution: true, tags: { Name: 'Lobby' } },
    ]);
    const untag: ApiCall = (api, signal) => api.untagPeering(peeringId, ['Name'], signal);
    const readTags = async (): Promise<unknown> =>
      (await comparison.wireApi.describePeerings(vpcId, new AbortController().signal))[0]?.tags;
    expect(await comparison.callAfterPause(comparison.wireApi, untag)).toBeUndefined();
    expect(await readTags()).toEqual({});
    expect(await comparison.callAfterPause(comparison.inProcessApi, untag)).toBeUndefined();
    await comparison.compare((api, signal) => api.setDnsResolution('pcx-0123456789abcdef0', true, signal));
    const createRoute: ApiCall = (api, signal) => api.createRoute(tableId, '10.1.0.0/16', peeringId, signal);
    const deleteRoute: ApiCall = (api, signal) => api.deleteRoute(tableId, '10.1.0.0/16', signal);
    expect(
      await comparison.compareWithUndo(createRoute, () => comparison.callAfterPause(comparison.inProcessApi, deleteRoute)),
    ).toBeUndefined();
    expect(await comparison.compare(createRoute)).toMatchObject({ name: 'RouteAlreadyExists' });
    expect(
      await comparison.compare((api, signal) => api.replaceRoute(tableId, '10.1.0.0/16', peeringId, signal)),
    ).toBeUndefined();
    const gateway = aws.ec2.createGateway(ACCOUNT_AND_REGION, 'igw');
    aws.ec2.attachGateway(ACCOUNT_AND_REGION, gateway, vpcId);
    aws.ec2.createRoute(ACCOUNT_AND_REGION, tableId, { destination: '0.0.0.0/0', kind: 'gatewayId', target: gateway });
    const tables = (await comparison.compare((api, signal) => api.describeRouteTables(vpcId, signal))) as {
      readonly routes: readonly object[];
    }[];
    expect(tables[0]?.routes).toEqual(
      expect.arrayContaining([
        { cidrBlock: '10.1.0.0/16', target: peeringId, blackhole: false },
        { cidrBlock: '0.0.0.0/0', target: gateway, blackhole: false },
      ]),
    );
    expect(
      await comparison.compareWithUndo(deleteRoute, () => comparison.callAfterPause(comparison.wireApi, createRoute)),
    ).toBeUndefined();
    expect(await comparison.compare(deleteRoute)).toMatchObject({ name: 'InvalidRoute.NotFound' });
    const { VpcPeeringConnectionId = '' } = connection ?? {};
    const disconnect: ApiCall = (api, signal) => api.deleteVpcPeeringConnection({ FleetId, VpcPeeringConnectionId }, signal);
    expect(await comparison.callAfterPause(comparison.inProcessApi, disconnect)).toBeUndefined();
    await clock.sleep(HOUR);
    expect(await comparison.compare(disconnect)).toMatchObject({ name: 'NotFoundException' });
  }));

test('calls in process for VPCs and stacks have the same output and errors as over HTTP', () =>
  comparison.clock.work(async () => {
    const { vpcId } = comparison;
    expect(await comparison.compare((api, signal) => api.vpcExists(vpcId, signal))).toBe(true);
    expect(await comparison.compare((api, signal) => api.vpcExists('vpc-0123456789abcdef0', signal))).toBe(false);
    expect(await comparison.compare((api, signal) => api.describeVpcCidrBlocks(vpcId, signal))).toEqual(['10.90.0.0/16']);
    expect(await comparison.compare((api, signal) => api.describeVpcCidrBlocks('vpc-0123456789abcdef0', signal))).toMatchObject({
      name: 'InvalidVpcID.NotFound',
    });
    expect(await comparison.compare((api, signal) => api.describeStackStatus('Absent', signal))).toMatchObject({
      name: 'ValidationError',
    });
  }));

test('calls over HTTP with a role of another account share one session of the role, and assume the role again after a failed attempt', () =>
  comparison.clock.work(async () => {
    const { aws } = comparison;
    const { vpcId } = aws.ec2.createVpc({ account: OTHER_ACCOUNT, region: REGION, cidrBlock: '10.91.0.0/16' });
    const { arn } = aws.iam.createRole({
      account: OTHER_ACCOUNT,
      roleName: 'Peering',
      assumeRolePolicy: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
            Action: 'sts:AssumeRole',
            Condition: { StringEquals: { 'sts:ExternalId': 'studio-7' } },
          },
        ],
      },
    });
    const Statement = [{ Effect: 'Allow', Action: ['gamelift:*', 'ec2:*'], Resource: '*' }];
    aws.iam.putRolePolicy(OTHER_ACCOUNT, 'Peering', 'Default', { Version: '2012-10-17', Statement });
    let sessionCount = 0;
    const assumeRoleDenial = { kind: 'error', name: 'AccessDenied', message: 'the trust is not known yet', status: 403 } as const;
    aws.intercept(({ operation }) => {
      sessionCount += operation === 'AssumeRole' ? 1 : 0;
      return operation === 'AssumeRole' && sessionCount === 1 ? assumeRoleDenial : undefined;
    });
    const apiWithRole = createAwsApiWithRole({ arn, externalId: 'studio-7' }, 'Game.Authorization', REGION);
    const signal = new AbortController().signal;
    // the first attempt to assume the role fails, and the second call tries again
    expect(await apiWithRole.vpcExists(vpcId, signal).catch(readError)).toMatchObject({ name: 'AccessDenied' });
    expect(await apiWithRole.vpcExists(vpcId, signal)).toBe(true);
    expect(await apiWithRole.describeVpcPeeringAuthorizations(signal)).toEqual([]);
    expect(sessionCount).toBe(2);
    for (const externalId of ['studio-8', undefined]) {
      const apiWithWrongExternalId = createAwsApiWithRole({ arn, externalId }, 'Game.Authorization', REGION);
      const denial = await apiWithWrongExternalId.vpcExists(vpcId, signal).catch((error: unknown) => error);
      expect(denial).toMatchObject({ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } });
      expect(denial).toMatchObject({ message: expect.stringContaining(`the role ${arn} could not be assumed: `) as string });
    }
  }));
