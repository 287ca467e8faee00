import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { extractSchemas } from './extract';
import type { ResourceSchema } from './resource-schema';

export type { PropertySchema, PropertySchemas, ResourceSchema, TypeSchema } from './resource-schema';

/** The version of the output of `extractSchemas`: increase it with every change. */
const FORMAT = 2;
const PACKAGE = '@aws-cdk/aws-service-spec';

const schemas = new Map<string, ResourceSchema | undefined>();
let extract: string | undefined;

/** Undefined for types without a published schema. */
export function schemaOf(type: string): ResourceSchema | undefined {
  if (!schemas.has(type)) {
    extract ??= `\n${cachedExtract()}`;
    const marker = `\n${type}\t`;
    const start = extract.indexOf(marker) + marker.length;
    const found = start >= marker.length;
    schemas.set(type, found ? (JSON.parse(extract.slice(start, extract.indexOf('\n', start))) as ResourceSchema) : undefined);
  }
  return schemas.get(type);
}

/** Caches the extract next to other tools' caches: reading the package's database takes seconds, reading the extract milliseconds. */
function cachedExtract(): string {
  const manifest = path.join(path.dirname(require.resolve(PACKAGE)), '..', 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  const modules = path.join(path.dirname(manifest), '..', '..');
  const file = path.join(modules, '.cache', 'rehearsal', `resource-schemas-${version}-${FORMAT}.txt`);
  if (!existsSync(file)) {
    mkdirSync(path.dirname(file), { recursive: true });
    // several processes may write at once: no process may read a partly written file
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, extractSchemas());
    renameSync(temporary, file);
  }
  return readFileSync(file, 'utf8');
}
