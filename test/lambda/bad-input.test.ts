import fc from 'fast-check';
import { rehearsedTime } from 'rehearsal/in-process';
import { createHandler } from '../../lambda/handler';
import type { LogRecord } from '../../lambda/log';
import type { Dependencies } from '../../lambda/resources/resource';
import { SimulatedWorld } from './simulated-world';
import { propertiesOf, recordingLog, requestOf, STACK_ID } from './world';
import type { TestResponse } from './world';

/*
 * For any event, the handler sends at most one response. If the input is invalid, the response says why, and the handler makes no call to AWS.
 */

const REQUEST_TYPES = ['Create', 'Update', 'Delete'] as const;

/** The options of fast-check. A fixed seed generates the same events in every run. */
const RANDOM_RUNS = { seed: 1, numRuns: 200 };

/** The result of handling an event while each call to AWS fails. */
interface Outcome {
  readonly responses: readonly TestResponse[];
  readonly urls: readonly string[];
  /** The size of the largest response. CloudFormation accepts at most 4,096 bytes. */
  readonly maxBytes: number;
  readonly calls: readonly string[];
  readonly logRecords: readonly LogRecord[];
  readonly error: string | undefined;
}

async function handle(event: unknown): Promise<Outcome> {
  const time = rehearsedTime();
  const responses: string[] = [];
  const urls: string[] = [];
  const calls: string[] = [];
  const logRecords: LogRecord[] = [];
  const refuse = (call: string): Promise<never> => {
    calls.push(call);
    return Promise.reject(new Error(`${call} fails in this test`));
  };
  const api = new Proxy({} as Dependencies['api'], { get: (_, name) => () => refuse(String(name)) });
  const handler = createHandler({
    api,
    assume: () => {
      calls.push('assume');
      return api;
    },
    put: (url, body) => {
      urls.push(url);
      responses.push(body);
      return Promise.resolve(200);
    },
    time,
    log: recordingLog(logRecords),
    region: 'eu-central-1',
  });
  const end = time.now() + 900_000;
  const error = await handler(event, { getRemainingTimeInMillis: () => end - time.now() }).then(
    () => undefined,
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : `threw a value that is not an Error: ${String(thrown)}`),
  );
  return {
    responses: responses.map((body) => JSON.parse(body) as TestResponse),
    urls,
    maxBytes: Math.max(0, ...responses.map((body) => Buffer.byteLength(body))),
    calls,
    logRecords,
    error,
  };
}

/** Handles an invalid request. Returns an object to compare with the object of `expectedFailure`. */
async function resultOf(event: unknown): Promise<object> {
  const { responses, maxBytes, calls, error } = await handle(event);
  const [response] = responses;
  return {
    status: response?.Status,
    id: response?.PhysicalResourceId,
    reason: response?.Reason,
    responses: responses.length,
    isShort: maxBytes <= 4096 && (response?.Reason ?? '').length < 600,
    hasWholeCharacters: !/\p{Surrogate}/u.test(response?.Reason ?? ''),
    calls,
    error,
  };
}

const PHYSICAL_ID = '6b2e1c9c-0000-4000-8000-000000000000/Authorization';

/** The object that `resultOf` must return for an invalid request. */
function expectedFailure(requestType: (typeof REQUEST_TYPES)[number], reason: unknown, id?: string): object {
  return {
    status: 'FAILED',
    id: id ?? (requestType === 'Create' ? `${PHYSICAL_ID}/nothing-done` : PHYSICAL_ID),
    reason,
    responses: 1,
    isShort: true,
    hasWholeCharacters: true,
    calls: [],
    error: undefined,
  };
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function startingWith(beginning: string): unknown {
  return expect.stringMatching(new RegExp(`^${escapeRegExp(beginning)}`)) as unknown;
}

function startingAndEndingWith(beginning: string, end: string): unknown {
  return expect.stringMatching(new RegExp(`^${escapeRegExp(beginning)}.*${escapeRegExp(end)}$`, 's')) as unknown;
}

/** A list that is nested too deeply for a recursive function. */
const DEEPLY_NESTED: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);

/** Values that no property accepts. */
const INVALID_VALUES: Readonly<Record<string, unknown>> = {
  null: null,
  'an empty string': '',
  'a number': 7,
  zero: 0,
  true: true,
  false: false,
  'an object': { Ref: 'Vpc' },
  'a list': ['x'],
  'a list in a list': [['x']],
  'a deeply nested object': { deep: DEEPLY_NESTED },
  '100,000 characters': 'x'.repeat(100_000),
  '100,000 digits': '1'.repeat(100_000),
  '10,000 members': Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, index])),
  'control characters': '\u0000\u0007\u001b[31m',
  emoji: '🎮'.repeat(100),
  'emoji after one letter': `x${'🎮'.repeat(100)}`,
  'unpaired surrogates': '\ud83c'.repeat(100),
  'a line separator': '\u2028',
  quotes: '"'.repeat(1000),
};

/** Strings that code may misinterpret. */
const ODD_STRINGS = ['NaN', 'Infinity', '-1', '1e3', '0x10', ' 1 ', '1.5', 'null', 'undefined', '[object Object]', '\n'].concat([
  '__proto__',
  'constructor',
  'toString',
  '${Token[TOKEN.7]}',
  '{{resolve:ssm:vpc}}',
  '../..',
  '*',
  "'; --",
]);

describe('events', () => {
  const FIELDS = [
    'ResponseURL',
    'StackId',
    'RequestId',
    'LogicalResourceId',
    'RequestType',
    'ResourceType',
    'ResourceProperties',
  ];

  /** Handles an event, and checks what must hold for any event. */
  async function handleAndCheck(event: unknown): Promise<Outcome> {
    const outcome = await handle(event);
    const { responses, urls, maxBytes, logRecords, error } = outcome;
    expect({ error, urls: urls.filter((url) => new URL(url).protocol !== 'https:') }).toEqual({ error: undefined, urls: [] });
    expect(responses.length).toBeLessThanOrEqual(1);
    expect(maxBytes).toBeLessThanOrEqual(4096);
    // if there is no response, exactly one log record says why; with a response, any number of records is fine
    expect(logRecords).toHaveLength(responses.length === 1 ? logRecords.length : 1);
    return outcome;
  }

  test('random JSON gets no response, makes no call, and is not retried', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (event) => {
        expect(await handleAndCheck(event)).toMatchObject({ responses: [], calls: [] });
      }),
      RANDOM_RUNS,
    );
  });

  test.each(FIELDS)('random JSON in %s makes no call', async (field) => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...REQUEST_TYPES), fc.jsonValue(), async (type, value) => {
        const { calls } = await handleAndCheck(requestOf(type, { [field]: value }));
        // any string is a valid RequestId
        expect(field === 'RequestId' && typeof value === 'string' ? [] : calls).toEqual([]);
      }),
      RANDOM_RUNS,
    );
  });

  test('random JSON in several fields gets at most one response', async () => {
    const fields = fc.record(Object.fromEntries(FIELDS.map((field) => [field, fc.jsonValue()])), { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(fields, fc.dictionary(fc.string(), fc.jsonValue()), async (knownFields, otherFields) => {
        await handleAndCheck({ ...otherFields, ...requestOf('Update', knownFields) });
      }),
      RANDOM_RUNS,
    );
  });

  test('does not look for a request or for properties in members such as __proto__ or toString', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'toJSON']) {
      const event = JSON.parse(`{"${name}": ${JSON.stringify(requestOf('Create'))}}`) as object;
      expect(await handleAndCheck(event)).toMatchObject({ responses: [], calls: [] });
      expect(await resultOf(requestOf('Create', { ResourceProperties: event }))).toEqual(
        expectedFailure('Create', startingWith('PeerVpcId must be the id of a VPC')),
      );
    }
  });

  test.each([
    '',
    'elsewhere',
    '//example.com/',
    'http://example.com/',
    'HTTP://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/plain,https://example.com/',
    'https://',
    'https://[::1',
    'https://exa mple.com/',
    'https ://example.com/',
    `http://example.com/?${'x'.repeat(100_000)}`,
  ])('sends no response to %j', async (url) => {
    expect(await handleAndCheck(requestOf('Create', { ResponseURL: url }))).toMatchObject({ responses: [], calls: [] });
  });

  test.each([
    'Peered',
    'arn:aws:cloudformation:',
    'arn:aws:cloudformation:eu-central-1:111111111111:stack/Peered',
    'arn:aws:cloudformation:eu-central-1:111111111111:stackset/Peered/6b2e1c9c',
    'arn:aws:cloudformation:eu-central-1::stack/Peered/6b2e1c9c',
    'arn:aws:lambda:eu-central-1:111111111111:stack/Peered/6b2e1c9c',
    `${STACK_ID}\n`,
    ` ${STACK_ID}`,
    `${STACK_ID}/more`,
    `arn:aws:cloudformation:eu-central-1:111111111111:stack/${'x'.repeat(129)}/6b2e1c9c`,
    'arn:aws:cloudformation:eu-central-1:111111111111:stack/🎮/6b2e1c9c',
  ])('fails without a call if the stack id is %j', async (StackId) => {
    for (const type of REQUEST_TYPES) {
      expect(await resultOf(requestOf(type, { StackId }))).toMatchObject({
        status: 'FAILED',
        reason: startingWith('StackId must be the ARN of a stack, got "'),
        calls: [],
      });
    }
  });

  test.each([
    'arn:aws-cn:cloudformation:cn-north-1',
    'arn:aws-us-gov:cloudformation:us-gov-west-1',
    'arn:aws-iso-b:cloudformation:us-isob-east-1',
  ])('accepts stack ids of %s', async (beginning) => {
    const StackId = `${beginning}:111111111111:stack/Peered-Nested-1B2C3D/6b2e1c9c-0000-4000-8000-000000000000`;
    expect((await handle(requestOf('Create', { StackId }))).calls).toEqual(['createVpcPeeringAuthorization']);
  });

  test.each(['a b', 'Peered/Authorization', 'Authorization\n', '🎮', 'x'.repeat(256), '__proto__.x'])(
    'fails without a call if the logical id is %j',
    async (LogicalResourceId) => {
      for (const type of REQUEST_TYPES) {
        expect(await resultOf(requestOf(type, { LogicalResourceId }))).toMatchObject({
          status: 'FAILED',
          reason: startingWith('LogicalResourceId must be the logical id of a resource, got "'),
          calls: [],
        });
      }
    },
  );

  test.each(Object.entries({ null: null, 'a number': 7, true: true, 'an object': {}, 'a list': ['mine'] }))(
    'fails without a call if the physical id is %s',
    async (_, PhysicalResourceId) => {
      for (const type of ['Update', 'Delete'] as const) {
        expect(await resultOf(requestOf(type, { PhysicalResourceId }))).toEqual(
          expectedFailure(
            type,
            `PhysicalResourceId must be a string, got ${JSON.stringify(PhysicalResourceId)}`,
            `${PHYSICAL_ID}/nothing-done`,
          ),
        );
      }
    },
  );

  test.each([
    ['PhysicalResourceId', 'x'.repeat(100_000)],
    ['PhysicalResourceId', '\u0001'.repeat(1024)],
    ['LogicalResourceId', 'x'.repeat(4000)],
    ['RequestId', 'x'.repeat(4000)],
    ['RequestId', '🎮'.repeat(1000)],
    ['StackId', `arn:aws:cloudformation:eu-central-1:111111111111:stack/Peered/${'0'.repeat(4000)}`],
  ])('makes no call if this %s is too long for a response', async (field, value) => {
    for (const type of ['Update', 'Delete']) {
      const { responses, calls, logRecords } = await handleAndCheck(requestOf(type, { [field]: value }));
      expect({ responses, calls }).toEqual({ responses: [], calls: [] });
      expect(logRecords[0]?.message).toMatch(
        /^the event is not a request from CloudFormation: its ids are so long that a response would take \d+ bytes$/,
      );
    }
  });

  test('responds to the longest ids that CloudFormation uses', async () => {
    const StackId = `arn:aws-us-gov:cloudformation:us-gov-west-1:111111111111:stack/${'S'.repeat(128)}/${'0'.repeat(36)}`;
    const ids = { StackId, RequestId: '0'.repeat(128), LogicalResourceId: 'L'.repeat(255), PhysicalResourceId: '"'.repeat(1024) };
    for (const type of REQUEST_TYPES) {
      const { responses, maxBytes } = await handle(requestOf(type, ids));
      // every call fails. A delete that can't determine whether something is peered cancels nothing, and succeeds
      const outcome = type === 'Delete' ? { Status: 'SUCCESS' } : { Status: 'FAILED', Reason: startingWith('could not ') };
      expect(responses).toMatchObject([{ ...ids, ...outcome }]);
      expect(maxBytes).toBeLessThanOrEqual(4096);
    }
  });
});

describe('a reason shows', () => {
  test.each([
    ['the beginning of a long string', 'x'.repeat(200), `"${'x'.repeat(116)}...`],
    ['only whole emoji', '🎮'.repeat(100), `"${'🎮'.repeat(58)}...`],
    ['only whole emoji after one letter', `x${'🎮'.repeat(100)}`, `"x${'🎮'.repeat(57)}...`],
    ['that a value is nested too deeply', DEEPLY_NESTED, 'a value that is nested too deeply to show'],
  ])('%s', async (_, RequestType, shownValue) => {
    expect(await resultOf(requestOf('Create', { RequestType }))).toEqual(
      expectedFailure('Create', `RequestType must be one of Create, Update, Delete, got ${shownValue}`),
    );
  });
});

describe('resource types', () => {
  test.each([
    'Custom::GameLiftSomethingNew',
    'custom::gameliftvpcpeeringauthorization',
    'Custom::GameLiftVpcPeeringAuthorization\n',
    ' Custom::GameLiftVpcPeeringTeardown',
    'AWS::CloudFormation::CustomResource',
    'AWS::GameLift::Fleet',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'x'.repeat(100_000),
    `x${'🎮'.repeat(100)}`,
    '\ud83c',
  ])(
    'fails without a call for an unknown type, even in a delete, because the resource may still exist (case %#)',
    async (ResourceType) => {
      for (const type of REQUEST_TYPES) {
        expect(await resultOf(requestOf(type, { ResourceType }))).toEqual(
          expectedFailure(
            type,
            startingWith(
              `this version of the handler does not support the resource type ${JSON.stringify(ResourceType).slice(0, 100)}`,
            ),
          ),
        );
      }
    },
  );

  test('names the known types and the remedy in the reason', async () => {
    const { responses } = await handle(requestOf('Create', { ResourceType: 'Custom::GameLiftSomethingNew' }));
    expect(responses[0]?.Reason).toBe(
      'this version of the handler does not support the resource type "Custom::GameLiftSomethingNew", only ' +
        'Custom::GameLiftVpcPeeringAuthorization, Custom::GameLiftVpcPeeringConnection, Custom::GameLiftVpcPeeringTeardown: ' +
        'deploy with the version of cdk-gamelift-vpc-peering that synthesized the template',
    );
  });
});

describe('schema versions', () => {
  const INVALID_VERSIONS: readonly (readonly [string, unknown])[] = [
    ...Object.entries(INVALID_VALUES).filter(([name]) => name !== 'zero'),
    ...[...ODD_STRINGS, 2, 1.5, -1, 1e21, [], ['1'], [1], {}, { valueOf: 1 }, '2', '7', '01e', '1\n', '１'].map(
      (value) => [JSON.stringify(value), value] as const,
    ),
  ];

  test.each(INVALID_VERSIONS)(
    'a create and an update fail if the schema version is %s, which may be a later version',
    async (_, SchemaVersion) => {
      const ResourceProperties = propertiesOf({ SchemaVersion });
      for (const type of ['Create', 'Update'] as const) {
        expect(await resultOf(requestOf(type, { ResourceProperties }))).toEqual(
          expectedFailure(
            type,
            expect.stringMatching(
              /^SchemaVersion is .{1,120}, and this version of the handler supports up to 1: deploy with the version of cdk-gamelift-vpc-peering that synthesized the template$/s,
            ),
          ),
        );
      }
    },
  );

  test.each(INVALID_VERSIONS)(
    'a delete uses the properties that it can read if the schema version is %s, because an upgrade may be rolled back',
    async (_, SchemaVersion) => {
      const ResourceProperties = propertiesOf({ SchemaVersion, Added: 'x' });
      // the handler checks whether anything is peered, and cancels nothing, because the check fails
      const { responses, calls } = await handle(requestOf('Delete', { ResourceProperties }));
      expect(responses).toMatchObject([{ Status: 'SUCCESS' }]);
      expect(calls).toEqual(['describePeerings', 'describeVpcPeeringAuthorizations']);
    },
  );

  test.each(INVALID_VERSIONS)(
    'a delete fails if the schema version is %s and the properties are unreadable, because the resource may still exist',
    async (_, SchemaVersion) => {
      // a later version may write other properties, such as Pair
      expect(await resultOf(requestOf('Delete', { ResourceProperties: { SchemaVersion, Pair: {} } }))).toEqual(
        expectedFailure('Delete', startingWith('PeerVpcId must be ')),
      );
    },
  );

  test.each([undefined, '1', '0', '01', 1, 0])('accepts the schema version %p', async (SchemaVersion) => {
    for (const [type, call] of [
      ['Create', 'createVpcPeeringAuthorization'],
      ['Update', 'createVpcPeeringAuthorization'],
      ['Delete', 'describePeerings'],
    ] as const) {
      expect((await handle(requestOf(type, { ResourceProperties: propertiesOf({ SchemaVersion }) }))).calls[0]).toBe(call);
    }
  });
});

describe('invalid properties', () => {
  interface PropertyCase {
    readonly name: string;
    /** Follows "must be" in the reason. */
    readonly requirement: string;
    /** The property of a construct that sets this property of the custom resource. */
    readonly setBy: string;
    readonly validValue: unknown;
    /** Values that are almost valid. */
    readonly nearMisses: readonly unknown[];
    readonly isOptional?: true;
  }

  const accountProperty = (name: string, property: string): PropertyCase => ({
    name,
    requirement: 'an account id of 12 digits',
    setBy: `${property} of the VpcPeeringAuthorization`,
    validValue: '111111111111',
    nearMisses: ['11111111111', '1111111111111', '1111-1111-1111', '11111111111a', '１１１１１１１１１１１１', 111111111111],
  });
  const booleanProperty = (name: string, property: string): PropertyCase => ({
    name,
    requirement: 'true or false',
    setBy: `${property} of the VpcPeeringConnection`,
    validValue: 'true',
    nearMisses: [' true ', 'True', 'TRUE', 'yes', '1', 'truefalse', 'true|false'],
  });

  const PAIR_PROPERTIES: readonly PropertyCase[] = [
    {
      name: 'PeerVpcId',
      requirement: 'the id of a VPC such as vpc-0123456789abcdef0',
      setBy: 'vpc of the VpcPeeringAuthorization',
      validValue: 'vpc-0123456789abcdef0',
      nearMisses: [
        'vpc-XYZ',
        'vpc-',
        'VPC-0123456789abcdef0',
        'subnet-0123456789abcdef0',
        'vpc-0123456789abcdefg',
        'vpc-0123\u0000',
      ].concat(['arn:aws:ec2:eu-central-1:111111111111:vpc/vpc-0123456789abcdef0', `vpc-${'0'.repeat(100_000)}`]),
    },
    accountProperty('PeerVpcAwsAccountId', 'peerVpcAccount'),
    accountProperty('GameLiftAwsAccountId', 'gameLiftAccount'),
    {
      name: 'PeerRoleArn',
      requirement: 'the ARN of a role such as arn:aws:iam::123456789012:role/Peering',
      setBy: 'peerRole of the VpcPeeringAuthorization',
      validValue: 'arn:aws:iam::111111111111:role/Peering',
      isOptional: true,
      nearMisses: ['Peering', 'arn:aws:iam::11111111111:role/Peering', 'arn:aws:iam::111111111111:user/Peering'].concat(
        ['arn:aws:iam::111111111111:role/', 'arn:aws:sts::111111111111:assumed-role/Peering/me', 'arn:aws:iam:::role/Peering'],
        [
          'arn:aws:iam::111111111111:role/two words',
          'arn:aws:iam::111111111111:role/Pe🎮',
          'arn:aws:iam::111111111111:role/\u007f',
        ],
        [`arn:aws:iam::111111111111:role/${'x'.repeat(100_000)}`, `arn:${'a'.repeat(100_000)}:iam::111111111111:role/Peering`],
      ),
    },
  ];

  const CONNECTION_PROPERTIES: readonly PropertyCase[] = [
    ...PAIR_PROPERTIES,
    {
      name: 'FleetId',
      requirement: 'the id of a fleet such as fleet-01234567-89ab-cdef-0123-456789abcdef',
      setBy: 'fleet of the VpcPeeringConnection',
      validValue: 'fleet-01234567-89ab-cdef-0123-456789abcdef',
      nearMisses: ['fleet-', 'FLEET-1', 'fleet-é', 'fleet_1', 'arn:aws:gamelift:eu-central-1::fleet/fleet-1', 'alias-1'].concat([
        `fleet-${'0'.repeat(123)}`,
        `fleet-${'0'.repeat(100_000)}`,
        `${'a'.repeat(100_000)}fleet-1`,
      ]),
    },
    {
      name: 'TimeoutSeconds',
      requirement: 'whole seconds from 1 to 780',
      setBy: 'timeout of the VpcPeeringConnection',
      validValue: '600',
      nearMisses: ['0', '781', '600.0', '6e2', '+600', '-600', '600s', '٦٠٠', '0x258', '9007199254740993', 600],
    },
    {
      name: 'Routes',
      requirement: 'one of EveryRouteTable, RouteTables, None',
      setBy: 'routes of the VpcPeeringConnection',
      validValue: 'None',
      nearMisses: ['none', 'NONE', 'everyRouteTable', 'EveryRouteTable,None', '0'],
    },
    {
      name: 'RouteTableIds',
      requirement: 'a list of ids of route tables such as rtb-0123456789abcdef0',
      setBy: 'routes of the VpcPeeringConnection, or the routeTableId of the imported subnets that they select',
      validValue: ['rtb-0123456789abcdef0'],
      isOptional: true,
      nearMisses: [
        'rtb-0123456789abcdef0',
        'rtb-1,rtb-2',
        ['rtb-1', 'rtb-XYZ'],
        ['rtb-1\n'],
        [null],
        [7],
        [['rtb-1']],
        { 0: 'rtb-1' },
      ],
    },
    booleanProperty('DnsResolution', 'dnsResolution'),
    booleanProperty('AdoptExisting', 'adoptExisting'),
    booleanProperty('PeerOnCreate', 'peerOnCreate'),
  ];

  const PROPERTIES_OF_TYPES: readonly (readonly [string, readonly PropertyCase[]])[] = [
    ['Custom::GameLiftVpcPeeringAuthorization', PAIR_PROPERTIES],
    ['Custom::GameLiftVpcPeeringConnection', CONNECTION_PROPERTIES],
    ['Custom::GameLiftVpcPeeringTeardown', PAIR_PROPERTIES],
  ];

  const validPropertiesOf = (cases: readonly PropertyCase[]): Readonly<Record<string, unknown>> =>
    Object.fromEntries(cases.map(({ name, validValue }) => [name, validValue]));

  /** Invalid values of the property, each with a description. */
  function invalidValuesOf({ validValue, nearMisses, isOptional }: PropertyCase): readonly (readonly [string, unknown])[] {
    const withExtraCharacters =
      typeof validValue === 'string'
        ? [`${validValue}\n`, `\n${validValue}`, ` ${validValue}`, `${validValue} `, `${validValue}\u0000`, `${validValue}\u200b`]
        : [];
    return [
      ...(isOptional ? [] : [['missing', undefined] as const]),
      ...Object.entries(INVALID_VALUES),
      ...[...ODD_STRINGS, ...nearMisses, ...withExtraCharacters, [validValue], { value: validValue }].map(
        (value) => [JSON.stringify(value), value] as const,
      ),
    ].map(([description, value]) => [description.slice(0, 60), value]);
  }

  /** How the reason shows the value: its beginning or, for a list of route tables, the beginning of the invalid item. */
  function shownValueOf(name: string, value: unknown): string {
    if (Array.isArray(value) && name === 'RouteTableIds') {
      return `a list that contains ${JSON.stringify(value.find((item) => item !== 'rtb-1')).slice(0, 60)}`;
    }
    return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60);
  }

  /** A create, an update and a delete with valid properties, except for the given change. */
  function requestsWith(
    ResourceType: string,
    validProperties: Readonly<Record<string, unknown>>,
    change: Readonly<Record<string, unknown>>,
  ): object[] {
    const ResourceProperties = { ...propertiesOf(), ...validProperties, ...change };
    return REQUEST_TYPES.map((type) =>
      requestOf(type, {
        ResourceType,
        ResourceProperties,
        ...(type === 'Update' ? { OldResourceProperties: validProperties } : {}),
      }),
    );
  }

  describe.each(PROPERTIES_OF_TYPES)('of a %s', (ResourceType, propertyCases) => {
    const validProperties = validPropertiesOf(propertyCases);

    test.each(propertyCases)(
      'make a create and an update fail with a reason that names the property: $name',
      async (property) => {
        const { name, requirement, setBy } = property;
        for (const [description, value] of invalidValuesOf(property)) {
          const reason = startingAndEndingWith(
            `${name} must be ${requirement}, got ${description === 'a deeply nested object' ? 'a value that is nested too deeply to show' : shownValueOf(name, value)}`,
            `. Correct the ${setBy}, then deploy again`,
          );
          const [create, update] = requestsWith(ResourceType, validProperties, { [name]: value });
          expect([description, await resultOf(create)]).toEqual([description, expectedFailure('Create', reason)]);
          expect([description, await resultOf(update)]).toEqual([description, expectedFailure('Update', reason)]);
        }
      },
    );

    test.each(propertyCases)('do not make a delete fail, because nothing was ever created: $name', async (property) => {
      for (const [description, value] of invalidValuesOf(property)) {
        const [, , event] = requestsWith(ResourceType, validProperties, { [property.name]: value });
        const { responses, calls, logRecords, error } = await handle(event);
        expect([description, responses, calls, error]).toMatchObject([
          description,
          [{ Status: 'SUCCESS', PhysicalResourceId: PHYSICAL_ID }],
          [],
          undefined,
        ]);
        expect(logRecords[0]?.message).toMatch(new RegExp(`^nothing to delete: ${property.name} must be `));
      }
    });

    test('make a request fail without showing the value: ExternalId', async () => {
      const secret = 'hush-hush';
      const strings = ['', 'x', `${secret} `, `${secret}\n`, `${secret}\u0000`, `${secret}ü`, `${secret}🎮`, secret.repeat(200)];
      for (const value of [
        ...Object.values(INVALID_VALUES).filter((value) => typeof value !== 'string'),
        ...strings,
        [secret],
        { secret },
      ]) {
        const reason =
          'ExternalId must consist of 2 to 1224 letters, digits and the characters _+=,.@:/- only. Correct the externalId of the ' +
          'VpcPeeringAuthorization, then deploy again';
        const [create, update, remove] = requestsWith(ResourceType, validProperties, { ExternalId: value });
        expect(await resultOf(create)).toEqual(expectedFailure('Create', reason));
        expect(await resultOf(update)).toEqual(expectedFailure('Update', reason));
        for (const event of [create, update, remove]) {
          const { responses, logRecords, calls } = await handle(event);
          expect(calls).toEqual([]);
          expect(JSON.stringify([responses, logRecords])).not.toContain(secret);
        }
      }
    });

    test('make a request fail if ResourceProperties is not an object, and the reason does not show its value', async () => {
      const values = {
        null: null,
        'a string': 'hush-hush',
        'a number': 7,
        'a boolean': true,
        'a list': [{ ExternalId: 'hush-hush' }],
      };
      for (const [description, ResourceProperties] of Object.entries({ ...values, nothing: undefined })) {
        for (const type of REQUEST_TYPES) {
          expect(await resultOf(requestOf(type, { ResourceType, ResourceProperties }))).toEqual(
            expectedFailure(type, `ResourceProperties must be an object, got ${description}`),
          );
        }
      }
    });
  });

  test('make a create fail with a reason that says that the value is not a string, if the value would be valid as a string', async () => {
    for (const [change, reason] of [
      [
        { DnsResolution: true },
        'DnsResolution must be true or false, got true, which is not a string. Correct the dnsResolution of the VpcPeeringConnection, ' +
          'then deploy again',
      ],
      [
        { TimeoutSeconds: 600 },
        'TimeoutSeconds must be whole seconds from 1 to 780, got 600, which is not a string. Correct the timeout of the ' +
          'VpcPeeringConnection, then deploy again',
      ],
    ] as const) {
      const validProperties = validPropertiesOf(CONNECTION_PROPERTIES);
      const [create] = requestsWith('Custom::GameLiftVpcPeeringConnection', validProperties, change);
      expect(await resultOf(create)).toEqual(expectedFailure('Create', reason));
    }
  });

  test('make a create fail with a reason that shows the invalid item of a long list', async () => {
    const validProperties = validPropertiesOf(CONNECTION_PROPERTIES);
    const RouteTableIds = [...Array.from({ length: 10_000 }, (_, index) => `rtb-${index}`), 'subnet-7'];
    const [create] = requestsWith('Custom::GameLiftVpcPeeringConnection', validProperties, { RouteTableIds });
    expect(await resultOf(create)).toEqual(
      expectedFailure(
        'Create',
        'RouteTableIds must be a list of ids of route tables such as rtb-0123456789abcdef0, got a list that contains "subnet-7". Correct the ' +
          'routes of the VpcPeeringConnection, or the routeTableId of the imported subnets that they select, then deploy again',
      ),
    );
  });
});

describe('a scheduled renewal', () => {
  function renewalEvent(change: Readonly<Record<string, unknown>> = {}): object {
    const renewalProperties = { StackId: STACK_ID, LogicalResourceId: 'Authorization', MinimumValiditySeconds: '46800' };
    return { GameLiftVpcPeeringRenewal: propertiesOf({ ...renewalProperties, ...change }) };
  }

  test('authorizes if the event is valid', async () => {
    expect((await handle(renewalEvent())).calls).toEqual(['createVpcPeeringAuthorization']);
  });

  test.each(
    Object.entries({ null: null, 'a string': JSON.stringify({ ExternalId: 'hush-hush' }), 'a number': 7, 'a list': ['x'] }),
  )('fails if the event contains %s, so that Lambda reports the failure', async (description, value) => {
    const { error, calls, responses, logRecords } = await handle({ GameLiftVpcPeeringRenewal: value });
    expect(error).toBe(`GameLiftVpcPeeringRenewal must be an object, got ${description}`);
    expect({ calls, responses, logRecords }).toEqual({ calls: [], responses: [], logRecords: [] });
  });

  test('fails with a reason for random JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const { error, calls, responses } = await handle({ GameLiftVpcPeeringRenewal: value });
        expect(error).toMatch(/^(GameLiftVpcPeeringRenewal|PeerVpcId) must be /);
        expect({ calls, responses }).toEqual({ calls: [], responses: [] });
      }),
      RANDOM_RUNS,
    );
  });

  /** How the reason continues after the name of the property. */
  const REASONS = {
    SchemaVersion: 'is ',
    PeerVpcId: 'must be the id of a VPC such as vpc-0123456789abcdef0, got ',
    PeerVpcAwsAccountId: 'must be an account id of 12 digits, got ',
    GameLiftAwsAccountId: 'must be an account id of 12 digits, got ',
    StackId: 'must be the ARN of a stack, got ',
    LogicalResourceId: 'must be the logical id of a resource, got ',
    MinimumValiditySeconds: 'must be whole seconds from 0 to 86400, got ',
  };
  const MORE_INVALID_VALUES: Readonly<Record<string, readonly unknown[]>> = {
    SchemaVersion: ['2', '1\n', 2],
    StackId: ['arn:aws:cloudformation:', `${STACK_ID}\n`],
    LogicalResourceId: ['a b', 'x'.repeat(256)],
    MinimumValiditySeconds: ['86401', '-1', '46800.0', '46800\n', 46800],
  };

  test.each(Object.entries(REASONS))('fails with a reason if %s is invalid', async (name, reason) => {
    // any word is a valid logical id
    const invalidStrings = ODD_STRINGS.filter((text) => name !== 'LogicalResourceId' || !/^\w+$/.test(text));
    const invalidValues = [...Object.values(INVALID_VALUES), ...invalidStrings, ...(MORE_INVALID_VALUES[name] ?? [])];
    // the version may be missing, and 0 is valid as an earlier version
    const values = name === 'SchemaVersion' ? invalidValues.filter((value) => value !== 0) : [undefined, ...invalidValues];
    for (const value of values) {
      const { error, calls, responses } = await handle(renewalEvent({ [name]: value }));
      expect(error).toMatch(new RegExp(`^${name} ${reason}`));
      expect(error?.length).toBeLessThan(400);
      expect({ calls, responses }).toEqual({ calls: [], responses: [] });
    }
  });
});

describe('properties in a template', () => {
  const TEMPLATE_STACK_ID = STACK_ID.replace('eu-central-1', 'us-east-1');
  let world: SimulatedWorld;

  beforeEach(async () => {
    world = await SimulatedWorld.create();
  });

  afterEach(() => {
    world.close();
  });

  type TypeName = 'Authorization' | 'Connection' | 'Teardown';
  type Properties = Readonly<Record<string, unknown>>;
  const TYPE_NAMES = ['Authorization', 'Connection', 'Teardown'] as const;

  /**
   * All properties that the first version of the library writes, as CloudFormation sends them. Never edit them: the handler must support them
   * forever.
   */
  const ALL_PROPERTIES: Readonly<Record<TypeName, Properties>> = {
    Authorization: {
      ServiceToken:
        'arn:aws:lambda:us-east-1:111111111111:function:Peered-GameLiftVpcPeeringHandlerFunction72E66EDF-1B2C3D4E5F6G',
      ServiceTimeout: '660',
      SchemaVersion: '1',
      PeerVpcId: 'vpc-0123456789abcdef0',
      PeerVpcAwsAccountId: '111111111111',
      GameLiftAwsAccountId: '111111111111',
      PeerRoleArn: 'arn:aws:iam::111111111111:role/Peering',
      ExternalId: 'studio-7',
      ReliedOnBy: {
        Connection89AD5CF5: {
          PeerVpcId: 'vpc-0123456789abcdef0',
          PeerVpcAwsAccountId: '111111111111',
          FleetId: 'fleet-01234567-89ab-cdef-0123-456789abcdef',
          Digest: 'bbcd73e345be82ee',
        },
      },
      Renewal: '2026-01-01T00:00:00.000Z',
    },
    Connection: {
      ServiceToken:
        'arn:aws:lambda:us-east-1:111111111111:function:Peered-GameLiftVpcPeeringHandlerFunction72E66EDF-1B2C3D4E5F6G',
      ServiceTimeout: '1200',
      SchemaVersion: '1',
      PeerVpcId: 'vpc-0123456789abcdef0',
      PeerVpcAwsAccountId: '111111111111',
      GameLiftAwsAccountId: '111111111111',
      PeerRoleArn: 'arn:aws:iam::111111111111:role/Peering',
      ExternalId: 'studio-7',
      FleetId: 'fleet-01234567-89ab-cdef-0123-456789abcdef',
      TimeoutSeconds: '600',
      Routes: 'RouteTables',
      RouteTableIds: ['rtb-0123456789abcdef0'],
      DnsResolution: 'true',
      AdoptExisting: 'false',
      PeerOnCreate: 'false',
      AuthorizationExpirationTime: '2026-01-02T00:00:00.000Z',
    },
    Teardown: {
      ServiceToken:
        'arn:aws:lambda:us-east-1:111111111111:function:Peered-GameLiftVpcPeeringHandlerFunction72E66EDF-1B2C3D4E5F6G',
      ServiceTimeout: '660',
      SchemaVersion: '1',
      PeerVpcId: 'vpc-0123456789abcdef0',
      PeerVpcAwsAccountId: '111111111111',
      GameLiftAwsAccountId: '111111111111',
      PeerRoleArn: 'arn:aws:iam::111111111111:role/Peering',
      ExternalId: 'studio-7',
      FleetIds: ['fleet-01234567-89ab-cdef-0123-456789abcdef'],
    },
  };

  /** The properties of the first version without the optional ones. */
  const REQUIRED_PROPERTIES: Readonly<Record<TypeName, Properties>> = {
    Authorization: {
      PeerVpcId: 'vpc-0123456789abcdef0',
      PeerVpcAwsAccountId: '111111111111',
      GameLiftAwsAccountId: '111111111111',
    },
    Connection: {
      PeerVpcId: 'vpc-0123456789abcdef0',
      PeerVpcAwsAccountId: '111111111111',
      GameLiftAwsAccountId: '111111111111',
      FleetId: 'fleet-01234567-89ab-cdef-0123-456789abcdef',
      TimeoutSeconds: '600',
      Routes: 'EveryRouteTable',
      DnsResolution: 'false',
      AdoptExisting: 'false',
      PeerOnCreate: 'false',
    },
    Teardown: {
      PeerVpcId: 'vpc-0123456789abcdef0',
      PeerVpcAwsAccountId: '111111111111',
      GameLiftAwsAccountId: '111111111111',
    },
  };

  /** Replaces the ids in the properties by those of the simulated AWS. */
  function adaptToWorld(properties: Properties): Properties {
    const { vpcId, fleetId, routeTableIds } = world;
    const text = JSON.stringify(properties)
      .replaceAll('vpc-0123456789abcdef0', vpcId)
      .replaceAll('fleet-01234567-89ab-cdef-0123-456789abcdef', fleetId)
      .replaceAll('rtb-0123456789abcdef0', routeTableIds[1] ?? '');
    return JSON.parse(text) as Properties;
  }

  function physicalIdOf(name: TypeName): string {
    const key = name === 'Connection' ? `/${world.fleetId}/${world.vpcId}` : '';
    return `6b2e1c9c-0000-4000-8000-000000000000/${name}${key}`;
  }

  function request(requestType: string, name: TypeName, properties: Properties, change: Properties = {}): object {
    return requestOf(requestType, {
      StackId: TEMPLATE_STACK_ID,
      LogicalResourceId: name,
      ResourceType: `Custom::GameLiftVpcPeering${name}`,
      ResourceProperties: properties,
      ...(requestType === 'Create' ? {} : { PhysicalResourceId: physicalIdOf(name) }),
      ...change,
    });
  }

  async function expectSuccess(event: object): Promise<void> {
    const { response } = await world.run(event);
    expect(response).toMatchObject({ Status: 'SUCCESS' });
  }

  describe.each([
    ['the first version', ALL_PROPERTIES],
    ['the first version, with only the required properties', REQUIRED_PROPERTIES],
  ])('of %s', (_, propertiesByType) => {
    test.each(TYPE_NAMES)('are supported forever: %s', async (name) => {
      const properties = adaptToWorld(propertiesByType[name]);
      await expectSuccess(request('Create', name, properties));
      await expectSuccess(request('Update', name, properties, { OldResourceProperties: properties }));
      await expectSuccess(
        request('Update', name, properties, { OldResourceProperties: adaptToWorld(REQUIRED_PROPERTIES[name]) }),
      );
      if (name === 'Connection') {
        const routeTableIds = propertiesByType === ALL_PROPERTIES ? world.routeTableIds.slice(1, 2) : world.routeTableIds;
        expect(world.state).toEqual({ connectionStatuses: ['active'], tablesWithRoutes: routeTableIds });
      }
      await expectSuccess(request('Delete', name, properties));
      expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
      const assumedRole = { arn: 'arn:aws:iam::111111111111:role/Peering', externalId: 'studio-7', session: `Peered.${name}` };
      expect(world.assumedRoles.at(-1)).toEqual(propertiesByType === ALL_PROPERTIES ? assumedRole : undefined);
    });
  });

  describe.each(TYPE_NAMES)('for the resource type %s', (name) => {
    /** Creates and updates a resource with valid properties. Returns the calls of the update. */
    async function createAndUpdate(properties: Properties): Promise<readonly string[]> {
      await expectSuccess(request('Create', name, properties));
      await expectSuccess(request('Update', name, properties, { OldResourceProperties: properties }));
      return world.calls;
    }

    test('are ignored if the handler does not know them', async () => {
      const properties = adaptToWorld(REQUIRED_PROPERTIES[name]);
      const calls = await createAndUpdate(properties);
      const unknownKeys = fc.string().filter((key) => !(key in ALL_PROPERTIES[name]));
      const hugeProperties = { Deep: DEEPLY_NESTED, Huge: 'x'.repeat(1_000_000), Members: INVALID_VALUES['10,000 members'] };
      const check = async (unknownProperties: object): Promise<void> => {
        const all = { ...unknownProperties, ...properties };
        await expectSuccess(request('Update', name, all, { OldResourceProperties: all }));
        expect(world.calls).toEqual(calls);
      };
      await check(hugeProperties);
      await check(JSON.parse('{"__proto__": {"PeerVpcId": "vpc-1"}, "constructor": null, "toString": 7}') as object);
      await fc.assert(fc.asyncProperty(fc.dictionary(unknownKeys, fc.jsonValue()), check), { seed: 1, numRuns: 100 });
    });

    test('can have any value if the handler does not use them', async () => {
      const properties = adaptToWorld(REQUIRED_PROPERTIES[name]);
      const calls = await createAndUpdate(properties);
      const unusedProperties = [
        'ServiceToken',
        'ServiceTimeout',
        'Renewal',
        'ReliedOnBy',
        'AuthorizationExpirationTime',
        'FleetIds',
      ];
      for (const value of [...Object.values(INVALID_VALUES), ...ODD_STRINGS]) {
        // without a role, the external id is not used
        const propertiesWithValue = {
          ...properties,
          ExternalId: value,
          ...Object.fromEntries(unusedProperties.map((property) => [property, value])),
        };
        await expectSuccess(request('Update', name, propertiesWithValue, { OldResourceProperties: propertiesWithValue }));
        expect(world.calls).toEqual(calls);
      }
    });

    test('can have any value in the previous properties of an update', async () => {
      const properties = adaptToWorld(REQUIRED_PROPERTIES[name]);
      await createAndUpdate(properties);
      const check = async (previous: unknown): Promise<void> => {
        const { response } = await world.run(request('Update', name, properties, { OldResourceProperties: previous }));
        expect(response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: physicalIdOf(name) });
      };
      await check(undefined);
      await check({ SchemaVersion: '7', Pair: {} });
      for (const value of Object.values(INVALID_VALUES)) {
        await check(value);
        for (const property of Object.keys(properties)) {
          await check({ ...properties, [property]: value });
        }
      }
      await fc.assert(fc.asyncProperty(fc.jsonValue(), check), { seed: 1, numRuns: 100 });
      if (name === 'Connection') {
        expect(world.state).toEqual({ connectionStatuses: ['active'], tablesWithRoutes: world.routeTableIds });
      }
    });

    /** CloudFormation limits physical ids to 1,024 bytes. */
    const FOREIGN_PHYSICAL_IDS = [
      'Peered-Connection-1B2C3D4E5F6G',
      '6b2e1c9c-0000-4000-8000-000000000000/Another',
      'stack-of-somebody-else/Connection/fleet-1/vpc-1',
      'x'.repeat(1024),
      '"'.repeat(1024),
      '🎮'.repeat(256),
      '\u0001\n\u2028',
      '__proto__',
      ' ',
      '/',
    ];

    test('are handled with a physical id that the handler did not generate', async () => {
      const properties = adaptToWorld(REQUIRED_PROPERTIES[name]);
      for (const PhysicalResourceId of FOREIGN_PHYSICAL_IDS) {
        await expectSuccess(request('Create', name, properties));
        const update = request('Update', name, properties, { OldResourceProperties: properties, PhysicalResourceId });
        expect((await world.run(update)).response).toMatchObject({
          Status: 'SUCCESS',
          PhysicalResourceId: name === 'Connection' ? physicalIdOf(name) : PhysicalResourceId,
        });
        const remove = request('Delete', name, properties, { PhysicalResourceId });
        expect((await world.run(remove)).response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
      }
    });

    test.each([undefined, ''])('are handled with the physical id %j', async (PhysicalResourceId) => {
      const properties = adaptToWorld(REQUIRED_PROPERTIES[name]);
      await createAndUpdate(properties);
      for (const type of ['Update', 'Delete']) {
        const event = request(type, name, properties, { OldResourceProperties: properties, PhysicalResourceId });
        expect((await world.run(event)).response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: physicalIdOf(name) });
      }
    });

    test('can be corrected by an update after a create that failed because of them, and a delete makes no call', async () => {
      const properties = adaptToWorld(REQUIRED_PROPERTIES[name]);
      // the physical id in the response to the failed create
      const PhysicalResourceId = `6b2e1c9c-0000-4000-8000-000000000000/${name}/nothing-done`;
      for (const ResourceProperties of [properties, {}, { PeerVpcId: 7 }, { SchemaVersion: 'junk' }]) {
        const { response } = await world.run(request('Delete', name, ResourceProperties, { PhysicalResourceId }));
        expect(response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
        expect(world.calls).toEqual([]);
      }
      const update = request('Update', name, properties, { OldResourceProperties: {}, PhysicalResourceId });
      expect((await world.run(update)).response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: physicalIdOf(name) });
    });
  });

  test('of another stack in a delete do not delete the connection of that stack', async () => {
    const properties = adaptToWorld(REQUIRED_PROPERTIES.Connection);
    await expectSuccess(request('Create', 'Connection', properties));
    const StackId = TEMPLATE_STACK_ID.replace('Peered/6b2e', 'Other/7c3f');
    await expectSuccess(request('Delete', 'Connection', properties, { StackId }));
    // the stack that is deleted may have a claim that reads do not show yet, so the handler removes the tag and reads again
    expect(world.calls).toEqual(['DescribeFleetAttributes', 'ListTagsForResource', 'UntagResource', 'ListTagsForResource']);
    // the claim and the note of the stack that created the connection
    expect(world.tags.size).toBe(2);
    expect(world.state.connectionStatuses).toEqual(['active']);
  });
});
