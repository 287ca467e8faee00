import type { Constraint, Members } from '../wire/input-constraints';

/*
 * The constraints of GameLift's service model, for the operations that are simulated.
 */

const requiredText = (max = 1024): Constraint => ({ required: true, min: 1, max });
const OPTIONAL_TEXT: Constraint = { required: false, min: 1, max: 1024 };
const FLEET_ID = { min: 1, max: 128, pattern: /^[a-z]*fleet-[a-zA-Z0-9-]+/ };
const FLEET_ID_OR_ARN = {
  min: 1,
  max: 512,
  pattern: /^[a-z]*fleet-[a-zA-Z0-9-]+$|^arn:.*:[a-z]*fleet\/[a-z]*fleet-[a-zA-Z0-9-]+$/,
};
const AUTHORIZATION: Members = { GameLiftAwsAccountId: requiredText(), PeerVpcId: requiredText() };
const PAGING: Members = { Limit: { type: 'integer', required: false, min: 1 }, NextToken: OPTIONAL_TEXT };
const RESOURCE: Members = { ResourceARN: requiredText(1011) };
const TAG: Constraint = {
  type: 'structure',
  required: true,
  members: { Key: requiredText(128), Value: { required: true, min: 0, max: 256 } },
};
const TAGS = { type: 'list', min: 0, max: 200, member: TAG } as const;
const FLEET_TEXTS: Members = {
  Description: OPTIONAL_TEXT,
  NewGameSessionProtectionPolicy: { required: false, min: 0, max: 32, values: ['NoProtection', 'FullProtection'] },
};

export const INPUT_MODEL = {
  CreateVpcPeeringAuthorization: AUTHORIZATION,
  DeleteVpcPeeringAuthorization: AUTHORIZATION,
  DescribeVpcPeeringAuthorizations: {},
  CreateVpcPeeringConnection: {
    FleetId: { required: true, ...FLEET_ID },
    PeerVpcAwsAccountId: requiredText(),
    PeerVpcId: requiredText(),
  },
  DeleteVpcPeeringConnection: { FleetId: { required: true, ...FLEET_ID }, VpcPeeringConnectionId: requiredText() },
  DescribeVpcPeeringConnections: { FleetId: { required: false, ...FLEET_ID } },
  CreateFleet: {
    Name: requiredText(),
    ...FLEET_TEXTS,
    BuildId: { required: false, min: 0, max: 1024, pattern: /^build-\S+|^arn:.*:build\/build-\S+/ },
    ScriptId: { required: false, min: 0, max: 1024, pattern: /^script-\S+|^arn:.*:script\/script-\S+/ },
    EC2InstanceType: { required: false, min: 0, max: 64, pattern: /[a-z0-9-]+\.[a-z0-9-]+/ },
    FleetType: { required: false, min: 0, max: 32, values: ['ON_DEMAND', 'SPOT'] },
    ComputeType: { required: false, min: 0, max: 32, values: ['EC2', 'ANYWHERE'] },
    PeerVpcAwsAccountId: OPTIONAL_TEXT,
    PeerVpcId: OPTIONAL_TEXT,
    InstanceRoleArn: { required: false, min: 1, max: 2048 },
    Tags: { required: false, ...TAGS },
  },
  UpdateFleetAttributes: { FleetId: { required: true, ...FLEET_ID_OR_ARN }, Name: OPTIONAL_TEXT, ...FLEET_TEXTS },
  DeleteFleet: { FleetId: { required: true, ...FLEET_ID_OR_ARN } },
  ListFleets: PAGING,
  DescribeFleetAttributes: {
    FleetIds: { type: 'list', required: false, min: 1, max: 100, member: { required: true, ...FLEET_ID_OR_ARN } },
    ...PAGING,
  },
  DescribeFleetEvents: {
    FleetId: { required: true, ...FLEET_ID_OR_ARN },
    StartTime: { type: 'timestamp', required: false },
    EndTime: { type: 'timestamp', required: false },
    ...PAGING,
  },
  TagResource: { ...RESOURCE, Tags: { required: true, ...TAGS } },
  UntagResource: { ...RESOURCE, TagKeys: { type: 'list', required: true, min: 0, max: 200, member: requiredText(128) } },
  ListTagsForResource: RESOURCE,
} as const satisfies Record<string, Members>;

/** Burst and calls per second, for each account and Region. AWS does not document the limits that are 10 here. */
export const RATE_LIMITS: Readonly<Record<keyof typeof INPUT_MODEL, readonly [burst: number, perSecond: number]>> = {
  CreateVpcPeeringAuthorization: [1, 0.1],
  DeleteVpcPeeringAuthorization: [1, 0.1],
  DescribeVpcPeeringAuthorizations: [1, 0.1],
  CreateVpcPeeringConnection: [1, 0.1],
  DeleteVpcPeeringConnection: [1, 0.1],
  DescribeVpcPeeringConnections: [1, 0.1],
  CreateFleet: [4, 1],
  DeleteFleet: [20, 20],
  DescribeFleetAttributes: [30, 30],
  DescribeFleetEvents: [30, 30],
  ListFleets: [10, 10],
  UpdateFleetAttributes: [10, 10],
  TagResource: [10, 10],
  UntagResource: [10, 10],
  ListTagsForResource: [10, 10],
};
