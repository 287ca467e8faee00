import { trusts } from '../../../src/aws/iam/trust';

const ACCOUNT = '111111111111';
const SCHEDULER = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'scheduler.amazonaws.com' } };
const SOURCE_ACCOUNT = 'aws:SourceAccount';
const SOURCE_ARN = 'aws:SourceArn';

const scheduler = (...Statement: object[]) => trusts({ Version: '2012-10-17', Statement }, 'scheduler.amazonaws.com', ACCOUNT);
const under = (Condition: object, more: object = {}) => ({ ...SCHEDULER, ...more, Condition });
const deny = (Condition: object) => under(Condition, { Effect: 'Deny' });

test.each<[string, object[]]>([
  ['without a condition', [SCHEDULER]],
  ['in a list of services', [{ ...SCHEDULER, Principal: { Service: ['lambda.amazonaws.com', 'scheduler.amazonaws.com'] } }]],
  ['as anybody', [{ ...SCHEDULER, Principal: '*' }]],
  ['by a wildcard in the action', [{ ...SCHEDULER, Action: ['STS:Assume*'] }]],
  ['under StringEquals', [under({ StringEquals: { 'AWS:sourceaccount': ['222222222222', ACCOUNT] } })]],
  ['under StringLike', [under({ StringLike: { [SOURCE_ACCOUNT]: '1111*' } })]],
  ['under StringNotEquals', [under({ StringNotEquals: { [SOURCE_ACCOUNT]: '222222222222' } })]],
  ['beside a denial for other accounts', [SCHEDULER, deny({ StringNotEquals: { [SOURCE_ACCOUNT]: ACCOUNT } })]],
])('a trust policy admits a service %s', (_, statements) => {
  expect(scheduler(...statements)).toBe(true);
});

test.each<[string, object[]]>([
  ['which it does not name', [{ ...SCHEDULER, Principal: { Service: 'lambda.amazonaws.com' } }]],
  ['for another action', [{ ...SCHEDULER, Action: 'sts:TagSession' }]],
  ['for another account', [under({ StringLike: { [SOURCE_ACCOUNT]: '2222*' } })]],
  ['under a condition on a key that is not known', [under({ StringLikeIfExists: { [SOURCE_ARN]: '*' } })]],
  ['under two conditions of which one is met', [under({ StringEquals: { [SOURCE_ACCOUNT]: ACCOUNT, [SOURCE_ARN]: 'arn' } })]],
  ['which it denies', [SCHEDULER, deny({ StringLike: { [SOURCE_ACCOUNT]: '1*' } })]],
  ['which it denies under a condition on a key that is not known', [SCHEDULER, deny({ StringEquals: { [SOURCE_ARN]: 'arn' } })]],
])('a trust policy does not admit a service %s', (_, statements) => {
  expect(scheduler(...statements)).toBe(false);
});

test('a service that does not send its account meets no condition on it', () => {
  const Statement = under({ StringLike: { [SOURCE_ACCOUNT]: '*' } }, { Principal: { Service: 'lambda.amazonaws.com' } });
  expect(trusts({ Version: '2012-10-17', Statement }, 'lambda.amazonaws.com', ACCOUNT)).toBe(false);
});
