import { Rehearsal } from '../../src/index';
import { customResource, HANDLER_RESOURCES, writeAssembly } from '../assembly';

let rehearsal: Rehearsal;

afterEach(() => rehearsal.close());

const fleet = { Type: 'AWS::GameLift::Fleet', Properties: { Name: 'fleet', BuildId: 'build-1', EC2InstanceType: 'c5.large' } };

describe('the partition', () => {
  const MANAGED_POLICY_ARN = 'arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';
  const { Role } = HANDLER_RESOURCES;
  const resources = {
    ...HANDLER_RESOURCES,
    Role: { ...Role, Properties: { ...Role.Properties, ManagedPolicyArns: [{ 'Fn::Sub': MANAGED_POLICY_ARN }] } },
    Thing: customResource({}),
    Queue: { Type: 'AWS::SQS::Queue' },
    Fleet: fleet,
  };
  const arnOutputs = Object.fromEntries(
    ['Role.Arn', 'Handler.Arn', 'Queue.Arn', 'Fleet.FleetArn'].map((name) => [
      name.replace('.', ''),
      { Value: { 'Fn::GetAtt': name } },
    ]),
  );

  test.each([
    ['us-east-1', 'aws', 'amazonaws.com'],
    ['cn-north-1', 'aws-cn', 'amazonaws.com.cn'],
    ['us-gov-west-1', 'aws-us-gov', 'amazonaws.com'],
  ])('of Region %s is %s in pseudo parameters and ARNs, and its URL suffix is %s', async (region, partition, suffix) => {
    rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1), region });
    const pseudoOutputs = {
      Pseudo: { Value: { 'Fn::Sub': '${AWS::Partition} ${AWS::URLSuffix}' } },
      Url: { Value: { Ref: 'Queue' } },
    };
    const deployment = await rehearsal.cloudFormation.deploy(
      writeAssembly({ Resources: resources, Outputs: { ...arnOutputs, ...pseudoOutputs } }),
      'Stack',
    );
    expect(deployment.status).toBe('CREATE_COMPLETE');
    const { Pseudo, Url, ...arns } = deployment.outputs;
    expect(Pseudo).toBe(`${partition} ${suffix}`);
    expect(String(Url)).toContain(`https://sqs.${region}.${suffix}/111111111111/`);
    expect(Object.values(arns).map((arn) => String(arn).split(':')[1])).toEqual([partition, partition, partition, partition]);
    expect(rehearsal.cloudFormation.describe('Stack').id.split(':')[1]).toBe(partition);
    expect(rehearsal.aws.notUnderstood.list()).toEqual([]);
    expect((await rehearsal.cloudFormation.delete('Stack')).status).toBe('DELETE_COMPLETE');
  });
});
