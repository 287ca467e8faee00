import type { AwsApi } from './api';
import { CLIENT_CONFIG } from './clients';
import type { ClientConfig } from './clients';
import { createEc2Api } from './ec2';
import { createGameLiftApi } from './gamelift';
import { assumeRole } from './sts';
import type { PeerRole } from './sts';

/** Creates an API that makes calls with the function's own role. */
export function createAwsApi(config: ClientConfig = CLIENT_CONFIG): AwsApi {
  return {
    ...createGameLiftApi(config),
    ...createEc2Api(config),
    async describeStackStatus(StackName, abortSignal) {
      const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
      const output = await new CloudFormationClient(config).send(new DescribeStacksCommand({ StackName }), { abortSignal });
      return output.Stacks?.[0]?.StackStatus ?? '';
    },
  };
}

/** Creates an API that makes calls with a role of another account. */
export function createAwsApiWithRole(role: PeerRole, sessionName: string, region: string): AwsApi {
  return createAwsApi({ ...CLIENT_CONFIG, credentials: assumeRole(role, sessionName, region) });
}
