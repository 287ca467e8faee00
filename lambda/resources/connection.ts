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

/** @throws Error that names the property, what it was and what it has to be. */
function readConnection(properties: RawProperties): ConnectionSpec {
  return {
    fleetId: readFleetId(properties),
    pair: readPair(properties),
    timeoutSeconds: readSeconds(properties, 'TimeoutSeconds', 1, MAX_CONNECTION_TIMEOUT_SECONDS),
    routes: { kind: readOneOf(properties, 'Routes', ROUTES_KINDS), routeTableIds: readRouteTableIds(properties) },
    dnsResolution: readBoolean(properties, 'DnsResolution'),
    adoptExisting: readBoolean(properties, 'AdoptExisting'),
    peerOnCreate: readBoolean(properties, 'PeerOnCreate'),
  };
}

/** What an update asks for. */
export type UpdateKind =
  /** Nothing that matters: only the expiration time of the authorization has changed, for example. */
  | { readonly kind: 'unchanged'; readonly formerRoutes: DeclaredRoutes }
  /** Other properties of the same connection. `formerRoutes` are the present ones if the former properties can't be read. */
  | { readonly kind: 'changed'; readonly formerRoutes: DeclaredRoutes }
  /** Another connection, because the fleet or the VPC is another one. CloudFormation deletes the former connection afterwards. */
  | { readonly kind: 'other connection' }
  /**
   * Another connection, in the rollback of an update that failed or was never answered. CloudFormation does not know the physical id of the
   * former connection, and sends no delete for it.
   */
  | { readonly kind: 'rollback to other connection'; readonly former: ConnectionSpec };

/**
 * @param former the properties before the update; undefined if they can't be read
 * @param formerState what the physical id in the request says about the connection of the former properties
 */
export function kindOfUpdate(
  former: ConnectionSpec | undefined,
  spec: ConnectionSpec,
  formerState: PhysicalIdState | undefined,
): UpdateKind {
  if (former === undefined || connectionOf(former) === connectionOf(spec)) {
    const isUnchanged = JSON.stringify(former) === JSON.stringify(spec);
    return { kind: isUnchanged ? 'unchanged' : 'changed', formerRoutes: former?.routes ?? spec.routes };
  }
  return formerState?.kind === 'made' || formerState?.kind === 'unfinished'
    ? { kind: 'other connection' }
    : { kind: 'rollback to other connection', former };
}

/** A connection is another one if its fleet or its VPC is. */
function connectionOf({ fleetId, pair }: ConnectionSpec): string {
  return `${fleetId}/${pair.peerVpcId}`;
}

/** Custom::GameLiftVpcPeeringConnection */
export function connectionResource(request: CustomResourceRequest, context: RequestContext): Resource {
  const { physicalResourceId: received, requestId } = request;
  const idOf = (spec: ConnectionSpec): PhysicalId => PhysicalId.of(request, connectionOf(spec));
  const spec = readConnection(request.properties);
  const physicalId = idOf(spec);
  const state = physicalId.stateOf(received);
  // claims of a create that failed carry that create's request, so that its delete can distinguish them from those of a later create
  const connection = connectionFor(spec, request, state.kind === 'unfinished' ? state.requestId : requestId, context);
  const change = (formerRoutes: DeclaredRoutes): Promise<ConnectionAttributes> => {
    const { properties, oldProperties = {} } = request;
    const [digest, reverseDigest] = [digestOf(oldProperties, properties), digestOf(properties, oldProperties)];
    return connection.update({ formerRoutes, state, digest, reverseDigest });
  };
  return {
    physicalId,
    create: () => connection.create(),
    update: async () => {
      const former = tryRead(readConnection, request.oldProperties);
      const update = kindOfUpdate(former, spec, former && idOf(former).stateOf(received));
      switch (update.kind) {
        case 'unchanged':
          return (await connection.knownAttributes()) ?? (await change(update.formerRoutes));
        case 'changed':
          return await change(update.formerRoutes);
        case 'other connection':
          return await connection.create();
        case 'rollback to other connection': {
          const attributes = await connection.create();
          await connectionFor(update.former, request, requestId, context).delete({ kind: 'unknown' });
          return attributes;
        }
      }
    },
    delete: () => connection.delete(state),
  };
}

/**
 * A digest of the properties before and after an update, in whatever order CloudFormation sends them. It goes into a tag, so it leaves out
 * the external id, which nobody needs to see.
 */
function digestOf(before: RawProperties, after: RawProperties): string {
  const entries = [before, after].map((properties) =>
    Object.entries(properties)
      .filter(([name]) => name !== 'ExternalId')
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
  return createHash('sha256').update(jsonOf(entries)).digest('hex').slice(0, 16);
}

function connectionFor(spec: ConnectionSpec, requester: Requester, requestId: string, context: RequestContext): Connection {
  const { calls } = context;
  const { api, log, region } = context.dependencies;
  const vpcApi = context.vpcApi(spec.pair);
  const authorizer = context.authorizer(spec.pair);
  return new Connection({ spec, owner: ownerOf(requester), requestId, api, vpcApi, authorizer, calls, log, region });
}
