import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Fact, FactName } from 'aws-cdk-lib/region-info';
import { VpcPeeringHandler } from '../../lib';

/*
 * The runtime of the function: the newest version of Node.js that the CDK lists for the Region.
 */

interface FunctionTemplate {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: { readonly Runtime?: unknown } }>>;
  readonly Mappings?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;
}

function templateIn(region?: string): FunctionTemplate {
  const stack = new Stack(new App(), 'Stack', region === undefined ? {} : { env: { account: '111111111111', region } });
  new VpcPeeringHandler(stack, 'Handler');
  return Template.fromStack(stack).toJSON() as FunctionTemplate;
}

function runtimeOf({ Resources }: FunctionTemplate): unknown {
  return Object.values(Resources).find(({ Type }) => Type === 'AWS::Lambda::Function')?.Properties.Runtime;
}

test.each(['us-east-1', 'eu-central-1', 'cn-north-1', 'cn-northwest-1', 'us-gov-west-1', 'us-gov-east-1'])(
  'the function has the version that the CDK lists for %s',
  (region) => {
    const listedRuntime = Fact.find(region, FactName.LATEST_NODE_RUNTIME);
    expect(listedRuntime).toMatch(/^nodejs(22|24)\.x$/);
    expect(runtimeOf(templateIn(region))).toBe(listedRuntime);
  },
);

test('the function has a fixed version in a stack without a Region, because the CDK lists the same version for all Regions', () => {
  expect(new Set(Fact.regions.map((region) => Fact.find(region, FactName.LATEST_NODE_RUNTIME))).size).toBe(1);
  expect(runtimeOf(templateIn())).toBe(Fact.find('us-east-1', FactName.LATEST_NODE_RUNTIME));
});

describe('if the CDK lists an older version for one Region', () => {
  beforeAll(() => {
    Fact.register({ region: 'cn-north-1', name: FactName.LATEST_NODE_RUNTIME, value: 'nodejs20.x' }, true);
  });

  test('the function has the older version only in that Region', () => {
    expect(runtimeOf(templateIn('cn-north-1'))).toBe('nodejs20.x');
    expect(runtimeOf(templateIn('cn-northwest-1'))).toBe(Fact.find('cn-northwest-1', FactName.LATEST_NODE_RUNTIME));
  });

  test('a stack without a Region has a mapping from Regions to versions', () => {
    const template = templateIn();
    // the runtime is { 'Fn::FindInMap': [mapping, region, key] }
    const [[mapping, region, key] = []] = Object.values(runtimeOf(template) as Record<string, [string, unknown, string]>);
    expect(region).toEqual({ Ref: 'AWS::Region' });
    const runtimes = template.Mappings?.[mapping ?? ''] ?? {};
    expect(runtimes['cn-north-1']?.[key ?? '']).toBe('nodejs20.x');
    expect(runtimes['us-east-1']?.[key ?? '']).toBe(Fact.find('us-east-1', FactName.LATEST_NODE_RUNTIME));
  });
});
