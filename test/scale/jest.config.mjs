import config from '../wire/jest.config.mjs';

/** What takes minutes: `npm run test:scale`. */
export default { ...config, testMatch: ['**/*.scale.ts'], testTimeout: 600_000 };
