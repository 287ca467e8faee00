import { ACCOUNT, OTHER_ACCOUNT } from '../matrix/rehearsal';
import { SimulatedWorld } from './simulated-world';
import { awsError, GAMELIFT_ACCOUNT, propertiesOf, requestOf, TestWorld, VPC } from './world';
import type { TestResponse } from './world';

/*
 * Custom::GameLiftVpcPeeringTeardown: CloudFormation deletes fleets and connections after it. It fails if the authorization for these
 * deletions would be missing.
 */

const TYPE = 'Custom::GameLiftVpcPeeringTeardown';

let world: SimulatedWorld;

beforeEach(async () => {
  world = await SimulatedWorld.create();
  await world.passDays(2);
});

afterEach(() => {
  world.close();
});

function pair(change: object = {}): object {
  return { PeerVpcId: world.vpcId, PeerVpcAwsAccountId: ACCOUNT, GameLiftAwsAccountId: ACCOUNT, ...change };
}

async function send(type: 'Update' | 'Delete', change: object): Promise<TestResponse | undefined> {
  return (await world.run(requestOf(type, { ResourceType: TYPE, ...change }))).response;
}

/** A VPC of the account without peering connections. */
function unpeeredVpc(): string {
  const { vpcs, peerings } = world.aws.inventory();
  const peered = new Set((peerings as { readonly accepter: string }[]).map(({ accepter }) => accepter));
  const found = (vpcs as { readonly vpcId: string; readonly account: string }[]).find(
    ({ vpcId, account }) => account === ACCOUNT && !peered.has(vpcId),
  );
  if (found === undefined) {
    throw new Error('every VPC is peered');
  }
  return found.vpcId;
}

describe('delete', () => {
  test('authorizes the deletions that follow', async () => {
    expect(world.aws.inventory().authorizations).toEqual([]);
    expect(await send('Delete', { ResourceProperties: pair() })).toMatchObject({ Status: 'SUCCESS' });
    expect(world.aws.inventory().authorizations).toHaveLength(1);
  });

  test('fails if it cannot authorize and something is peered, because the fleets could not be deleted', async () => {
    world.errorFor = (_, operation) =>
      operation === 'CreateVpcPeeringAuthorization' ? awsError('AccessDeniedException', 'not today') : undefined;
    expect(await send('Delete', { ResourceProperties: pair() })).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(
        /^could not authorize VPC peering for VPC vpc-\w+ in us-east-1: AccessDeniedException: not today\. /,
      ) as string,
    });
  });

  test('fails with the error of the authorization if it cannot determine whether anything is peered', async () => {
    world.errorFor = (service, operation) =>
      service === 'gamelift' && operation !== 'DescribeVpcPeeringAuthorizations'
        ? awsError('AccessDeniedException', `no ${operation}`)
        : undefined;
    expect(await send('Delete', { ResourceProperties: pair({ PeerVpcId: unpeeredVpc() }) })).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('AccessDeniedException: no CreateVpcPeeringAuthorization') as string,
    });
  });

  test('succeeds if it cannot authorize and nothing is peered', async () => {
    world.errorFor = (_, operation) =>
      operation === 'CreateVpcPeeringAuthorization' ? awsError('AccessDeniedException') : undefined;
    expect(await send('Delete', { ResourceProperties: pair({ PeerVpcId: unpeeredVpc() }) })).toMatchObject({ Status: 'SUCCESS' });
    expect(world.aws.inventory().authorizations).toEqual([]);
  });
});

describe('update', () => {
  test.each([
    ['nothing', {}, [[VPC, GAMELIFT_ACCOUNT]]],
    [
      'the VPC',
      { PeerVpcId: 'vpc-1' },
      [
        [VPC, GAMELIFT_ACCOUNT],
        ['vpc-1', GAMELIFT_ACCOUNT],
      ],
    ],
    [
      'the account of the fleets',
      { GameLiftAwsAccountId: '333333333333' },
      [
        [VPC, GAMELIFT_ACCOUNT],
        [VPC, '333333333333'],
      ],
    ],
  ])('authorizes the declared pair, and the previous pair if it differs, after a change of %s', async (_, change, pairs) => {
    const scripted = new TestWorld();
    const event = { ResourceType: TYPE, OldResourceProperties: propertiesOf(change) };
    expect(await scripted.run(requestOf('Update', event))).toMatchObject({ Status: 'SUCCESS' });
    expect(scripted.api.calls).toEqual(pairs.map((ids) => ['Create', ...ids].join(' ')));
  });

  test.each([
    ['another role', { PeerVpcAwsAccountId: ACCOUNT, PeerRoleArn: `arn:aws:iam::${ACCOUNT}:role/Former` }, ['Peering', 'Former']],
    ['another account', { PeerVpcAwsAccountId: OTHER_ACCOUNT, PeerRoleArn: `arn:aws:iam::${ACCOUNT}:role/Peering` }, ['Peering']],
  ])('uses the previous role for the previous pair, and assumes each role once: %s', async (_, previous, names) => {
    const PeerRoleArn = `arn:aws:iam::${ACCOUNT}:role/Peering`;
    await send('Update', { ResourceProperties: pair({ PeerRoleArn }), OldResourceProperties: pair(previous) });
    expect(world.assumedRoles).toMatchObject(names.map((name) => ({ arn: `arn:aws:iam::${ACCOUNT}:role/${name}` })));
  });
});
