import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import { VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringHandler, VpcPeeringRole } from '../../lib';

/*
 * IAM allows 10,240 characters for all inline policies of a role together.
 */

const env = { account: '111111111111', region: 'us-east-1' };

function vpcOf(stack: Stack, digit: number): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, `Vpc${digit}`, {
    vpcId: `vpc-${digit}`.padEnd(21, '0'),
    availabilityZones: ['us-east-1a'],
  });
}

function synthesize(vpcs: number, more?: (stack: Stack) => void): void {
  const app = new App();
  const stack = new Stack(app, 'Game', { env });
  for (let digit = 0; digit < vpcs; digit += 1) {
    const authorization = new VpcPeeringAuthorization(stack, `Authorization${digit}`, { vpc: vpcOf(stack, digit) });
    const fleet = new gamelift.CfnFleet(stack, `Fleet${digit}`, { name: 'fleet' });
    new VpcPeeringConnection(stack, `Peering${digit}`, { authorization, fleet });
  }
  more?.(stack);
  app.synth();
}

/** A statement with about this number of characters. */
function statementOf(characters: number): iam.PolicyStatement {
  return new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: [`arn:aws:s3:::${'x'.repeat(characters)}`] });
}

const ROLE = 'Game/GameLiftVpcPeeringHandler/Role';

function sizeError(role: string): RegExp {
  return new RegExp(
    `the inline policies of role ${role}/Resource have at least 1\\d{4} characters, but IAM allows 10240 for all inline policies of a ` +
      'role: peer fewer VPCs in one stack \\(each stack has its own role\\), and use managed policies for the permissions that you add',
  );
}

test('the policies for connections with four VPCs fit, and those for six VPCs fail', () => {
  expect(() => {
    synthesize(4);
  }).not.toThrow();
  expect(() => {
    synthesize(6);
  }).toThrow(sizeError(ROLE));
});

test('permissions that the app grants to the handler count, too', () => {
  const grant = (characters: number) => (stack: Stack) => {
    new VpcPeeringHandler(stack, 'Handler').grantPrincipal.addToPrincipalPolicy(statementOf(characters));
  };
  expect(() => {
    synthesize(1, grant(2000));
  }).not.toThrow();
  expect(() => {
    synthesize(1, grant(9000));
  }).toThrow(sizeError(ROLE));
});

test('the policies of a VpcPeeringRole are checked, too', () => {
  const synthesizeRole = (characters: number): void => {
    const app = new App();
    const stack = new Stack(app, 'Data', { env });
    const role = new VpcPeeringRole(stack, 'Role', { vpc: vpcOf(stack, 0), gameLiftAccount: '222222222222' });
    role.addToPolicy(statementOf(characters));
    app.synth();
  };
  expect(() => {
    synthesizeRole(2000);
  }).not.toThrow();
  expect(() => {
    synthesizeRole(9000);
  }).toThrow(sizeError('Data/Role'));
});
