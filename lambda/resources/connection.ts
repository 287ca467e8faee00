import { createHash } from 'node:crypto';
import { MAX_CONNECTION_TIMEOUT_SECONDS, ROUTES_KINDS } from '../../lib/contract';
import type { ConnectionAttributes } from '../../lib/contract';
import { PhysicalId } from '../cloudformation/physical-id';
import type { PhysicalIdState } from '../cloudformation/physical-id';
import type { CustomResourceRequest, Requester } from '../cloudformation/request';
import { jsonOf } from '../cloudformation/values';
import type { RawProperties } from '../cloudformation/values';
import type { ConnectionSpec, DeclaredRoutes } from '../model/connection';
import { ownerOf } from '../peering/claim';
import { Connection } from '../peering/connection';
import { readBoolean, readFleetId, readOneOf, readPair, readRouteTableIds, readSeconds, tryRead } from './properties';
import type { RequestContext, Resource } from './resource';

/** @throws Error that names the invalid property, says what it must be, and shows its value. */
function readConnectionSpec(properties: RawProperties): ConnectionSpec {
  return {
    fleetId: readFleetId(properties),
    pair: readPair(properties),
    timeoutSeconds: readSeconds(properties, 'TimeoutSeconds', { min: 1, max: MAX_CONNECTION_TIMEOUT_SECONDS }),
    routes: { kind: readOneOf(properties, 'Routes', ROUTES_KINDS), routeTableIds: readRouteTableIds(properties) },
    dnsResolution: readBoolean(properties, 'DnsResolution'),
    adoptExisting: readBoolean(properties, 'AdoptExisting'),
    peerOnCreate: readBoolean(properties, 'PeerOnCreate'),
  };
}

/** How an update changes the connection. */
export type UpdateKind =
  /** No relevant property has changed, only the expiration time of the authorization, for example. */
  | { readonly kind: 'unchanged'; readonly previousRoutes: DeclaredRoutes }
  /** Properties of the same connection have changed. `previousRoutes` are the new routes if the previous properties can't be read. */
  | { readonly kind: 'changed'; readonly previousRoutes: DeclaredRoutes }
  /** The fleet or the VPC has changed, so this is another connection. CloudFormation deletes the previous connection afterwards. */
  | { readonly kind: 'different connection' }
  /**
   * The fleet or the VPC has changed back, in the rollback of an update that failed or got no response. CloudFormation does not know the
   * physical id of the connection that the failed update created (`previous`), and sends no delete for it.
   */
  | { readonly kind: 'rollback to different connection'; readonly previous: ConnectionSpec };

/**
 * @param previous the properties before the update; undefined if they can't be read
 * @param previousState what the physical id in the request says about the previous connection. In a rollback to a different connection, it is
 *   the id of that connection, so it says nothing
 */
export function kindOfUpdate(
  previous: ConnectionSpec | undefined,
  spec: ConnectionSpec,
  previousState: PhysicalIdState | undefined,
): UpdateKind {
  if (previous === undefined || connectionKeyOf(previous) === connectionKeyOf(spec)) {
    const isUnchanged = JSON.stringify(previous) === JSON.stringify(spec);
    return { kind: isUnchanged ? 'unchanged' : 'changed', previousRoutes: previous?.routes ?? spec.routes };
  }
  return previousState?.kind === 'created' || previousState?.kind === 'unfinished'
    ? { kind: 'different connection' }
    : { kind: 'rollback to different connection', previous };
}

/** The key of a connection. It differs if the fleet or the VPC differs. */
function connectionKeyOf({ fleetId, pair }: ConnectionSpec): string {
  return `${fleetId}/${pair.peerVpcId}`;
}

/** Custom::GameLiftVpcPeeringConnection */
export function connectionResource(request: CustomResourceRequest, context: RequestContext): Resource {
  const { physicalResourceId: receivedId, requestId } = request;
  const idOf = (spec: ConnectionSpec): PhysicalId => PhysicalId.ofReplaceableResource(request, connectionKeyOf(spec));
  const spec = readConnectionSpec(request.properties);
  const physicalId = idOf(spec);
  const state = physicalId.stateOf(receivedId);
  // after a failed create, the physical id contains the request id of the create. With it, the delete leaves the claims of a later create alone
  const connection = createConnection(spec, request, state.kind === 'unfinished' ? state.requestId : requestId, context);
  const updateConnection = (previousRoutes: DeclaredRoutes): Promise<ConnectionAttributes> => {
    const { properties, oldProperties = {} } = request;
    const [digest, reverseDigest] = [digestOf(oldProperties, properties), digestOf(properties, oldProperties)];
    return connection.update({ previousRoutes, state, digest, reverseDigest });
  };
  return {
    physicalId,
    create: () => connection.create(),
    update: async () => {
      const previous = tryRead(readConnectionSpec, request.oldProperties);
      const update = kindOfUpdate(previous, spec, previous && idOf(previous).stateOf(receivedId));
      switch (update.kind) {
        case 'unchanged':
          return (await connection.attributesFromTags()) ?? (await updateConnection(update.previousRoutes));
        case 'changed':
          return await updateConnection(update.previousRoutes);
        case 'different connection':
          return await connection.create();
        case 'rollback to different connection': {
          const attributes = await connection.create();
          await createConnection(update.previous, request, requestId, context).delete({ kind: 'unknown' });
          return attributes;
        }
      }
    },
    delete: () => connection.delete(state),
  };
}

/**
 * A digest of the properties before and after an update, independent of the order in which CloudFormation sends them. It is written to a
 * tag, so it leaves out the external id.
 */
function digestOf(before: RawProperties, after: RawProperties): string {
  const entries = [before, after].map((properties) =>
    Object.entries(properties)
      .filter(([name]) => name !== 'ExternalId')
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
  return createHash('sha256').update(jsonOf(entries)).digest('hex').slice(0, 16);
}

function createConnection(spec: ConnectionSpec, requester: Requester, requestId: string, context: RequestContext): Connection {
  const { calls } = context;
  const { api, log, region } = context.dependencies;
  const vpcApi = context.vpcApiFor(spec.pair);
  const authorizer = context.authorizerFor(spec.pair);
  return new Connection({ spec, owner: ownerOf(requester), requestId, api, vpcApi, authorizer, calls, log, region });
}
