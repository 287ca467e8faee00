import type { AwsApi } from './api';
import { CLIENT } from './clients';
import type { ClientConfig } from './clients';
import { ec2Api } from './ec2';
import { gameLiftApi } from './gamelift';
import { assumeRole } from './sts';
import type { PeerRole } from './sts';

/** Makes calls to AWS with the function's own role. */
export function awsApi(config: ClientConfig = CLIENT): AwsApi {
  return {
    ...gameLiftApi(config),
    ...ec2Api(config),
    async describeStackStatus(StackName, abortSignal) {
      const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
      const output = await new CloudFormationClient(config).send(new DescribeStacksCommand({ StackName }), { abortSignal });
      return output.Stacks?.[0]?.StackStatus ?? '';
    },
  };
}

/** Makes calls to AWS with a role of another account. */
export function awsApiAs(role: PeerRole, sessionName: string, region: string): AwsApi {
  return awsApi({ ...CLIENT, credentials: assumeRole(role, sessionName, region) });
}
