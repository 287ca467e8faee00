import config from '../../jest.config.mjs';

/** What takes minutes: `npm run test:scale`. */
export default { ...config, rootDir: '../..', testMatch: ['**/*.scale.ts'], testTimeout: 600_000 };
