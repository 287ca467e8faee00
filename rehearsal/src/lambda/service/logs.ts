import { LAMBDA_PRINCIPAL } from './function-configuration';
import type { LogGroups } from '../../aws/cloudwatch/log-groups';
import type { Iam } from '../../aws/iam/iam';
import { arnOf } from '../../aws/partitions';
import type { FunctionConfiguration } from './function-configuration';

/**
 * Creates the log group of a function with the function's role, if the group does not exist. In AWS, the logs are lost if the role
 * lacks the permissions. In the simulation, the journal contains the logs anyway, but CloudWatch does not get the metrics in them.
 *
 * @returns whether the role may write to the log group
 */
export async function prepareLogs(
  iam: Iam,
  logGroups: LogGroups,
  configuration: FunctionConfiguration,
  logStreamName: string,
): Promise<boolean> {
  const { role, logGroupName } = configuration;
  const decide = (action: string, resource: string) =>
    iam.decideForService(role, LAMBDA_PRINCIPAL, action, {
      arn: arnOf(configuration, 'logs', `log-group:${logGroupName}:${resource}`),
    });
  if (!logGroups.has(configuration, logGroupName)) {
    const { allowed } = await decide('logs:CreateLogGroup', 'log-stream:');
    if (!allowed) {
      return false;
    }
    logGroups.create(configuration, logGroupName);
  }
  const stream = await decide('logs:CreateLogStream', `log-stream:${logStreamName}`);
  const events = await decide('logs:PutLogEvents', `log-stream:${logStreamName}`);
  return stream.allowed && events.allowed;
}
