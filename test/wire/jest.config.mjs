import config from '../../jest.config.mjs';

/** The lives over the wire, the tests that need processes, and the tests for the coverage of the handler: `npm run test:wire`. */
export default {
  ...config,
  rootDir: '../..',
  globals: { overTheWire: true },
  // lives over the wire run the bundle in threads, so that only the other tests count for the coverage
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
