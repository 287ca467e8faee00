/** integ-runner sets this variable when it synthesizes a snapshot. A snapshot must be the same on every machine. */
const isSnapshot = process.env.CDK_INTEG_ACCOUNT !== undefined;

/** Returns an environment variable, or the default value if it is not set. Snapshots always contain the default value. */
export function fromEnvironment(name: string, defaultValue: string): string {
  return (isSnapshot ? undefined : process.env[name]) ?? defaultValue;
}
