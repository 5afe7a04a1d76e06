// The house rules that no test checks: library code prints nothing.
import { readdirSync, readFileSync } from 'node:fs';

let failed = false;
for (const file of readdirSync('src')) {
  for (const [index, line] of readFileSync(`src/${file}`, 'utf8').split('\n').entries()) {
    if (!/\bconsole\./.test(line)) continue;
    console.error(`src/${file}:${index + 1}: library code must not print: ${line.trim()}`);
    failed = true;
  }
}
process.exitCode = failed ? 1 : 0;
