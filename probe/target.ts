import type { Api, FleetAndVpc } from './api';
import type { Calls } from './calls';
import { ProbeStopped } from './errors';
import { readNetwork, routeText, ruleText } from './network';
import { isLive } from './observer';
import type { Observer } from './observer';

/*
 * Checks the fleet and the VPC. The fleet must have no connections and the VPC must be empty, so that the probe recognizes its own changes.
 */

export interface Target {
  readonly pair: FleetAndVpc;
  readonly fleetArn: string;
}

export async function findTarget(calls: Calls, api: Api, fleetId: string, vpcId: string): Promise<Target> {
  const { Account: account = '' } = await calls.callOrThrow(api.callerIdentity());
  const fleetArn = await requireActiveFleet(calls, api, fleetId);
  await requireVpcOfAccount(calls, api, vpcId, account);
  return { pair: { account, fleetId, vpcId }, fleetArn };
}

async function requireActiveFleet(calls: Calls, api: Api, fleetId: string): Promise<string> {
  const result = await calls.callWithRetries(api.fleet(fleetId));
  if (result.kind === 'refused') {
    throw new ProbeStopped(
      `${fleetId} was not found: ${result.name}: ${result.message}. Check the id, the Region and the credentials.`,
    );
  }
  const fleet = result.output.FleetAttributes?.find(({ FleetId }) => FleetId === fleetId);
  if (fleet?.FleetArn === undefined) {
    throw new ProbeStopped(`${fleetId} was not found. Check the id, the Region and the credentials.`);
  }
  if (fleet.ComputeType !== undefined && fleet.ComputeType !== 'EC2') {
    throw new ProbeStopped(`${fleetId} has compute type ${fleet.ComputeType}. GameLift peers EC2 fleets only: use an EC2 fleet.`);
  }
  if (fleet.Status !== 'ACTIVE') {
    throw new ProbeStopped(`${fleetId} is ${fleet.Status ?? 'without a status'}. Use a fleet that is ACTIVE.`);
  }
  return fleet.FleetArn;
}

async function requireVpcOfAccount(calls: Calls, api: Api, vpcId: string, account: string): Promise<void> {
  const result = await calls.callWithRetries(api.vpc(vpcId));
  if (result.kind === 'refused') {
    throw new ProbeStopped(
      `${vpcId} was not found: ${result.name}: ${result.message}. Check the id, the Region and the credentials.`,
    );
  }
  const vpc = result.output.Vpcs?.find(({ VpcId }) => VpcId === vpcId);
  if (vpc === undefined) {
    throw new ProbeStopped(`${vpcId} was not found. Check the id, the Region and the credentials.`);
  }
  if (vpc.OwnerId !== account) {
    throw new ProbeStopped(
      `${vpcId} belongs to account ${vpc.OwnerId ?? '(unknown)'}, but your credentials belong to ${account}. Use a VPC of the account of the fleet.`,
    );
  }
}

/** Throws if the fleet or the VPC has connections, if the VPC is authorized, or if the VPC is not empty. */
export async function requireUnused(calls: Calls, api: Api, observer: Observer, { pair }: Target): Promise<void> {
  const { account, fleetId, vpcId } = pair;
  const { VpcPeeringAuthorizations: authorizations = [] } = await calls.callOrThrow(api.authorizations());
  const { NetworkInterfaces: interfaces = [] } = await calls.callOrThrow(api.networkInterfaces(vpcId));
  const { routes, rules } = await readNetwork(calls, api, vpcId);
  const connections = (await observer.gameLiftConnections()).filter(isLive);
  const peerings = [...(await observer.ec2Peerings('accepter')), ...(await observer.ec2Peerings('requester'))].filter(isLive);
  const isValid = (expiry: Date | undefined): boolean => expiry === undefined || expiry.getTime() > calls.now();
  const obstacles = [
    ...connections.map(
      ({ id, status, vpcId: peerVpcId }) => `${fleetId} has connection ${id} to ${peerVpcId}, which is ${status}`,
    ),
    ...authorizations
      .filter(({ PeerVpcId, ExpirationTime }) => PeerVpcId === vpcId && isValid(ExpirationTime))
      .map(({ GameLiftAwsAccountId }) => `${vpcId} is authorized for account ${GameLiftAwsAccountId ?? account}`),
    ...peerings.map(({ id, status }) => `${vpcId} has peering ${id}, which is ${status}`),
    ...interfaces.map(({ NetworkInterfaceId = '' }) => `${vpcId} has network interface ${NetworkInterfaceId}`),
    ...routes.map((route) => `${vpcId} has a ${routeText(route)}`),
    ...rules.map((rule) => `${vpcId} has an ${ruleText(rule)}`),
  ];
  if (obstacles.length > 0) {
    throw new ProbeStopped(
      `The probe needs a fleet without connections and an empty VPC that nothing is peered with, but found:\n` +
        `${obstacles.map((item) => `- ${item}`).join('\n')}\n` +
        'Use another fleet or a new VPC (aws ec2 create-vpc). If you have just deleted these, wait for a minute. ' +
        'If an earlier run of the probe left them behind, run the probe again with the fleet of that run.',
    );
  }
}
