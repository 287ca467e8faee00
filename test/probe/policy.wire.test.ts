import type { Credentials } from 'rehearsal/aws';
import { MARKER_KEY } from '../../probe/marker';
import { policyFor } from '../../probe/policy';
import type { Policy } from '../../probe/policy';
import type { Outcome } from '../../probe/probe';
import { ACCOUNT, ProbeFixture, REGION, wrongReadings } from './fixture';
import type { Readings } from './fixture';

/*
 * The policy that the probe prints is sufficient, and each action in it is needed.
 */

let fixture: ProbeFixture;
afterEach(() => ProbeFixture.closeAll());

const TRUST_POLICY = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

/** Credentials of a role that has only the permissions of this policy. */
function credentialsWith(policy: object): Credentials {
  const { iam } = fixture.aws;
  const { arn } = iam.createRole({ account: ACCOUNT, roleName: 'Probe', assumeRolePolicy: TRUST_POLICY });
  iam.putRolePolicy(ACCOUNT, 'Probe', 'Default', policy);
  return iam.assumeRoleForService(arn, 'ec2.amazonaws.com', 'probe');
}

/** Runs the probe with the changed policy. */
async function runWithPolicy(change: (policy: Policy) => Policy, readings: Readings): Promise<Outcome> {
  fixture = await ProbeFixture.create(readings);
  const { fleetId, vpcId } = fixture;
  return await fixture.run({ credentials: credentialsWith(change(policyFor({ region: REGION, fleetId, vpcId }))) });
}

/** With this reading, the probe also needs the permissions to remove routes and rules. */
const LEFT_BEHIND = { peerVpcWritesOnDelete: 'left behind' };
const SCENARIOS: Readonly<Record<string, Readings>> = {
  'with the default readings': {},
  'if GameLift leaves routes and rules behind': LEFT_BEHIND,
  'if GameLift checks the permissions of a request at the call': { connectingPermissions: 'checked at the call' },
  'if GameLift checks the permissions of a request when it acts': {
    connectingPermissions: 'checked when GameLift acts',
    peerPermissions: 'not checked',
  },
};

test.each(Object.entries(SCENARIOS))('the policy is sufficient %s', async (_name, readings) => {
  const outcome = await runWithPolicy((policy) => policy, readings);
  expect(outcome.kind).toBe('finished');
  expect(wrongReadings(outcome, readings)).toEqual([]);
  const leftByProbe = fixture.leftBehind.filter((line) => !line.startsWith('left behind of roles'));
  expect(leftByProbe).toEqual([]);
});

test('the probe uses each permission of the policy', async () => {
  await runWithPolicy((policy) => policy, LEFT_BEHIND);
  const unused = fixture.aws.iam.unusedGrants();
  expect(unused).toEqual([]);
});

const ACTIONS = [...new Set(policyFor({}).Statement.flatMap(({ Action }) => Action))].sort();

function withoutAction(policy: Policy, action: string): Policy {
  const Statement = policy.Statement.map((statement) => ({
    ...statement,
    Action: statement.Action.filter((remaining) => remaining !== action),
  })).filter(({ Action }) => Action.length > 0);
  return { ...policy, Statement };
}

/** Returns a set, to which the rehearsal adds each action that it denies. */
function recordDenials(): Set<string> {
  const deniedActions = new Set<string>();
  const { iam } = fixture.aws;
  const decide = iam.decide.bind(iam);
  jest.spyOn(iam, 'decide').mockImplementation(async (principal, action, resource, context) => {
    const decision = await decide(principal, action, resource, context);
    if (!decision.allowed) {
      deniedActions.add(action);
    }
    return decision;
  });
  return deniedActions;
}

test.each(ACTIONS)('the probe stops, and its error names %s, if the policy lacks this action', async (action) => {
  fixture = await ProbeFixture.create(LEFT_BEHIND);
  const deniedActions = recordDenials();
  const { fleetId, vpcId } = fixture;
  const policy = withoutAction(policyFor({ region: REGION, fleetId, vpcId }), action);
  const outcome = await fixture.run({ credentials: credentialsWith(policy) });
  expect([...deniedActions]).toEqual([action]);
  expect(outcome).toMatchObject({ kind: 'stopped', error: expect.stringContaining(action) as string });
});

test.each(['ec2:DeleteRoute', 'ec2:RevokeSecurityGroupIngress'])(
  'the probe does not report that GameLift leaves routes or rules behind if the policy lacks %s',
  async (action) => {
    const outcome = await runWithPolicy((policy) => withoutAction(policy, action), {});
    expect(wrongReadings(outcome, {})).toEqual([]);
    expect(outcome.findings.find(({ question }) => question === 'peerVpcWritesOnDelete')).toMatchObject({ kind: 'open' });
    // the error contains commands to undo by hand what the probe could not undo
    expect(outcome).toMatchObject({ kind: 'stopped', error: expect.stringContaining('    aws ec2 ') as string });
  },
);

test('the policy is limited to the fleet, the VPC and the tag of the probe, where AWS supports it', () => {
  const fleetId = 'fleet-2222bbbb-33cc-44dd-55ee-6666ffff77aa';
  const vpcId = 'vpc-0123456789abcdef0';
  const policy = policyFor({ region: 'cn-north-1', fleetId, vpcId });
  const sidsForAllResources = policy.Statement.filter(({ Resource }) => Resource === '*').map(({ Sid }) => Sid);
  expect(sidsForAllResources).toEqual(['Read', 'Peer']);
  for (const { Resource, Condition } of policy.Statement.filter(({ Sid }) => !sidsForAllResources.includes(Sid))) {
    expect(Resource).toMatch(/^arn:aws-cn:(ec2|gamelift):cn-north-1:\*:/);
    expect(`${JSON.stringify(Resource)} ${JSON.stringify(Condition)}`).toMatch(new RegExp(`${fleetId}|vpc/${vpcId}`));
  }
  const tagCondition = policy.Statement.find(({ Sid }) => Sid === 'MarkFleet')?.Condition;
  expect(tagCondition).toEqual({
    'ForAllValues:StringEquals': { 'aws:TagKeys': [MARKER_KEY] },
    Null: { 'aws:TagKeys': 'false' },
  });
});
