import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * What jsii tells the other languages of the classes that users get, as the build has just written it.
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

test('choices are made by static methods alone: no class without a base is abstract, or has a constructor that a subclass could call', () => {
  const choices = classes.filter(({ base }) => base === undefined);
  expect(choices.map(({ name }) => name)).toEqual(['AuthorizationRenewal', 'PeeringRoutes']);
  for (const { abstract, initializer } of choices) {
    expect({ abstract, initializer }).toEqual({ abstract: undefined, initializer: undefined });
  }
});

test('no class is abstract: a subclass in another language would lack what only this library can implement', () => {
  expect(classes.filter(({ abstract }) => abstract === true)).toEqual([]);
});
