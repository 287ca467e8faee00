import { isGatewayRouteTable, type Network, type Route, type RouteTable, type Vpc } from '../ec2/network';
import type { Peering } from '../ec2/peerings';
import { peeringResource, routeTableResource, securityGroupResource, vpcResource, type Resource } from '../ec2/policy-resources';
import type { Rule } from '../ec2/security-group-rules';
import type { Context, Decision, Principal } from '../iam/iam';
import { ServiceError } from '../service';
import type { GameLiftContext } from './context';

type Decide = (action: string, resource: string, context: Context) => Promise<Decision>;

interface Permission {
  readonly action: string;
  readonly resource: Resource;
}

/** What GameLift wrote into a peer VPC. */
export interface Written {
  readonly routes: { readonly table: RouteTable; readonly route: Route }[];
  readonly rules: { readonly groupId: string; readonly rule: Rule }[];
}

/** Throws `UnauthorizedException`, which names the first missing action. */
async function demand(decide: Decide, permissions: readonly Permission[]): Promise<void> {
  for (const { action, resource } of permissions) {
    const decision = await decide(`ec2:${action}`, resource.arn, resource.context);
    if (!decision.allowed) {
      throw new ServiceError('UnauthorizedException', decision.reason);
    }
  }
}

function describes({ region }: { readonly region: string }): Permission[] {
  const resource = { arn: '*', context: { 'ec2:Region': region } };
  return ['DescribeRouteTables', 'DescribeSecurityGroups'].map((action) => ({ action, resource }));
}

function groupPermissions(network: Network, vpc: Vpc, actions: readonly string[]): Permission[] {
  const resource = securityGroupResource(network, network.securityGroup(vpc, vpc.defaultSecurityGroupId));
  return actions.map((action) => ({ action, resource }));
}

/**
 * What GameLift does in a peer VPC: with the identity of who authorized, and with what that identity may do at that moment. That it is
 * the authorizer's, and not the identity of who asks for the connection, is an assumption: the two may be in different accounts.
 */
export class PeerActions {
  constructor(private readonly context: GameLiftContext) {}

  /**
   * Throws where the caller lacks what GameLift will do in the peer VPC with its credentials, scoped as EC2 scopes it. AWS says that the
   * caller must have these permissions, neither when they are looked at nor how their lack shows.
   */
  async requirePermissions(vpc: Vpc, caller: Principal): Promise<void> {
    const { ec2 } = this.context;
    await demand(this.acting(caller, vpc), [
      { action: 'AcceptVpcPeeringConnection', resource: vpcResource(ec2, vpc) },
      ...groupPermissions(ec2, vpc, ['AuthorizeSecurityGroupEgress', 'AuthorizeSecurityGroupIngress']),
      { action: 'CreateRoute', resource: routeTableResource(ec2, ec2.routeTable(vpc, vpc.mainRouteTableId)) },
      ...describes(vpc),
    ]);
  }

  /** Throws `UnauthorizedException`. */
  async accept(peering: Peering, vpc: Vpc, authorizer: Principal): Promise<void> {
    const { ec2 } = this.context;
    const action = 'AcceptVpcPeeringConnection';
    await demand(this.acting(authorizer, vpc), [
      { action, resource: vpcResource(ec2, vpc) },
      { action, resource: peeringResource(ec2, peering, vpc.account) },
    ]);
  }

  /** Opens the VPC as far as GameLift does; throws where that is denied, or impossible. */
  async write(peering: Peering, vpc: Vpc, authorizer: Principal): Promise<Written> {
    const { ec2, behaviours } = this.context;
    const reading = behaviours.get('peerVpcWrites');
    const written: Written = { routes: [], rules: [] };
    if (reading === 'none') {
      return written;
    }
    const destination = peering.requester.cidrBlocks[0] ?? '';
    const decide = this.acting(authorizer, vpc);
    const tables = ec2
      .tablesOf(vpc.vpcId)
      .filter((table) => reading !== 'main route table' || table.routeTableId === vpc.mainRouteTableId)
      .filter((table) => !isGatewayRouteTable(table));
    await demand(decide, [
      ...describes(vpc),
      ...tables.map((table) => ({ action: 'CreateRoute', resource: routeTableResource(ec2, table) })),
      ...groupPermissions(ec2, vpc, ['AuthorizeSecurityGroupIngress', 'AuthorizeSecurityGroupEgress']),
    ]);
    for (const table of tables) {
      const route = { destination, kind: 'vpcPeeringConnectionId', target: peering.id };
      // what somebody else wrote there stays
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

  /** Takes back what was written and is still there; where permissions are needed for that, what the authorizer may not remove stays behind. */
  async remove({ routes, rules }: Written, vpc: Vpc, authorizer: Principal): Promise<void> {
    const { behaviours, ec2 } = this.context;
    const decide = this.acting(authorizer, vpc);
    const needed = behaviours.get('removalPermissions') === 'needed';
    const may = async (action: string, { arn, context }: Resource): Promise<boolean> =>
      !needed || (await decide(`ec2:${action}`, arn, context)).allowed;
    for (const { table, route } of routes) {
      const there = (): boolean =>
        ec2.routeTables.get(table.routeTableId) === table && table.routes.get(route.destination)?.target === route.target;
      // looked at again: somebody else may have been faster
      if (there() && (await may('DeleteRoute', routeTableResource(ec2, table))) && there()) {
        ec2.deleteRoute(vpc, table.routeTableId, route.destination);
      }
    }
    for (const { groupId, rule } of rules) {
      const group = ec2.securityGroups.get(groupId);
      const action = rule.direction === 'ingress' ? 'RevokeSecurityGroupIngress' : 'RevokeSecurityGroupEgress';
      const there = (): boolean => ec2.securityGroups.get(groupId)?.rules.includes(rule) === true;
      if (group !== undefined && there() && (await may(action, securityGroupResource(ec2, group))) && there()) {
        ec2.revokeRule(vpc, groupId, rule);
      }
    }
  }

  private acting(principal: Principal, { region }: Vpc): Decide {
    return (action, resource, context) =>
      this.context.iam.decide(principal, action, resource, { 'aws:RequestedRegion': region, ...context });
  }
}
