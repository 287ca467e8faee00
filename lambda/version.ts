import { version } from '../package.json';

/** The name and version of the library, for the log and the SDK's user agent. */
export const LIBRARY = { name: 'cdk-gamelift-vpc-peering', version } as const;
