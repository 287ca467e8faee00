import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const EXAMPLES = join(__dirname, '..', 'examples');
const NAMES = readdirSync(EXAMPLES)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'));

let outdir: string;

beforeEach(() => {
  outdir = mkdtempSync(join(tmpdir(), 'examples-'));
  process.env.CDK_OUTDIR = outdir;
});
afterEach(() => {
  delete process.env.CDK_OUTDIR;
  rmSync(outdir, { recursive: true, force: true });
});

/** Reads the templates of a cloud assembly and of its nested assemblies. */
function templatesIn(directory: string): Record<string, unknown> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.template.json'));
  return Object.fromEntries(
    files.sort().map((file) => {
      // hashes change with each build of the handler
      const text = readFileSync(join(directory, file), 'utf8')
        .replace(/[0-9a-f]{64}/g, 'hash')
        .replace(/(hash:\d{12}-[a-z0-9-]+-)[0-9a-f]{8}\b/g, '$1hash')
        // the runtime depends on the version of the CDK
        .replace(/"nodejs\d+\.x"/g, '"nodejs"');
      return [file, JSON.parse(text) as unknown];
    }),
  );
}

/** Returns all errors and warnings, including the findings of cdk-nag. */
function annotationsIn(directory: string): string[] {
  const manifests = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
    (file) => basename(file) === 'manifest.json',
  );
  return manifests.flatMap((file) => {
    const { artifacts } = JSON.parse(readFileSync(join(directory, file), 'utf8')) as {
      artifacts: Record<string, { metadata?: Record<string, { type: string; data?: unknown }[]> }>;
    };
    return Object.values(artifacts).flatMap(({ metadata = {} }) =>
      Object.entries(metadata).flatMap(([path, entries]) =>
        entries.filter(({ type }) => /^aws:cdk:(error|warning)$/.test(type)).map(({ data }) => `${path}: ${String(data)}`),
      ),
    );
  });
}

test.each(NAMES)('the templates of %s equal the snapshot, and all findings of cdk-nag are suppressed', (name) => {
  jest.requireActual(join(EXAMPLES, name));
  const templates = templatesIn(outdir);
  expect(Object.keys(templates)).not.toEqual([]);
  expect(annotationsIn(outdir)).toEqual([]);
  expect(templates).toMatchSnapshot();
});
