import { readFileSync } from 'node:fs';
import { URL } from 'node:url';

const { compilerOptions } = JSON.parse(readFileSync(new URL('tsconfig.json', import.meta.url), 'utf8'));

// a deprecated call warns in the synthesis of everyone who uses the library
process.env.JSII_DEPRECATED = 'fail';

/** CommonJS, since jest can't import modules while it runs, as the handler does with the SDK's clients. */
const tsconfig = {
  ...compilerOptions,
  module: 'commonjs',
  moduleResolution: 'bundler',
  isolatedModules: true,
  sourceMap: true,
  declaration: false,
};

export default {
  // fixed, so that every machine runs the same; nothing in process waits for anything but the processor
  maxWorkers: 2,
  testEnvironment: 'node',
  // nothing that a run writes is left in the temporary directory
  globalSetup: '<rootDir>/bin/temporary-directory.ts',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  roots: ['<rootDir>/test', '<rootDir>/lib', '<rootDir>/lambda'],
  modulePathIgnorePatterns: ['<rootDir>/lambda/bundle'],
  // bounds a life that hangs
  testTimeout: 60_000,
  testMatch: ['**/*.test.ts'],
  // `npm run test:wire` runs those
  testPathIgnorePatterns: ['/node_modules/', '\\.wire\\.test\\.ts$'],
  // ts before js: the library is compiled in place, and a stale .js must not be what is tested
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json'],
  reporters: ['default', '<rootDir>/test/summary-reporter.mjs'],
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig }] },
};
