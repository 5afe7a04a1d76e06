/** The spawner with a small program for a command-line agent and a small server for its model, in both drivers of the sandbox. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliAgent } from '../../../src/core/agents/cli/cli-agent.ts';
import type { CliKind } from '../../../src/core/agents/cli/cli-kind.ts';
import type { Sandbox } from '../../../src/core/sandbox/sandbox.ts';
import { textAt } from '../../../src/core/untrusted.ts';
import { makeRequest } from '../../support/agent-request.ts';
import { DRIVERS, makePlace, openDriver, PATH, type Place } from '../../support/sandboxes.ts';

const KEY = 'sk-canary-0123456789-secret';
const PROGRAM = fileURLToPath(new URL('../../support/fake-cli.mjs', import.meta.url));
const SAID = { usage: { input_tokens: 10, output_tokens: 5 } };

const fake = (mode: string): CliKind => ({
  kind: 'fake',
  program: PROGRAM,
  protocol: 'anthropic',
  baseUrl: 'https://models.example',
  toInvocation: ({ url, pass }) => ({
    args: [mode],
    env: { FAKE_URL: url, FAKE_PASS: pass },
    files: { '.fake/settings.json': '{"ours":true}' },
    stdin: true,
  }),
  readEvent(report, event) {
    if (event['type'] === 'start') return { ...report, session: textAt(event, 'session') };
    if (event['type'] !== 'end') return report;
    const denials = Array.isArray(event['denials']) ? event['denials'].map(String) : [];
    if (event['ok'] === true) return { ...report, finished: true, denials, costUsd: 9, text: '\u001b[31mAll\n\ndone.' };
    return { ...report, failure: { kind: 'crashed', message: textAt(event, 'why') } };
  },
});

describe.each(DRIVERS.filter(({ there }) => there))('a command-line agent, $kind', ({ kind: driver }) => {
  let place: Place;
  let provider: Server;
  let keys: (string | undefined)[];
  let play: (response: ServerResponse) => void;
  let sandbox: Sandbox;

  beforeEach(async () => {
    place = makePlace();
    sandbox = await openDriver(driver, place);
    keys = [];
    play = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(SAID));
    };
    provider = createServer((request, response) => {
      keys.push(request.headers['x-api-key'] as string | undefined);
      request.resume();
      play(response);
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    provider.closeAllConnections();
    await new Promise<void>((resolve) => provider.close(() => resolve()));
    place.remove();
  });

  const open = (mode: string, over: Partial<Parameters<typeof openCliAgent>[1]> = {}) =>
    openCliAgent('test', {
      kind: fake(mode),
      model: 'm',
      keyEnv: 'MODEL_KEY',
      baseUrl: `http://127.0.0.1:${(provider.address() as AddressInfo).port}`,
      maxTurns: 5,
      toCost: (_, { output }) => output / 10,
      sandbox: async () => sandbox,
      path: PATH,
      env: { MODEL_KEY: KEY },
      now: () => new Date(),
      ...over,
    });
  const run = (mode: string, more: Parameters<typeof makeRequest>[1] = {}, over: Parameters<typeof open>[1] = {}) =>
    open(mode, over).run(makeRequest(place, more), new AbortController().signal);

  it('reaches its model, with a key that it never sees', async () => {
    mkdirSync(join(place.home, '.fake'), { recursive: true });
    writeFileSync(join(place.home, '.fake/old'), '');
    const reply = await run('good', { prompt: 'x'.repeat(300_000) });
    expect(reply.text).toBe('All done.');
    expect(reply).toMatchObject({ ended: 'exited', exitCode: 0, costUsd: 0.5, session: 'session-1', usage: { input: 10, output: 5 } });
    expect(reply).not.toHaveProperty('failure');
    expect(keys).toEqual([KEY]);
    expect(JSON.parse(readFileSync(join(place.workspace, 'answer.json'), 'utf8'))).toEqual(SAID);
    const seen = JSON.parse(readFileSync(join(place.workspace, 'seen.json'), 'utf8'));
    expect(seen.prompt).toHaveLength(300_000);
    expect(seen.argv).toEqual(['good']);
    expect(seen.env.FAKE_URL).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(seen).toMatchObject({
      settings: '{"ours":true}',
      old: false,
      env: { AGENTOS_TASK_ID: 'acme__shop-12-1', AGENTOS_ATTEMPT: '1' },
    });
    expect(JSON.stringify(seen) + readFileSync(place.transcript, 'utf8')).not.toContain(KEY);
    expect(readdirSync(dirname(place.home)).sort()).toEqual(['home', 'tree']);
  });

  it('puts its settings in the place of a link that was planted there, and follows it nowhere', async () => {
    const outside = join(place.root, 'outside');
    mkdirSync(outside);
    mkdirSync(place.home, { recursive: true });
    symlinkSync(outside, join(place.home, '.fake'));
    expect(await run('good')).not.toHaveProperty('failure');
    expect(readdirSync(outside)).toEqual([]);
  });

  it.each<[string, string, object]>([
    ['says nothing at its end', 'silent', { kind: 'crashed', message: 'it ended without a final result (exit status 0)' }],
    ['is killed', 'killed', { kind: 'crashed' }],
    ['was refused a permission', 'denied', { kind: 'denied', message: 'it was refused Bash' }],
    ['says that it failed', 'fails', { kind: 'crashed', message: 'the model failed' }],
    ['asks without end', 'asks', { kind: 'limit', message: expect.stringContaining('25 requests') }],
  ])('that %s has failed, whatever its exit status', async (_, mode, failure) => {
    expect((await run(mode)).failure).toMatchObject(failure);
  });

  it('that failed for its provider says so, in the words of the provider', async () => {
    play = (response) => {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { type: 'authentication_error', message: `bad key ${KEY}` } }));
    };
    for (const mode of ['fails', 'claims']) {
      expect((await run(mode)).failure).toEqual({ kind: 'auth', message: 'the provider refused the key: HTTP 401' });
    }
  });

  it('whose provider says nothing is answered in time, and the reason is the provider', async () => {
    play = () => {};
    const reply = await run('fails', { timeoutMs: 20_000, silenceMs: 3000 });
    expect(reply).toMatchObject({ ended: 'exited', failure: { kind: 'stalled', message: 'the provider said nothing for 1 s' } });
  });

  it('is stopped without a failure', async () => {
    play = () => {};
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 500);
    const reply = await open('good').run(makeRequest(place), stop.signal);
    expect(reply.ended).toBe('stopped');
    expect(reply).not.toHaveProperty('failure');
  });

  it('spends what it may and no more', async () => {
    const reply = await run('asks', { maxCostUsd: 1.5 });
    expect(reply).toMatchObject({ costUsd: 1.5, failure: { kind: 'limit', message: expect.stringContaining('money') } });
  });

  it('costs what it says itself only where its own provider was asked', async () => {
    const unknown = { toCost: () => undefined };
    expect(await run('claims', {}, unknown)).not.toHaveProperty('costUsd');
  });

  it.each<[number, number | undefined]>([
    [9, 9],
    [0, undefined],
    [-1, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    [1e9, undefined],
  ])('costs what it says itself where no price is known, if that can be: %d', async (costUsd, believed) => {
    const own = fake('claims');
    const kind: CliKind = {
      ...own,
      baseUrl: `http://127.0.0.1:${(provider.address() as AddressInfo).port}`,
      readEvent: (report, event) => ({ ...own.readEvent(report, event), costUsd }),
    };
    expect((await run('claims', {}, { kind, baseUrl: undefined, toCost: () => undefined })).costUsd).toBe(believed);
  });

  it('that is ended in the middle of an answer has paid for it, as an estimate', async () => {
    play = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: {"text":"${'x'.repeat(281)}"}\n\n`);
    };
    const reply = await run('good', { timeoutMs: 1500 });
    expect(reply).toMatchObject({ ended: 'timeout', costUsd: 10, costIsEstimate: true });
  });

  it('that failed after a request that was refused is told so', async () => {
    expect((await run('reaches')).failure).toEqual({
      kind: 'crashed',
      message:
        'it ended without a final result (exit status 0); the gateway refused: agents may not use the tool `web_search_20250305` of the provider',
    });
  });

  it('takes exit status 127 for a program that is not there only where no model was asked', async () => {
    await expect(run('absent')).rejects.toMatchObject({ code: 'unavailable' });
    expect(await run('leaves')).toMatchObject({ exitCode: 127, failure: { kind: 'crashed' }, costUsd: 1 });
  });

  it('sends a key without the line break that a file left at its end', async () => {
    expect(await run('good', {}, { env: { MODEL_KEY: `${KEY}\r\n` } })).not.toHaveProperty('failure');
    expect(keys).toEqual([KEY]);
  });

  it('can run where its program and its key are', async () => {
    expect(await open('good').probe()).toEqual({ ready: true });
    expect(await open('good', { env: {} }).probe()).toEqual({ ready: false, reason: expect.stringContaining('`MODEL_KEY`') });
    expect(await open('good', { program: 'no-such-program' }).probe()).toEqual({
      ready: false,
      reason: 'there is no executable `no-such-program`',
    });
    for (const broken of ['sk-one\nsk-two', 'sk-\u201cone', '\n'])
      expect(await open('good', { env: { MODEL_KEY: broken } }).probe()).toEqual({
        ready: false,
        reason: expect.stringContaining('`MODEL_KEY`'),
      });
    await expect(run('good', {}, { env: { MODEL_KEY: 'sk-one\nsk-two' } })).rejects.toMatchObject({ code: 'auth' });
    await expect(run('good', {}, { env: {} })).rejects.toMatchObject({ code: 'auth' });
    await expect(run('good', {}, { program: 'no-such-program' })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('has its socket elsewhere where the path would be too long for one', async () => {
    const home = join(place.root, 'state/workspaces', 'd'.repeat(100), '1/home');
    mkdirSync(home, { recursive: true });
    expect(await run('good', { home })).not.toHaveProperty('failure');
    expect(existsSync(join(dirname(home), 'gateway'))).toBe(false);
  });
});
