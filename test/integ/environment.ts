/** integ-runner sets this variable when it synthesizes a snapshot, which has to be the same on every machine. */
const isSnapshot = process.env.CDK_INTEG_ACCOUNT !== undefined;

/** A variable of the environment, or what to use if it is not set. A snapshot always has the latter. */
export function fromEnvironment(name: string, otherwise: string): string {
  return (isSnapshot ? undefined : process.env[name]) ?? otherwise;
}
