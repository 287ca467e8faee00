import {
  DescribeNetworkInterfacesCommand,
  DescribeVpcsCommand,
  EC2Client,
  paginateDescribeVpcs,
  type DescribeVpcsCommandInput,
} from '@aws-sdk/client-ec2';
import {
  allow,
  clientConfig,
  GAMELIFT_ACCOUNT,
  policy,
  REGION,
  createRoleSession,
  startSimulation,
  VPC_ACCOUNT,
  type Simulation,
} from '../simulation';

let simulation: Simulation;
let client: EC2Client;
let firstVpcId: string;
let secondVpcId: string;

beforeEach(async () => {
  simulation = await startSimulation();
  const { aws } = simulation;
  client = new EC2Client(clientConfig(aws, aws.iam.administrator(VPC_ACCOUNT)));
  firstVpcId = aws.ec2.createVpc({ account: VPC_ACCOUNT, region: REGION, cidrBlock: '10.0.0.0/16' }).vpcId;
  secondVpcId = aws.ec2.createVpc({ account: VPC_ACCOUNT, region: REGION, cidrBlock: '10.1.0.0/16' }).vpcId;
  aws.ec2.createVpc({ account: VPC_ACCOUNT, region: 'eu-west-1', cidrBlock: '10.2.0.0/16' });
  aws.ec2.createVpc({ account: GAMELIFT_ACCOUNT, region: REGION, cidrBlock: '10.3.0.0/16' });
});

afterEach(async () => {
  client.destroy();
  await simulation.aws.close();
});

async function vpcIds(input: DescribeVpcsCommandInput): Promise<(string | undefined)[]> {
  return (await client.send(new DescribeVpcsCommand(input))).Vpcs?.map(({ VpcId }) => VpcId) ?? [];
}

test('DescribeVpcs returns only the VPCs of the caller’s account and Region', async () => {
  expect(firstVpcId).toMatch(/^vpc-[0-9a-f]{17}$/);
  expect(await vpcIds({})).toEqual([firstVpcId, secondVpcId]);
  expect(await vpcIds({ VpcIds: [secondVpcId] })).toEqual([secondVpcId]);
  const pages = [];
  for await (const page of paginateDescribeVpcs({ client }, {})) {
    pages.push(page.Vpcs?.length);
  }
  expect(pages).toEqual([2]);
});

test('DescribeNetworkInterfaces returns only the network interfaces of the caller’s account and Region', async () => {
  const { ec2 } = simulation.aws;
  const createInterface = (account: string, region: string): string => {
    const { vpcId } = ec2.createVpc({ account, region, cidrBlock: '10.9.0.0/16' });
    const subnet = { vpcId, cidrBlock: '10.9.0.0/24', availabilityZone: `${region}a` };
    const subnetId = ec2.createSubnet({ account, region }, subnet);
    return ec2.createNetworkInterface({ account, region }, { subnetId, groupIds: [], description: 'database' });
  };
  const interfaceId = createInterface(VPC_ACCOUNT, REGION);
  createInterface(VPC_ACCOUNT, 'eu-west-1');
  createInterface(GAMELIFT_ACCOUNT, REGION);
  const { NetworkInterfaces } = await client.send(new DescribeNetworkInterfacesCommand({}));
  expect(NetworkInterfaces?.map(({ NetworkInterfaceId }) => NetworkInterfaceId)).toEqual([interfaceId]);
});

test('DescribeVpcs returns all attributes of a VPC', async () => {
  const { Vpcs } = await client.send(new DescribeVpcsCommand({ VpcIds: [firstVpcId] }));
  expect(Vpcs).toEqual([
    {
      VpcId: firstVpcId,
      OwnerId: VPC_ACCOUNT,
      State: 'available',
      CidrBlock: '10.0.0.0/16',
      CidrBlockAssociationSet: [
        {
          CidrBlock: '10.0.0.0/16',
          AssociationId: expect.stringMatching(/^vpc-cidr-assoc-/) as unknown,
          CidrBlockState: { State: 'associated' },
        },
      ],
      DhcpOptionsId: 'default',
      InstanceTenancy: 'default',
      IsDefault: false,
    },
  ]);
});

test.each([
  ['vpc-id', ['vpc-*'], 2],
  ['cidr', ['10.1.0.0/16'], 1],
  ['cidr', ['10.?.0.0/16'], 2],
  ['owner-id', [VPC_ACCOUNT, 'other'], 2],
  ['owner-id', [GAMELIFT_ACCOUNT], 0],
])('DescribeVpcs filters by %s %s', async (Name, Values, count) => {
  expect(await vpcIds({ Filters: [{ Name, Values }] })).toHaveLength(count);
});

test('DescribeVpcs refuses unknown ids, unknown filters and dry runs', async () => {
  await expect(vpcIds({ VpcIds: ['vpc-0123456789abcdef0'] })).rejects.toMatchObject({
    name: 'InvalidVpcID.NotFound',
    message: "The vpc ID 'vpc-0123456789abcdef0' does not exist",
  });
  await expect(vpcIds({ VpcIds: ['subnet-1'] })).rejects.toMatchObject({
    name: 'InvalidVpcID.Malformed',
    message: 'Invalid id: "subnet-1"',
  });
  await expect(vpcIds({ Filters: [{ Name: 'colour', Values: ['red'] }] })).rejects.toMatchObject({
    name: 'InvalidParameterValue',
    message: "The filter 'colour' is invalid",
  });
  await expect(vpcIds({ DryRun: true })).rejects.toMatchObject({ name: 'DryRunOperation' });
  simulation.aws.ec2.deleteVpc(VPC_ACCOUNT, REGION, secondVpcId);
  await expect(vpcIds({ VpcIds: [secondVpcId] })).rejects.toMatchObject({ name: 'InvalidVpcID.NotFound' });
  expect(() => {
    simulation.aws.ec2.deleteVpc(VPC_ACCOUNT, REGION, secondVpcId);
  }).toThrow('does not exist');
});

test('a denial has the error code and the message of EC2', async () => {
  const { credentials } = createRoleSession(simulation.aws, policy(allow('gamelift:*')));
  const deniedCall = new EC2Client(clientConfig(simulation.aws, credentials)).send(new DescribeVpcsCommand({}));
  await expect(deniedCall).rejects.toMatchObject({
    name: 'UnauthorizedOperation',
    message:
      `You are not authorized to perform this operation. User: arn:aws:sts::${VPC_ACCOUNT}:assumed-role/Handler/function ` +
      'is not authorized to perform: ec2:DescribeVpcs because no identity-based policy allows the ec2:DescribeVpcs action',
    $metadata: expect.objectContaining({ httpStatusCode: 403 }) as unknown,
  });
});
