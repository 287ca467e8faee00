import { Token } from 'aws-cdk-lib';

/** What the CDK returns until a lookup was made: an error on one of these would keep the CLI from making the lookup. */
const DUMMY = /dummy-value-for-|^vpc-12345$|^rtb-\d{5}[sp]$/;

/** Whether it stands in for a value that the CLI has yet to look up, as with `Vpc.fromLookup` and `StringParameter.valueFromLookup`. */
export function isDummy(value: string): boolean {
  return DUMMY.test(value);
}

/** Whether a value is known at synthesis, and can be checked: neither a token nor a dummy value. */
export function isKnown(value: string): boolean {
  return !Token.isUnresolved(value) && !isDummy(value);
}

/** Whether two values are known at synthesis, and are not the same. */
export function differ(one: string, other: string): boolean {
  return isKnown(one) && isKnown(other) && one !== other;
}

/** @throws Error if the value is known and is no account id. */
export function checkAccount(name: string, account: string): void {
  if (isKnown(account) && !/^\d{12}$/.test(account)) {
    throw new Error(`${name} must be an AWS account id of 12 digits, got '${account}'`);
  }
}

/** @throws Error if the value is known and IAM would refuse it. */
export function checkExternalId(externalId: string): void {
  if (isKnown(externalId) && !/^[\w+=,.@:/-]{2,1224}$/.test(externalId)) {
    throw new Error(
      `externalId must be 2 to 1224 letters, digits and characters of _+=,.@:/-, got ${externalId.length} characters`,
    );
  }
}
