import { putEmbeddedMetrics } from '../../../src/aws/cloudwatch/embedded-metrics';
import { Metrics, type Dimensions, type Statistic } from '../../../src/aws/cloudwatch/metrics';
import { RehearsalClock } from '../../../src/time/clock';

const TIME = Date.UTC(2026, 0, 1);
const PLACE = { account: '111111111111', region: 'us-east-1' };
const DIRECTIVE = { Namespace: 'Test', Dimensions: [['Service']], Metrics: [{ Name: 'Failed', Unit: 'Count' }] };
const VALID = { _aws: { Timestamp: TIME, CloudWatchMetrics: [DIRECTIVE] }, Service: 'peering', Failed: 3 };

let metrics: Metrics;

beforeEach(() => {
  metrics = new Metrics(new RehearsalClock(TIME));
});

const put = (text: string | object) => {
  putEmbeddedMetrics(metrics, PLACE, typeof text === 'string' ? text : JSON.stringify(text));
};
const statistic = (kind: Statistic, dimensions: Dimensions = { Service: 'peering' }, name = 'Failed', time = TIME) =>
  metrics.statistic({ ...PLACE, namespace: 'Test', name, dimensions }, kind, time, time + 1);
const lineWith = (directive: object, root: object = {}) => ({
  ...VALID,
  ...root,
  _aws: { ...VALID._aws, CloudWatchMetrics: [{ ...DIRECTIVE, ...directive }] },
});
const names = (count: number) => Array.from({ length: count }, (_, index) => `name${index}`);
const membersWith = (keys: readonly string[], value: unknown) => Object.fromEntries(keys.map((key) => [key, value]));

describe('a line in the embedded metric format', () => {
  test('puts its value at its time', () => {
    put({ ...VALID, _aws: { ...VALID._aws, Timestamp: TIME - 5000 } });
    expect(statistic('Sum', { Service: 'peering' }, 'Failed', TIME - 5000)).toBe(3);
    expect(statistic('SampleCount')).toBeUndefined();
  });

  test('puts every value of an array', () => {
    put({ ...VALID, Failed: [1, 2, 6] });
    expect(statistic('SampleCount')).toBe(3);
    expect(statistic('Sum')).toBe(9);
    expect(statistic('Maximum')).toBe(6);
  });

  test('puts every metric with every set of dimensions, an empty one included', () => {
    const directive = { Dimensions: [[], ['Service'], ['Service', 'Type']], Metrics: [{ Name: 'Failed' }, { Name: 'Late' }] };
    put(lineWith(directive, { Type: 'Create', Late: 0.5 }));
    const sets: Dimensions[] = [{}, { Service: 'peering' }, { Type: 'Create', Service: 'peering' }];
    expect(sets.map((set) => [statistic('Sum', set), statistic('Sum', set, 'Late')])).toEqual([
      [3, 0.5],
      [3, 0.5],
      [3, 0.5],
    ]);
    expect(statistic('Sum', { Type: 'Create' })).toBeUndefined();
  });

  test('counts among other lines, even if it has unknown members', () => {
    const other = { ...VALID, Failed: 4, message: 'text', _aws: { ...VALID._aws, Other: {} } };
    put(['START', JSON.stringify(VALID), '{"message":"text"}', JSON.stringify(other), ''].join('\n'));
    expect(statistic('Sum')).toBe(7);
  });

  test('can reach the limits for dimensions and metrics', () => {
    const [dimensions, metricNames] = [names(30), names(100)];
    put(lineWith({ Dimensions: [dimensions] }, membersWith(dimensions, 'x'.repeat(1024))));
    expect(statistic('Sum', membersWith(dimensions, 'x'.repeat(1024)) as Dimensions)).toBe(3);
    put(lineWith({ Metrics: metricNames.map((Name) => ({ Name })) }, membersWith(metricNames, Array(100).fill(1))));
    expect(statistic('Sum', { Service: 'peering' }, 'name99')).toBe(100);
  });

  // each line also has a valid directive, which is ignored because of the invalid one
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
    ['a dimension whose value is nested', { Dimensions: [['nested.value']] }],
    ['an empty dimension', { Dimensions: [['empty']] }],
    ['a dimension that is too long', { Dimensions: [['long']] }],
    ['more than 30 dimensions', { Dimensions: [names(31)] }],
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
    const targets = {
      ...membersWith(names(31), 'value'),
      empty: '',
      long: 'x'.repeat(1025),
      nested: { value: 'value' },
      mixed: [1, '2'],
      many: Array(101).fill(1),
    };
    const invalid = { ...DIRECTIVE, ...directive };
    put({ ...VALID, ...targets, _aws: { ...VALID._aws, CloudWatchMetrics: [DIRECTIVE, invalid] } });
    expect(statistic('SampleCount')).toBeUndefined();
    put({ ...VALID, ...targets, _aws: { ...VALID._aws, CloudWatchMetrics: [DIRECTIVE] } });
    expect(statistic('SampleCount')).toBe(1);
  });

  test.each<[string, string | object]>([
    ['without a timestamp', { ...VALID, _aws: { CloudWatchMetrics: [DIRECTIVE] } }],
    ['with a timestamp that is not an integer', { ...VALID, _aws: { ...VALID._aws, Timestamp: String(TIME) } }],
    ['without metadata', { ...VALID, _aws: undefined }],
    ['with metadata that is not an object', { ...VALID, _aws: [VALID._aws] }],
    ['with directives that are not an array', { ...VALID, _aws: { ...VALID._aws, CloudWatchMetrics: DIRECTIVE } }],
    ['with a directive that is not an object', { ...VALID, _aws: { ...VALID._aws, CloudWatchMetrics: [null] } }],
    ['with text before it', `INFO ${JSON.stringify(VALID)}`],
    ['in an array', [VALID]],
    ['in a message that is an object', { level: 'INFO', message: VALID }],
    ['in a message that is text', { level: 'INFO', message: JSON.stringify(VALID) }],
    ['if it is cut off', JSON.stringify(VALID).slice(0, -1)],
    ['on several lines', JSON.stringify(VALID, null, 2)],
    ['with a number that is too large', JSON.stringify(VALID).replace('"Failed":3', '"Failed":1e999')],
  ])('is ignored %s', (_, text) => {
    put(text);
    expect(statistic('SampleCount')).toBeUndefined();
    put(VALID);
    expect(statistic('SampleCount')).toBe(1);
  });
});
