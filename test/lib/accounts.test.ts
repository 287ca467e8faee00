import { App, NestedStack, Stack, Stage } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { PeeringRoutes, VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringRole } from '../../lib';
import type { VpcPeeringAuthorizationProps, VpcPeeringConnectionProps } from '../../lib';

const GAME_ENV = { account: '111111111111', region: 'eu-central-1' };
const DATA_ENV = { account: '222222222222', region: 'eu-central-1' };
const ROLE_ARN = 'arn:aws:iam::222222222222:role/Peering';
const VPC_ID = 'vpc-0123456789abcdef0';

function importVpc(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: VPC_ID, availabilityZones: ['eu-central-1a'] });
}

function statementsOf(stack: Stack, policyName: string): unknown[] {
  const policies = Object.values(Template.fromStack(stack).findResources('AWS::IAM::RolePolicy')) as {
    Properties: { PolicyName: unknown; PolicyDocument: { Statement: unknown[] } };
  }[];
  const matchingPolicies = policies.filter(({ Properties }) => JSON.stringify(Properties.PolicyName).includes(`-${policyName}`));
  return matchingPolicies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
}

function actionsOf(statements: readonly unknown[]): string[] {
  return statements.flatMap((statement) => [(statement as { Action: string | string[] }).Action].flat()).sort();
}

describe('a VpcPeeringRole', () => {
  function templateWithRole(
    props: Partial<ConstructorParameters<typeof VpcPeeringRole>[2]> = { gameLiftAccount: GAME_ENV.account },
  ): Template {
    const stack = new Stack(new App(), 'Data', { env: DATA_ENV });
    new VpcPeeringRole(stack, 'Role', { vpc: importVpc(stack), ...props });
    return Template.fromStack(stack);
  }

  test('trusts the GameLift account, and requires the external id if there is one', () => {
    const principal = { AWS: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::111111111111:root']] } };
    templateWithRole().hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: principal, Condition: Match.absent() }],
      },
    });
    templateWithRole({ gameLiftAccount: GAME_ENV.account, externalId: 'studio-7' }).hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Action: 'sts:AssumeRole',
            Effect: 'Allow',
            Principal: principal,
            Condition: { StringEquals: { 'sts:ExternalId': 'studio-7' } },
          },
        ],
      },
    });
  });

  test('trusts the principal in assumedBy if it is passed', () => {
    templateWithRole({ assumedBy: new iam.ArnPrincipal('arn:aws:iam::111111111111:role/Deployer') }).hasResourceProperties(
      'AWS::IAM::Role',
      {
        AssumeRolePolicyDocument: { Statement: [{ Principal: { AWS: 'arn:aws:iam::111111111111:role/Deployer' } }] },
      },
    );
  });

  test('grants only the permissions to authorize, and to set tags, routes and DNS of its VPC', () => {
    const [role] = Object.values(templateWithRole().findResources('AWS::IAM::Role')) as {
      Properties: {
        Policies: { PolicyDocument: { Statement: { Action: string | string[]; Resource: unknown; Condition?: unknown }[] } }[];
      };
    }[];
    const statements = role?.Properties.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement) ?? [];
    expect(actionsOf(statements)).toEqual([
      'ec2:AcceptVpcPeeringConnection',
      'ec2:AcceptVpcPeeringConnection',
      'ec2:AuthorizeSecurityGroupEgress',
      'ec2:AuthorizeSecurityGroupIngress',
      'ec2:CreateRoute',
      'ec2:CreateTags',
      'ec2:DeleteRoute',
      'ec2:DeleteTags',
      'ec2:DeleteTags',
      'ec2:DescribeRouteTables',
      'ec2:DescribeSecurityGroups',
      'ec2:DescribeVpcPeeringConnections',
      'ec2:DescribeVpcs',
      'ec2:ModifyVpcPeeringConnectionOptions',
      'ec2:ReplaceRoute',
      'ec2:RevokeSecurityGroupEgress',
      'ec2:RevokeSecurityGroupIngress',
      'gamelift:CreateVpcPeeringAuthorization',
      'gamelift:DeleteVpcPeeringAuthorization',
      'gamelift:DescribeVpcPeeringAuthorizations',
    ]);
    // each action that IAM can limit is limited to the VPC, or to peering connections with tags of this library
    for (const { Action, Resource, Condition } of statements) {
      const isUnlimited = [Action].flat().every((action) => /^(ec2:Describe|gamelift:)/.test(action));
      const scope = Action === 'ec2:DeleteTags' ? 'aws:ResourceTag/cdk-gamelift-vpc-peering:' : `vpc/${VPC_ID}`;
      expect(isUnlimited ? Resource : JSON.stringify([Resource, Condition])).toEqual(
        isUnlimited ? '*' : expect.stringContaining(scope),
      );
    }
  });

  test('has an explicit name even if no other stack refers to it', () => {
    const [role] = Object.values(templateWithRole().findResources('AWS::IAM::Role')) as { Properties: { RoleName: string } }[];
    expect(role?.Properties.RoleName).toMatch(/^Data-Role-eu-central-1-[0-9a-f]{8}$/);
  });

  test('shortens a longer name to 64 characters, the limit of IAM', () => {
    const stack = new Stack(new App(), 'Data'.repeat(20), { env: DATA_ENV });
    new VpcPeeringRole(stack, 'Role', { vpc: importVpc(stack), gameLiftAccount: GAME_ENV.account });
    const [role] = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Role')) as {
      Properties: { RoleName: string };
    }[];
    expect(role?.Properties.RoleName).toHaveLength(64);
  });

  test('has a name that depends on the name and Region of the stack, but not on the path of the stack in the app', () => {
    const roleNameIn = (props: StackProps, path: readonly string[] = ['Data']): unknown => {
      const stages = path.slice(0, -1);
      const scope = stages.reduce<Construct>((parent, id) => new Stage(parent, id), new App());
      const stack = new Stack(scope, path.at(-1) ?? '', { env: DATA_ENV, ...props });
      new VpcPeeringRole(stack, 'Role', { vpc: importVpc(stack), gameLiftAccount: GAME_ENV.account });
      const [role] = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Role'));
      return (role as { Properties: { RoleName: string } }).Properties.RoleName;
    };
    const name = roleNameIn({ stackName: 'data-dev' });
    expect(name).toMatch(/^data-dev-Role-eu-central-1-[0-9a-f]{8}$/);
    expect(roleNameIn({ stackName: 'data-dev' }, ['Prod', 'Game'])).toBe(name);
    const otherNames = [
      roleNameIn({ stackName: 'data-staging' }),
      roleNameIn({ stackName: 'data-dev', env: { ...DATA_ENV, region: 'us-east-1' } }),
      // these names are too long for IAM, and must differ even though they are cut off
      roleNameIn({ stackName: `${'data-'.repeat(15)}dev` }),
      roleNameIn({ stackName: `${'data-'.repeat(15)}staging` }),
    ];
    expect(new Set([name, ...otherNames]).size).toBe(5);
  });

  test('has a name in a nested stack that begins with the name of the top-level stack', () => {
    const nested = new NestedStack(new Stack(new App(), 'Data', { env: DATA_ENV }), 'Network');
    new VpcPeeringRole(nested, 'Role', { vpc: importVpc(nested), gameLiftAccount: GAME_ENV.account });
    Template.fromStack(nested).hasResourceProperties('AWS::IAM::Role', {
      RoleName: Match.stringLikeRegexp('^Data-Network-Role-eu-central-1-[0-9a-f]{8}$'),
    });
  });

  test('is named by CloudFormation if the account or the Region is a token', () => {
    const stack = new Stack(new App(), 'Data');
    new VpcPeeringRole(stack, 'Role', { vpc: importVpc(stack), gameLiftAccount: GAME_ENV.account });
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Role', { RoleName: Match.absent() });
  });

  test('can be passed to a stack in another account, which builds the ARN from its name, and is deployed later', () => {
    const app = new App();
    const data = new Stack(app, 'Data', { env: DATA_ENV });
    const game = new Stack(app, 'Game', { env: GAME_ENV });
    const peerRole = new VpcPeeringRole(data, 'Role', { vpc: importVpc(data), gameLiftAccount: GAME_ENV.account });
    new VpcPeeringAuthorization(game, 'Authorization', { vpc: importVpc(game), peerRole });
    Template.fromStack(game).hasResourceProperties('Custom::GameLiftVpcPeeringAuthorization', {
      PeerVpcAwsAccountId: '222222222222',
      GameLiftAwsAccountId: '111111111111',
      PeerRoleArn: {
        'Fn::Join': [
          '',
          ['arn:', { Ref: 'AWS::Partition' }, Match.stringLikeRegexp('^:iam::222222222222:role/Data-Role-eu-central-1-')],
        ],
      },
    });
    expect(game.dependencies).toContain(data);
  });

  test.each<[string, Parameters<typeof templateWithRole>[0], string]>([
    [
      'neither gameLiftAccount nor assumedBy',
      {},
      'pass either gameLiftAccount or assumedBy to set who can assume the role, got neither',
    ],
    [
      'an empty external id',
      { gameLiftAccount: GAME_ENV.account, externalId: '' },
      'externalId must be 2 to 1224 letters, digits and characters of _+=,.@:/-, got 0 characters',
    ],
    ['an invalid account id', { gameLiftAccount: '1' }, "gameLiftAccount must be an AWS account id of 12 digits, got '1'"],
    [
      'both gameLiftAccount and assumedBy',
      { gameLiftAccount: GAME_ENV.account, assumedBy: new iam.AnyPrincipal() },
      'pass either gameLiftAccount or assumedBy, got both: each of them sets who can assume the role',
    ],
  ])('fails with %s', (_, props, message) => {
    expect(() => templateWithRole(props)).toThrow(message);
  });
});

describe('an authorization with a peer role', () => {
  function stackWithPeerRole(props: Partial<VpcPeeringAuthorizationProps> = {}): Stack {
    const stack = new Stack(new App(), 'Game', { env: GAME_ENV });
    const peerRole = iam.Role.fromRoleArn(stack, 'Role', ROLE_ARN);
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', {
      vpc: importVpc(stack),
      peerRole,
      externalId: 'studio-7',
      ...props,
    });
    const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' });
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
    return stack;
  }

  test('passes the role, its account and the external id to every custom resource', () => {
    const template = Template.fromStack(stackWithPeerRole());
    for (const type of ['Authorization', 'Connection', 'Teardown']) {
      template.hasResourceProperties(`Custom::GameLiftVpcPeering${type}`, {
        PeerVpcAwsAccountId: '222222222222',
        PeerRoleArn: ROLE_ARN,
        ExternalId: 'studio-7',
      });
    }
  });

  test('lets the handler assume the role, manage fleets, and make the EC2 calls that CreateVpcPeeringConnection requires', () => {
    const stack = stackWithPeerRole();
    expect(statementsOf(stack, 'Assume')).toEqual([
      { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: ROLE_ARN },
      { Effect: 'Allow', Action: 'gamelift:DescribeVpcPeeringConnections', Resource: '*' },
    ]);
    expect(statementsOf(stack, 'Authorize')).toEqual([]);
    expect(actionsOf(statementsOf(stack, 'Connect'))).toEqual([
      'ec2:AcceptVpcPeeringConnection',
      'ec2:AcceptVpcPeeringConnection',
      'ec2:AuthorizeSecurityGroupEgress',
      'ec2:AuthorizeSecurityGroupIngress',
      'ec2:CreateRoute',
      'ec2:DescribeRouteTables',
      'ec2:DescribeSecurityGroups',
    ]);
    expect(actionsOf(statementsOf(stack, 'Fleets'))).toEqual([
      'gamelift:CreateVpcPeeringConnection',
      'gamelift:DeleteVpcPeeringConnection',
      'gamelift:DescribeFleetAttributes',
      'gamelift:DescribeFleetEvents',
      'gamelift:DescribeVpcPeeringConnections',
      'gamelift:ListTagsForResource',
      'gamelift:TagResource',
      'gamelift:UntagResource',
    ]);
  });

  test.each<[string, Partial<VpcPeeringAuthorizationProps>, string]>([
    [
      'a VPC in another account than the role',
      { peerVpcAccount: '333333333333' },
      'peerRole must be in the account that owns the VPC, got a role in account 222222222222 and a VPC in account 333333333333: ' +
        'import the role by its ARN, since a role imported by its name is assumed to be in the account of the stack',
    ],
    [
      'an empty external id',
      { externalId: '' },
      'externalId must be 2 to 1224 letters, digits and characters of _+=,.@:/-, got 0 characters',
    ],
    [
      'invalid characters in the external id',
      { externalId: 'ü!' },
      'externalId must be 2 to 1224 letters, digits and characters of _+=,.@:/-, got 2 characters',
    ],
  ])('fails with %s', (_, props, message) => {
    expect(() => stackWithPeerRole(props)).toThrow(message);
  });

  test('fails with an external id but no role', () => {
    const stack = new Stack(new App(), 'Game', { env: GAME_ENV });
    expect(() => new VpcPeeringAuthorization(stack, 'A', { vpc: importVpc(stack), externalId: 'studio-7' })).toThrow(
      'externalId requires a peerRole: AWS STS compares it with the trust policy of that role',
    );
  });

  test('fails with a role that was imported by its name, since the CDK assumes that it is in the account of the stack', () => {
    const stack = new Stack(new App(), 'Game', { env: GAME_ENV });
    const peerRole = iam.Role.fromRoleName(stack, 'Role', 'Peering');
    expect(
      () => new VpcPeeringAuthorization(stack, 'A', { vpc: importVpc(stack), peerVpcAccount: DATA_ENV.account, peerRole }),
    ).toThrow('import the role by its ARN, since a role imported by its name is assumed to be in the account of the stack');
  });
});

describe('an imported authorization without a peer role', () => {
  function stackWithoutPeerRole(props: Partial<VpcPeeringConnectionProps>): Stack {
    const stack = new Stack(new App(), 'Game', { env: GAME_ENV });
    const authorization = VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Authorization', {
      vpc: importVpc(stack),
      peerVpcAccount: DATA_ENV.account,
    });
    const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' });
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, ...props });
    return stack;
  }

  test.each([{}, { routes: PeeringRoutes.none(), dnsResolution: true }])(
    'fails with routes or DNS, and says what to pass instead: %p',
    (props) => {
      expect(() => stackWithoutPeerRole(props)).toThrow(
        'routes and DNS of a VPC in account 222222222222 cannot be set from account 111111111111: pass routes: PeeringRoutes.none() ' +
          'without dnsResolution, and set them in the account of the VPC, or give the authorization a peerRole in that account',
      );
    },
  );

  test('lets the handler find an authorization and recognize a rollback', () => {
    const stack = stackWithoutPeerRole({ routes: PeeringRoutes.none() });
    expect(statementsOf(stack, 'Receive')).toEqual([
      {
        Effect: 'Allow',
        Action: ['gamelift:DescribeVpcPeeringAuthorizations', 'gamelift:DescribeVpcPeeringConnections'],
        Resource: '*',
      },
      { Effect: 'Allow', Action: 'cloudformation:DescribeStacks', Resource: { Ref: 'AWS::StackId' } },
    ]);
    expect(statementsOf(stack, 'Authorize')).toEqual([]);
  });

  test('can be used in a Stage', () => {
    const app = new App();
    const stage = new Stage(app, 'Prod', { env: GAME_ENV });
    const stack = new Stack(stage, 'Game');
    const authorization = VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Authorization', {
      vpc: importVpc(stack),
      peerVpcAccount: DATA_ENV.account,
    });
    const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' });
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true, routes: PeeringRoutes.none() });
    Template.fromStack(stack).hasResourceProperties('AWS::GameLift::Fleet', {
      PeerVpcId: VPC_ID,
      PeerVpcAwsAccountId: '222222222222',
    });
  });
});
