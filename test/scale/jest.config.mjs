import { fileURLToPath, URL } from 'node:url';
import inProcess from '../../jest.config.mjs';
import overTheWire from '../wire/jest.config.mjs';

const { globals, ...settings } = overTheWire;

/** Tests that take minutes: `npm run test:scale`. */
export default {
  ...settings,
  testTimeout: 600_000,
  projects: [
    { ...projectSettings(inProcess), displayName: 'in process', testMatch: ['<rootDir>/test/scale/cleanup.scale.ts'] },
    {
      ...projectSettings(overTheWire),
      displayName: 'over the wire',
      globals,
      testMatch: ['<rootDir>/test/scale/connections.scale.ts'],
    },
  ],
};

/** Jest accepts only these settings in `projects`. */
function projectSettings({ testEnvironment, cacheDirectory, roots, modulePathIgnorePatterns, moduleFileExtensions, transform }) {
  return {
    rootDir: fileURLToPath(new URL('../..', import.meta.url)),
    testEnvironment,
    cacheDirectory,
    roots,
    modulePathIgnorePatterns,
    moduleFileExtensions,
    transform,
    testPathIgnorePatterns: ['/node_modules/'],
  };
}
