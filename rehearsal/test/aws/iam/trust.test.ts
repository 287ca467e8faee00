import { trusts } from '../../../src/aws/iam/trust';

const ACCOUNT = '111111111111';
const SCHEDULER_STATEMENT = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'scheduler.amazonaws.com' } };
const SOURCE_ACCOUNT = 'aws:SourceAccount';
const SOURCE_ARN = 'aws:SourceArn';

const trustsScheduler = (...Statement: object[]) =>
  trusts({ Version: '2012-10-17', Statement }, 'scheduler.amazonaws.com', ACCOUNT);
const allowIf = (Condition: object, elements: object = {}) => ({ ...SCHEDULER_STATEMENT, ...elements, Condition });
const denyIf = (Condition: object) => allowIf(Condition, { Effect: 'Deny' });

test.each<[string, object[]]>([
  ['without a condition', [SCHEDULER_STATEMENT]],
  [
    'in a list of services',
    [{ ...SCHEDULER_STATEMENT, Principal: { Service: ['lambda.amazonaws.com', 'scheduler.amazonaws.com'] } }],
  ],
  ['if the principal of the statement is a wildcard', [{ ...SCHEDULER_STATEMENT, Principal: '*' }]],
  ['if the action of the statement has a wildcard', [{ ...SCHEDULER_STATEMENT, Action: ['STS:Assume*'] }]],
  ['whose account satisfies StringEquals', [allowIf({ StringEquals: { 'AWS:sourceaccount': ['222222222222', ACCOUNT] } })]],
  ['whose account satisfies StringLike', [allowIf({ StringLike: { [SOURCE_ACCOUNT]: '1111*' } })]],
  ['whose account satisfies StringNotEquals', [allowIf({ StringNotEquals: { [SOURCE_ACCOUNT]: '222222222222' } })]],
  ['if only other accounts are denied', [SCHEDULER_STATEMENT, denyIf({ StringNotEquals: { [SOURCE_ACCOUNT]: ACCOUNT } })]],
])('a trust policy admits a service %s', (_, statements) => {
  expect(trustsScheduler(...statements)).toBe(true);
});

test.each<[string, object[]]>([
  ['that it does not name', [{ ...SCHEDULER_STATEMENT, Principal: { Service: 'lambda.amazonaws.com' } }]],
  ['for another action', [{ ...SCHEDULER_STATEMENT, Action: 'sts:TagSession' }]],
  ['for another account', [allowIf({ StringLike: { [SOURCE_ACCOUNT]: '2222*' } })]],
  ['under a condition on an unknown key', [allowIf({ StringLikeIfExists: { [SOURCE_ARN]: '*' } })]],
  [
    'under two conditions, of which only one is met',
    [allowIf({ StringEquals: { [SOURCE_ACCOUNT]: ACCOUNT, [SOURCE_ARN]: 'arn' } })],
  ],
  ['that another statement denies', [SCHEDULER_STATEMENT, denyIf({ StringLike: { [SOURCE_ACCOUNT]: '1*' } })]],
  // a Deny statement applies if its condition is not understood
  [
    'that another statement denies under a condition on an unknown key',
    [SCHEDULER_STATEMENT, denyIf({ StringEquals: { [SOURCE_ARN]: 'arn' } })],
  ],
])('a trust policy does not admit a service %s', (_, statements) => {
  expect(trustsScheduler(...statements)).toBe(false);
});

test('a service that does not send its account meets no condition on the account', () => {
  const Statement = allowIf({ StringLike: { [SOURCE_ACCOUNT]: '*' } }, { Principal: { Service: 'lambda.amazonaws.com' } });
  expect(trusts({ Version: '2012-10-17', Statement }, 'lambda.amazonaws.com', ACCOUNT)).toBe(false);
});
