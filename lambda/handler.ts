import {
  RESPONSE_RESERVE_SECONDS,
  AUTHORIZATION_BUDGET_SECONDS,
  CONNECTION_BUDGET_SECONDS,
  RENEWAL_EVENT,
} from '../lib/contract';
import { AUTHORIZATION_TYPE, CONNECTION_TYPE, TEARDOWN_TYPE } from '../lib/contract';
import { readError } from './aws/errors';
import { observedReadings } from './aws/open-questions';
import { CallRecorder } from './aws/recorder';
import { handleRequest } from './custom-resource';
import type { InvocationContext, ResourceTypes } from './custom-resource';
import { isRecord, readRecord } from './cloudformation/values';
import type { Log } from './log';
import { authorizationResource } from './resources/authorization';
import { connectionResource } from './resources/connection';
import { renew } from './resources/renewal';
import type { Dependencies } from './resources/resource';
import { teardownResource } from './resources/teardown';

const RESOURCE_TYPES: ResourceTypes = new Map([
  [AUTHORIZATION_TYPE, { budgetSeconds: AUTHORIZATION_BUDGET_SECONDS, createResource: authorizationResource }],
  [CONNECTION_TYPE, { budgetSeconds: CONNECTION_BUDGET_SECONDS, createResource: connectionResource }],
  [TEARDOWN_TYPE, { budgetSeconds: AUTHORIZATION_BUDGET_SECONDS, createResource: teardownResource }],
]);

/** Creates the Lambda handler. It handles the requests of CloudFormation, and the events of schedules that renew an authorization. */
export function createHandler(dependencies: Dependencies): (event: unknown, context: InvocationContext) => Promise<void> {
  return async (event, context) => {
    const recorder = new CallRecorder(dependencies.time);
    try {
      await dispatch(event, context, {
        ...dependencies,
        api: recorder.recordCallsOf(dependencies.api),
        assume: (role, sessionName) => recorder.recordCallsOf(dependencies.assume(role, sessionName)),
      });
    } finally {
      logObservations(recorder, dependencies.log);
    }
  };
}

async function dispatch(event: unknown, context: InvocationContext, dependencies: Dependencies): Promise<void> {
  if (isRecord(event) && RENEWAL_EVENT in event) {
    const milliseconds = context.getRemainingTimeInMillis() - RESPONSE_RESERVE_SECONDS * 1000;
    await renew(readRecord(event, RENEWAL_EVENT), milliseconds, dependencies);
  } else {
    await handleRequest(event, context, RESOURCE_TYPES, dependencies);
  }
}

/** Logs what the request has shown about AWS's undocumented behavior. Call it after the response was sent. */
function logObservations({ calls }: CallRecorder, log: Log): void {
  try {
    for (const { question, reading } of observedReadings(calls)) {
      log.info({ message: 'observed how AWS behaves', question, reading });
    }
  } catch (error) {
    // AWS may return something that its API does not declare. The invocation must not fail because of that
    log.error({ message: `could not determine how AWS behaves: ${readError(error).message}` });
  }
}
