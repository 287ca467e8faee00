import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { formatLocation, TargetLanguage, Translator, typeScriptSnippetFromVisibleSource } from 'jsii-rosetta';
import type { TypeScriptSnippet } from 'jsii-rosetta';
import { formatTable } from 'rehearsal/report';
import useTemporaryDirectory from './temporary-directory';

/*
 * Compiles each TypeScript example of README.md, docs/ and the docstrings with the package installed as for a user, and translates it to
 * the other languages of jsii.
 */

const ROOT = join(__dirname, '..');
const LIBRARY = 'cdk-gamelift-vpc-peering';

// arguments of jsii-rosetta
const IS_STRICT = true;
const INCLUDES_COMPILER_DIAGNOSTICS = true;

interface DocumentedType {
  readonly docs?: { readonly example?: string };
}

interface Assembly {
  readonly types: Readonly<Record<string, DocumentedType & { readonly fqn: string }>>;
}

function snippetsInDocuments(): TypeScriptSnippet[] {
  const documents = [
    'README.md',
    ...readdirSync(join(ROOT, 'docs')).flatMap((file) => (file.endsWith('.md') ? [`docs/${file}`] : [])),
  ];
  return documents.flatMap((fileName) => {
    const text = readFileSync(join(ROOT, fileName), 'utf8');
    return [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(({ 1: example = '', index }) => {
      const line = text.slice(0, index).split('\n').length;
      return typeScriptSnippetFromVisibleSource(
        example,
        { api: { api: 'file', fileName }, field: { field: 'markdown', line } },
        IS_STRICT,
      );
    });
  });
}

function snippetsInDocstrings(): TypeScriptSnippet[] {
  const { types } = JSON.parse(readFileSync(join(ROOT, '.jsii'), 'utf8')) as Assembly;
  return Object.values(types).flatMap(({ fqn, docs }) =>
    docs?.example === undefined
      ? []
      : [typeScriptSnippetFromVisibleSource(docs.example, { api: { api: 'type', fqn }, field: { field: 'example' } }, IS_STRICT)],
  );
}

/** Creates a directory in which the packages can be imported by their names. */
function createUserDirectory(): string {
  const directory = useTemporaryDirectory();
  const modules = join(directory, 'node_modules');
  mkdirSync(modules);
  for (const name of ['aws-cdk-lib', 'constructs']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  symlinkSync(ROOT, join(modules, LIBRARY));
  return directory;
}

function main(): void {
  const snippets = [...snippetsInDocuments(), ...snippetsInDocstrings()];
  process.chdir(createUserDirectory());
  const translator = new Translator(INCLUDES_COMPILER_DIAGNOSTICS);
  const rows = translator.translateSnippets(snippets).map((translated) => {
    const missing = Object.values(TargetLanguage).filter((language) => translated.get(language) === undefined);
    const isOk = translated.snippet.didCompile === true && missing.length === 0;
    return [isOk ? 'ok' : 'FAILED', formatLocation(translated.snippet.location), missing.join(', ')];
  });
  for (const { formattedMessage } of translator.diagnostics) {
    console.log(formattedMessage);
  }
  console.log(`\n${formatTable(['', 'example', 'not translated'], rows)}`);
  const passedCount = rows.filter(([result]) => result === 'ok').length;
  // an error that belongs to no example also counts as a failure
  const failedCount = Math.max(rows.length - passedCount, translator.diagnostics.some(({ isError }) => isError) ? 1 : 0);
  console.log(`\n${passedCount} passed, ${failedCount} failed`);
  process.exitCode = failedCount === 0 && passedCount > 0 ? 0 : 1;
}

main();
