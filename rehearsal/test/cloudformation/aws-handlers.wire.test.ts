import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, CfnOutput, CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { CfnVPC } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId, Provider } from 'aws-cdk-lib/custom-resources';
import { Rehearsal } from '../../src/index';
import { reasons } from '../assembly';

/** These tests run the CDK's own handlers from unmodified assets. The handlers must behave as they do in AWS. */

let rehearsal: Rehearsal;

const synthesize = (build: (stack: Stack) => void): string => {
  const app = new App({ outdir: mkdtempSync(path.join(tmpdir(), 'rehearsal-cdk-')) });
  build(new Stack(app, 'Stack'));
  return app.synth().directory;
};
const deploy = (build: (stack: Stack) => void) => rehearsal.cloudFormation.deploy(synthesize(build), 'Stack');
const gameLiftCalls = () =>
  rehearsal.journal.entries
    .filter(({ source }) => source === 'gamelift')
    .map(({ subject, message }) => `${subject} ${message.split(' ')[0] ?? ''}`);

beforeEach(async () => {
  rehearsal = await Rehearsal.start({});
});
afterEach(() => rehearsal.close());

describe('AwsCustomResource', () => {
  const stackWithAuthorization =
    (account: string, addMore: (stack: Stack, resource: AwsCustomResource) => void = () => undefined) =>
    (stack: Stack): void => {
      const vpc = new CfnVPC(stack, 'Vpc', { cidrBlock: '10.0.0.0/16' });
      const call = (action: string) => ({
        service: 'GameLift',
        action,
        parameters: { GameLiftAwsAccountId: account, PeerVpcId: vpc.ref },
        physicalResourceId: PhysicalResourceId.of('authorization'),
      });
      const resource = new AwsCustomResource(stack, 'Authorization', {
        onCreate: call('createVpcPeeringAuthorization'),
        onUpdate: call('createVpcPeeringAuthorization'),
        onDelete: call('deleteVpcPeeringAuthorization'),
        installLatestAwsSdk: false,
        policy: AwsCustomResourcePolicy.fromStatements([
          new PolicyStatement({
            actions: [
              'gamelift:CreateVpcPeeringAuthorization',
              'gamelift:DeleteVpcPeeringAuthorization',
              'ec2:AcceptVpcPeeringConnection',
              'ec2:AuthorizeSecurityGroupEgress',
              'ec2:AuthorizeSecurityGroupIngress',
              'ec2:CreateRoute',
              'ec2:DescribeRouteTables',
              'ec2:DescribeSecurityGroups',
            ],
            resources: ['*'],
          }),
        ]),
      });
      new CfnOutput(stack, 'Peer', { value: resource.getResponseField('VpcPeeringAuthorization.PeerVpcId') });
      addMore(stack, resource);
    };

  test('is created, updated and deleted', async () => {
    const created = await deploy(stackWithAuthorization('222222222222'));
    expect(created.status).toBe('CREATE_COMPLETE');
    expect(created.outputs.Peer).toMatch(/^vpc-/);
    await rehearsal.clock.sleep(60_000);
    expect((await deploy(stackWithAuthorization('333333333333'))).status).toBe('UPDATE_COMPLETE');
    expect((await rehearsal.cloudFormation.delete('Stack')).status).toBe('DELETE_COMPLETE');
    expect(gameLiftCalls()).toEqual([
      'CreateVpcPeeringAuthorization succeeded',
      'CreateVpcPeeringAuthorization succeeded',
      'DeleteVpcPeeringAuthorization succeeded',
    ]);
  });

  test('is rolled back if its creation fails, and the reason is reported', async () => {
    const { status } = await deploy(stackWithAuthorization(''));
    expect(status).toMatch(/^ROLLBACK_/);
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toMatch(
      /^Received response status \[FAILED\] from custom resource\. Message returned: /,
    );
  });

  test('is updated to its old properties if the update of its stack fails', async () => {
    await deploy(stackWithAuthorization('222222222222'));
    await rehearsal.clock.sleep(60_000);
    const { status } = await deploy(
      stackWithAuthorization('333333333333', (stack, resource) => {
        // The chain of VPCs delays the rollback by more than ten seconds, because the rate limit allows one authorization in ten seconds.
        const vpcs = ['1', '2', '3', '4', '5'].map((id) => new CfnVPC(stack, `Vpc${id}`, { cidrBlock: `10.${id}.0.0/16` }));
        vpcs.forEach((vpc, index) => {
          vpc.node.addDependency(vpcs[index - 1] ?? resource);
        });
        const failing = new CfnVPC(stack, 'Failing', { cidrBlock: resource.getResponseField('Absent') });
        failing.node.addDependency(...vpcs);
      }),
    );
    expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toContain("Vendor response doesn't contain Absent attribute");
    // one call for the create, one for the update, and one for the rollback
    expect(gameLiftCalls().filter((call) => call === 'CreateVpcPeeringAuthorization succeeded')).toHaveLength(3);
    expect((await rehearsal.cloudFormation.delete('Stack')).status).toBe('DELETE_COMPLETE');
  });
});

describe('custom_resources.Provider', () => {
  const HANDLER_CODE = `exports.handler = async (event) => {
    console.log(event.RequestType + ' ' + (event.PhysicalResourceId ?? 'none') + ' ' + event.ResourceProperties.Name);
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    if (event.ResourceProperties.Name === 'bad') throw new Error('bad name');
    return { PhysicalResourceId: event.ResourceProperties.Name, Data: { Name: event.ResourceProperties.Name } };
  };`;
  const stackWithProvider =
    (name: string) =>
    (stack: Stack): void => {
      const onEventHandler = new Function(stack, 'Handler', {
        code: Code.fromInline(HANDLER_CODE),
        handler: 'index.handler',
        runtime: Runtime.NODEJS_20_X,
        timeout: Duration.minutes(1),
      });
      const { serviceToken } = new Provider(stack, 'Provider', { onEventHandler });
      const resource = new CustomResource(stack, 'Resource', { serviceToken, properties: { Name: name } });
      new CfnOutput(stack, 'Name', { value: resource.getAttString('Name') });
    };
  /** The type of each request, its physical id, and its property `Name`. */
  const handledRequests = () =>
    rehearsal.journal.entries
      .filter(({ source, message }) => source === 'lambda' && /^(Create|Update|Delete) /.test(message))
      .map(({ message }) => message);

  test('is created, updated with replacement, and deleted', async () => {
    expect(await deploy(stackWithProvider('one'))).toMatchObject({ status: 'CREATE_COMPLETE', outputs: { Name: 'one' } });
    expect(await deploy(stackWithProvider('two'))).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Name: 'two' } });
    expect((await rehearsal.cloudFormation.delete('Stack')).status).toBe('DELETE_COMPLETE');
    expect(handledRequests()).toEqual(['Create none one', 'Update one two', 'Delete one one', 'Delete two two']);
  });

  test('is rolled back if its update fails', async () => {
    await deploy(stackWithProvider('one'));
    expect((await deploy(stackWithProvider('bad'))).status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'UPDATE_FAILED')[0]).toContain('Message returned: bad name');
    expect(handledRequests()).toEqual(['Create none one', 'Update one bad', 'Update one one']);
  });

  test("does not call the user's handler for the delete after a failed create", async () => {
    expect((await deploy(stackWithProvider('bad'))).status).toBe('ROLLBACK_COMPLETE');
    expect(handledRequests()).toEqual(['Create none bad']);
  });
});
