import config from '../../jest.config.mjs';

/** Tests the constructs and the examples with a newer CDK: `npm run test:newest-cdk`. */
export default {
  ...config,
  rootDir: '../..',
  moduleNameMapper: {
    '^aws-cdk-lib($|/.*)': 'aws-cdk-lib-newest$1',
    '^constructs$': 'constructs-newest',
  },
  testMatch: ['<rootDir>/test/lib/*.test.ts', '<rootDir>/test/examples.test.ts', '<rootDir>/test/newest-cdk/*.newest.ts'],
};
