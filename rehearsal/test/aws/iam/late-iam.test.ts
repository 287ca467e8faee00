import { LocalWorld } from '../local-world';
import { allow, LAMBDA_TRUST, policy, VPC_ACCOUNT as ACCOUNT } from '../world';

const ROLE = 'Role';
const DESCRIBE = policy(allow('ec2:DescribeVpcs'));
const trust = (account: string) =>
  policy({ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' });

let world: LocalWorld;

beforeEach(() => {
  world = new LocalWorld();
  world.aws.behaviours.set('iamPropagation', 'up to a minute late');
});

afterEach(() => world.close());

/** Whether each of the checks that are made every two seconds, for a minute, allows something. */
async function checks(check: () => Promise<boolean>): Promise<readonly boolean[]> {
  const outcomes: boolean[] = [];
  for (let second = 0; second < 60; second += 2) {
    outcomes.push(await check());
    await world.wait(2);
  }
  return outcomes;
}

/** Some of the checks know the change and some do not, not one after the other; a minute later all of them know it. */
async function expectLate(check: () => Promise<boolean>, allowed: boolean): Promise<void> {
  const outcomes = await checks(check);
  expect(outcomes[0]).toBe(!allowed);
  const changes = outcomes.filter((outcome, index) => outcome !== outcomes[index - 1]);
  expect(changes.length).toBeGreaterThan(2);
  expect(new Set(await checks(check))).toEqual(new Set([allowed]));
}

const roleArn = `arn:aws:iam::${ACCOUNT}:role/${ROLE}`;

/** Whether a call is allowed; throws where it fails otherwise. */
async function isAllowed(call: Promise<object>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^(UnauthorizedOperation|AccessDenied)$/) as unknown });
    return false;
  }
}

const describesVpcs = (): Promise<boolean> => {
  const { accessKeyId } = world.aws.iam.assumeRoleForService(roleArn, 'lambda.amazonaws.com', 'function');
  return isAllowed(world.call('ec2', 'DescribeVpcs', {}, accessKeyId));
};
const assumes = (): Promise<boolean> =>
  isAllowed(world.call('sts', 'AssumeRole', { RoleArn: roleArn, RoleSessionName: 'session' }));

test('a new policy of a role is known late, and its removal', async () => {
  world.aws.iam.createRole({ account: ACCOUNT, roleName: ROLE, assumeRolePolicy: LAMBDA_TRUST });
  world.aws.iam.putRolePolicy(ACCOUNT, ROLE, 'Default', DESCRIBE);
  await expectLate(describesVpcs, true);
  world.aws.iam.deleteRolePolicy(ACCOUNT, ROLE, 'Default');
  await expectLate(describesVpcs, false);
});

test('an attached policy is known late, and what it is changed to', async () => {
  world.aws.iam.createRole({ account: ACCOUNT, roleName: ROLE, assumeRolePolicy: LAMBDA_TRUST });
  const arn = world.aws.iam.createPolicy({ account: ACCOUNT, policyName: 'Describe', document: DESCRIBE });
  world.aws.iam.attachRolePolicy(ACCOUNT, ROLE, arn);
  await expectLate(describesVpcs, true);
  world.aws.iam.updatePolicy(arn, policy(allow('s3:GetObject')));
  await expectLate(describesVpcs, false);
});

test('a new role can be assumed late, and a deleted one still for a while', async () => {
  world.aws.iam.createRole({ account: ACCOUNT, roleName: ROLE, assumeRolePolicy: trust(ACCOUNT) });
  await expectLate(assumes, true);
  world.aws.iam.deleteRole(ACCOUNT, ROLE);
  await expectLate(assumes, false);
});

test('a change of whom a role trusts is known late', async () => {
  world.aws.iam.createRole({ account: ACCOUNT, roleName: ROLE, assumeRolePolicy: trust('222222222222') });
  await world.wait(60);
  world.aws.iam.updateRole(ACCOUNT, ROLE, { assumeRolePolicy: trust(ACCOUNT) });
  await expectLate(assumes, true);
  world.aws.iam.updateRole(ACCOUNT, ROLE, { assumeRolePolicy: trust('222222222222') });
  await expectLate(assumes, false);
});
