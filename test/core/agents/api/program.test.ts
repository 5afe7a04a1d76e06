/** The loop as the program that it is, built as it is shipped, against a model server in each protocol. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PASS_VARIABLE, PROVIDERS, type Provider } from '../../../../src/core/agents/api/api-kind.ts';
import { foldEvent } from '../../../../src/core/agents/api/events.ts';
import type { CliReport } from '../../../../src/core/agents/cli/cli-kind.ts';
import { readResultFile } from '../../../../src/core/agents/result-file.ts';
import { codingScript, completeResult, endlessScript, IDLE_SCRIPT } from '../../../support/coding-script.ts';
import { type ModelServer, openModelServer, type Script, withFaults } from '../../../support/model-server.ts';

const SOURCE = fileURLToPath(new URL('../../../../src/core/agents/api/program.ts', import.meta.url));
/** Path of the address that each provider's configuration has. */
const BASE: Record<Provider, string> = { anthropic: '', openai: '/v1', deepseek: '', google: '' };

let built: string;
let root: string;
let server: ModelServer;
const children: ChildProcess[] = [];

beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), 'aos-api-'));
  await build({
    entryPoints: [SOURCE],
    outfile: join(built, 'api-agent.js'),
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    conditions: ['node', 'import'],
    mainFields: ['module', 'main'],
    logLevel: 'warning',
  });
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'aos-loop-'));
  mkdirSync(join(root, 'src'));
  writeFileSync(join(root, 'src/cart.js'), 'export const total = (items) => items.length;\n');
  server = await openModelServer(IDLE_SCRIPT);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const pid of sleepers()) process.kill(Number(pid), 'SIGKILL');
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

function start(provider: Provider, ...args: string[]): ChildProcess {
  const options = [
    `--provider=${provider}`,
    '--model=m-1',
    `--url=${server.url}${BASE[provider]}`,
    '--session=s-1',
    '--retry-ms=50',
    ...args,
  ];
  const child = spawn(process.execPath, [join(built, 'api-agent.js'), ...options], {
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: root, [PASS_VARIABLE]: 'pass-1', AGENTOS_RESULT_FILE: join(root, '.agent_result.md') },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.push(child);
  child.stdin?.end('Make the cart count taxes. Fill in the result file.');
  return child;
}

interface Run {
  status: number | null;
  report: CliReport;
  // biome-ignore lint/suspicious/noExplicitAny: whatever it printed
  events: any[];
  errors: string;
  ms: number;
}

async function finish(child: ChildProcess): Promise<Run> {
  const began = performance.now();
  const read = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => {
    read.stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    read.stderr += chunk;
  });
  const status = await new Promise<number | null>((done) => child.on('close', done));
  const events = read.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  const report = events.reduce((folded: CliReport, event) => foldEvent(folded, event), { finished: false, denials: [] });
  return { status, report, events, errors: read.stderr, ms: performance.now() - began };
}
const run = (script: Script, provider: Provider, ...args: string[]) => {
  server.script(script);
  return finish(start(provider, ...args));
};

const TASK = codingScript({
  files: { 'src/tax.js': 'export const tax = 0.19;\n' },
  edits: [{ path: 'src/cart.js', old: 'items.length', new: 'items.length * (1 + tax)' }],
  run: ['node --version && printenv'],
});

describe.each(PROVIDERS)('the loop with %s', (provider) => {
  it('does a task, and says what it used', async () => {
    const { status, report, events, errors } = await run(TASK, provider);
    expect({ status, errors }).toEqual({ status: 0, errors: '' });
    expect(readFileSync(join(root, 'src/cart.js'), 'utf8')).toBe('export const total = (items) => items.length * (1 + tax);\n');
    expect(readFileSync(join(root, 'src/tax.js'), 'utf8')).toBe('export const tax = 0.19;\n');
    expect(readResultFile(root)).toMatchObject({ result: { status: 'complete' } });
    expect(report).toMatchObject({ finished: true, session: 's-1', denials: [] });
    expect(report).not.toHaveProperty('failure');
    expect(report.usage?.input).toBeGreaterThan(1200 * 4);
    expect(report.usage?.cacheRead).toBeGreaterThan(5000 * 4);
    expect(report.usage?.output).toBe(42 * server.asked.length);
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['session', 'request', 'answer', 'call', 'end']));
    for (const asked of server.asked) {
      expect(asked).toMatchObject({ model: 'm-1', key: 'pass-1', stream: true });
      expect(asked.tools).toEqual(['list', 'read', 'search', 'edit', 'write', 'run']);
      expect(asked.turns[0]?.text).toContain('Make the cart count taxes.');
      expect(asked.system).toContain('`.agent_result.md`');
      expect(asked).not.toHaveProperty('withoutUsage');
    }
    const printed = server.asked.at(-1)?.results.find(({ text }) => text.includes('AGENTOS_RESULT_FILE'));
    expect(printed?.text).toMatch(/exit status 0\nv\d+/);
    expect(printed?.text).not.toContain('pass-1');
    expect(JSON.stringify(events)).not.toContain('pass-1');
  });

  it('goes on after answers that fail for a moment', async () => {
    const { status, report, events } = await run(
      withFaults(TASK, {
        1: { fault: 'server_error' },
        3: { fault: 'torn' },
        5: { fault: 'overloaded' },
        7: { fault: 'rate_limit', retryAfter: 1 },
      }),
      provider,
    );
    expect(status).toBe(0);
    expect(report.finished).toBe(true);
    expect(events.filter(({ type }) => type === 'retry').map(({ failure }) => failure.kind)).toEqual([
      'overloaded',
      'overloaded',
      'overloaded',
      'rate_limit',
    ]);
  });

  it.each([
    ['unauthenticated', 'auth', 1],
    ['credit', 'quota', 1],
    ['server_error', 'overloaded', 3],
    ['rate_limit', 'rate_limit', 3],
    ['context_too_long', 'context_too_long', 2],
  ] as const)('ends as the right failure: %s', async (fault, kind, requests) => {
    const { status, report, ms } = await run([{ fault }], provider);
    expect(status).toBe(1);
    expect(report).toMatchObject({ finished: false, failure: { kind } });
    expect(report.failure?.message).not.toContain('pass-1');
    expect(server.asked).toHaveLength(requests);
    expect(ms).toBeLessThan(20_000);
  });

  it('ends an error in the middle of a stream, a stalled stream and a silent provider', async () => {
    const script = withFaults(TASK, { 2: { fault: 'fails_in_stream', as: 'overloaded' } });
    expect((await run(script, provider)).report.finished).toBe(true);
    for (const fault of ['stall', 'hang'] as const) {
      const { status, report, ms } = await run([{ fault }], provider, '--stall-seconds=1');
      expect(status).toBe(1);
      expect(report.failure).toEqual({ kind: 'stalled', message: 'the model said nothing for 1 s' });
      expect(ms).toBeLessThan(10_000);
    }
  });
});

describe('the loop', () => {
  it('ends an endless loop, and a run without turns left', async () => {
    const endless = await run(endlessScript('echo same'), 'anthropic');
    expect(endless).toMatchObject({
      status: 1,
      report: { failure: { kind: 'limit', message: expect.stringContaining('10 times in a row') } },
    });
    expect(server.asked.at(-1)?.results.at(-1)?.text).toContain('several times in a row');
    const turns = await run(endlessScript('date +%N'), 'anthropic', '--max-turns=3');
    expect(turns.report.failure).toEqual({ kind: 'limit', message: 'the run used up its 3 turns' });
    const tokens = await run(endlessScript('date +%N'), 'openai', '--max-tokens=20000');
    expect(tokens.report.failure).toEqual({ kind: 'limit', message: 'the run used up its 20000 tokens' });
  });

  it('reminds of a missing result, and of one that was not filled in', async () => {
    const { status, report } = await run(IDLE_SCRIPT, 'google');
    expect(status).toBe(1);
    expect(report.failure).toEqual({ kind: 'crashed', message: 'the model ended its work, but the agent left no result file' });
    expect(server.asked.at(-1)?.turns.at(-1)?.text).toContain('You called no tool, but the work is not over');
    const invalid = await run(codingScript({ result: 'STATUS: <one of: complete, partial, blocked>\n' }), 'deepseek');
    expect(invalid.report.failure).toMatchObject({ kind: 'crashed', message: expect.stringContaining('placeholder') });
  });

  it('keeps within its budget and does the task all the same', async () => {
    for (let at = 0; at < 12; at++) writeFileSync(join(root, `big-${at}.txt`), `${`${at} word `.repeat(40)}\n`.repeat(80));
    const reads = Array.from({ length: 12 }, (_, at) => ({ calls: [{ name: 'read', input: { path: `big-${at}.txt` } }], inputTokens: 1 }));
    const result = { calls: [{ name: 'write', input: { path: '.agent_result.md', content: completeResult([]) } }] };
    const { report, events } = await run([...reads, result, { text: 'Done.' }], 'openai', '--context-tokens=40000');
    expect(report.finished).toBe(true);
    expect(events.filter(({ type }) => type === 'request').every(({ tokens }) => tokens <= 40_000)).toBe(true);
    expect(events.some(({ type, text }) => type === 'note' && text.startsWith('shortened'))).toBe(true);
    expect(server.asked.at(-1)).toMatchObject({ calls: { length: 13 }, results: { length: 13 } });
    expect(server.asked.at(-1)?.results[0]?.text).toContain('were left out here to save room');
  });

  it('shortens the conversation when the provider finds it too long', async () => {
    const read = { calls: [{ name: 'run', input: { command: 'seq 1 3000' } }] };
    const result = { calls: [{ name: 'write', input: { path: '.agent_result.md', content: completeResult([]) } }] };
    const { report } = await run([read, read, { fault: 'context_too_long' }, result, { text: 'Done.' }], 'anthropic');
    expect(report.finished).toBe(true);
    expect(server.asked).toHaveLength(5);
  });

  it('ends when it is told to, with what it had started', async () => {
    server.script(endlessScript('sleep 303.517'));
    const child = start('anthropic');
    const end = finish(child);
    await expect.poll(sleepers, { timeout: 10_000 }).toHaveLength(1);
    child.kill('SIGTERM');
    const { status, report } = await end;
    expect(status).toBe(143);
    expect(report.failure).toEqual({ kind: 'crashed', message: 'the run was stopped' });
    expect(report.usage).toMatchObject({ output: 42 });
    await expect.poll(sleepers).toEqual([]);
  });

  it('says what is wrong with its arguments', async () => {
    const { status, errors, events } = await run(IDLE_SCRIPT, 'anthropic', '--max-turns=no');
    expect({ status, events }).toEqual({ status: 64, events: [] });
    expect(errors).toBe('--max-turns must be a whole number above 0\n');
  });
});

function sleepers(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^[0-9]+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ') === 'sleep 303.517 ';
    } catch {
      return false;
    }
  });
}
