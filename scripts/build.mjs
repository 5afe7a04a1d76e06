// Bundles src/ into dist/: one entry, a chunk per dynamic import, no dependency left outside.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, `dist.${process.pid}.tmp`);

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Changes whenever a source changes: what the config cache is bound to. */
function buildId() {
  const hash = createHash('sha256').update(version);
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).sort()) {
    if (file.endsWith('.ts')) hash.update(file).update(readFileSync(join(root, 'src', file)));
  }
  return hash.digest('hex').slice(0, 16);
}

await build({
  absWorkingDir: root,
  entryPoints: { main: 'src/main.ts' },
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  minify: true,
  keepNames: false,
  legalComments: 'none',
  chunkNames: 'chunks/[name]-[hash]',
  conditions: ['node', 'import'],
  mainFields: ['module', 'main'],
  define: { 'process.env.AGENTOS_BUILD': JSON.stringify(`${version}+${buildId()}`) },
  // Bundled CommonJS packages call require() for Node's own modules.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  logLevel: 'warning',
});
// Two builds side by side must never leave a mixture: the finished directory takes the place of the old one.
rmSync(join(root, 'dist'), { recursive: true, force: true });
renameSync(out, join(root, 'dist'));
