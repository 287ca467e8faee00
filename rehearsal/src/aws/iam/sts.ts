import { ServiceError, type ServiceCall } from '../service';
import { validate } from '../wire/input-constraints';
import { QueryService, type Parameters, type Members } from '../wire/query';
import { QUERY_DIALECT } from '../wire/query-dialects';
import { denialMessage } from './evaluation';
import type { Iam } from './iam';

const ASSUME_ROLE_INPUT = {
  RoleArn: { required: true, min: 20, max: 2048 },
  RoleSessionName: { required: true, min: 2, max: 64, pattern: /^[\w+=,.@-]*$/ },
  ExternalId: { required: false, min: 2, max: 1224, pattern: /^[\w+=,.@:/-]*$/ },
};
/** The default MaxSessionDuration of a role. It is also the limit for role chaining. */
const MAXIMUM_SECONDS = 3600;

/** STS: `GetCallerIdentity` and `AssumeRole`. */
export function stsService(iam: Iam): QueryService {
  return new QueryService('sts', 'https://sts.amazonaws.com/doc/2011-06-15/', QUERY_DIALECT, {
    // GetCallerIdentity needs no permission, and no policy can deny it
    GetCallerIdentity: (_parameters, { principal }) =>
      Promise.resolve({ Arn: principal.arn, UserId: principal.userId, Account: principal.account }),
    AssumeRole: (parameters, call) => assumeRole(iam, parameters, call),
  });
}

async function assumeRole(iam: Iam, parameters: Parameters, { principal, region }: ServiceCall): Promise<Members> {
  const input = validate(parameters.all, ASSUME_ROLE_INPUT, 'ValidationError');
  const [roleArn, sessionName] = [input.text('RoleArn'), input.text('RoleSessionName')];
  const externalId = input.optionalText('ExternalId');
  const durationSeconds = Number(parameters.get('DurationSeconds') ?? MAXIMUM_SECONDS);
  if (!(durationSeconds >= 900 && durationSeconds <= 43_200)) {
    const constraint = 'Member must have value between 900 and 43200';
    throw new ServiceError(
      'ValidationError',
      `1 validation error detected: Value '${durationSeconds}' at 'durationSeconds' failed to satisfy constraint: ${constraint}`,
    );
  }
  if (durationSeconds > MAXIMUM_SECONDS) {
    throw new ServiceError('ValidationError', 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.');
  }
  const session = await iam.assumeRole(principal, {
    roleArn,
    sessionName,
    durationSeconds,
    region,
    ...(externalId === undefined ? {} : { externalId }),
  });
  if (session === undefined) {
    throw new ServiceError('AccessDenied', denialMessage(principal.arn, 'sts:AssumeRole', roleArn), 403);
  }
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = session.credentials;
  return {
    AssumedRoleUser: { AssumedRoleId: session.principal.userId, Arn: session.principal.arn },
    Credentials: {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: sessionToken,
      Expiration: expiration === undefined ? undefined : new Date(expiration),
    },
  };
}
