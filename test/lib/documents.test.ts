import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/*
 * Checks that the links in the documents work, and that the messages that they explain exist in the library.
 */

const PROJECT = join(__dirname, '..', '..');
const read = (file: string): string => readFileSync(join(PROJECT, file), 'utf8');

const DOCUMENTS = [
  ...readdirSync(PROJECT).filter((file) => file.endsWith('.md') && file !== 'API.md'),
  ...readdirSync(join(PROJECT, 'docs')).flatMap((file) => (file.endsWith('.md') ? [`docs/${file}`] : [])),
  'rehearsal/README.md',
];

/** The anchors that GitHub gives to headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

test.each(DOCUMENTS)('%s links only to files and headings of the repository that exist', (document) => {
  const links = [...read(document).matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, target = '']) => target);
  const broken = links.filter((target) => {
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? document : join(dirname(document), path);
    return !existsSync(join(PROJECT, file)) || (anchor !== undefined && !anchorsOf(read(file)).includes(anchor));
  });
  expect(broken).toEqual([]);
});

test('each link to a form for a new issue names a form that exists', () => {
  const forms = DOCUMENTS.flatMap((document) =>
    [...read(document).matchAll(/issues\/new\?template=([\w.-]+)/g)].map(([, form = '']) => form),
  );
  expect(forms).toContain('observations.yml');
  expect(forms.filter((form) => !existsSync(join(PROJECT, '.github', 'ISSUE_TEMPLATE', form)))).toEqual([]);
});

test('docs/observations.md has a query for the message that the handler logs', () => {
  expect(read('docs/observations.md')).toContain("filter message.message = 'observed how AWS behaves'");
  expect(read('lambda/handler.ts')).toContain("{ message: 'observed how AWS behaves', question, reading }");
});

test.each(['README.md', 'docs/troubleshooting.md'])('%s explains only messages that exist in the library', (document) => {
  const sources = ['lib', 'lambda'].flatMap((folder) =>
    readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?<!\.d)\.ts$/.test(file))
      .map((file) => read(join(folder, file))),
  );
  // joins messages that continue on the next line
  const source = sources.join('\n').replace(/['`"] \+\s+['`"]/g, '');
  const tables = read(document)
    .split('\n\n')
    .filter((block) => block.startsWith('| the message contains'));
  const messages = tables.flatMap((table) =>
    table
      .split('\n')
      .slice(2)
      .map((row) => /^\| `([^`]+)`/.exec(row)?.[1] ?? row),
  );
  expect(messages.length).toBeGreaterThan(5);
  expect(messages.filter((message) => !source.includes(message))).toEqual([]);
});
