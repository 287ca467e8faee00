import { CfnResource } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { RoutesKind } from './contract';
import { isKnown } from './private/validation';

/** The routes for one VPC. */
interface PeeringRoutesConfig {
  readonly kind: RoutesKind;
  readonly routeTableIds?: string[];
}

/**
 * Which route tables of the peer VPC get a route to the fleet's VPC.
 *
 * If a route table already has a route to the fleet's CIDR block, the deployment keeps the route if its target is this connection, and
 * replaces the route if its target no longer exists. With any other target, the deployment fails before it changes a route.
 *
 * @see https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-routing.html
 */
export class PeeringRoutes {
  /**
   * Every route table of the VPC.
   *
   * For a VPC that the app defines: the route tables of its subnets. For an imported VPC: the route tables that exist when the
   * connection is deployed. Route tables that are added later get no route until the connection is updated.
   */
  static everyRouteTable(): PeeringRoutes {
    return new PeeringRoutes((vpc) => {
      const subnets = [...vpc.publicSubnets, ...vpc.privateSubnets, ...vpc.isolatedSubnets];
      // not instanceof: an app may contain several copies of aws-cdk-lib
      const isDefinedByApp = vpc.node.defaultChild !== undefined && CfnResource.isCfnResource(vpc.node.defaultChild);
      // the route tables are known if the VPC is the parent of all its subnets, as an ec2.Vpc is
      if (!isDefinedByApp || subnets.length === 0 || subnets.some(({ node }) => node.scope !== vpc)) {
        return { kind: 'EveryRouteTable' };
      }
      return { kind: 'RouteTables', routeTableIds: routeTableIdsOf(subnets) };
    });
  }

  /**
   * The route tables of the selected subnets.
   *
   * @param selection the subnets of the VPC. Subnets of an imported VPC must have been imported with their route table ids:
   * otherwise the connection throws an error
   */
  static forSubnets(selection: ec2.SubnetSelection): PeeringRoutes {
    return new PeeringRoutes((vpc) => {
      const { subnets } = vpc.selectSubnets(selection);
      subnets.forEach(validateRouteTable);
      return { kind: 'RouteTables', routeTableIds: routeTableIdsOf(subnets) };
    });
  }

  /**
   * This library creates no routes. GameLift may still create some itself.
   */
  static none(): PeeringRoutes {
    return new PeeringRoutes(() => ({ kind: 'None' }));
  }

  private constructor(private readonly configure: (vpc: ec2.IVpc) => PeeringRoutesConfig) {}

  /**
   * @internal
   */
  _bind(vpc: ec2.IVpc): PeeringRoutesConfig {
    return this.configure(vpc);
  }
}

function validateRouteTable(subnet: ec2.ISubnet): void {
  // a subnet that was imported without its route table has an undefined id, contrary to the CDK's type
  const { routeTableId } = subnet.routeTable as { readonly routeTableId?: string };
  if (routeTableId === undefined || (isKnown(routeTableId) && !/^rtb-[0-9a-f]+$/.test(routeTableId))) {
    throw new Error(
      `the route table of subnet ${subnet.node.path} is unknown: import the subnet with its routeTableId, or pass PeeringRoutes.everyRouteTable()`,
    );
  }
}

/** Returns each id only once, since subnets can share a route table. */
function routeTableIdsOf(subnets: readonly ec2.ISubnet[]): string[] {
  return [...new Set(subnets.map(({ routeTable }) => routeTable.routeTableId))];
}
