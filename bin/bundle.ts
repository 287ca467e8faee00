import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { thirdPartyNotices } from './third-party-notices';

/**
 * Bundles the handler with the AWS SDK's clients. Users deploy this bundle: they neither install the SDK nor bundle anything. Writes the
 * licenses of the bundled packages to THIRD-PARTY-NOTICES.
 */
async function bundle(): Promise<void> {
  const root = join(__dirname, '..');
  const outdir = join(root, 'lambda', 'bundle');
  const { warnings, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { index: 'lambda/index.ts' },
    outdir,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    // ES modules, so that EC2's client is a separate file that is loaded only when it is needed
    format: 'esm',
    splitting: true,
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    // the SDK's build with ES modules is half the size of its CommonJS build
    mainFields: ['module', 'main'],
    legalComments: 'linked',
    metafile: true,
    logLevel: 'warning',
  });
  if (warnings.length > 0) {
    throw new Error(`the bundler printed ${warnings.length} warnings: fix the problems above`);
  }
  writeFileSync(join(root, 'THIRD-PARTY-NOTICES'), thirdPartyNotices(metafile, root));
}

bundle().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
