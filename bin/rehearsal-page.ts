import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rehearse } from 'rehearsal/cli';
import { rehearseBothLives } from './start';
import { synthesize } from './synthesize';
import useTemporaryDirectory from './temporary-directory';

/*
 * Writes docs/rehearsal-output.md, which shows what `npm start` and `npm run rehearse` print. Every run prints the same.
 */

const PAGE = join(__dirname, '..', 'docs', 'rehearsal-output.md');

/**
 * The content of the page. The library must be built.
 *
 * @param directory where the cloud assemblies are written
 */
export async function rehearsalPage(directory: string): Promise<string> {
  const [startOutput, rehearseOutput]: [string[], string[]] = [[], []];
  const output = { print: (text: string) => rehearseOutput.push(text), printError: (text: string) => rehearseOutput.push(text) };
  // the stacks with this library, then the same stacks without it
  await rehearseBothLives({ verbose: false, directory, build: () => Promise.resolve() }, (text) => startOutput.push(text));
  const assembly = await synthesize('bin/app.ts', {}, join(directory, 'cdk.out'));
  await rehearse([assembly], output);
  return `# What the rehearsal prints

\`npm run docs:rehearsal\` writes this page. [Rehearse your own app](rehearsal.md) explains how to use the rehearsal.

Before this output, npm prints two lines of its own, unless you add its option \`--silent\`.

## \`npm start\`

\`\`\`text
${startOutput.join('\n')}
\`\`\`

## \`npx cdk synth --quiet && npm run rehearse -- cdk.out\`

\`\`\`text
${rehearseOutput.join('\n').replaceAll(assembly, 'cdk.out')}
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
