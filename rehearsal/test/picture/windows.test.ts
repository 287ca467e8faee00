import { authorizationHistories } from '../../src/picture/windows';
import { DAY, HOUR, KEY, Sample, SECOND, START } from './sample';

const historiesOf = (sample: Sample) => authorizationHistories(sample.life().authorizations);
const windowsOf = (sample: Sample) => historiesOf(sample).flatMap(({ windows }) => windows);

test('an authorization is valid for a day', () => {
  expect(windowsOf(new Sample().at(HOUR).authorize())).toEqual([
    { from: START + HOUR, to: START + HOUR + DAY, endedBy: 'expiry' },
  ]);
});

test('authorizing again while it is valid extends the window', () => {
  const sample = new Sample()
    .authorize()
    .at(20 * HOUR)
    .authorize();
  expect(windowsOf(sample)).toEqual([{ from: START, to: START + 20 * HOUR + DAY, endedBy: 'expiry' }]);
});

test('authorizing again after expiry begins another window', () => {
  const sample = new Sample().authorize().at(DAY).authorize();
  expect(windowsOf(sample)).toEqual([
    { from: START, to: START + DAY, endedBy: 'expiry' },
    { from: START + DAY, to: START + 2 * DAY, endedBy: 'expiry' },
  ]);
});

test.each([
  ['canceled', 'cancellation'],
  ['used up', 'use'],
] as const)('a window ends when the authorization is %s', (kind, endedBy) => {
  expect(windowsOf(new Sample().authorize().at(HOUR).authorization(kind))).toEqual([{ from: START, to: START + HOUR, endedBy }]);
});

test('an authorization that is canceled after its expiry has ended by expiry', () => {
  const sample = new Sample()
    .authorize()
    .at(2 * DAY)
    .authorization('canceled');
  expect(windowsOf(sample)).toEqual([{ from: START, to: START + DAY, endedBy: 'expiry' }]);
});

test('using an authorization does not end it', () => {
  const sample = new Sample().authorize().at(HOUR).authorization('used');
  expect(windowsOf(sample)).toEqual([{ from: START, to: START + DAY, endedBy: 'expiry' }]);
});

test('two checks by the same call for a missing authorization count once', () => {
  const sample = new Sample().authorization('missing').authorization('missing').at(SECOND).authorization('missing');
  expect(historiesOf(sample).map(({ changes }) => changes.map(({ time }) => time - START))).toEqual([[0, SECOND]]);
});

test('each combination of accounts, VPC and Region has its own history', () => {
  const changes = (['peerVpcAccount', 'peerVpcId', 'gameLiftAccount', 'region'] as const).map((name) => ({
    ...KEY,
    [name]: 'other',
    kind: 'missing' as const,
    time: START,
  }));
  expect(authorizationHistories([...changes, ...changes])).toHaveLength(4);
});
