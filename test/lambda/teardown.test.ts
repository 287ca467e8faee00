import { ACCOUNT, OTHER_ACCOUNT } from '../matrix/rehearsal';
import { SimulatedWorld } from './simulated-world';
import { awsError, GAMELIFT_ACCOUNT, propertiesOf, requestOf, TestWorld, VPC } from './world';
import type { TestResponse } from './world';

/*
 * Custom::GameLiftVpcPeeringTeardown: CloudFormation deletes it before the fleets and connections. Its delete authorizes their deletion, and
 * fails if that is not possible.
 */

const TYPE = 'Custom::GameLiftVpcPeeringTeardown';

let world: SimulatedWorld;

beforeEach(async () => {
  world = await SimulatedWorld.create();
  // by then, every authorization has expired
  await world.waitDays(2);
});

afterEach(() => {
  world.close();
});

function pairProperties(change: object = {}): object {
  return { PeerVpcId: world.vpcId, PeerVpcAwsAccountId: ACCOUNT, GameLiftAwsAccountId: ACCOUNT, ...change };
}

async function send(type: 'Update' | 'Delete', change: object): Promise<TestResponse | undefined> {
  return (await world.run(requestOf(type, { ResourceType: TYPE, ...change }))).response;
}

/** The id of a VPC of the account without peering connections. */
function findUnpeeredVpcId(): string {
  const { vpcs, peerings } = world.aws.inventory();
  const peeredVpcIds = new Set((peerings as { readonly accepter: string }[]).map(({ accepter }) => accepter));
  const vpc = (vpcs as { readonly vpcId: string; readonly account: string }[]).find(
    ({ vpcId, account }) => account === ACCOUNT && !peeredVpcIds.has(vpcId),
  );
  if (vpc === undefined) {
    throw new Error('every VPC is peered');
  }
  return vpc.vpcId;
}

describe('the delete of a teardown', () => {
  test('authorizes the deletions of the fleets and connections', async () => {
    expect(world.aws.inventory().authorizations).toEqual([]);
    expect(await send('Delete', { ResourceProperties: pairProperties() })).toMatchObject({ Status: 'SUCCESS' });
    expect(world.aws.inventory().authorizations).toHaveLength(1);
  });

  test('fails if it cannot authorize and something is peered, because the fleets could not be deleted', async () => {
    world.errorFor = (_, operation) =>
      operation === 'CreateVpcPeeringAuthorization' ? awsError('AccessDeniedException', 'not today') : undefined;
    expect(await send('Delete', { ResourceProperties: pairProperties() })).toMatchObject({
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
    expect(await send('Delete', { ResourceProperties: pairProperties({ PeerVpcId: findUnpeeredVpcId() }) })).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('AccessDeniedException: no CreateVpcPeeringAuthorization') as string,
    });
  });

  test('succeeds if it cannot authorize and nothing is peered', async () => {
    world.errorFor = (_, operation) =>
      operation === 'CreateVpcPeeringAuthorization' ? awsError('AccessDeniedException') : undefined;
    expect(await send('Delete', { ResourceProperties: pairProperties({ PeerVpcId: findUnpeeredVpcId() }) })).toMatchObject({
      Status: 'SUCCESS',
    });
    expect(world.aws.inventory().authorizations).toEqual([]);
  });
});

describe('the update of a teardown', () => {
  test.each([
    ['no property', {}, [`Create ${VPC} ${GAMELIFT_ACCOUNT}`]],
    ['the VPC', { PeerVpcId: 'vpc-1' }, [`Create ${VPC} ${GAMELIFT_ACCOUNT}`, `Create vpc-1 ${GAMELIFT_ACCOUNT}`]],
    [
      'the account of the fleets',
      { GameLiftAwsAccountId: '333333333333' },
      [`Create ${VPC} ${GAMELIFT_ACCOUNT}`, `Create ${VPC} 333333333333`],
    ],
  ])('authorizes the declared pair, and the previous pair if it differs, if %s has changed', async (_, change, calls) => {
    const scripted = new TestWorld();
    const event = { ResourceType: TYPE, OldResourceProperties: propertiesOf(change) };
    expect(await scripted.run(requestOf('Update', event))).toMatchObject({ Status: 'SUCCESS' });
    expect(scripted.api.calls).toEqual(calls);
  });

  test.each([
    ['another role', { PeerVpcAwsAccountId: ACCOUNT, PeerRoleArn: `arn:aws:iam::${ACCOUNT}:role/Former` }, ['Peering', 'Former']],
    ['another account', { PeerVpcAwsAccountId: OTHER_ACCOUNT, PeerRoleArn: `arn:aws:iam::${ACCOUNT}:role/Peering` }, ['Peering']],
  ])(
    'uses the previous role for the previous pair, and assumes each role once, if the previous pair had %s',
    async (_, previousChange, roleNames) => {
      const PeerRoleArn = `arn:aws:iam::${ACCOUNT}:role/Peering`;
      await send('Update', {
        ResourceProperties: pairProperties({ PeerRoleArn }),
        OldResourceProperties: pairProperties(previousChange),
      });
      expect(world.assumedRoles).toMatchObject(roleNames.map((name) => ({ arn: `arn:aws:iam::${ACCOUNT}:role/${name}` })));
    },
  );
});
