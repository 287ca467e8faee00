import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  DeleteVpcPeeringAuthorizationCommand,
  DescribeVpcPeeringAuthorizationsCommand,
  DescribeVpcPeeringConnectionsCommand,
  GameLiftClient,
  NotFoundException,
} from '@aws-sdk/client-gamelift';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';

/*
 * integ-runner runs these hooks after it has deployed the stacks of a test, and after it has deleted them.
 *
 * node --import tsx hooks.ts after-deploy STACK    checks that the authorization is valid, and cancels it
 * node --import tsx hooks.ts after-destroy STACK   checks that nothing is authorized or peered anymore
 */

/** The outputs of the stack with the connection: see peering-test.ts. */
interface StackOutputs {
  readonly GameLiftAccount: string;
  readonly VpcId: string;
  readonly ExpirationTime: string;
  /** Empty if the VPC is in the account of the fleet. */
  readonly PeerRoleArn: string;
  readonly ExternalId: string;
}

/** GameLift allows one call of an operation in ten seconds. With ten attempts, a client retries until a throttled call is allowed. */
const RETRY_OPTIONS = { maxAttempts: 10 };
const ENDED_STATUSES = ['deleted', 'failed', 'rejected', 'expired'];

/** The first hook writes the outputs of the stack to this file for the second hook. */
const outputsFile = (stackName: string): string => join(__dirname, 'deployed', `${stackName}.json`);

async function readOutputs(stackName: string): Promise<StackOutputs> {
  const { Stacks } = await new CloudFormationClient().send(new DescribeStacksCommand({ StackName: stackName }));
  const outputs = Stacks?.[0]?.Outputs ?? [];
  const value = (name: keyof StackOutputs): string => outputs.find(({ OutputKey }) => OutputKey === name)?.OutputValue ?? '';
  return {
    GameLiftAccount: value('GameLiftAccount'),
    VpcId: value('VpcId'),
    ExpirationTime: value('ExpirationTime'),
    PeerRoleArn: value('PeerRoleArn'),
    ExternalId: value('ExternalId'),
  };
}

/** Creates a client with credentials of the account of the VPC. */
async function createVpcOwnerClient({ PeerRoleArn, ExternalId }: StackOutputs): Promise<GameLiftClient> {
  if (PeerRoleArn === '') {
    return new GameLiftClient(RETRY_OPTIONS);
  }
  const { Credentials } = await new STSClient().send(
    new AssumeRoleCommand({ RoleArn: PeerRoleArn, ExternalId, RoleSessionName: 'integration-test' }),
  );
  return new GameLiftClient({
    ...RETRY_OPTIONS,
    credentials: {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken,
    },
  });
}

async function afterDeploy(stackName: string): Promise<void> {
  const outputs = await readOutputs(stackName);
  mkdirSync(join(__dirname, 'deployed'), { recursive: true });
  writeFileSync(outputsFile(stackName), JSON.stringify(outputs));
  const { GameLiftAccount, VpcId, ExpirationTime } = outputs;
  if (!(Date.parse(ExpirationTime) > Date.now())) {
    throw new Error(`the authorization for ${VpcId} expired at ${ExpirationTime}, right after the deployment`);
  }
  try {
    const client = await createVpcOwnerClient(outputs);
    await client.send(new DeleteVpcPeeringAuthorizationCommand({ GameLiftAwsAccountId: GameLiftAccount, PeerVpcId: VpcId }));
  } catch (error) {
    // the connection may have consumed the authorization
    if (!(error instanceof NotFoundException)) {
      throw error;
    }
  }
}

async function afterDestroy(stackName: string): Promise<void> {
  if (!existsSync(outputsFile(stackName))) {
    return; // the deployment failed, and integ-runner prints the reason
  }
  const { VpcId } = JSON.parse(readFileSync(outputsFile(stackName), 'utf8')) as StackOutputs;
  rmSync(outputsFile(stackName));
  const client = new GameLiftClient(RETRY_OPTIONS);
  const { VpcPeeringAuthorizations = [] } = await client.send(new DescribeVpcPeeringAuthorizationsCommand());
  const { VpcPeeringConnections = [] } = await client.send(new DescribeVpcPeeringConnectionsCommand());
  const leftBehind = [
    ...VpcPeeringAuthorizations.filter(({ ExpirationTime }) => ExpirationTime !== undefined && ExpirationTime > new Date()),
    ...VpcPeeringConnections.filter(({ Status }) => !ENDED_STATUSES.includes(Status?.Code ?? '')),
  ].filter(({ PeerVpcId }) => PeerVpcId === VpcId);
  if (leftBehind.length > 0) {
    throw new Error(`left behind: ${JSON.stringify(leftBehind)}; delete it with the AWS CLI: see docs/integration-tests.md`);
  }
}

const HOOKS = { 'after-deploy': afterDeploy, 'after-destroy': afterDestroy };

async function main(): Promise<void> {
  const [name = '', stackName = ''] = process.argv.slice(2);
  if (!(name in HOOKS) || stackName === '') {
    throw new Error(`usage: hooks.ts after-deploy|after-destroy STACK, got: ${name} ${stackName}`);
  }
  await HOOKS[name as keyof typeof HOOKS](stackName);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
