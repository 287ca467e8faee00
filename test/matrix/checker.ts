import { isDeepStrictEqual } from 'node:util';
import { withoutExpirationTime, type Inventory } from 'rehearsal/aws';
import { CONNECTION_ATTRIBUTES, declaredRouteTables, connectionConstructId, ROLE_STACK, STACK } from './stacks';
import type { DeclaredStack, DeclaredFleet } from './stacks';
import { DAY_MS, ACCOUNT_AND_REGION } from './rehearsal';
import type { MatrixRehearsal, ExistingVpc } from './rehearsal';

/*
 * Compares what exists in the accounts with what the stack declares, and with what existed before the first deployment.
 */

type ResourceKind = keyof Inventory;

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

const resourceKinds = (inventory: Inventory): readonly ResourceKind[] => Object.keys(inventory) as ResourceKind[];

/** The items that only the first list contains. Items that differ only in their expiration times count as equal. */
function onlyIn(items: readonly object[], others: readonly object[]): readonly object[] {
  const othersWithoutTime = others.map(withoutExpirationTime);
  return items.filter((item) => !othersWithoutTime.some((other) => isDeepStrictEqual(withoutExpirationTime(item), other)));
}

/** Resources of others that the stack has deleted or changed, apart from the changes that adopting a connection may make. */
export function changesToOthers(rehearsal: MatrixRehearsal): readonly string[] {
  const now = rehearsal.aws.inventory();
  const ignoreAllowedChanges = (item: object): object => withoutAllowedChanges(rehearsal, item);
  return resourceKinds(now).flatMap((kind) =>
    onlyIn(rehearsal.initialInventory[kind].map(ignoreAllowedChanges), now[kind].map(ignoreAllowedChanges)).map(
      (item) => `changed or deleted a resource of others: ${kind} ${JSON.stringify(item)}`,
    ),
  );
}

/** The item without what a stack may change when it adopts a connection: the claim on the fleet, and the connection's DNS resolution. */
function withoutAllowedChanges({ fleetPeeredByHand }: MatrixRehearsal, item: object): object {
  const { id } = item as { readonly id?: string };
  if (id !== undefined && id === fleetPeeredByHand?.fleetId) {
    const tags = Object.entries((item as FleetItem).tags).filter(([key]) => !key.startsWith('cdk-gamelift-vpc-peering:'));
    return { ...item, tags: Object.fromEntries(tags) };
  }
  return id !== undefined && id === fleetPeeredByHand?.peeringId ? { ...item, dnsResolution: undefined } : item;
}

/**
 * Authorizations of the stack's VPC that the handler should have canceled. It lets an authorization expire if somebody else's fleet is still
 * peered with the VPC.
 */
export function uncanceledAuthorizations(
  { aws, initialInventory, vpcs }: MatrixRehearsal,
  { vpc, access }: DeclaredStack,
): readonly string[] {
  const inventory = aws.inventory();
  const isPeered = (inventory.peerings as readonly PeeringItem[]).some(
    ({ accepter, status }) => accepter === vpcs[vpc].vpcId && status === 'active',
  );
  const newAuthorizations = onlyIn(inventory.authorizations, initialInventory.authorizations);
  // without access to the VPC's account, somebody authorized by hand, and has to cancel by hand
  return (access === 'none' || isPeered ? [] : newAuthorizations)
    .filter((item) => (item as AuthorizationItem).peerVpcId === vpcs[vpc].vpcId)
    .map((item) => `still valid: ${JSON.stringify(item)}`);
}

/** What is left behind two days after the stack was deleted, when all authorizations have expired. Deletes the stack of the peer role first. */
export async function leftBehind(rehearsal: MatrixRehearsal): Promise<readonly string[]> {
  await rehearsal.clock.sleep(2 * DAY_MS);
  const { aws, cloudFormation } = rehearsal;
  if (aws.inventory().stacks.some((stack) => 'name' in stack && stack.name === ROLE_STACK)) {
    await cloudFormation.delete(ROLE_STACK);
  }
  const now = aws.inventory();
  return resourceKinds(now).flatMap((kind) =>
    onlyIn(now[kind], rehearsal.initialInventory[kind])
      .filter((item) => !isLeftByGameLift(rehearsal, kind, item))
      .map((item) => `left behind: ${kind} ${JSON.stringify(item)}`),
  );
}

/**
 * Whether GameLift wrote this item in the VPC and did not remove it, and the handler could not remove it either: a security group rule, which
 * the handler can't distinguish from the user's rules, or a route to a fleet whose creation failed early, so that the handler does not know it.
 * Without access to the VPC's account, the handler can't remove any route.
 */
function isLeftByGameLift(rehearsal: MatrixRehearsal, kind: ResourceKind, item: object): boolean {
  const { behaviours, ec2 } = rehearsal.aws;
  if (behaviours.get('peerVpcWritesOnDelete') === 'removed' || behaviours.get('peerVpcWrites') === 'none') {
    return false;
  }
  if (kind === 'rules') {
    // the rehearsal chooses the CIDR blocks of fleets in 10.192.0.0/13
    return /^10\.19[2-9]\./.test((item as RuleItem).peer);
  }
  const requester = ec2.peerings.find((item as RouteItem).target)?.requester.vpcId;
  const hasEc2Access = rehearsal.functions.calls.some(({ service }) => service === 'ec2');
  return kind === 'routes' && requester !== undefined && (!hasEc2Access || !vpcsOfKnownFleets(rehearsal).has(requester));
}

/** The VPCs of the fleets that the handler has passed to GameLift. */
function vpcsOfKnownFleets({ aws, functions }: MatrixRehearsal): ReadonlySet<string> {
  const fleets = functions.calls
    .filter(({ service }) => service === 'gamelift')
    .flatMap(({ input }) => (input as { readonly FleetId?: string }).FleetId ?? []);
  return new Set(fleets.flatMap((id) => aws.gameLift.fleets.find(ACCOUNT_AND_REGION, id)?.vpc?.vpcId ?? []));
}

/** The differences between what exists in the accounts and what this stack declares, after its deployment. */
export function deviationsFrom(rehearsal: MatrixRehearsal, declaredStack: DeclaredStack): readonly string[] {
  const { aws, initialInventory, vpcs } = rehearsal;
  const inventory = aws.inventory();
  const newOrChangedItems = (kind: ResourceKind): readonly object[] => onlyIn(inventory[kind], initialInventory[kind]);
  const fleets = newOrChangedItems('fleets') as readonly FleetItem[];
  const peeredFleets = declaredStack.fleets.filter(({ peering }) => peering !== 'none');
  const fleetsWithNewConnection = peeredFleets.filter(({ createdBy }) => createdBy === 'stack');
  // the peering of an adopted connection is not new, and changes only if the stack declares DNS resolution
  const fleetsWithDnsChange = peeredFleets.filter(
    ({ createdBy, dnsResolution }) => createdBy === 'somebody else' && dnsResolution,
  );
  const counts: readonly [string, number, number][] = [
    ['fleets', declaredStack.fleets.length, fleets.length],
    ['connections', fleetsWithNewConnection.length, newOrChangedItems('connections').length],
    ['peerings', fleetsWithNewConnection.length + fleetsWithDnsChange.length, newOrChangedItems('peerings').length],
  ];
  return [
    ...counts
      .filter(([, expected, actual]) => expected !== actual)
      .map(([kind, expected, actual]) => `${kind}: ${actual} instead of ${expected}`),
    ...declaredStack.fleets.flatMap((fleet) => {
      const existingFleet = fleets.find(({ Name }) => Name === fleet.name);
      return existingFleet === undefined
        ? [`fleet ${fleet.name} does not exist`]
        : fleetDeviations(rehearsal, declaredStack, fleet, existingFleet);
    }),
    ...(newOrChangedItems('routes') as readonly RouteItem[])
      .filter(
        (route) => (route.state === 'blackhole' || peeredFleets.length === 0) && !isLeftByGameLift(rehearsal, 'routes', route),
      )
      .map((route) => `a route is a blackhole or not needed: ${JSON.stringify(route)}`),
    ...Object.entries(vpcs).flatMap(([name, { vpcId }]) =>
      name === declaredStack.vpc
        ? []
        : (newOrChangedItems('peerings') as readonly PeeringItem[])
            .filter(({ accepter }) => accepter === vpcId)
            .map(({ id }) => `VPC ${name} is still peered: ${id}`),
    ),
  ];
}

function fleetDeviations(
  rehearsal: MatrixRehearsal,
  { vpc, access }: DeclaredStack,
  fleet: DeclaredFleet,
  { id, status, Description, tags }: FleetItem,
): readonly string[] {
  const { aws, vpcs } = rehearsal;
  const peerVpc = vpcs[vpc];
  const { name, peering, description, dnsResolution } = fleet;
  const inventory = aws.inventory();
  const connections = (inventory.connections as readonly ConnectionItem[]).filter(({ fleetId }) => fleetId === id);
  const vpcOfFleet = aws.gameLift.fleets.all().find((candidate) => candidate.id === id)?.vpc;
  const side = (inventory.peerings as readonly PeeringItem[]).find(({ requester }) => requester === vpcOfFleet?.vpcId);
  const problems = [
    status === 'ACTIVE' ? [] : [`fleet ${name} is ${status}`],
    Description === description ? [] : [`fleet ${name} has the description ${String(Description)} instead of ${description}`],
  ].flat();
  if (peering === 'none') {
    return [...problems, ...connections.map(() => `fleet ${name} is peered`)];
  }
  const [connection] = connections;
  if (
    vpcOfFleet === undefined ||
    connection?.status !== 'active' ||
    connection.peerVpcId !== peerVpc.vpcId ||
    side?.status !== 'active'
  ) {
    return [...problems, `fleet ${name} is not peered with VPC ${vpc}: ${JSON.stringify({ connection, side })}`];
  }
  const routes = (inventory.routes as readonly RouteItem[]).filter(({ target }) => target === side.id);
  const tables = declaredRouteTables(fleet, peerVpc);
  const tablesWithoutRoute = tables.filter(
    (table) => !routes.some(({ routeTableId, destination }) => routeTableId === table && destination === vpcOfFleet.cidrBlock),
  );
  const undeclaredRoutes = (onlyIn(routes, rehearsal.initialInventory.routes) as readonly RouteItem[]).filter(
    ({ routeTableId }) => !tables.includes(routeTableId) && !tablesThatGameLiftWrites(rehearsal, peerVpc).includes(routeTableId),
  );
  const expectedAttributes = [connection.id, vpcOfFleet.vpcId, vpcOfFleet.cidrBlock];
  const hasNameTag = (inventory.tags as readonly TagItem[]).some(
    ({ account, resourceId, key }) => account === peerVpc.account && resourceId === side.id && key === 'Name',
  );
  return [
    ...problems,
    ...tablesWithoutRoute.map((table) => `${table} has no route to fleet ${name}`),
    ...undeclaredRoutes.map(({ routeTableId }) => `${routeTableId} has a route to fleet ${name} that is not declared`),
    ...connectionOutputs(rehearsal, name).flatMap((value, index) =>
      value === expectedAttributes[index]
        ? []
        : [`${String(CONNECTION_ATTRIBUTES[index])} of ${name} is ${value} instead of ${String(expectedAttributes[index])}`],
    ),
    ...(side.dnsResolution.accepter === dnsResolution ? [] : [`DNS resolution of ${name} is ${String(!dnsResolution)}`]),
    ...claimProblems(rehearsal, fleet, peerVpc, tags, expectedAttributes),
    ...(hasNameTag || access === 'none' ? [] : [`the peering of ${name} has no tag Name`]),
  ];
}

/** The stack's outputs about the connection of a fleet, in the order of `CONNECTION_ATTRIBUTES`. */
function connectionOutputs({ cloudFormation }: MatrixRehearsal, name: string): readonly string[] {
  const { outputs } = cloudFormation.describe(STACK);
  return CONNECTION_ATTRIBUTES.map((attribute) => String(outputs[`${name}${attribute}`]));
}

/** The route tables in which GameLift creates routes under the chosen reading. */
function tablesThatGameLiftWrites({ aws }: MatrixRehearsal, { routeTableIds }: ExistingVpc): readonly string[] {
  switch (aws.behaviours.get('peerVpcWrites')) {
    case 'every route table':
      return routeTableIds;
    case 'main route table':
      return routeTableIds.slice(0, 1);
    case 'none':
      return [];
  }
}

/** Problems if the claim on the fleet does not name the owner of the connection, or its note does not say how the owner got the connection. */
function claimProblems(
  { aws, cloudFormation }: MatrixRehearsal,
  fleet: DeclaredFleet,
  { vpcId }: ExistingVpc,
  tags: FleetItem['tags'],
  attributes: readonly string[],
): readonly string[] {
  // the keys of all claims and notes for this VPC
  const tagKeys = Object.keys(tags).filter((candidate) => candidate.startsWith(`cdk-gamelift-vpc-peering:${vpcId}:`));
  if (tagKeys.length === 0 && aws.behaviours.get('foreignFleetTags') === 'removed') {
    return [];
  }
  const { id, resources } = cloudFormation.describe(STACK);
  const logicalId = resources.find((resource) => resource.logicalId.startsWith(connectionConstructId(fleet)))?.logicalId;
  // the id of a stack is its ARN, which ends with /NAME/GUID
  const [, stack, guid] = id.split('/');
  const owner = `${String(stack)}/${String(logicalId)}/${String(guid)}`;
  // somebody who created the fleet also connected it
  const note = [...attributes, fleet.createdBy === 'somebody else' ? 'adopted' : 'created'].join(' ');
  const claimKey = tagKeys.find((candidate) => tags[candidate]?.startsWith(`${owner} `)) ?? '';
  // the two tags are the owner's claim and its note
  return tags[`${claimKey}:connection`]?.startsWith(`${note} `) === true && tagKeys.length === 2
    ? []
    : [`fleet ${fleet.name} is not claimed as ${owner}: ${note}, but has the tags ${JSON.stringify(tags)}`];
}

/** A period, in milliseconds since the epoch. */
export type Period = readonly [from: number, to: number];

/**
 * CloudFormation's events about failed deletions, even if CloudFormation then tried again or continued.
 *
 * @param ignoredPeriods periods in which deletions may fail
 */
export function failedDeletions({ journal }: MatrixRehearsal, ignoredPeriods: readonly Period[] = []): readonly string[] {
  return journal.entries
    .filter(({ source, message }) => source === 'cloudformation' && message.startsWith('DELETE_FAILED'))
    .filter(({ time }) => !ignoredPeriods.some(([from, to]) => from <= time && time <= to))
    .map(({ subject, message }) => `${subject} ${message}`);
}

/** How long a change in IAM may take to propagate. */
const IAM_PROPAGATION_MS = 60_000;

/** Calls of the handler that IAM denied, even if the handler continued. Ignores denials while a change of a policy propagates. */
export function deniedCalls({ aws, journal }: MatrixRehearsal): readonly string[] {
  const isPropagationLate = aws.behaviours.get('iamPropagation') === 'up to a minute late';
  const iamChanges = journal.entries.filter(
    ({ source, message }) => source === 'cloudformation' && message.includes(' AWS::IAM::'),
  );
  return journal.entries
    .filter(({ message }) => /^(AccessDenied(Exception)?|UnauthorizedOperation) in \S+, called by /.test(message))
    .filter(
      ({ time }) =>
        !(isPropagationLate && iamChanges.some((change) => change.time <= time && time < change.time + IAM_PROPAGATION_MS)),
    )
    .map(({ subject, message }) => `${subject} ${message}`);
}

/**
 * Whether CloudFormation skipped a deletion in a cleanup: after three failed attempts, it continues and reports success. It deletes the
 * handler's permissions in the same cleanup, so the handler can't delete the resource later.
 */
export function hasSkippedCleanup({ journal }: MatrixRehearsal): boolean {
  let isCleanup = false;
  let failedDeletes: readonly string[] = [];
  for (const { source, subject, message } of journal.entries) {
    if (source === 'cloudformation' && message.includes(' AWS::CloudFormation::Stack')) {
      isCleanup = message.includes('CLEANUP_IN_PROGRESS');
      failedDeletes = [];
    } else if (source === 'cloudformation' && isCleanup && message.startsWith('DELETE_FAILED')) {
      failedDeletes = [...failedDeletes, subject];
      if (failedDeletes.filter((other) => other === subject).length === 3) {
        return true;
      }
    }
  }
  return false;
}

/** Why resources of the stack failed, according to CloudFormation's events. */
export function failureReasons({ journal }: MatrixRehearsal): readonly string[] {
  return journal.entries
    .filter(
      ({ source, subject, message }) =>
        source === 'cloudformation' && subject.startsWith(`${STACK}/`) && /^\w+_FAILED/.test(message),
    )
    .map(({ message }) => message.replace(/^\w+_FAILED [\w:]+:? ?/, ''));
}

/** Problems if logs, responses or events contain a secret. */
export function leakedSecrets({ journal, secrets }: MatrixRehearsal): readonly string[] {
  const text = journal.entries.map(({ subject, message }) => `${subject} ${message}`).join('\n');
  const patterns = [/X-Amz-Signature/, /https:\/\/cloudformation-custom-resource-response/];
  return [
    ...secrets.filter((secret) => text.includes(secret)).map(() => 'the journal contains a secret of the rehearsal'),
    ...patterns
      .filter((pattern) => pattern.test(text))
      .map((pattern) => `the journal contains a secret that matches ${pattern.source}`),
  ];
}
