import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { PeeringRoutes, VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringRole } from '../../lib';

/*
 * The CDK returns dummy values until its CLI has made a lookup. An error about a dummy value would prevent the CLI from making the lookup.
 */

const env = { account: '111111111111', region: 'us-east-1' };

/** The keys of the lookups that the CDK CLI would have to make after the synthesis. */
function lookupsOf(addConstructs: (stack: Stack) => void, context: Record<string, unknown> = {}): readonly string[] {
  const app = new App({ context });
  addConstructs(new Stack(app, 'Stack', { env }));
  return (app.synth().manifest.missing ?? []).map(({ key }) => key);
}

const SUBNET_TYPES = [ec2.SubnetType.PUBLIC, ec2.SubnetType.PRIVATE_WITH_EGRESS, ec2.SubnetType.PRIVATE_ISOLATED];

function connect(stack: Stack, vpc: ec2.IVpc, subnetType: ec2.SubnetType): void {
  new VpcPeeringConnection(stack, 'Peering', {
    authorization: new VpcPeeringAuthorization(stack, 'Authorization', { vpc }),
    fleet: new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' }),
    routes: PeeringRoutes.forSubnets({ subnetType }),
  });
}

describe('Vpc.fromLookup', () => {
  const lookUp = (stack: Stack, id = 'Vpc'): ec2.IVpc => ec2.Vpc.fromLookup(stack, id, { tags: { Name: id } });

  test.each(SUBNET_TYPES)('works with routes for %s subnets', (subnetType) => {
    const [key] = lookupsOf((stack) => {
      connect(stack, lookUp(stack), subnetType);
    });
    expect(key).toMatch(/^vpc-provider:/);
  });

  test('works for two VPCs that have the same dummy id', () => {
    const keys = lookupsOf((stack) => {
      const fleet = gamelift.CfnFleet.fromFleetId(stack, 'Fleet', 'fleet-1');
      for (const id of ['One', 'Two']) {
        const authorization = new VpcPeeringAuthorization(stack, `Authorization${id}`, { vpc: lookUp(stack, id) });
        new VpcPeeringConnection(stack, `Peering${id}`, { authorization, fleet });
      }
    });
    expect(keys).toHaveLength(2);
  });

  test.each([false, true])(
    'works if the peerVpcId of the fleet is another VPC, which has the same dummy id (peerOnCreate: %p)',
    (peerOnCreate) => {
      const keys = lookupsOf((stack) => {
        const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet', peerVpcId: lookUp(stack, 'Other').vpcId });
        const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: lookUp(stack) });
        new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate });
      });
      expect(keys).toHaveLength(2);
    },
  );

  test('works with peerOnCreate for a fleet that already has the real id as its peerVpcId', () => {
    const keys = lookupsOf((stack) => {
      const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet', peerVpcId: 'vpc-0a' });
      const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc: lookUp(stack) });
      new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true });
    });
    expect(keys).toHaveLength(1);
  });

  test('works for two fleets that are peered on creation with two VPCs, without a warning', () => {
    const stack = new Stack(new App(), 'Stack', { env });
    for (const id of ['One', 'Two']) {
      const authorization = new VpcPeeringAuthorization(stack, `Authorization${id}`, { vpc: lookUp(stack, id) });
      const fleet = new gamelift.CfnFleet(stack, `Fleet${id}`, { name: 'fleet' });
      new VpcPeeringConnection(stack, `Peering${id}`, { authorization, fleet, peerOnCreate: true });
    }
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  test('fails if the result of the lookup is invalid', () => {
    const subnets = [{ subnetId: 'subnet-0a', cidr: '10.0.0.0/24', availabilityZone: 'us-east-1a', routeTableId: 'wrong' }];
    const lookupResult = {
      vpcId: 'vpc-0a',
      vpcCidrBlock: '10.0.0.0/16',
      availabilityZones: [],
      subnetGroups: [{ name: 'Private', type: 'Private', subnets }],
    };
    const addConstructs = (stack: Stack): void => {
      connect(stack, lookUp(stack), ec2.SubnetType.PRIVATE_WITH_EGRESS);
    };
    const [key = ''] = lookupsOf(addConstructs);
    expect(() => lookupsOf(addConstructs, { [key]: lookupResult })).toThrow(
      'the route table of subnet Stack/Vpc/PrivateSubnet1 is unknown',
    );
    expect(() => lookupsOf(addConstructs, { [key]: { ...lookupResult, vpcId: 'wrong' } })).toThrow(
      "vpc must have an id such as vpc-0123456789abcdef0, got 'wrong'",
    );
  });
});

describe('StringParameter.valueFromLookup', () => {
  const importVpc = (stack: Stack, vpcId = 'vpc-0a'): ec2.IVpc =>
    ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId, availabilityZones: ['us-east-1a'] });
  const usages: Record<string, [use: (stack: Stack, value: string) => void, message: string]> = {
    'the id of the vpc': [
      (stack, value) => new VpcPeeringAuthorization(stack, 'A', { vpc: importVpc(stack, value) }),
      "vpc must have an id such as vpc-0123456789abcdef0, got 'wrong'",
    ],
    gameLiftAccount: [
      (stack, value) => new VpcPeeringAuthorization(stack, 'A', { vpc: importVpc(stack), gameLiftAccount: value }),
      "gameLiftAccount must be an AWS account id of 12 digits, got 'wrong'",
    ],
    peerVpcAccount: [
      (stack, value) => new VpcPeeringAuthorization(stack, 'A', { vpc: importVpc(stack), peerVpcAccount: value }),
      "peerVpcAccount must be an AWS account id of 12 digits, got 'wrong'",
    ],
    'the accounts of an imported authorization': [
      (stack, value) => {
        const attributes = { vpc: importVpc(stack), gameLiftAccount: value, peerVpcAccount: value };
        const authorization = VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'A', attributes);
        const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' });
        new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true, routes: PeeringRoutes.none() });
      },
      "peerVpcAccount must be an AWS account id of 12 digits, got 'wrong'",
    ],
    'the account of a peerRole': [
      (stack, value) =>
        new VpcPeeringAuthorization(stack, 'A', {
          vpc: importVpc(stack),
          peerVpcAccount: '222222222222',
          peerRole: iam.Role.fromRoleArn(stack, 'Role', `arn:aws:iam::${value}:role/Peering`),
        }),
      'peerRole must be in the account that owns the VPC, got a role in account wrong',
    ],
    externalId: [
      (stack, value) => {
        const peerRole = iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::222222222222:role/Peering');
        // `wrong` is a valid external id, but `!` is not
        const externalId = value === 'wrong' ? '!' : value;
        new VpcPeeringAuthorization(stack, 'A', { vpc: importVpc(stack), peerRole, externalId });
      },
      'externalId must be 2 to 1224 letters',
    ],
    'the gameLiftAccount of a role': [
      (stack, value) => new VpcPeeringRole(stack, 'Role', { vpc: importVpc(stack), gameLiftAccount: value }),
      "gameLiftAccount must be an AWS account id of 12 digits, got 'wrong'",
    ],
    'the id of a fleet': [
      (stack, value) =>
        new VpcPeeringConnection(stack, 'Peering', {
          authorization: new VpcPeeringAuthorization(stack, 'A', { vpc: importVpc(stack) }),
          fleet: gamelift.CfnFleet.fromFleetId(stack, 'Fleet', value),
        }),
      "fleet must have the id of an EC2 fleet, such as fleet-01234567-89ab-cdef-0123-456789abcdef, got 'wrong'",
    ],
  };

  test.each(Object.entries(usages))('works for %s, and fails if the result of the lookup is invalid', (_, [use, message]) => {
    const addConstructs = (stack: Stack): void => {
      use(stack, ssm.StringParameter.valueFromLookup(stack, '/studio/value'));
    };
    const [key = ''] = lookupsOf(addConstructs);
    expect(key).toMatch(/^ssm:.*studio\/value/);
    expect(() => lookupsOf(addConstructs, { [key]: 'wrong' })).toThrow(message);
  });
});
