import { isDeepStrictEqual } from 'node:util';
import { withoutExpirationTime, type Inventory } from 'rehearsal/aws';
import { ATTRIBUTES, declaredTables, peeringId, ROLE_STACK, STACK } from './stacks';
import type { Declared, DeclaredFleet } from './stacks';
import { DAY, PLACE } from './world';
import type { MatrixWorld, VpcPlace } from './world';

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

/** What the inventory of one moment has and that of another lacks. */
function without(these: readonly object[], those: readonly object[]): readonly object[] {
  const others = those.map(withoutExpirationTime);
  return these.filter((item) => !others.some((other) => isDeepStrictEqual(withoutExpirationTime(item), other)));
}

/** What of the neighbours is gone, or changed: but for what whoever adopts a connection may change of it. */
export function damage(world: MatrixWorld): readonly string[] {
  const now = world.aws.inventory();
  const kept = (item: object): object => withoutLoan(world, item);
  return kindsOf(now).flatMap((kind) =>
    without(world.before[kind].map(kept), now[kind].map(kept)).map(
      (item) => `touched what is another's: ${kind} ${JSON.stringify(item)}`,
    ),
  );
}

/** What was made by hand, apart from what is noted on the fleet of whose the connection is, and from its DNS. */
function withoutLoan({ handMade }: MatrixWorld, item: object): object {
  const { id } = item as { readonly id?: string };
  if (id !== undefined && id === handMade?.fleetId) {
    const tags = Object.entries((item as FleetItem).tags).filter(([key]) => !key.startsWith('cdk-gamelift-vpc-peering:'));
    return { ...item, tags: Object.fromEntries(tags) };
  }
  return id !== undefined && id === handMade?.peeringId ? { ...item, dnsResolution: undefined } : item;
}

/**
 * Authorizations that should have been canceled. They are left to expire for VPCs that the stack no longer declares, and as long as
 * somebody else's fleet is peered with the VPC.
 */
export function unlapsed({ aws, before, places }: MatrixWorld, { vpc, access }: Declared): readonly string[] {
  const inventory = aws.inventory();
  const isPeered = (inventory.peerings as readonly PeeringItem[]).some(
    ({ accepter, status }) => accepter === places[vpc].vpcId && status === 'active',
  );
  const given = without(inventory.authorizations, before.authorizations);
  // whoever authorizes by hand cancels by hand
  return (access === 'none' || isPeered ? [] : given)
    .filter((item) => (item as AuthorizationItem).peerVpcId === places[vpc].vpcId)
    .map((item) => `still valid: ${JSON.stringify(item)}`);
}

/** What is left two days after everything was deleted: authorizations have lapsed by then. */
export async function leftovers(world: MatrixWorld): Promise<readonly string[]> {
  await world.clock.sleep(2 * DAY);
  const { aws, cloudFormation } = world;
  // nobody needs its role any more
  if (aws.inventory().stacks.some((stack) => 'name' in stack && stack.name === ROLE_STACK)) {
    await cloudFormation.delete(ROLE_STACK);
  }
  const now = aws.inventory();
  return kindsOf(now).flatMap((kind) =>
    without(now[kind], world.before[kind])
      .filter((item) => !isGameLiftsOwn(world, kind, item))
      .map((item) => `left behind: ${kind} ${JSON.stringify(item)}`),
  );
}

/**
 * What GameLift wrote into the VPC and leaves there, and nobody takes away in its stead: rules of security groups can't be
 * told from the user's own, the handler may never have learned of a fleet that is peered on creation if the creation failed early,
 * and where another account does not let it in, the handler never asks EC2.
 */
function isGameLiftsOwn(world: MatrixWorld, kind: Kind, item: object): boolean {
  const { behaviours, ec2 } = world.aws;
  if (behaviours.get('peerVpcWritesOnDelete') === 'removed' || behaviours.get('peerVpcWrites') === 'none') {
    return false;
  }
  if (kind === 'rules') {
    return /^10\.19[2-9]\./.test((item as RuleItem).peer);
  }
  const requester = ec2.peerings.find((item as RouteItem).target)?.requester.vpcId;
  const shutOut = !world.functions.calls.some(({ service }) => service === 'ec2');
  return kind === 'routes' && requester !== undefined && (shutOut || !vpcsOfKnownFleets(world).has(requester));
}

/** The VPCs of all fleets that the handler ever asked GameLift about. */
function vpcsOfKnownFleets({ aws, functions }: MatrixWorld): ReadonlySet<string> {
  const fleets = functions.calls
    .filter(({ service }) => service === 'gamelift')
    .flatMap(({ input }) => (input as { readonly FleetId?: string }).FleetId ?? []);
  return new Set(fleets.flatMap((id) => aws.gameLift.fleets.find(PLACE, id)?.vpc?.vpcId ?? []));
}

/** In what the accounts differ from what a stack that was deployed declares. */
export function deviations(world: MatrixWorld, declared: Declared): readonly string[] {
  const { aws, before, places } = world;
  const inventory = aws.inventory();
  const own = (kind: Kind): readonly object[] => without(inventory[kind], before[kind]);
  const fleets = own('fleets') as readonly FleetItem[];
  const peered = declared.fleets.filter(({ peering }) => peering !== 'none');
  const connected = peered.filter(({ made }) => made === 'by the stack');
  // one that was adopted is as it was, but for its DNS
  const changed = peered.filter(({ made, dnsResolution }) => made === 'by hand' && dnsResolution);
  const counts: readonly [string, number, number][] = [
    ['fleets', declared.fleets.length, fleets.length],
    ['connections', connected.length, own('connections').length],
    ['peerings', connected.length + changed.length, own('peerings').length],
  ];
  return [
    ...counts.filter(([, wanted, got]) => wanted !== got).map(([what, wanted, got]) => `${what}: ${got} instead of ${wanted}`),
    ...declared.fleets.flatMap((fleet) => {
      const found = fleets.find(({ Name }) => Name === fleet.name);
      return found === undefined ? [`no fleet ${fleet.name}`] : deviationsOf(world, declared, fleet, found);
    }),
    ...(own('routes') as readonly RouteItem[])
      .filter((route) => (route.state === 'blackhole' || peered.length === 0) && !isGameLiftsOwn(world, 'routes', route))
      .map((route) => `a route that leads nowhere, or that nobody needs: ${JSON.stringify(route)}`),
    ...Object.entries(places).flatMap(([name, { vpcId }]) =>
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
  const { aws, places } = world;
  const place = places[vpc];
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
  const undeclared = (without(routes, world.before.routes) as readonly RouteItem[]).filter(
    ({ routeTableId }) => !tables.includes(routeTableId) && !tablesOfGameLift(world, place).includes(routeTableId),
  );
  const attributes = [connection.id, vpcOfFleet.vpcId, vpcOfFleet.cidrBlock];
  const named = (inventory.tags as readonly TagItem[]).some(
    ({ account, resourceId, key }) => account === place.account && resourceId === side.id && key === 'Name',
  );
  return [
    ...problems,
    ...missing.map((table) => `${table} has no route to fleet ${name}`),
    ...undeclared.map(({ routeTableId }) => `${routeTableId} has a route to fleet ${name} that is not declared`),
    ...told(world, name).flatMap((value, index) =>
      value === attributes[index]
        ? []
        : [`${String(ATTRIBUTES[index])} of ${name} is ${value} instead of ${String(attributes[index])}`],
    ),
    ...(side.dnsResolution.accepter === dnsResolution ? [] : [`DNS resolution of ${name} is ${String(!dnsResolution)}`]),
    ...claimProblems(world, fleet, place, tags, attributes),
    ...(named || access === 'none' ? [] : [`the peering of ${name} has no Name`]),
  ];
}

/** What the stack says of a fleet's connection, in the order of its attributes. */
function told({ cloudFormation }: MatrixWorld, name: string): readonly string[] {
  const { outputs } = cloudFormation.describe(STACK);
  return ATTRIBUTES.map((attribute) => String(outputs[`${name}${attribute}`]));
}

/** Where GameLift writes routes by itself, as far as is assumed. */
function tablesOfGameLift({ aws }: MatrixWorld, { routeTableIds }: VpcPlace): readonly string[] {
  switch (aws.behaviours.get('peerVpcWrites')) {
    case 'every route table':
      return routeTableIds;
    case 'main route table':
      return routeTableIds.slice(0, 1);
    case 'none':
      return [];
  }
}

/** Whether a fleet says whose its connection is, and what came of it. */
function claimProblems(
  { aws, cloudFormation }: MatrixWorld,
  fleet: DeclaredFleet,
  { vpcId }: VpcPlace,
  tags: FleetItem['tags'],
  attributes: readonly string[],
): readonly string[] {
  const claims = Object.keys(tags).filter((candidate) => candidate.startsWith(`cdk-gamelift-vpc-peering:${vpcId}:`));
  if (claims.length === 0 && aws.behaviours.get('foreignFleetTags') === 'strips them') {
    return [];
  }
  const { id, resources } = cloudFormation.describe(STACK);
  const logicalId = resources.find((resource) => resource.logicalId.startsWith(peeringId(fleet)))?.logicalId;
  const [, stack, guid] = id.split('/');
  const owner = `${String(stack)}/${String(logicalId)}/${String(guid)}`;
  const note = [...attributes, fleet.made === 'by hand' ? 'adopted' : 'created'].join(' ');
  const key = claims.find((candidate) => tags[candidate]?.startsWith(`${owner} `)) ?? '';
  return tags[`${key}:connection`]?.startsWith(`${note} `) === true && claims.length === 2
    ? []
    : [`fleet ${fleet.name} is not claimed as ${owner}: ${note}, but has ${JSON.stringify(tags)}`];
}

/** Milliseconds since the epoch, first and last. */
export type Span = readonly [from: number, to: number];

/**
 * Deletes of CloudFormation's that failed, also where it went on without them.
 *
 * @param excused when deletes may fail
 */
export function failedDeletes({ journal }: MatrixWorld, excused: readonly Span[] = []): readonly string[] {
  return journal.entries
    .filter(({ source, message }) => source === 'cloudformation' && message.startsWith('DELETE_FAILED'))
    .filter(({ time }) => !excused.some(([from, to]) => from <= time && time <= to))
    .map(({ subject, message }) => `${subject} ${message}`);
}

/** For how long a change in IAM may not be known everywhere. */
const IAM_PROPAGATION = 60_000;

/** Calls of the handler's that IAM denied, also where it went on without them: but for those that it may deny right after a change. */
export function denials({ aws, journal }: MatrixWorld): readonly string[] {
  const late = aws.behaviours.get('iamPropagation') === 'up to a minute late';
  const changes = journal.entries.filter(({ source, message }) => source === 'cloudformation' && message.includes(' AWS::IAM::'));
  return journal.entries
    .filter(({ message }) => /^(AccessDenied(Exception)?|UnauthorizedOperation) in \S+, called by /.test(message))
    .filter(({ time }) => !(late && changes.some((change) => change.time <= time && time < change.time + IAM_PROPAGATION)))
    .map(({ subject, message }) => `${subject} ${message}`);
}

/**
 * Whether CloudFormation skipped a clean-up: it tries three times, goes on, and reports success. The permissions go with what
 * was to be cleaned up, so nobody can make up for it.
 */
export function isSkipped({ journal }: MatrixWorld): boolean {
  let cleansUp = false;
  let failed: readonly string[] = [];
  for (const { source, subject, message } of journal.entries) {
    if (source === 'cloudformation' && message.includes(' AWS::CloudFormation::Stack')) {
      cleansUp = message.includes('CLEANUP_IN_PROGRESS');
      failed = [];
    } else if (source === 'cloudformation' && cleansUp && message.startsWith('DELETE_FAILED')) {
      failed = [...failed, subject];
      if (failed.filter((other) => other === subject).length === 3) {
        return true;
      }
    }
  }
  return false;
}

/** Why resources of the stack failed, in the words of who made them fail. */
export function reasons({ journal }: MatrixWorld): readonly string[] {
  return journal.entries
    .filter(
      ({ source, subject, message }) =>
        source === 'cloudformation' && subject.startsWith(`${STACK}/`) && /^\w+_FAILED/.test(message),
    )
    .map(({ message }) => message.replace(/^\w+_FAILED [\w:]+:? ?/, ''));
}

/** Secrets in anything that anybody gets to read. */
export function leaks({ journal, secrets }: MatrixWorld): readonly string[] {
  const said = journal.entries.map(({ subject, message }) => `${subject} ${message}`).join('\n');
  const shapes = [/X-Amz-Signature/, /https:\/\/cloudformation-custom-resource-response/];
  return [
    ...secrets.filter((secret) => said.includes(secret)).map(() => 'a secret was told'),
    ...shapes.filter((shape) => shape.test(said)).map((shape) => `something like ${shape.source} was told`),
  ];
}
