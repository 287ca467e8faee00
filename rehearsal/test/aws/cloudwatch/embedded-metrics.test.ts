import { putEmbeddedMetrics } from '../../../src/aws/cloudwatch/embedded-metrics';
import { Metrics, type Dimensions, type Statistic } from '../../../src/aws/cloudwatch/metrics';
import { RehearsalClock } from '../../../src/time/clock';

const TIME = Date.UTC(2026, 0, 1);
const ACCOUNT_AND_REGION = { account: '111111111111', region: 'us-east-1' };
const DIRECTIVE = { Namespace: 'Test', Dimensions: [['Service']], Metrics: [{ Name: 'Failed', Unit: 'Count' }] };
const VALID_LINE = { _aws: { Timestamp: TIME, CloudWatchMetrics: [DIRECTIVE] }, Service: 'peering', Failed: 3 };

let metrics: Metrics;

beforeEach(() => {
  metrics = new Metrics(new RehearsalClock(TIME));
});

const putLogText = (text: string | object) => {
  putEmbeddedMetrics(metrics, ACCOUNT_AND_REGION, typeof text === 'string' ? text : JSON.stringify(text));
};
const statisticOf = (kind: Statistic, dimensions: Dimensions = { Service: 'peering' }, name = 'Failed', time = TIME) =>
  metrics.statistic({ ...ACCOUNT_AND_REGION, namespace: 'Test', name, dimensions }, kind, time, time + 1);
/** The valid line with these members in its directive and these members at its root. */
const lineWith = (directive: object, rootMembers: object = {}) => ({
  ...VALID_LINE,
  ...rootMembers,
  _aws: { ...VALID_LINE._aws, CloudWatchMetrics: [{ ...DIRECTIVE, ...directive }] },
});
const makeNames = (count: number) => Array.from({ length: count }, (_, index) => `name${index}`);
const membersWith = (keys: readonly string[], value: unknown) => Object.fromEntries(keys.map((key) => [key, value]));

describe('a line in the embedded metric format', () => {
  test('records its value at its timestamp', () => {
    putLogText({ ...VALID_LINE, _aws: { ...VALID_LINE._aws, Timestamp: TIME - 5000 } });
    expect(statisticOf('Sum', { Service: 'peering' }, 'Failed', TIME - 5000)).toBe(3);
    expect(statisticOf('SampleCount')).toBeUndefined();
  });

  test('records every value of an array', () => {
    putLogText({ ...VALID_LINE, Failed: [1, 2, 6] });
    expect(statisticOf('SampleCount')).toBe(3);
    expect(statisticOf('Sum')).toBe(9);
    expect(statisticOf('Maximum')).toBe(6);
  });

  test('records every metric with every set of dimensions, also with an empty set', () => {
    const directive = { Dimensions: [[], ['Service'], ['Service', 'Type']], Metrics: [{ Name: 'Failed' }, { Name: 'Late' }] };
    putLogText(lineWith(directive, { Type: 'Create', Late: 0.5 }));
    const sets: Dimensions[] = [{}, { Service: 'peering' }, { Type: 'Create', Service: 'peering' }];
    expect(sets.map((set) => [statisticOf('Sum', set), statisticOf('Sum', set, 'Late')])).toEqual([
      [3, 0.5],
      [3, 0.5],
      [3, 0.5],
    ]);
    expect(statisticOf('Sum', { Type: 'Create' })).toBeUndefined();
  });

  test('is recorded between other lines, and with unknown members', () => {
    const lineWithUnknownMembers = { ...VALID_LINE, Failed: 4, message: 'text', _aws: { ...VALID_LINE._aws, Other: {} } };
    putLogText(
      ['START', JSON.stringify(VALID_LINE), '{"message":"text"}', JSON.stringify(lineWithUnknownMembers), ''].join('\n'),
    );
    expect(statisticOf('Sum')).toBe(7);
  });

  test('can have 30 dimensions with values of 1024 characters, and 100 metrics with 100 values', () => {
    const [dimensions, metricNames] = [makeNames(30), makeNames(100)];
    putLogText(lineWith({ Dimensions: [dimensions] }, membersWith(dimensions, 'x'.repeat(1024))));
    expect(statisticOf('Sum', membersWith(dimensions, 'x'.repeat(1024)) as Dimensions)).toBe(3);
    putLogText(lineWith({ Metrics: metricNames.map((Name) => ({ Name })) }, membersWith(metricNames, Array(100).fill(1))));
    expect(statisticOf('Sum', { Service: 'peering' }, 'name99')).toBe(100);
  });

  // each line also has a valid directive: one invalid directive makes the whole line invalid
  test.each<[string, object]>([
    ['no namespace', { Namespace: undefined }],
    ['an empty namespace', { Namespace: '' }],
    ['a namespace that is not a string', { Namespace: 1 }],
    ['no dimensions', { Dimensions: undefined }],
    ['an empty list of dimensions', { Dimensions: [] }],
    ['dimensions that are not lists', { Dimensions: ['Service'] }],
    ['a dimension that the root does not have', { Dimensions: [['Absent']] }],
    ['a dimension that only the prototype has', { Dimensions: [['toString']] }],
    ['a dimension that is not a string', { Dimensions: [['Failed']] }],
    ['a dimension that is a path to a nested value', { Dimensions: [['nested.value']] }],
    ['an empty dimension', { Dimensions: [['empty']] }],
    ['a dimension that is too long', { Dimensions: [['long']] }],
    ['more than 30 dimensions', { Dimensions: [makeNames(31)] }],
    ['no metrics', { Metrics: undefined }],
    ['more than 100 metrics', { Metrics: Array(101).fill({ Name: 'Failed' }) }],
    ['a metric without a name', { Metrics: [{ Unit: 'Count' }] }],
    ['a metric that the root does not have', { Metrics: [{ Name: 'Absent' }] }],
    ['a metric that is not a number', { Metrics: [{ Name: 'Service' }] }],
    ['a metric that is an object', { Metrics: [{ Name: 'nested' }] }],
    ['an array with a value that is not a number', { Metrics: [{ Name: 'mixed' }] }],
    ['an array of more than 100 values', { Metrics: [{ Name: 'many' }] }],
    ['a unit that does not exist', { Metrics: [{ Name: 'Failed', Unit: 'Failures' }] }],
    ['a resolution that is not an integer', { Metrics: [{ Name: 'Failed', StorageResolution: '1' }] }],
  ])('is ignored if it has %s', (_, directive) => {
    // the dimensions and metrics that the directives name
    const rootMembers = {
      ...membersWith(makeNames(31), 'value'),
      empty: '',
      long: 'x'.repeat(1025),
      nested: { value: 'value' },
      mixed: [1, '2'],
      many: Array(101).fill(1),
    };
    const invalid = { ...DIRECTIVE, ...directive };
    putLogText({ ...VALID_LINE, ...rootMembers, _aws: { ...VALID_LINE._aws, CloudWatchMetrics: [DIRECTIVE, invalid] } });
    expect(statisticOf('SampleCount')).toBeUndefined();
    putLogText({ ...VALID_LINE, ...rootMembers, _aws: { ...VALID_LINE._aws, CloudWatchMetrics: [DIRECTIVE] } });
    expect(statisticOf('SampleCount')).toBe(1);
  });

  test.each<[string, string | object]>([
    ['without a timestamp', { ...VALID_LINE, _aws: { CloudWatchMetrics: [DIRECTIVE] } }],
    ['with a timestamp that is not an integer', { ...VALID_LINE, _aws: { ...VALID_LINE._aws, Timestamp: String(TIME) } }],
    ['without metadata', { ...VALID_LINE, _aws: undefined }],
    ['with metadata that is not an object', { ...VALID_LINE, _aws: [VALID_LINE._aws] }],
    ['with directives that are not an array', { ...VALID_LINE, _aws: { ...VALID_LINE._aws, CloudWatchMetrics: DIRECTIVE } }],
    ['with a directive that is not an object', { ...VALID_LINE, _aws: { ...VALID_LINE._aws, CloudWatchMetrics: [null] } }],
    ['with text before it', `INFO ${JSON.stringify(VALID_LINE)}`],
    ['in an array', [VALID_LINE]],
    ['in a message that is an object', { level: 'INFO', message: VALID_LINE }],
    ['in a message that is text', { level: 'INFO', message: JSON.stringify(VALID_LINE) }],
    ['if it is cut off', JSON.stringify(VALID_LINE).slice(0, -1)],
    ['on several lines', JSON.stringify(VALID_LINE, null, 2)],
    ['with a number that is too large', JSON.stringify(VALID_LINE).replace('"Failed":3', '"Failed":1e999')],
  ])('is ignored %s', (_, text) => {
    putLogText(text);
    expect(statisticOf('SampleCount')).toBeUndefined();
    putLogText(VALID_LINE);
    expect(statisticOf('SampleCount')).toBe(1);
  });
});
