const ALLOW_ALL = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };

const LOG_ACTIONS = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'];

const NETWORK_INTERFACE_ACTIONS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

function allowOnAllResources(actions: readonly string[]): object {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] };
}

export const ADMINISTRATOR_ACCESS = 'arn:aws:iam::aws:policy/AdministratorAccess';

/** The AWS managed policies that the simulation knows, by ARN. */
export const MANAGED_POLICIES: Readonly<Record<string, object>> = {
  [ADMINISTRATOR_ACCESS]: ALLOW_ALL,
  'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole': allowOnAllResources(LOG_ACTIONS),
  'arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole': allowOnAllResources([
    ...LOG_ACTIONS,
    ...NETWORK_INTERFACE_ACTIONS,
  ]),
};
