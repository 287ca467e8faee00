import type { Behaviours } from '../behaviours';
import { ServiceError, type ServiceCall } from '../service';
import type { Input } from '../wire/input-constraints';
import type { Connection, Connections } from './connections';
import type { Fleets } from './fleets';
import type { OperationHandler } from './operation-handler';

type ConnectionOperation = 'CreateVpcPeeringConnection' | 'DeleteVpcPeeringConnection' | 'DescribeVpcPeeringConnections';

/** GameLift's operations on peering connections, for callers in the GameLift account. */
export function connectionOperations(
  fleets: Fleets,
  connections: Connections,
  behaviours: Behaviours,
): Readonly<Record<ConnectionOperation, OperationHandler>> {
  const describe = (input: Input, call: ServiceCall): object => {
    const id = input.optionalText('FleetId');
    const isFleetMissing = id !== undefined && fleets.find(call, id)?.exists !== true;
    if (isFleetMissing && behaviours.get('connectionsOfDeletedFleet') === 'NotFoundException') {
      throw new ServiceError('NotFoundException', `Fleet ${id} not found.`);
    }
    const visible = connections.list().filter(({ fleet }) => {
      const { account, region } = fleet.place;
      return (
        account === call.account &&
        region === call.region &&
        (id === undefined ? fleet.exists : !isFleetMissing && fleet.id === id)
      );
    });
    const statusesWithCidrBlock =
      behaviours.get('endedCidrBlocks') === 'returned' ? ['active', 'failed', 'rejected'] : ['active'];
    return { VpcPeeringConnections: visible.map((connection) => shapeOf(connection, statusesWithCidrBlock)) };
  };
  return {
    CreateVpcPeeringConnection: {
      run: async (input, call) => {
        const fleet = fleets.getFleet(call, input.text('FleetId'));
        await connections.connect(fleet, input.text('PeerVpcAwsAccountId'), input.text('PeerVpcId'), call.principal);
        return {};
      },
    },
    DeleteVpcPeeringConnection: {
      run: async (input, call) => {
        await connections.disconnect(fleets.getFleet(call, input.text('FleetId')), input.text('VpcPeeringConnectionId'));
        return {};
      },
    },
    DescribeVpcPeeringConnections: {
      run: (input, call) => call.read(() => describe(input, call)),
    },
  };
}

/** @param statusesWithCidrBlock the output contains the CIDR block only for these statuses */
function shapeOf(connection: Connection, statusesWithCidrBlock: readonly string[]): object {
  const { id, fleet, peering, key } = connection;
  const { code, message } = connection.status;
  return {
    FleetId: fleet.id,
    FleetArn: fleet.arn,
    IpV4CidrBlock: statusesWithCidrBlock.includes(code) ? fleet.vpc?.cidrBlock : undefined,
    VpcPeeringConnectionId: id,
    Status: { Code: code, Message: message },
    PeerVpcId: key.peerVpcId,
    GameLiftVpcId: peering.requester.vpcId,
  };
}
