import { isGatewayRouteTable, type Network, type Route, type RouteTable, type Vpc } from '../ec2/network';
import type { Peering } from '../ec2/peerings';
import {
  peeringResource,
  routeTableResource,
  securityGroupResource,
  vpcResource,
  type PolicyResource,
} from '../ec2/policy-resources';
import type { Rule } from '../ec2/security-group-rules';
import type { ConditionContext, Decision, Principal } from '../iam/iam';
import { ServiceError } from '../service';
import type { GameLiftContext } from './context';

type Decide = (action: string, resource: string, context: ConditionContext) => Promise<Decision>;

interface Permission {
  readonly action: string;
  readonly resource: PolicyResource;
}

/** The routes and rules that GameLift has written in a peer VPC. */
export interface WrittenRoutesAndRules {
  readonly routes: { readonly table: RouteTable; readonly route: Route }[];
  readonly rules: { readonly groupId: string; readonly rule: Rule }[];
}

/** Throws `UnauthorizedException` for the first missing permission. */
async function requireAllowed(decide: Decide, permissions: readonly Permission[]): Promise<void> {
  for (const { action, resource } of permissions) {
    const decision = await decide(`ec2:${action}`, resource.arn, resource.context);
    if (!decision.allowed) {
      throw new ServiceError('UnauthorizedException', decision.reason);
    }
  }
}

function permissionsToDescribe({ region }: { readonly region: string }): Permission[] {
  const resource = { arn: '*', context: { 'ec2:Region': region } };
  return ['DescribeRouteTables', 'DescribeSecurityGroups'].map((action) => ({ action, resource }));
}

function defaultGroupPermissions(network: Network, vpc: Vpc, actions: readonly string[]): Permission[] {
  const resource = securityGroupResource(network, network.securityGroup(vpc, vpc.defaultSecurityGroupId));
  return actions.map((action) => ({ action, resource }));
}

/**
 * GameLift's changes in a peer VPC. GameLift makes them with the identity and the current permissions of the authorizer. AWS does not
 * document this, but GameLift can't use the identity of the requester, who may be in another account.
 */
export class PeerActions {
  constructor(private readonly context: GameLiftContext) {}

  /**
   * Throws unless the caller has the permissions that GameLift needs in the peer VPC. AWS says that the caller must have these
   * permissions, but not when GameLift checks them, or which error GameLift returns.
   */
  async requirePermissions(vpc: Vpc, caller: Principal): Promise<void> {
    const { ec2 } = this.context;
    await requireAllowed(this.decideAs(caller, vpc), [
      { action: 'AcceptVpcPeeringConnection', resource: vpcResource(ec2, vpc) },
      ...defaultGroupPermissions(ec2, vpc, ['AuthorizeSecurityGroupEgress', 'AuthorizeSecurityGroupIngress']),
      { action: 'CreateRoute', resource: routeTableResource(ec2, ec2.routeTable(vpc, vpc.mainRouteTableId)) },
      ...permissionsToDescribe(vpc),
    ]);
  }

  /** Throws `UnauthorizedException` unless the authorizer may accept the connection. */
  async requirePermissionToAccept(peering: Peering, vpc: Vpc, authorizer: Principal): Promise<void> {
    const { ec2 } = this.context;
    const action = 'AcceptVpcPeeringConnection';
    await requireAllowed(this.decideAs(authorizer, vpc), [
      { action, resource: vpcResource(ec2, vpc) },
      { action, resource: peeringResource(ec2, peering, vpc.account) },
    ]);
  }

  /**
   * Writes routes and rules according to the reading of `peerVpcWrites`. Throws if a permission is missing, or EC2 refuses a route or a
   * rule.
   */
  async writeRoutesAndRules(peering: Peering, vpc: Vpc, authorizer: Principal): Promise<WrittenRoutesAndRules> {
    const { ec2, behaviours } = this.context;
    const reading = behaviours.get('peerVpcWrites');
    const written: WrittenRoutesAndRules = { routes: [], rules: [] };
    if (reading === 'none') {
      return written;
    }
    const destination = peering.requester.cidrBlocks[0] ?? '';
    const decide = this.decideAs(authorizer, vpc);
    const tables = ec2
      .tablesOf(vpc.vpcId)
      .filter((table) => reading !== 'main route table' || table.routeTableId === vpc.mainRouteTableId)
      .filter((table) => !isGatewayRouteTable(table));
    await requireAllowed(decide, [
      ...permissionsToDescribe(vpc),
      ...tables.map((table) => ({ action: 'CreateRoute', resource: routeTableResource(ec2, table) })),
      ...defaultGroupPermissions(ec2, vpc, ['AuthorizeSecurityGroupIngress', 'AuthorizeSecurityGroupEgress']),
    ]);
    for (const table of tables) {
      const route = { destination, kind: 'vpcPeeringConnectionId', target: peering.id };
      // leave an existing route to the same destination as it is
      if (!table.routes.has(destination)) {
        ec2.createRoute(vpc, table.routeTableId, route);
        written.routes.push({ table, route });
      }
    }
    for (const direction of ['ingress', 'egress'] as const) {
      const rule: Rule = { direction, protocol: '-1', peer: destination };
      const groupId = vpc.defaultSecurityGroupId;
      if (!ec2.securityGroup(vpc, groupId).rules.some((other) => other.direction === direction && other.peer === destination)) {
        ec2.authorizeRule(vpc, groupId, rule);
        written.rules.push({ groupId, rule });
      }
    }
    return written;
  }

  /**
   * Removes the written routes and rules that still exist. Under the reading `needed` of `removalPermissions`, keeps those that the
   * authorizer may not remove.
   */
  async removeRoutesAndRules({ routes, rules }: WrittenRoutesAndRules, vpc: Vpc, authorizer: Principal): Promise<void> {
    const { behaviours, ec2 } = this.context;
    const decide = this.decideAs(authorizer, vpc);
    const needsPermission = behaviours.get('removalPermissions') === 'needed';
    const mayRemove = async (action: string, { arn, context }: PolicyResource): Promise<boolean> =>
      !needsPermission || (await decide(`ec2:${action}`, arn, context)).allowed;
    for (const { table, route } of routes) {
      const exists = (): boolean =>
        ec2.routeTables.get(table.routeTableId) === table && table.routes.get(route.destination)?.target === route.target;
      // check again, because the route may have been removed during the permission check
      if (exists() && (await mayRemove('DeleteRoute', routeTableResource(ec2, table))) && exists()) {
        ec2.deleteRoute(vpc, table.routeTableId, route.destination);
      }
    }
    for (const { groupId, rule } of rules) {
      const group = ec2.securityGroups.get(groupId);
      const action = rule.direction === 'ingress' ? 'RevokeSecurityGroupIngress' : 'RevokeSecurityGroupEgress';
      const exists = (): boolean => ec2.securityGroups.get(groupId)?.rules.includes(rule) === true;
      if (group !== undefined && exists() && (await mayRemove(action, securityGroupResource(ec2, group))) && exists()) {
        ec2.revokeRule(vpc, groupId, rule);
      }
    }
  }

  private decideAs(principal: Principal, { region }: Vpc): Decide {
    return (action, resource, context) =>
      this.context.iam.decide(principal, action, resource, { 'aws:RequestedRegion': region, ...context });
  }
}
