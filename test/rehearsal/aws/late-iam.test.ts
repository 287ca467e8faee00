import { SimulatedAws } from '../../../rehearsal/aws';
import { RehearsalClock } from '../../../rehearsal/clock';
import { Journal } from '../../../rehearsal/journal';
import { allow, LAMBDA_TRUST, policy } from './world';

const ACCOUNT = '111111111111';
const REGION = 'us-east-1';
const ROLE = 'Role';
const DESCRIBE = policy(allow('ec2:DescribeVpcs'));
const trust = (account: string) =>
  policy({ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' });

let clock: RehearsalClock;
let aws: SimulatedAws;

beforeEach(() => {
  clock = new RehearsalClock(Date.UTC(2026, 0, 1));
  aws = new SimulatedAws({ clock, journal: new Journal(() => clock.now()) });
  aws.behaviours.set('iamPropagation', 'up to a minute late');
});

afterEach(async () => {
  clock.close();
  await aws.close();
});

/** Whether each of the checks that are made every two seconds, for a minute, allows something. */
async function checks(isAllowed: () => Promise<boolean>): Promise<readonly boolean[]> {
  const outcomes: boolean[] = [];
  for (let second = 0; second < 60; second += 2) {
    outcomes.push(await isAllowed());
    await clock.sleep(2000);
  }
  return outcomes;
}

/** Some of the checks know the change and some do not, not one after the other; a minute later all of them know it. */
async function expectLate(isAllowed: () => Promise<boolean>, allowed: boolean): Promise<void> {
  const outcomes = await checks(isAllowed);
  expect(outcomes[0]).toBe(!allowed);
  const changes = outcomes.filter((outcome, index) => outcome !== outcomes[index - 1]);
  expect(changes.length).toBeGreaterThan(2);
  expect(new Set(await checks(isAllowed))).toEqual(new Set([allowed]));
}

const principal = () => aws.iam.lookUp(aws.iam.assumeRoleForService(roleArn(), 'lambda.amazonaws.com', 'function').accessKeyId);
const roleArn = (): string => `arn:aws:iam::${ACCOUNT}:role/${ROLE}`;

async function describesVpcs(): Promise<boolean> {
  const session = principal();
  if (session === undefined) {
    throw new Error('the session is not known');
  }
  const outcome = aws.call('ec2', 'DescribeVpcs', {}, { principal: session.principal, region: REGION });
  return outcome.then(
    () => true,
    () => false,
  );
}

async function assumes(): Promise<boolean> {
  const caller = aws.iam.lookUp(aws.iam.administrator(ACCOUNT).accessKeyId);
  if (caller === undefined) {
    throw new Error('the account has no administrator');
  }
  const input = { RoleArn: roleArn(), RoleSessionName: 'session' };
  return aws.call('sts', 'AssumeRole', input, { principal: caller.principal, region: REGION }).then(
    () => true,
    () => false,
  );
}

test('a new policy of a role is known late, and its removal', async () => {
  aws.iam.createRole({ account: ACCOUNT, roleName: ROLE, assumeRolePolicy: LAMBDA_TRUST });
  aws.iam.putRolePolicy(ACCOUNT, ROLE, 'Default', DESCRIBE);
  await expectLate(describesVpcs, true);
  aws.iam.deleteRolePolicy(ACCOUNT, ROLE, 'Default');
  await expectLate(describesVpcs, false);
});

test('an attached policy is known late, and what it is changed to', async () => {
  aws.iam.createRole({ account: ACCOUNT, roleName: ROLE, assumeRolePolicy: LAMBDA_TRUST });
  const arn = aws.iam.createPolicy({ account: ACCOUNT, policyName: 'Describe', document: DESCRIBE });
  aws.iam.attachRolePolicy(ACCOUNT, ROLE, arn);
  await expectLate(describesVpcs, true);
  aws.iam.updatePolicy(arn, policy(allow('s3:GetObject')));
  await expectLate(describesVpcs, false);
});

test('a new role can be assumed late, and a deleted one still for a while', async () => {
  aws.iam.createRole({ account: ACCOUNT, roleName: ROLE, assumeRolePolicy: trust(ACCOUNT) });
  await expectLate(assumes, true);
  aws.iam.deleteRole(ACCOUNT, ROLE);
  await expectLate(assumes, false);
});

test('a change of whom a role trusts is known late', async () => {
  aws.iam.createRole({ account: ACCOUNT, roleName: ROLE, assumeRolePolicy: trust('222222222222') });
  await clock.sleep(60_000);
  aws.iam.updateRole(ACCOUNT, ROLE, { assumeRolePolicy: trust(ACCOUNT) });
  await expectLate(assumes, true);
  aws.iam.updateRole(ACCOUNT, ROLE, { assumeRolePolicy: trust('222222222222') });
  await expectLate(assumes, false);
});
