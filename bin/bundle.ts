import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { thirdPartyNotices } from './third-party-notices';

/**
 * Bundles the handler with the AWS SDK's clients, so that users neither install the SDK nor bundle anything. Writes the licenses of
 * the bundled packages to THIRD-PARTY-NOTICES.
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
    // modules, so that EC2's client becomes a separate file that is loaded only when it is needed
    format: 'esm',
    splitting: true,
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    // the SDK's modules build is half the size of its CommonJS build
    mainFields: ['module', 'main'],
    legalComments: 'linked',
    metafile: true,
    logLevel: 'warning',
  });
  if (warnings.length > 0) {
    throw new Error(`the bundler warned ${warnings.length} times: see above`);
  }
  writeFileSync(join(root, 'THIRD-PARTY-NOTICES'), thirdPartyNotices(metafile, root));
}

bundle().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
