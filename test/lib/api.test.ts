import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * The public classes as jsii describes them for other languages, in the .jsii file of the last build.
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
  /** Of props: their properties are the keyword arguments of other languages. */
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

test('classes with static factory methods are neither abstract nor have a public constructor', () => {
  const withFactories = classes.filter(({ base }) => base === undefined);
  expect(withFactories.map(({ name }) => name)).toEqual(['AuthorizationRenewal', 'PeeringRoutes']);
  for (const { abstract, initializer } of withFactories) {
    expect({ abstract, initializer }).toEqual({ abstract: undefined, initializer: undefined });
  }
});

test('no class is abstract: a subclass in another language could not implement the internal methods', () => {
  expect(classes.filter(({ abstract }) => abstract === true)).toEqual([]);
});

describe('the docstrings', () => {
  /** Every public name: types, members and parameters. */
  const names = Object.values(types).flatMap((type) => {
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
    expect(names.map(({ path }) => path)).toContain('VpcPeeringConnection.allowTo(port)');
    expect(names.filter(({ docs }) => docs?.summary === undefined).map(({ path }) => path)).toEqual([]);
  });

  test('state the default of each optional property', () => {
    const optional = Object.values(types).flatMap(({ name, datatype, properties = [] }) =>
      datatype === true
        ? properties.filter(({ optional: is }) => is === true).map((each) => ({ ...each, name: `${name}.${each.name}` }))
        : [],
    );
    expect(optional.map(({ name }) => name)).toContain('VpcPeeringConnectionProps.timeout');
    expect(optional.filter(({ docs }) => docs?.default === undefined).map(({ name }) => name)).toEqual([]);
  });

  test('name the AWS page that each type relies on', () => {
    const withoutPage = Object.values(types).filter(({ docs }) => docs?.see?.startsWith('https://docs.aws.amazon.com/') !== true);
    expect(withoutPage.map(({ name }) => name)).toEqual([]);
  });

  test('have an example for each construct', () => {
    const constructs = classes.filter(({ initializer }) => initializer !== undefined);
    expect(constructs).toHaveLength(4);
    expect(constructs.filter(({ docs }) => docs?.example === undefined).map(({ name }) => name)).toEqual([]);
  });
});

test('API.md is what `npm run docs:api` generates', () => {
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
