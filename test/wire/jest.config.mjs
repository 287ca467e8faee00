import config from '../../jest.config.mjs';

/** Runs the lives over the wire, the tests that start processes, and the tests in process: `npm run test:wire`. */
export default {
  ...config,
  rootDir: '../..',
  globals: { overTheWire: true },
  // includes the tests in process for the coverage, because Jest can't measure it in the threads that run the bundle
  testMatch: [
    '<rootDir>/test/life/*.test.ts',
    '**/*.wire.test.ts',
    '<rootDir>/test/lib/*.test.ts',
    '<rootDir>/test/lambda/*.test.ts',
    '<rootDir>/test/in-process/*.test.ts',
    '<rootDir>/test/matrix/claims.test.ts',
    '<rootDir>/test/matrix/sequences.test.ts',
  ],
  testPathIgnorePatterns: ['/node_modules/'],
  collectCoverageFrom: ['lib/**/*.ts', 'lambda/**/*.ts', '!**/*.d.ts'],
  coverageReporters: ['text'],
  coverageThreshold: { './lib/': { lines: 95 }, './lambda/': { lines: 95 } },
};
