import type { NamedStackResult } from '../cloudformation/engine/cloudformation';
import type { Entry } from '../journal';
import { onOneLine, withoutIds } from '../report';

const STACK = 'AWS::CloudFormation::Stack';
const BEGIN_MESSAGE = new RegExp(`^(CREATE|UPDATE|DELETE)_IN_PROGRESS ${STACK}`);
/** Matches the failure of a resource, or the start of a rollback. If outputs are invalid, a stack is rolled back although no resource failed. */
const FAILURE_MESSAGE = /^(\w+_FAILED|(?:UPDATE_)?ROLLBACK_IN_PROGRESS) (\S+): (.*)$/s;
const COMPLETE_STATUSES = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'DELETE_COMPLETE'];

/**
 * If a stack is not complete, replaces its reason with the first failure event since its operation began. CloudFormation's own reason
 * only names the resources that failed.
 *
 * @param entries the entries of the journal since the start of the operation
 */
export function withFirstFailure<Result extends Pick<NamedStackResult, 'name' | 'status' | 'reason'>>(
  result: Result,
  entries: readonly Entry[],
): Result {
  const events = entries.filter(({ source }) => source === 'cloudformation');
  const beginIndex = events.findLastIndex(({ subject, message }) => subject === result.name && BEGIN_MESSAGE.test(message));
  if (COMPLETE_STATUSES.includes(result.status) || beginIndex < 0) {
    return result;
  }
  const [reason] = events.slice(beginIndex).flatMap(({ subject, message }) => {
    const [, status, type, text] = FAILURE_MESSAGE.exec(message) ?? [];
    return status === undefined || type === undefined || text === undefined ? [] : [`${subject} (${type}) ${status}: ${text}`];
  });
  return reason === undefined ? result : { ...result, reason: withoutIds(onOneLine(reason)) };
}
