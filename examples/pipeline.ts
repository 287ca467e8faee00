import { App, Aspects, Stack, Stage } from 'aws-cdk-lib';
import type { Environment } from 'aws-cdk-lib';
import * as codepipeline from 'aws-cdk-lib/aws-codepipeline';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { CodePipeline, CodePipelineSource, ManualApprovalStep, ShellStep } from 'aws-cdk-lib/pipelines';
import { AwsSolutionsChecks, NagSuppressions } from 'cdk-nag';
import type { Construct } from 'constructs';
import { createFleet } from './shared/studio';
import { VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringRole } from '../lib';
import { suppressPeeringFindings } from './shared/suppressions';

/*
 * A pipeline with two stages. Each stage has two stacks: one in the account of the data, one in the account of the game. A deployment may
 * wait for its approval for days. So the stack of the game itself renews the authorization, in each deployment that needs it.
 *
 * cdk deploy --all --context betaVpcId=vpc-… --context prodVpcId=vpc-…
 */

const DATA_ENVIRONMENT = { account: '222222222222', region: 'us-east-1' };
const GAME_ENVIRONMENT = { account: '111111111111', region: 'us-east-1' };

/** All stacks of the game: the data in one account, the fleets in the other. */
class Studio extends Stage {
  constructor(scope: Construct, id: string, vpcId: string) {
    super(scope, id);
    const addStack = (name: string, env: Environment): { stack: Stack; vpc: ec2.IVpc } => {
      const stack = new Stack(this, name, { env });
      return { stack, vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId, availabilityZones: ['us-east-1a'] }) };
    };
    const data = addStack('Data', DATA_ENVIRONMENT);
    const peerRole = new VpcPeeringRole(data.stack, 'Role', { vpc: data.vpc, gameLiftAccount: GAME_ENVIRONMENT.account });

    const game = addStack('Game', GAME_ENVIRONMENT);
    const fleet = createFleet(game.stack, String(this.node.tryGetContext('build') ?? '1'));
    const authorization = new VpcPeeringAuthorization(game.stack, 'Authorization', { vpc: game.vpc, peerRole });
    new VpcPeeringConnection(game.stack, 'Peering', { authorization, fleet });
    suppressPeeringFindings(data.stack, game.stack);
  }
}

const app = new App();
const vpcIdOf = (stage: string): string => String(app.node.tryGetContext(`${stage}VpcId`) ?? 'vpc-0123456789abcdef0');

const stack = new Stack(app, 'Pipeline', { env: GAME_ENVIRONMENT });
const source = s3.Bucket.fromBucketName(stack, 'Source', 'studio-source');
const pipeline = new CodePipeline(stack, 'Pipeline', {
  pipelineType: codepipeline.PipelineType.V2,
  crossAccountKeys: true,
  enableKeyRotation: true,
  synth: new ShellStep('Synth', {
    input: CodePipelineSource.s3(source, 'game.zip'),
    commands: ['npm ci', 'npx cdk synth'],
  }),
});
pipeline.addStage(new Studio(app, 'Beta', vpcIdOf('beta')));
pipeline.addStage(new Studio(app, 'Prod', vpcIdOf('prod')), { pre: [new ManualApprovalStep('Approve')] });
pipeline.buildPipeline();

// cfn-lint has findings in the build projects that CDK Pipelines itself creates
stack.templateOptions.metadata = { 'cfn-lint': { config: { ignore_checks: ['E3703', 'W3005'] } } };
NagSuppressions.addStackSuppressions(stack, [
  {
    id: 'AwsSolutions-S1',
    reason: "The bucket has only the artifacts of the pipeline. CodePipeline's history shows who deployed what",
  },
  { id: 'AwsSolutions-IAM5', reason: 'CDK Pipelines creates these roles for its own build projects and actions' },
]);
Aspects.of(app).add(new AwsSolutionsChecks());
app.synth();
