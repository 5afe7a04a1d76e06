/**
 * Bundles src/ into dist/, no dependency left outside (docs/adr/0001).
 * `main.js` is what an idle pass needs, in one CommonJS file: Node starts it
 * without its ESM loader, and every kilobyte and every further file would be
 * paid for each minute. `chunks-<hash>/` is the rest, one ESM chunk per dynamic
 * import; it takes the modules of the first from there, so that each exists once.
 * Passes may be running: their chunks stay until the build after this one.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const out = join(dist, `build.${process.pid}.tmp`);

/** Loaded on every pass of a loop; what they import statically comes with them, and must be no package. */
const ALWAYS = [
  'src/main.ts',
  'src/commands/dispatch/command.ts',
  'src/commands/queue/command.ts',
  'src/commands/pr-monitor/command.ts',
  'src/core/github/local/forge.ts',
  'src/core/mailbox/maildir.ts',
  'src/core/github/octokit/client/open-client.ts',
  'src/core/github/octokit/forge.ts',
].map((file) => join(root, file));

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const hash = hashSources();
const buildId = `${version}+${hash}`;
const chunks = `chunks-${hash}`;
// What runs has read it already, and finds its chunks: not made anew where nothing changed.
if (isBuilt()) process.exit(0);

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  minify: true,
  legalComments: 'none',
  conditions: ['node', 'import'],
  mainFields: ['module', 'main'],
  define: { 'process.env.AGENTOS_BUILD': JSON.stringify(buildId) },
  logLevel: 'warning',
};
/** What `main.js` imports when it is needed: name of the chunk → source file or package. */
const later = new Map();

mkdirSync(out, { recursive: true });
const { inputs, names } = await bundleMain();
await bundleChunks(inputs, names);
await bundleApiAgent();
writeFileSync(join(out, 'package.json'), '{"type":"commonjs"}\n');
install();

function isBuilt() {
  try {
    return statSync(join(dist, chunks)).isDirectory() && readFileSync(join(dist, 'main.js'), 'utf8').includes(buildId);
  } catch {
    return false;
  }
}

/** Each file takes the place of the old one at once, `main.js` last; a build beside this one has made the same. */
function install() {
  try {
    renameSync(join(out, chunks), join(dist, chunks));
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
  for (const file of ['package.json', 'api-agent.js', 'main.js']) renameSync(join(out, file), join(dist, file));
  rmSync(out, { recursive: true });
  const older = readdirSync(dist)
    .filter((name) => name.startsWith('chunks-') && name !== chunks)
    .sort((a, b) => statSync(join(dist, b)).mtimeMs - statSync(join(dist, a)).mtimeMs);
  const caches = readdirSync(dist).filter((name) => name.startsWith('main.js.'));
  for (const name of [...older.slice(1), ...caches]) rmSync(join(dist, name), { recursive: true, force: true });
}

/** Changes whenever a source, a package or this script changes: what the config cache is bound to. */
function hashSources() {
  const hash = createHash('sha256').update(version);
  for (const file of ['scripts/build.mjs', 'package-lock.json']) hash.update(readFileSync(join(root, file)));
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).sort()) {
    if (file.endsWith('.ts')) hash.update(file).update(readFileSync(join(root, 'src', file)));
  }
  return hash.digest('hex').slice(0, 16);
}

/** Writes `main.js`, which exports its modules, `m0` and so on. */
async function bundleMain() {
  const first = await runMain(
    `import ${JSON.stringify(ALWAYS[0])};${ALWAYS.slice(1)
      .map((file) => `import ${JSON.stringify(file)};`)
      .join('')}`,
    false,
  );
  const inputs = Object.keys(first.metafile.inputs)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => resolve(root, file))
    .sort();
  const text = inputs
    .filter((file) => file !== ALWAYS[0])
    .map((file) => `export * as m${inputs.indexOf(file)} from ${JSON.stringify(file)};`);
  const { outputFiles } = await runMain(`${text.join('\n')}\nimport ${JSON.stringify(ALWAYS[0])};`);
  // A script from V8's code cache has no `import()` of its own: bin/agentos.js lends it one.
  writeFileSync(join(out, 'main.js'), outputFiles[0].text.replaceAll(`import("./${chunks}/`, `importChunk("./${chunks}/`));
  return { inputs, names: await exportedNames(inputs) };
}

/** The loop of `kind: api`: a program of its own, in one file, for nothing else of ours is seen inside the sandbox. */
function bundleApiAgent() {
  const file = join(root, 'src/core/agents/api/program.ts');
  return build({ ...common, entryPoints: [file], outfile: join(out, 'api-agent.js'), format: 'cjs' });
}

function runMain(contents) {
  const plugin = {
    name: 'later',
    setup({ onResolve }) {
      onResolve({ filter: /.*/ }, ({ path, kind, importer, resolveDir }) => {
        if (path.startsWith('node:')) return undefined;
        const file = path.startsWith('.') ? resolve(resolveDir, path) : path;
        if (kind === 'dynamic-import' && !ALWAYS.includes(file)) {
          const name = (path.startsWith('.') ? relative(join(root, 'src'), file).replace(/\.ts$/, '') : path).replaceAll('/', '-');
          later.set(name, file);
          return { path: `./${chunks}/${name}.mjs`, external: true };
        }
        if (path.startsWith('.') || path.startsWith('/')) return undefined;
        return { errors: [{ text: `an idle pass would load the package ${path}: ${importer} must import it lazily` }] };
      });
    },
  };
  const stdin = { contents, resolveDir: root, sourcefile: 'main-entry.js' };
  return build({ ...common, stdin, outfile: join(out, 'main.js'), format: 'cjs', plugins: [plugin], metafile: true, write: false });
}

/** The names that each source file exports. */
async function exportedNames(files) {
  const { metafile } = await build({
    ...common,
    entryPoints: files,
    outdir: join(out, 'names'),
    outbase: join(root, 'src'),
    bundle: false,
    format: 'esm',
    metafile: true,
    write: false,
  });
  return new Map(Object.values(metafile.outputs).map(({ entryPoint, exports }) => [resolve(root, entryPoint), exports]));
}

async function bundleChunks(inputs, names) {
  const plugin = {
    name: 'from-main',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir }) => {
        const file = resolve(resolveDir, path);
        return inputs.includes(file) ? { path: file, namespace: 'from-main' } : undefined;
      });
      onResolve({ filter: /main\.js$/, namespace: 'from-main' }, () => ({ path: '../main.js', external: true }));
      onLoad({ filter: /.*/, namespace: 'from-main' }, ({ path }) => ({
        contents: `const main = require('../main.js');\nexport const { ${names.get(path).join(', ')} } = main.m${inputs.indexOf(path)};`,
        resolveDir: dirname(path),
      }));
      onResolve({ filter: /^package:/ }, ({ path }) => ({ path: path.slice('package:'.length), namespace: 'package' }));
      onLoad({ filter: /.*/, namespace: 'package' }, async ({ path }) => {
        const exported = Object.keys(await import(path)).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name));
        return { contents: `export { ${exported.join(', ')} } from ${JSON.stringify(path)};`, resolveDir: root };
      });
    },
  };
  await build({
    ...common,
    entryPoints: Object.fromEntries([...later].map(([name, file]) => [name, file.startsWith('/') ? file : `package:${file}`])),
    outdir: join(out, chunks),
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    splitting: true,
    format: 'esm',
    plugins: [plugin],
    // Bundled CommonJS packages call require() for Node's own modules.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
}
