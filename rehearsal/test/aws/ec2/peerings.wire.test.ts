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
import { PeeringSimulation } from '../peering-simulation';
import { allow, clientConfig, GAMELIFT_ACCOUNT, policy, REGION, createRoleSession, VPC_ACCOUNT } from '../simulation';

const ACCOUNT_AND_REGION = { account: VPC_ACCOUNT, region: REGION };
const DESTINATION = '10.192.0.0/20';

let simulation: PeeringSimulation;
let peeringId: string;
let fleetId: string;
let tableId: string;

beforeEach(async () => {
  simulation = await PeeringSimulation.start();
  // GameLift writes no routes: the tests create all routes
  simulation.aws.behaviours.set('peerVpcWrites', 'none');
  await simulation.clock.work(async () => {
    const newFleet = await simulation.connectNewFleet();
    fleetId = newFleet.fleetId;
    peeringId = newFleet.connection.VpcPeeringConnectionId ?? '';
  });
  tableId = simulation.aws.ec2.createRouteTable(ACCOUNT_AND_REGION, simulation.vpcId);
});

afterEach(() => simulation.close());

function createRoute(
  input: { VpcPeeringConnectionId?: string; GatewayId?: string; DestinationCidrBlock?: string } = {},
): Promise<unknown> {
  const target = 'GatewayId' in input ? {} : { VpcPeeringConnectionId: peeringId };
  return simulation.ec2Client.send(
    new CreateRouteCommand({ RouteTableId: tableId, DestinationCidrBlock: DESTINATION, ...target, ...input }),
  );
}

async function findRouteTables(...Filters: { Name: string; Values: string[] }[]): Promise<(string | undefined)[]> {
  const { RouteTables } = await simulation.ec2Client.send(new DescribeRouteTablesCommand({ Filters }));
  return RouteTables?.map(({ RouteTableId }) => RouteTableId) ?? [];
}

describe('routes', () => {
  test('are created, replaced and deleted', async () => {
    await createRoute();
    await expect(createRoute()).rejects.toMatchObject({
      name: 'RouteAlreadyExists',
      message: `The route identified by ${DESTINATION} already exists.`,
    });
    const route = { RouteTableId: tableId, DestinationCidrBlock: DESTINATION };
    await simulation.ec2Client.send(new ReplaceRouteCommand({ ...route, GatewayId: 'vgw-1' }));
    const { RouteTables } = await simulation.ec2Client.send(new DescribeRouteTablesCommand({ RouteTableIds: [tableId] }));
    expect(RouteTables?.[0]?.Routes).toEqual([
      { DestinationCidrBlock: '10.0.0.0/16', GatewayId: 'local', Origin: 'CreateRouteTable', State: 'active' },
      { DestinationCidrBlock: DESTINATION, GatewayId: 'vgw-1', Origin: 'CreateRoute', State: 'active' },
    ]);
    await simulation.ec2Client.send(new DeleteRouteCommand(route));
    await expect(simulation.ec2Client.send(new DeleteRouteCommand(route))).rejects.toMatchObject({
      name: 'InvalidRoute.NotFound',
      message: `no route with destination-cidr-block ${DESTINATION} in route table ${tableId}`,
    });
    await expect(simulation.ec2Client.send(new ReplaceRouteCommand({ ...route, GatewayId: 'vgw-1' }))).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    });
  });

  test('become black holes if their peering connection is deleted', async () => {
    await createRoute();
    const routes = () => simulation.aws.inventory(VPC_ACCOUNT).routes;
    expect(routes()).toMatchObject([{ target: peeringId, state: 'active' }]);
    await simulation.ec2Client.send(new DeleteVpcPeeringConnectionCommand({ VpcPeeringConnectionId: peeringId }));
    expect(routes()).toMatchObject([{ target: peeringId, state: 'blackhole' }]);
    await expect(createRoute({ DestinationCidrBlock: '10.193.0.0/20' })).rejects.toMatchObject({
      name: 'InvalidVpcPeeringConnectionID.NotFound',
    });
  });

  test('are limited to 50 in a table', async () => {
    for (let number = 0; number < 50; number++) {
      await createRoute({ DestinationCidrBlock: `10.193.${number}.0/24` });
    }
    await expect(createRoute()).rejects.toMatchObject({ name: 'RouteLimitExceeded' });
  });

  test.each([
    [
      'to an unknown peering connection',
      { VpcPeeringConnectionId: 'pcx-0123456789abcdef0' },
      'InvalidVpcPeeringConnectionID.NotFound',
    ],
    ['without a target', { VpcPeeringConnectionId: undefined }, 'InvalidParameterCombination'],
    ['to the CIDR block of the VPC', { DestinationCidrBlock: '10.0.0.0/16' }, 'RouteAlreadyExists'],
  ])('%s are refused', async (_, input, name) => {
    await expect(createRoute(input)).rejects.toMatchObject({ name });
  });

  test('are created only with permission for their VPC', async () => {
    const arn = `arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:route-table/*`;
    const createRoutePolicy = (vpcId: string) =>
      policy(allow('ec2:CreateRoute', arn, { ArnEquals: { 'ec2:Vpc': `arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:vpc/${vpcId}` } }));
    const createRouteWithPermissionFor = (vpcId: string, roleName: string) => {
      const client = new EC2Client(
        clientConfig(simulation.aws, createRoleSession(simulation.aws, createRoutePolicy(vpcId), roleName).credentials),
      );
      return client.send(
        new CreateRouteCommand({ RouteTableId: tableId, DestinationCidrBlock: DESTINATION, VpcPeeringConnectionId: peeringId }),
      );
    };
    await expect(createRouteWithPermissionFor('vpc-0', 'Other')).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
    await createRouteWithPermissionFor(simulation.vpcId, 'Own');
  });
});

describe('route tables', () => {
  test('are found by VPC, main association, subnet and peering connection', async () => {
    const subnet = { vpcId: simulation.vpcId, cidrBlock: '10.0.0.0/24', availabilityZone: 'us-east-1a' };
    const subnetId = simulation.aws.ec2.createSubnet(ACCOUNT_AND_REGION, subnet);
    simulation.aws.ec2.associateSubnet(ACCOUNT_AND_REGION, tableId, subnetId);
    await createRoute();
    const mainTableId = simulation.aws.ec2.vpc(ACCOUNT_AND_REGION, simulation.vpcId).mainRouteTableId;
    expect(await findRouteTables({ Name: 'vpc-id', Values: [simulation.vpcId] })).toEqual([mainTableId, tableId]);
    expect(await findRouteTables({ Name: 'association.main', Values: ['true'] })).toEqual([mainTableId]);
    expect(await findRouteTables({ Name: 'association.subnet-id', Values: [subnetId] })).toEqual([tableId]);
    expect(await findRouteTables({ Name: 'route.vpc-peering-connection-id', Values: [peeringId] })).toEqual([tableId]);
    expect(await findRouteTables({ Name: 'vpc-id', Values: ['vpc-*'] }, { Name: 'association.main', Values: ['false'] })).toEqual(
      [tableId],
    );
  });

  describe('and a gateway', () => {
    let gatewayId: string;

    beforeEach(() => {
      gatewayId = simulation.aws.ec2.createGateway(ACCOUNT_AND_REGION, 'igw');
      simulation.aws.ec2.attachGateway(ACCOUNT_AND_REGION, gatewayId, simulation.vpcId);
    });

    const associate = () => simulation.aws.ec2.associateGateway(ACCOUNT_AND_REGION, tableId, gatewayId);
    const refusal = (destination: string) =>
      `The destination CIDR block ${destination} is not allowed: the gateway route table ${tableId} can have routes only to CIDR ` +
      'blocks inside its VPC.';

    test('show the gateway, and are found by its id', async () => {
      const associationId = associate();
      const [table] =
        (await simulation.ec2Client.send(new DescribeRouteTablesCommand({ RouteTableIds: [tableId] }))).RouteTables ?? [];
      expect(table?.Associations).toEqual([
        {
          RouteTableAssociationId: associationId,
          RouteTableId: tableId,
          GatewayId: gatewayId,
          Main: false,
          AssociationState: { State: 'associated' },
        },
      ]);
      expect(await findRouteTables({ Name: 'association.gateway-id', Values: [gatewayId] })).toEqual([tableId]);
      expect(await findRouteTables({ Name: 'association.subnet-id', Values: ['*'] })).toEqual([]);
    });

    test('accept only routes inside the VPC, to a network interface or an endpoint', async () => {
      associate();
      await expect(createRoute()).rejects.toMatchObject({ name: 'InvalidParameterValue', message: refusal(DESTINATION) });
      const routeInsideVpc = { RouteTableId: tableId, DestinationCidrBlock: '10.0.0.0/24' };
      const wrongTarget = {
        name: 'InvalidParameterValue',
        message:
          "The destination CIDR block 10.0.0.0/24 is equal to or more specific than one of this VPC's CIDR blocks. This route can " +
          'target only an interface or an instance.',
      };
      await expect(createRoute({ DestinationCidrBlock: '10.0.0.0/24' })).rejects.toMatchObject(wrongTarget);
      await simulation.ec2Client.send(new CreateRouteCommand({ ...routeInsideVpc, NetworkInterfaceId: 'eni-1' }));
      const toPeering = new ReplaceRouteCommand({ ...routeInsideVpc, VpcPeeringConnectionId: peeringId });
      await expect(simulation.ec2Client.send(toPeering)).rejects.toMatchObject(wrongTarget);
      await simulation.ec2Client.send(new ReplaceRouteCommand({ ...routeInsideVpc, VpcEndpointId: 'vpce-1' }));
      const [table] =
        (await simulation.ec2Client.send(new DescribeRouteTablesCommand({ RouteTableIds: [tableId] }))).RouteTables ?? [];
      // without the local route
      expect(table?.Routes?.slice(1)).toEqual([
        { DestinationCidrBlock: '10.0.0.0/24', GatewayId: 'vpce-1', Origin: 'CreateRoute', State: 'active' },
      ]);
    });

    test('accept other routes again after the gateway is disassociated', async () => {
      simulation.aws.ec2.disassociate(ACCOUNT_AND_REGION, tableId, associate());
      await createRoute();
      expect(simulation.aws.ec2.routeTable(ACCOUNT_AND_REGION, tableId).routes.size).toBe(1);
    });

    test('cannot be associated with it if they have a route out of the VPC, if another table has the gateway, or if the gateway is not attached', async () => {
      await createRoute();
      expect(associate).toThrow(refusal(DESTINATION));
      await simulation.ec2Client.send(new DeleteRouteCommand({ RouteTableId: tableId, DestinationCidrBlock: DESTINATION }));
      associate();
      // from here on, `associate` uses another table
      tableId = simulation.aws.ec2.createRouteTable(ACCOUNT_AND_REGION, simulation.vpcId);
      expect(associate).toThrow(`the specified association for route table ${tableId} conflicts with an existing association`);
      // from here on, `associate` also uses another gateway, which is not attached to the VPC
      gatewayId = simulation.aws.ec2.createGateway(ACCOUNT_AND_REGION, 'vgw');
      expect(associate).toThrow(`route table ${tableId} and network gateway ${gatewayId} belong to different networks`);
    });
  });

  test('are listed in pages', async () => {
    for (let number = 0; number < 10; number++) {
      simulation.aws.ec2.createRouteTable(ACCOUNT_AND_REGION, simulation.vpcId);
    }
    const pages: (number | undefined)[] = [];
    for await (const page of paginateDescribeRouteTables({ client: simulation.ec2Client, pageSize: 5 }, {})) {
      pages.push(page.RouteTables?.length);
    }
    expect(pages).toEqual([5, 5, 2]);
  });
});

describe('a peering connection', () => {
  const turnOnDnsResolution = (...sides: ('Accepter' | 'Requester')[]) => {
    const options = sides.map((side) => [`${side}PeeringConnectionOptions`, { AllowDnsResolutionFromRemoteVpc: true }]);
    return simulation.ec2Client.send(
      new ModifyVpcPeeringConnectionOptionsCommand({
        VpcPeeringConnectionId: peeringId,
        ...(Object.fromEntries(options) as object),
      }),
    );
  };

  test('allows its accepter to turn on DNS resolution for its own side, while the connection is active', async () => {
    const isDnsResolutionOn = async () =>
      (await simulation.ec2Peerings())[0]?.AccepterVpcInfo?.PeeringOptions?.AllowDnsResolutionFromRemoteVpc;
    expect(await isDnsResolutionOn()).toBe(false);
    await expect(turnOnDnsResolution('Accepter', 'Requester')).rejects.toMatchObject({ name: 'OperationNotPermitted' });
    expect(await isDnsResolutionOn()).toBe(false);
    await turnOnDnsResolution('Accepter');
    expect(await isDnsResolutionOn()).toBe(true);
    await expect(turnOnDnsResolution('Requester')).rejects.toMatchObject({ name: 'OperationNotPermitted' });
    await simulation.ec2Client.send(new DeleteVpcPeeringConnectionCommand({ VpcPeeringConnectionId: peeringId }));
    await expect(turnOnDnsResolution('Accepter')).rejects.toMatchObject({
      name: 'OperationNotPermitted',
      message: `Peering ${peeringId} is not active. Peering options can be added only to active peerings.`,
    });
    await expect(
      simulation.ec2Client.send(new DeleteVpcPeeringConnectionCommand({ VpcPeeringConnectionId: peeringId })),
    ).rejects.toMatchObject({
      name: 'InvalidStateTransition',
    });
  });

  describe('with the tag Name=mine', () => {
    const VPC_ID_PLACEHOLDER = 'the id of the VPC';

    async function countFound(Name: string, value: string): Promise<number | undefined> {
      const Values = [value === VPC_ID_PLACEHOLDER ? simulation.vpcId : value];
      const command = new DescribeVpcPeeringConnectionsCommand({ Filters: [{ Name, Values }] });
      return (await simulation.ec2Client.send(command)).VpcPeeringConnections?.length;
    }

    beforeEach(async () => {
      await simulation.ec2Client.send(new CreateTagsCommand({ Resources: [peeringId], Tags: [{ Key: 'Name', Value: 'mine' }] }));
    });

    test.each([
      ['accepter-vpc-info.vpc-id', VPC_ID_PLACEHOLDER],
      ['status-code', 'active'],
      ['tag:Name', 'mine'],
      ['tag-key', 'Name'],
    ])('is found with the filter %s = %s', async (name, value) => {
      expect(await countFound(name, value)).toBe(1);
    });

    test.each([
      ['requester-vpc-info.vpc-id', VPC_ID_PLACEHOLDER],
      ['status-code', 'failed'],
      ['tag:Name', 'other'],
    ])('is not found with the filter %s = %s', async (name, value) => {
      expect(await countFound(name, value)).toBe(0);
    });
  });

  test('is not shown to other accounts, and not listed two hours after its deletion', async () => {
    const clientOfOtherAccount = new EC2Client(clientConfig(simulation.aws, simulation.aws.iam.administrator(GAMELIFT_ACCOUNT)));
    const command = new DescribeVpcPeeringConnectionsCommand({ VpcPeeringConnectionIds: [peeringId] });
    await expect(clientOfOtherAccount.send(command)).rejects.toMatchObject({
      name: 'InvalidVpcPeeringConnectionID.NotFound',
      message: `The vpcPeeringConnection ID '${peeringId}' does not exist`,
    });
    await simulation.clock.work(async () => {
      await simulation.authorize();
      await simulation.deleteFleet(fleetId);
      expect((await simulation.ec2Peerings())[0]?.Status?.Code).toBe('deleted');
      await simulation.wait(2 * 3600);
      expect(await simulation.ec2Peerings()).toEqual([]);
    });
  });
});

describe('tags', () => {
  const tags = async () => {
    const { Tags } = await simulation.ec2Client.send(
      new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: [peeringId] }] }),
    );
    return Tags?.map(({ Key, Value, ResourceType }) => `${ResourceType ?? ''} ${Key ?? ''}=${Value ?? ''}`);
  };
  const createTag = (Key: string, Value = '') =>
    simulation.ec2Client.send(new CreateTagsCommand({ Resources: [peeringId], Tags: [{ Key, Value }] }));

  test('are set, overwritten and removed', async () => {
    await createTag('a', '1');
    await createTag('a', '2');
    await createTag('b');
    expect(await tags()).toEqual(['vpc-peering-connection a=2', 'vpc-peering-connection b=']);
    expect((await simulation.ec2Peerings())[0]?.Tags).toContainEqual({ Key: 'a', Value: '2' });
    await simulation.ec2Client.send(
      new DeleteTagsCommand({ Resources: [peeringId], Tags: [{ Key: 'a', Value: '1' }, { Key: 'b' }] }),
    );
    expect(await tags()).toEqual(['vpc-peering-connection a=2']);
    await simulation.ec2Client.send(new DeleteTagsCommand({ Resources: [peeringId] }));
    expect(await tags()).toEqual([]);
  });

  test('have limits for their keys and their number, and need an existing resource', async () => {
    await expect(createTag('aws:mine')).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    // EC2 allows 127 characters
    await expect(createTag('k'.repeat(128))).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    const Tags = Array.from({ length: 51 }, (_, index) => ({ Key: String(index), Value: '' }));
    await expect(simulation.ec2Client.send(new CreateTagsCommand({ Resources: [peeringId], Tags }))).rejects.toMatchObject({
      name: 'TagLimitExceeded',
    });
    const tagUnknownResource = new CreateTagsCommand({ Resources: ['pcx-0123456789abcdef0'], Tags: [{ Key: 'a', Value: '' }] });
    await expect(simulation.ec2Client.send(tagUnknownResource)).rejects.toMatchObject({
      name: 'InvalidVpcPeeringConnectionID.NotFound',
    });
  });

  describe('with a condition in the policy', () => {
    const arn = `arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:vpc-peering-connection/*`;
    const denial = { name: 'UnauthorizedOperation' };
    const clientWithCondition = (conditions: object): EC2Client => {
      const document = policy(allow(['ec2:CreateTags', 'ec2:DeleteTags'], arn, conditions));
      return new EC2Client(clientConfig(simulation.aws, createRoleSession(simulation.aws, document).credentials));
    };
    const tagsInput = (keys: readonly string[]) => ({ Resources: [peeringId], Tags: keys.map((Key) => ({ Key, Value: '' })) });

    test('on tag keys: each key of the request must be allowed, and a request without keys is denied, because it removes all tags', async () => {
      const client = clientWithCondition({
        'ForAllValues:StringLike': { 'aws:TagKeys': ['Name', 'peering:*'] },
        Null: { 'aws:TagKeys': 'false' },
      });
      await createTag('owner', 'mine');
      await client.send(new CreateTagsCommand(tagsInput(['Name', 'peering:fleet'])));
      await expect(client.send(new CreateTagsCommand(tagsInput(['Name', 'owner'])))).rejects.toMatchObject(denial);
      await expect(client.send(new DeleteTagsCommand(tagsInput(['Name', 'owner'])))).rejects.toMatchObject(denial);
      await expect(client.send(new DeleteTagsCommand({ Resources: [peeringId] }))).rejects.toMatchObject(denial);
      await client.send(new DeleteTagsCommand(tagsInput(['Name', 'peering:fleet'])));
      expect(await tags()).toEqual(['vpc-peering-connection owner=mine']);
    });

    test('on the VPC: CreateTags is allowed, but DeleteTags is denied, because EC2 does not support this condition for it', async () => {
      const vpcArn = `arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:vpc/${simulation.vpcId}`;
      const client = clientWithCondition({ ArnEquals: { 'ec2:AccepterVpc': vpcArn } });
      await client.send(new CreateTagsCommand(tagsInput(['Name'])));
      await expect(client.send(new DeleteTagsCommand(tagsInput(['Name'])))).rejects.toMatchObject(denial);
    });

    test('on tags of the resource: CreateTags and DeleteTags are allowed', async () => {
      await createTag('owner', 'mine');
      const client = clientWithCondition({
        StringEquals: { 'ec2:ResourceTag/owner': 'mine', 'aws:ResourceTag/owner': 'mine', 'ec2:Region': REGION },
      });
      await client.send(new CreateTagsCommand(tagsInput(['Name'])));
      await client.send(new DeleteTagsCommand(tagsInput(['Name'])));
    });
  });

  test('can be created only with a permission for connections of the VPC', async () => {
    const arn = `arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:vpc-peering-connection/*`;
    const createTagsPolicy = (vpcId: string) =>
      policy(
        allow(['ec2:CreateTags', 'ec2:ModifyVpcPeeringConnectionOptions'], arn, {
          ArnEquals: { 'ec2:AccepterVpc': `arn:aws:ec2:${REGION}:${VPC_ACCOUNT}:vpc/${vpcId}` },
        }),
      );
    const createTagWithPermissionFor = (vpcId: string, roleName: string) => {
      const client = new EC2Client(
        clientConfig(simulation.aws, createRoleSession(simulation.aws, createTagsPolicy(vpcId), roleName).credentials),
      );
      return client.send(new CreateTagsCommand({ Resources: [peeringId], Tags: [{ Key: 'Name', Value: 'x' }] }));
    };
    await expect(createTagWithPermissionFor('vpc-0', 'Other')).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
    await createTagWithPermissionFor(simulation.vpcId, 'Own');
  });
});
