import { LocalWorld, PLACE } from './local-world';

const DESTINATION = '172.16.0.0/16';

let world: LocalWorld;
let fleetId: string;
let peeringId: string;

const gameLift = (operation: string, input: object) => world.gameLift(operation, input);
const ec2 = (operation: string, input: object = {}) => world.ec2(operation, input);
const wait = (seconds: number) => world.wait(seconds);

beforeEach(async () => {
  world = new LocalWorld();
  ({ fleetId, peeringId } = await world.peer());
});

afterEach(() => world.close());

const tableId = (): string => world.aws.ec2.vpc(PLACE, world.vpcId).mainRouteTableId;
const groupId = (): string => world.aws.ec2.vpc(PLACE, world.vpcId).defaultSecurityGroupId;
const ResourceARN = (): string => world.aws.gameLift.fleets.all()[0]?.arn ?? '';
const route = () => ({ RouteTableId: tableId(), DestinationCidrBlock: DESTINATION });
const rule = () => ({
  GroupId: groupId(),
  'IpPermissions.1.IpProtocol': '-1',
  'IpPermissions.1.IpRanges.1.CidrIp': DESTINATION,
});
const dnsResolution = (allowed: boolean) => ({
  VpcPeeringConnectionId: peeringId,
  'AccepterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc': String(allowed),
});
const tag = () => ({ 'ResourceId.1': peeringId, 'Tag.1.Key': 'key', 'Tag.1.Value': 'value' });

/** Something that is written and written back, and what reads it. */
interface Readable {
  readonly write: () => Promise<unknown>;
  readonly writeBack: () => Promise<unknown>;
  readonly read: () => Promise<object>;
}

const READABLE: Readonly<Record<string, Readable>> = {
  'tags of a fleet': {
    write: () => gameLift('TagResource', { ResourceARN: ResourceARN(), Tags: [{ Key: 'key', Value: 'value' }] }),
    writeBack: () => gameLift('UntagResource', { ResourceARN: ResourceARN(), TagKeys: ['key'] }),
    read: () => gameLift('ListTagsForResource', { ResourceARN: ResourceARN() }),
  },
  'attributes of a fleet': {
    write: () => gameLift('UpdateFleetAttributes', { FleetId: fleetId, Name: 'renamed' }),
    writeBack: () => gameLift('UpdateFleetAttributes', { FleetId: fleetId, Name: 'fleet' }),
    read: () => gameLift('DescribeFleetAttributes', { FleetIds: [fleetId] }),
  },
  authorizations: {
    write: () => gameLift('DeleteVpcPeeringAuthorization', world.authorization),
    writeBack: () => gameLift('CreateVpcPeeringAuthorization', world.authorization),
    read: async () => {
      const output = await gameLift('DescribeVpcPeeringAuthorizations', {});
      return [(output as { readonly VpcPeeringAuthorizations: readonly object[] }).VpcPeeringAuthorizations.length];
    },
  },
  'tags in EC2': {
    write: () => ec2('CreateTags', tag()),
    writeBack: () => ec2('DeleteTags', tag()),
    read: () => ec2('DescribeTags'),
  },
  'options and tags of a peering connection': {
    write: () => ec2('ModifyVpcPeeringConnectionOptions', dnsResolution(true)),
    writeBack: () => ec2('ModifyVpcPeeringConnectionOptions', dnsResolution(false)),
    read: () => ec2('DescribeVpcPeeringConnections'),
  },
  routes: {
    write: () => ec2('CreateRoute', { ...route(), VpcPeeringConnectionId: peeringId }),
    writeBack: () => ec2('DeleteRoute', route()),
    read: () => ec2('DescribeRouteTables'),
  },
  'rules of a security group': {
    write: () => ec2('AuthorizeSecurityGroupIngress', rule()),
    writeBack: () => ec2('RevokeSecurityGroupIngress', rule()),
    read: () => ec2('DescribeSecurityGroups'),
  },
};

/** What a read tells seven seconds after each of a number of writes. */
async function readsAfterWrites({ write, writeBack, read }: Readable): Promise<ReadonlySet<string>> {
  const reads = new Set<string>();
  await wait(20);
  for (let count = 0; count < 12; count += 1) {
    await write();
    await wait(7);
    reads.add(JSON.stringify(await read()));
    await wait(20);
    await writeBack();
    await wait(20);
  }
  return reads;
}

describe.each(Object.entries(READABLE))('%s', (_, readable) => {
  const { write, read } = readable;

  test('show a write at once by default', async () => {
    await wait(20);
    const before = JSON.stringify(await read());
    const reads = await readsAfterWrites(readable);
    expect(reads.size).toBe(1);
    expect(reads).not.toContain(before);
  });

  test('show the state before a write or the one after it where reads are late, and only the latter 15 seconds later', async () => {
    await wait(20);
    const before = JSON.stringify(await read());
    world.aws.behaviours.set('readBack', 'up to 15 seconds late');
    const reads = await readsAfterWrites(readable);
    await write();
    await wait(15);
    const after = JSON.stringify(await read());
    expect(after).not.toBe(before);
    expect(reads).toEqual(new Set([before, after]));
  });
});

describe('where reads are late', () => {
  beforeEach(() => {
    world.aws.behaviours.set('readBack', 'up to 15 seconds late');
  });

  test('a later read can show an earlier state, and every read shows a state that was there', async () => {
    const states = ['', 'first', 'first,second', 'first,second,third'];
    const seen: number[] = [];
    for (const Key of ['first', 'second', 'third', undefined, undefined]) {
      if (Key !== undefined) {
        await gameLift('TagResource', { ResourceARN: ResourceARN(), Tags: [{ Key, Value: '' }] });
      }
      for (let second = 0; second < 5; second += 1) {
        await wait(1);
        const { Tags } = (await gameLift('ListTagsForResource', { ResourceARN: ResourceARN() })) as {
          readonly Tags: readonly { readonly Key: string }[];
        };
        seen.push(states.indexOf(Tags.map((tagged) => tagged.Key).join(',')));
      }
    }
    expect(seen).not.toContain(-1);
    expect(new Set(seen)).toEqual(new Set([0, 1, 2, 3]));
    expect(seen.some((state, index) => state < (seen[index - 1] ?? 0))).toBe(true);
  });

  test('what one read shows of several things need not be of the same time', async () => {
    const seen = new Set<string>();
    for (let count = 0; count < 24; count += 1) {
      await wait(20);
      await ec2('CreateTags', tag());
      await ec2('ModifyVpcPeeringConnectionOptions', dnsResolution(true));
      await wait(7);
      const text = JSON.stringify(await ec2('DescribeVpcPeeringConnections'));
      seen.add([text.includes('"key":"key"'), text.includes('"allowDnsResolutionFromRemoteVpc":true')].join());
      await wait(20);
      await ec2('DeleteTags', tag());
      await ec2('ModifyVpcPeeringConnectionOptions', dnsResolution(false));
    }
    expect(seen).toEqual(new Set(['true,true', 'true,false', 'false,true', 'false,false']));
  });

  test('writes are checked against the present state', async () => {
    const existing = { ...route(), VpcPeeringConnectionId: peeringId };
    await ec2('CreateRoute', existing);
    await expect(ec2('CreateRoute', existing)).rejects.toMatchObject({ code: 'RouteAlreadyExists' });
    await ec2('DeleteRoute', route());
    await expect(ec2('DeleteRoute', route())).rejects.toMatchObject({ code: 'InvalidRoute.NotFound' });
    const connection = { FleetId: fleetId, VpcPeeringConnectionId: peeringId };
    await gameLift('DeleteVpcPeeringConnection', connection);
    await wait(10);
    await expect(gameLift('DeleteVpcPeeringConnection', connection)).rejects.toMatchObject({ code: 'NotFoundException' });
  });

  test('a connection and its events are late as well', async () => {
    const status = async (): Promise<readonly unknown[]> => {
      const { VpcPeeringConnections } = (await gameLift('DescribeVpcPeeringConnections', {})) as {
        readonly VpcPeeringConnections: readonly { readonly Status: { readonly Code: string } }[];
      };
      const { Events } = (await gameLift('DescribeFleetEvents', { FleetId: fleetId, Limit: 100 })) as {
        readonly Events: readonly { readonly EventCode: string }[];
      };
      return [VpcPeeringConnections.map(({ Status }) => Status.Code).at(-1), Events.at(-1)?.EventCode];
    };
    await gameLift('DeleteVpcPeeringConnection', { FleetId: fleetId, VpcPeeringConnectionId: peeringId });
    expect(await status()).toEqual(['active', 'FLEET_VPC_PEERING_SUCCEEDED']);
    await wait(15);
    expect(await status()).toEqual(['deleted', 'FLEET_VPC_PEERING_DELETED']);
  });

  test('CloudFormation and the inventory see the present state', async () => {
    for (let count = 0; count < 12; count += 1) {
      const Value = String(count);
      await wait(1);
      await gameLift('TagResource', { ResourceARN: ResourceARN(), Tags: [{ Key: 'count', Value }] });
      const listed = await world.aws.callGameLift('ListTagsForResource', { ResourceARN: ResourceARN() }, PLACE);
      expect(listed).toEqual({ Tags: [{ Key: 'count', Value }] });
      expect(world.aws.inventory().fleets).toMatchObject([{ tags: { count: Value } }]);
    }
  });
});
