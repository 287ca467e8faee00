import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { extractSchemas } from './extract';
import type { ResourceSchema } from './resource-schema';

export type { PropertySchema, PropertySchemas, ResourceSchema, TypeSchema } from './resource-schema';

/** The version of the output of `extractSchemas`: increase it with every change. */
const FORMAT_VERSION = 2;
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

/** Reads the extract from a cache in node_modules. Without the cache, creating it takes two seconds. */
function cachedExtract(): string {
  const manifest = path.join(path.dirname(require.resolve(PACKAGE)), '..', 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  const modules = path.join(path.dirname(manifest), '..', '..');
  const file = path.join(modules, '.cache', 'rehearsal', `resource-schemas-${version}-${FORMAT_VERSION}.txt`);
  if (!existsSync(file)) {
    mkdirSync(path.dirname(file), { recursive: true });
    // rename the complete file: another process may read or write the cache at the same time
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, extractSchemas());
    renameSync(temporary, file);
  }
  return readFileSync(file, 'utf8');
}
