export default {
  // a rehearsal has a thread for each environment of a function: the processors are for those
  maxWorkers: 1,
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  // a life takes a second or two of real time: this bounds one that hangs
  testTimeout: 60_000,
  testMatch: ['**/*.test.ts'],
  // ts before js: the library is compiled in place, and a stale .js must not be what is tested
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json'],
  reporters: ['default', '<rootDir>/test/closing-line.mjs'],
  collectCoverageFrom: ['lib/**/*.ts', 'lambda/*.ts', '!**/*.d.ts'],
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.dev.json' }] },
};
