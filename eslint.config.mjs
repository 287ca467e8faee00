import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/* Each of these objects describes imports that some folders must not contain, and the message of ESLint's error. */

const sdkImports = {
  group: ['@aws-sdk/*', '@smithy/*'],
  message: 'lib must not import the AWS SDK: the handler in lambda/ makes the calls',
};
const cdkImports = {
  group: ['aws-cdk-lib', 'aws-cdk-lib/*', 'constructs', '@aws-cdk/*'],
  message: 'lambda and rehearsal/src must not import the CDK',
};
/** The rehearsal may import the CDK's reader of cloud assemblies, and its data about CloudFormation's resource types. */
const dataPackages = ['@aws-cdk/cloud-assembly-api', '@aws-cdk/aws-service-spec', '@aws-cdk/service-spec-types'];
const cdkImportsExceptData = { ...cdkImports, group: [...cdkImports.group, ...dataPackages.map((name) => `!${name}`)] };
const rehearsalImports = {
  group: ['rehearsal', 'rehearsal/**', '**/rehearsal/**'],
  message: 'only tests, benchmarks and commands may import the rehearsal',
};
const handlerImports = {
  group: ['**/lambda', '**/lambda/**'],
  message: 'lib must not import the handler: lib ships the built bundle as an asset',
};

/** The probe calls AWS itself, and must not share the assumptions of the library or the rehearsal. */
const importsOfOtherFolders = {
  group: ['**/lib', '**/lib/**', '**/lambda', '**/lambda/**', ...rehearsalImports.group, ...cdkImports.group],
  message: 'probe must not import lib, lambda, rehearsal or the CDK',
};

/** The constructs import lib/private, so the opposite import would be a cycle. */
const publicConstructImports = {
  group: ['../*', '!../contract'],
  message: 'lib/private must not import public constructs, only the contract',
};

/** The folders of the handler, from top to bottom. Folders in one row must not import each other. */
const layers = [['resources'], ['peering'], ['authorization', 'network'], ['model'], ['aws', 'cloudformation']];

/** Lets a folder of the handler import only from folders below it, and not from the entry files, which import all folders. */
function layerRules(folder) {
  const row = layers.findIndex((folders) => folders.includes(folder));
  const notBelow = layers
    .slice(0, row + 1)
    .flat()
    .filter((other) => other !== folder);
  const group = [...notBelow.map((other) => `../${other}/**`), '../handler', '../custom-resource', '../index'];
  const message = `lambda/${folder} imports only from folders below it: see ARCHITECTURE.md`;
  return {
    files: [`lambda/${folder}/*.ts`],
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [cdkImports, rehearsalImports, { group, message }] }],
    },
  };
}

/**
 * Forbids imports from outside of the workspace `rehearsal`. The files with this rule are `depth` folders below the root of the repository.
 * Without `../`, the patterns would also match rehearsal/src/lambda.
 */
function outsideWorkspace(depth) {
  const root = '../'.repeat(depth);
  return {
    group: ['lambda', 'lib', 'examples', 'probe', 'test'].flatMap((folder) => [`${root}${folder}`, `${root}${folder}/**`]),
    message: 'rehearsal must not import other folders: it takes a cloud assembly, or a handler as an argument',
  };
}

/** The rules for the files of the workspace that are `depth` folders below the root. Only its tests may import the CDK, to synthesize stacks. */
function workspaceRules(depth) {
  const files = (folder) => [`rehearsal/${folder}/${'*/'.repeat(depth - 2)}*.ts`];
  const restrict = (...patterns) => ({ '@typescript-eslint/no-restricted-imports': ['error', { patterns }] });
  return [
    { files: files('src'), rules: restrict(cdkImportsExceptData, outsideWorkspace(depth)) },
    { files: files('test'), rules: restrict(outsideWorkspace(depth)) },
  ];
}

/** The depths of the files of the workspace: for each, the number of folders between the root of the repository and the file. */
const WORKSPACE_DEPTHS = [2, 3, 4, 5];

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
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [sdkImports, rehearsalImports, handlerImports] }],
    },
  },
  {
    files: ['lib/private/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [sdkImports, rehearsalImports, handlerImports, publicConstructImports] },
      ],
    },
  },
  {
    files: ['lambda/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [cdkImports, rehearsalImports] }] },
  },
  {
    files: ['probe/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [importsOfOtherFolders] }] },
  },
  ...layers.flat().map(layerRules),
  ...WORKSPACE_DEPTHS.flatMap(workspaceRules),
  {
    files: ['**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { process: 'readonly' } },
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' },
  },
);
