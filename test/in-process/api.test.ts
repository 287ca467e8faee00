import { Rehearsal } from 'rehearsal';
import type { RehearsalClock } from 'rehearsal';
import type { SimulatedAws } from 'rehearsal/aws';
import { sendAs } from 'rehearsal/in-process';
import { createAwsApi, createAwsApiWithRole } from '../../lambda/aws';
import { readError } from '../../lambda/aws/errors';
import type { Dependencies } from '../../lambda/resources/resource';
import { ACCOUNT, DAY_MS, GAMELIFT_PLACE, REGION } from '../matrix/rehearsal';
import { SimulatedApi } from './api';

/*
 * In process, the handler bypasses the SDK and HTTP. Its calls must have the same output and errors as over HTTP. These tests make each
 * call both ways in the same simulated AWS.
 */

type Api = Dependencies['api'];

const OTHER_ACCOUNT = '222222222222';
const ABSENT_FLEET_ID = 'fleet-00000000-0000-0000-0000-000000000000';
const RATE_LIMIT_MILLISECONDS = 10_000;

class ApiComparison {
  static async start(): Promise<ApiComparison> {
    return new ApiComparison(await Rehearsal.start({ ...GAMELIFT_PLACE, startTime: Date.UTC(2026, 0, 1), callMilliseconds: 0 }));
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
    this.vpcId = aws.ec2.createVpc({ ...GAMELIFT_PLACE, cidrBlock: '10.90.0.0/16' }).vpcId;
    this.tableId = aws.ec2.vpc(GAMELIFT_PLACE, this.vpcId).mainRouteTableId;
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

  /** Makes a call over HTTP and in process, without throttling. Checks that both have the same output or error, and returns it. */
  async compare(call: (api: Api, signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
    const [wire, inProcess] = [await this.call(this.wireApi, call), await this.call(this.inProcessApi, call)];
    expect(inProcess).toEqual(wire);
    return wire;
  }

  /** Compares a call that can take effect only once: runs `undo` after the call over HTTP, and before the call in process. */
  async compareWithUndo(
    call: (api: Api, signal: AbortSignal) => Promise<unknown>,
    undo: () => Promise<unknown>,
  ): Promise<unknown> {
    const wire = await this.call(this.wireApi, call);
    await undo();
    expect(await this.call(this.inProcessApi, call)).toEqual(wire);
    return wire;
  }

  /** Makes one call after a pause, so that it is not throttled. Returns its output or error. */
  async call(api: Api, call: (api: Api, signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
    await this.clock.sleep(RATE_LIMIT_MILLISECONDS);
    return this.callAtOnce(api, call);
  }

  async callAtOnce(api: Api, call: (api: Api, signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
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

test('calls for authorizations have the same output and errors as over HTTP', () =>
  comparison.clock.work(async () => {
    const { vpcId } = comparison;
    const input = { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: vpcId };
    expect(await comparison.compare((api, signal) => api.describeVpcPeeringAuthorizations(signal))).toEqual([]);
    expect(await comparison.compare((api, signal) => api.deleteVpcPeeringAuthorization(input, signal))).toMatchObject({
      name: 'NotFoundException',
      status: 400,
    });
    const authorize = (api: Api, signal: AbortSignal): Promise<unknown> => api.createVpcPeeringAuthorization(input, signal);
    const [wire, inProcess] = [
      await comparison.call(comparison.wireApi, authorize),
      await comparison.call(comparison.inProcessApi, authorize),
    ] as {
      readonly CreationTime: Date;
      readonly ExpirationTime: Date;
    }[];
    for (const { CreationTime, ExpirationTime, ...key } of [wire, inProcess].filter((record) => record !== undefined)) {
      expect(key).toEqual({ ...input, PeerVpcAwsAccountId: ACCOUNT });
      expect(ExpirationTime.getTime() - CreationTime.getTime()).toBe(DAY_MS);
    }
    expect(inProcess?.CreationTime.getTime()).toBeGreaterThan((wire?.CreationTime.getTime() ?? 0) + RATE_LIMIT_MILLISECONDS - 1);
    expect(await comparison.compare((api, signal) => api.describeVpcPeeringAuthorizations(signal))).toHaveLength(1);
    const withAbsentVpc = { ...input, PeerVpcId: 'vpc-0123456789abcdef0' };
    expect(await comparison.compare((api, signal) => api.createVpcPeeringAuthorization(withAbsentVpc, signal))).toMatchObject({
      status: 400,
    });
    const cancel = (api: Api, signal: AbortSignal): Promise<unknown> => api.deleteVpcPeeringAuthorization(input, signal);
    expect(await comparison.compareWithUndo(cancel, () => comparison.call(comparison.wireApi, authorize))).toBeUndefined();
    // GameLift allows one call of each operation in ten seconds
    await comparison.call(comparison.wireApi, cancel);
    const throttled = await comparison.callAtOnce(comparison.wireApi, cancel);
    expect(throttled).toMatchObject({ name: 'ThrottlingException', status: 400 });
    expect(await comparison.callAtOnce(comparison.inProcessApi, cancel)).toEqual(throttled);
  }));

test('calls for fleets, their tags and events have the same output and errors as over HTTP', () =>
  comparison.clock.work(async () => {
    const { aws, clock } = comparison;
    expect(await comparison.compare((api, signal) => api.describeFleet(ABSENT_FLEET_ID, signal))).toBeUndefined();
    expect(
      await comparison.compare((api, signal) => api.describeFleetEvents(ABSENT_FLEET_ID, new Date(0), signal)),
    ).toMatchObject({
      name: 'NotFoundException',
    });
    const input = { Name: 'Lobby', BuildId: 'build-1', EC2InstanceType: 'c5.large' };
    const created = await aws.callGameLift('CreateFleet', input, GAMELIFT_PLACE);
    const { FleetId } = (created as { readonly FleetAttributes: { readonly FleetId: string } }).FleetAttributes;
    expect(await comparison.compare((api, signal) => api.describeFleet(FleetId, signal))).toMatchObject({ computeType: 'EC2' });
    await clock.sleep(3_600_000);
    const fleet = (await comparison.compare((api, signal) => api.describeFleet(FleetId, signal))) as { readonly arn: string };
    expect(fleet).toMatchObject({ status: 'ACTIVE' });
    const events = await comparison.compare((api, signal) => api.describeFleetEvents(FleetId, new Date(0), signal));
    expect((events as readonly object[]).length).toBeGreaterThan(2);
    expect(await comparison.compare((api, signal) => api.describeFleetEvents(FleetId, new Date(clock.now()), signal))).toEqual(
      [],
    );
    expect(await comparison.compare((api, signal) => api.listFleetTags(fleet.arn, signal))).toEqual({});
    await comparison.compare((api, signal) => api.tagFleet(fleet.arn, { one: 'eins', two: 'zwei drei' }, signal));
    expect(await comparison.compare((api, signal) => api.listFleetTags(fleet.arn, signal))).toEqual({
      one: 'eins',
      two: 'zwei drei',
    });
    await comparison.compare((api, signal) => api.untagFleet(fleet.arn, ['one', 'absent'], signal));
    expect(await comparison.compare((api, signal) => api.listFleetTags(fleet.arn, signal))).toEqual({ two: 'zwei drei' });
  }));

test('calls for connections in GameLift and EC2 have the same output and errors as over HTTP', () =>
  comparison.clock.work(async () => {
    const { aws, clock, tableId, vpcId } = comparison;
    const created = await aws.callGameLift(
      'CreateFleet',
      { Name: 'Lobby', BuildId: 'build-1', EC2InstanceType: 'c5.large' },
      GAMELIFT_PLACE,
    );
    const { FleetId } = (created as { readonly FleetAttributes: { readonly FleetId: string } }).FleetAttributes;
    await clock.sleep(3_600_000);
    expect(await comparison.compare((api, signal) => api.describeVpcPeeringConnections(undefined, signal))).toEqual([]);
    expect(await comparison.compare((api, signal) => api.describeVpcPeeringConnections(ABSENT_FLEET_ID, signal))).toMatchObject({
      status: 400,
    });
    const input = { FleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: vpcId };
    const connect = (api: Api, signal: AbortSignal): Promise<unknown> => api.createVpcPeeringConnection(input, signal);
    expect(await comparison.compare(connect)).toMatchObject({ name: 'UnauthorizedException' });
    await aws.callGameLift('CreateVpcPeeringAuthorization', { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: vpcId }, GAMELIFT_PLACE);
    expect(await comparison.call(comparison.wireApi, connect)).toBeUndefined();
    await clock.sleep(3_600_000);
    const [connection] = (await comparison.compare((api, signal) => api.describeVpcPeeringConnections(FleetId, signal))) as {
      readonly VpcPeeringConnectionId: string;
      readonly IpV4CidrBlock: string;
    }[];
    expect(connection).toMatchObject({ FleetId, PeerVpcId: vpcId, Status: { Code: 'active' } });
    const [peering] = (await comparison.compare((api, signal) => api.describePeerings(vpcId, signal))) as {
      readonly id: string;
    }[];
    expect(peering).toMatchObject({ status: 'active', dnsResolution: false, tags: {}, cidrBlock: connection?.IpV4CidrBlock });
    const id = peering?.id ?? '';
    await comparison.compare((api, signal) => api.tagPeering(id, { Name: 'Lobby' }, signal));
    await comparison.compare((api, signal) => api.setDnsResolution(id, true, signal));
    expect(await comparison.compare((api, signal) => api.describePeerings(vpcId, signal))).toMatchObject([
      { dnsResolution: true, tags: { Name: 'Lobby' } },
    ]);
    const untag = (api: Api, signal: AbortSignal): Promise<unknown> => api.untagPeering(id, ['Name'], signal);
    const readTags = async (): Promise<unknown> =>
      (await comparison.wireApi.describePeerings(vpcId, new AbortController().signal))[0]?.tags;
    expect(await comparison.call(comparison.wireApi, untag)).toBeUndefined();
    expect(await readTags()).toEqual({});
    expect(await comparison.call(comparison.inProcessApi, untag)).toBeUndefined();
    await comparison.compare((api, signal) => api.setDnsResolution('pcx-0123456789abcdef0', true, signal));
    const createRoute = (api: Api, signal: AbortSignal): Promise<unknown> => api.createRoute(tableId, '10.1.0.0/16', id, signal);
    const deleteRoute = (api: Api, signal: AbortSignal): Promise<unknown> => api.deleteRoute(tableId, '10.1.0.0/16', signal);
    expect(
      await comparison.compareWithUndo(createRoute, () => comparison.call(comparison.inProcessApi, deleteRoute)),
    ).toBeUndefined();
    expect(await comparison.compare(createRoute)).toMatchObject({ name: 'RouteAlreadyExists' });
    expect(await comparison.compare((api, signal) => api.replaceRoute(tableId, '10.1.0.0/16', id, signal))).toBeUndefined();
    const gateway = aws.ec2.createGateway(GAMELIFT_PLACE, 'igw');
    aws.ec2.attachGateway(GAMELIFT_PLACE, gateway, vpcId);
    aws.ec2.createRoute(GAMELIFT_PLACE, tableId, { destination: '0.0.0.0/0', kind: 'gatewayId', target: gateway });
    const tables = (await comparison.compare((api, signal) => api.describeRouteTables(vpcId, signal))) as {
      readonly routes: readonly object[];
    }[];
    expect(tables[0]?.routes).toEqual(
      expect.arrayContaining([
        { cidrBlock: '10.1.0.0/16', target: id, blackhole: false },
        { cidrBlock: '0.0.0.0/0', target: gateway, blackhole: false },
      ]),
    );
    expect(await comparison.compareWithUndo(deleteRoute, () => comparison.call(comparison.wireApi, createRoute))).toBeUndefined();
    expect(await comparison.compare(deleteRoute)).toMatchObject({ name: 'InvalidRoute.NotFound' });
    const { VpcPeeringConnectionId = '' } = connection ?? {};
    const disconnect = (api: Api, signal: AbortSignal): Promise<unknown> =>
      api.deleteVpcPeeringConnection({ FleetId, VpcPeeringConnectionId }, signal);
    expect(await comparison.call(comparison.inProcessApi, disconnect)).toBeUndefined();
    await clock.sleep(3_600_000);
    expect(await comparison.compare(disconnect)).toMatchObject({ name: 'NotFoundException' });
  }));

test('calls for VPCs and stacks have the same output and errors as over HTTP', () =>
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

test('all calls with a role of another account use one session, unless assuming the role failed', () =>
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
    const sessionFailure = { kind: 'error', name: 'AccessDenied', message: 'the trust is not known yet', status: 403 } as const;
    aws.intercept(({ operation }) => {
      sessionCount += operation === 'AssumeRole' ? 1 : 0;
      return operation === 'AssumeRole' && sessionCount === 1 ? sessionFailure : undefined;
    });
    const apiWithRole = createAwsApiWithRole({ arn, externalId: 'studio-7' }, 'Game.Authorization', REGION);
    const signal = new AbortController().signal;
    // a failed session is not reused
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
