import { SCHEMA_VERSION } from '../../lib/contract';
import type { ConnectionProperties, RenewalProperties } from '../../lib/contract';
import type { PeerRole } from '../aws/sts';
import { readMatch, formatValue } from '../cloudformation/values';
import type { RawProperties, TextFormat } from '../cloudformation/values';
import type { Pair } from '../model/pair';

/*
 * Parses the properties of the custom resources. CloudFormation sends every scalar as a string. Each function throws an Error with the
 * name of the property, what it must be, what it is, and which property of a construct to correct. Patterns also limit lengths, because
 * ids become part of physical ids.
 */

/** The properties that the handler reads. */
type PropertyName = keyof ConnectionProperties | keyof RenewalProperties;

/** The properties as CloudFormation sends them. */
type Properties = Readonly<Partial<Record<PropertyName, unknown>>>;

/** For a property of a custom resource, the property of a construct that sets it. */
const CONSTRUCT_PROPERTIES: Readonly<Partial<Record<PropertyName, string>>> = {
  PeerVpcId: 'the vpc of the VpcPeeringAuthorization',
  PeerVpcAwsAccountId: 'the peerVpcAccount of the VpcPeeringAuthorization',
  GameLiftAwsAccountId: 'the gameLiftAccount of the VpcPeeringAuthorization',
  PeerRoleArn: 'the peerRole of the VpcPeeringAuthorization',
  ExternalId: 'the externalId of the VpcPeeringAuthorization',
  FleetId: 'the fleet of the VpcPeeringConnection',
  TimeoutSeconds: 'the timeout of the VpcPeeringConnection',
  Routes: 'the routes of the VpcPeeringConnection',
  RouteTableIds: 'the routes of the VpcPeeringConnection, or the routeTableId of the imported subnets that they select',
  DnsResolution: 'the dnsResolution of the VpcPeeringConnection',
  AdoptExisting: 'the adoptExisting of the VpcPeeringConnection',
  PeerOnCreate: 'the peerOnCreate of the VpcPeeringConnection',
};

/** The end of an error message about a property. */
function remedyFor(name: PropertyName): string {
  const source = CONSTRUCT_PROPERTIES[name];
  return source === undefined ? '' : `. Correct ${source}, then deploy again`;
}

function readText(properties: Properties, name: PropertyName, format: TextFormat): string {
  return readMatch(properties, name, format, remedyFor(name));
}

const VPC_ID: TextFormat = {
  pattern: /^vpc-[0-9a-f]{1,32}$/,
  description: 'the id of a VPC such as vpc-0123456789abcdef0',
};
const ACCOUNT: TextFormat = { pattern: /^\d{12}$/, description: 'an account id of 12 digits' };
const ROLE_ARN: TextFormat = {
  pattern: /^arn:[a-z-]{1,32}:iam::\d{12}:role\/[!-~]{1,576}$/,
  description: 'the ARN of a role such as arn:aws:iam::123456789012:role/Peering',
};
/** The id of a fleet of another compute type can have a prefix, such as `containerfleet-`. */
const FLEET_ID: TextFormat = {
  pattern: /^(?=.{1,128}$)[a-z]*fleet-[a-zA-Z0-9-]+$/,
  description: 'the id of a fleet such as fleet-01234567-89ab-cdef-0123-456789abcdef',
};
const BOOLEAN: TextFormat = { pattern: /^(true|false)$/, description: 'true or false' };
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/;
const ROUTE_TABLE_ID = /^rtb-[0-9a-f]{1,32}$/;

/** An error message if a later version of the library may have synthesized the properties; otherwise, undefined. */
export function schemaVersionError({ SchemaVersion: version }: Properties): string | undefined {
  const isNumber = (typeof version === 'string' || typeof version === 'number') && /^\d+$/.test(String(version));
  if (version === undefined || (isNumber && Number(version) <= Number(SCHEMA_VERSION))) {
    return undefined;
  }
  return (
    `SchemaVersion is ${formatValue(version)}, and this version of the handler supports up to ${SCHEMA_VERSION}: ` +
    'deploy with the version of cdk-gamelift-vpc-peering that synthesized the template'
  );
}

export function readPair(properties: Properties): Pair {
  return {
    peerVpcId: readText(properties, 'PeerVpcId', VPC_ID),
    peerVpcAccount: readText(properties, 'PeerVpcAwsAccountId', ACCOUNT),
    gameLiftAccount: readText(properties, 'GameLiftAwsAccountId', ACCOUNT),
    peerRole: readPeerRole(properties),
  };
}

function readPeerRole(properties: Properties): PeerRole | undefined {
  const { PeerRoleArn, ExternalId } = properties;
  if (PeerRoleArn === undefined) {
    return undefined;
  }
  const arn = readText(properties, 'PeerRoleArn', ROLE_ARN);
  if (ExternalId !== undefined && (typeof ExternalId !== 'string' || !EXTERNAL_ID.test(ExternalId))) {
    // an external id is never logged, so the error does not show it
    throw new Error(
      `ExternalId must consist of 2 to 1224 letters, digits and the characters _+=,.@:/- only${remedyFor('ExternalId')}`,
    );
  }
  return { arn, externalId: ExternalId };
}

export function readFleetId(properties: Properties): string {
  return readText(properties, 'FleetId', FLEET_ID);
}

export function readBoolean(properties: Properties, name: PropertyName): boolean {
  return readText(properties, name, BOOLEAN) === 'true';
}

/** Reads whole seconds. Both limits are inclusive. */
export function readSeconds(
  properties: Properties,
  name: PropertyName,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const description = `whole seconds from ${min} to ${max}`;
  const seconds = Number(readText(properties, name, { pattern: /^\d+$/, description }));
  if (seconds < min || seconds > max) {
    throw new Error(`${name} must be ${description}, got ${formatValue(properties[name])}${remedyFor(name)}`);
  }
  return seconds;
}

export function readOneOf<T extends string>(properties: Properties, name: PropertyName, allowed: readonly T[]): T {
  const value = allowed.find((candidate) => candidate === properties[name]);
  if (value === undefined) {
    throw new Error(`${name} must be one of ${allowed.join(', ')}, got ${formatValue(properties[name])}${remedyFor(name)}`);
  }
  return value;
}

export function readRouteTableIds(properties: Properties): readonly string[] {
  const { RouteTableIds: value = [] } = properties;
  const requirement = 'RouteTableIds must be a list of ids of route tables such as rtb-0123456789abcdef0';
  if (!Array.isArray(value)) {
    throw new Error(`${requirement}, got ${formatValue(value)}${remedyFor('RouteTableIds')}`);
  }
  const items = value as readonly unknown[];
  return items.map((item) => {
    if (typeof item !== 'string' || !ROUTE_TABLE_ID.test(item)) {
      throw new Error(`${requirement}, got a list that contains ${formatValue(item)}${remedyFor('RouteTableIds')}`);
    }
    return item;
  });
}

/** Reads properties that another version of the library may have synthesized. Returns undefined if they can't be read. */
export function tryRead<T>(read: (properties: RawProperties) => T, properties: RawProperties | undefined): T | undefined {
  try {
    return properties === undefined ? undefined : read(properties);
  } catch {
    return undefined;
  }
}
