import type { Iam, Principal } from '../../aws/iam/iam';
import { partitionOf } from '../../aws/partitions';
import type { OutputRequest } from '../template/intrinsics';
import { ResourceFailure, type StackIdentity } from '../types/resource-type';
import type { Stack } from './stack';
import type { Stacks } from './stacks';

/** Reads outputs of stacks in any account and Region for `Fn::GetStackOutput`, when a stack is created or updated. */
export class StackOutputs {
  private readonly refusals = new Map<string, string>();
  private readonly granted = new Set<string>();

  constructor(
    private readonly stacks: Stacks,
    private readonly iam: Iam,
    private readonly stack: StackIdentity,
    private readonly executionRoleArn: string | undefined,
  ) {}

  /** Assumes the roles in the requests with the stack's execution role, and checks their permissions. */
  async authorize(requests: readonly OutputRequest[]): Promise<void> {
    for (const request of requests.filter(({ roleArn }) => roleArn !== undefined)) {
      const refusal = await this.refusal(request);
      if (refusal === undefined) {
        this.granted.add(JSON.stringify(request));
      } else {
        this.refusals.set(JSON.stringify(request), refusal);
      }
    }
  }

  value(request: OutputRequest): unknown {
    const key = JSON.stringify(request);
    if (request.roleArn !== undefined && !this.granted.has(key)) {
      const refusal = this.refusals.get(key) ?? 'its arguments must not depend on resources in a rehearsal';
      throw new ResourceFailure(`Fn::GetStackOutput of ${request.stackName}: ${refusal}`);
    }
    const source = this.source(request);
    if (!source) {
      throw new ResourceFailure(`Stack with id ${request.stackName} does not exist`);
    }
    const { values } = source.outputs;
    if (!(request.outputName in values)) {
      throw new ResourceFailure(`No output named ${request.outputName} found in stack ${request.stackName}.`);
    }
    return values[request.outputName];
  }

  private async refusal(request: OutputRequest): Promise<string | undefined> {
    const { account, region } = this.stack;
    const [roleArn, sessionName] = [request.roleArn ?? '', 'AWSCloudFormation'];
    const session = await this.iam.assumeRole(this.executor(), { roleArn, sessionName, durationSeconds: 3600, region });
    if (!session) {
      return `the execution role of account ${account} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`;
    }
    const stackId = this.source(request)?.identity.id;
    if (stackId === undefined) {
      return `Stack with id ${request.stackName} does not exist`;
    }
    const context = { 'aws:RequestedRegion': request.region ?? region };
    const decision = await this.iam.decide(session.principal, 'cloudformation:DescribeStacks', stackId, context);
    return decision.allowed ? undefined : decision.reason;
  }

  /** The stack's execution role, with administrator permissions, as the CDK bootstraps it. */
  private executor(): Principal {
    const { account, region } = this.stack;
    const partition = partitionOf(region);
    const role = this.executionRoleArn?.split('/').at(-1);
    const arn =
      role === undefined
        ? `arn:${partition}:iam::${account}:user/administrator`
        : `arn:${partition}:sts::${account}:assumed-role/${role}/AWSCloudFormation`;
    return { arn, account, userId: `AROACLOUDFORMATION:${account}` };
  }

  private source({ stackName, region, roleArn }: OutputRequest): Stack | undefined {
    const account = roleArn?.split(':')[4] ?? this.stack.account;
    return this.stacks.deployed({ stackName, account, region: region ?? this.stack.region });
  }
}
