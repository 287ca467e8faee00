import type { RoutesKind } from '../../lib/contract';
import type { Pair } from './pair';

/** The declared properties of a connection. */
export interface ConnectionSpec {
  readonly fleetId: string;
  readonly pair: Pair;
  readonly timeoutSeconds: number;
  readonly routes: DeclaredRoutes;
  readonly dnsResolution: boolean;
  /** Whether the resource may use a connection that exists already. The delete of the resource leaves it in place. */
  readonly adoptExisting: boolean;
  /** Whether GameLift creates the connection together with the fleet. The handler never requests it. */
  readonly peerOnCreate: boolean;
}

/** Which route tables get a route to the fleet's VPC: see `ROUTES_KINDS`. `routeTableIds` is used only if `kind` is `RouteTables`. */
export interface DeclaredRoutes {
  readonly kind: RoutesKind;
  readonly routeTableIds: readonly string[];
}

/** A connection that a resource has created or adopted. */
export interface ClaimedConnection {
  readonly id: string;
  readonly gameLiftVpcId: string;
  readonly cidrBlock: string;
  /** Whether the connection existed before the resource. The delete of the resource leaves it in place. */
  readonly isAdopted: boolean;
}
