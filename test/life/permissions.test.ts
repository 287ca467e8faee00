import { Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { Rehearsal } from 'rehearsal';
import type { Credentials, Fault, Principal } from 'rehearsal/aws';
import { scopeOf } from 'rehearsal/report';
import { AuthorizationRenewal, PeeringRoutes, VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringRole } from '../../lib';
import type { IVpcPeeringAuthorization } from '../../lib';
import { kindOf } from '../policies';
import { expectNothingLeft, start } from './scene';
import { DAY, HOUR, Stage, synthesizeApp, journalLines } from './stage';

/*
 * A few lives that together use every permission. Then the tests check the use of each grant, and that no secret was written anywhere.
 */

const region = 'us-east-1';
const GAME = { account: '111111111111', region };
const DATA = { account: '222222222222', region };
const EXTERNAL_ID = 'studio-7f3a9';

/** How the stacks of the fleets get access to the account of the VPC. */
type Access = 'own' | 'role' | 'none';

interface Studio {
  readonly access: Access;
  /** The last VPC is for the fleet that is peered on creation. */
  readonly vpcIds: readonly string[];
  /** The index of the VPC that is connected. @default 0 */
  readonly peer?: number;
  readonly build?: string;
  readonly routes?: PeeringRoutes;
  readonly dnsResolution?: boolean;
  /** A fleet that was created and connected by hand. @default - none */
  readonly adopted?: { readonly fleetId: string; readonly adoptExisting: boolean };
}

function vpcOf(stack: Stack, vpcId: string): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, vpcId, { vpcId, availabilityZones: ['us-east-1a'] });
}

function fleetOf(stack: Stack, name: string, build: string): gamelift.CfnFleet {
  const server = new gamelift.CfnBuild(stack, `${name}Build`, {
    storageLocation: { bucket: 'b', key: `server-${build}.zip`, roleArn: 'arn:aws:iam::111111111111:role/r' },
  });
  return new gamelift.CfnFleet(stack, name, { name, buildId: server.ref, ec2InstanceType: 'c5.large' });
}

/** A connected fleet in stack Game, one that is peered on creation in stack PeeredOnCreation, and the peer roles in stack Data. */
function synthesizeStudio({ access, vpcIds, peer = 0, build = '1', routes, dnsResolution = false, adopted }: Studio): string {
  return synthesizeApp((app) => {
    const data = access === 'role' ? new Stack(app, 'Data', { env: DATA }) : undefined;
    const roles = vpcIds.map((vpcId, index) =>
      data === undefined
        ? undefined
        : new VpcPeeringRole(data, `Role${index}`, {
            vpc: vpcOf(data, vpcId),
            gameLiftAccount: GAME.account,
            externalId: EXTERNAL_ID,
            // the name that the CDK generates would change when the other stack no longer refers to the role
            roleName: `Peering${index}`,
          }),
    );
    const authorizationIn = (stack: Stack, vpcId: string): IVpcPeeringAuthorization => {
      const peerRole = roles[vpcIds.indexOf(vpcId)];
      const attributes = {
        vpc: vpcOf(stack, vpcId),
        peerVpcAccount: (access === 'own' ? GAME : DATA).account,
        ...(peerRole === undefined ? {} : { peerRole, externalId: EXTERNAL_ID }),
      };
      return access === 'none'
        ? VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Authorization', attributes)
        : new VpcPeeringAuthorization(stack, 'Authorization', attributes);
    };
    const game = new Stack(app, 'Game', { env: GAME });
    const authorization = authorizationIn(game, vpcIds[peer] ?? '');
    const options = { authorization, dnsResolution, ...(routes === undefined ? {} : { routes }) };
    new VpcPeeringConnection(game, 'Peering', { ...options, fleet: fleetOf(game, 'Connected', build) });
    if (adopted !== undefined) {
      const { fleetId, adoptExisting } = adopted;
      const fleet = gamelift.CfnFleet.fromFleetId(game, 'Adopted', fleetId);
      new VpcPeeringConnection(game, 'Adopting', { ...options, fleet, adoptExisting });
    }
    const peeredOnCreation = new Stack(app, 'PeeredOnCreation', { env: GAME });
    new VpcPeeringConnection(peeredOnCreation, 'Peering', {
      authorization: authorizationIn(peeredOnCreation, vpcIds.at(-1) ?? ''),
      fleet: fleetOf(peeredOnCreation, 'PeeredOnCreation', build),
      peerOnCreate: true,
      ...(routes === undefined ? {} : { routes }),
    });
  });
}

/** An authorization in the account of the VPC, renewed on a schedule. */
function synthesizeScheduledRenewal(vpcId: string): string {
  return synthesizeApp((app) => {
    const stack = new Stack(app, 'Data', { env: DATA });
    new VpcPeeringAuthorization(stack, 'Authorization', {
      vpc: vpcOf(stack, vpcId),
      gameLiftAccount: GAME.account,
      renewal: AuthorizationRenewal.scheduled(Duration.hours(12)),
    });
  });
}

const refusal = (name: string): Fault => ({ kind: 'error', name, message: 'Out of order', status: 400 });

async function deployAll(rehearsal: Rehearsal, assembly: string): Promise<string[]> {
  return (await rehearsal.cloudFormation.deployAll(assembly)).map(({ status }) => status);
}

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

async function authorize(rehearsal: Rehearsal, owner: typeof GAME, PeerVpcId: string): Promise<void> {
  const pair = { GameLiftAwsAccountId: GAME.account, PeerVpcId };
  await rehearsal.aws.callGameLift('CreateVpcPeeringAuthorization', pair, owner);
  // until the rate limit allows the next call
  await rehearsal.clock.sleep(10_000);
}

/** Creates and connects a fleet by hand. */
async function connectByHand(rehearsal: Rehearsal, owner: typeof GAME, vpcId: string): Promise<string> {
  const { fleets } = rehearsal.aws.gameLift;
  const fleet = fleets.create(GAME, { Name: 'by hand', ComputeType: 'EC2' }, new Map());
  fleets.activate(fleet, Promise.resolve(undefined));
  await rehearsal.clock.sleep(rehearsal.aws.scriptedOutcomes.fleetActivationSeconds * 1000 + 1000);
  await authorize(rehearsal, owner, vpcId);
  const connection = { FleetId: fleet.id, PeerVpcAwsAccountId: owner.account, PeerVpcId: vpcId };
  await rehearsal.aws.callGameLift('CreateVpcPeeringConnection', connection, GAME);
  await rehearsal.clock.sleep(HOUR);
  return fleet.id;
}

/**
 * Creates the stacks; adopts a connection of somebody else, owns it for a while, adopts it again, and removes its construct; replaces the
 * fleet by one with the same CIDR block; changes routes; changes the VPC; deletes after thirty days, first while GameLift refuses to authorize.
 */
async function wholeLife(rehearsal: Rehearsal, access: 'own' | 'role'): Promise<void> {
  const { aws, clock } = rehearsal;
  const owner = access === 'own' ? GAME : DATA;
  // the handler lists authorizations only if one can't be renewed
  aws.behaviours.set('authorizingAgain', 'InvalidRequestException');
  aws.scriptedOutcomes.fleet = ({ name }) => (name === 'Connected' ? { cidrBlock: '10.60.0.0/22' } : {});
  const vpcIds = createVpcs(rehearsal, owner, '10.90.0.0/16', '10.91.0.0/16', '10.92.0.0/16');
  const fleetId = await connectByHand(rehearsal, owner, vpcIds[0] ?? '');
  await clock.sleep(2 * DAY);
  const before = aws.inventory();
  const first = { access, vpcIds, dnsResolution: true };
  const stacks = access === 'own' ? 2 : 3;
  const expectSuccess = (statuses: readonly string[]): void => {
    expect(statuses).toHaveLength(stacks);
    expect(statuses.every((status) => /^(CREATE|UPDATE)_COMPLETE$/.test(status))).toBe(true);
  };
  for (const adoptExisting of [true, false, true]) {
    expectSuccess(await deployAll(rehearsal, synthesizeStudio({ ...first, adopted: { fleetId, adoptExisting } })));
  }
  await clock.sleep(10 * DAY);
  expectSuccess(await deployAll(rehearsal, synthesizeStudio({ ...first, build: '2' })));
  expectSuccess(await deployAll(rehearsal, synthesizeStudio({ ...first, build: '2', routes: PeeringRoutes.none() })));
  const last = synthesizeStudio({ ...first, build: '2', peer: 1 });
  expectSuccess(await deployAll(rehearsal, last));
  await clock.sleep(30 * DAY);
  const endFault = aws.intercept(({ operation }) =>
    operation === 'CreateVpcPeeringAuthorization' ? refusal('InvalidRequestException') : undefined,
  );
  expect(await deleteAll(rehearsal, last)).toEqual(['DELETE_FAILED']);
  endFault();
  expect(await deleteAll(rehearsal, last)).toEqual(Array.from({ length: stacks }, () => 'DELETE_COMPLETE'));
  await expectNothingLeft(rehearsal, before);
}

/** The authorization is made in the other account. One update and one deletion fail without it, and the first connection fails. */
async function lifeWithoutTrust(rehearsal: Rehearsal): Promise<void> {
  const { aws, clock } = rehearsal;
  const vpcIds = createVpcs(rehearsal, DATA, '10.90.0.0/16');
  const before = aws.inventory();
  const options = { access: 'none', vpcIds, routes: PeeringRoutes.none() } as const;
  const last = synthesizeStudio({ ...options, build: '2' });
  await authorize(rehearsal, DATA, vpcIds[0] ?? '');
  aws.scriptedOutcomes.connection = () => ({ end: 'failed' });
  expect(await deployAll(rehearsal, synthesizeStudio(options))).toEqual(['ROLLBACK_COMPLETE']);
  aws.scriptedOutcomes.connection = () => ({});
  expect(await deleteAll(rehearsal, last)).toEqual(['DELETE_COMPLETE']);
  expect(await deployAll(rehearsal, synthesizeStudio(options))).toEqual(['CREATE_COMPLETE', 'CREATE_COMPLETE']);
  await clock.sleep(10 * DAY);
  expect(await deployAll(rehearsal, last)).toEqual(['UPDATE_ROLLBACK_COMPLETE']);
  await authorize(rehearsal, DATA, vpcIds[0] ?? '');
  expect(await deployAll(rehearsal, last)).toEqual(['UPDATE_COMPLETE', 'UPDATE_COMPLETE']);
  await clock.sleep(30 * DAY);
  expect(await deleteAll(rehearsal, last)).toEqual(['DELETE_FAILED']);
  await authorize(rehearsal, DATA, vpcIds[0] ?? '');
  expect(await deleteAll(rehearsal, last)).toEqual(['DELETE_COMPLETE', 'DELETE_COMPLETE']);
  await expectNothingLeft(rehearsal, before);
}

/** Scheduled renewals, one of which fails and another is not delivered. */
async function scheduledLife(rehearsal: Rehearsal): Promise<void> {
  const { aws, clock, cloudFormation, lambda } = rehearsal;
  const [vpcId = ''] = createVpcs(rehearsal, DATA, '10.90.0.0/16');
  const before = aws.inventory();
  const assembly = synthesizeScheduledRenewal(vpcId);
  expect(await deployAll(rehearsal, assembly)).toEqual(['CREATE_COMPLETE']);
  const arnOf = (type: string): string => {
    const { resources } = cloudFormation.describe('Data');
    return String(resources.find((resource) => resource.type === type)?.attributes.Arn);
  };
  await clock.sleep(HOUR);
  const endFault = aws.intercept(({ operation }) =>
    operation === 'CreateVpcPeeringAuthorization' ? refusal('InternalServiceException') : undefined,
  );
  await clock.sleep(DAY / 2);
  endFault();
  const functionArn = arnOf('AWS::Lambda::Function');
  lambda.removeAlias(functionArn, 'renewals');
  await clock.sleep(DAY / 2);
  lambda.setAlias(functionArn, 'renewals', '$LATEST');
  const reports = aws.queues.messages(arnOf('AWS::SQS::Queue')).map(({ attributes }) => attributes.ERROR_CODE);
  expect(reports).toEqual([undefined, 'ResourceNotFoundException']);
  await clock.sleep(2 * DAY);
  expect(await deleteAll(rehearsal, assembly)).toEqual(['DELETE_COMPLETE']);
  await expectNothingLeft(rehearsal, before);
}

/** Records all secrets, and everything that is written or sent. */
class SecretRecorder {
  readonly responseUrls: string[] = [];
  readonly credentials: Credentials[] = [];
  readonly sentResponses: string[] = [];
  readonly messages: string[] = [];

  constructor(readonly rehearsal: Rehearsal) {
    const { responses, aws } = rehearsal;
    const issue = responses.issue.bind(responses);
    jest.spyOn(responses, 'issue').mockImplementation((request) => {
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

async function rehearse(life: (rehearsal: Rehearsal) => Promise<void>): Promise<void> {
  const rehearsal = await start();
  recorders.push(new SecretRecorder(rehearsal));
  await life(rehearsal);
}

beforeAll(async () => {
  await rehearse((rehearsal) => wholeLife(rehearsal, 'own'));
  await rehearse((rehearsal) => wholeLife(rehearsal, 'role'));
  await rehearse(lifeWithoutTrust);
  await rehearse(scheduledLife);
}, 180_000);

afterAll(async () => {
  jest.restoreAllMocks();
  await Stage.clear();
});

/** How often the lives used each grant, without ids and accounts. */
function countUses(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { policy, statement, action, uses: times } of recorders.flatMap(({ rehearsal }) => rehearsal.aws.iam.grants())) {
    const scope = scopeOf(statement)
      .replace(/vpc-[0-9a-f]{17}/g, 'VPC')
      .replace(/:stack\/.*/, ':STACK')
      .replace(/\b\d{12}\b/g, 'ACCOUNT');
    const key = `${kindOf(policy)}: ${action} on ${scope}`;
    counts.set(key, (counts.get(key) ?? 0) + times);
  }
  return counts;
}

const EC2 = 'arn:aws:ec2:us-east-1:ACCOUNT';
const IN_VPC = `${EC2}:route-table/*, ${EC2}:security-group/* if ec2:Vpc ArnEquals ${EC2}:vpc/VPC`;

/**
 * CreateVpcPeeringConnection: "Amazon GameLift Servers uses the caller's credentials to update peer-VPC resources". If another account
 * authorized the peering, the rehearsal uses the permissions of that account instead. AWS may check both.
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

describe('permissions', () => {
  test('grants only what a life uses or AWS requires of the caller', () => {
    const unused = [...countUses()].filter(([, times]) => times === 0).map(([key]) => key);
    expect(unused.sort()).toEqual(REQUIRED_OF_CALLER);
  });

  test('the lives contain every kind of policy', () => {
    const kinds = new Set([...countUses().keys()].map((key) => key.split(':')[0]));
    expect([...kinds].sort().join(' ')).toBe(
      'Assume Authorize Connect Fleets FleetsAndTags Logs Peer Receive Renew ReportRenewals',
    );
  });
});

describe('tags', () => {
  const OWN = 'cdk-gamelift-vpc-peering:test';

  /** Connects a fleet. Returns functions that change tags with the permissions of the handler. */
  async function createTagCallers(
    access: 'own' | 'role',
  ): Promise<Record<'onFleet' | 'onPeering' | 'onOther', (operation: string, ...keys: string[]) => Promise<unknown>>> {
    const rehearsal = await start();
    const { aws, cloudFormation } = rehearsal;
    const owner = access === 'own' ? GAME : DATA;
    const vpcIds = createVpcs(rehearsal, owner, '10.90.0.0/16', '10.91.0.0/16');
    const other = createVpcs(rehearsal, owner, '10.93.0.0/16')[0] ?? '';
    await connectByHand(rehearsal, owner, other);
    const statuses = await deployAll(rehearsal, synthesizeStudio({ access, vpcIds }));
    expect(new Set(statuses)).toEqual(new Set(['CREATE_COMPLETE']));
    const principalOf = ({ accessKeyId }: Credentials): Principal => {
      const principal = aws.iam.findSession(accessKeyId)?.principal;
      if (principal === undefined) {
        throw new Error('unknown credentials');
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
      onOther: onPeeringOf(other),
    };
  }

  test.each(['own', 'role'] as const)(
    'can be set and removed only if they belong to this library (access to the VPC: %s)',
    async (access) => {
      const { onFleet, onPeering, onOther } = await createTagCallers(access);
      for (const operation of ['TagResource', 'UntagResource']) {
        await onFleet(operation, OWN);
        for (const keys of [['owner'], [OWN, 'owner'], ['Name'], []]) {
          await expect(onFleet(operation, ...keys)).rejects.toMatchObject({ name: 'AccessDeniedException' });
        }
      }
      for (const operation of ['CreateTags', 'DeleteTags']) {
        await onPeering(operation, OWN, 'Name');
        for (const keys of [['owner'], [OWN, 'owner'], []]) {
          await expect(onPeering(operation, ...keys)).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
        }
        // a peering that this library has neither created nor adopted
        await expect(onOther(operation, OWN)).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
      }
    },
  );
});

describe('secrets', () => {
  test('no log, error, response, message or journal contains a response URL, signature, credential or external id', () => {
    for (const recorder of recorders) {
      const { responseUrls, credentials, secrets, writtenText: text } = recorder;
      expect(responseUrls.length).toBeGreaterThan(0);
      expect(credentials.length).toBeGreaterThan(0);
      expect(recorder.sentResponses.length).toBeGreaterThan(0);
      expect(journalLines(recorder.rehearsal, 'lambda').length).toBeGreaterThan(0);
      expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
      expect(text).not.toContain('X-Amz-Signature');
      expect(text).not.toContain(EXTERNAL_ID);
    }
  });
});
