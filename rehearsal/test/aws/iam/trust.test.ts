import { trusts } from '../../../src/aws/iam/trust';

const ACCOUNT = '111111111111';
const SCHEDULER = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'scheduler.amazonaws.com' } };
const SOURCE_ACCOUNT = 'aws:SourceAccount';
const SOURCE_ARN = 'aws:SourceArn';

const trustsScheduler = (...Statement: object[]) =>
  trusts({ Version: '2012-10-17', Statement }, 'scheduler.amazonaws.com', ACCOUNT);
const allowIf = (Condition: object, elements: object = {}) => ({ ...SCHEDULER, ...elements, Condition });
const denyIf = (Condition: object) => allowIf(Condition, { Effect: 'Deny' });

test.each<[string, object[]]>([
  ['without a condition', [SCHEDULER]],
  ['in a list of services', [{ ...SCHEDULER, Principal: { Service: ['lambda.amazonaws.com', 'scheduler.amazonaws.com'] } }]],
  ['if its principal is a wildcard', [{ ...SCHEDULER, Principal: '*' }]],
  ['if its action has a wildcard', [{ ...SCHEDULER, Action: ['STS:Assume*'] }]],
  ['under StringEquals', [allowIf({ StringEquals: { 'AWS:sourceaccount': ['222222222222', ACCOUNT] } })]],
  ['under StringLike', [allowIf({ StringLike: { [SOURCE_ACCOUNT]: '1111*' } })]],
  ['under StringNotEquals', [allowIf({ StringNotEquals: { [SOURCE_ACCOUNT]: '222222222222' } })]],
  ['with a denial for other accounts', [SCHEDULER, denyIf({ StringNotEquals: { [SOURCE_ACCOUNT]: ACCOUNT } })]],
])('a trust policy admits a service %s', (_, statements) => {
  expect(trustsScheduler(...statements)).toBe(true);
});

test.each<[string, object[]]>([
  ['that it does not name', [{ ...SCHEDULER, Principal: { Service: 'lambda.amazonaws.com' } }]],
  ['for another action', [{ ...SCHEDULER, Action: 'sts:TagSession' }]],
  ['for another account', [allowIf({ StringLike: { [SOURCE_ACCOUNT]: '2222*' } })]],
  ['under a condition on an unknown key', [allowIf({ StringLikeIfExists: { [SOURCE_ARN]: '*' } })]],
  [
    'under two conditions, of which only one is met',
    [allowIf({ StringEquals: { [SOURCE_ACCOUNT]: ACCOUNT, [SOURCE_ARN]: 'arn' } })],
  ],
  ['that it denies', [SCHEDULER, denyIf({ StringLike: { [SOURCE_ACCOUNT]: '1*' } })]],
  ['that it denies under a condition on an unknown key', [SCHEDULER, denyIf({ StringEquals: { [SOURCE_ARN]: 'arn' } })]],
])('a trust policy does not admit a service %s', (_, statements) => {
  expect(trustsScheduler(...statements)).toBe(false);
});

test('a service that does not send its account meets no condition on the account', () => {
  const Statement = allowIf({ StringLike: { [SOURCE_ACCOUNT]: '*' } }, { Principal: { Service: 'lambda.amazonaws.com' } });
  expect(trusts({ Version: '2012-10-17', Statement }, 'lambda.amazonaws.com', ACCOUNT)).toBe(false);
});
