/**
 * The test GitHub as a process of its own: `main.ts [SEED.json]`. Writes one
 * line of JSON, `{url, apiUrl, caFile}`, when it listens, and ends when its
 * standard input does, so that it never outlives the test. The seed is
 * `{options, calls}`: what to start with, and control calls to make first.
 */
import { readFileSync } from 'node:fs';
import type { ControlCall } from './control-calls.ts';
import { GitHubServer, type Options } from './server.ts';

const [seedFile] = process.argv.slice(2);
const seed = (seedFile ? JSON.parse(readFileSync(seedFile, 'utf8')) : {}) as { options?: Options; calls?: ControlCall[] };
const server = await GitHubServer.start(seed.options);
for (const call of seed.calls ?? []) {
  const target = (call.as === undefined ? server : server.as(call.as)) as unknown as Record<string, (...args: unknown[]) => unknown>;
  target[call.method]?.(...(call.args ?? []));
}
process.stdout.write(`${JSON.stringify({ url: server.url, apiUrl: server.apiUrl, caFile: server.caFile ?? null })}\n`);
process.stdin.resume();
process.stdin.on('end', () => void server.close().then(() => process.exit(0)));
