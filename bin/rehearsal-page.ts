import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rehearse } from 'rehearsal/cli';
import { tellStory } from './start';
import { synthesize } from './synthesize';
import useTemporaryDirectory from './temporary-directory';

/*
 * Writes docs/rehearsal-output.md: what `npm start` and `npm run rehearse` print, which is the same in each run.
 */

const PAGE = join(__dirname, '..', 'docs', 'rehearsal-output.md');

/** What the page has to say, with the library as it is built. */
export async function rehearsalPage(directory: string): Promise<string> {
  const [story, rehearsal]: [string[], string[]] = [[], []];
  const output = { print: (text: string) => rehearsal.push(text), complain: (text: string) => rehearsal.push(text) };
  await tellStory({ verbose: false, directory, build: () => Promise.resolve() }, (text) => story.push(text));
  const assembly = await synthesize('bin/app.ts', {}, join(directory, 'cdk.out'));
  await rehearse([assembly], output);
  return `# What the rehearsal prints

\`npm run docs:rehearsal\` writes this page. [Rehearse your own app](rehearsal.md) says how to use the rehearsal.

npm prints two lines of its own before, unless you add its option \`--silent\`.

## \`npm start\`

\`\`\`text
${story.join('\n')}
\`\`\`

## \`npx cdk synth --quiet && npm run rehearse -- cdk.out\`

\`\`\`text
${rehearsal.join('\n').replaceAll(assembly, 'cdk.out')}
\`\`\`
`;
}

async function main(): Promise<void> {
  writeFileSync(PAGE, await rehearsalPage(useTemporaryDirectory()));
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
