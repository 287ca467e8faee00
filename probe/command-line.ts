import { parseArgs } from 'node:util';
import { messageOf } from './errors';

export const DEFAULT_REPORT_FILE = 'probe-readings.json';

export const USAGE = `usage: npm run probe -- --fleet FLEET --vpc VPC [--yes] [--json FILE]
       npm run probe -- --policy [--fleet FLEET] [--vpc VPC]

Finds out in your AWS account what AWS's documents leave open about VPC peering, and undoes its changes.
See docs/probe.md for what it does, how long it takes, and how to send in the result.

  --fleet FLEET  the id of an ACTIVE EC2 fleet without peering connections
  --vpc VPC      the id of an empty VPC in the same account and Region, without peering connections
  --yes          begin without asking
  --json FILE    where to write the result (default ${DEFAULT_REPORT_FILE})
  --policy       print the IAM policy that the probe needs, and do nothing else
  --help         print this help

Region and credentials come from the same sources as for the AWS CLI, such as AWS_REGION and AWS_PROFILE.`;

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'policy'; readonly fleetId?: string; readonly vpcId?: string }
  | {
      readonly kind: 'probe';
      readonly fleetId: string;
      readonly vpcId: string;
      readonly isConfirmed: boolean;
      readonly reportFile: string;
    }
  | { readonly kind: 'invalid'; readonly message: string };

export function parseCommand(args: readonly string[]): Command {
  try {
    return commandOf(args);
  } catch (error) {
    return { kind: 'invalid', message: messageOf(error) };
  }
}

function commandOf(args: readonly string[]): Command {
  const { values } = parseArgs({
    args: [...args],
    options: {
      fleet: { type: 'string' },
      vpc: { type: 'string' },
      yes: { type: 'boolean', default: false },
      json: { type: 'string', default: DEFAULT_REPORT_FILE },
      policy: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { fleet: fleetId, vpc: vpcId, yes: isConfirmed, json: reportFile } = values;
  if (values.help) {
    return { kind: 'help' };
  }
  if (fleetId !== undefined && !/^fleet-[a-zA-Z0-9-]+$/.test(fleetId)) {
    throw new Error(
      `--fleet must be the id of an EC2 fleet such as fleet-2222bbbb-33cc-44dd-55ee-6666ffff77aa, got '${fleetId}'`,
    );
  }
  if (vpcId !== undefined && !/^vpc-[0-9a-f]+$/.test(vpcId)) {
    throw new Error(`--vpc must be the id of a VPC such as vpc-0123456789abcdef0, got '${vpcId}'`);
  }
  if (values.policy) {
    return { kind: 'policy', fleetId, vpcId };
  }
  if (fleetId === undefined || vpcId === undefined) {
    throw new Error(`--fleet and --vpc must be given. For help, run npm run probe -- --help`);
  }
  return { kind: 'probe', fleetId, vpcId, isConfirmed, reportFile };
}
