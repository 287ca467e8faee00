import { rehearseBothLives } from '../../bin/start';
import useTemporaryDirectory from '../../bin/temporary-directory';

/*
 * Runs `npm start` without its build.
 */

const build = () => Promise.resolve();

void rehearseBothLives({ verbose: false, directory: useTemporaryDirectory(), build }, console.log);
