import { addFailingResource } from '../life/common-stacks';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import type { IConstruct } from 'constructs';
import { PeeringRoutes, VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringRole } from '../../lib';
import type { IVpcPeeringAuthorization } from '../../lib';
import type { VpcAccountAccess } from '../../lib/private/peering-pair';
import { ACCOUNT, fleetParameter, createExistingVpcs, REGION } from './rehearsal';
import type { VpcName, ExistingVpc } from './rehearsal';

/*
 * Synthesizes the stacks of the matrix from short descriptions: `DeclaredStack` and `DeclaredFleet`.
 */

export const STACK = 'Game';
/** The stack of the peer role. It is in the account of the VPC. */
export const ROLE_STACK = 'Data';

/** How a fleet is peered: the handler connects the fleet after its creation, or GameLift peers the fleet on creation. */
export type Peering = 'connected' | 'on creation' | 'none';
export type Routes = 'every table' | 'one subnet' | 'none';

export interface DeclaredFleet {
  readonly name: string;
  /** If somebody else created the fleet, they also peered it, before the first deployment. */
  readonly createdBy: 'stack' | 'somebody else';
  /** The version of the build. A change replaces the fleet. */
  readonly build: number;
  readonly description: string;
  readonly peering: Peering;
  readonly routes: Routes;
  readonly dnsResolution: boolean;
  readonly adoptExisting: boolean;
}

/** What a stack declares. Its fleets are peered with an existing VPC. */
export interface DeclaredStack {
  readonly vpc: VpcName;
  /** How the stack gets access to the account of the VPC. */
  readonly access: VpcAccountAccess;
  readonly fleets: readonly DeclaredFleet[];
  /** Whether the last resource of the stack is one whose creation fails. */
  readonly hasFailingResource: boolean;
}

const DEFAULT_FLEET: DeclaredFleet = {
  name: 'Lobby',
  createdBy: 'stack',
  build: 1,
  description: 'first',
  peering: 'connected',
  routes: 'every table',
  dnsResolution: false,
  adoptExisting: false,
};

export function fleet(overrides: Partial<DeclaredFleet> = {}): DeclaredFleet {
  return { ...DEFAULT_FLEET, ...overrides };
}

export function declareStack(overrides: Partial<DeclaredStack> = {}): DeclaredStack {
  return { vpc: 'A', access: 'own', fleets: [fleet()], hasFailingResource: false, ...overrides };
}

const EXISTING_VPCS = createExistingVpcs();
const assemblyDirectories = new Map<string, string>();

const EXTERNAL_ID = 'studio-7f3a9';

/** The directory of a cloud assembly with the stack and the stacks that it depends on. Cached, since synthesis takes longer than a life. */
export function assemblyOf(declaredStack: DeclaredStack): string {
  const key = JSON.stringify(declaredStack);
  const cached = assemblyDirectories.get(key);
  if (cached !== undefined) {
    return cached;
  }
  const outdir = mkdtempSync(join(tmpdir(), 'matrix-'));
  assemblyDirectories.set(key, outdir);
  const app = new App({ outdir, analyticsReporting: false });
  addStacks(app, declaredStack);
  app.synth();
  return outdir;
}

process.once('exit', () => {
  for (const directory of assemblyDirectories.values()) {
    rmSync(directory, { recursive: true, force: true });
  }
});

function addStacks(app: App, declaredStack: DeclaredStack): void {
  const stack = new Stack(app, STACK, { env: { account: ACCOUNT, region: REGION } });
  const authorization = addAuthorization(app, stack, declaredStack);
  const fleetsOrConnections = declaredStack.fleets.map((fleet) => addFleet(stack, authorization, fleet));
  if (declaredStack.hasFailingResource) {
    addFailingResource(stack, authorization, ...fleetsOrConnections);
  }
}

function addAuthorization(app: App, stack: Stack, { vpc: vpcName, access }: DeclaredStack): IVpcPeeringAuthorization {
  const { account: peerVpcAccount } = EXISTING_VPCS[vpcName];
  const vpc = importVpc(stack, EXISTING_VPCS[vpcName]);
  switch (access) {
    case 'own':
      return new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    case 'role':
      return new VpcPeeringAuthorization(stack, 'Authorization', {
        vpc,
        peerRole: addRoleStack(app, EXISTING_VPCS[vpcName]),
        externalId: EXTERNAL_ID,
      });
    case 'none':
      return VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Authorization', { vpc, peerVpcAccount });
  }
}

/** Adds the stack of the peer role, in the VPC's account. It is kept when the stack of the fleets is deleted. */
function addRoleStack(app: App, existingVpc: ExistingVpc): VpcPeeringRole {
  const stack = new Stack(app, ROLE_STACK, { env: { account: existingVpc.account, region: REGION } });
  return new VpcPeeringRole(stack, 'Role', {
    vpc: importVpc(stack, existingVpc),
    gameLiftAccount: ACCOUNT,
    externalId: EXTERNAL_ID,
  });
}

/** Adds the fleet and its connection. Returns the connection. If the fleet has none, returns the fleet. */
function addFleet(stack: Stack, authorization: IVpcPeeringAuthorization, declaredFleet: DeclaredFleet): IConstruct {
  const { name, peering, routes, dnsResolution, adoptExisting } = declaredFleet;
  const fleet = addOrImportFleet(stack, declaredFleet);
  switch (peering) {
    case 'none':
      return fleet;
    case 'on creation':
    case 'connected':
      return addOutputs(
        name,
        new VpcPeeringConnection(stack, connectionConstructId(declaredFleet), {
          authorization,
          fleet,
          peerOnCreate: peering === 'on creation',
          routes: routesOf(routes),
          dnsResolution,
          adoptExisting,
        }),
      );
  }
}

/** The attributes of a connection for which the stack has outputs. The output of an attribute is called `<name of the fleet><attribute>`. */
export const CONNECTION_ATTRIBUTES = ['ConnectionId', 'VpcId', 'CidrBlock'] as const;

/** Adds an output for each attribute, and returns the connection. */
function addOutputs(fleetName: string, connection: VpcPeeringConnection): VpcPeeringConnection {
  const attributes = [connection.vpcPeeringConnectionId, connection.gameLiftVpcId, connection.gameLiftCidrBlock];
  for (const [index, value] of attributes.entries()) {
    new CfnOutput(Stack.of(connection), `${fleetName}${String(CONNECTION_ATTRIBUTES[index])}`, { value });
  }
  return connection;
}

/** The construct id of a fleet's connection. */
export function connectionConstructId({ name }: DeclaredFleet): string {
  return `${name}Peering`;
}

function addOrImportFleet(stack: Stack, { name, createdBy, build, description }: DeclaredFleet): aws_gamelift.IFleetRef {
  if (createdBy === 'somebody else') {
    const fleetId = ssm.StringParameter.valueForStringParameter(stack, fleetParameter(name));
    return gamelift.CfnFleet.fromFleetId(stack, name, fleetId);
  }
  const server = new gamelift.CfnBuild(stack, `${name}Build`, {
    storageLocation: { bucket: 'builds', key: `${name}-${build}.zip`, roleArn: `arn:aws:iam::${ACCOUNT}:role/builds` },
  });
  return new gamelift.CfnFleet(stack, name, { name, description, buildId: server.ref, ec2InstanceType: 'c5.large' });
}

function importVpc(stack: Stack, { vpcId, subnetIds, routeTableIds }: ExistingVpc): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId,
    availabilityZones: subnetIds.map((_, index) => `us-east-1${'abc'.charAt(index)}`),
    isolatedSubnetIds: [...subnetIds],
    // the first is the main route table of the VPC. Each of the others belongs to one subnet
    isolatedSubnetRouteTableIds: routeTableIds.slice(1),
  });
}

function routesOf(routes: Routes): PeeringRoutes {
  switch (routes) {
    case 'every table':
      return PeeringRoutes.everyRouteTable();
    case 'one subnet':
      return PeeringRoutes.forSubnets({ availabilityZones: ['us-east-1a'] });
    case 'none':
      return PeeringRoutes.none();
  }
}

/** The route tables in which the stack declares a route to the fleet. */
export function declaredRouteTables({ routes }: DeclaredFleet, { routeTableIds }: ExistingVpc): readonly string[] {
  switch (routes) {
    case 'every table':
      return routeTableIds;
    case 'one subnet':
      return routeTableIds.slice(1, 2);
    case 'none':
      return [];
  }
}
