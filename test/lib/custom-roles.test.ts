import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Duration, Stack, Stage } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Tracing } from 'aws-cdk-lib/aws-lambda';
import {
  AuthorizationRenewal,
  VpcPeeringAuthorization,
  VpcPeeringConnection,
  VpcPeeringHandler,
  VpcPeeringRole,
} from '../../lib';
import { resolveReferences } from '../policies';

/*
 * Apps in which a platform team creates the roles, with Role.customizeRoles.
 */

const env = { account: '111111111111', region: 'eu-central-1' };
const HANDLER_ROLE = 'Stack/GameLiftVpcPeeringHandler/Role';
const SCHEDULER_ROLE = 'Stack/GameLiftVpcPeeringHandler/Renewals/Role';
const PEER_ROLE = 'Stack/PeerRole';

interface PolicyReport {
  readonly roles: readonly {
    readonly roleConstructPath: string;
    readonly roleName: string;
    readonly missing?: boolean;
    readonly identityPolicyStatements: readonly object[];
  }[];
}

/** A stack with all constructs that have a role or a policy. */
function stackWith(options: iam.CustomizeRolesOptions | undefined): Stack {
  const app = new App();
  if (options !== undefined) {
    iam.Role.customizeRoles(app, options);
  }
  const stack = new Stack(app, 'Stack', { env });
  new VpcPeeringHandler(stack, 'Handler', {
    tracing: Tracing.ACTIVE,
    permissionsBoundary: iam.ManagedPolicy.fromManagedPolicyArn(stack, 'Boundary', 'arn:aws:iam::111111111111:policy/Boundary'),
  });
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-0123456789abcdef0', availabilityZones: ['eu-central-1a'] });
  const authorization = new VpcPeeringAuthorization(stack, 'Authorization', {
    vpc,
    renewal: AuthorizationRenewal.scheduled(Duration.hours(12)),
  });
  const peeredOnCreate = new gamelift.CfnFleet(stack, 'PeeredOnCreate', { name: 'peered' });
  new VpcPeeringConnection(stack, 'OnCreate', { authorization, fleet: peeredOnCreate, peerOnCreate: true });
  new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' }) });
  new VpcPeeringRole(stack, 'PeerRole', { vpc, gameLiftAccount: '222222222222' });
  return stack;
}

type Resources = Record<
  string,
  { readonly Type: string; readonly Properties: ResourceProperties; readonly DependsOn?: readonly string[] }
>;

interface ResourceProperties {
  readonly RoleName?: string;
  readonly Role?: unknown;
  readonly PolicyDocument?: { readonly Statement: readonly object[] };
  readonly Policies?: readonly { readonly PolicyDocument: { readonly Statement: readonly object[] } }[];
}

const templateOf = (stack: Stack): { readonly Resources: Resources } =>
  Template.fromStack(stack).toJSON() as { Resources: Resources };

/** The CDK's report for each role, by the path of the role. */
function reportOf(stack: Stack): Map<string, PolicyReport['roles'][number]> {
  const assembly = Stage.of(stack)?.synth();
  const report = JSON.parse(readFileSync(join(assembly?.directory ?? '', 'iam-policy-report.json'), 'utf8')) as PolicyReport;
  return new Map(report.roles.map((role) => [role.roleConstructPath, role]));
}

/**
 * Writes statements as sorted text, with the same text for every reference. So statements of templates, where a reference is `<Id.Arn>`, can
 * be compared with statements of reports, where it is `(Stack/Path.Arn)`.
 */
function normalize(statements: readonly object[]): string[] {
  return statements
    .map((statement) =>
      JSON.stringify(resolveReferences(statement))
        .replaceAll('(PARTITION)', 'aws')
        .replace(/<\w+?(\.Arn)?>|\(Stack\/[\w/]+?\.(Arn|Ref)\)/g, 'REFERENCE'),
    )
    .sort();
}

/** All statements in the roles and policies of a template. */
const statementsIn = ({ Resources }: { readonly Resources: Resources }): readonly object[] =>
  Object.values(Resources)
    .filter(({ Type }) => Type.startsWith('AWS::IAM::'))
    .flatMap(({ Properties: { PolicyDocument, Policies = [] } }) =>
      [...Policies.map((policy) => policy.PolicyDocument), ...(PolicyDocument === undefined ? [] : [PolicyDocument])].flatMap(
        ({ Statement }) => Statement,
      ),
    );

const reportedStatementsIn = (report: ReturnType<typeof reportOf>): readonly object[] =>
  [...report.values()].flatMap(({ identityPolicyStatements }) => identityPolicyStatements);

const ROLES = [HANDLER_ROLE, SCHEDULER_ROLE, PEER_ROLE];
const PRECREATED_ROLE_NAMES = {
  [HANDLER_ROLE]: 'platform-handler',
  [SCHEDULER_ROLE]: 'platform-scheduler',
  [PEER_ROLE]: 'platform-peer',
};

describe.each([
  ['roles that do not exist yet', {}],
  ['roles that already exist', { usePrecreatedRoles: PRECREATED_ROLE_NAMES }],
])('with %s', (_, customize: iam.CustomizeRolesOptions) => {
  test('the report lists all statements that the template would otherwise contain', () => {
    const report = reportOf(stackWith(customize));
    expect([...report.keys()].sort()).toEqual([...ROLES].sort());
    expect(normalize(reportedStatementsIn(report))).toEqual(normalize(statementsIn(templateOf(stackWith(undefined)))));
    const actions = normalize(report.get(HANDLER_ROLE)?.identityPolicyStatements ?? []).join();
    for (const action of [
      'logs:PutLogEvents',
      'xray:PutTraceSegments',
      'gamelift:CreateVpcPeeringAuthorization',
      'gamelift:TagResource',
    ]) {
      expect(actions).toContain(action);
    }
  });

  test('the template contains no role and no policy, and no resource depends on a role or policy', () => {
    const { Resources } = templateOf(stackWith(customize));
    expect(Object.values(Resources).filter(({ Type }) => Type.startsWith('AWS::IAM::'))).toEqual([]);
    const dependencies = Object.values(Resources).flatMap(({ DependsOn = [] }) => DependsOn);
    expect(dependencies.filter((id) => !(id in Resources))).toEqual([]);
    expect(dependencies.length).toBeGreaterThan(0);
  });
});

test('the CDK reports an error for each role that does not exist yet', () => {
  const stack = stackWith({});
  for (const role of ROLES) {
    Annotations.fromStack(stack).hasError(`/${role}`, Match.stringLikeRegexp('You must provide a precreated role name'));
  }
});

test('roles that already exist are used, without an error', () => {
  const stack = stackWith({ usePrecreatedRoles: PRECREATED_ROLE_NAMES });
  expect(Annotations.fromStack(stack).findError('*', Match.anyValue())).toEqual([]);
  const arnOf = (name: string): object => ({
    'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:iam::111111111111:role/${name}`]],
  });
  const template = Template.fromStack(stack);
  template.hasResourceProperties('AWS::Lambda::Function', { Role: arnOf('platform-handler') });
  template.hasResourceProperties('AWS::Scheduler::Schedule', { Target: { RoleArn: arnOf('platform-scheduler') } });
});

test('the template keeps all roles and policies if the app only asks for a report', () => {
  const stack = stackWith({ preventSynthesis: false });
  const templateWithReport = templateOf(stack);
  const templateWithoutReport = templateOf(stackWith(undefined));
  // references to the roles are not compared, because newer versions of the CDK write their ARNs in a different form
  expect(Object.keys(templateWithReport.Resources).sort()).toEqual(Object.keys(templateWithoutReport.Resources).sort());
  expect(normalize(statementsIn(templateWithReport))).toEqual(normalize(statementsIn(templateWithoutReport)));
  expect(normalize(reportedStatementsIn(reportOf(stack)))).toEqual(normalize(statementsIn(templateWithoutReport)));
});

test('the handler assumes an imported role of another account even if the app customizes its roles', () => {
  const app = new App();
  iam.Role.customizeRoles(app, { usePrecreatedRoles: PRECREATED_ROLE_NAMES });
  const stack = new Stack(app, 'Stack', { env });
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-0123456789abcdef0', availabilityZones: ['eu-central-1a'] });
  const roleArn = 'arn:aws:iam::222222222222:role/Peering';
  const peerRole = iam.Role.fromRoleArn(stack, 'Imported', roleArn);
  new VpcPeeringAuthorization(stack, 'Authorization', { vpc, peerRole });
  Template.fromStack(stack).hasResourceProperties('Custom::GameLiftVpcPeeringAuthorization', { PeerRoleArn: roleArn });
  expect(reportOf(stack).get(HANDLER_ROLE)?.identityPolicyStatements).toContainEqual({
    Effect: 'Allow',
    Action: 'sts:AssumeRole',
    Resource: roleArn,
  });
});
