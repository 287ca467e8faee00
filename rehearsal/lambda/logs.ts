import type { Iam } from '../aws/iam';
import type { FunctionConfiguration } from './functions';

/** Lambda writes logs with the function's role. Where that may not, they are lost in AWS: here only the use of the permission matters. */
export async function useLogPermissions(
  iam: Iam,
  { account, region, role, logGroupName }: FunctionConfiguration,
  logStreamName: string,
): Promise<void> {
  const arn = `arn:aws:logs:${region}:${account}:log-group:${logGroupName}:log-stream:${logStreamName}`;
  for (const action of ['logs:CreateLogStream', 'logs:PutLogEvents']) {
    await iam.decideForService(role, 'lambda.amazonaws.com', action, { arn });
  }
}
