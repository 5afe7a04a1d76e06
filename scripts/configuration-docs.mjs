// Writes docs/configuration.md from the schema; with --check it only says whether the file is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = fileURLToPath(new URL('../docs/configuration.md', import.meta.url));

const bundle = await build({
  absWorkingDir: root,
  entryPoints: ['src/core/config/describe.ts'],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  logLevel: 'warning',
});
const code = Buffer.from(bundle.outputFiles[0].contents).toString('base64');
const { renderConfigurationDocs } = await import(`data:text/javascript;base64,${code}`);
const text = renderConfigurationDocs();

if (!process.argv.includes('--check')) {
  writeFileSync(target, text);
} else if (readIfThere(target) !== text) {
  console.error('docs/configuration.md is not up to date; run `npm run docs`');
  process.exitCode = 1;
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
