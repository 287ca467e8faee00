import { App, Fn, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import { VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringHandler, VpcPeeringRole } from '../../lib';

/*
 * IAM allows 10,240 characters for all inline policies of a role together.
 */

const env = { account: '111111111111', region: 'us-east-1' };

function importVpc(stack: Stack, digit: number): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, `Vpc${digit}`, {
    vpcId: `vpc-${digit}`.padEnd(21, '0'),
    availabilityZones: ['us-east-1a'],
  });
}

function synthesizeWithVpcs(vpcCount: number, addToStack?: (stack: Stack) => void): void {
  const app = new App();
  const stack = new Stack(app, 'Game', { env });
  for (let digit = 0; digit < vpcCount; digit += 1) {
    const authorization = new VpcPeeringAuthorization(stack, `Authorization${digit}`, { vpc: importVpc(stack, digit) });
    const fleet = new gamelift.CfnFleet(stack, `Fleet${digit}`, { name: 'fleet' });
    new VpcPeeringConnection(stack, `Peering${digit}`, { authorization, fleet });
  }
  addToStack?.(stack);
  app.synth();
}

/** A statement with about this number of characters. */
function statementWithLength(characters: number): iam.PolicyStatement {
  return new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: [`arn:aws:s3:::${'x'.repeat(characters)}`] });
}

const HANDLER_ROLE = 'Game/GameLiftVpcPeeringHandler/Role';

function sizeError(role: string): RegExp {
  return new RegExp(
    `the inline policies of role ${role}/Resource have at least 1\\d{4} characters, but IAM allows 10240 for all inline policies of a ` +
      'role: peer fewer VPCs in one stack \\(each stack has its own role\\), and use managed policies for the permissions that you add',
  );
}

test('the synthesis fails with connections for six VPCs, but not with connections for four', () => {
  expect(() => {
    synthesizeWithVpcs(4);
  }).not.toThrow();
  expect(() => {
    synthesizeWithVpcs(6);
  }).toThrow(sizeError(HANDLER_ROLE));
});

test('the synthesis fails if the permissions that the app grants to the handler are too long', () => {
  const grantWithLength = (characters: number) => (stack: Stack) => {
    new VpcPeeringHandler(stack, 'Handler').grantPrincipal.addToPrincipalPolicy(statementWithLength(characters));
  };
  expect(() => {
    synthesizeWithVpcs(1, grantWithLength(2000));
  }).not.toThrow();
  expect(() => {
    synthesizeWithVpcs(1, grantWithLength(9000));
  }).toThrow(sizeError(HANDLER_ROLE));
});

test('the synthesis fails if the policies of a VpcPeeringRole are too long', () => {
  const synthesizeRoleWithLength = (characters: number): void => {
    const app = new App();
    const stack = new Stack(app, 'Data', { env });
    const role = new VpcPeeringRole(stack, 'Role', { vpc: importVpc(stack, 0), gameLiftAccount: '222222222222' });
    role.addToPolicy(statementWithLength(characters));
    app.synth();
  };
  expect(() => {
    synthesizeRoleWithLength(2000);
  }).not.toThrow();
  expect(() => {
    synthesizeRoleWithLength(9000);
  }).toThrow(sizeError('Data/Role'));
});

describe('policies of roles whose names are imported from other stacks', () => {
  const synthesizeWithPolicies = (policies: readonly { readonly roleName: string; readonly characters: number }[]): void => {
    const app = new App();
    const stack = new Stack(app, 'Data', { env });
    const scope = new VpcPeeringRole(stack, 'Role', { vpc: importVpc(stack, 0), gameLiftAccount: '222222222222' });
    for (const { roleName, characters } of policies) {
      new iam.CfnRolePolicy(scope, roleName, {
        policyName: 'Default',
        roleName: Fn.importValue(roleName),
        policyDocument: { Statement: [statementWithLength(characters).toJSON()] },
      });
    }
    app.synth();
  };

  test('are added up for each role', () => {
    expect(() => {
      synthesizeWithPolicies([
        { roleName: 'One', characters: 6000 },
        { roleName: 'Two', characters: 6000 },
      ]);
    }).not.toThrow();
  });

  test('fail the synthesis with the import in the message if they are too long', () => {
    expect(() => {
      synthesizeWithPolicies([{ roleName: 'One', characters: 11_000 }]);
    }).toThrow('the inline policies of role {"Fn::ImportValue":"One"} have at least 11');
  });
});
