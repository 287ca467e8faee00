import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import * as cdk from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as rds from 'aws-cdk-lib/aws-rds';
import * as ts from 'typescript';
import * as library from '../../lib';

/*
 * The first example of the README: it compiles, it does what it says, and the connection itself is short.
 */

const PROJECT = join(__dirname, '..', '..');
const [, EXAMPLE = ''] = /```ts\n([^]*?)```/.exec(readFileSync(join(PROJECT, 'README.md'), 'utf8')) ?? [];

test('the connection itself takes at most fifteen lines', () => {
  const [fleetAndDatabase = '', connection = ''] = EXAMPLE.split('  // the connection\n');
  expect(fleetAndDatabase).toContain('new gamelift.CfnFleet(');
  expect(fleetAndDatabase).toContain('new rds.DatabaseInstance(');
  expect(fleetAndDatabase).not.toContain('new VpcPeering');
  const lines = connection.split('\n').filter((line) => line.trim() !== '' && line !== '}');
  expect(connection).toContain('new VpcPeeringConnection(');
  expect(lines.length).toBeLessThanOrEqual(15);
});

test('it compiles', () => {
  const file = join(PROJECT, 'readme-example.ts');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    types: ['node'],
    paths: { 'cdk-gamelift-vpc-peering': [join(PROJECT, 'lib', 'index.ts')] },
  };
  const host = ts.createCompilerHost(options);
  const [readFile, fileExists] = [host.readFile.bind(host), host.fileExists.bind(host)];
  host.readFile = (name) => (name === file ? EXAMPLE : readFile(name));
  host.fileExists = (name) => name === file || fileExists(name);
  const program = ts.createProgram([file], options, host);
  const source = program.getSourceFile(file);
  const diagnostics = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  expect(diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
});

test('it connects the fleet and opens the port of the database to it', () => {
  const modules: Readonly<Record<string, unknown>> = {
    'aws-cdk-lib': cdk,
    'aws-cdk-lib/aws-ec2': ec2,
    'aws-cdk-lib/aws-gamelift': gamelift,
    'aws-cdk-lib/aws-rds': rds,
    'cdk-gamelift-vpc-peering': library,
  };
  const { outputText } = ts.transpileModule(EXAMPLE, { compilerOptions: { module: ts.ModuleKind.CommonJS } });
  const exported: { addGame?: (stack: cdk.Stack, buildId: string) => void } = {};
  const run = compileFunction(outputText, ['exports', 'require']) as (
    exports: object,
    require: (name: string) => unknown,
  ) => void;
  run(exported, (name) => modules[name]);

  const stack = new cdk.Stack(new cdk.App(), 'Game');
  exported.addGame?.(stack, 'build-1');
  const template = Template.fromStack(stack);
  template.hasResourceProperties('AWS::GameLift::Fleet', { BuildId: 'build-1' });
  template.hasResourceProperties('Custom::GameLiftVpcPeeringConnection', { FleetId: { Ref: 'Fleet' } });
  template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 5432, ToPort: 5432 });
});
