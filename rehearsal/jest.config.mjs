import { fileURLToPath, URL } from 'node:url';
import config from '../jest.config.mjs';

/** The tests of the rehearsal, in process and over the wire: `npm run test:rehearsal`. */
export default {
  ...config,
  rootDir: fileURLToPath(new URL('..', import.meta.url)),
  roots: ['<rootDir>/rehearsal/test'],
  testPathIgnorePatterns: ['/node_modules/'],
};
