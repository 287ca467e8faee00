import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CfnResource, CustomResource, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { rehearse } from '../bin/rehearse';
import { VpcPeeringAuthorization } from '../lib';
import { BEHAVIOURS } from '../rehearsal/aws';
import { edit, Stage, synthesize, synthesizeApp } from './life/stage';

afterEach(() => Stage.clear());

interface Outcome {
  readonly code: number;
  readonly printed: string;
  readonly complained: string;
}

async function command(...args: string[]): Promise<Outcome> {
  const [printed, complained]: string[][] = [[], []];
  const code = await rehearse(args, { print: (text) => printed?.push(text), complain: (text) => complained?.push(text) });
  return { code, printed: printed?.join('\n') ?? '', complained: complained?.join('\n') ?? '' };
}

const vpcOf =
  (cidrBlock: string, removalPolicy = RemovalPolicy.DESTROY) =>
  (stack: Stack): void => {
    new ec2.CfnVPC(stack, 'Vpc', { cidrBlock }).applyRemovalPolicy(removalPolicy);
  };

describe('the command line', () => {
  test('lists every switch with its row, question, readings and default', async () => {
    const { code, printed, complained } = await command('--behaviours');
    expect({ code, complained }).toEqual({ code: 0, complained: '' });
    const lines = printed.split('\n');
    for (const [name, behaviour] of Object.entries(BEHAVIOURS)) {
      const row = 'row' in behaviour ? ` (row ${behaviour.row})` : '';
      const index = lines.indexOf(`${name}${row}: ${behaviour.question}`);
      expect(index).toBeGreaterThanOrEqual(0);
      const readings = behaviour.readings.map((reading) => (reading === behaviour.default ? `${reading} (default)` : reading));
      expect(lines[index + 1]).toBe(`  ${readings.join(' · ')}`);
    }
    expect(lines).toContain(
      'failedUpdatePhysicalId (row 17): What becomes of the physical id in the answer to a custom resource’s failed update.',
    );
    expect(lines).toHaveLength(2 * (Object.keys(BEHAVIOURS).length + 1));
  });

  test('has a switch for each of the 25 open questions', async () => {
    const rows = [...(await command('--behaviours')).printed.matchAll(/\(row (\d+)\)/g)].map(([, row]) => Number(row));
    expect([...new Set(rows)]).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
  });

  test('without arguments: says how to use it', async () => {
    const { code, printed, complained } = await command();
    expect({ code, printed }).toEqual({ code: 2, printed: '' });
    expect(complained).toMatch(/^usage: npm run rehearse -- <assembly> /);
  });

  const names = [...Object.keys(BEHAVIOURS), 'failedUpdatePhysicalId'].join(', ');
  test.each([
    [['--behaviour', 'tides=high'], `unknown behaviour 'tides': choose one of ${names}`],
    [['--behaviour', 'toString=high'], `unknown behaviour 'toString': choose one of ${names}`],
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
    [['--days', '3'], 'an assembly must be given, the output directory of cdk synth, got none'],
    [['nowhere'], 'nowhere is no cloud assembly: it has no manifest.json; run cdk synth first'],
  ])('%j: one error, nothing printed, exit code 2', async (args, complained) => {
    expect(await command(...args)).toEqual({ code: 2, printed: '', complained });
  });

  test('an option that there is not: one error that names it', async () => {
    const { code, complained } = await command('--fast');
    expect(code).toBe(2);
    expect(complained).toMatch(/Unknown option '--fast'/);
  });

  test('an assembly without a stack: says so', async () => {
    const empty = synthesizeApp(() => undefined);
    expect(await command(empty)).toEqual({
      code: 2,
      printed: '',
      complained: `an assembly must have a stack, got ${empty} without any`,
    });
  });
});

describe('a life', () => {
  test('created, updated some days later, deleted after thirty: every event, what became of each stack, nothing left', async () => {
    const assemblies = ['10.0.0.0/16', '10.1.0.0/16'].map((cidrBlock) => synthesize(vpcOf(cidrBlock)));
    const { code, printed } = await command(
      ...[...assemblies, '--days', '3', '--account', '333333333333', '--vpc', '222222222222/eu-west-1/10.9.0.0/16'],
      ...['--behaviour', 'peerVpcWrites=none', '--behaviour', 'failedUpdatePhysicalId=ignored'],
    );
    expect(code).toBe(0);
    expect(printed).toMatch(/^there is vpc-[0-9a-f]{17} with 10\.9\.0\.0\/16 in account 222222222222 and eu-west-1\n/);
    expect(printed).toMatch(/\nday 0 00:00:00 {2}CREATE\n/);
    expect(printed).toMatch(/\nday 3 \S+ {2}cloudformation {2}Stack\/Vpc {2}UPDATE_COMPLETE AWS::EC2::VPC\n/);
    expect(printed.slice(printed.indexOf('\nstep '))).toMatch(
      new RegExp(
        [
          '\nstep    done after  stack  of                      status',
          '-+  -+  -+  -+  -+',
          'create  \\d+ s {9}Stack  333333333333 us-east-1  CREATE_COMPLETE',
          'update  3 d         Stack  333333333333 us-east-1  UPDATE_COMPLETE',
          'delete  33 d        Stack  333333333333 us-east-1  DELETE_COMPLETE',
          '',
          'left behind two days after the deletion: nothing',
          '',
          'not understood: nothing',
          '',
          'granted and never needed: nothing$',
        ].join('\n'),
      ),
    );
  });

  test('--html writes a picture of the life', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'picture-')), 'life.html');
    const { code, printed } = await command(synthesize(vpcOf('10.0.0.0/16')), '--html', file);
    expect(code).toBe(0);
    expect(printed).toContain(`\npicture of the life: ${file}`);
    const page = readFileSync(file, 'utf8');
    expect(page).toMatch(/<b>✓&nbsp;DELETE_COMPLETE<\/b> in /);
    expect(page).toContain('<b>Vpc DELETE_COMPLETE</b> AWS::EC2::VPC');
  });

  test('what was granted and never needed is told, with what it was granted on', async () => {
    const { printed } = await command(
      synthesize((stack) => {
        const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0 });
        new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
      }),
    );
    const told = printed.slice(printed.indexOf('granted and never needed:')).split('\n').slice(1);
    expect(told[0]).toMatch(/^- Stack-GameLiftVpcPeeringHandlerRole\S+: .*\bec2:DescribeVpcs on \*$/);
    // what was needed on the VPC was not needed on a peering, of which there was none
    expect(told[1]).toMatch(
      /: ec2:AcceptVpcPeeringConnection on arn:\S+:vpc-peering-connection\/\* if ec2:AccepterVpc ArnEquals arn:/,
    );
    expect(printed).not.toMatch(/ec2:AcceptVpcPeeringConnection on arn:\S+:vpc\//);
  });

  test('what the rehearsal does not understand is told, once each', async () => {
    const { code, printed } = await command(
      synthesize((stack) => {
        new CfnResource(stack, 'One', { type: 'AWS::SNS::Topic' });
        new CfnResource(stack, 'Two', { type: 'AWS::SNS::Topic' });
        new CfnResource(stack, 'Three', { type: 'Studio::Unheard::Of', properties: { Anything: 1 } });
      }),
    );
    expect(code).toBe(0);
    expect(printed).toContain(
      [
        '\nnot understood, so that AWS may do something else:',
        '- AWS::SNS::Topic: ids and attributes are made up',
        '- Studio::Unheard::Of: ids and attributes are made up, and properties are not checked\n',
      ].join('\n'),
    );
  });

  test('a stack with a function that the rehearsal can not run: what is left of it is told', async () => {
    const { code, printed } = await command(
      synthesize((stack) => {
        const role = new iam.CfnRole(stack, 'Role', {
          assumeRolePolicyDocument: {
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
          },
        });
        const handler = new lambda.CfnFunction(stack, 'Handler', {
          code: { zipFile: 'def handler(event, context): pass' },
          handler: 'index.handler',
          role: role.attrArn,
          runtime: 'python3.12',
        });
        new CustomResource(stack, 'Thing', { serviceToken: handler.attrArn });
      }),
    );
    expect(code).toBe(1);
    expect(printed).toMatch(/\ndelete +\S.* DELETE_FAILED\n/);
    expect([...printed.matchAll(/^left behind of (\w+): /gm)].map(([, kind]) => kind)).toEqual(['roles', 'functions', 'stacks']);
    expect(printed).toContain(
      '\nnot understood, so that AWS may do something else:\n' +
        '- functions with the runtime python3.12: they are never run, and each invocation fails\n',
    );
  });

  test('a template that CloudFormation rejects is refused, with the reason', async () => {
    const directory = edit(synthesize(vpcOf('10.0.0.0/16')), ({ Resources }) => {
      Object.assign(Resources.Vpc ?? {}, { Condition: 'Undefined' });
    });
    const { code, printed } = await command(directory);
    expect(code).toBe(1);
    expect(printed).toMatch(/\ncreate +0 s .* refused\n/);
    expect(printed).toContain(
      '\n\ncreate: Template format error: Unresolved condition dependency Undefined in the Resources block of the template\n',
    );
  });

  test('what is left behind is told, and the exit code is 1', async () => {
    const { code, printed } = await command(synthesize(vpcOf('10.0.0.0/16', RemovalPolicy.RETAIN)));
    expect(code).toBe(1);
    expect(printed).toMatch(
      /\nleft behind two days after the deletion: \nleft behind of vpcs: \{"vpcId":"vpc-\w+","account":"111111111111"/,
    );
  });

  test('a stack that an update leaves out is deleted at the end as well', async () => {
    const both = synthesizeApp((app) => {
      vpcOf('10.0.0.0/16')(new Stack(app, 'Stack'));
      vpcOf('10.1.0.0/16')(new Stack(app, 'Other'));
    });
    const { code, printed } = await command(both, synthesize(vpcOf('10.0.0.0/16')));
    expect(code).toBe(0);
    expect(printed).toMatch(/delete +\S+ d +Stack .*\ndelete +\S+ d +Other .* DELETE_COMPLETE\n/);
  });

  test('a deletion that fails is told once, however many assemblies there were', async () => {
    const assemblies = ['10.0.0.0/16', '10.1.0.0/16'].map((cidrBlock) =>
      synthesize((stack) => {
        const { attrVpcId: vpcId } = new ec2.CfnVPC(stack, 'Vpc', { cidrBlock: '10.0.0.0/16' });
        const subnet = new ec2.CfnSubnet(stack, 'Subnet', { vpcId, cidrBlock: '10.0.0.0/24', availabilityZone: 'us-east-1a' });
        // what lies in the VPC stays, so that the VPC can not go
        subnet.applyRemovalPolicy(RemovalPolicy.RETAIN);
        new ec2.CfnVPC(stack, 'Other', { cidrBlock });
      }),
    );
    const { code, printed } = await command(...assemblies);
    expect(code).toBe(1);
    expect(printed.match(/\ndelete: Stack DELETE_FAILED/g)).toHaveLength(1);
  });

  test('a stack that fails is told with its reason, as is what can not be done after it', async () => {
    const failing = synthesize((stack) => {
      new ec2.CfnSecurityGroup(stack, 'Group', { groupDescription: 'late', vpcId: 'vpc-0123456789abcdef0' });
    });
    const { code, printed } = await command(failing, synthesize(vpcOf('10.0.0.0/16')));
    expect(code).toBe(1);
    expect(printed).toMatch(/\ncreate +\S.* ROLLBACK_COMPLETE\nupdate +\S.* refused\ndelete +\S.* DELETE_COMPLETE\n/);
    expect(printed).toMatch(
      /\n\ncreate: Stack ROLLBACK_COMPLETE.*\nupdate: Stack:arn:\S+ is in ROLLBACK_COMPLETE state and can not be updated\.\n\n/,
    );
  });
});
