import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CfnResource, CustomResource, NestedStack, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { BEHAVIOURS } from 'rehearsal/aws';
import { rehearse } from 'rehearsal/cli';
import { VpcPeeringAuthorization } from '../lib';
import { editTemplate, closeRehearsals, synthesize, synthesizeApp } from './life/rehearsals';

afterEach(closeRehearsals);

const DAY_SECONDS = 86_400;

interface CommandResult {
  readonly code: number;
  readonly output: string;
  readonly errorOutput: string;
}

async function runCommand(...args: string[]): Promise<CommandResult> {
  const [output, errorOutput]: [string[], string[]] = [[], []];
  const code = await rehearse(args, { print: (text) => output.push(text), printError: (text) => errorOutput.push(text) });
  return { code, output: output.join('\n'), errorOutput: errorOutput.join('\n') };
}

/** Returns a function that adds a VPC to a stack. */
const addVpc =
  (cidrBlock: string, removalPolicy = RemovalPolicy.DESTROY) =>
  (stack: Stack): void => {
    new ec2.CfnVPC(stack, 'Vpc', { cidrBlock }).applyRemovalPolicy(removalPolicy);
  };

describe('the command line of the rehearsal', () => {
  test('--behaviours lists each behaviour with its question, readings and default', async () => {
    const { code, output, errorOutput } = await runCommand('--behaviours');
    expect({ code, errorOutput }).toEqual({ code: 0, errorOutput: '' });
    const lines = output.split('\n');
    for (const [name, behaviour] of Object.entries(BEHAVIOURS)) {
      const index = lines.indexOf(`${name}: ${behaviour.question}`);
      expect(index).toBeGreaterThanOrEqual(0);
      const readings = behaviour.readings.map((reading) => (reading === behaviour.default ? `${reading} (default)` : reading));
      expect(lines[index + 1]).toBe(`  ${readings.join(' · ')}`);
    }
    expect(lines).toContain(
      'failedUpdatePhysicalId: Does CloudFormation store the physical id in the response to a failed update of a custom resource?',
    );
    // two lines for each behaviour, and for failedUpdatePhysicalId, which is not in BEHAVIOURS
    expect(lines).toHaveLength(2 * (Object.keys(BEHAVIOURS).length + 1));
  });

  test('prints the usage if there are no arguments', async () => {
    const { code, output, errorOutput } = await runCommand();
    expect({ code, output }).toEqual({ code: 2, output: '' });
    expect(errorOutput).toMatch(/^usage: npm run rehearse -- <assembly> /);
  });

  test('prints the usage with --help, even if there are other arguments', async () => {
    const { errorOutput } = await runCommand();
    expect(await runCommand('--help', 'nowhere')).toEqual({ code: 0, output: errorOutput, errorOutput: '' });
  });

  const behaviourNames = [...Object.keys(BEHAVIOURS), 'failedUpdatePhysicalId'].join(', ');
  test.each([
    [['--behaviour', 'tides=high'], `unknown behaviour 'tides': choose one of ${behaviourNames}`],
    // every object inherits a property with the name toString
    [['--behaviour', 'toString=high'], `unknown behaviour 'toString': choose one of ${behaviourNames}`],
    [['--behaviour', 'fleetEvents=late'], "unknown reading 'late' of behaviour 'fleetEvents': choose one of written, never seen"],
    [
      ['--behaviour', 'failedUpdatePhysicalId=lost'],
      "unknown reading 'lost' of behaviour 'failedUpdatePhysicalId': choose one of stored, ignored",
    ],
    [['--behaviour', 'fleetEvents'], "--behaviour must be name=value, got 'fleetEvents'"],
    [['--days', 'ten'], "--days must be a number of days, 0 or more, got 'ten'"],
    [['--account', '42'], "--account must be an AWS account id of 12 digits, got '42'"],
    [
      ['--vpc', '222222222222/10.0.0.0/16'],
      "--vpc must be account/region/cidr such as 222222222222/us-east-1/10.90.0.0/16, got '222222222222/10.0.0.0/16'",
    ],
    [['--days', '3'], 'no cloud assembly was given: add the output directory of cdk synth'],
    [['nowhere'], 'nowhere is not a cloud assembly: manifest.json not found; run cdk synth first'],
  ])('prints one error and exits with 2 if the arguments are %j', async (args, errorOutput) => {
    expect(await runCommand(...args)).toEqual({ code: 2, output: '', errorOutput });
  });

  test('fails before the life begins if the file of --html cannot be written', async () => {
    const directory = synthesize(addVpc('10.0.0.0/16'));
    expect(await runCommand(directory, '--html', 'nowhere/life.html')).toEqual({
      code: 2,
      output: '',
      errorOutput:
        "--html must be a file that can be written, got 'nowhere/life.html': ENOENT: no such file or directory, open 'nowhere/life.html'",
    });
  });

  test('prints the name of an unknown option', async () => {
    const { code, errorOutput } = await runCommand('--fast');
    expect(code).toBe(2);
    expect(errorOutput).toMatch(/Unknown option '--fast'/);
  });

  describe('an error that names a file', () => {
    const addBundledFunction = (stack: Stack): void => {
      new lambda.Function(stack, 'Function', {
        code: lambda.Code.fromAsset(join(__dirname, '..', 'lambda', 'bundle')),
        handler: 'index.handler',
        runtime: lambda.Runtime.NODEJS_22_X,
      });
    };
    const assetPathIn = (directory: string): string => {
      const { files } = JSON.parse(readFileSync(join(directory, 'Stack.assets.json'), 'utf8')) as {
        readonly files: Readonly<Record<string, { readonly source: { readonly path: string } }>>;
      };
      return Object.values(files).find(({ source }) => source.path.startsWith('asset.'))?.source.path ?? '';
    };

    test('is printed if a template is missing', async () => {
      const directory = synthesize(addVpc('10.0.0.0/16'));
      rmSync(join(directory, 'Stack.template.json'));
      const errorOutput = `${directory}/Stack.template.json does not exist: run cdk synth again`;
      expect(await runCommand(directory)).toEqual({ code: 2, output: '', errorOutput });
    });

    test.each(['manifest.json', 'Stack.template.json', 'Stack.assets.json'])('is printed if %s is not JSON', async (file) => {
      const directory = synthesize(addVpc('10.0.0.0/16'));
      writeFileSync(join(directory, file), '{"half": ');
      const errorOutput = `${directory}/${file} cannot be read: Unexpected end of JSON input`;
      expect(await runCommand(directory)).toEqual({ code: 2, output: '', errorOutput });
    });

    test('is printed if the artifacts of a manifest depend on each other', async () => {
      const directory = synthesize(addVpc('10.0.0.0/16'));
      const stackArtifact = (dependency: string) => ({
        type: 'aws:cloudformation:stack',
        environment: 'aws://unknown-account/unknown-region',
        properties: { templateFile: 'Stack.template.json' },
        dependencies: [dependency],
      });
      const manifest = { version: '48.0.0', artifacts: { One: stackArtifact('Two'), Two: stackArtifact('One') } };
      writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
      const errorOutput = `${directory}/manifest.json cannot be read: Could not determine ordering between: One, Two`;
      expect(await runCommand(directory)).toEqual({ code: 2, output: '', errorOutput });
    });

    test.each(['null', '[]', '"text"'])('is printed if a template contains the JSON %s', async (content) => {
      const directory = synthesize(addVpc('10.0.0.0/16'));
      writeFileSync(join(directory, 'Stack.template.json'), content);
      const errorOutput = `${directory}/Stack.template.json is not a JSON object: run cdk synth again`;
      expect(await runCommand(directory)).toEqual({ code: 2, output: '', errorOutput });
    });

    test('is printed if an asset is missing', async () => {
      const directory = synthesize(addBundledFunction);
      const asset = assetPathIn(directory);
      rmSync(join(directory, asset), { recursive: true });
      const errorOutput = `${directory}/${asset} does not exist: run cdk synth again`;
      expect(await runCommand(directory)).toEqual({ code: 2, output: '', errorOutput });
    });
  });

  test('fails if an assembly has no stack', async () => {
    const emptyAssembly = synthesizeApp(() => undefined);
    expect(await runCommand(emptyAssembly)).toEqual({
      code: 2,
      output: '',
      errorOutput: `a cloud assembly must have a stack, got ${emptyAssembly} without stacks`,
    });
  });
});

describe('the rehearsal of a life', () => {
  test('prints a line for each step, the result of each stack, and that nothing is left behind', async () => {
    const assemblies = ['10.0.0.0/16', '10.1.0.0/16'].map((cidrBlock) => synthesize(addVpc(cidrBlock)));
    const { code, output, errorOutput } = await runCommand(
      ...[...assemblies, '--days', '3', '--account', '333333333333', '--vpc', '222222222222/eu-west-1/10.9.0.0/16'],
      ...['--behaviour', 'peerVpcWrites=none', '--behaviour', 'failedUpdatePhysicalId=ignored'],
    );
    expect({ code, errorOutput }).toEqual({ code: 0, errorOutput: '' });
    const vpcId = /^created (vpc-[0-9a-f]{17}) /m.exec(output)?.[1] ?? '';
    expect(output.split('\n')).toEqual([
      `rehearsing ${assemblies.join(', then ')}: time is simulated, so this takes seconds to minutes`,
      `created ${vpcId} with 10.9.0.0/16 in account 222222222222 and eu-west-1`,
      'day 0 00:00:03  create: Stack CREATE_COMPLETE',
      'day 3 00:00:09  update: Stack UPDATE_COMPLETE',
      'day 33 00:00:12  delete: Stack DELETE_COMPLETE',
      '',
      'step    done after  stack  environment             status',
      '------  ----------  -----  ----------------------  ---------------',
      'create  3 s         Stack  333333333333 us-east-1  CREATE_COMPLETE',
      'update  3 d         Stack  333333333333 us-east-1  UPDATE_COMPLETE',
      'delete  33 d        Stack  333333333333 us-east-1  DELETE_COMPLETE',
      '',
      'left behind two days after the deletion: nothing',
      '',
      'not understood: nothing',
      '',
      'permissions not used in this run (other runs may need them): nothing',
    ]);
  });

  test('--verbose: prints each event too, without the ids of requests and stacks', async () => {
    const directory = synthesize((stack) => {
      const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0 });
      new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    });
    const { code, output } = await runCommand(directory, '--verbose');
    expect(code).toBe(0);
    const lines = output.split('\n');
    expect(lines.slice(1, 4)).toEqual([
      '',
      'day 0 00:00:00  CREATE',
      'day 0 00:00:00  cloudformation  Stack  CREATE_IN_PROGRESS AWS::CloudFormation::Stack',
    ]);
    expect(lines.filter((text) => / {2}lambda {10}\S+ {2}START$/.test(text))).toHaveLength(2);
    expect(lines.find((text) => text.includes("message: 'done'"))).toMatch(
      /^day 0 \S+ {2}lambda {10}Stack-GameLiftVpcPeeringHandlerFunction\S+ {2}\{ message: 'done', stackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack\/Stack', logicalResourceId: 'Authorization\w+', libraryVersion: '\S+' \}$/,
    );
    expect(output).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-/);
    expect(output).toMatch(/\nday 0 \S+ {2}create: Stack CREATE_COMPLETE\n/);
  });

  test('--json: prints one document, and everything else to standard error', async () => {
    const directory = synthesize(addVpc('10.0.0.0/16', RemovalPolicy.RETAIN));
    const { code, output, errorOutput } = await runCommand(directory, '--json', '--vpc', '222222222222/eu-west-1/10.9.0.0/16');
    expect(code).toBe(1);
    const environment = { account: '111111111111', region: 'us-east-1' };
    const vpcId = expect.stringMatching(/^vpc-[0-9a-f]{17}$/) as unknown;
    expect(JSON.parse(output)).toEqual({
      succeeded: false,
      steps: [
        { name: 'create', doneAfterSeconds: 3, stacks: [{ name: 'Stack', ...environment, status: 'CREATE_COMPLETE' }] },
        {
          name: 'delete',
          doneAfterSeconds: 3 + 30 * DAY_SECONDS,
          stacks: [{ name: 'Stack', ...environment, status: 'DELETE_COMPLETE' }],
        },
      ],
      leftBehind: expect.arrayContaining([
        { change: 'left behind', kind: 'vpcs', item: { vpcId, ...environment, cidrBlocks: ['10.0.0.0/16'] } },
      ]) as unknown,
      notUnderstood: [],
      functionsNotRun: [],
      permissionsNotUsed: [],
      existingVpcs: [{ vpcId, account: '222222222222', region: 'eu-west-1', cidrBlock: '10.9.0.0/16' }],
    });
    expect(errorOutput.split('\n')).toEqual([
      `rehearsing ${directory}: time is simulated, so this takes seconds to minutes`,
      expect.stringMatching(/^created vpc-[0-9a-f]{17} with 10\.9\.0\.0\/16 in account 222222222222 and eu-west-1$/),
      'day 0 00:00:03  create: Stack CREATE_COMPLETE',
      'day 30 00:00:03  delete: Stack DELETE_COMPLETE',
    ]);
  });

  test('writes a picture of the life with --html', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'picture-')), 'life.html');
    const { code, output } = await runCommand(synthesize(addVpc('10.0.0.0/16')), '--html', file);
    expect(code).toBe(0);
    expect(output).toContain(`\npicture of the life: ${file}`);
    const page = readFileSync(file, 'utf8');
    expect(page).toMatch(/<b>✓&nbsp;DELETE_COMPLETE<\/b> in /);
    expect(page).toContain('<b>Vpc DELETE_COMPLETE</b> AWS::EC2::VPC');
  });

  test('prints the permissions that were not used, with their resources', async () => {
    const { output } = await runCommand(
      synthesize((stack) => {
        const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0 });
        new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
      }),
    );
    const lines = output.slice(output.indexOf('permissions not used in this run')).split('\n');
    expect(lines[0]).toBe('permissions not used in this run (other runs may need them):');
    expect(lines[1]).toMatch(/^- Stack-GameLiftVpcPeeringHandlerRole\S+:$/);
    expect(lines[2]).toMatch(/^ {2}- .*\bec2:DescribeVpcs on \*$/);
    // the function used its permission on the VPC, but not the permission on peering connections, because there was no connection
    expect(lines[3]).toMatch(
      /^ {2}- ec2:AcceptVpcPeeringConnection on arn:\S+:vpc-peering-connection\/\* if ec2:AccepterVpc ArnEquals arn:\S+$/,
    );
    expect(output).not.toMatch(/ec2:AcceptVpcPeeringConnection on arn:\S+:vpc\//);
  });

  test('prints each thing that was not understood once', async () => {
    const { code, output } = await runCommand(
      synthesize((stack) => {
        new CfnResource(stack, 'One', { type: 'AWS::SNS::Topic' });
        new CfnResource(stack, 'Two', { type: 'AWS::SNS::Topic' });
        new CfnResource(stack, 'Three', { type: 'Studio::Unheard::Of', properties: { Anything: 1 } });
      }),
    );
    expect(code).toBe(0);
    expect(output).toContain(
      [
        '\nnot understood, so AWS may behave differently:',
        '- AWS::SNS::Topic: ids and attributes are made up',
        '- Studio::Unheard::Of: ids and attributes are made up, and properties are not checked\n',
      ].join('\n'),
    );
  });

  describe('a function that the rehearsal cannot run', () => {
    const CODE = { zipFile: 'def handler(event, context): pass' };
    const addFunction = (scope: Construct, id: string, properties: Partial<lambda.CfnFunctionProps>): lambda.CfnFunction => {
      const role = new iam.CfnRole(scope, `${id}Role`, {
        assumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
        },
      });
      return new lambda.CfnFunction(scope, id, { code: CODE, handler: 'index.handler', role: role.attrArn, ...properties });
    };

    test('is printed before the life begins, and its consequences are printed afterwards', async () => {
      const directory = synthesize((stack) => {
        const handler = addFunction(stack, 'Handler', { runtime: 'python3.12' });
        new CustomResource(stack, 'Thing', { serviceToken: handler.attrArn });
      });
      const { code, output } = await runCommand(directory);
      expect(code).toBe(1);
      const lines = output.split('\n');
      expect(lines.slice(0, 3)).toEqual([
        `rehearsing ${directory}: time is simulated, so this takes seconds to minutes`,
        'functions whose invocations fail, because the rehearsal runs only Node.js:',
        '- Stack/Handler: python3.12',
      ]);
      expect(lines[3]).toMatch(/^day 0 \S+ {2}create: Stack ROLLBACK_FAILED$/);
      expect(lines[4]).toMatch(/^day 30 \S+ {2}delete: Stack DELETE_FAILED$/);
      expect(output).toMatch(
        /\n\nwhy it failed:\n- create: Stack ROLLBACK_FAILED: Stack\/Thing \(AWS::CloudFormation::CustomResource\) CREATE_FAILED: .+\n- delete: Stack DELETE_FAILED: Stack\/Thing \(AWS::CloudFormation::CustomResource\) DELETE_FAILED: .+\n\n/,
      );
      expect(output).toMatch(
        /\nleft behind two days after the deletion:\n- stacks \(1\): Stack DELETE_FAILED\n- roles \(1\): role\/Stack-HandlerRole-\w+\n- functions \(1\): Stack-Handler-\w+\n\n/,
      );
      expect(lines).toContain('not understood, so AWS may behave differently:');
      expect(lines).toContain('- functions with the runtime python3.12: they are never run, and each invocation fails');
    });

    test('is listed once in the JSON document, even if it is in a nested stack or a container image', async () => {
      const directory = synthesize((stack) => {
        addFunction(new NestedStack(stack, 'Inner'), 'Nested', { runtime: 'java21' });
        addFunction(stack, 'Runnable', { runtime: 'nodejs22.x' });
        addFunction(stack, 'Image', { code: { imageUri: 'image' }, packageType: 'Image' });
      });
      const { functionsNotRun } = JSON.parse((await runCommand(directory, directory, '--json')).output) as {
        readonly functionsNotRun: readonly object[];
      };
      expect(functionsNotRun).toEqual([
        { name: 'Stack/Image', runtime: 'container image' },
        { name: expect.stringMatching(/^StackInner\w+\/Nested$/) as unknown, runtime: 'java21' },
      ]);
    });
  });

  test('prints the reason why CloudFormation rejects a template', async () => {
    const directory = editTemplate(synthesize(addVpc('10.0.0.0/16')), ({ Resources }) => {
      Object.assign(Resources.Vpc ?? {}, { Condition: 'Undefined' });
    });
    const { code, output } = await runCommand(directory);
    expect(code).toBe(1);
    const lines = output.split('\n');
    expect(lines).toContain('day 0 00:00:00  create: refused');
    expect(lines).toContain('day 30 00:00:00  delete: no stack');
    expect(lines).toContain(
      '- create: refused: Template format error: Unresolved condition dependency Undefined in the Resources block of the template',
    );
  });

  test('prints what is left behind, and exits with 1', async () => {
    const { code, output } = await runCommand(synthesize(addVpc('10.0.0.0/16', RemovalPolicy.RETAIN)));
    expect(code).toBe(1);
    expect(output).toMatch(/\nleft behind two days after the deletion:\n- VPCs \(1\): vpc-[0-9a-f]{17}\n- route tables \(1\): /);
  });

  test('deletes a stack at the end even if an update does not contain it', async () => {
    const assemblyOfBothStacks = synthesizeApp((app) => {
      addVpc('10.0.0.0/16')(new Stack(app, 'Stack'));
      addVpc('10.1.0.0/16')(new Stack(app, 'Other'));
    });
    const { code, output } = await runCommand(assemblyOfBothStacks, synthesize(addVpc('10.0.0.0/16')));
    expect(code).toBe(0);
    expect(output).toMatch(/delete +\S+ d +Stack .*\ndelete +\S+ d +Other .* DELETE_COMPLETE\n/);
  });

  test('prints a failed deletion once, even with several assemblies', async () => {
    const assemblies = ['10.0.0.0/16', '10.1.0.0/16'].map((cidrBlock) =>
      synthesize((stack) => {
        const { attrVpcId: vpcId } = new ec2.CfnVPC(stack, 'Vpc', { cidrBlock: '10.0.0.0/16' });
        const subnet = new ec2.CfnSubnet(stack, 'Subnet', { vpcId, cidrBlock: '10.0.0.0/24', availabilityZone: 'us-east-1a' });
        // the VPC can't be deleted, since its subnet is retained
        subnet.applyRemovalPolicy(RemovalPolicy.RETAIN);
        new ec2.CfnVPC(stack, 'Other', { cidrBlock });
      }),
    );
    const { code, output } = await runCommand(...assemblies);
    expect(code).toBe(1);
    expect(output.match(/\n- delete: Stack DELETE_FAILED: Stack\/Vpc \(AWS::EC2::VPC\) DELETE_FAILED: .*\n/g)).toHaveLength(1);
  });

  test('prints why a stack failed, and which later step was refused for that reason', async () => {
    const failingAssembly = synthesize((stack) => {
      new ec2.CfnSecurityGroup(stack, 'Group', { groupDescription: 'The VPC does not exist', vpcId: 'vpc-0123456789abcdef0' });
    });
    const { code, output } = await runCommand(failingAssembly, synthesize(addVpc('10.0.0.0/16')));
    expect(code).toBe(1);
    expect(output).toMatch(/\ncreate +\S.* ROLLBACK_COMPLETE\nupdate +\S.* refused\ndelete +\S.* DELETE_COMPLETE\n/);
    expect(output).toMatch(
      /\n\nwhy it failed:\n- create: Stack ROLLBACK_COMPLETE: Stack\/Group \(AWS::EC2::SecurityGroup\) CREATE_FAILED: .*vpc-0123456789abcdef0.*\n- update: refused: Stack:arn:aws:cloudformation:us-east-1:111111111111:stack\/Stack is in ROLLBACK_COMPLETE state and can not be updated\.\n\n/,
    );
  });
});
