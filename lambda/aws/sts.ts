import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types';
import { CLIENT_CONFIG, once } from './clients';
import { readError } from './errors';

/** A role in the account of the VPC. */
export interface PeerRole {
  readonly arn: string;
  readonly externalId: string | undefined;
}

/**
 * Assumes a role at the STS endpoint of the function's own Region, because no other endpoint works in an opt-in Region. All clients share
 * one session, which lasts longer than any request.
 */
export function assumeRole({ arn, externalId }: PeerRole, sessionName: string, region: string): AwsCredentialIdentityProvider {
  return once(async (): Promise<AwsCredentialIdentity> => {
    const { AssumeRoleCommand, STSClient } = await import('@aws-sdk/client-sts');
    const input = { RoleArn: arn, RoleSessionName: sessionName, ...(externalId === undefined ? {} : { ExternalId: externalId }) };
    try {
      const { Credentials } = await new STSClient({ ...CLIENT_CONFIG, region }).send(new AssumeRoleCommand(input));
      return {
        accessKeyId: Credentials?.AccessKeyId ?? '',
        secretAccessKey: Credentials?.SecretAccessKey ?? '',
        ...(Credentials?.SessionToken === undefined ? {} : { sessionToken: Credentials.SessionToken }),
      };
    } catch (error) {
      const { name, message } = readError(error);
      // keeps what `errors.ts` needs to classify the error
      throw Object.assign(new Error(`the role ${arn} could not be assumed: ${message}`, { cause: error }), {
        name,
        $metadata: (error as { readonly $metadata?: unknown }).$metadata,
      });
    }
  });
}
