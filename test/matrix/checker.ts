import { isDeepStrictEqual } from 'node:util';
import { withoutExpirationTime, type Inventory } from 'rehearsal/aws';
import { ATTRIBUTES, declaredTables, peeringId, ROLE_STACK, STACK } from './stacks';
import type { Declared, DeclaredFleet } from './stacks';
import { DAY, PLACE } from './world';
import type { MatrixWorld, ExistingVpc } from './world';

/*
 * Compares the accounts with what was declared, and with what was there before.
 */

type Kind = keyof Inventory;

interface AuthorizationItem {
  readonly peerVpcId: string;
}

interface FleetItem {
  readonly id: string;
  readonly Name: string;
  readonly status: string;
  readonly Description?: string;
  readonly tags: Readonly<Record<string, string>>;
}

interface ConnectionItem {
  readonly id: string;
  readonly fleetId: string;
  readonly peerVpcId: string;
  readonly status: string;
}

interface PeeringItem {
  readonly id: string;
  readonly status: string;
  readonly accepter: string;
  readonly requester: string;
  readonly dnsResolution: { readonly accepter: boolean };
}

interface RouteItem {
  readonly routeTableId: string;
  readonly destination: string;
  readonly target: string;
  readonly state: string;
}

interface TagItem {
  readonly account: string;
  readonly resourceId: string;
  readonly key: string;
}

interface RuleItem {
  readonly peer: string;
}

const kindsOf = (inventory: Inventory): readonly Kind[] => Object.keys(inventory) as Kind[];

/** The items that only the first list has. Expiration times may differ. */
function onlyIn(items: readonly object[], others: readonly object[]): readonly object[] {
  const expected = others.map(withoutExpirationTime);
  return items.filter((item) => !expected.some((other) => isDeepStrictEqual(withoutExpirationTime(item), other)));
}

/** Resources of others that are gone or changed. A stack that adopts a connection may change its DNS and claim it. */
export function changesToOthers(world: MatrixWorld): readonly string[] {
  const now = world.aws.inventory();
  const comparable = (item: object): object => withoutAllowedChanges(world, item);
  return kindsOf(now).flatMap((kind) =>
    onlyIn(world.before[kind].map(comparable), now[kind].map(comparable)).map(
      (item) => `changed or deleted a resource of others: ${kind} ${JSON.stringify(item)}`,
    ),
  );
}

/** Ignores what an adoption may change: the claim on the fleet, and the DNS of the connection. */
function withoutAllowedChanges({ peeredByHand }: MatrixWorld, item: object): object {
  const { id } = item as { readonly id?: string };
  if (id !== undefined && id === peeredByHand?.fleetId) {
    const tags = Object.entries((item as FleetItem).tags).filter(([key]) => !key.startsWith('cdk-gamelift-vpc-peering:'));
    return { ...item, tags: Object.fromEntries(tags) };
  }
  return id !== undefined && id === peeredByHand?.peeringId ? { ...item, dnsResolution: undefined } : item;
}

/**
 * Authorizations that should have been canceled. They are left to expire if the stack no longer declares the VPC, or if somebody else's
 * fleet is still peered with it.
 */
export function uncanceledAuthorizations({ aws, before, vpcs }: MatrixWorld, { vpc, access }: Declared): readonly string[] {
  const inventory = aws.inventory();
  const isPeered = (inventory.peerings as readonly PeeringItem[]).some(
    ({ accepter, status }) => accepter === vpcs[vpc].vpcId && status === 'active',
  );
  const created = onlyIn(inventory.authorizations, before.authorizations);
  // what was authorized by hand is canceled by hand
  return (access === 'none' || isPeered ? [] : created)
    .filter((item) => (item as AuthorizationItem).peerVpcId === vpcs[vpc].vpcId)
    .map((item) => `still valid: ${JSON.stringify(item)}`);
}

/** What is left two days after everything was deleted, when authorizations have expired. */
export async function leftBehind(world: MatrixWorld): Promise<readonly string[]> {
  await world.clock.sleep(2 * DAY);
  const { aws, cloudFormation } = world;
  if (aws.inventory().stacks.some((stack) => 'name' in stack && stack.name === ROLE_STACK)) {
    await cloudFormation.delete(ROLE_STACK);
  }
  const now = aws.inventory();
  return kindsOf(now).flatMap((kind) =>
    onlyIn(now[kind], world.before[kind])
      .filter((item) => !isLeftByGameLift(world, kind, item))
      .map((item) => `left behind: ${kind} ${JSON.stringify(item)}`),
  );
}

/**
 * Whether GameLift wrote this in the VPC and left it, and the handler could not remove it. The handler can't tell GameLift's rules of
 * security groups from the user's. It does not know a fleet whose creation failed early. And it never calls EC2 without access to the account.
 */
function isLeftByGameLift(world: MatrixWorld, kind: Kind, item: object): boolean {
  const { behaviours, ec2 } = world.aws;
  if (behaviours.get('peerVpcWritesOnDelete') === 'removed' || behaviours.get('peerVpcWrites') === 'none') {
    return false;
  }
  if (kind === 'rules') {
    return /^10\.19[2-9]\./.test((item as RuleItem).peer);
  }
  const requester = ec2.peerings.find((item as RouteItem).target)?.requester.vpcId;
  const hasNoAccess = !world.functions.calls.some(({ service }) => service === 'ec2');
  return kind === 'routes' && requester !== undefined && (hasNoAccess || !vpcsOfKnownFleets(world).has(requester));
}

/** The VPCs of the fleets that the handler has passed to GameLift. */
function vpcsOfKnownFleets({ aws, functions }: MatrixWorld): ReadonlySet<string> {
  const fleets = functions.calls
    .filter(({ service }) => service === 'gamelift')
    .flatMap(({ input }) => (input as { readonly FleetId?: string }).FleetId ?? []);
  return new Set(fleets.flatMap((id) => aws.gameLift.fleets.find(PLACE, id)?.vpc?.vpcId ?? []));
}

/** How the accounts differ from what the deployed stack declares. */
export function deviations(world: MatrixWorld, declared: Declared): readonly string[] {
  const { aws, before, vpcs } = world;
  const inventory = aws.inventory();
  const own = (kind: Kind): readonly object[] => onlyIn(inventory[kind], before[kind]);
  const fleets = own('fleets') as readonly FleetItem[];
  const peered = declared.fleets.filter(({ peering }) => peering !== 'none');
  const connected = peered.filter(({ createdBy }) => createdBy === 'stack');
  // an adoption changes nothing but DNS
  const changed = peered.filter(({ createdBy, dnsResolution }) => createdBy === 'somebody else' && dnsResolution);
  const counts: readonly [string, number, number][] = [
    ['fleets', declared.fleets.length, fleets.length],
    ['connections', connected.length, own('connections').length],
    ['peerings', connected.length + changed.length, own('peerings').length],
  ];
  return [
    ...counts
      .filter(([, expected, actual]) => expected !== actual)
      .map(([kind, expected, actual]) => `${kind}: ${actual} instead of ${expected}`),
    ...declared.fleets.flatMap((fleet) => {
      const found = fleets.find(({ Name }) => Name === fleet.name);
      return found === undefined ? [`no fleet ${fleet.name}`] : deviationsOf(world, declared, fleet, found);
    }),
    ...(own('routes') as readonly RouteItem[])
      .filter((route) => (route.state === 'blackhole' || peered.length === 0) && !isLeftByGameLift(world, 'routes', route))
      .map((route) => `a route that is a blackhole or not needed: ${JSON.stringify(route)}`),
    ...Object.entries(vpcs).flatMap(([name, { vpcId }]) =>
      name === declared.vpc
        ? []
        : (own('peerings') as readonly PeeringItem[])
            .filter(({ accepter }) => accepter === vpcId)
            .map(({ id }) => `VPC ${name} is still peered: ${id}`),
    ),
  ];
}

function deviationsOf(
  world: MatrixWorld,
  { vpc, access }: Declared,
  fleet: DeclaredFleet,
  { id, status, Description, tags }: FleetItem,
): readonly string[] {
  const { aws, vpcs } = world;
  const place = vpcs[vpc];
  const { name, peering, description, dnsResolution } = fleet;
  const inventory = aws.inventory();
  const connections = (inventory.connections as readonly ConnectionItem[]).filter(({ fleetId }) => fleetId === id);
  const vpcOfFleet = aws.gameLift.fleets.all().find((candidate) => candidate.id === id)?.vpc;
  const side = (inventory.peerings as readonly PeeringItem[]).find(({ requester }) => requester === vpcOfFleet?.vpcId);
  const problems = [
    status === 'ACTIVE' ? [] : [`fleet ${name} is ${status}`],
    Description === description ? [] : [`fleet ${name} is described as ${String(Description)}`],
  ].flat();
  if (peering === 'none') {
    return [...problems, ...connections.map(() => `fleet ${name} is peered`)];
  }
  const [connection] = connections;
  if (
    vpcOfFleet === undefined ||
    connection?.status !== 'active' ||
    connection.peerVpcId !== place.vpcId ||
    side?.status !== 'active'
  ) {
    return [...problems, `fleet ${name} is not peered with VPC ${vpc}: ${JSON.stringify({ connection, side })}`];
  }
  const routes = (inventory.routes as readonly RouteItem[]).filter(({ target }) => target === side.id);
  const tables = declaredTables(fleet, place);
  const missing = tables.filter(
    (table) => !routes.some(({ routeTableId, destination }) => routeTableId === table && destination === vpcOfFleet.cidrBlock),
  );
  const undeclared = (onlyIn(routes, world.before.routes) as readonly RouteItem[]).filter(
    ({ routeTableId }) => !tables.includes(routeTableId) && !tablesWithGameLiftRoutes(world, place).includes(routeTableId),
  );
  const attributes = [connection.id, vpcOfFleet.vpcId, vpcOfFleet.cidrBlock];
  const hasName = (inventory.tags as readonly TagItem[]).some(
    ({ account, resourceId, key }) => account === place.account && resourceId === side.id && key === 'Name',
  );
  return [
    ...problems,
    ...missing.map((table) => `${table} has no route to fleet ${name}`),
    ...undeclared.map(({ routeTableId }) => `${routeTableId} has a route to fleet ${name} that is not declared`),
    ...outputsOf(world, name).flatMap((value, index) =>
      value === attributes[index]
        ? []
        : [`${String(ATTRIBUTES[index])} of ${name} is ${value} instead of ${String(attributes[index])}`],
    ),
    ...(side.dnsResolution.accepter === dnsResolution ? [] : [`DNS resolution of ${name} is ${String(!dnsResolution)}`]),
    ...claimProblems(world, fleet, place, tags, attributes),
    ...(hasName || access === 'none' ? [] : [`the peering of ${name} has no Name`]),
  ];
}

/** The stack's outputs about the connection of a fleet, in the order of `ATTRIBUTES`. */
function outputsOf({ cloudFormation }: MatrixWorld, name: string): readonly string[] {
  const { outputs } = cloudFormation.describe(STACK);
  return ATTRIBUTES.map((attribute) => String(outputs[`${name}${attribute}`]));
}

/** The route tables in which GameLift writes routes under the chosen reading. */
function tablesWithGameLiftRoutes({ aws }: MatrixWorld, { routeTableIds }: ExistingVpc): readonly string[] {
  switch (aws.behaviours.get('peerVpcWrites')) {
    case 'every route table':
      return routeTableIds;
    case 'main route table':
      return routeTableIds.slice(0, 1);
    case 'none':
      return [];
  }
}

/** Checks the claim and the note on the fleet: who owns the connection, and whether it was created or adopted. */
function claimProblems(
  { aws, cloudFormation }: MatrixWorld,
  fleet: DeclaredFleet,
  { vpcId }: ExistingVpc,
  tags: FleetItem['tags'],
  attributes: readonly string[],
): readonly string[] {
  const claims = Object.keys(tags).filter((candidate) => candidate.startsWith(`cdk-gamelift-vpc-peering:${vpcId}:`));
  if (claims.length === 0 && aws.behaviours.get('foreignFleetTags') === 'removed') {
    return [];
  }
  const { id, resources } = cloudFormation.describe(STACK);
  const logicalId = resources.find((resource) => resource.logicalId.startsWith(peeringId(fleet)))?.logicalId;
  const [, stack, guid] = id.split('/');
  const owner = `${String(stack)}/${String(logicalId)}/${String(guid)}`;
  const note = [...attributes, fleet.createdBy === 'somebody else' ? 'adopted' : 'created'].join(' ');
  const key = claims.find((candidate) => tags[candidate]?.startsWith(`${owner} `)) ?? '';
  return tags[`${key}:connection`]?.startsWith(`${note} `) === true && claims.length === 2
    ? []
    : [`fleet ${fleet.name} is not claimed as ${owner}: ${note}, but has ${JSON.stringify(tags)}`];
}

/** In milliseconds since the epoch. */
export type Period = readonly [from: number, to: number];

/**
 * Deletions that failed, even if CloudFormation continued.
 *
 * @param ignored periods in which deletions may fail
 */
export function failedDeletes({ journal }: MatrixWorld, ignored: readonly Period[] = []): readonly string[] {
  return journal.entries
    .filter(({ source, message }) => source === 'cloudformation' && message.startsWith('DELETE_FAILED'))
    .filter(({ time }) => !ignored.some(([from, to]) => from <= time && time <= to))
    .map(({ subject, message }) => `${subject} ${message}`);
}

/** How long a change in IAM may take to propagate. In milliseconds. */
const IAM_PROPAGATION = 60_000;

/** Calls of the handler that IAM denied, even if the handler continued. Ignores denials right after a change in IAM if the reading allows them. */
export function denials({ aws, journal }: MatrixWorld): readonly string[] {
  const late = aws.behaviours.get('iamPropagation') === 'up to a minute late';
  const changes = journal.entries.filter(({ source, message }) => source === 'cloudformation' && message.includes(' AWS::IAM::'));
  return journal.entries
    .filter(({ message }) => /^(AccessDenied(Exception)?|UnauthorizedOperation) in \S+, called by /.test(message))
    .filter(({ time }) => !(late && changes.some((change) => change.time <= time && time < change.time + IAM_PROPAGATION)))
    .map(({ subject, message }) => `${subject} ${message}`);
}

/**
 * Whether CloudFormation skipped a deletion in a cleanup: it tries three times, continues, and reports success. The permissions are deleted
 * in the same cleanup, so no later request can delete the resource.
 */
export function hasSkippedCleanup({ journal }: MatrixWorld): boolean {
  let isCleanup = false;
  let failed: readonly string[] = [];
  for (const { source, subject, message } of journal.entries) {
    if (source === 'cloudformation' && message.includes(' AWS::CloudFormation::Stack')) {
      isCleanup = message.includes('CLEANUP_IN_PROGRESS');
      failed = [];
    } else if (source === 'cloudformation' && isCleanup && message.startsWith('DELETE_FAILED')) {
      failed = [...failed, subject];
      if (failed.filter((other) => other === subject).length === 3) {
        return true;
      }
    }
  }
  return false;
}

/** The reasons of CloudFormation's events about resources of the stack that failed. */
export function failureReasons({ journal }: MatrixWorld): readonly string[] {
  return journal.entries
    .filter(
      ({ source, subject, message }) =>
        source === 'cloudformation' && subject.startsWith(`${STACK}/`) && /^\w+_FAILED/.test(message),
    )
    .map(({ message }) => message.replace(/^\w+_FAILED [\w:]+:? ?/, ''));
}

/** Secrets in logs, responses and events. */
export function leaks({ journal, secrets }: MatrixWorld): readonly string[] {
  const text = journal.entries.map(({ subject, message }) => `${subject} ${message}`).join('\n');
  const patterns = [/X-Amz-Signature/, /https:\/\/cloudformation-custom-resource-response/];
  return [
    ...secrets.filter((secret) => text.includes(secret)).map(() => 'the journal contains a secret'),
    ...patterns.filter((pattern) => pattern.test(text)).map((pattern) => `the journal matches ${pattern.source}`),
  ];
}
