import { NothingDoneProblem } from '../problem';
import type { ResponseTarget, Requester } from './request';

/*
 * Physical ids of this library's custom resources. If the response to an update has a different id, CloudFormation sends a delete for the
 * old id. Therefore, an id contains only the values whose change replaces the resource, and the state that a later request needs:
 *
 *   <id>                              the resource was created
 *   <id>/unfinished/<request id>      a create failed midway: its delete removes what this request created
 *   <id>/nothing-done                 a create failed before it had created anything: its delete has nothing to do
 *
 * An update that completes an unfinished resource keeps the unfinished id. With a different id, CloudFormation would send a delete for the
 * unfinished id, and that would delete what the update has just completed.
 */

const NOTHING_DONE = '/nothing-done';
const UNFINISHED = '/unfinished/';

/** What the physical id in a request says about the resource. `unknown`: the request has no id, or the handler did not choose it. */
export type PhysicalIdState =
  | { readonly kind: 'created' }
  | { readonly kind: 'unfinished'; readonly requestId: string }
  | { readonly kind: 'nothing done' }
  | { readonly kind: 'unknown' };

export class PhysicalId {
  /**
   * @param createdId the id of the created resource
   * @param unfinishedId the id after a create that failed midway
   */
  private constructor(
    readonly createdId: string,
    private readonly unfinishedId: string,
  ) {}

  /** For a resource that is never replaced: the id does not depend on its properties. */
  static ofPermanentResource(requester: Requester): PhysicalId {
    const id = stackAndResource(requester);
    return new PhysicalId(id, id);
  }

  /** For a resource that is replaced if `key` changes. */
  static ofReplaceableResource(request: ResponseTarget, key: string): PhysicalId {
    const id = `${stackAndResource(request)}/${key}`;
    return new PhysicalId(id, `${id}${UNFINISHED}${request.requestId}`);
  }

  /**
   * The id in the response to a request that is still running when its time is up. A create has no id yet, and nobody knows what it has
   * created. For a replaceable resource, the state of the returned id is `unknown`, so the following delete looks for everything that the
   * create may have created.
   */
  static idAfterTimeout(target: ResponseTarget): string {
    return target.physicalResourceId ?? stackAndResource(target);
  }

  /** The id in the response to an invalid request, which the handler did not start. */
  static idOfInvalidRequest(target: ResponseTarget): string {
    return target.physicalResourceId ?? `${stackAndResource(target)}${NOTHING_DONE}`;
  }

  private get isPermanent(): boolean {
    return this.unfinishedId === this.createdId;
  }

  stateOf(receivedId: string | undefined): PhysicalIdState {
    if (receivedId === this.createdId) {
      return { kind: 'created' };
    }
    if (isNothingDoneId(receivedId)) {
      return { kind: 'nothing done' };
    }
    const prefix = `${this.createdId}${UNFINISHED}`;
    return receivedId?.startsWith(prefix) === true
      ? { kind: 'unfinished', requestId: receivedId.slice(prefix.length) }
      : { kind: 'unknown' };
  }

  /** The id in the response after a create or update that succeeded. */
  idAfterSuccess(receivedId: string | undefined): string {
    const { kind } = this.stateOf(receivedId);
    // a permanent resource keeps even an unknown id: with a new one, CloudFormation would send a delete for the old one
    const keepsId = kind === 'unfinished' || (kind === 'unknown' && this.isPermanent);
    return receivedId !== undefined && keepsId ? receivedId : this.createdId;
  }

  /** The id in the response after a failure. A failed update keeps its id: AWS does not document whether CloudFormation uses a new one. */
  idAfterFailure(receivedId: string | undefined, error: unknown): string {
    if (receivedId !== undefined && !isNothingDoneId(receivedId)) {
      return receivedId;
    }
    return error instanceof NothingDoneProblem ? `${this.createdId}${NOTHING_DONE}` : this.unfinishedId;
  }
}

export function isNothingDoneId(physicalResourceId: string | undefined): boolean {
  return physicalResourceId?.endsWith(NOTHING_DONE) === true;
}

/** Identifies the resource by values that never change: the unique part of the stack's id, and the logical id. */
function stackAndResource({ stackId, logicalResourceId }: Requester): string {
  return `${stackId.slice(stackId.lastIndexOf('/') + 1)}/${logicalResourceId}`;
}
