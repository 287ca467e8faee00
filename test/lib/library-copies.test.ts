import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as library from '../../lib';

/*
 * Two copies of the library, or of aws-cdk-lib, in one app.
 */

const PROJECT = join(__dirname, '..', '..');
const env = { account: '111111111111', region: 'us-east-1' };

let copyFolder: string;

beforeEach(() => {
  copyFolder = mkdtempSync(join(tmpdir(), 'copy-'));
});
afterEach(() => {
  rmSync(copyFolder, { recursive: true, force: true });
});

/** Copies the library, with the same or another version. The copy uses the same CDK as this test. */
function copyLibrary(version?: string): typeof library {
  for (const part of ['lib', 'lambda/bundle']) {
    cpSync(join(PROJECT, part), join(copyFolder, part), { recursive: true });
  }
  const manifest = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as object;
  writeFileSync(join(copyFolder, 'package.json'), JSON.stringify({ ...manifest, ...(version === undefined ? {} : { version }) }));
  symlinkSync(join(PROJECT, 'node_modules'), join(copyFolder, 'node_modules'));
  return jest.requireActual<typeof library>(join(copyFolder, 'lib', 'index.js'));
}

function importVpc(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-0a', availabilityZones: ['us-east-1a'] });
}

function createFleet(stack: Stack, id = 'Fleet'): gamelift.CfnFleet {
  return new gamelift.CfnFleet(stack, id, { name: 'fleet' });
}

describe('two copies of the library with the same version', () => {
  test('share the function of a stack', () => {
    const copy = copyLibrary();
    const stack = new Stack(new App(), 'Stack', { env });
    const vpc = importVpc(stack);
    new library.VpcPeeringAuthorization(stack, 'One', { vpc });
    new copy.VpcPeeringAuthorization(stack, 'Two', { vpc, gameLiftAccount: '333333333333' });
    new copy.VpcPeeringHandler(stack, 'Handler', { memorySize: 512 });
    const template = Template.fromStack(stack);
    template.resourceCountIs('Custom::GameLiftVpcPeeringAuthorization', 2);
    template.resourceCountIs('AWS::Lambda::Function', 1);
    template.hasResourceProperties('AWS::Lambda::Function', { MemorySize: 512 });
  });

  test('synthesize the same template as one copy', () => {
    const copy = copyLibrary();
    const templateWith = (secondCopy: typeof library): unknown => {
      const stack = new Stack(new App(), 'Stack', { env });
      const authorization = new library.VpcPeeringAuthorization(stack, 'Authorization', { vpc: importVpc(stack) });
      // after the first 40 connections, each connection depends on an earlier batch
      for (let index = 0; index < 42; index += 1) {
        const { VpcPeeringConnection } = index % 2 === 0 ? library : secondCopy;
        new VpcPeeringConnection(stack, `Peering${index}`, { authorization, fleet: createFleet(stack, `Fleet${index}`) });
      }
      return Template.fromStack(stack).toJSON();
    };
    expect(templateWith(copy)).toEqual(templateWith(library));
  });

  test('detect a second authorization for the same VPC and account', () => {
    const copy = copyLibrary();
    const stack = new Stack(new App(), 'Stack', { env });
    const vpc = importVpc(stack);
    new library.VpcPeeringAuthorization(stack, 'One', { vpc });
    expect(() => new copy.VpcPeeringAuthorization(stack, 'Two', { vpc })).toThrow(
      'GameLift has only one authorization for a VPC and a GameLift account, but Stack/Two and Stack/One are for the same VPC and account',
    );
  });
});

describe('two versions of the library', () => {
  const versionError = (): string =>
    `the app contains two versions of cdk-gamelift-vpc-peering: 9.9.9 in ${copyFolder}, and 0.1.0 in ${PROJECT}. ` +
    'Use one version: make cdk-gamelift-vpc-peering a peerDependency of the package that brings the other version, or set one version ' +
    'for all packages (overrides in npm and pnpm, resolutions in yarn), then install again';

  test('fail in one stack, with an error that says where both versions are and what to do', () => {
    const copy = copyLibrary('9.9.9');
    const stack = new Stack(new App(), 'Stack', { env });
    new library.VpcPeeringAuthorization(stack, 'One', { vpc: importVpc(stack) });
    expect(() => new copy.VpcPeeringHandler(stack, 'Handler')).toThrow(versionError());
  });

  test('fail in two stacks that share an authorization', () => {
    const copy = copyLibrary('9.9.9');
    const app = new App();
    const [one, two] = ['One', 'Two'].map((id) => new Stack(app, id, { env })) as [Stack, Stack];
    const authorization = new library.VpcPeeringAuthorization(one, 'Authorization', { vpc: importVpc(one) });
    expect(() => new copy.VpcPeeringConnection(two, 'Peering', { authorization, fleet: createFleet(two) })).toThrow(
      versionError(),
    );
  });

  test('work in separate stacks', () => {
    const copy = copyLibrary('9.9.9');
    const app = new App();
    const [one, two] = ['One', 'Two'].map((id) => new Stack(app, id, { env })) as [Stack, Stack];
    new library.VpcPeeringAuthorization(one, 'Authorization', { vpc: importVpc(one) });
    new copy.VpcPeeringAuthorization(two, 'Authorization', { vpc: importVpc(two) });
    Template.fromStack(two).resourceCountIs('Custom::GameLiftVpcPeeringAuthorization', 1);
  });
});

describe('constructs of another copy of aws-cdk-lib', () => {
  interface Classes {
    readonly Vpc: typeof ec2.Vpc;
    readonly CfnFleet: typeof gamelift.CfnFleet;
  }
  const loadClasses = (): Classes => {
    const { Vpc } = jest.requireActual<typeof ec2>('aws-cdk-lib/aws-ec2');
    const { CfnFleet } = jest.requireActual<typeof gamelift>('aws-cdk-lib/aws-gamelift');
    return { Vpc, CfnFleet };
  };

  /** Loads the classes again from the same files. */
  function loadOtherClasses(): Classes {
    let otherClasses: Classes | undefined;
    jest.isolateModules(() => {
      otherClasses = loadClasses();
    });
    if (otherClasses === undefined || otherClasses.Vpc === ec2.Vpc || otherClasses.CfnFleet === gamelift.CfnFleet) {
      throw new Error('the classes were not loaded again');
    }
    return otherClasses;
  }

  /** The template of a stack with a fleet that is peered on creation, and a fleet that is connected later. */
  function templateWith({ Vpc, CfnFleet }: Classes): Template {
    const stack = new Stack(new App(), 'Stack', { env });
    const vpc = new Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0 });
    const authorization = new library.VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    const peeredOnCreate = new CfnFleet(stack, 'PeeredOnCreate', { name: 'fleet' });
    new library.VpcPeeringConnection(stack, 'OnCreate', { authorization, fleet: peeredOnCreate, peerOnCreate: true });
    const fleet = new CfnFleet(stack, 'Connected', { name: 'fleet' });
    const peering = new library.VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
    peering.allowTo(new ec2.SecurityGroup(stack, 'Database', { vpc }), ec2.Port.tcp(5432));
    return Template.fromStack(stack);
  }

  test('are recognized as VPC, route tables and fleet, so the template is the same', () => {
    const template = templateWith(loadOtherClasses());
    template.hasResourceProperties('Custom::GameLiftVpcPeeringConnection', {
      Routes: 'RouteTables',
      RouteTableIds: [{ Ref: 'VpcPublicSubnet1RouteTable6C95E38E' }, { Ref: 'VpcIsolatedSubnet1RouteTable4771E3E5' }],
    });
    expect(template.toJSON()).toEqual(templateWith(loadClasses()).toJSON());
  });

  test('are validated, too', () => {
    const { CfnFleet } = loadOtherClasses();
    const stack = new Stack(new App(), 'Stack', { env });
    const authorization = new library.VpcPeeringAuthorization(stack, 'Authorization', { vpc: importVpc(stack) });
    const fleet = new CfnFleet(stack, 'Fleet', { name: 'fleet', computeType: 'ANYWHERE' });
    expect(() => new library.VpcPeeringConnection(stack, 'Peering', { authorization, fleet })).toThrow(
      'GameLift peers EC2 fleets only: fleet Stack/Fleet has the compute type ANYWHERE',
    );
  });
});
