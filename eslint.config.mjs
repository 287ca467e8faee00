import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

const sdk = { group: ['@aws-sdk/*', '@smithy/*'], message: 'lib knows CDK and nothing of the AWS SDK' };
const cdk = {
  group: ['aws-cdk-lib', 'aws-cdk-lib/*', 'constructs', '@aws-cdk/*'],
  message: 'lambda knows the AWS SDK and nothing of CDK',
};
/** The rehearsal reads cloud assemblies as the CDK does, and CloudFormation's resource schemas, which the CDK publishes as data. */
const data = ['@aws-cdk/cloud-assembly-api', '@aws-cdk/aws-service-spec', '@aws-cdk/service-spec-types'];
const constructs = { ...cdk, group: [...cdk.group, ...data.map((name) => `!${name}`)] };
const rehearsal = {
  group: ['rehearsal', 'rehearsal/**', '**/rehearsal/**'],
  message: 'what is rehearsed does not know the rehearsal',
};
const handler = {
  group: ['**/lambda', '**/lambda/**'],
  message: 'what is synthesized ships the handler as a built asset and never imports it',
};

const anythingElse = {
  group: ['**/lib', '**/lib/**', '**/lambda', '**/lambda/**', ...rehearsal.group, ...cdk.group],
  message: 'the probe asks AWS itself, and takes nothing for granted that the library or the rehearsal does',
};

/** So that lib/private and the constructs, which use it, never import each other. */
const publicConstructs = {
  group: ['../*', '!../contract'],
  message: 'lib/private imports nothing of the public constructs except the contract',
};

/** The folders of the handler, from top to bottom. Those in one row do not know each other. */
const layers = [['resources'], ['peering'], ['authorization', 'network'], ['model'], ['aws', 'cloudformation']];

/** Each folder of the handler imports only from folders below it, and nothing from the files that put them together. */
function layer(folder) {
  const row = layers.findIndex((folders) => folders.includes(folder));
  const notBelow = layers
    .slice(0, row + 1)
    .flat()
    .filter((other) => other !== folder);
  const group = [...notBelow.map((other) => `../${other}/**`), '../handler', '../custom-resource', '../index'];
  const message = `lambda/${folder} imports only from folders below it: see ARCHITECTURE.md`;
  return {
    files: [`lambda/${folder}/*.ts`],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [cdk, rehearsal, { group, message }] }] },
  };
}

/** What leads out of the workspace, from so many folders below the root: inside, there is another folder for Lambda. */
function outward(depth) {
  const up = '../'.repeat(depth);
  return {
    group: ['lambda', 'lib', 'examples', 'probe', 'test'].flatMap((folder) => [`${up}${folder}`, `${up}${folder}/**`]),
    message: 'the rehearsal takes any cloud assembly, and a handler as an argument: it knows neither constructs nor handler',
  };
}

/** The workspace of the rehearsal. Its tests synthesize stacks of their own. */
function workspace(depth) {
  const files = (folder) => [`rehearsal/${folder}/${'*/'.repeat(depth - 2)}*.ts`];
  const restrict = (...patterns) => ({ '@typescript-eslint/no-restricted-imports': ['error', { patterns }] });
  return [
    { files: files('src'), rules: restrict(constructs, outward(depth)) },
    { files: files('test'), rules: restrict(outward(depth)) },
  ];
}

export default tseslint.config(
  { ignores: ['node_modules', 'dist', 'coverage', 'cdk.out*', 'lambda/bundle', '**/*.js', '**/*.d.ts'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  prettier,
  {
    languageOptions: {
      parserOptions: { project: ['./tsconfig.dev.json', './tsconfig.browser.json'], tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-extraneous-class': ['error', { allowStaticOnly: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'no-restricted-imports': 'off',
    },
  },
  {
    files: ['lib/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [sdk, rehearsal, handler] }] },
  },
  {
    files: ['lib/private/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [sdk, rehearsal, handler, publicConstructs] }] },
  },
  { files: ['lambda/**/*.ts'], rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [cdk, rehearsal] }] } },
  {
    files: ['probe/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [anythingElse] }] },
  },
  ...layers.flat().map(layer),
  ...[2, 3, 4, 5].flatMap(workspace),
  {
    files: ['**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { process: 'readonly' } },
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' },
  },
);
