import { isIPv4 } from 'node:net';
import { RemovalPolicy, Token } from 'aws-cdk-lib';

/** The values that the CDK returns before the CLI makes a lookup. If a check failed because of one, the CLI would never make the lookup. */
const DUMMY_VALUE = /dummy-value-for-|^vpc-12345$|^rtb-\d{5}[sp]$/;

/** Whether the value is a placeholder for a lookup that has not been made yet, such as `Vpc.fromLookup`. */
export function isDummyValue(value: string): boolean {
  return DUMMY_VALUE.test(value);
}

/** Whether the value is known at synthesis and can be validated: it is neither a token nor a dummy value. */
export function isKnown(value: string): boolean {
  return !Token.isUnresolved(value) && !isDummyValue(value);
}

/** Whether two values are equal. `unknown`: at least one of them is a token or a dummy value, and they are not the same token. */
export type Comparison = 'same' | 'different' | 'unknown';

export function compare(one: string, other: string): Comparison {
  if (one === other) {
    return 'same';
  }
  return isKnown(one) && isKnown(other) ? 'different' : 'unknown';
}

/** Whether two values are known at synthesis and are different. */
export function areDifferent(one: string, other: string): boolean {
  return compare(one, other) === 'different';
}

/** @throws Error if the value is known and is not an account id */
export function validateAccountId(propertyName: string, account: string): void {
  if (isKnown(account) && !/^\d{12}$/.test(account)) {
    throw new Error(`${propertyName} must be an AWS account id of 12 digits, got '${account}'`);
  }
}

/** @throws Error if the value is known and is not an IPv4 CIDR block */
export function validateCidrBlock(propertyName: string, cidrBlock: string): void {
  const [, address = '', prefix = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(cidrBlock) ?? [];
  if (isKnown(cidrBlock) && !(isIPv4(address) && Number(prefix) <= 32)) {
    throw new Error(`${propertyName} must be an IPv4 CIDR block such as 10.192.0.0/20, got '${cidrBlock}'`);
  }
}

/**
 * @throws Error if the value is known and IAM would reject it
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export function validateExternalId(externalId: string): void {
  if (isKnown(externalId) && !/^[\w+=,.@:/-]{2,1224}$/.test(externalId)) {
    throw new Error(
      `externalId must be 2 to 1224 letters, digits and characters of _+=,.@:/-, got ${externalId.length} characters`,
    );
  }
}

/** @throws Error if the policy is `SNAPSHOT` */
export function validateRemovalPolicy(removalPolicy: RemovalPolicy | undefined): void {
  if (removalPolicy === RemovalPolicy.SNAPSHOT) {
    throw new Error(
      'removalPolicy must be DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE, got SNAPSHOT: the resource has no snapshots',
    );
  }
}
