import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { extractSchemas } from './extract';
import type { ResourceSchema } from './resource-schema';

export type { PropertySchema, PropertySchemas, ResourceSchema, TypeSchema } from './resource-schema';

/** The version of the output of `extractSchemas`. Increase the version when the output changes. */
const FORMAT_VERSION = 2;
const SPEC_PACKAGE = '@aws-cdk/aws-service-spec';

const schemas = new Map<string, ResourceSchema | undefined>();
let extractedSchemas: string | undefined;

/** Returns the published schema of a resource type. Undefined if there is none. */
export function schemaOf(type: string): ResourceSchema | undefined {
  if (!schemas.has(type)) {
    extractedSchemas ??= `\n${cachedSchemas()}`;
    const marker = `\n${type}\t`;
    const start = extractedSchemas.indexOf(marker) + marker.length;
    const hasSchema = start >= marker.length;
    schemas.set(
      type,
      hasSchema
        ? (JSON.parse(extractedSchemas.slice(start, extractedSchemas.indexOf('\n', start))) as ResourceSchema)
        : undefined,
    );
  }
  return schemas.get(type);
}

/** Reads the extracted schemas from a cache in node_modules. If the cache does not exist, extracting them takes two seconds. */
function cachedSchemas(): string {
  const manifest = path.join(path.dirname(require.resolve(SPEC_PACKAGE)), '..', 'package.json');
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
