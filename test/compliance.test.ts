import { App, Aspects, Duration, Stack } from 'aws-cdk-lib';
import type { IAspect } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as cdkNag from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { AuthorizationRenewal, VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringHandler } from '../lib';
import { documentedFindings, findingOf, isFromLibrary, synthesizeExamples } from './compliance';
import type { Finding } from './compliance';

/*
 * Compares docs/compliance.md with the findings of cdk-nag 2. test/newest-cdk/compliance.newest.ts compares it with those of cdk-nag 3.
 */

const collectedFindings = new Set<Finding>();

function collect({ ruleId, resource }: cdkNag.NagLoggerBaseData): void {
  if (isFromLibrary(resource)) {
    collectedFindings.add(findingOf(ruleId, resource));
  }
}

const doNothing = (): void => undefined;

/** Collects findings even if an example suppresses them. */
const collectingLogger: cdkNag.INagLogger = {
  onCompliance: doNothing,
  onNotApplicable: doNothing,
  onNonCompliance: collect,
  onSuppressed: collect,
  onError: collect,
  onSuppressedError: collect,
};

/** Replaces AwsSolutionsChecks in the examples: runs all rule packs of docs/compliance.md. */
class MockChecks implements IAspect {
  private readonly packs: readonly IAspect[];

  constructor() {
    const { AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks } = jest.requireActual<typeof cdkNag>('cdk-nag');
    const props = { reports: false, additionalLoggers: [collectingLogger] };
    this.packs = [new AwsSolutionsChecks(props), new HIPAASecurityChecks(props), new NIST80053R5Checks(props)];
  }

  visit(node: IConstruct): void {
    for (const pack of this.packs) {
      pack.visit(node);
    }
  }
}

jest.mock('cdk-nag', () => ({
  ...jest.requireActual<typeof cdkNag>('cdk-nag'),
  AwsSolutionsChecks: MockChecks,
}));

beforeEach(() => {
  collectedFindings.clear();
});

const documentedForVersion2 = documentedFindings().filter(({ versions }) => versions.includes('2'));

test('docs/compliance.md lists the findings of cdk-nag 2 in the examples', () => {
  synthesizeExamples();
  expect([...collectedFindings].sort()).toEqual(documentedForVersion2.map(({ finding }) => finding).sort());
});

test('with all configurations from docs/compliance.md, only the findings of cdk-nag 2 that cannot be removed remain', () => {
  const app = new App();
  const stack = new Stack(app, 'Stack', { env: { account: '111111111111', region: 'us-east-1' } });
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['us-east-1a'],
    privateSubnetIds: ['subnet-0123456789abcdef0'],
  });
  new VpcPeeringHandler(stack, 'Handler', {
    role: iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::111111111111:role/Studio'),
    logGroup: new logs.LogGroup(stack, 'Logs', { encryptionKey: new kms.Key(stack, 'Key') }),
    reservedConcurrentExecutions: 10,
    vpc,
  });
  const authorization = new VpcPeeringAuthorization(stack, 'Authorization', {
    vpc,
    renewal: AuthorizationRenewal.scheduled(Duration.hours(12), {
      alarmActions: [
        { bind: (): cloudwatch.AlarmActionConfig => ({ alarmActionArn: 'arn:aws:sns:us-east-1:111111111111:alarms' }) },
      ],
    }),
  });
  const fleet = gamelift.CfnFleet.fromFleetId(stack, 'Fleet', 'fleet-1');
  const peering = new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
  peering.allowTo(ec2.SecurityGroup.fromSecurityGroupId(stack, 'Database', 'sg-0123456789abcdef0'), ec2.Port.tcp(5432));
  Aspects.of(app).add(new MockChecks());
  app.synth();
  expect([...collectedFindings].sort()).toEqual(
    documentedForVersion2
      .filter(({ isRemovable }) => !isRemovable)
      .map(({ finding }) => finding)
      .sort(),
  );
});
