import { tellStory } from '../../bin/start';
import useTemporaryDirectory from '../../bin/temporary-directory';

/*
 * What `npm start` does after its build.
 */

const build = () => Promise.resolve();

void tellStory({ verbose: false, directory: useTemporaryDirectory(), build }, console.log);
