import { DescribeVpcsCommand, EC2Client, paginateDescribeVpcs, type DescribeVpcsCommandInput } from '@aws-sdk/client-ec2';
import { allow, clientConfig, GAMELIFT_ACCOUNT, policy, REGION, sessionOf, startWorld, VPC_ACCOUNT, type World } from '../world';

let world: World;
let client: EC2Client;
let first: string;
let second: string;

beforeEach(async () => {
  world = await startWorld();
  const { aws } = world;
  client = new EC2Client(clientConfig(aws, aws.iam.administrator(VPC_ACCOUNT)));
  first = aws.ec2.createVpc({ account: VPC_ACCOUNT, region: REGION, cidrBlock: '10.0.0.0/16' }).vpcId;
  second = aws.ec2.createVpc({ account: VPC_ACCOUNT, region: REGION, cidrBlock: '10.1.0.0/16' }).vpcId;
  aws.ec2.createVpc({ account: VPC_ACCOUNT, region: 'eu-west-1', cidrBlock: '10.2.0.0/16' });
  aws.ec2.createVpc({ account: GAMELIFT_ACCOUNT, region: REGION, cidrBlock: '10.3.0.0/16' });
});

afterEach(async () => {
  client.destroy();
  await world.aws.close();
});

async function ids(input: DescribeVpcsCommandInput): Promise<(string | undefined)[]> {
  return (await client.send(new DescribeVpcsCommand(input))).Vpcs?.map(({ VpcId }) => VpcId) ?? [];
}

test('describes the VPCs of the caller’s account and Region only', async () => {
  expect(first).toMatch(/^vpc-[0-9a-f]{17}$/);
  expect(await ids({})).toEqual([first, second]);
  expect(await ids({ VpcIds: [second] })).toEqual([second]);
  const pages = [];
  for await (const page of paginateDescribeVpcs({ client }, {})) {
    pages.push(page.Vpcs?.length);
  }
  expect(pages).toEqual([2]);
});

test('describes a VPC as EC2 does', async () => {
  const { Vpcs } = await client.send(new DescribeVpcsCommand({ VpcIds: [first] }));
  expect(Vpcs).toEqual([
    {
      VpcId: first,
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
  ['owner-id', [VPC_ACCOUNT, 'else'], 2],
  ['owner-id', [GAMELIFT_ACCOUNT], 0],
])('filters by %s %s', async (Name, Values, count) => {
  expect(await ids({ Filters: [{ Name, Values }] })).toHaveLength(count);
});

test('refuses ids and filters that are not there', async () => {
  await expect(ids({ VpcIds: ['vpc-0123456789abcdef0'] })).rejects.toMatchObject({
    name: 'InvalidVpcID.NotFound',
    message: "The vpc ID 'vpc-0123456789abcdef0' does not exist",
  });
  await expect(ids({ VpcIds: ['subnet-1'] })).rejects.toMatchObject({
    name: 'InvalidVpcID.Malformed',
    message: 'Invalid id: "subnet-1"',
  });
  await expect(ids({ Filters: [{ Name: 'colour', Values: ['<&>'] }] })).rejects.toMatchObject({
    name: 'InvalidParameterValue',
    message: "The filter 'colour' is invalid",
  });
  await expect(ids({ DryRun: true })).rejects.toMatchObject({ name: 'DryRunOperation' });
  world.aws.ec2.deleteVpc(VPC_ACCOUNT, REGION, second);
  await expect(ids({ VpcIds: [second] })).rejects.toMatchObject({ name: 'InvalidVpcID.NotFound' });
  expect(() => {
    world.aws.ec2.deleteVpc(VPC_ACCOUNT, REGION, second);
  }).toThrow('does not exist');
});

test('denies in the words of EC2', async () => {
  const { credentials } = sessionOf(world.aws, policy(allow('gamelift:*')));
  const denied = new EC2Client(clientConfig(world.aws, credentials)).send(new DescribeVpcsCommand({}));
  await expect(denied).rejects.toMatchObject({
    name: 'UnauthorizedOperation',
    message:
      `You are not authorized to perform this operation. User: arn:aws:sts::${VPC_ACCOUNT}:assumed-role/Handler/function ` +
      'is not authorized to perform: ec2:DescribeVpcs because no identity-based policy allows the ec2:DescribeVpcs action',
    $metadata: expect.objectContaining({ httpStatusCode: 403 }) as unknown,
  });
});
