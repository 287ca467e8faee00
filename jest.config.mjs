import { readFileSync } from 'node:fs';
import { URL } from 'node:url';

const { compilerOptions } = JSON.parse(readFileSync(new URL('tsconfig.json', import.meta.url), 'utf8'));

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
  // a rehearsal has a thread for each environment of a function: the processors are for those
  maxWorkers: 1,
  testEnvironment: 'node',
  // nothing that a run writes is left in the temporary directory
  globalSetup: '<rootDir>/bin/temporary-directory.ts',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  roots: ['<rootDir>/test', '<rootDir>/lib', '<rootDir>/lambda'],
  modulePathIgnorePatterns: ['<rootDir>/lambda/bundle'],
  // a life takes a second or two of real time: this bounds one that hangs
  testTimeout: 60_000,
  testMatch: ['**/*.test.ts'],
  // ts before js: the library is compiled in place, and a stale .js must not be what is tested
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json'],
  reporters: ['default', '<rootDir>/test/closing-line.mjs'],
  // npm test collects it, from the tests that run in this process: lives over the wire run the bundle in threads of their own
  collectCoverageFrom: ['lib/**/*.ts', 'lambda/*.ts', '!**/*.d.ts'],
  coverageReporters: ['text'],
  coverageThreshold: { './lib/': { lines: 95 }, './lambda/': { lines: 95 } },
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig }] },
};
