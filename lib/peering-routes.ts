import { CfnResource } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { RoutesKind } from './contract';
import { isKnown } from './known-values';

/** What routes come to for one VPC. */
interface PeeringRoutesConfig {
  readonly kind: RoutesKind;
  readonly routeTableIds?: string[];
}

/**
 * Which route tables of the peer VPC get a route to the fleet's VPC.
 *
 * A route that is there already and leads to the peering is accepted, one that leads nowhere any more is replaced, and one
 * that leads elsewhere fails the deployment, before any route was changed.
 */
export class PeeringRoutes {
  /**
   * Every route table of the VPC.
   *
   * Of a VPC that the app defines, those of its subnets. Of an imported VPC, those that it has at the time of the
   * deployment: route tables that are added later get no route until the connection is updated.
   */
  static everyRouteTable(): PeeringRoutes {
    return new PeeringRoutes((vpc) => {
      const subnets = [...vpc.publicSubnets, ...vpc.privateSubnets, ...vpc.isolatedSubnets];
      // a VPC that makes its own subnets, as ec2.Vpc does in every copy of aws-cdk-lib: it has them all by now
      const isOfApp = vpc.node.defaultChild !== undefined && CfnResource.isCfnResource(vpc.node.defaultChild);
      if (!isOfApp || subnets.length === 0 || subnets.some(({ node }) => node.scope !== vpc)) {
        return { kind: 'EveryRouteTable' };
      }
      return { kind: 'RouteTables', routeTableIds: unique(subnets) };
    });
  }

  /**
   * The route tables of some subnets.
   *
   * @param selection which subnets of the VPC; those of an imported VPC need to know their route tables
   */
  static forSubnets(selection: ec2.SubnetSelection): PeeringRoutes {
    return new PeeringRoutes((vpc) => {
      const { subnets } = vpc.selectSubnets(selection);
      subnets.forEach(requireRouteTable);
      return { kind: 'RouteTables', routeTableIds: unique(subnets) };
    });
  }

  /**
   * No route of this library's: GameLift may write some itself.
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

function requireRouteTable(subnet: ec2.ISubnet): void {
  // an imported subnet that was given none has none, whatever its type says
  const { routeTableId } = subnet.routeTable as { readonly routeTableId?: string };
  if (routeTableId === undefined || (isKnown(routeTableId) && !/^rtb-[0-9a-f]+$/.test(routeTableId))) {
    throw new Error(
      `the route table of subnet ${subnet.node.path} is not known: import it with its routeTableId, or pass PeeringRoutes.everyRouteTable()`,
    );
  }
}

/** Subnets may share a table. */
function unique(subnets: readonly ec2.ISubnet[]): string[] {
  return [...new Set(subnets.map(({ routeTable }) => routeTable.routeTableId))];
}
