import { App, Aws, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AuthorizationRenewal, VpcPeeringAuthorization } from '../../lib';

const AUTHORIZATION_TYPE = 'Custom::GameLiftVpcPeeringAuthorization';
const env = { account: '111111111111', region: 'eu-central-1' };

function stackWithVpc(props = {}): { stack: Stack; vpc: ec2.Vpc } {
  const stack = new Stack(new App(), 'Stack', props);
  return { stack, vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0 }) };
}

describe('the template of an authorization', () => {
  test('passes the VPC and both accounts to the handler', () => {
    const { stack, vpc } = stackWithVpc({ env });
    new VpcPeeringAuthorization(stack, 'Authorization', { vpc, gameLiftAccount: '222222222222' });
    Template.fromStack(stack).hasResourceProperties(AUTHORIZATION_TYPE, {
      ServiceToken: { 'Fn::GetAtt': [Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerFunction'), 'Arn'] },
      ServiceTimeout: '660',
      SchemaVersion: '1',
      PeerVpcId: { Ref: stack.getLogicalId(vpc.node.defaultChild as ec2.CfnVPC) },
      PeerVpcAwsAccountId: '111111111111',
      GameLiftAwsAccountId: '222222222222',
      Renewal: Match.absent(),
    });
  });

  test('passes the account of the stack as both accounts if the account of the stack is a token', () => {
    const { stack, vpc } = stackWithVpc();
    new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    Template.fromStack(stack).hasResourceProperties(AUTHORIZATION_TYPE, {
      PeerVpcAwsAccountId: { Ref: 'AWS::AccountId' },
      GameLiftAwsAccountId: { Ref: 'AWS::AccountId' },
    });
  });

  test('contains six resources if the VPC is imported', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-0123456789abcdef0', availabilityZones: ['eu-central-1a'] });
    new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    const types = Object.values(Template.fromStack(stack).toJSON().Resources as Record<string, { Type: string }>).map(
      ({ Type }) => Type,
    );
    expect(types.sort()).toEqual([
      'AWS::IAM::Role',
      'AWS::IAM::RolePolicy',
      'AWS::Lambda::EventInvokeConfig',
      'AWS::Lambda::Function',
      'AWS::Logs::LogGroup',
      AUTHORIZATION_TYPE,
    ]);
  });

  test('exposes the attributes of the custom resource', () => {
    const { stack, vpc } = stackWithVpc();
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    const [logicalId] = Object.keys(Template.fromStack(stack).findResources(AUTHORIZATION_TYPE));
    const resolved: unknown = stack.resolve({
      expirationTime: authorization.expirationTime,
      creationTime: authorization.creationTime,
      expirationEpochSeconds: authorization.expirationEpochSeconds,
      peerVpcId: authorization.peerVpcId,
      peerVpcAccount: authorization.peerVpcAccount,
      gameLiftAccount: authorization.gameLiftAccount,
    });
    expect(resolved).toEqual({
      expirationTime: { 'Fn::GetAtt': [logicalId, 'ExpirationTime'] },
      creationTime: { 'Fn::GetAtt': [logicalId, 'CreationTime'] },
      expirationEpochSeconds: { 'Fn::GetAtt': [logicalId, 'ExpirationEpochSeconds'] },
      peerVpcId: { 'Fn::GetAtt': [logicalId, 'PeerVpcId'] },
      peerVpcAccount: { 'Fn::GetAtt': [logicalId, 'PeerVpcAwsAccountId'] },
      gameLiftAccount: { 'Fn::GetAtt': [logicalId, 'GameLiftAwsAccountId'] },
    });
  });

  test.each([
    ['is canceled by default', undefined, 'Delete'],
    ['is canceled with DESTROY', RemovalPolicy.DESTROY, 'Delete'],
    ['is retained with RETAIN', RemovalPolicy.RETAIN, 'Retain'],
    [
      'is retained with RETAIN_ON_UPDATE_OR_DELETE, unless its creation is rolled back',
      RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      'RetainExceptOnCreate',
    ],
  ])('sets the deletion policy so that the authorization %s', (_, removalPolicy, DeletionPolicy) => {
    const { stack, vpc } = stackWithVpc();
    new VpcPeeringAuthorization(stack, 'Authorization', { vpc, ...(removalPolicy === undefined ? {} : { removalPolicy }) });
    Template.fromStack(stack).hasResource(AUTHORIZATION_TYPE, { DeletionPolicy });
  });

  test('grants the permissions that GameLift requires of the caller, limited to this VPC', () => {
    const { stack, vpc } = stackWithVpc({ env });
    new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    const arn = (resource: string): unknown => ({
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:ec2:eu-central-1:111111111111:${resource}`]],
    });
    const vpcArn = {
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':ec2:eu-central-1:111111111111:vpc/', { Ref: 'Vpc8378EB38' }]],
    };
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::RolePolicy', {
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: [
              'gamelift:CreateVpcPeeringAuthorization',
              'gamelift:DeleteVpcPeeringAuthorization',
              'gamelift:DescribeVpcPeeringAuthorizations',
              'ec2:DescribeRouteTables',
              'ec2:DescribeSecurityGroups',
              'ec2:DescribeVpcs',
            ],
            Resource: '*',
          },
          { Effect: 'Allow', Action: 'ec2:AcceptVpcPeeringConnection', Resource: vpcArn },
          {
            Effect: 'Allow',
            Action: 'ec2:AcceptVpcPeeringConnection',
            Resource: arn('vpc-peering-connection/*'),
            Condition: { ArnEquals: { 'ec2:AccepterVpc': vpcArn } },
          },
          {
            Effect: 'Allow',
            Action: [
              'ec2:AuthorizeSecurityGroupEgress',
              'ec2:AuthorizeSecurityGroupIngress',
              'ec2:CreateRoute',
              'ec2:DeleteRoute',
              'ec2:RevokeSecurityGroupEgress',
              'ec2:RevokeSecurityGroupIngress',
            ],
            Resource: [arn('route-table/*'), arn('security-group/*')],
            Condition: { ArnEquals: { 'ec2:Vpc': vpcArn } },
          },
          { Effect: 'Allow', Action: 'gamelift:DescribeVpcPeeringConnections', Resource: '*' },
        ],
      },
    });
  });

  test('has a policy with the id of the VPC in its name, so that each VPC gets a policy of its own', () => {
    const { stack, vpc } = stackWithVpc();
    new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::RolePolicy', {
      PolicyName: {
        'Fn::Join': [
          '-',
          [
            Match.stringLikeRegexp('^GameLiftVpcPeering-Authorize[0-9a-f]{8}$'),
            { Ref: 'Vpc8378EB38' },
            Match.stringLikeRegexp('^[0-9a-f]{8}$'),
          ],
        ],
      },
    });
  });

  test('creates the authorization after its policy and its event invoke config, and deletes it before them', () => {
    const { stack, vpc } = stackWithVpc();
    new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    Template.fromStack(stack).hasResource(AUTHORIZATION_TYPE, {
      DependsOn: Match.arrayWith([
        Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerAuthorize'),
        Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerEventInvokeConfig'),
      ]),
    });
  });

  test('has one policy for all authorizations of a VPC', () => {
    const { stack, vpc } = stackWithVpc();
    new VpcPeeringAuthorization(stack, 'One', { vpc, gameLiftAccount: '222222222222' });
    new VpcPeeringAuthorization(stack, 'Two', { vpc, gameLiftAccount: '333333333333' });
    const template = Template.fromStack(stack);
    template.resourceCountIs(AUTHORIZATION_TYPE, 2);
    template.resourceCountIs('AWS::IAM::RolePolicy', 1);
    template.resourceCountIs('AWS::Lambda::Function', 1);
  });
});

describe('the renewal of an authorization', () => {
  function synthesizeWith(renewal: AuthorizationRenewal): string {
    const { stack, vpc } = stackWithVpc();
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc, renewal });
    new CfnOutput(stack, 'Expires', { value: authorization.expirationTime });
    return JSON.stringify(Template.fromStack(stack).toJSON());
  }

  afterEach(() => {
    jest.useRealTimers();
  });

  test('with onChange, the template does not change with the time', () => {
    jest.useFakeTimers({ now: new Date('2026-01-01T00:00:00Z') });
    const before = synthesizeWith(AuthorizationRenewal.onChange());
    jest.advanceTimersByTime(Duration.days(10).toMilliseconds());
    expect(synthesizeWith(AuthorizationRenewal.onChange())).toBe(before);
  });

  test('with everySynthesis, the template changes only in the time of the synthesis', () => {
    jest.useFakeTimers({ now: new Date('2026-01-01T00:00:00Z') });
    const before = synthesizeWith(AuthorizationRenewal.everySynthesis());
    jest.advanceTimersByTime(Duration.days(10).toMilliseconds());
    const after = synthesizeWith(AuthorizationRenewal.everySynthesis());
    expect(before).toContain('"Renewal":"2026-01-01T00:00:00.000Z"');
    expect(after).toBe(before.replace('2026-01-01T00:00:00.000Z', '2026-01-11T00:00:00.000Z'));
  });
});

describe('the validation of an authorization', () => {
  const importVpc = (stack: Stack, attributes: { vpcId?: string; region?: string } = {}): ec2.IVpc =>
    ec2.Vpc.fromVpcAttributes(stack, 'Imported', {
      vpcId: 'vpc-0123456789abcdef0',
      availabilityZones: ['eu-central-1a'],
      ...attributes,
    });

  test.each(['12345678901', '1234567890123', '12345678901a', ''])(
    'fails with an account id that is not 12 digits: %p',
    (account) => {
      const { stack, vpc } = stackWithVpc();
      expect(() => new VpcPeeringAuthorization(stack, 'A', { vpc, gameLiftAccount: account })).toThrow(
        `gameLiftAccount must be an AWS account id of 12 digits, got '${account}'`,
      );
      expect(() => new VpcPeeringAuthorization(stack, 'B', { vpc, peerVpcAccount: account })).toThrow(
        `peerVpcAccount must be an AWS account id of 12 digits, got '${account}'`,
      );
      expect(() =>
        VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'C', { vpc, peerVpcAccount: account }),
      ).toThrow(`peerVpcAccount must be an AWS account id of 12 digits, got '${account}'`);
    },
  );

  test.each(['subnet-0123456789abcdef0', 'vpc-xyz', 'Vpc-0123', ''])('fails with an invalid VPC id: %p', (vpcId) => {
    const stack = new Stack(new App(), 'Stack', { env });
    const vpc = importVpc(stack, { vpcId });
    expect(() => new VpcPeeringAuthorization(stack, 'A', { vpc })).toThrow(
      `vpc must have an id such as vpc-0123456789abcdef0, got '${vpcId}'`,
    );
  });

  test('fails with a VPC in another Region', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    const vpc = importVpc(stack, { region: 'us-east-1' });
    expect(() => new VpcPeeringAuthorization(stack, 'A', { vpc })).toThrow(
      'vpc must be in the Region of the stack, since GameLift peers only within a Region: the VPC is in us-east-1, the stack is in eu-central-1',
    );
  });

  test('allows a VPC in any Region if the Region of the stack is a token', () => {
    const stack = new Stack(new App(), 'Stack');
    const vpc = importVpc(stack, { region: 'us-east-1' });
    expect(() => new VpcPeeringAuthorization(stack, 'A', { vpc })).not.toThrow();
  });

  test('fails with a VPC in another account, since only that account can authorize', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    expect(() => new VpcPeeringAuthorization(stack, 'A', { vpc: importVpc(stack), peerVpcAccount: '222222222222' })).toThrow(
      'only the account that owns a VPC can authorize its peering, but the VPC is in account 222222222222 and the stack is in 111111111111: ' +
        'pass a peerRole in account 222222222222, or create the authorization in a stack of account 222222222222 with gameLiftAccount ' +
        "'111111111111', and import it here with VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes",
    );
  });

  test('fails with the removal policy SNAPSHOT', () => {
    const { stack, vpc } = stackWithVpc();
    expect(() => new VpcPeeringAuthorization(stack, 'A', { vpc, removalPolicy: RemovalPolicy.SNAPSHOT })).toThrow(
      'removalPolicy must be DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE, got SNAPSHOT: the resource has no snapshots',
    );
  });

  test('allows tokens', () => {
    const stack = new Stack(new App(), 'Stack');
    const vpc = importVpc(stack, { vpcId: Aws.STACK_NAME, region: Aws.REGION });
    new VpcPeeringAuthorization(stack, 'A', { vpc, peerVpcAccount: Aws.ACCOUNT_ID, gameLiftAccount: Aws.ACCOUNT_ID });
    Template.fromStack(stack).resourceCountIs(AUTHORIZATION_TYPE, 1);
  });

  test('allows a VPC that the CDK has not looked up yet', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    new VpcPeeringAuthorization(stack, 'A', { vpc: ec2.Vpc.fromLookup(stack, 'Vpc', { vpcId: 'vpc-0123456789abcdef0' }) });
    // the dummy id of the CDK
    Template.fromStack(stack).hasResourceProperties(AUTHORIZATION_TYPE, { PeerVpcId: 'vpc-12345' });
  });
});

describe('an imported authorization', () => {
  test('adds nothing to the template, and has the attributes that are passed', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-0123456789abcdef0', availabilityZones: ['eu-central-1a'] });
    const authorization = VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Authorization', {
      vpc,
      peerVpcAccount: '222222222222',
    });
    expect(Template.fromStack(stack).toJSON()).not.toHaveProperty('Resources');
    expect({
      peerVpcId: authorization.peerVpcId,
      peerVpcAccount: authorization.peerVpcAccount,
      gameLiftAccount: authorization.gameLiftAccount,
      account: authorization.env.account,
    }).toEqual({
      peerVpcId: 'vpc-0123456789abcdef0',
      peerVpcAccount: '222222222222',
      gameLiftAccount: '111111111111',
      account: '222222222222',
    });
  });
});
