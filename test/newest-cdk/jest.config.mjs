import config from '../../jest.config.mjs';

/** The constructs and the examples with the newest CDK that they are tested with, and no deprecated call: `npm run test:newest-cdk`. */
export default {
  ...config,
  rootDir: '../..',
  moduleNameMapper: {
    '^aws-cdk-lib($|/.*)': 'aws-cdk-lib-newest$1',
    '^constructs$': 'constructs-newest',
  },
  testMatch: ['<rootDir>/test/lib/*.test.ts', '<rootDir>/test/examples.test.ts', '<rootDir>/test/newest-cdk/*.newest.ts'],
};
