import { InProcessRehearsal } from '../../src/in-process';
import { functionArn } from '../../src/lambda/service/function-configuration';

const ACCOUNT = '111111111111';
const ACCOUNT_AND_REGION = { account: ACCOUNT, region: 'us-east-1' };
const FUNCTION = { ...ACCOUNT_AND_REGION, functionName: 'handler', runtime: 'nodejs24.x', logGroupName: '/aws/lambda/handler' };
const LOG_GROUP = { ...ACCOUNT_AND_REGION, name: FUNCTION.logGroupName };
const BASIC_EXECUTION_POLICY_ARN = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';

let rehearsal: InProcessRehearsal;
let invocations: number;

/** Deploys a function whose role has these AWS managed policies, and invokes the function once. */
async function invokeFunction(policies: readonly string[]): Promise<void> {
  const { aws, clock, lambda } = rehearsal;
  const assumeRolePolicy = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
  const role = aws.iam.createRole({ account: ACCOUNT, roleName: 'role', assumeRolePolicy }).arn;
  policies.forEach((policy) => {
    aws.iam.attachRolePolicy(ACCOUNT, 'role', policy);
  });
  const settings = { role, handler: 'index.handler', timeoutSeconds: 60, memoryMegabytes: 128, environment: {} };
  lambda.deploy({ ...FUNCTION, ...settings, code: { zipFile: '' } });
  lambda.invokeAsync(functionArn(ACCOUNT, ACCOUNT_AND_REGION.region, FUNCTION.functionName), {});
  await clock.sleep(60_000);
  expect(invocations).toBe(1);
}

beforeEach(() => {
  invocations = 0;
  const handler = () => {
    invocations += 1;
    return Promise.resolve();
  };
  rehearsal = new InProcessRehearsal({ ...ACCOUNT_AND_REGION, startTime: Date.UTC(2026, 0, 1), createHandler: () => handler });
});
afterEach(() => rehearsal.close());

test('the inventory contains functions that run in process, and the log groups that Lambda creates for them', async () => {
  await invokeFunction([BASIC_EXECUTION_POLICY_ARN]);
  const { functions, logGroups } = rehearsal.aws.inventory();
  expect(functions).toEqual([expect.objectContaining(FUNCTION)]);
  expect(logGroups).toEqual([LOG_GROUP]);
});

test('a function that runs in process has no log group if its role may not create one', async () => {
  await invokeFunction([]);
  const { functions, logGroups } = rehearsal.aws.inventory();
  expect(functions).toEqual([expect.objectContaining(FUNCTION)]);
  expect(logGroups).toEqual([]);
});

test('the inventory contains the tags of a peering connection as long as EC2 shows it, even if the tags were added after its deletion', async () => {
  const { ec2 } = rehearsal.aws;
  const [requester, accepter] = ['10.1.0.0/16', '10.2.0.0/16'].map((cidrBlock) => {
    const { vpcId } = ec2.createVpc({ ...ACCOUNT_AND_REGION, cidrBlock });
    return { vpcId, account: ACCOUNT, cidrBlocks: [cidrBlock] };
  });
  if (requester === undefined || accepter === undefined) {
    throw new Error('expected two VPCs');
  }
  const peering = ec2.peerings.request(ACCOUNT_AND_REGION.region, requester, accepter);
  peering.setStatus('active');
  ec2.peerings.markDeleted(peering, 'Deleted');
  ec2.tags.put(ACCOUNT, peering.id, new Map([['Name', 'late']]));
  const tags = (): readonly object[] => rehearsal.aws.inventory().tags;
  expect(tags()).toContainEqual({ account: ACCOUNT, resourceId: peering.id, key: 'Name', value: 'late' });
  await rehearsal.clock.sleep(24 * 3_600_000);
  expect(tags()).toEqual([]);
});
