import { CommonError, ServiceError, type ServiceCall } from '../service';
import type { Input } from '../wire/input-constraints';
import { RpcService, type Operation } from '../wire/json';
import { Authorizations, type Authorization, type AuthorizationKey } from './authorizations';
import { connectionOperations } from './connection-operations';
import { Connections } from './connections';
import type { GameLiftContext } from './context';
import { fleetOperations } from './fleet-operations';
import { Fleets } from './fleets';
import { INPUT_MODEL, RATE_LIMITS } from './input-model';
import type { OperationHandler } from './operation-handler';
import { PeerActions } from './peer-actions';
import { RateLimit } from './rate-limit';

type OperationName = keyof typeof INPUT_MODEL;

/** The fleets and VPC peering of GameLift, for every account and Region. */
export class GameLift {
  readonly authorizations: Authorizations;
  readonly fleets: Fleets;
  readonly connections: Connections;
  readonly service: RpcService;

  constructor(private readonly context: GameLiftContext) {
    this.authorizations = new Authorizations(context.history, context.behaviours);
    this.fleets = new Fleets(context);
    this.connections = new Connections(context, this.fleets, this.authorizations);
    const handlers: Readonly<Record<OperationName, OperationHandler>> = {
      CreateVpcPeeringAuthorization: { run: (input, call) => this.authorize(input, call) },
      DeleteVpcPeeringAuthorization: { run: (input, call) => this.cancelAuthorization(input, call) },
      DescribeVpcPeeringAuthorizations: { run: (_input, call) => this.describeAuthorizations(call) },
      ...connectionOperations(this.fleets, this.connections, context.behaviours),
      ...fleetOperations(this.fleets, this.connections, context.behaviours),
    };
    const names = Object.keys(handlers) as OperationName[];
    const operations = Object.fromEntries(names.map((name) => [name, this.operation(name, handlers[name])]));
    this.service = new RpcService({
      source: 'gamelift',
      shapeName: 'GameLift',
      namespace: 'com.amazonaws.gamelift',
      operations,
      validationCode: 'InvalidRequestException',
    });
  }

  /** Adds to a handler the permission check, and a rate limit for each account and Region. */
  private operation(name: OperationName, { resources, context, run }: OperationHandler): Operation {
    const { clock, behaviours } = this.context;
    const rateLimit = new RateLimit(clock, ...RATE_LIMITS[name]);
    return {
      members: INPUT_MODEL[name],
      run: async (input, call) => {
        /** Takes a token of the rate limit. Throws the throttling error if there is none. */
        const requireToken = (): void => {
          const key = `${call.account} ${call.region}`;
          if (!rateLimit.tryTakeToken(key)) {
            if (behaviours.get('throttledCalls') === 'counted') {
              // the ten seconds until the next token begin again
              rateLimit.empty(key);
            }
            throw new ServiceError(behaviours.get('throttlingError'), 'Rate exceeded');
          }
        };
        try {
          await call.authorize(`gamelift:${name}`, resources?.(input, call) ?? ['*'], context?.(input));
        } catch (error) {
          if (error instanceof CommonError && behaviours.get('deniedCalls') === 'counted') {
            requireToken();
          }
          throw error;
        }
        requireToken();
        return run(input, call);
      },
    };
  }

  private async authorize(input: Input, call: ServiceCall): Promise<object> {
    const { ec2, behaviours } = this.context;
    const key = keyInInput(input, call);
    const vpc = ec2.findVpc(key.peerVpcAccount, key.region, key.peerVpcId);
    if (vpc === undefined) {
      const reading = behaviours.get('absentVpc');
      if (reading !== 'accepted') {
        throw new ServiceError(reading, `The VPC ${key.peerVpcId} does not exist in account ${key.peerVpcAccount}.`);
      }
    } else if (behaviours.get('peerPermissions') === 'checked') {
      await new PeerActions(this.context).requirePermissions(vpc, call.principal);
    }
    return { VpcPeeringAuthorization: shapeOf(this.authorizations.authorize(key, call.principal)) };
  }

  private cancelAuthorization(input: Input, call: ServiceCall): object {
    this.authorizations.cancel(keyInInput(input, call));
    return {};
  }

  private describeAuthorizations(call: ServiceCall): object {
    const visible = call.read(() => this.authorizations.visibleTo(call.account, call.region));
    return { VpcPeeringAuthorizations: visible.map(shapeOf) };
  }
}

/** Returns the key of the authorization that the caller names. The caller's account owns the peer VPC. */
function keyInInput(input: Input, { account, region }: ServiceCall): AuthorizationKey {
  const [peerVpcId, gameLiftAccount] = [input.text('PeerVpcId'), input.text('GameLiftAwsAccountId')];
  return { peerVpcAccount: account, peerVpcId, gameLiftAccount, region };
}

function shapeOf({ gameLiftAccount, peerVpcAccount, peerVpcId, creationTime, expirationTime }: Authorization): object {
  return {
    GameLiftAwsAccountId: gameLiftAccount,
    PeerVpcAwsAccountId: peerVpcAccount,
    PeerVpcId: peerVpcId,
    CreationTime: creationTime,
    ExpirationTime: expirationTime,
  };
}
