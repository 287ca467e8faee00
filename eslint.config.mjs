import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

const sdk = { group: ['@aws-sdk/*', '@smithy/*'], message: 'lib must not import the AWS SDK' };
const cdk = {
  group: ['aws-cdk-lib', 'aws-cdk-lib/*', 'constructs', '@aws-cdk/*'],
  message: 'lambda must not import the CDK',
};
/** The CDK, except the packages with CloudFormation's resource schemas, which the rehearsal reads. */
const cdkExceptSchemas = { ...cdk, group: [...cdk.group, '!@aws-cdk/aws-service-spec', '!@aws-cdk/service-spec-types'] };
const rehearsal = {
  group: ['rehearsal', 'rehearsal/**', '**/rehearsal/**'],
  message: 'lib and lambda must not import the rehearsal',
};
const handler = {
  group: ['**/lambda', '**/lambda/**'],
  message: 'lib must not import lambda: it uses the bundled handler as an asset',
};

const everythingElse = {
  group: ['**/lib', '**/lib/**', '**/lambda', '**/lambda/**', ...rehearsal.group, ...cdk.group],
  message: 'the probe must not depend on assumptions of the library or the rehearsal',
};

/** The constructs import lib/private. This prevents import cycles. */
const publicConstructs = {
  group: ['../*', '!../contract'],
  message: 'lib/private must not import files of lib other than the contract',
};

/** The folders of the handler, from top to bottom. Folders in one row must not import each other. */
const layers = [['resources'], ['peering'], ['authorization', 'network'], ['model'], ['aws', 'cloudformation']];

/** Each folder of the handler imports only from folders below it, and not from the entry points. */
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

/**
 * The other folders of the repository, relative to a file that is `depth` folders below the root. The patterns are relative, because the
 * workspace has its own folder `lambda`.
 */
function otherFolders(depth) {
  const up = '../'.repeat(depth);
  return {
    group: ['lambda', 'lib', 'examples', 'probe', 'test'].flatMap((folder) => [`${up}${folder}`, `${up}${folder}/**`]),
    message: 'the rehearsal must not import other folders: it takes any cloud assembly, or a handler as an argument',
  };
}

/** The rules for the workspace of the rehearsal. Its tests can import the CDK, because they synthesize stacks. */
function workspace(depth) {
  const files = (folder) => [`rehearsal/${folder}/${'*/'.repeat(depth - 2)}*.ts`];
  const restrict = (...patterns) => ({ '@typescript-eslint/no-restricted-imports': ['error', { patterns }] });
  return [
    { files: files('src'), rules: restrict(cdkExceptSchemas, otherFolders(depth)) },
    { files: files('test'), rules: restrict(otherFolders(depth)) },
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
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [everythingElse] }] },
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
