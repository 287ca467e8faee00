import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import { VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringHandler, VpcPeeringRole } from '../../lib';

/*
 * IAM allows 10,240 characters in all inline policies of a role together.
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

/** A statement of about so many characters. */
function statementOf(characters: number): iam.PolicyStatement {
  return new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: [`arn:aws:s3:::${'x'.repeat(characters)}`] });
}

const ROLE = 'Game/GameLiftVpcPeeringHandler/Role';

function refusal(role: string): RegExp {
  return new RegExp(
    `the inline policies of role ${role}/Resource have at least 1\\d{4} characters, and IAM allows 10240 for all of a role: connect fewer ` +
      'VPCs in one stack, as each stack has a role of its own, and grant what you add yourself in managed policies',
  );
}

test('the connections of four VPCs fit, and those of six do not', () => {
  expect(() => {
    synthesize(4);
  }).not.toThrow();
  expect(() => {
    synthesize(6);
  }).toThrow(refusal(ROLE));
});

test('what the app lets the handler do counts, too', () => {
  const grant = (characters: number) => (stack: Stack) => {
    new VpcPeeringHandler(stack, 'Handler').grantPrincipal.addToPrincipalPolicy(statementOf(characters));
  };
  expect(() => {
    synthesize(1, grant(2000));
  }).not.toThrow();
  expect(() => {
    synthesize(1, grant(9000));
  }).toThrow(refusal(ROLE));
});

test('a role for another account is checked like the handler', () => {
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
  }).toThrow(refusal('Data/Role'));
});
