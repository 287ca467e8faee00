import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import * as cdk from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as rds from 'aws-cdk-lib/aws-rds';
import * as ts from 'typescript';
import * as library from '../../lib';

/*
 * Tests of the README, which npm and Construct Hub show. `npm run docs:snippets` compiles its examples.
 */

const PROJECT = join(__dirname, '..', '..');
const README = readFileSync(join(PROJECT, 'README.md'), 'utf8');
const REPOSITORY = 'cdk-gamelift-vpc-peering/cdk-gamelift-vpc-peering';
const REPOSITORY_URLS = [`https://github.com/${REPOSITORY}/blob/main/`, `https://raw.githubusercontent.com/${REPOSITORY}/main/`];

test('the README has at most 1,500 words', () => {
  expect(README.split(/\s+/).length).toBeLessThanOrEqual(1500);
});

test('the README has only absolute links, which npm requires, and only links to files that exist', () => {
  const links = [...README.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
  expect(links.filter((target) => !target.startsWith('https://'))).toEqual([]);
  const files = links.flatMap((target) => {
    const prefix = REPOSITORY_URLS.find((url) => target.startsWith(url));
    return prefix === undefined ? [] : [target.slice(prefix.length)];
  });
  expect(files).toContain('docs/one-account.md');
  expect(files.filter((file) => !existsSync(join(PROJECT, file)))).toEqual([]);
});

describe('the example in the README', () => {
  const [, example = ''] = /```ts\n([^]*?)```/.exec(README) ?? [];

  test('has at most 25 lines', () => {
    expect(example).toContain('new VpcPeeringConnection(');
    expect(example.trimEnd().split('\n').length).toBeLessThanOrEqual(25);
  });

  test('is an app that connects the fleet and opens the port of the database to it', () => {
    const stacks: cdk.Stack[] = [];
    class Stack extends cdk.Stack {
      constructor(...args: ConstructorParameters<typeof cdk.Stack>) {
        super(...args);
        stacks.push(this);
      }
    }
    const modules: Readonly<Record<string, unknown>> = {
      'aws-cdk-lib': { ...cdk, Stack },
      'aws-cdk-lib/aws-ec2': ec2,
      'aws-cdk-lib/aws-gamelift': gamelift,
      'aws-cdk-lib/aws-rds': rds,
      'cdk-gamelift-vpc-peering': library,
    };
    const { outputText } = ts.transpileModule(example, { compilerOptions: { module: ts.ModuleKind.CommonJS } });
    const run = compileFunction(outputText, ['exports', 'require']) as (
      exports: object,
      require: (name: string) => unknown,
    ) => void;
    run({}, (name) => modules[name]);

    const [stack = new cdk.Stack(), ...others] = stacks;
    expect(others).toEqual([]);
    const template = Template.fromStack(stack);
    template.hasResourceProperties('Custom::GameLiftVpcPeeringConnection', { FleetId: { Ref: 'Fleet' } });
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      CidrIp: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Peering'), 'GameLiftCidrBlock'] },
      FromPort: 5432,
      ToPort: 5432,
    });
  });
});
