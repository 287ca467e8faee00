import { fileURLToPath, URL } from 'node:url';
import inProcess from '../../jest.config.mjs';
import overTheWire from '../wire/jest.config.mjs';

const { globals, ...rest } = overTheWire;

/** Tests that take minutes: `npm run test:scale`. */
export default {
  ...rest,
  testTimeout: 600_000,
  projects: [
    { ...project(inProcess), displayName: 'in process', testMatch: ['<rootDir>/test/scale/cleanup.scale.ts'] },
    { ...project(overTheWire), displayName: 'over the wire', globals, testMatch: ['<rootDir>/test/scale/connections.scale.ts'] },
  ],
};

/** The settings that belong to a project of Jest. */
function project({ testEnvironment, cacheDirectory, roots, modulePathIgnorePatterns, moduleFileExtensions, transform }) {
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
