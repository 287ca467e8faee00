import { ServiceError } from '../service';
import { isCidr, isIpv6Cidr } from './cidr';

/** A security group rule. */
export interface Rule {
  readonly direction: 'ingress' | 'egress';
  /** `-1` for all protocols. */
  readonly protocol: string;
  readonly fromPort?: number;
  readonly toPort?: number;
  /** The source of ingress or the target of egress: a CIDR block, or the id of a security group or a prefix list. */
  readonly peer: string;
  readonly description?: string;
}

/** The default rule of a new security group: allows all egress. */
export const ALL_EGRESS: Rule = { direction: 'egress', protocol: '-1', peer: '0.0.0.0/0' };

/** The descriptions and group names that EC2 accepts. */
const ALLOWED_TEXT = /^[a-zA-Z0-9. _\-:/()#,@[\]+=&;{}!$*]{0,255}$/;
const ALLOWED_CHARACTERS =
  'Valid descriptions are strings less than 256 characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*';
/** TCP and UDP, by name and by protocol number. */
const PROTOCOLS_WITH_PORTS = ['tcp', 'udp', '6', '17'];
const LAST_PORT = 65_535;

const invalid = (message: string): ServiceError => new ServiceError('InvalidParameterValue', message);

/** Whether two rules are the same apart from their descriptions. */
export function isSameRule(one: Rule, other: Rule): boolean {
  const keyOf = ({ direction, protocol, fromPort, toPort, peer }: Rule) =>
    [direction, protocol, fromPort, toPort, peer].join(' ');
  return keyOf(one) === keyOf(other);
}

/** Throws EC2's error if the rule is invalid. */
export function requireValidRule({ peer, protocol, fromPort, toPort, description = '' }: Rule): void {
  if (!/^(sg|pl)-/.test(peer) && !isCidr(peer) && !isIpv6Cidr(peer)) {
    throw invalid(`CIDR block ${peer} is malformed`);
  }
  if (!ALLOWED_TEXT.test(description)) {
    throw invalid(`Invalid rule description. ${ALLOWED_CHARACTERS}`);
  }
  if (PROTOCOLS_WITH_PORTS.includes(protocol)) {
    requirePorts(fromPort, toPort);
  }
}

/** Throws EC2's error if the name or description of a security group is invalid. */
export function requireValidNameAndDescription(name: string, description: string): void {
  if (!ALLOWED_TEXT.test(description) || description === '') {
    throw invalid(`Invalid security group description. ${ALLOWED_CHARACTERS}`);
  }
  if (!ALLOWED_TEXT.test(name) || name === '' || name.startsWith('sg-')) {
    throw invalid(`Value (${name}) for parameter GroupName is invalid.`);
  }
}

function requirePorts(from: number | undefined, to: number | undefined): void {
  if (from === undefined || to === undefined) {
    throw invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.");
  }
  if (from < 0 || to > LAST_PORT || from > to) {
    throw invalid(`Invalid TCP/UDP port range (${from}:${to})`);
  }
}
