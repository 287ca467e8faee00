import {
  ANSWER_RESERVE_SECONDS,
  AUTHORIZATION_BUDGET_SECONDS,
  AUTHORIZATION_TYPE,
  CONNECTION_BUDGET_SECONDS,
  CONNECTION_TYPE,
  RENEWAL_EVENT,
  TEARDOWN_TYPE,
} from '../lib/contract';
import { Authorizations } from './authorization';
import type { AuthorizationApi, Authority } from './authorization';
import { ownerOf } from './claim';
import { Calls, TimeUpError } from './calls';
import {
  isRecord,
  NotAnswerableError,
  NothingDoneError,
  parseAddressee,
  parseRequest,
  readRecord,
  readRequester,
  RefusedAnswerError,
  requireRoom,
  respond,
  show,
} from './cloudformation';
import type { Addressee, Answer, CustomResourceRequest, Put, RawProperties, Requester } from './cloudformation';
import { Connection, connectionKey, readConnection } from './connection';
import type { ConnectionApi, ConnectionSpec, Standing } from './connection';
import type { Log } from './log';
import type { NetworkApi } from './network';
import { Peerings } from './peering';
import { isSamePair, laterVersion, readPair, readSeconds } from './properties';
import type { Pair, PeerRole } from './properties';
import { ReceivedAuthorization } from './received';
import type { ReceivedApi } from './received';
import { Teardown } from './teardown';
import type { Time } from './time';

type Api = AuthorizationApi & ConnectionApi & NetworkApi & ReceivedApi;

/** What the handler needs of the world around it. */
export interface World {
  /** Calls as the function itself. */
  readonly api: Api;
  /** Calls as a role of another account. */
  readonly assume: (role: PeerRole, sessionName: string) => Api;
  readonly put: Put;
  readonly time: Time;
  readonly log: Log;
  readonly region: string;
}

/** The part of Lambda's context that is used. */
export interface InvocationContext {
  getRemainingTimeInMillis(): number;
}

/** What one type of custom resource does; made of a request's properties, checked. */
interface Lifecycle {
  /** What CloudFormation is to know the resource by after a create or update: another than before is another resource. */
  readonly physicalId: string;
  /** The same after one that failed. */
  readonly failedId: string;
  /** Gives the attributes. */
  create(): Promise<object>;
  update(): Promise<object>;
  delete(): Promise<void>;
}

interface ResourceType {
  /** Seconds from the start of an invocation to its answer. */
  readonly budgetSeconds: number;
  /** @throws Error if a property is missing or is not what it has to be. */
  readonly open: (request: CustomResourceRequest, calls: Calls, world: World) => Lifecycle;
}

const RESOURCE_TYPES: Readonly<Record<string, ResourceType>> = {
  [AUTHORIZATION_TYPE]: {
    budgetSeconds: AUTHORIZATION_BUDGET_SECONDS,
    open: (request, calls, world) => {
      const pair = readPair(request.properties);
      const authority = authorityFor(pair, request, calls, world);
      return {
        ...fixedId(request),
        create: () => authority.authorizeFirst(),
        // also after a change of VPC or account: the earlier pair's authorization is left to lapse, since what relies on
        // it is deleted only after this update
        update: () => {
          const before = tolerant(readPair, request.oldProperties);
          const changed = before !== undefined && !isSamePair(before, pair);
          return authority.authorizeAgain(changed ? authorityFor(before, request, calls, world) : undefined);
        },
        delete: () => authority.cancel(),
      };
    },
  },
  [CONNECTION_TYPE]: {
    budgetSeconds: CONNECTION_BUDGET_SECONDS,
    open: openConnection,
  },
  [TEARDOWN_TYPE]: {
    budgetSeconds: AUTHORIZATION_BUDGET_SECONDS,
    open: (request, calls, world) => {
      const pair = readPair(request.properties);
      const teardown = new Teardown(pair, (other) => authorityFor(other, request, calls, world), world.api, calls);
      return {
        ...fixedId(request),
        create: () => Promise.resolve({}),
        update: async () => {
          await teardown.update(tolerant(readPair, request.oldProperties));
          return {};
        },
        delete: () => teardown.delete(),
      };
    },
  },
};

function typeOf(resourceType: unknown): ResourceType | undefined {
  // every object knows names such as constructor, which are no types
  const known = typeof resourceType === 'string' && Object.hasOwn(RESOURCE_TYPES, resourceType);
  return known ? RESOURCE_TYPES[resourceType] : undefined;
}

/** Calls in the account that owns the VPC; undefined where nobody lets the handler in. */
function vpcApiOf({ peerRole, peerVpcAccount }: Pair, requester: Requester, { api, assume }: World): Api | undefined {
  if (peerRole !== undefined) {
    return assume(peerRole, sessionName(requester));
  }
  const [, , , , ownAccount] = requester.stackId.split(':');
  return peerVpcAccount === ownAccount ? api : undefined;
}

/** Says in the other account's trail which stack and construct acted: at most 64 characters. */
function sessionName({ stackId, logicalResourceId }: Requester): string {
  const [, stackName = ''] = stackId.split('/');
  return `${stackName.slice(0, 31)}.${logicalResourceId.slice(0, 32)}`;
}

function authorityFor(pair: Pair, requester: Requester, calls: Calls, world: World): Authority {
  const vpcApi = vpcApiOf(pair, requester, world);
  return vpcApi === undefined
    ? new ReceivedAuthorization(pair, world.region, world.api, calls, requester.stackId)
    : new Authorizations(pair, world.region, vpcApi, calls);
}

function openConnection(request: CustomResourceRequest, calls: Calls, world: World): Lifecycle {
  const { api, log, region } = world;
  const owner = ownerOf(request);
  const open = (spec: ConnectionSpec, requestId = request.requestId): Connection => {
    const vpcApi = vpcApiOf(spec.pair, request, world);
    const authority = authorityFor(spec.pair, request, calls, world);
    const peerings = new Peerings(spec, api, vpcApi, authority, calls, log);
    return new Connection(spec, owner, requestId, peerings, api, vpcApi, calls, log, region, authority.advice);
  };
  const idOf = (spec: ConnectionSpec): string => `${newPhysicalId(request)}/${connectionKey(spec)}`;

  const spec = readConnection(request.properties);
  const id = idOf(spec);
  const standing = standingOf(request.physicalResourceId, id);
  const connection = typeof standing === 'object' ? open(spec, standing.failedRequestId) : open(spec);
  return {
    ...idsOf(request, id, standing),
    create: () => connection.create(),
    update: async () => {
      const before = tolerant(readConnection, request.oldProperties);
      if (before === undefined || idOf(before) === id) {
        const unchanged = before !== undefined && JSON.stringify(before) === JSON.stringify(spec);
        return (
          (unchanged ? await connection.noted() : undefined) ?? (await connection.update(before?.routes ?? spec.routes, standing))
        );
      }
      const attributes = await connection.create();
      if (standingOf(request.physicalResourceId, idOf(before)) === 'unknown') {
        // an update that never was answered, or whose answer was not kept, is rolled back: CloudFormation knows nothing of
        // what it made, and will send no delete for it
        await open(before).delete('unknown');
      }
      return attributes;
    },
    delete: () => connection.delete(standing),
  };
}

/**
 * One that failed at first and is updated keeps its id, or it would be deleted by that; and whatever fails in an update keeps
 * the id that it had, since AWS does not say what becomes of another: the update back takes away what it made.
 */
function idsOf(
  { physicalResourceId, requestId }: Addressee,
  id: string,
  standing: Standing,
): Pick<Lifecycle, 'physicalId' | 'failedId'> {
  const had = physicalResourceId?.endsWith(NOTHING_DONE) === true ? undefined : physicalResourceId;
  return {
    physicalId: typeof standing === 'object' ? (had ?? id) : id,
    failedId: had ?? `${id}${UNFINISHED}${requestId}`,
  };
}

/** What a physical id says of the connection that goes by `id` once it was made. */
function standingOf(physicalResourceId: string | undefined, id: string): Standing {
  if (physicalResourceId === id) {
    return 'made';
  }
  const failed = `${id}${UNFINISHED}`;
  return physicalResourceId?.startsWith(failed) === true
    ? { failedRequestId: physicalResourceId.slice(failed.length) }
    : 'unknown';
}

/** Properties as an earlier or later version wrote them may be such that this one can't read them. */
function tolerant<T>(read: (properties: RawProperties) => T, properties: RawProperties | undefined): T | undefined {
  try {
    return properties === undefined ? undefined : read(properties);
  } catch {
    return undefined;
  }
}

function fixedId(request: CustomResourceRequest): Pick<Lifecycle, 'physicalId' | 'failedId'> {
  const { physicalResourceId } = request;
  // one whose create was refused, and that is updated now, has something to delete from here on
  const isNew = physicalResourceId === undefined || physicalResourceId.endsWith(NOTHING_DONE);
  const physicalId = isNew ? newPhysicalId(request) : physicalResourceId;
  return { physicalId, failedId: physicalId };
}

/** Ends the physical id of a resource whose create was refused before anything was called: its delete has nothing to do. */
const NOTHING_DONE = '/nothing-done';

/**
 * Followed by the request that failed, ends the physical id of a connection of which not all was made: without a claim nothing
 * of it is its own, and what a later request has claimed is not deleted by that id.
 */
const UNFINISHED = '/unfinished/';

/** Milliseconds that running work is given to say itself why it did not finish. */
const GRACE = 1000;

/** Fixed at create and told by nothing that can change: another id would make CloudFormation delete the resource. */
function newPhysicalId({ stackId, logicalResourceId }: Addressee): string {
  return `${stackId.slice(stackId.lastIndexOf('/') + 1)}/${logicalResourceId}`;
}

/** The physical id for the answer to a request that is refused before anything was called. */
function refusedId(addressee: Addressee): string {
  return addressee.physicalResourceId ?? `${newPhysicalId(addressee)}${NOTHING_DONE}`;
}

async function run(request: CustomResourceRequest, calls: Calls, world: World): Promise<Answer> {
  const { requestType, resourceType } = request;
  if (requestType === 'Delete' && request.physicalResourceId?.endsWith(NOTHING_DONE) === true) {
    return { status: 'SUCCESS', physicalResourceId: request.physicalResourceId };
  }
  const type = typeOf(resourceType);
  if (type === undefined) {
    const known = Object.keys(RESOURCE_TYPES).join(', ');
    const reason =
      `this version of the handler knows no ${show(resourceType)}, only ${known}: ` +
      'deploy with the version of cdk-gamelift-vpc-peering that wrote the template';
    return { status: 'FAILED', physicalResourceId: refusedId(request), reason };
  }
  const later = laterVersion(request.properties);
  if (later !== undefined && requestType !== 'Delete') {
    return { status: 'FAILED', physicalResourceId: refusedId(request), reason: later };
  }
  let lifecycle: Lifecycle;
  try {
    lifecycle = type.open(request, calls, world);
  } catch (error) {
    const reason = reasonOf(error);
    if (requestType === 'Delete' && later === undefined) {
      // with such properties nothing was ever made, and a delete that fails would hold up the whole stack
      world.log.error({ message: `nothing to delete: ${reason}` });
      return { status: 'SUCCESS', physicalResourceId: refusedId(request) };
    }
    return { status: 'FAILED', physicalResourceId: refusedId(request), reason };
  }
  const { physicalId, failedId } = lifecycle;
  try {
    switch (requestType) {
      case 'Create':
        return { status: 'SUCCESS', physicalResourceId: physicalId, data: await lifecycle.create() };
      case 'Update':
        return { status: 'SUCCESS', physicalResourceId: physicalId, data: await lifecycle.update() };
      case 'Delete':
        await lifecycle.delete();
        return { status: 'SUCCESS', physicalResourceId: request.physicalResourceId ?? physicalId };
    }
  } catch (error) {
    const reason = reasonOf(error);
    if (requestType === 'Delete') {
      return { status: 'FAILED', physicalResourceId: request.physicalResourceId ?? physicalId, reason };
    }
    const { physicalResourceId: had } = request;
    const nothingDone = error instanceof NothingDoneError && (had === undefined || had.endsWith(NOTHING_DONE));
    return { status: 'FAILED', physicalResourceId: nothingDone ? `${physicalId}${NOTHING_DONE}` : failedId, reason };
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Aborts `controller` once the milliseconds are over; until `settled` says that nobody waits any more. */
function abortAfter(milliseconds: number, controller: AbortController, time: Time, settled: AbortSignal): Promise<void> {
  return time.sleep(Math.max(0, milliseconds), settled).then(
    () => {
      controller.abort(new TimeUpError('the time of this request is up'));
    },
    () => undefined,
  );
}

/** The work of a request, or its failure shortly before the time is up, even if the work never ends. */
async function runInTime(request: CustomResourceRequest, milliseconds: number, world: World): Promise<Answer> {
  const { time, log } = world;
  const controller = new AbortController();
  const settled = new AbortController();
  const timeUp = abortAfter(milliseconds, controller, time, settled.signal).then(async (): Promise<Answer> => {
    await time.sleep(GRACE, settled.signal).catch(() => undefined);
    return {
      status: 'FAILED',
      physicalResourceId: request.physicalResourceId ?? newPhysicalId(request),
      reason: `the ${request.requestType} was not finished within ${Math.round(milliseconds / 1000)} seconds: deploy again`,
    };
  });
  try {
    return await Promise.race([run(request, new Calls(time, log, controller.signal), world), timeUp]);
  } finally {
    settled.abort();
    controller.abort();
  }
}

/** Milliseconds from the start of an invocation to its answer. */
function budgetOf(resourceType: unknown): number {
  return (typeOf(resourceType)?.budgetSeconds ?? AUTHORIZATION_BUDGET_SECONDS) * 1000;
}

async function answerTo(event: unknown, addressee: Addressee, context: InvocationContext, world: World): Promise<Answer> {
  try {
    const request = parseRequest(event);
    const available = context.getRemainingTimeInMillis() - ANSWER_RESERVE_SECONDS * 1000;
    if (available <= 0) {
      throw new Error(`the function has no time left for the ${request.requestType}: deploy again`);
    }
    return await runInTime(request, Math.min(available, budgetOf(request.resourceType)), world);
  } catch (error) {
    return { status: 'FAILED', physicalResourceId: refusedId(addressee), reason: reasonOf(error) };
  }
}

/**
 * Renews an authorization, as a schedule asks.
 *
 * @throws Error if that fails: Lambda tries again, and reports what fails for good to the destination for failures
 */
async function renew(properties: RawProperties, context: InvocationContext, world: World): Promise<void> {
  const { time, log, region } = world;
  const later = laterVersion(properties);
  if (later !== undefined) {
    throw new Error(later);
  }
  const pair = readPair(properties);
  const minimum = readSeconds(properties, 'MinimumValiditySeconds', 0, 24 * 3600);
  const requester = readRequester(properties);
  const vpcApi = vpcApiOf(pair, requester, world);
  if (vpcApi === undefined) {
    throw new Error(`only account ${pair.peerVpcAccount} can authorize VPC ${pair.peerVpcId}: schedule the renewal there`);
  }
  const available = context.getRemainingTimeInMillis() - ANSWER_RESERVE_SECONDS * 1000;
  const controller = new AbortController();
  const settled = new AbortController();
  void abortAfter(Math.min(available, AUTHORIZATION_BUDGET_SECONDS * 1000), controller, time, settled.signal);
  const calls = new Calls(time, log, controller.signal);
  try {
    const { ExpirationTime } = await new Authorizations(pair, region, vpcApi, calls, minimum * 1000).authorize();
    log.info({ message: `renewed until ${ExpirationTime}`, ...requester });
  } catch (error) {
    log.error({ message: reasonOf(error), ...requester });
    throw error;
  } finally {
    settled.abort();
  }
}

/**
 * What a schedule sends instead of a request of CloudFormation.
 *
 * @throws Error if it is one that says nothing: nobody would hear of a renewal that was passed over
 */
function renewalOf(event: unknown): RawProperties | undefined {
  return isRecord(event) && RENEWAL_EVENT in event ? readRecord(event, RENEWAL_EVENT) : undefined;
}

/** The Lambda handler: one answer to CloudFormation for each request, whatever happens; and the renewals of schedules. */
export function createHandler(world: World): (event: unknown, context: InvocationContext) => Promise<void> {
  return async (event, context) => {
    const renewal = renewalOf(event);
    if (renewal !== undefined) {
      await renew(renewal, context, world);
      return;
    }
    const { time, log } = world;
    let addressee: Addressee;
    try {
      addressee = parseAddressee(event);
      requireRoom(addressee, refusedId(addressee));
    } catch (error) {
      if (!(error instanceof NotAnswerableError)) {
        throw error;
      }
      // nobody could be answered after another attempt either, so Lambda is given no reason for one
      log.error({ message: error.message });
      return;
    }
    const { ResourceType: resourceType } = event as { readonly ResourceType?: unknown };
    // CloudFormation waits for the ServiceTimeout, which is as long after the last start that there can be
    const listens = budgetOf(resourceType) + 2 * ANSWER_RESERVE_SECONDS * 1000;
    const end = time.now() + Math.min(listens, context.getRemainingTimeInMillis());
    const about = { stackId: addressee.stackId, logicalResourceId: addressee.logicalResourceId, requestId: addressee.requestId };
    const answer = await answerTo(event, addressee, context, world);
    if (answer.status === 'SUCCESS') {
      log.info({ message: 'done', ...about });
    } else {
      log.error({ message: answer.reason ?? 'failed', ...about });
    }
    const controller = new AbortController();
    const settled = new AbortController();
    void abortAfter(end - GRACE - time.now(), controller, time, settled.signal);
    try {
      await respond(addressee, answer, world.put, time, controller.signal);
    } catch (error) {
      log.error({ message: 'CloudFormation could not be answered', error: reasonOf(error), ...about });
      if (!(error instanceof RefusedAnswerError)) {
        // counts as an error of the function; Lambda runs a request that is young enough again, which is safe
        throw error;
      }
    } finally {
      settled.abort();
    }
  };
}
