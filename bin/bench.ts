import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { App, CustomResource, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId, Provider } from 'aws-cdk-lib/custom-resources';
import { VpcPeeringAuthorization } from '../lib';
import { table } from '../rehearsal/report';
import useTemporaryDirectory from './temporary-directory';

const BUNDLE = join(__dirname, '..', 'lambda', 'bundle');
const ACTIONS = ['gamelift:CreateVpcPeeringAuthorization', 'gamelift:DeleteVpcPeeringAuthorization'];
const VPC_ID = 'vpc-0123456789abcdef0';

/** The same authorization, written in three ways. */
const WAYS: Readonly<Record<string, (stack: Stack) => void>> = {
  VpcPeeringAuthorization: (stack) => {
    new VpcPeeringAuthorization(stack, 'Authorization', {
      vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: VPC_ID, availabilityZones: ['us-east-1a'] }),
    });
  },
  'AwsCustomResource (does not expose the expiry)': (stack) => {
    const parameters = { GameLiftAwsAccountId: stack.account, PeerVpcId: VPC_ID };
    const authorize = {
      service: 'GameLift',
      action: 'createVpcPeeringAuthorization',
      parameters,
      physicalResourceId: PhysicalResourceId.of('authorization'),
    };
    new AwsCustomResource(stack, 'Authorization', {
      onCreate: authorize,
      onUpdate: authorize,
      onDelete: { service: 'GameLift', action: 'deleteVpcPeeringAuthorization', parameters },
      policy: AwsCustomResourcePolicy.fromStatements([new PolicyStatement({ actions: ACTIONS, resources: ['*'] })]),
    });
  },
  'Provider (its handler not counted)': (stack) => {
    const onEventHandler = new lambda.Function(stack, 'OnEvent', {
      runtime: lambda.determineLatestNodeRuntime(stack),
      handler: 'index.handler',
      code: lambda.Code.fromInline('exports.handler = async () => ({});'),
      initialPolicy: [new PolicyStatement({ actions: ACTIONS, resources: ['*'] })],
    });
    const { serviceToken } = new Provider(stack, 'Provider', { onEventHandler });
    new CustomResource(stack, 'Authorization', { serviceToken, properties: { PeerVpcId: VPC_ID } });
  },
};

function templates(): string {
  const app = new App({ outdir: useTemporaryDirectory(), analyticsReporting: false });
  const stacks = Object.entries(WAYS).map(([way, build]) => {
    const stack = new Stack(app, `Stack${way.replace(/\W/g, '')}`);
    build(stack);
    return { way, stack };
  });
  const assembly = app.synth();
  const rows = stacks.map(({ way, stack }) => {
    const file = assembly.getStackArtifact(stack.artifactId).templateFullPath;
    const { Resources } = JSON.parse(readFileSync(file, 'utf8')) as { Resources: Record<string, unknown> };
    return [way, String(Object.keys(Resources).length), String(statSync(file).size)];
  });
  return table(['one authorization', 'resources', 'bytes of template'], rows);
}

function bundle(): string {
  const files = readdirSync(BUNDLE).filter((file) => file.endsWith('.mjs'));
  const sized = files.map((file) => ({ file, content: readFileSync(join(BUNDLE, file)) }));
  const sum = (parts: typeof sized): string[] => [
    String(parts.reduce((bytes, { content }) => bytes + content.length, 0)),
    String(parts.reduce((bytes, { content }) => bytes + gzipSync(content).length, 0)),
  ];
  const eager = loadedAtStart('index.mjs');
  return table(
    ['handler bundle', 'bytes', 'bytes, gzip'],
    [
      ['loaded at the start', ...sum(sized.filter(({ file }) => eager.has(file)))],
      ['loaded when needed (EC2, other credentials)', ...sum(sized.filter(({ file }) => !eager.has(file)))],
      ['all', ...sum(sized)],
    ],
  );
}

/** A file of the bundle and what it imports, but for what it imports only when needed. */
function loadedAtStart(file: string, seen = new Set<string>()): Set<string> {
  if (!seen.has(file)) {
    seen.add(file);
    for (const [, imported] of readFileSync(join(BUNDLE, file), 'utf8').matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) {
      if (imported !== undefined) {
        loadedAtStart(imported, seen);
      }
    }
  }
  return seen;
}

console.log(`${bundle()}\n\n${templates()}`);
