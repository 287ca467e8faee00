import { NothingDoneProblem } from '../problem';
import type { ResponseTarget, Requester } from './request';

/*
 * Physical ids of this library's custom resources. After an update whose response has another id, CloudFormation sends a delete
 * for the old id. An id therefore contains only what makes the resource another one, and the state that a later request needs:
 *
 *   <id>                              the resource was made
 *   <id>/unfinished/<request id>      a create failed before it had made all of it; kept if a later update makes the rest
 *   <id>/nothing-done                 a create failed before it had made anything: its delete has nothing to do
 */

const NOTHING_DONE = '/nothing-done';
const UNFINISHED = '/unfinished/';

/** What the physical id of a request says about the resource; `unknown` is an id of something else, or none. */
export type PhysicalIdState =
  | { readonly kind: 'made' }
  | { readonly kind: 'unfinished'; readonly requestId: string }
  | { readonly kind: 'nothing done' }
  | { readonly kind: 'unknown' };

export class PhysicalId {
  /**
   * @param made what CloudFormation knows the resource by once it was made
   * @param unfinished the same after a create that failed midway
   */
  private constructor(
    readonly made: string,
    private readonly unfinished: string,
  ) {}

  /** For a resource whose id never changes, whatever its properties are. */
  static fixed(requester: Requester): PhysicalId {
    const id = stackAndResource(requester);
    return new PhysicalId(id, id);
  }

  /** For a resource that is another one if `key` changes. */
  static of(request: ResponseTarget, key: string): PhysicalId {
    const id = `${stackAndResource(request)}/${key}`;
    return new PhysicalId(id, `${id}${UNFINISHED}${request.requestId}`);
  }

  /** The id of a response to a request whose properties can't be read. */
  static ofRefused(target: ResponseTarget): string {
    return target.physicalResourceId ?? `${stackAndResource(target)}${NOTHING_DONE}`;
  }

  private get isFixed(): boolean {
    return this.unfinished === this.made;
  }

  stateOf(received: string | undefined): PhysicalIdState {
    if (received === this.made) {
      return { kind: 'made' };
    }
    if (saysNothingDone(received)) {
      return { kind: 'nothing done' };
    }
    const prefix = `${this.made}${UNFINISHED}`;
    return received?.startsWith(prefix) === true
      ? { kind: 'unfinished', requestId: received.slice(prefix.length) }
      : { kind: 'unknown' };
  }

  /** After a create or update that succeeded. Another id than the received one leads to a delete of what that one stands for. */
  afterSuccess(received: string | undefined): string {
    const { kind } = this.stateOf(received);
    const isSame = kind === 'unfinished' || (kind === 'unknown' && this.isFixed);
    return received !== undefined && isSame ? received : this.made;
  }

  /** After a create or update that failed. An update keeps its id, because AWS does not say what becomes of another. */
  afterFailure(received: string | undefined, error: unknown): string {
    if (received !== undefined && !saysNothingDone(received)) {
      return received;
    }
    return error instanceof NothingDoneProblem ? `${this.made}${NOTHING_DONE}` : this.unfinished;
  }
}

export function saysNothingDone(physicalResourceId: string | undefined): boolean {
  return physicalResourceId?.endsWith(NOTHING_DONE) === true;
}

/** Made only of values that never change: a stack's unique id and a logical id. */
function stackAndResource({ stackId, logicalResourceId }: Requester): string {
  return `${stackId.slice(stackId.lastIndexOf('/') + 1)}/${logicalResourceId}`;
}
