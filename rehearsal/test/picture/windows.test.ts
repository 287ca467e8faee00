import { authorizationHistories } from '../../src/picture/windows';
import { DAY, HOUR, AUTHORIZATION_KEY, LifeBuilder, SECOND, START } from './life-builder';

const historiesOf = (life: LifeBuilder) => authorizationHistories(life.build().authorizations);
const windowsOf = (life: LifeBuilder) => historiesOf(life).flatMap(({ windows }) => windows);

test('the window of an authorization lasts for a day', () => {
  expect(windowsOf(new LifeBuilder().atTime(HOUR).authorize())).toEqual([
    { from: START + HOUR, to: START + HOUR + DAY, endedBy: 'expiry' },
  ]);
});

test('authorizing again while the authorization is valid extends its window', () => {
  const life = new LifeBuilder()
    .authorize()
    .atTime(20 * HOUR)
    .authorize();
  expect(windowsOf(life)).toEqual([{ from: START, to: START + 20 * HOUR + DAY, endedBy: 'expiry' }]);
});

test('authorizing again after the expiry begins another window', () => {
  const life = new LifeBuilder().authorize().atTime(DAY).authorize();
  expect(windowsOf(life)).toEqual([
    { from: START, to: START + DAY, endedBy: 'expiry' },
    { from: START + DAY, to: START + 2 * DAY, endedBy: 'expiry' },
  ]);
});

test.each([
  ['canceled', 'cancellation'],
  ['consumed', 'consumption'],
] as const)('a window ends when the authorization is %s', (kind, endedBy) => {
  expect(windowsOf(new LifeBuilder().authorize().atTime(HOUR).authorizationChange(kind))).toEqual([
    { from: START, to: START + HOUR, endedBy },
  ]);
});

test('a cancellation after the expiry does not change the window', () => {
  const life = new LifeBuilder()
    .authorize()
    .atTime(2 * DAY)
    .authorizationChange('canceled');
  expect(windowsOf(life)).toEqual([{ from: START, to: START + DAY, endedBy: 'expiry' }]);
});

test('a window does not end if the authorization is used, but not consumed', () => {
  const life = new LifeBuilder().authorize().atTime(HOUR).authorizationChange('used');
  expect(windowsOf(life)).toEqual([{ from: START, to: START + DAY, endedBy: 'expiry' }]);
});

test('the history has one change if the same call finds twice that the authorization is missing', () => {
  // two checks at the same time belong to the same call
  const life = new LifeBuilder()
    .authorizationChange('missing')
    .authorizationChange('missing')
    .atTime(SECOND)
    .authorizationChange('missing');
  expect(historiesOf(life).map(({ changes }) => changes.map(({ time }) => time - START))).toEqual([[0, SECOND]]);
});

test('each combination of accounts, VPC and Region has its own history', () => {
  const changes = (['peerVpcAccount', 'peerVpcId', 'gameLiftAccount', 'region'] as const).map((name) => ({
    ...AUTHORIZATION_KEY,
    [name]: 'other',
    kind: 'missing' as const,
    time: START,
  }));
  expect(authorizationHistories([...changes, ...changes])).toHaveLength(4);
});
