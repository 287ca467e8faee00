import {
  CreateRouteCommand,
  CreateTagsCommand,
  DeleteRouteCommand,
  DeleteTagsCommand,
  DeleteVpcPeeringConnectionCommand,
  DescribeRouteTablesCommand,
  DescribeTagsCommand,
  DescribeVpcPeeringConnectionsCommand,
  EC2Client,
  ModifyVpcPeeringConnectionOptionsCommand,
  paginateDescribeRouteTables,
  ReplaceRouteCommand,
} from '@aws-sdk/client-ec2';
import { PeeringWorld } from '../peering-world';
import { allow, clientConfig, GAMELIFT_ACCOUNT, policy, REGION, sessionOf, VPC_ACCOUNT } from '../world';

const PLACE = { account: VPC_ACCOUNT, region: REGION };
const BLOCK = '10.192.0.0/20';

let stage: PeeringWorld;
let id: string;
let fleetId: string;
let tableId: string;

beforeEach(async () => {
  stage = await PeeringWorld.start();
  stage.aws.behaviours.set('peerVpcWrites', 'none');
  await stage.world.clock.work(async () => {
    const peered = await stage.peer();
    fleetId = peered.fleetId;
    id = peered.connection.VpcPeeringConnectionId ?? '';
  });
  tableId = stage.aws.ec2.createRouteTable(PLACE, stage.vpcId);
});

afterEach(() => stage.close());

function create(
  input: { VpcPeeringConnectionId?: string; GatewayId?: string; DestinationCidrBlock?: string } = {},
): Promise<unknown> {
  const target = 'GatewayId' in input ? {} : { VpcPeeringConnectionId: id };
  return stage.ec2.send(new CreateRouteCommand({ RouteTableId: tableId, DestinationCidrBlock: BLOCK, ...target, ...input }));
}

async function tables(...Filters: { Name: string; Values: string[] }[]): Promise<(string | undefined)[]> {
  const { RouteTables } = await stage.ec2.send(new DescribeRouteTablesCommand({ Filters }));
  return RouteTables?.map(({ RouteTableId }) => RouteTableId) ?? [];
}

describe('routes', () => {
  test('are created, replaced and deleted', async () => {
    await create();
    await expect(create()).rejects.toMatchObject({
      name: 'RouteAlreadyExists',
      message: `The route identified by ${BLOCK} already exists.`,
    });
    const route = { RouteTableId: tableId, DestinationCidrBlock: BLOCK };
    await stage.ec2.send(new ReplaceRouteCommand({ ...route, GatewayId: 'vgw-1' }));
    const { RouteTables } = await stage.ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [tableId] }));
    expect(RouteTables?.[0]?.Routes).toEqual([
      { DestinationCidrBlock: '10.0.0.0/16', GatewayId: 'local', Origin: 'CreateRouteTable', State: 'active' },
      { DestinationCidrBlock: BLOCK, GatewayId: 'vgw-1', Origin: 'CreateRoute', State: 'active' },
    ]);
    await stage.ec2.send(new DeleteRouteCommand(route));
    await expect(stage.ec2.send(new DeleteRouteCommand(route))).rejects.toMatchObject({
      name: 'InvalidRoute.NotFound',
      message: `no route with destination-cidr-block ${BLOCK} in route table ${tableId}`,
    });
    await expect(stage.ec2.send(new ReplaceRouteCommand({ ...route, GatewayId: 'vgw-1' }))).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    });
  });

  test('become black holes with their connection', async () => {
    await create();
    const state = () => stage.aws.inventory(VPC_ACCOUNT).routes;
    expect(state()).toMatchObject([{ target: id, state: 'active' }]);
    await stage.ec2.send(new DeleteVpcPeeringConnectionCommand({ VpcPeeringConnectionId: id }));
    expect(state()).toMatchObject([{ target: id, state: 'blackhole' }]);
    await expect(create({ DestinationCidrBlock: '10.193.0.0/20' })).rejects.toMatchObject({
      name: 'InvalidVpcPeeringConnectionID.NotFound',
    });
  });

  test('are no more than 50 in a table', async () => {
    for (let number = 0; number < 50; number++) {
      await create({ DestinationCidrBlock: `10.193.${number}.0/24` });
    }
    await expect(create()).rejects.toMatchObject({ name: 'RouteLimitExceeded' });
  });

  test.each([
    [{ VpcPeeringConnectionId: 'pcx-0123456789abcdef0' }, 'InvalidVpcPeeringConnectionID.NotFound'],
    [{ VpcPeeringConnectionId: undefined }, 'InvalidParameterCombination'],
    [{ DestinationCidrBlock: '10.0.0.0/16' }, 'RouteAlreadyExists'],
  ])('are refused with %j', async (input, name) => {
    await expect(create(input)).rejects.toMatchObject({ name });
  });

  test('are changed with permission in their VPC only', async () => {
    const arn = `arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:route-table/*`;
    const inVpc = (vpcId: string) =>
      policy(allow('ec2:CreateRoute', arn, { ArnEquals: { 'ec2:Vpc': `arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:vpc/${vpcId}` } }));
    const attempt = (vpcId: string, role: string) => {
      const client = new EC2Client(clientConfig(stage.aws, sessionOf(stage.aws, inVpc(vpcId), role).credentials));
      return client.send(
        new CreateRouteCommand({ RouteTableId: tableId, DestinationCidrBlock: BLOCK, VpcPeeringConnectionId: id }),
      );
    };
    await expect(attempt('vpc-0', 'Other')).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
    await attempt(stage.vpcId, 'Own');
  });
});

describe('route tables', () => {
  test('are found by VPC, subnet, role and connection', async () => {
    const subnet = { vpcId: stage.vpcId, cidrBlock: '10.0.0.0/24', availabilityZone: 'us-east-1a' };
    const subnetId = stage.aws.ec2.createSubnet(PLACE, subnet);
    stage.aws.ec2.associateSubnet(PLACE, tableId, subnetId);
    await create();
    const main = stage.aws.ec2.vpc(PLACE, stage.vpcId).mainRouteTableId;
    expect(await tables({ Name: 'vpc-id', Values: [stage.vpcId] })).toEqual([main, tableId]);
    expect(await tables({ Name: 'association.main', Values: ['true'] })).toEqual([main]);
    expect(await tables({ Name: 'association.subnet-id', Values: [subnetId] })).toEqual([tableId]);
    expect(await tables({ Name: 'route.vpc-peering-connection-id', Values: [id] })).toEqual([tableId]);
    expect(await tables({ Name: 'vpc-id', Values: ['vpc-*'] }, { Name: 'association.main', Values: ['false'] })).toEqual([
      tableId,
    ]);
  });

  describe('of a gateway', () => {
    let gatewayId: string;

    beforeEach(() => {
      gatewayId = stage.aws.ec2.createGateway(PLACE, 'igw');
      stage.aws.ec2.attachGateway(PLACE, gatewayId, stage.vpcId);
    });

    const associate = () => stage.aws.ec2.associateGateway(PLACE, tableId, gatewayId);
    const refusal = (destination: string) =>
      `The destination CIDR block ${destination} is not allowed: the gateway route table ${tableId} can have routes only to CIDR ` +
      'blocks inside its VPC.';

    test('show the gateway, and are found by it', async () => {
      const associationId = associate();
      const [table] = (await stage.ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [tableId] }))).RouteTables ?? [];
      expect(table?.Associations).toEqual([
        {
          RouteTableAssociationId: associationId,
          RouteTableId: tableId,
          GatewayId: gatewayId,
          Main: false,
          AssociationState: { State: 'associated' },
        },
      ]);
      expect(await tables({ Name: 'association.gateway-id', Values: [gatewayId] })).toEqual([tableId]);
      expect(await tables({ Name: 'association.subnet-id', Values: ['*'] })).toEqual([]);
    });

    test('take only routes inside the VPC, to a network interface or an endpoint', async () => {
      associate();
      await expect(create()).rejects.toMatchObject({ name: 'InvalidParameterValue', message: refusal(BLOCK) });
      const inside = { RouteTableId: tableId, DestinationCidrBlock: '10.0.0.0/24' };
      const wrongTarget = {
        name: 'InvalidParameterValue',
        message:
          "The destination CIDR block 10.0.0.0/24 is equal to or more specific than one of this VPC's CIDR blocks. This route can " +
          'target only an interface or an instance.',
      };
      await expect(create({ DestinationCidrBlock: '10.0.0.0/24' })).rejects.toMatchObject(wrongTarget);
      await stage.ec2.send(new CreateRouteCommand({ ...inside, NetworkInterfaceId: 'eni-1' }));
      const toPeering = new ReplaceRouteCommand({ ...inside, VpcPeeringConnectionId: id });
      await expect(stage.ec2.send(toPeering)).rejects.toMatchObject(wrongTarget);
      await stage.ec2.send(new ReplaceRouteCommand({ ...inside, VpcEndpointId: 'vpce-1' }));
      const [table] = (await stage.ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [tableId] }))).RouteTables ?? [];
      expect(table?.Routes?.slice(1)).toEqual([
        { DestinationCidrBlock: '10.0.0.0/24', GatewayId: 'vpce-1', Origin: 'CreateRoute', State: 'active' },
      ]);
    });

    test('take any route again once the gateway is disassociated', async () => {
      stage.aws.ec2.disassociate(PLACE, tableId, associate());
      await create();
      expect(stage.aws.ec2.routeTable(PLACE, tableId).routes.size).toBe(1);
    });

    test('cannot be made of a table with another route, of two tables, or with a gateway of another network', async () => {
      await create();
      expect(associate).toThrow(refusal(BLOCK));
      await stage.ec2.send(new DeleteRouteCommand({ RouteTableId: tableId, DestinationCidrBlock: BLOCK }));
      associate();
      tableId = stage.aws.ec2.createRouteTable(PLACE, stage.vpcId);
      expect(associate).toThrow(`the specified association for route table ${tableId} conflicts with an existing association`);
      gatewayId = stage.aws.ec2.createGateway(PLACE, 'vgw');
      expect(associate).toThrow(`route table ${tableId} and network gateway ${gatewayId} belong to different networks`);
    });
  });

  test('come in pages', async () => {
    for (let number = 0; number < 10; number++) {
      stage.aws.ec2.createRouteTable(PLACE, stage.vpcId);
    }
    const pages: (number | undefined)[] = [];
    for await (const page of paginateDescribeRouteTables({ client: stage.ec2, pageSize: 5 }, {})) {
      pages.push(page.RouteTables?.length);
    }
    expect(pages).toEqual([5, 5, 2]);
  });
});

describe('a peering connection', () => {
  const modify = (side: 'Accepter' | 'Requester', client = stage.ec2) =>
    client.send(
      new ModifyVpcPeeringConnectionOptionsCommand({
        VpcPeeringConnectionId: id,
        [`${side}PeeringConnectionOptions`]: { AllowDnsResolutionFromRemoteVpc: true },
      }),
    );

  test('resolves names once its owner says so, on that side, while it is active', async () => {
    const options = async () => (await stage.peerings())[0]?.AccepterVpcInfo?.PeeringOptions?.AllowDnsResolutionFromRemoteVpc;
    expect(await options()).toBe(false);
    await modify('Accepter', stage.ec2);
    expect(await options()).toBe(true);
    await expect(modify('Requester', stage.ec2)).rejects.toMatchObject({ name: 'OperationNotPermitted' });
    await stage.ec2.send(new DeleteVpcPeeringConnectionCommand({ VpcPeeringConnectionId: id }));
    await expect(modify('Accepter', stage.ec2)).rejects.toMatchObject({
      name: 'OperationNotPermitted',
      message: `Peering ${id} is not active. Peering options can be added only to active peerings.`,
    });
    await expect(stage.ec2.send(new DeleteVpcPeeringConnectionCommand({ VpcPeeringConnectionId: id }))).rejects.toMatchObject({
      name: 'InvalidStateTransition',
    });
  });

  test.each([
    ['accepter-vpc-info.vpc-id', () => stage.vpcId, 1],
    ['requester-vpc-info.vpc-id', () => stage.vpcId, 0],
    ['status-code', () => 'active', 1],
    ['status-code', () => 'failed', 0],
    ['tag:Name', () => 'mine', 1],
    ['tag-key', () => 'Name', 1],
    ['tag:Name', () => 'other', 0],
  ])('is found by %s (case %#)', async (Name, value, count) => {
    await stage.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'Name', Value: 'mine' }] }));
    const command = new DescribeVpcPeeringConnectionsCommand({ Filters: [{ Name, Values: [value()] }] });
    expect((await stage.ec2.send(command)).VpcPeeringConnections).toHaveLength(count);
  });

  test('is not seen by others, and is gone hours after its end', async () => {
    const other = new EC2Client(clientConfig(stage.aws, stage.aws.iam.administrator(GAMELIFT_ACCOUNT)));
    const command = new DescribeVpcPeeringConnectionsCommand({ VpcPeeringConnectionIds: [id] });
    await expect(other.send(command)).rejects.toMatchObject({
      name: 'InvalidVpcPeeringConnectionID.NotFound',
      message: `The vpcPeeringConnection ID '${id}' does not exist`,
    });
    await stage.world.clock.work(async () => {
      await stage.authorize();
      await stage.deleteFleet(fleetId);
      expect((await stage.peerings())[0]?.Status?.Code).toBe('deleted');
      await stage.wait(2 * 3600);
      expect(await stage.peerings()).toEqual([]);
    });
  });
});

describe('tags', () => {
  const tags = async () => {
    const { Tags } = await stage.ec2.send(new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: [id] }] }));
    return Tags?.map(({ Key, Value, ResourceType }) => `${ResourceType ?? ''} ${Key ?? ''}=${Value ?? ''}`);
  };
  const create = (Key: string, Value = '') => stage.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key, Value }] }));

  test('are set, overwritten and removed', async () => {
    await create('a', '1');
    await create('a', '2');
    await create('b');
    expect(await tags()).toEqual(['vpc-peering-connection a=2', 'vpc-peering-connection b=']);
    expect((await stage.peerings())[0]?.Tags).toContainEqual({ Key: 'a', Value: '2' });
    await stage.ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: 'a', Value: '1' }, { Key: 'b' }] }));
    expect(await tags()).toEqual(['vpc-peering-connection a=2']);
    await stage.ec2.send(new DeleteTagsCommand({ Resources: [id] }));
    expect(await tags()).toEqual([]);
  });

  test('are bounded, and not for what is absent', async () => {
    await expect(create('aws:mine')).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    await expect(create('k'.repeat(128))).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    const Tags = Array.from({ length: 51 }, (_, index) => ({ Key: String(index), Value: '' }));
    await expect(stage.ec2.send(new CreateTagsCommand({ Resources: [id], Tags }))).rejects.toMatchObject({
      name: 'TagLimitExceeded',
    });
    const absent = new CreateTagsCommand({ Resources: ['pcx-0123456789abcdef0'], Tags: [{ Key: 'a', Value: '' }] });
    await expect(stage.ec2.send(absent)).rejects.toMatchObject({ name: 'InvalidVpcPeeringConnectionID.NotFound' });
  });

  describe('with a condition', () => {
    const arn = `arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:vpc-peering-connection/*`;
    const denied = { name: 'UnauthorizedOperation' };
    const under = (conditions: object): EC2Client => {
      const document = policy(allow(['ec2:CreateTags', 'ec2:DeleteTags'], arn, conditions));
      return new EC2Client(clientConfig(stage.aws, sessionOf(stage.aws, document).credentials));
    };
    const named = (keys: readonly string[]) => ({ Resources: [id], Tags: keys.map((Key) => ({ Key, Value: '' })) });

    test('on their keys: all that a request names have to be allowed, and one that names none, which removes all, is not', async () => {
      const client = under({
        'ForAllValues:StringLike': { 'aws:TagKeys': ['Name', 'peering:*'] },
        Null: { 'aws:TagKeys': 'false' },
      });
      await create('owner', 'mine');
      await client.send(new CreateTagsCommand(named(['Name', 'peering:fleet'])));
      await expect(client.send(new CreateTagsCommand(named(['Name', 'owner'])))).rejects.toMatchObject(denied);
      await expect(client.send(new DeleteTagsCommand(named(['Name', 'owner'])))).rejects.toMatchObject(denied);
      await expect(client.send(new DeleteTagsCommand({ Resources: [id] }))).rejects.toMatchObject(denied);
      await client.send(new DeleteTagsCommand(named(['Name', 'peering:fleet'])));
      expect(await tags()).toEqual(['vpc-peering-connection owner=mine']);
    });

    test('on the VPC: known for those who set them, and not for those who remove them', async () => {
      const vpcArn = `arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:vpc/${stage.vpcId}`;
      const client = under({ ArnEquals: { 'ec2:AccepterVpc': vpcArn } });
      await client.send(new CreateTagsCommand(named(['Name'])));
      await expect(client.send(new DeleteTagsCommand(named(['Name'])))).rejects.toMatchObject(denied);
    });

    test('on their tags: known for those who set them, and for those who remove them', async () => {
      await create('owner', 'mine');
      const client = under({
        StringEquals: { 'ec2:ResourceTag/owner': 'mine', 'aws:ResourceTag/owner': 'mine', 'ec2:Region': REGION },
      });
      await client.send(new CreateTagsCommand(named(['Name'])));
      await client.send(new DeleteTagsCommand(named(['Name'])));
    });
  });

  test('need permission for connections of that VPC', async () => {
    const arn = `arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:vpc-peering-connection/*`;
    const scoped = (vpcId: string) =>
      policy(
        allow(['ec2:CreateTags', 'ec2:ModifyVpcPeeringConnectionOptions'], arn, {
          ArnEquals: { 'ec2:AccepterVpc': `arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:vpc/${vpcId}` },
        }),
      );
    const attempt = (vpcId: string, role: string) => {
      const client = new EC2Client(clientConfig(stage.aws, sessionOf(stage.aws, scoped(vpcId), role).credentials));
      return client.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'Name', Value: 'x' }] }));
    };
    await expect(attempt('vpc-0', 'Other')).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
    await attempt(stage.vpcId, 'Own');
  });
});
