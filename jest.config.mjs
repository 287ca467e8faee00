import { readFileSync } from 'node:fs';
import { URL } from 'node:url';

const { compilerOptions } = JSON.parse(readFileSync(new URL('tsconfig.json', import.meta.url), 'utf8'));

// fail if the library calls a deprecated API, because users would see a warning in each synthesis
process.env.JSII_DEPRECATED = 'fail';

/** Compiles to CommonJS: the handler loads the SDK's clients with dynamic imports, which jest does not support in ES modules. */
const tsconfig = {
  ...compilerOptions,
  module: 'commonjs',
  moduleResolution: 'bundler',
  isolatedModules: true,
  sourceMap: true,
  declaration: false,
};

export default {
  // the same number of processes on every machine
  maxWorkers: 2,
  testEnvironment: 'node',
  // deletes all temporary files at the end
  globalSetup: '<rootDir>/bin/temporary-directory.ts',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  roots: ['<rootDir>/test', '<rootDir>/lib', '<rootDir>/lambda'],
  modulePathIgnorePatterns: ['<rootDir>/lambda/bundle'],
  // ends a test that hangs
  testTimeout: 60_000,
  testMatch: ['**/*.test.ts'],
  // `npm run test:wire` runs these
  testPathIgnorePatterns: ['/node_modules/', '\\.wire\\.test\\.ts$'],
  // ts before js: the library is compiled in place, and the tests must not use an outdated .js file
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json'],
  reporters: ['default', '<rootDir>/test/summary-reporter.mjs'],
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig }] },
};
