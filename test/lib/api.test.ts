import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * The public classes as jsii describes them for other languages, in the .jsii file of the last build.
 */

interface JsiiMember {
  readonly name: string;
  readonly protected?: boolean;
}

interface JsiiClass {
  readonly kind: string;
  readonly name: string;
  readonly base?: string;
  readonly abstract?: boolean;
  readonly initializer?: object;
  readonly methods?: readonly JsiiMember[];
  readonly properties?: readonly JsiiMember[];
}

const { types } = JSON.parse(readFileSync(join(__dirname, '..', '..', '.jsii'), 'utf8')) as {
  readonly types: Readonly<Record<string, JsiiClass>>;
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

describe('docs/api.md', () => {
  const text = readFileSync(join(__dirname, '..', '..', 'docs', 'api.md'), 'utf8');
  const sections = new Map(
    text
      .split(/^## /m)
      .slice(1)
      .map((section) => {
        const [name = '', ...lines] = section.split('\n');
        const rows = lines.filter((line) => line.startsWith('| `')).map((line) => line.split(/(?<!\\)\|/).slice(1, -1));
        return [name, rows] as const;
      }),
  );

  test('has a row for each public name, and no others', () => {
    const documented = [...sections].map(([name, rows]) => [
      name,
      rows.map(([cell = '']) => cell.replaceAll('`', '').trim()).sort(),
    ]);
    const declared = Object.values(types).map(({ name, base, initializer, methods = [], properties = [] }) => [
      name,
      [
        name,
        ...(base === undefined && initializer === undefined ? [] : ['constructor']),
        ...[...methods, ...properties].filter((member) => member.protected !== true).map((member) => member.name),
      ].sort(),
    ]);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(declared));
  });

  test('has five cells in each row: the name, two types, what it is, and whether it can be guessed', () => {
    for (const [, rows] of sections) {
      for (const cells of rows) {
        expect(cells).toHaveLength(5);
        expect(cells.filter((cell) => cell.trim() === '')).toEqual([]);
        expect(cells[4]).toMatch(/^ (yes|nearly|no)\b/);
      }
    }
  });
});
