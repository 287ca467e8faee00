import { ServiceError, type SimulatedAws } from '../../aws';
import { Ids } from '../../aws/ids';
import { arnOf } from '../../aws/partitions';
import type { Clock } from '../../time/clock';
import type { Properties } from '../template/template';
import type { AcceptedResources } from './accepted';
import { tagsOf } from './network';
import { requiredText, optionalText } from './properties';
import {
  resourceFailureOf,
  ResourceFailure,
  type ResourceRequest,
  type ResourceType,
  type ResourceUpdate,
  type StackIdentity,
} from './resource-type';

/*
 * GameLift's resource types. They call the simulated GameLift, which checks these calls like all other calls.
 */

/** The properties that are passed to GameLift, besides Name and Tags. All others have no effect in the simulation. */
const PASSED_PROPERTIES = [
  'Description',
  'BuildId',
  'ScriptId',
  'EC2InstanceType',
  'FleetType',
  'ComputeType',
  'PeerVpcAwsAccountId',
  'PeerVpcId',
];
const STATUSES_BEFORE_ACTIVE = ['NEW', 'DOWNLOADING', 'VALIDATING', 'BUILDING', 'ACTIVATING'];
const POLL_SECONDS = 60;
const THROTTLING_DELAY_SECONDS = 2;
/** How long CloudFormation scales a fleet down before it calls DeleteFleet, in the reading `minutes later` of `fleetDeletion`. */
const SCALING_DOWN_SECONDS = 300;
/** Much longer than the 25 minutes that a fleet takes to become active. */
const STABILIZATION_TIMEOUT_SECONDS = 4 * 3600;
const THROTTLING_ERRORS = ['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'];

/** The part of the simulated AWS that CloudFormation needs for fleets. */
export type GameLiftAccess = Pick<SimulatedAws, 'behaviours' | 'callGameLift'>;

interface FleetDescription {
  readonly FleetId?: string;
  readonly FleetArn?: string;
  readonly Status?: string;
}

class FleetType implements ResourceType {
  constructor(
    private readonly aws: GameLiftAccess,
    private readonly clock: Clock,
  ) {}

  async create({
    stack,
    properties,
    canceled,
    onPhysicalId,
  }: ResourceRequest): Promise<{ physicalId: string; attributes: Properties }> {
    const input = {
      Name: requiredText(properties, 'Name'),
      ...Object.fromEntries(
        PASSED_PROPERTIES.filter((name) => properties[name] !== undefined).map((name) => [name, optionalText(properties, name)]),
      ),
      ...(properties.Tags === undefined ? {} : { Tags: properties.Tags }),
    };
    const { FleetAttributes } = (await this.call('CreateFleet', input, stack)) as { FleetAttributes: FleetDescription };
    const physicalId = FleetAttributes.FleetId ?? '';
    onPhysicalId(physicalId);
    // remembers that the stack operation failed, until the poll checks it
    const cancellation = new AbortController();
    void canceled.then(() => {
      cancellation.abort();
    });
    const fleet = await this.poll(
      physicalId,
      stack,
      (status) => cancellation.signal.aborted || !STATUSES_BEFORE_ACTIVE.includes(status),
    );
    // the failure contains the physical id, so that the rollback can delete the fleet
    if (cancellation.signal.aborted) {
      throw new ResourceFailure('Resource creation cancelled', physicalId);
    }
    if (fleet?.Status !== 'ACTIVE') {
      throw notStabilizedFailure(physicalId, fleet?.Status ?? 'gone');
    }
    return { physicalId, attributes: { FleetId: physicalId, FleetArn: fleet.FleetArn } };
  }

  async update({
    stack,
    properties,
    previousProperties,
    physicalId,
    attributes,
  }: ResourceUpdate): Promise<{ physicalId: string; attributes: Properties }> {
    await this.call(
      'UpdateFleetAttributes',
      { FleetId: physicalId, Name: requiredText(properties, 'Name'), Description: optionalText(properties, 'Description') },
      stack,
    );
    const ResourceARN = String(attributes.FleetArn);
    const tags = tagsOf(properties);
    // in the reading 'removed', an update also removes tags that CloudFormation did not set
    const removableKeys =
      this.aws.behaviours.get('foreignFleetTags') === 'removed'
        ? await this.listTagKeys(ResourceARN, stack)
        : [...tagsOf(previousProperties).keys()];
    const TagKeys = removableKeys.filter((key) => !tags.has(key));
    if (TagKeys.length > 0) {
      await this.call('UntagResource', { ResourceARN, TagKeys }, stack);
    }
    if (tags.size > 0) {
      await this.call('TagResource', { ResourceARN, Tags: [...tags].map(([Key, Value]) => ({ Key, Value })) }, stack);
    }
    return { physicalId, attributes };
  }

  async delete({ stack, physicalId }: { stack: StackIdentity; physicalId: string }): Promise<void> {
    // a fleet can be deleted only after it is ACTIVE or has failed
    const settledFleet = await this.poll(physicalId, stack, (status) => status === 'ACTIVE' || status === 'ERROR');
    if (settledFleet === undefined) {
      return;
    }
    if (this.aws.behaviours.get('fleetDeletion') === 'minutes later') {
      await this.clock.sleep(SCALING_DOWN_SECONDS * 1000);
    }
    await this.call('DeleteFleet', { FleetId: physicalId }, stack);
    const remainingFleet = await this.poll(physicalId, stack, (status) => status !== 'DELETING');
    if (remainingFleet !== undefined) {
      throw notStabilizedFailure(physicalId, remainingFleet.Status ?? '');
    }
  }

  /** Polls the fleet until `isDone` returns true for its status. @returns undefined if the fleet no longer exists */
  private async poll(
    fleetId: string,
    stack: StackIdentity,
    isDone: (status: string) => boolean,
  ): Promise<FleetDescription | undefined> {
    const startTime = this.clock.now();
    for (;;) {
      const fleet = await this.describe(fleetId, stack);
      if (fleet === undefined || isDone(fleet.Status ?? '')) {
        return fleet;
      }
      if (this.clock.now() - startTime > STABILIZATION_TIMEOUT_SECONDS * 1000) {
        throw notStabilizedFailure(fleetId, fleet.Status ?? '');
      }
      await this.clock.sleep(POLL_SECONDS * 1000);
    }
  }

  private async listTagKeys(ResourceARN: unknown, stack: StackIdentity): Promise<string[]> {
    const { Tags = [] } = (await this.call('ListTagsForResource', { ResourceARN }, stack)) as { Tags?: { Key: string }[] };
    return Tags.map(({ Key }) => Key);
  }

  private async describe(fleetId: string, stack: StackIdentity): Promise<FleetDescription | undefined> {
    const output = (await this.call('DescribeFleetAttributes', { FleetIds: [fleetId] }, stack)) as {
      FleetAttributes: FleetDescription[];
    };
    return output.FleetAttributes[0];
  }

  /** Retries throttled calls, as CloudFormation does. */
  private async call(operation: string, input: object, { account, region }: StackIdentity): Promise<unknown> {
    for (;;) {
      try {
        return await this.aws.callGameLift(operation, input, { account, region });
      } catch (error) {
        if (!(error instanceof ServiceError)) {
          throw error;
        }
        if (!THROTTLING_ERRORS.includes(error.code)) {
          throw resourceFailureOf('GameLift', error);
        }
        await this.clock.sleep(THROTTLING_DELAY_SECONDS * 1000);
      }
    }
  }
}

function notStabilizedFailure(fleetId: string, status: string): ResourceFailure {
  return new ResourceFailure(
    `Resource handler returned message: "Fleet ${fleetId} did not stabilize: ${status}" (HandlerErrorCode: NotStabilized)`,
    fleetId,
  );
}

/** A GameLift resource that is accepted but not simulated. */
function acceptedType(accepted: AcceptedResources, ids: Ids, kind: 'build' | 'script' | 'alias'): ResourceType {
  const name = kind.charAt(0).toUpperCase() + kind.slice(1);
  return accepted.createType(({ stack }) => {
    const physicalId = `${kind}-${ids.uuid(kind)}`;
    const arn = arnOf(stack, 'gamelift', `${kind}/${physicalId}`);
    return {
      physicalId,
      attributes: {
        [`${name}Id`]: physicalId,
        [`${name}Arn`]: arn,
        ...(kind === 'script' ? { Id: physicalId, Arn: arn } : {}),
      },
    };
  });
}

export function gameLiftTypes(
  aws: GameLiftAccess,
  clock: Clock,
  accepted: AcceptedResources,
): Readonly<Record<string, ResourceType>> {
  const ids = new Ids();
  return {
    'AWS::GameLift::Fleet': new FleetType(aws, clock),
    'AWS::GameLift::Build': acceptedType(accepted, ids, 'build'),
    'AWS::GameLift::Script': acceptedType(accepted, ids, 'script'),
    'AWS::GameLift::Alias': acceptedType(accepted, ids, 'alias'),
  };
}
