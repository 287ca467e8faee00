import { LocalSimulation, ACCOUNT_AND_REGION } from './local-simulation';

const DESTINATION = '172.16.0.0/16';

let simulation: LocalSimulation;
let fleetId: string;
let peeringId: string;

const gameLift = (operation: string, input: object) => simulation.gameLift(operation, input);
const ec2 = (operation: string, input: object = {}) => simulation.ec2(operation, input);
const wait = (seconds: number) => simulation.wait(seconds);

beforeEach(async () => {
  simulation = new LocalSimulation();
  ({ fleetId, peeringId } = await simulation.connectNewFleet());
});

afterEach(() => simulation.close());

const tableId = (): string => simulation.aws.ec2.vpc(ACCOUNT_AND_REGION, simulation.vpcId).mainRouteTableId;
const groupId = (): string => simulation.aws.ec2.vpc(ACCOUNT_AND_REGION, simulation.vpcId).defaultSecurityGroupId;
const fleetArn = (): string => simulation.aws.gameLift.fleets.all()[0]?.arn ?? '';
const routeInput = () => ({ RouteTableId: tableId(), DestinationCidrBlock: DESTINATION });
const ruleInput = () => ({
  GroupId: groupId(),
  'IpPermissions.1.IpProtocol': '-1',
  'IpPermissions.1.IpRanges.1.CidrIp': DESTINATION,
});
const dnsOptionsInput = (isAllowed: 'true' | 'false') => ({
  VpcPeeringConnectionId: peeringId,
  'AccepterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc': isAllowed,
});
const tagInput = () => ({ 'ResourceId.1': peeringId, 'Tag.1.Key': 'key', 'Tag.1.Value': 'value' });

/** State that a test writes, restores and reads. */
interface ReadableState {
  readonly write: () => Promise<unknown>;
  readonly restore: () => Promise<unknown>;
  readonly read: () => Promise<object>;
}

const STATES: Readonly<Record<string, ReadableState>> = {
  'tags of a fleet': {
    write: () => gameLift('TagResource', { ResourceARN: fleetArn(), Tags: [{ Key: 'key', Value: 'value' }] }),
    restore: () => gameLift('UntagResource', { ResourceARN: fleetArn(), TagKeys: ['key'] }),
    read: () => gameLift('ListTagsForResource', { ResourceARN: fleetArn() }),
  },
  'attributes of a fleet': {
    write: () => gameLift('UpdateFleetAttributes', { FleetId: fleetId, Name: 'renamed' }),
    restore: () => gameLift('UpdateFleetAttributes', { FleetId: fleetId, Name: 'fleet' }),
    read: () => gameLift('DescribeFleetAttributes', { FleetIds: [fleetId] }),
  },
  authorizations: {
    write: () => gameLift('DeleteVpcPeeringAuthorization', simulation.authorizationInput),
    restore: () => gameLift('CreateVpcPeeringAuthorization', simulation.authorizationInput),
    read: async () => {
      const output = await gameLift('DescribeVpcPeeringAuthorizations', {});
      return [(output as { readonly VpcPeeringAuthorizations: readonly object[] }).VpcPeeringAuthorizations.length];
    },
  },
  'tags in EC2': {
    write: () => ec2('CreateTags', tagInput()),
    restore: () => ec2('DeleteTags', tagInput()),
    read: () => ec2('DescribeTags'),
  },
  'options and tags of a peering connection': {
    write: () => ec2('ModifyVpcPeeringConnectionOptions', dnsOptionsInput('true')),
    restore: () => ec2('ModifyVpcPeeringConnectionOptions', dnsOptionsInput('false')),
    read: () => ec2('DescribeVpcPeeringConnections'),
  },
  routes: {
    write: () => ec2('CreateRoute', { ...routeInput(), VpcPeeringConnectionId: peeringId }),
    restore: () => ec2('DeleteRoute', routeInput()),
    read: () => ec2('DescribeRouteTables'),
  },
  'rules of a security group': {
    write: () => ec2('AuthorizeSecurityGroupIngress', ruleInput()),
    restore: () => ec2('RevokeSecurityGroupIngress', ruleInput()),
    read: () => ec2('DescribeSecurityGroups'),
  },
};

/** Writes and restores several times, and reads seven seconds after each write. Returns the different results. */
async function readsAfterWrites({ write, restore, read }: ReadableState): Promise<ReadonlySet<string>> {
  const reads = new Set<string>();
  await wait(20);
  for (let count = 0; count < 12; count += 1) {
    await write();
    await wait(7);
    reads.add(JSON.stringify(await read()));
    await wait(20);
    await restore();
    await wait(20);
  }
  return reads;
}

describe.each(Object.entries(STATES))('%s', (_, state) => {
  const { write, read } = state;

  test('show a write at once by default', async () => {
    await wait(20);
    const before = JSON.stringify(await read());
    const reads = await readsAfterWrites(state);
    expect(reads.size).toBe(1);
    expect(reads).not.toContain(before);
  });

  test('show the old or the new state if reads are late, and only the new state 15 seconds after the write', async () => {
    await wait(20);
    const before = JSON.stringify(await read());
    simulation.aws.behaviours.set('readBack', 'up to 15 seconds late');
    const reads = await readsAfterWrites(state);
    await write();
    await wait(15);
    const after = JSON.stringify(await read());
    expect(after).not.toBe(before);
    expect(reads).toEqual(new Set([before, after]));
  });
});

describe('if reads are late', () => {
  beforeEach(() => {
    simulation.aws.behaviours.set('readBack', 'up to 15 seconds late');
  });

  test('a later read can show an earlier state, but never a state that did not exist', async () => {
    const states = ['', 'first', 'first,second', 'first,second,third'];
    /** Indexes of `states`. */
    const shownStates: number[] = [];
    // `undefined`: only reads
    for (const Key of ['first', 'second', 'third', undefined, undefined]) {
      if (Key !== undefined) {
        await gameLift('TagResource', { ResourceARN: fleetArn(), Tags: [{ Key, Value: '' }] });
      }
      for (let second = 0; second < 5; second += 1) {
        await wait(1);
        const { Tags } = (await gameLift('ListTagsForResource', { ResourceARN: fleetArn() })) as {
          readonly Tags: readonly { readonly Key: string }[];
        };
        shownStates.push(states.indexOf(Tags.map((tagged) => tagged.Key).join(',')));
      }
    }
    expect(shownStates).not.toContain(-1);
    expect(new Set(shownStates)).toEqual(new Set([0, 1, 2, 3]));
    expect(shownStates.some((state, index) => state < (shownStates[index - 1] ?? 0))).toBe(true);
  });

  test('one read can combine the old tags of a connection with its new options, or the new tags with the old options', async () => {
    const shownCombinations = new Set<string>();
    for (let count = 0; count < 24; count += 1) {
      await wait(20);
      await ec2('CreateTags', tagInput());
      await ec2('ModifyVpcPeeringConnectionOptions', dnsOptionsInput('true'));
      await wait(7);
      const text = JSON.stringify(await ec2('DescribeVpcPeeringConnections'));
      shownCombinations.add([text.includes('"key":"key"'), text.includes('"allowDnsResolutionFromRemoteVpc":true')].join());
      await wait(20);
      await ec2('DeleteTags', tagInput());
      await ec2('ModifyVpcPeeringConnectionOptions', dnsOptionsInput('false'));
    }
    expect(shownCombinations).toEqual(new Set(['true,true', 'true,false', 'false,true', 'false,false']));
  });

  test('writes are checked against the current state', async () => {
    const existing = { ...routeInput(), VpcPeeringConnectionId: peeringId };
    await ec2('CreateRoute', existing);
    await expect(ec2('CreateRoute', existing)).rejects.toMatchObject({ code: 'RouteAlreadyExists' });
    await ec2('DeleteRoute', routeInput());
    await expect(ec2('DeleteRoute', routeInput())).rejects.toMatchObject({ code: 'InvalidRoute.NotFound' });
    const connection = { FleetId: fleetId, VpcPeeringConnectionId: peeringId };
    await gameLift('DeleteVpcPeeringConnection', connection);
    await wait(10);
    await expect(gameLift('DeleteVpcPeeringConnection', connection)).rejects.toMatchObject({ code: 'NotFoundException' });
  });

  test('reads of a connection and of fleet events are late, too', async () => {
    const lastStatusAndEvent = async (): Promise<readonly unknown[]> => {
      const { VpcPeeringConnections } = (await gameLift('DescribeVpcPeeringConnections', {})) as {
        readonly VpcPeeringConnections: readonly { readonly Status: { readonly Code: string } }[];
      };
      const { Events } = (await gameLift('DescribeFleetEvents', { FleetId: fleetId, Limit: 100 })) as {
        readonly Events: readonly { readonly EventCode: string }[];
      };
      return [VpcPeeringConnections.map(({ Status }) => Status.Code).at(-1), Events.at(-1)?.EventCode];
    };
    await gameLift('DeleteVpcPeeringConnection', { FleetId: fleetId, VpcPeeringConnectionId: peeringId });
    expect(await lastStatusAndEvent()).toEqual(['active', 'FLEET_VPC_PEERING_SUCCEEDED']);
    await wait(15);
    expect(await lastStatusAndEvent()).toEqual(['deleted', 'FLEET_VPC_PEERING_DELETED']);
  });

  test('CloudFormation and the inventory read the current state', async () => {
    for (let count = 0; count < 12; count += 1) {
      const Value = String(count);
      await wait(1);
      await gameLift('TagResource', { ResourceARN: fleetArn(), Tags: [{ Key: 'count', Value }] });
      // CloudFormation's calls of GameLift go through this method
      const currentTags = await simulation.aws.callGameLift(
        'ListTagsForResource',
        { ResourceARN: fleetArn() },
        ACCOUNT_AND_REGION,
      );
      expect(currentTags).toEqual({ Tags: [{ Key: 'count', Value }] });
      expect(simulation.aws.inventory().fleets).toMatchObject([{ tags: { count: Value } }]);
    }
  });
});
