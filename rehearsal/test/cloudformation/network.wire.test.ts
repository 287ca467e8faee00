import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, CfnOutput, Fn, Stack, Tags } from 'aws-cdk-lib';
import {
  CfnGatewayRouteTableAssociation,
  CfnInternetGateway,
  CfnRoute,
  CfnRouteTable,
  CfnVPC,
  CfnVPCCidrBlock,
  CfnVPCGatewayAttachment,
  CfnVPNGateway,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { CfnBuild, CfnFleet } from 'aws-cdk-lib/aws-gamelift';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import { Rehearsal } from '../../src/index';
import { reasons } from '../assembly';

const ACCOUNT = '111111111111';
const DAY = 24 * 3600 * 1000;

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
});
afterEach(() => rehearsal.close());

const deploy = (addResources: (stack: Stack) => void) => {
  const app = new App({ outdir: mkdtempSync(path.join(tmpdir(), 'rehearsal-network-')), analyticsReporting: false });
  addResources(new Stack(app, 'Stack'));
  return rehearsal.cloudFormation.deploy(app.synth().directory, 'Stack');
};
const deleteStack = () => rehearsal.cloudFormation.delete('Stack');
const physicalIdOf = (type: string) =>
  rehearsal.cloudFormation.describe('Stack').resources.find((resource) => resource.type === type)?.physicalId;

interface FleetOptions {
  /** The S3 key of the build: another key replaces the build. */
  readonly buildKey?: string;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly peerVpcId?: string;
}

function addFleet(
  stack: Stack,
  { buildKey = 'one', description = 'a fleet', tags = {}, peerVpcId }: FleetOptions = {},
): CfnFleet {
  const role = new Role(stack, 'Uploads', { assumedBy: new ServicePrincipal('gamelift.amazonaws.com') });
  const storageLocation = { bucket: 'bucket', key: buildKey, roleArn: role.roleArn };
  return new CfnFleet(stack, 'Fleet', {
    name: 'fleet',
    description,
    buildId: new CfnBuild(stack, 'Build', { operatingSystem: 'AMAZON_LINUX_2023', storageLocation }).ref,
    ec2InstanceType: 'c5.large',
    tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
    ...(peerVpcId === undefined ? {} : { peerVpcId, peerVpcAwsAccountId: stack.account }),
  });
}

/** Adds an AwsCustomResource of the CDK that calls GameLift. */
function addGameLiftCall(stack: Stack, id: string, action: string, parameters: object): AwsCustomResource {
  return new AwsCustomResource(stack, id, {
    onCreate: { service: 'GameLift', action, parameters, physicalResourceId: PhysicalResourceId.of(id) },
    installLatestAwsSdk: false,
    policy: AwsCustomResourcePolicy.fromSdkCalls({ resources: AwsCustomResourcePolicy.ANY_RESOURCE }),
  });
}

/** Adds a VPC, a fleet, and custom resources that authorize and request a connection between them. */
function addPeeredFleet(stack: Stack): void {
  const vpc = new Vpc(stack, 'Vpc', {
    maxAzs: 2,
    natGateways: 0,
    subnetConfiguration: [{ name: 'Own', subnetType: SubnetType.PRIVATE_ISOLATED }],
  });
  const authorization = addGameLiftCall(stack, 'Authorization', 'createVpcPeeringAuthorization', {
    GameLiftAwsAccountId: stack.account,
    PeerVpcId: vpc.vpcId,
  });
  const fleet = addFleet(stack);
  fleet.node.addDependency(authorization);
  addGameLiftCall(stack, 'Connection', 'createVpcPeeringConnection', {
    FleetId: fleet.ref,
    PeerVpcAwsAccountId: stack.account,
    PeerVpcId: vpc.vpcId,
  });
}

test('a stack with a fleet whose connection failed can be deleted within a day', async () => {
  // lets the function authorize, although it has no EC2 permissions
  rehearsal.aws.behaviours.set('peerPermissions', 'not checked');
  const before = rehearsal.aws.inventory();
  expect((await deploy(addPeeredFleet)).status).toBe('CREATE_COMPLETE');
  await rehearsal.clock.sleep(60_000);
  // GameLift tried to accept the connection with the permissions of the function, but they do not allow it
  expect(rehearsal.aws.gameLift.connections.list().map(({ peering }) => peering.status)).toEqual([
    { code: 'failed', message: expect.stringContaining('not authorized to perform: ec2:AcceptVpcPeeringConnection') as unknown },
  ]);
  expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
  // a day later, GameLift and EC2 no longer list the failed connection, and the authorization has expired
  await rehearsal.clock.sleep(DAY);
  // Lambda created the log group of the function of AwsCustomResource (AWS679f53fac…), and no stack deletes it
  const logGroups = [expect.objectContaining({ name: expect.stringMatching(/^\/aws\/lambda\/Stack-AWS679f53fac/) as unknown })];
  expect(rehearsal.aws.inventory()).toEqual({ ...before, logGroups });
});

test('a stack whose fleet names a peer VPC can be deleted a day later only with a new authorization', async () => {
  const place = { account: ACCOUNT, region: 'us-east-1' };
  const { vpcId } = rehearsal.aws.ec2.createVpc({ ...place, cidrBlock: '10.0.0.0/16' });
  const authorization = { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: vpcId };
  const addFleetWithPeerVpc = (stack: Stack) => addFleet(stack, { peerVpcId: vpcId });
  expect((await deploy(addFleetWithPeerVpc)).status).toBe('ROLLBACK_COMPLETE');
  expect(reasons(rehearsal, 'CREATE_FAILED')).toContain(
    `Resource handler returned message: "There is no valid VPC peering authorization for ${vpcId}. ` +
      '(Service: GameLift, Status Code: 400, Error Code: UnauthorizedException)"',
  );
  await deleteStack();
  await rehearsal.aws.callGameLift('CreateVpcPeeringAuthorization', authorization, place);
  expect((await deploy(addFleetWithPeerVpc)).status).toBe('CREATE_COMPLETE');
  expect(rehearsal.aws.inventory().peerings).toMatchObject([{ status: 'active', accepter: vpcId }]);
  await rehearsal.clock.sleep(DAY);
  expect((await deleteStack()).status).toBe('DELETE_FAILED');
  await rehearsal.aws.callGameLift('CreateVpcPeeringAuthorization', authorization, place);
  expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
  expect(rehearsal.aws.inventory()).toMatchObject({ fleets: [], peerings: [], routes: [] });
});

describe('a fleet', () => {
  const fleets = () => rehearsal.aws.inventory().fleets;

  test.each(['kept', 'removed'] as const)('is updated in place, and tags that the stack did not add are %s', async (reading) => {
    rehearsal.aws.behaviours.set('foreignFleetTags', reading);
    await deploy((stack) => addFleet(stack, { tags: { team: '1', stage: '2' } }));
    const id = physicalIdOf('AWS::GameLift::Fleet');
    rehearsal.aws.gameLift.fleets.all().forEach(({ tags }) => tags.set('foreign', 'x'));
    expect((await deploy((stack) => addFleet(stack, { description: 'new', tags: { team: '3' } }))).status).toBe(
      'UPDATE_COMPLETE',
    );
    const foreign = reading === 'kept' ? { foreign: 'x' } : {};
    expect(fleets()).toEqual([expect.objectContaining({ id, Description: 'new', tags: { team: '3', ...foreign } })]);
  });

  test('is replaced when its build is replaced', async () => {
    await deploy((stack) => addFleet(stack));
    const [fleet, build] = [physicalIdOf('AWS::GameLift::Fleet'), physicalIdOf('AWS::GameLift::Build')];
    expect((await deploy((stack) => addFleet(stack, { buildKey: 'two' }))).status).toBe('UPDATE_COMPLETE');
    expect(physicalIdOf('AWS::GameLift::Build')).not.toBe(build);
    expect(physicalIdOf('AWS::GameLift::Fleet')).not.toBe(fleet);
    expect(fleets()).toMatchObject([{ id: physicalIdOf('AWS::GameLift::Fleet'), status: 'ACTIVE' }]);
  });

  test('that ends in ERROR fails its stack, and is deleted', async () => {
    rehearsal.aws.scriptedOutcomes.fleet = () => ({ end: 'error' });
    expect((await deploy((stack) => addFleet(stack))).status).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toContain(' did not stabilize: ERROR" (HandlerErrorCode: NotStabilized)');
    expect(fleets()).toEqual([]);
  });

  test('that never becomes ACTIVE fails its stack after a timeout', async () => {
    rehearsal.aws.scriptedOutcomes.fleet = () => ({ end: 'hang' });
    expect((await deploy((stack) => addFleet(stack))).status).toBe('ROLLBACK_FAILED');
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toContain(' did not stabilize: ACTIVATING"');
  });

  test('whose creation is canceled is deleted as soon as it is ACTIVE', async () => {
    const { status } = await deploy((stack) => {
      addFleet(stack);
      new CfnRoute(stack, 'Broken', { routeTableId: 'rtb-0', destinationCidrBlock: '0.0.0.0/0', gatewayId: 'igw-0' });
    });
    expect(status).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')).toContain('Resource creation cancelled');
    expect(fleets()).toEqual([]);
  });

  test('can be created at the same time as seven others', async () => {
    // GameLift creates only four fleets at once: CloudFormation retries the throttled calls
    const { status } = await deploy((stack) => {
      for (let number = 0; number < 8; number++) {
        new CfnFleet(stack, `Fleet${number}`, { name: 'fleet', buildId: 'build-1', ec2InstanceType: 'c5.large' });
      }
    });
    expect(status).toBe('CREATE_COMPLETE');
    expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
    expect(fleets()).toEqual([]);
  });
});

test('a VPC of the CDK with public subnets is created, updated and deleted', async () => {
  const before = rehearsal.aws.inventory();
  const networkWith =
    (port: number, cidr: string) =>
    (stack: Stack): void => {
      const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 1 });
      new CfnVPCCidrBlock(stack, 'Secondary', { vpcId: vpc.vpcId, cidrBlock: cidr });
      const [ownGroup, otherGroup] = ['Own', 'Other'].map(
        (id) => new SecurityGroup(stack, id, { vpc, allowAllOutbound: id === 'Own' }),
      );
      ownGroup?.addIngressRule(Peer.ipv4('10.192.0.0/20'), Port.tcp(port));
      // `true` makes the rule a resource of its own
      otherGroup?.addIngressRule(ownGroup ?? Peer.anyIpv4(), Port.tcp(port), undefined, true);
      otherGroup?.addEgressRule(Peer.ipv4(cidr), Port.allTraffic());
      Tags.of(vpc).add('team', String(port));
      new CfnOutput(stack, 'DefaultGroup', { value: vpc.vpcDefaultSecurityGroup });
      new CfnOutput(stack, 'Blocks', { value: Fn.select(0, vpc.vpcCidrBlockAssociations) });
    };
  const creation = await deploy(networkWith(5432, '10.1.0.0/16'));
  expect(creation).toMatchObject({
    status: 'CREATE_COMPLETE',
    outputs: {
      DefaultGroup: expect.stringMatching(/^sg-/) as unknown,
      Blocks: expect.stringMatching(/^vpc-cidr-assoc-/) as unknown,
    },
  });
  const { vpcs, subnets, routes, rules } = rehearsal.aws.inventory(ACCOUNT);
  expect(vpcs).toMatchObject([{ cidrBlocks: ['10.0.0.0/16', '10.1.0.0/16'] }]);
  expect(subnets).toHaveLength(4);
  expect(routes).toHaveLength(4);
  expect(routes).toContainEqual(expect.objectContaining({ destination: '0.0.0.0/0', kind: 'gatewayId', state: 'active' }));
  expect(rules).toContainEqual(expect.objectContaining({ protocol: 'tcp', fromPort: 5432, toPort: 5432, peer: '10.192.0.0/20' }));

  expect((await deploy(networkWith(3306, '10.1.0.0/16'))).status).toBe('UPDATE_COMPLETE');
  const inventoryAfterUpdate = rehearsal.aws.inventory(ACCOUNT);
  expect(inventoryAfterUpdate.rules).not.toContainEqual(expect.objectContaining({ fromPort: 5432 }));
  expect(inventoryAfterUpdate.rules).toHaveLength(rules.length);
  expect(inventoryAfterUpdate.tags).toContainEqual(expect.objectContaining({ key: 'team', value: '3306' }));
  expect((await deploy(networkWith(3306, '10.2.0.0/16'))).status).toBe('UPDATE_COMPLETE');
  expect(rehearsal.aws.inventory(ACCOUNT).vpcs).toMatchObject([{ cidrBlocks: ['10.0.0.0/16', '10.2.0.0/16'] }]);
  expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
  expect(rehearsal.aws.inventory()).toEqual(before);
});

describe('a gateway route table', () => {
  const gateways = { igw: CfnInternetGateway, vgw: CfnVPNGateway };

  interface GatewayTableOptions {
    readonly kind: keyof typeof gateways;
    readonly destinationCidrBlock?: string;
    /** Which of the two route tables is associated with the gateway. */
    readonly table?: 0 | 1;
  }

  function addGatewayTable(stack: Stack, { kind, destinationCidrBlock = '10.0.1.0/24', table = 0 }: GatewayTableOptions): void {
    const vpcId = new CfnVPC(stack, 'Vpc', { cidrBlock: '10.0.0.0/16' }).ref;
    const gatewayId = new gateways[kind](stack, 'Gateway', { type: 'ipsec.1' }).ref;
    const attachment = new CfnVPCGatewayAttachment(stack, 'Attachment', {
      vpcId,
      ...(kind === 'igw' ? { internetGatewayId: gatewayId } : { vpnGatewayId: gatewayId }),
    });
    const tables = [0, 1].map((number) => new CfnRouteTable(stack, `Table${number}`, { vpcId }).ref);
    const routeTableId = tables[table] ?? '';
    const association = new CfnGatewayRouteTableAssociation(stack, 'Association', { gatewayId, routeTableId });
    association.node.addDependency(attachment);
    new CfnRoute(stack, 'Route', { routeTableId, destinationCidrBlock, networkInterfaceId: 'eni-1' }).node.addDependency(
      association,
    );
    new CfnOutput(stack, 'Out', { value: association.attrAssociationId });
  }

  test.each(['igw', 'vgw'] as const)(
    'is associated with a gateway (%s), replaced by another table, and deleted',
    async (kind) => {
      const before = rehearsal.aws.inventory();
      const created = await deploy((stack) => {
        addGatewayTable(stack, { kind });
      });
      expect(created).toMatchObject({
        status: 'CREATE_COMPLETE',
        outputs: { Out: expect.stringMatching(/^rtbassoc-/) as unknown },
      });
      const gatewayId = physicalIdOf('AWS::EC2::GatewayRouteTableAssociation');
      const tablesWithGateway = () =>
        rehearsal.aws.ec2.tablesOf(physicalIdOf('AWS::EC2::VPC') ?? '').filter(({ associations }) => associations.size > 0);
      const [table] = tablesWithGateway();
      expect([...(table?.associations.values() ?? [])]).toEqual([gatewayId]);
      const updated = await deploy((stack) => {
        addGatewayTable(stack, { kind, table: 1 });
      });
      expect(updated.status).toBe('UPDATE_COMPLETE');
      expect(physicalIdOf('AWS::EC2::GatewayRouteTableAssociation')).toBe(gatewayId);
      expect(tablesWithGateway()).toHaveLength(1);
      expect(tablesWithGateway()[0]).not.toBe(table);
      expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
      expect(rehearsal.aws.inventory()).toEqual(before);
    },
  );

  test('cannot have a route to a CIDR block outside of its VPC', async () => {
    await deploy((stack) => {
      addGatewayTable(stack, { kind: 'igw', destinationCidrBlock: '10.192.0.0/20' });
    });
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([
      expect.stringMatching(/^The destination CIDR block 10\.192\.0\.0\/20 is not allowed: the gateway route table rtb-\w+ can /),
    ]);
  });
});

test("the CDK's handler that restricts default security groups works unmodified", async () => {
  const addRestrictedVpc = (stack: Stack): void => {
    new Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0, restrictDefaultSecurityGroup: true });
  };
  expect((await deploy(addRestrictedVpc)).status).toBe('CREATE_COMPLETE');
  expect(rehearsal.aws.inventory().rules).toEqual([]);
  expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
});

test('a VPC that is still in use is not deleted', async () => {
  await deploy((stack) => {
    new CfnVPC(stack, 'Vpc', { cidrBlock: '10.0.0.0/16' });
  });
  const vpcId = physicalIdOf('AWS::EC2::VPC') ?? '';
  rehearsal.aws.ec2.createRouteTable({ account: ACCOUNT, region: 'us-east-1' }, vpcId);
  expect((await deleteStack()).status).toBe('DELETE_FAILED');
  expect(reasons(rehearsal, 'DELETE_FAILED')[0]).toBe(`The vpc '${vpcId}' has dependencies and cannot be deleted.`);
});
