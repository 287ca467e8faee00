import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * The public classes as jsii describes them for other languages, in the .jsii file of the last build.
 */

interface JsiiClass {
  readonly kind: string;
  readonly name: string;
  readonly base?: string;
  readonly abstract?: boolean;
  readonly initializer?: object;
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
