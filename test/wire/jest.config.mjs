import config from '../../jest.config.mjs';

/** Runs the lives over the wire, the tests that start processes, and the tests that measure the coverage: `npm run test:wire`. */
export default {
  ...config,
  rootDir: '../..',
  globals: { overTheWire: true },
  // lives over the wire run the bundle in threads, where no coverage is measured, so the tests in process are listed, too
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
