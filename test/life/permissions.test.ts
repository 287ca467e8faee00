import { Duration, Stack } from 'aws-cdk-lib';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { Rehearsal } from 'rehearsal';
import type { Credentials, Principal } from 'rehearsal/aws';
import { formatScope } from 'rehearsal/report';
import { AuthorizationRenewal, PeeringRoutes, VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringRole } from '../../lib';
import type { IVpcPeeringAuthorization } from '../../lib';
import { purposeOf } from '../policies';
import { NO_PEERING_PROBLEM, importVpc, expectNothingLeft, startFastRehearsal } from './common-stacks';
import { errorFault, DAY_MS, HOUR_MS, closeRehearsals, synthesizeApp, journalLinesFrom } from './rehearsals';

/*
 * Runs a few lives that together use every permission. Then the tests check that each grant was used, and that no secret was written.
 */

const region = 'us-east-1';
const GAME = { account: '111111111111', region };
const DATA = { account: '222222222222', region };
const EXTERNAL_ID = 'studio-7f3a9';

/** How the stacks of the fleets get access to the VPC: it is in the same account, or in another account with or without a peer role. */
type Access = 'own' | 'role' | 'none';

interface GameOptions {
  readonly access: Access;
  /** The last VPC is for the fleet that is peered on creation. */
  readonly vpcIds: readonly string[];
  /** The index of the VPC that is connected. @default 0 */
  readonly connectedVpcIndex?: number;
  readonly build?: string;
  readonly routes?: PeeringRoutes;
  readonly dnsResolution?: boolean;
  /** A fleet that was created and connected by hand. @default - none */
  readonly adopted?: { readonly fleetId: string; readonly adoptExisting: boolean };
}

function addFleet(stack: Stack, name: string, build: string): gamelift.CfnFleet {
  const server = new gamelift.CfnBuild(stack, `${name}Build`, {
    storageLocation: { bucket: 'b', key: `server-${build}.zip`, roleArn: 'arn:aws:iam::111111111111:role/r' },
  });
  return new gamelift.CfnFleet(stack, name, { name, buildId: server.ref, ec2InstanceType: 'c5.large' });
}

/** Stack Game has a connected fleet, stack PeeredOnCreation a fleet that is peered on creation, and stack Data the peer roles. */
function synthesizeGame({
  access,
  vpcIds,
  connectedVpcIndex = 0,
  build = '1',
  routes,
  dnsResolution = false,
  adopted,
}: GameOptions): string {
  return synthesizeApp((app) => {
    const data = access === 'role' ? new Stack(app, 'Data', { env: DATA }) : undefined;
    const roles = vpcIds.map((vpcId, index) =>
      data === undefined
        ? undefined
        : new VpcPeeringRole(data, `Role${index}`, {
            vpc: importVpc(data, vpcId, vpcId),
            gameLiftAccount: GAME.account,
            externalId: EXTERNAL_ID,
            // the name that the CDK generates would change when the other stack no longer refers to the role
            roleName: `Peering${index}`,
          }),
    );
    const authorizationIn = (stack: Stack, vpcId: string): IVpcPeeringAuthorization => {
      const peerRole = roles[vpcIds.indexOf(vpcId)];
      const attributes = {
        vpc: importVpc(stack, vpcId, vpcId),
        peerVpcAccount: (access === 'own' ? GAME : DATA).account,
        ...(peerRole === undefined ? {} : { peerRole, externalId: EXTERNAL_ID }),
      };
      return access === 'none'
        ? VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Authorization', attributes)
        : new VpcPeeringAuthorization(stack, 'Authorization', attributes);
    };
    const game = new Stack(app, 'Game', { env: GAME });
    const authorization = authorizationIn(game, vpcIds[connectedVpcIndex] ?? '');
    const options = { authorization, dnsResolution, ...(routes === undefined ? {} : { routes }) };
    new VpcPeeringConnection(game, 'Peering', { ...options, fleet: addFleet(game, 'Connected', build) });
    if (adopted !== undefined) {
      const { fleetId, adoptExisting } = adopted;
      const fleet = gamelift.CfnFleet.fromFleetId(game, 'Adopted', fleetId);
      new VpcPeeringConnection(game, 'Adopting', { ...options, fleet, adoptExisting });
    }
    const peeredOnCreation = new Stack(app, 'PeeredOnCreation', { env: GAME });
    new VpcPeeringConnection(peeredOnCreation, 'Peering', {
      authorization: authorizationIn(peeredOnCreation, vpcIds.at(-1) ?? ''),
      fleet: addFleet(peeredOnCreation, 'PeeredOnCreation', build),
      peerOnCreate: true,
      ...(routes === undefined ? {} : { routes }),
    });
  });
}

/** An authorization in the account of the VPC that is renewed on a schedule. */
function synthesizeScheduledRenewal(vpcId: string): string {
  return synthesizeApp((app) => {
    const stack = new Stack(app, 'Data', { env: DATA });
    new VpcPeeringAuthorization(stack, 'Authorization', {
      vpc: importVpc(stack, vpcId, vpcId),
      gameLiftAccount: GAME.account,
      renewal: AuthorizationRenewal.scheduled(Duration.hours(12)),
    });
  });
}

/** Deploys the stacks of the assembly until one fails. Returns their statuses. */
async function deployAll(rehearsal: Rehearsal, assembly: string): Promise<string[]> {
  return (await rehearsal.cloudFormation.deployAll(assembly)).map(({ status }) => status);
}

/** Deletes the stacks of the assembly until a deletion fails. Returns their statuses. */
async function deleteAll(rehearsal: Rehearsal, assembly: string): Promise<string[]> {
  return (await rehearsal.cloudFormation.deleteAll(assembly)).map(({ status }) => status);
}

/** Creates VPCs with two route tables each. */
function createVpcs(rehearsal: Rehearsal, place: typeof GAME, ...cidrBlocks: string[]): string[] {
  return cidrBlocks.map((cidrBlock) => {
    const { vpcId } = rehearsal.aws.ec2.createVpc({ ...place, cidrBlock });
    rehearsal.aws.ec2.createRouteTable(place, vpcId);
    return vpcId;
  });
}

async function authorizeByHand(rehearsal: Rehearsal, vpcOwner: typeof GAME, PeerVpcId: string): Promise<void> {
  const pair = { GameLiftAwsAccountId: GAME.account, PeerVpcId };
  await rehearsal.aws.callGameLift('CreateVpcPeeringAuthorization', pair, vpcOwner);
  // until the rate limit allows the next call
  await rehearsal.clock.sleep(10_000);
}

/** Creates and connects a fleet by hand. Returns its id. */
async function connectByHand(rehearsal: Rehearsal, vpcOwner: typeof GAME, vpcId: string): Promise<string> {
  const { fleets } = rehearsal.aws.gameLift;
  const fleet = fleets.create(GAME, { Name: 'by hand', ComputeType: 'EC2' }, new Map());
  fleets.activate(fleet, NO_PEERING_PROBLEM);
  await rehearsal.clock.sleep(rehearsal.aws.scriptedOutcomes.fleetActivationSeconds * 1000 + 1000);
  await authorizeByHand(rehearsal, vpcOwner, vpcId);
  const connection = { FleetId: fleet.id, PeerVpcAwsAccountId: vpcOwner.account, PeerVpcId: vpcId };
  await rehearsal.aws.callGameLift('CreateVpcPeeringConnection', connection, GAME);
  await rehearsal.clock.sleep(HOUR_MS);
  return fleet.id;
}

/**
 * Creates the stacks. Adopts a connection of somebody else, removes adoptExisting, sets it again, and removes the construct. Replaces the fleet
 * with a fleet that has the same CIDR block. Changes routes, then the VPC. Deletes after thirty days, first while GameLift refuses to authorize.
 */
async function rehearseLife(rehearsal: Rehearsal, access: 'own' | 'role'): Promise<void> {
  const { aws, clock } = rehearsal;
  const vpcOwner = access === 'own' ? GAME : DATA;
  // the handler lists authorizations only if one can't be renewed
  aws.behaviours.set('authorizingAgain', 'InvalidRequestException');
  aws.scriptedOutcomes.fleet = ({ name }) => (name === 'Connected' ? { cidrBlock: '10.60.0.0/22' } : {});
  const vpcIds = createVpcs(rehearsal, vpcOwner, '10.90.0.0/16', '10.91.0.0/16', '10.92.0.0/16');
  const fleetId = await connectByHand(rehearsal, vpcOwner, vpcIds[0] ?? '');
  // until the authorization by hand has expired
  await clock.sleep(2 * DAY_MS);
  const before = aws.inventory();
  const options = { access, vpcIds, dnsResolution: true };
  const stacks = access === 'own' ? 2 : 3;
  const expectSuccess = (statuses: readonly string[]): void => {
    expect(statuses).toHaveLength(stacks);
    expect(statuses.every((status) => /^(CREATE|UPDATE)_COMPLETE$/.test(status))).toBe(true);
  };
  for (const adoptExisting of [true, false, true]) {
    expectSuccess(await deployAll(rehearsal, synthesizeGame({ ...options, adopted: { fleetId, adoptExisting } })));
  }
  await clock.sleep(10 * DAY_MS);
  expectSuccess(await deployAll(rehearsal, synthesizeGame({ ...options, build: '2' })));
  expectSuccess(await deployAll(rehearsal, synthesizeGame({ ...options, build: '2', routes: PeeringRoutes.none() })));
  const lastAssembly = synthesizeGame({ ...options, build: '2', connectedVpcIndex: 1 });
  expectSuccess(await deployAll(rehearsal, lastAssembly));
  await clock.sleep(30 * DAY_MS);
  const endFault = aws.intercept(({ operation }) =>
    operation === 'CreateVpcPeeringAuthorization' ? errorFault('InvalidRequestException') : undefined,
  );
  expect(await deleteAll(rehearsal, lastAssembly)).toEqual(['DELETE_FAILED']);
  endFault();
  expect(await deleteAll(rehearsal, lastAssembly)).toEqual(Array.from({ length: stacks }, () => 'DELETE_COMPLETE'));
  await expectNothingLeft(rehearsal, before);
}

/** Somebody authorizes by hand in the other account. The first connection fails, then an update and a deletion fail without an authorization. */
async function rehearseLifeWithoutPeerRole(rehearsal: Rehearsal): Promise<void> {
  const { aws, clock } = rehearsal;
  const vpcIds = createVpcs(rehearsal, DATA, '10.90.0.0/16');
  const before = aws.inventory();
  const options = { access: 'none', vpcIds, routes: PeeringRoutes.none() } as const;
  const lastAssembly = synthesizeGame({ ...options, build: '2' });
  await authorizeByHand(rehearsal, DATA, vpcIds[0] ?? '');
  aws.scriptedOutcomes.connection = () => ({ end: 'failed' });
  expect(await deployAll(rehearsal, synthesizeGame(options))).toEqual(['ROLLBACK_COMPLETE']);
  aws.scriptedOutcomes.connection = () => ({});
  expect(await deleteAll(rehearsal, lastAssembly)).toEqual(['DELETE_COMPLETE']);
  expect(await deployAll(rehearsal, synthesizeGame(options))).toEqual(['CREATE_COMPLETE', 'CREATE_COMPLETE']);
  await clock.sleep(10 * DAY_MS);
  expect(await deployAll(rehearsal, lastAssembly)).toEqual(['UPDATE_ROLLBACK_COMPLETE']);
  await authorizeByHand(rehearsal, DATA, vpcIds[0] ?? '');
  expect(await deployAll(rehearsal, lastAssembly)).toEqual(['UPDATE_COMPLETE', 'UPDATE_COMPLETE']);
  await clock.sleep(30 * DAY_MS);
  expect(await deleteAll(rehearsal, lastAssembly)).toEqual(['DELETE_FAILED']);
  await authorizeByHand(rehearsal, DATA, vpcIds[0] ?? '');
  expect(await deleteAll(rehearsal, lastAssembly)).toEqual(['DELETE_COMPLETE', 'DELETE_COMPLETE']);
  await expectNothingLeft(rehearsal, before);
}

/** Renews on a schedule. One renewal fails, and one is not delivered. */
async function rehearseScheduledRenewals(rehearsal: Rehearsal): Promise<void> {
  const { aws, clock, cloudFormation, lambda } = rehearsal;
  const [vpcId = ''] = createVpcs(rehearsal, DATA, '10.90.0.0/16');
  const before = aws.inventory();
  const assembly = synthesizeScheduledRenewal(vpcId);
  expect(await deployAll(rehearsal, assembly)).toEqual(['CREATE_COMPLETE']);
  const arnOf = (type: string): string => {
    const { resources } = cloudFormation.describe('Data');
    return String(resources.find((resource) => resource.type === type)?.attributes.Arn);
  };
  await clock.sleep(HOUR_MS);
  const endFault = aws.intercept(({ operation }) =>
    operation === 'CreateVpcPeeringAuthorization' ? errorFault('InternalServiceException') : undefined,
  );
  await clock.sleep(DAY_MS / 2);
  endFault();
  const functionArn = arnOf('AWS::Lambda::Function');
  // without its alias, the function can't be invoked
  lambda.removeAlias(functionArn, 'renewals');
  await clock.sleep(DAY_MS / 2);
  lambda.setAlias(functionArn, 'renewals', '$LATEST');
  const errorCodes = aws.queues.messages(arnOf('AWS::SQS::Queue')).map(({ attributes }) => attributes.ERROR_CODE);
  // Lambda sent the first message, after the failed renewal. EventBridge Scheduler sent the second, and only it sets ERROR_CODE
  expect(errorCodes).toEqual([undefined, 'ResourceNotFoundException']);
  await clock.sleep(2 * DAY_MS);
  expect(await deleteAll(rehearsal, assembly)).toEqual(['DELETE_COMPLETE']);
  await expectNothingLeft(rehearsal, before);
}

/** Records the secrets of a rehearsal, and all that is written or sent in it. */
class SecretRecorder {
  readonly responseUrls: string[] = [];
  readonly credentials: Credentials[] = [];
  readonly sentResponses: string[] = [];
  readonly messages: string[] = [];

  constructor(readonly rehearsal: Rehearsal) {
    const { responses, aws } = rehearsal;
    const issue = responses.issueUrl.bind(responses);
    jest.spyOn(responses, 'issueUrl').mockImplementation((request) => {
      const issued = issue(request);
      this.responseUrls.push(issued.url);
      void issued.response.then((response) => this.sentResponses.push(response.toString()));
      return issued;
    });
    const assumeRole = aws.iam.assumeRole.bind(aws.iam);
    jest.spyOn(aws.iam, 'assumeRole').mockImplementation(async (caller, request) => {
      const session = await assumeRole(caller, request);
      this.credentials.push(...(session === undefined ? [] : [session.credentials]));
      return session;
    });
    const assumeRoleForService = aws.iam.assumeRoleForService.bind(aws.iam);
    jest.spyOn(aws.iam, 'assumeRoleForService').mockImplementation((...args) => {
      const credentials = assumeRoleForService(...args);
      this.credentials.push(credentials);
      return credentials;
    });
    const send = aws.queues.send.bind(aws.queues);
    jest.spyOn(aws.queues, 'send').mockImplementation((arn, sender, message) => {
      this.messages.push(JSON.stringify(message));
      return send(arn, sender, message);
    });
  }

  get secrets(): string[] {
    const signatures = this.responseUrls.map((url) => new URL(url).searchParams.get('X-Amz-Signature') ?? '');
    const keys = this.credentials.flatMap(({ secretAccessKey, sessionToken = '' }) => [secretAccessKey, sessionToken]);
    return [...this.responseUrls, ...signatures, ...keys].flatMap((secret) => [secret, encodeURIComponent(secret)]);
  }

  /** All journal entries, responses and messages. */
  get writtenText(): string {
    const { journal } = this.rehearsal;
    return [
      ...journal.entries.map(({ subject, message }) => `${subject} ${message}`),
      ...this.sentResponses,
      ...this.messages,
    ].join('\n');
  }
}

const recorders: SecretRecorder[] = [];

async function recordLife(life: (rehearsal: Rehearsal) => Promise<void>): Promise<void> {
  const rehearsal = await startFastRehearsal();
  recorders.push(new SecretRecorder(rehearsal));
  await life(rehearsal);
}

beforeAll(async () => {
  await recordLife((rehearsal) => rehearseLife(rehearsal, 'own'));
  await recordLife((rehearsal) => rehearseLife(rehearsal, 'role'));
  await recordLife(rehearseLifeWithoutPeerRole);
  await recordLife(rehearseScheduledRenewals);
}, 180_000);

afterAll(async () => {
  jest.restoreAllMocks();
  await closeRehearsals();
});

/** How often the lives used each grant. The keys contain no ids or accounts, so that equal grants of several policies count as one. */
function countGrantUses(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { policy, statement, action, uses: times } of recorders.flatMap(({ rehearsal }) => rehearsal.aws.iam.grants())) {
    const scope = formatScope(statement)
      .replace(/vpc-[0-9a-f]{17}/g, 'VPC')
      .replace(/:stack\/.*/, ':STACK')
      .replace(/\b\d{12}\b/g, 'ACCOUNT');
    const key = `${purposeOf(policy)}: ${action} on ${scope}`;
    counts.set(key, (counts.get(key) ?? 0) + times);
  }
  return counts;
}

const EC2 = 'arn:aws:ec2:us-east-1:ACCOUNT';
const IN_VPC = `${EC2}:route-table/*, ${EC2}:security-group/* if ec2:Vpc ArnEquals ${EC2}:vpc/VPC`;

/**
 * Unused in the rehearsal, but AWS may require them. The reference of CreateVpcPeeringConnection says: "Amazon GameLift Servers uses the caller's
 * credentials to update peer-VPC resources". If another account authorized the peering, the rehearsal uses that account's permissions instead.
 */
const REQUIRED_OF_CALLER = [
  `Connect: ec2:AcceptVpcPeeringConnection on ${EC2}:vpc-peering-connection/* if ec2:AccepterVpc ArnEquals ${EC2}:vpc/VPC`,
  `Connect: ec2:AcceptVpcPeeringConnection on ${EC2}:vpc/VPC`,
  `Connect: ec2:AuthorizeSecurityGroupEgress on ${IN_VPC}`,
  `Connect: ec2:AuthorizeSecurityGroupIngress on ${IN_VPC}`,
  `Connect: ec2:CreateRoute on ${IN_VPC}`,
  'Connect: ec2:DescribeRouteTables on *',
  'Connect: ec2:DescribeSecurityGroups on *',
];

describe('the permissions of the handler', () => {
  test('are all used in a life, or required by AWS', () => {
    const unused = [...countGrantUses()].filter(([, times]) => times === 0).map(([key]) => key);
    expect(unused.sort()).toEqual(REQUIRED_OF_CALLER);
  });

  test('come from every kind of policy', () => {
    const kinds = new Set([...countGrantUses().keys()].map((key) => key.split(':')[0]));
    expect([...kinds].sort().join(' ')).toBe(
      'Assume Authorize Connect Fleets FleetsAndTags Logs Peer Receive Renew ReportRenewals',
    );
  });
});

describe('permissions for tags', () => {
  const LIBRARY_TAG = 'cdk-gamelift-vpc-peering:test';

  /** Connects a fleet. Returns functions that change tags with the handler's permissions: of the fleet, its peering, or another peering. */
  async function createTagCallers(
    access: 'own' | 'role',
  ): Promise<Record<'onFleet' | 'onPeering' | 'onOtherPeering', (operation: string, ...keys: string[]) => Promise<unknown>>> {
    const rehearsal = await startFastRehearsal();
    const { aws, cloudFormation } = rehearsal;
    const vpcOwner = access === 'own' ? GAME : DATA;
    const vpcIds = createVpcs(rehearsal, vpcOwner, '10.90.0.0/16', '10.91.0.0/16');
    const otherVpcId = createVpcs(rehearsal, vpcOwner, '10.93.0.0/16')[0] ?? '';
    await connectByHand(rehearsal, vpcOwner, otherVpcId);
    const statuses = await deployAll(rehearsal, synthesizeGame({ access, vpcIds }));
    expect(new Set(statuses)).toEqual(new Set(['CREATE_COMPLETE']));
    const principalOf = ({ accessKeyId }: Credentials): Principal => {
      const principal = aws.iam.findSession(accessKeyId)?.principal;
      if (principal === undefined) {
        throw new Error(`the rehearsal has not issued the access key ${accessKeyId}`);
      }
      return principal;
    };
    const role = cloudFormation.describe('Game').resources.find(({ type }) => type === 'AWS::IAM::Role');
    const handler = principalOf(aws.iam.assumeRoleForService(String(role?.attributes.Arn), 'lambda.amazonaws.com', 'function'));
    const session =
      access === 'own'
        ? undefined
        : await aws.iam.assumeRole(handler, {
            roleArn: `arn:aws:iam::${DATA.account}:role/Peering0`,
            sessionName: 'session',
            durationSeconds: 900,
            externalId: EXTERNAL_ID,
            region,
          });
    const connections = aws.inventory().connections as readonly { fleetId: string; id: string; peerVpcId: string }[];
    const connection = connections.find(({ peerVpcId }) => peerVpcId === vpcIds[0]);
    const onPeeringOf =
      (vpcId: string | undefined) =>
      (operation: string, ...keys: string[]): Promise<unknown> => {
        const peering = aws.ec2.peerings.all().find(({ accepter }) => accepter.vpcId === vpcId);
        const named = Object.fromEntries(keys.map((key, index) => [`Tag.${index + 1}.Key`, key]));
        const principal = session?.principal ?? handler;
        return aws.call('ec2', operation, { 'ResourceId.1': peering?.id ?? '', ...named }, { principal, region });
      };
    const ResourceARN = `arn:aws:gamelift:${region}::fleet/${connection?.fleetId ?? ''}`;
    return {
      onFleet: (operation, ...keys) => {
        const named = operation === 'TagResource' ? { Tags: keys.map((Key) => ({ Key, Value: '' })) } : { TagKeys: keys };
        return aws.call('gamelift', operation, { ResourceARN, ...named }, { principal: handler, region });
      },
      onPeering: onPeeringOf(vpcIds[0]),
      onOtherPeering: onPeeringOf(otherVpcId),
    };
  }

  test.each(['own', 'role'] as const)(
    'the handler can set and remove only tags of this library (access to the VPC: %s)',
    async (access) => {
      const { onFleet, onPeering, onOtherPeering } = await createTagCallers(access);
      for (const operation of ['TagResource', 'UntagResource']) {
        await onFleet(operation, LIBRARY_TAG);
        for (const keys of [['owner'], [LIBRARY_TAG, 'owner'], ['Name'], []]) {
          await expect(onFleet(operation, ...keys)).rejects.toMatchObject({ name: 'AccessDeniedException' });
        }
      }
      for (const operation of ['CreateTags', 'DeleteTags']) {
        await onPeering(operation, LIBRARY_TAG, 'Name');
        for (const keys of [['owner'], [LIBRARY_TAG, 'owner'], []]) {
          await expect(onPeering(operation, ...keys)).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
        }
        // a peering that this library has neither created nor adopted
        await expect(onOtherPeering(operation, LIBRARY_TAG)).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
      }
    },
  );
});

describe('secrets', () => {
  test('response URLs, signatures, credentials and external ids are in no journal, log, response or message', () => {
    for (const recorder of recorders) {
      const { responseUrls, credentials, secrets, writtenText: text } = recorder;
      expect(responseUrls.length).toBeGreaterThan(0);
      expect(credentials.length).toBeGreaterThan(0);
      expect(recorder.sentResponses.length).toBeGreaterThan(0);
      expect(journalLinesFrom(recorder.rehearsal, 'lambda').length).toBeGreaterThan(0);
      expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
      expect(text).not.toContain('X-Amz-Signature');
      expect(text).not.toContain(EXTERNAL_ID);
    }
  });
});
