import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { PeeringRoutes, VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import { ACCOUNT, placesOf, REGION } from './world';
import type { VpcName, VpcPlace } from './world';

export const STACK = 'Game';

export type Peering = 'connected' | 'born' | 'none';
export type Routes = 'every table' | 'one subnet' | 'none';

export interface DeclaredFleet {
  readonly name: string;
  /** Another one replaces the fleet. */
  readonly build: number;
  readonly description: string;
  readonly peering: Peering;
  readonly routes: Routes;
  readonly dnsResolution: boolean;
}

/** What a stack is to hold: fleets in a VPC that was there before. */
export interface Declared {
  readonly vpc: VpcName;
  readonly fleets: readonly DeclaredFleet[];
  /** How the stack ends: after everything else, there may be a resource that can't be made. */
  readonly end: 'sound' | 'failing';
}

const FLEET: DeclaredFleet = {
  name: 'Lobby',
  build: 1,
  description: 'first',
  peering: 'connected',
  routes: 'every table',
  dnsResolution: false,
};

export function fleet(change: Partial<DeclaredFleet> = {}): DeclaredFleet {
  return { ...FLEET, ...change };
}

export function declare(change: Partial<Declared> = {}): Declared {
  return { vpc: 'A', fleets: [fleet()], end: 'sound', ...change };
}

const PLACES = placesOf();
const assemblies = new Map<string, string>();

/** The cloud assembly of a stack, made once: synthesis takes longer than a whole life. */
export function assemblyOf(declared: Declared): string {
  const key = JSON.stringify(declared);
  const known = assemblies.get(key);
  if (known !== undefined) {
    return known;
  }
  const outdir = mkdtempSync(join(tmpdir(), 'matrix-'));
  assemblies.set(key, outdir);
  const app = new App({ outdir, analyticsReporting: false });
  build(new Stack(app, STACK, { env: { account: ACCOUNT, region: REGION } }), declared);
  app.synth();
  return outdir;
}

process.once('exit', () => {
  for (const directory of assemblies.values()) {
    rmSync(directory, { recursive: true, force: true });
  }
});

function build(stack: Stack, { vpc: vpcName, fleets, end }: Declared): void {
  const vpc = imported(stack, PLACES[vpcName]);
  const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
  const last = fleets.map((declared) => {
    const { name, build: version, description, peering, routes, dnsResolution } = declared;
    const server = new gamelift.CfnBuild(stack, `${name}Build`, {
      storageLocation: { bucket: 'builds', key: `${name}-${version}.zip`, roleArn: `arn:aws:iam::${ACCOUNT}:role/builds` },
    });
    const made = new gamelift.CfnFleet(stack, name, { name, description, buildId: server.ref, ec2InstanceType: 'c5.large' });
    switch (peering) {
      case 'none':
        return made;
      case 'born':
        authorization.authorizeFleet(made);
        return made;
      case 'connected':
        return new VpcPeeringConnection(stack, `${name}Peering`, {
          authorization,
          fleet: made,
          routes: routesOf(routes),
          dnsResolution,
        });
    }
  });
  if (end === 'failing') {
    // its VPC is not there
    const late = new ec2.CfnSecurityGroup(stack, 'Late', { groupDescription: 'late', vpcId: 'vpc-0123456789abcdef0' });
    late.node.addDependency(authorization, ...last);
  }
}

function imported(stack: Stack, { vpcId, subnetIds, routeTableIds }: VpcPlace): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId,
    availabilityZones: subnetIds.map((_, index) => `us-east-1${'abc'.charAt(index)}`),
    isolatedSubnetIds: [...subnetIds],
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

/** The route tables that are declared to lead to a fleet. */
export function declaredTables({ routes }: DeclaredFleet, { routeTableIds }: VpcPlace): readonly string[] {
  switch (routes) {
    case 'every table':
      return routeTableIds;
    case 'one subnet':
      return routeTableIds.slice(1, 2);
    case 'none':
      return [];
  }
}
