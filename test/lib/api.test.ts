import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * Tests of the .jsii file of the last build, in which jsii describes the public classes for other languages.
 */

interface JsiiDocs {
  readonly docs?: { readonly summary?: string; readonly default?: string; readonly example?: string; readonly see?: string };
}

interface JsiiMember extends JsiiDocs {
  readonly name: string;
  readonly optional?: boolean;
  readonly parameters?: readonly JsiiMember[];
}

interface JsiiType extends JsiiDocs {
  readonly kind: string;
  readonly name: string;
  readonly base?: string;
  readonly abstract?: boolean;
  /** Whether the type is an interface of props. Other languages pass its properties as keyword arguments. */
  readonly datatype?: boolean;
  readonly initializer?: Omit<JsiiMember, 'name'>;
  readonly methods?: readonly JsiiMember[];
  readonly properties?: readonly JsiiMember[];
}

const PROJECT = join(__dirname, '..', '..');
const { types } = JSON.parse(readFileSync(join(PROJECT, '.jsii'), 'utf8')) as {
  readonly types: Readonly<Record<string, JsiiType>>;
};
const classes = Object.values(types).filter(({ kind }) => kind === 'class');

test('classes with static factory methods are not abstract and have no public constructor', () => {
  // the other classes are constructs, so they have a base class
  const classesWithFactories = classes.filter(({ base }) => base === undefined);
  expect(classesWithFactories.map(({ name }) => name)).toEqual(['AuthorizationRenewal', 'PeeringRoutes']);
  for (const { abstract, initializer } of classesWithFactories) {
    expect({ abstract, initializer }).toEqual({ abstract: undefined, initializer: undefined });
  }
});

test('no class is abstract, because a subclass in another language could not implement the internal methods', () => {
  expect(classes.filter(({ abstract }) => abstract === true)).toEqual([]);
});

describe('the docstrings', () => {
  /** All public types, members and parameters. */
  const apiElements = Object.values(types).flatMap((type) => {
    const { name, initializer, methods = [], properties = [] } = type;
    const constructors = initializer === undefined ? [] : [{ ...initializer, name: 'constructor' }];
    const members = [...constructors, ...methods, ...properties];
    return [
      { path: name, docs: type.docs },
      ...members.map((member) => ({ path: `${name}.${member.name}`, docs: member.docs })),
      ...members.flatMap(({ name: member, parameters = [] }) =>
        parameters.map((parameter) => ({ path: `${name}.${member}(${parameter.name})`, docs: parameter.docs })),
      ),
    ];
  });

  test('describe each type, member and parameter', () => {
    expect(apiElements.map(({ path }) => path)).toContain('VpcPeeringConnection.allowTo(port)');
    expect(apiElements.filter(({ docs }) => docs?.summary === undefined).map(({ path }) => path)).toEqual([]);
  });

  test('state the default of each optional property', () => {
    const optionalProperties = Object.values(types).flatMap(({ name, datatype, properties = [] }) =>
      datatype === true
        ? properties
            .filter(({ optional }) => optional === true)
            .map((property) => ({ ...property, name: `${name}.${property.name}` }))
        : [],
    );
    expect(optionalProperties.map(({ name }) => name)).toContain('VpcPeeringConnectionProps.timeout');
    expect(optionalProperties.filter(({ docs }) => docs?.default === undefined).map(({ name }) => name)).toEqual([]);
  });

  test('name the AWS page that each type relies on', () => {
    const typesWithoutPage = Object.values(types).filter(
      ({ docs }) => docs?.see?.startsWith('https://docs.aws.amazon.com/') !== true,
    );
    expect(typesWithoutPage.map(({ name }) => name)).toEqual([]);
  });

  test('have an example for each construct', () => {
    const constructs = classes.filter(({ initializer }) => initializer !== undefined);
    expect(constructs).toHaveLength(4);
    expect(constructs.filter(({ docs }) => docs?.example === undefined).map(({ name }) => name)).toEqual([]);
  });
});

test('API.md is up to date with the output of `npm run docs:api`', () => {
  const directory = mkdtempSync(join(tmpdir(), 'api-'));
  try {
    const file = join(directory, 'API.md');
    execFileSync(process.execPath, [require.resolve('jsii-docgen/bin/jsii-docgen'), '--output', file], {
      cwd: PROJECT,
      env: { ...process.env, JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '1' },
    });
    expect(readFileSync(join(PROJECT, 'API.md'), 'utf8')).toBe(readFileSync(file, 'utf8'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
