import type { Behaviours } from '../behaviours';
import { arnOf } from '../partitions';
import { ServiceError, type ServiceCall } from '../service';
import { tagKeysContext } from '../tags';
import type { Input } from '../wire/input-constraints';
import { authorizationKeyOf, type Connections } from './connections';
import { attributesOf, type Fleet, type Fleets } from './fleets';
import type { OperationHandler } from './operation-handler';

const CHANGEABLE_ATTRIBUTES = ['Name', 'Description', 'NewGameSessionProtectionPolicy'];
const CREATE_ONLY_ATTRIBUTES = ['BuildId', 'ScriptId', 'EC2InstanceType', 'FleetType', 'ComputeType', 'InstanceRoleArn'];
/** The page sizes for requests without `Limit`. */
const FLEETS_PER_PAGE = 16;
const EVENTS_PER_PAGE = 20;
const FLEET_ARN = /^arn:aws[a-z-]*:gamelift:([a-z0-9-]+):(\d{12})?:fleet\/(fleet-[a-zA-Z0-9-]+)$/;

type FleetOperation =
  | 'CreateFleet'
  | 'UpdateFleetAttributes'
  | 'DeleteFleet'
  | 'ListFleets'
  | 'DescribeFleetAttributes'
  | 'DescribeFleetEvents'
  | 'TagResource'
  | 'UntagResource'
  | 'ListTagsForResource';

/** GameLift's operations on fleets, their events and their tags. */
export function fleetOperations(
  fleets: Fleets,
  connections: Connections,
  behaviours: Behaviours,
): Readonly<Record<FleetOperation, OperationHandler>> {
  // policies contain ARNs with an account, even if GameLift returns ARNs without one
  const policyArnsOf = (call: ServiceCall, idOrArn: string): string[] => [
    arnOf(call, 'gamelift', `fleet/${idOrArn.slice(idOrArn.lastIndexOf('/') + 1)}`),
  ];
  const policyArnsOfField = (fieldName: string) => (input: Input, call: ServiceCall) => policyArnsOf(call, input.text(fieldName));
  const taggedFleet = (input: Input, call: ServiceCall): Fleet =>
    fleets.getFleet(call, fleetIdOf(input.text('ResourceARN'), call));
  const tagContext = (input: Input) => {
    const tags = [...tagsOf(input)];
    const keys = [...tags.map(([key]) => key), ...(input.texts('TagKeys') ?? [])];
    return {
      ...tagKeysContext(keys),
      ...Object.fromEntries(tags.map(([key, value]) => [`aws:RequestTag/${key}`, value])),
    };
  };
  return {
    CreateFleet: { context: tagContext, run: (input, call) => create(fleets, connections, input, call) },
    UpdateFleetAttributes: {
      resources: policyArnsOfField('FleetId'),
      run: (input, call) => {
        const fleet = fleets.getFleet(call, input.text('FleetId'));
        fleet.attributes = { ...fleet.attributes, ...attributesOf(input, CHANGEABLE_ATTRIBUTES) };
        return { FleetId: fleet.id, FleetArn: fleet.arn };
      },
    },
    DeleteFleet: {
      resources: policyArnsOfField('FleetId'),
      run: async (input, call) => {
        const fleet = fleets.getFleet(call, input.text('FleetId'));
        fleets.requireDeletable(fleet);
        fleets.delete(fleet, await connections.disconnectAll(fleet));
        return {};
      },
    },
    ListFleets: {
      run: (input, call) =>
        call.read(() => {
          const { items, next } = pageOf(input, fleets.list(call), FLEETS_PER_PAGE);
          return { FleetIds: items.map(({ id }) => id), ...next };
        }),
    },
    DescribeFleetAttributes: {
      run: (input, call) =>
        call.read(() => {
          const ids = input.texts('FleetIds');
          const requestedFleets = ids?.flatMap((id) => fleets.find(call, id) ?? []).filter(({ exists }) => exists);
          const { items, next } =
            requestedFleets === undefined
              ? pageOf(input, fleets.list(call), FLEETS_PER_PAGE)
              : { items: requestedFleets, next: {} };
          return { FleetAttributes: items.map(shapeOf), ...next };
        }),
    },
    DescribeFleetEvents: {
      resources: policyArnsOfField('FleetId'),
      run: (input, call) =>
        call.read(() => {
          // the events of a deleted fleet can still be read; `getFleet` throws if the fleet never existed
          const fleet = fleets.find(call, input.text('FleetId')) ?? fleets.getFleet(call, input.text('FleetId'));
          const [start, end] = [input.date('StartTime'), input.date('EndTime')];
          const eventsInRange = fleet.events.filter(
            ({ time }) => (start === undefined || time >= start) && (end === undefined || time <= end),
          );
          const orderedEvents = behaviours.get('eventOrder') === 'oldest first' ? eventsInRange : eventsInRange.reverse();
          const { items, next } = pageOf(input, orderedEvents, EVENTS_PER_PAGE);
          const events = items.map(({ id, code, message, time }) => ({
            EventId: id,
            ResourceId: fleet.id,
            EventCode: code,
            Message: message,
            EventTime: time,
          }));
          return { Events: events, ...next };
        }),
    },
    TagResource: {
      resources: (input, call) => policyArnsOf(call, fleetIdOf(input.text('ResourceARN'), call)),
      context: tagContext,
      run: (input, call) => {
        fleets.tag(taggedFleet(input, call), tagsOf(input));
        return {};
      },
    },
    UntagResource: {
      resources: (input, call) => policyArnsOf(call, fleetIdOf(input.text('ResourceARN'), call)),
      context: tagContext,
      run: (input, call) => {
        const { tags } = taggedFleet(input, call);
        input.texts('TagKeys')?.forEach((key) => tags.delete(key));
        return {};
      },
    },
    ListTagsForResource: {
      resources: (input, call) => policyArnsOf(call, fleetIdOf(input.text('ResourceARN'), call)),
      run: (input, call) =>
        call.read(() => ({ Tags: [...taggedFleet(input, call).tags].map(([Key, Value]) => ({ Key, Value })) })),
    },
  };
}

function create(fleets: Fleets, connections: Connections, input: Input, call: ServiceCall): object {
  const place = { account: call.account, region: call.region };
  const attributes = {
    ComputeType: 'EC2',
    FleetType: 'ON_DEMAND',
    ...attributesOf(input, [...CHANGEABLE_ATTRIBUTES, ...CREATE_ONLY_ATTRIBUTES]),
  };
  const [peerAccount, peerVpcId] = [input.optionalText('PeerVpcAwsAccountId'), input.optionalText('PeerVpcId')];
  requireValidFleet(attributes.ComputeType, input);
  if (peerAccount === undefined || peerVpcId === undefined) {
    const fleet = fleets.create(place, attributes, tagsOf(input));
    const noPeeringProblem = Promise.resolve(undefined);
    fleets.activate(fleet, noPeeringProblem);
    return { FleetAttributes: shapeOf(fleet), LocationStates: [{ Location: place.region, Status: fleet.status }] };
  }
  const key = authorizationKeyOf({ place }, peerAccount, peerVpcId);
  const authorizer = connections.requireAuthorization(key);
  const fleet = fleets.create(place, attributes, tagsOf(input));
  fleets.activate(fleet, connections.connectNewFleet(fleet, key, authorizer));
  return { FleetAttributes: shapeOf(fleet), LocationStates: [{ Location: place.region, Status: fleet.status }] };
}

function requireValidFleet(computeType: string, input: Input): void {
  const isEc2 = computeType === 'EC2';
  const has = (name: string): boolean => input.optionalText(name) !== undefined;
  const problem =
    isEc2 && has('BuildId') === has('ScriptId')
      ? 'specify exactly one of BuildId and ScriptId'
      : isEc2 && !has('EC2InstanceType')
        ? 'EC2InstanceType is required'
        : has('PeerVpcId') !== has('PeerVpcAwsAccountId')
          ? 'specify both PeerVpcId and PeerVpcAwsAccountId, or neither'
          : !isEc2 && has('PeerVpcId')
            ? 'only EC2 fleets can be peered'
            : undefined;
  if (problem !== undefined) {
    throw new ServiceError('InvalidRequestException', `Invalid fleet: ${problem}.`);
  }
}

/** Returns the fleet id in an ARN. Throws unless the ARN has the call's Region, and the caller's account or none. */
function fleetIdOf(arn: string, { account, region }: ServiceCall): string {
  const [, arnRegion, arnAccount = account, id] = FLEET_ARN.exec(arn) ?? [];
  if (id === undefined || arnRegion !== region || arnAccount !== account) {
    throw new ServiceError('InvalidRequestException', `Invalid ARN: ${arn} is not a fleet of account ${account} in ${region}.`);
  }
  return id;
}

function tagsOf(input: Input): ReadonlyMap<string, string> {
  return new Map(input.structures('Tags').map((tag) => [tag.text('Key'), tag.text('Value')]));
}

function pageOf<T>(input: Input, items: readonly T[], defaultLimit: number) {
  const start = Number(input.optionalText('NextToken') ?? 0);
  if (!Number.isInteger(start)) {
    throw new ServiceError('InvalidRequestException', 'Invalid NextToken.');
  }
  const end = start + (input.number('Limit') ?? defaultLimit);
  return { items: items.slice(start, end), next: end < items.length ? { NextToken: String(end) } : {} };
}

function shapeOf({ id, arn, status, creationTime, attributes }: Fleet): object {
  const { EC2InstanceType, ...rest } = attributes;
  return { FleetId: id, FleetArn: arn, Status: status, CreationTime: creationTime, InstanceType: EC2InstanceType, ...rest };
}
