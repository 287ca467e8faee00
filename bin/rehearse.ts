import { CONSOLE, rehearse } from 'rehearsal/cli';
import useTemporaryDirectory from './temporary-directory';

/*
 * Runs the command line of the rehearsal: `npm run rehearse`.
 */

useTemporaryDirectory();
rehearse(process.argv.slice(2), CONSOLE).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
