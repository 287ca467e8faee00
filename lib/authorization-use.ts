/** The former name of `VpcAccountAccess`, which test/matrix imports. */
export type { VpcAccountAccess as Access } from './private/peering-pair';
