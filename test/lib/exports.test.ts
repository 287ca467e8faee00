import { App, CfnOutput, Fn, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';

/*
 * Warnings about attributes of a connection that another stack imports. A new build changes these attributes, and CloudFormation refuses to
 * change an export that another stack imports.
 */

const env = { account: '111111111111', region: 'us-east-1' };

function createConnection(stack: Stack): VpcPeeringConnection {
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-0a', availabilityZones: ['us-east-1a'] });
  const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
  const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' });
  return new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
}

function createDatabase(stack: Stack): ec2.SecurityGroup {
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'DatabaseVpc', { vpcId: 'vpc-0a', availabilityZones: ['us-east-1a'] });
  return new ec2.SecurityGroup(stack, 'Database', { vpc });
}

function importInto(stack: Stack, gameLiftCidrBlock: string): void {
  VpcPeeringConnection.fromVpcPeeringConnectionAttributes(stack, 'Imported', { gameLiftCidrBlock }).allowTo(
    createDatabase(stack),
    ec2.Port.tcp(5432),
  );
}

/** The annotations of a stack with a connection, and of another stack that may use it. */
function annotationsWith(useConnection: (connection: VpcPeeringConnection, other: Stack) => void): {
  game: Annotations;
  data: Annotations;
} {
  const app = new App();
  const [game, data] = ['Game', 'Data'].map((id) => new Stack(app, id, { env })) as [Stack, Stack];
  useConnection(createConnection(game), data);
  return { game: Annotations.fromStack(game), data: Annotations.fromStack(data) };
}

const warningAbout = (attribute: string): string =>
  `Game exports ${attribute} of Game/Peering for another stack. A new build changes the exported value, but CloudFormation refuses to change an export ` +
  'while another stack imports it, so every deployment of a new build fails. For a rule of a security group, call allowTo of Game/Peering ' +
  'instead of allowFrom. Otherwise, pass the value as text, as a context value, or in an SSM parameter, and update it after each new build ' +
  '[ack: cdk-gamelift-vpc-peering:exportedAttribute]';

test.each<[string, (connection: VpcPeeringConnection, data: Stack) => void, string]>([
  [
    'allowFrom of a security group in another stack',
    (connection, data) => {
      createDatabase(data).connections.allowFrom(connection, ec2.Port.tcp(5432));
    },
    'GameLiftCidrBlock',
  ],
  [
    'an import with the attribute of the connection',
    (connection, data) => {
      importInto(data, connection.gameLiftCidrBlock);
    },
    'GameLiftCidrBlock',
  ],
  [
    'an output of another stack',
    ({ vpcPeeringConnectionId }, data) => {
      new CfnOutput(data, 'Id', { value: vpcPeeringConnectionId });
    },
    'VpcPeeringConnectionId',
  ],
  [
    'an output with an export name',
    ({ stack, gameLiftVpcId }) => {
      new CfnOutput(stack, 'Id', { value: gameLiftVpcId, exportName: 'GameLiftVpcId' });
    },
    'GameLiftVpcId',
  ],
])('the warning about %s says why it is a problem, and what to do', (_, useConnection, attribute) => {
  annotationsWith(useConnection).game.hasWarning('/Game/Peering', warningAbout(attribute));
});

test.each<[string, (connection: VpcPeeringConnection, data: Stack) => void]>([
  [
    'allowTo of the connection with a security group in another stack',
    (connection, data) => {
      connection.allowTo(createDatabase(data), ec2.Port.tcp(5432));
    },
  ],
  [
    'allowFrom of a security group in the same stack',
    (connection) => {
      createDatabase(connection.stack).connections.allowFrom(connection, ec2.Port.tcp(5432));
    },
  ],
  [
    'an output without an export name',
    ({ stack, gameLiftCidrBlock }) => {
      new CfnOutput(stack, 'Cidr', { value: gameLiftCidrBlock });
    },
  ],
  [
    'an import with text',
    (_, data) => {
      importInto(data, '10.192.0.0/20');
    },
  ],
  [
    'an import with an SSM parameter',
    (_, data) => {
      importInto(data, ssm.StringParameter.valueForStringParameter(data, '/game/cidr'));
    },
  ],
])('there is no warning about %s', (_, useConnection) => {
  const { game, data } = annotationsWith(useConnection);
  // newer versions of the CDK have a warning of their own about references between stacks
  const warningOfThisLibrary = Match.stringLikeRegexp('cdk-gamelift-vpc-peering:');
  game.hasNoWarning('*', warningOfThisLibrary);
  data.hasNoWarning('*', warningOfThisLibrary);
});

test('an imported connection with Fn.importValue has a warning, and its rules have the value', () => {
  const stack = new Stack(new App(), 'Data', { env });
  importInto(stack, Fn.importValue('GameLiftCidrBlock'));
  Annotations.fromStack(stack).hasWarning(
    '/Data/Imported',
    'the gameLiftCidrBlock of Data/Imported is an export of another stack. A new build changes the exported value, but CloudFormation refuses to change an ' +
      'export while another stack imports it, so every deployment of a new build fails. Instead, pass the value as text, as a context ' +
      'value, or in an SSM parameter, and update it after each new build [ack: cdk-gamelift-vpc-peering:importedValue]',
  );
  Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
    CidrIp: { 'Fn::ImportValue': 'GameLiftCidrBlock' },
  });
});
