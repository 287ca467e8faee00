import { LocalSimulation } from '../local-simulation';
import { allow, LAMBDA_TRUST, policy, VPC_ACCOUNT as ACCOUNT } from '../simulation';

const ROLE_NAME = 'Role';
const DESCRIBE_POLICY = policy(allow('ec2:DescribeVpcs'));
const trustPolicy = (account: string) =>
  policy({ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' });

let simulation: LocalSimulation;

beforeEach(() => {
  simulation = new LocalSimulation();
  simulation.aws.behaviours.set('iamPropagation', 'up to a minute late');
});

afterEach(() => simulation.close());

/** Repeats a check every two seconds, for a minute. Returns all results. */
async function checkForAMinute(check: () => Promise<boolean>): Promise<readonly boolean[]> {
  const outcomes: boolean[] = [];
  for (let second = 0; second < 60; second += 2) {
    outcomes.push(await check());
    await simulation.wait(2);
  }
  return outcomes;
}

/**
 * Expects that the result of a check changes back and forth during a minute, beginning with the old result, and that the check has only the
 * new result after that. Each check sees a change of IAM with a random delay of its own.
 */
async function expectLateEffect(
  check: () => Promise<boolean>,
  { isAllowedAfterwards }: { readonly isAllowedAfterwards: boolean },
): Promise<void> {
  const outcomes = await checkForAMinute(check);
  expect(outcomes[0]).toBe(!isAllowedAfterwards);
  const withoutRepeats = outcomes.filter((outcome, index) => outcome !== outcomes[index - 1]);
  // at least the old result, the new one, and the old one again
  expect(withoutRepeats.length).toBeGreaterThan(2);
  expect(new Set(await checkForAMinute(check))).toEqual(new Set([isAllowedAfterwards]));
}

const roleArn = `arn:aws:iam::${ACCOUNT}:role/${ROLE_NAME}`;

/** Whether a call is allowed. Throws if the call fails for another reason than a denial. */
async function isAllowed(call: Promise<object>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^(UnauthorizedOperation|AccessDenied)$/) as unknown });
    return false;
  }
}

const canDescribeVpcs = (): Promise<boolean> => {
  const { accessKeyId } = simulation.aws.iam.assumeRoleForService(roleArn, 'lambda.amazonaws.com', 'function');
  return isAllowed(simulation.call('ec2', 'DescribeVpcs', {}, accessKeyId));
};
const canAssumeRole = (): Promise<boolean> =>
  isAllowed(simulation.call('sts', 'AssumeRole', { RoleArn: roleArn, RoleSessionName: 'session' }));

test('a new inline policy of a role takes effect late, and so does its removal', async () => {
  simulation.aws.iam.createRole({ account: ACCOUNT, roleName: ROLE_NAME, assumeRolePolicy: LAMBDA_TRUST });
  simulation.aws.iam.putRolePolicy(ACCOUNT, ROLE_NAME, 'Default', DESCRIBE_POLICY);
  await expectLateEffect(canDescribeVpcs, { isAllowedAfterwards: true });
  simulation.aws.iam.deleteRolePolicy(ACCOUNT, ROLE_NAME, 'Default');
  await expectLateEffect(canDescribeVpcs, { isAllowedAfterwards: false });
});

test('an attached policy takes effect late, and so does its change', async () => {
  simulation.aws.iam.createRole({ account: ACCOUNT, roleName: ROLE_NAME, assumeRolePolicy: LAMBDA_TRUST });
  const arn = simulation.aws.iam.createPolicy({ account: ACCOUNT, policyName: 'Describe', document: DESCRIBE_POLICY });
  simulation.aws.iam.attachRolePolicy(ACCOUNT, ROLE_NAME, arn);
  await expectLateEffect(canDescribeVpcs, { isAllowedAfterwards: true });
  simulation.aws.iam.updatePolicy(arn, policy(allow('s3:GetObject')));
  await expectLateEffect(canDescribeVpcs, { isAllowedAfterwards: false });
});

test('a new role cannot be assumed at first, and a deleted role can still be assumed for a while', async () => {
  simulation.aws.iam.createRole({ account: ACCOUNT, roleName: ROLE_NAME, assumeRolePolicy: trustPolicy(ACCOUNT) });
  await expectLateEffect(canAssumeRole, { isAllowedAfterwards: true });
  simulation.aws.iam.deleteRole(ACCOUNT, ROLE_NAME);
  await expectLateEffect(canAssumeRole, { isAllowedAfterwards: false });
});

test('a change of a trust policy takes effect late', async () => {
  simulation.aws.iam.createRole({ account: ACCOUNT, roleName: ROLE_NAME, assumeRolePolicy: trustPolicy('222222222222') });
  await simulation.wait(60);
  simulation.aws.iam.updateRole(ACCOUNT, ROLE_NAME, { assumeRolePolicy: trustPolicy(ACCOUNT) });
  await expectLateEffect(canAssumeRole, { isAllowedAfterwards: true });
  simulation.aws.iam.updateRole(ACCOUNT, ROLE_NAME, { assumeRolePolicy: trustPolicy('222222222222') });
  await expectLateEffect(canAssumeRole, { isAllowedAfterwards: false });
});
