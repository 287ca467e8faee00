import { version } from '../package.json';

/** The library and its version, as log lines and the SDK's user agent show them. */
export const LIBRARY = { name: 'cdk-gamelift-vpc-peering', version } as const;
