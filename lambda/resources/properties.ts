import { SCHEMA_VERSION } from '../../lib/contract';
import type { PeerRole } from '../aws/sts';
import { readMatch, show } from '../cloudformation/values';
import type { RawProperties } from '../cloudformation/values';

/*
 * Properties of the custom resources. CloudFormation sends every scalar as a string. Each reader throws an Error that names the
 * property, what it must be and what it is. Lengths are limited here too, because ids become part of physical ids.
 */

const VPC_ID = /^vpc-[0-9a-f]{1,32}$/;
const ACCOUNT = /^\d{12}$/;
const ROLE_ARN = /^arn:[a-z-]{1,32}:iam::\d{12}:role\/[!-~]{1,576}$/;
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/;
const FLEET_ID = /^(?=.{1,128}$)[a-z]*fleet-[a-zA-Z0-9-]+$/;
const ROUTE_TABLE_ID = /^rtb-[0-9a-f]{1,32}$/;

/** Between whom an authorization is, and the role with which the handler acts in the account of the VPC. */
export interface Pair {
  readonly peerVpcId: string;
  readonly peerVpcAccount: string;
  readonly gameLiftAccount: string;
  /** Undefined if the handler uses its own role. */
  readonly peerRole: PeerRole | undefined;
}

/** An error message if a later version of the library may have written the properties; undefined otherwise. */
export function unsupportedVersion({ SchemaVersion: version }: RawProperties): string | undefined {
  const readable = (typeof version === 'string' || typeof version === 'number') && /^\d+$/.test(String(version));
  if (version === undefined || (readable && Number(version) <= Number(SCHEMA_VERSION))) {
    return undefined;
  }
  return (
    `SchemaVersion is ${show(version)}, and this version of the handler supports up to ${SCHEMA_VERSION}: ` +
    'deploy with the version of cdk-gamelift-vpc-peering that wrote the template'
  );
}

export function readPair(properties: RawProperties): Pair {
  return {
    peerVpcId: readMatch(properties, 'PeerVpcId', VPC_ID, 'the id of a VPC such as vpc-0123456789abcdef0'),
    peerVpcAccount: readMatch(properties, 'PeerVpcAwsAccountId', ACCOUNT, 'an account id of 12 digits'),
    gameLiftAccount: readMatch(properties, 'GameLiftAwsAccountId', ACCOUNT, 'an account id of 12 digits'),
    peerRole: readPeerRole(properties),
  };
}

export function isSamePair(one: Pair, other: Pair): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function readPeerRole(properties: RawProperties): PeerRole | undefined {
  const { PeerRoleArn, ExternalId } = properties;
  if (PeerRoleArn === undefined) {
    return undefined;
  }
  const arn = readMatch(properties, 'PeerRoleArn', ROLE_ARN, 'the ARN of a role such as arn:aws:iam::123456789012:role/Peering');
  if (ExternalId !== undefined && (typeof ExternalId !== 'string' || !EXTERNAL_ID.test(ExternalId))) {
    // an external id is a secret: the error does not show it
    throw new Error('ExternalId must be 2 to 1224 letters, digits and characters of _+=,.@:/-');
  }
  return { arn, externalId: ExternalId };
}

export function readFleetId(properties: RawProperties): string {
  return readMatch(properties, 'FleetId', FLEET_ID, 'the id of a fleet such as fleet-01234567-89ab-cdef-0123-456789abcdef');
}

export function readBoolean(properties: RawProperties, name: string): boolean {
  return readMatch(properties, name, /^(true|false)$/, 'true or false') === 'true';
}

/** Whole seconds from `least` to `most`. */
export function readSeconds(properties: RawProperties, name: string, least: number, most: number): number {
  const what = `whole seconds from ${least} to ${most}`;
  const seconds = Number(readMatch(properties, name, /^\d+$/, what));
  if (seconds < least || seconds > most) {
    throw new Error(`${name} must be ${what}, got ${show(properties[name])}`);
  }
  return seconds;
}

export function readOneOf<T extends string>(properties: RawProperties, name: string, allowed: readonly T[]): T {
  const value = allowed.find((candidate) => candidate === properties[name]);
  if (value === undefined) {
    throw new Error(`${name} must be one of ${allowed.join(', ')}, got ${show(properties[name])}`);
  }
  return value;
}

export function readRouteTableIds(properties: RawProperties): readonly string[] {
  const { RouteTableIds: value = [] } = properties;
  const must = 'RouteTableIds must be a list of ids of route tables such as rtb-0123456789abcdef0';
  if (!Array.isArray(value)) {
    throw new Error(`${must}, got ${show(value)}`);
  }
  const items = value as readonly unknown[];
  return items.map((item) => {
    if (typeof item !== 'string' || !ROUTE_TABLE_ID.test(item)) {
      throw new Error(`${must}, got one with ${show(item)}`);
    }
    return item;
  });
}

/** The properties, or undefined if they can't be read: an earlier or later version of the library may have written them. */
export function tryRead<T>(read: (properties: RawProperties) => T, properties: RawProperties | undefined): T | undefined {
  try {
    return properties === undefined ? undefined : read(properties);
  } catch {
    return undefined;
  }
}
