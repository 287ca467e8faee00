import type { LogGroups } from '../../aws/cloudwatch/log-groups';
import type { Iam } from '../../aws/iam/iam';
import { arnOf } from '../../aws/partitions';
import type { FunctionConfiguration } from './function-configuration';

const LAMBDA = 'lambda.amazonaws.com';

/**
 * Lambda writes logs with the function's role, and makes the log group first where there is none. Where the role may not, the
 * logs are lost in AWS: here only the log group, the use of the permissions and the metrics in the logs matter.
 *
 * @returns whether what the function writes reaches the log group
 */
export async function prepareLogs(
  iam: Iam,
  logGroups: LogGroups,
  configuration: FunctionConfiguration,
  logStreamName: string,
): Promise<boolean> {
  const { role, logGroupName } = configuration;
  const decide = (action: string, resource: string) =>
    iam.decideForService(role, LAMBDA, action, { arn: arnOf(configuration, 'logs', `log-group:${logGroupName}:${resource}`) });
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
