import type { Iam, Principal } from '../../aws/iam/iam';
import { partitionOf } from '../../aws/partitions';
import type { OutputReference } from '../template/intrinsics';
import { ResourceFailure, type StackIdentity } from '../types/resource-type';
import type { Stack } from './stack';
import type { Stacks } from './stacks';

/** Reads the outputs of stacks in any account and Region, for `Fn::GetStackOutput`. */
export class StackOutputs {
  /** Why permission checks failed. The key is the reference as JSON. */
  private readonly denialReasons = new Map<string, string>();
  private readonly permittedReferences = new Set<string>();

  constructor(
    private readonly stacks: Stacks,
    private readonly iam: Iam,
    private readonly stack: StackIdentity,
    private readonly executionRoleArn: string | undefined,
  ) {}

  /** Assumes the roles in `references` with the execution role of the stack, and checks the permissions of these roles. */
  async checkPermissions(references: readonly OutputReference[]): Promise<void> {
    for (const reference of references.filter(({ roleArn }) => roleArn !== undefined)) {
      const reason = await this.reasonToDeny(reference);
      if (reason === undefined) {
        this.permittedReferences.add(JSON.stringify(reference));
      } else {
        this.denialReasons.set(JSON.stringify(reference), reason);
      }
    }
  }

  read(reference: OutputReference): unknown {
    const key = JSON.stringify(reference);
    if (reference.roleArn !== undefined && !this.permittedReferences.has(key)) {
      const reason =
        this.denialReasons.get(key) ??
        'its arguments must not refer to resources, because a rehearsal checks the permission before it creates the resources';
      throw new ResourceFailure(`Fn::GetStackOutput of ${reference.stackName}: ${reason}`);
    }
    const sourceStack = this.findSourceStack(reference);
    if (!sourceStack) {
      throw new ResourceFailure(`Stack with id ${reference.stackName} does not exist`);
    }
    const { values } = sourceStack.outputs;
    if (!(reference.outputName in values)) {
      throw new ResourceFailure(`No output named ${reference.outputName} found in stack ${reference.stackName}.`);
    }
    return values[reference.outputName];
  }

  /** @returns undefined if the role in `reference` may read the output */
  private async reasonToDeny(reference: OutputReference): Promise<string | undefined> {
    const { account, region } = this.stack;
    const [roleArn, sessionName] = [reference.roleArn ?? '', 'AWSCloudFormation'];
    const session = await this.iam.assumeRole(this.executionPrincipal(), { roleArn, sessionName, durationSeconds: 3600, region });
    if (!session) {
      return `the execution role of account ${account} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`;
    }
    const stackId = this.findSourceStack(reference)?.identity.id;
    if (stackId === undefined) {
      return `Stack with id ${reference.stackName} does not exist`;
    }
    const context = { 'aws:RequestedRegion': reference.region ?? region };
    const decision = await this.iam.decide(session.principal, 'cloudformation:DescribeStacks', stackId, context);
    return decision.allowed ? undefined : decision.reason;
  }

  /** The stack's execution role, or a user if it has none. Both are administrators, like the role that the CDK bootstraps. */
  private executionPrincipal(): Principal {
    const { account, region } = this.stack;
    const partition = partitionOf(region);
    const role = this.executionRoleArn?.split('/').at(-1);
    const arn =
      role === undefined
        ? `arn:${partition}:iam::${account}:user/administrator`
        : `arn:${partition}:sts::${account}:assumed-role/${role}/AWSCloudFormation`;
    return { arn, account, userId: `AROACLOUDFORMATION:${account}` };
  }

  private findSourceStack({ stackName, region, roleArn }: OutputReference): Stack | undefined {
    const account = roleArn?.split(':')[4] ?? this.stack.account;
    return this.stacks.findExisting({ stackName, account, region: region ?? this.stack.region });
  }
}
