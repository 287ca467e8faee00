import type { CreateHandler, HandlerServices, Send } from 'rehearsal/in-process';
import { readError } from '../../lambda/aws/errors';
import type { PeerRole } from '../../lambda/aws/sts';
import { createHandler } from '../../lambda/handler';
import { SimulatedApi } from './api';

/** Creates a handler that calls the simulated services in this process. */
export const createHandlerInProcess: CreateHandler = (services) => {
  const { send, put, time, log, region } = services;
  return createHandler({
    api: new SimulatedApi(send),
    assume: (role, sessionName) => new SimulatedApi(sendWithRole(role, sessionName, services)),
    put,
    time,
    log: { info: log, error: log, failedRequest: log },
    region,
  });
};

/** Makes all calls in one session of a role. If the role could not be assumed, the next call tries again. */
function sendWithRole({ arn, externalId }: PeerRole, sessionName: string, { send, sendWith }: HandlerServices): Send {
  let session: Promise<Send> | undefined;
  const assume = async (signal: AbortSignal): Promise<Send> => {
    const input = {
      RoleArn: arn,
      RoleSessionName: sessionName,
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
    };
    try {
      const output = await send('sts', 'AssumeRole', input, signal);
      return sendWith((output as { readonly Credentials: { readonly AccessKeyId: string } }).Credentials.AccessKeyId);
    } catch (error) {
      session = undefined;
      throw assumeRoleError(arn, error);
    }
  };
  return async (service, operation, input, signal) => {
    session ??= assume(signal);
    return (await session)(service, operation, input, signal);
  };
}

function assumeRoleError(arn: string, cause: unknown): Error {
  const { name, message } = readError(cause);
  const { $metadata } = cause as { readonly $metadata?: object };
  return Object.assign(new Error(`the role ${arn} could not be assumed: ${message}`, { cause }), { name, $metadata });
}
