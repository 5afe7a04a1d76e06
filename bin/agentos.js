#!/usr/bin/env node
/**
 * Loads dist/main.js, by way of V8's code cache: compiling it anew would cost an
 * idle pass, twice a minute, a quarter of bare Node. The cache lies beside the
 * bundle, is as trusted as it, and is bound to that very file and this V8. The
 * first `dispatch` writes it; where it cannot, everything works without.
 */
const { closeSync, fstatSync, openSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { Script } = require('node:vm');

const file = require.resolve('../dist/main.js');
const fd = openSync(file, 'r');
const { ino, mtimeMs } = fstatSync(fd);
const source = readFileSync(fd, 'utf8');
closeSync(fd);
const cache = `${file}.${process.versions.v8}-${process.arch}-${ino}-${mtimeMs}.cache`;
const cachedData = readCache();
const script = new Script(`(function (exports, require, module, importChunk) {${source}\n})`, {
  filename: file,
  ...(cachedData && { cachedData }),
});
if (process.argv[2] === 'dispatch' && (!cachedData || script.cachedDataRejected)) process.on('exit', writeCache);
const main = { id: file, filename: file, loaded: true, exports: {} };
// Chunks require this file for the modules that it holds: there must be one of each.
require.cache[file] = main;
script.runInThisContext()(main.exports, require, main, (chunk) => import(`../dist/${chunk}`));

function readCache() {
  try {
    return readFileSync(cache);
  } catch {
    return undefined;
  }
}

function writeCache() {
  const temporary = `${cache}.${process.pid}`;
  try {
    writeFileSync(temporary, '', { flag: 'wx' });
    writeFileSync(temporary, script.createCachedData());
    renameSync(temporary, cache);
  } catch {
    // A directory that takes no file: the next pass compiles again.
  }
}
