/** The loop as an agent of the pool: inside the sandbox, through the gateway, with a key that it never sees. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROVIDERS, type Provider } from '../../../../src/core/agents/api/api-kind.ts';
import { openAgents } from '../../../../src/core/agents/registry.ts';
import { readResultFile } from '../../../../src/core/agents/result-file.ts';
import type { Sandbox } from '../../../../src/core/sandbox/sandbox.ts';
import { commitFiles, makeRequest } from '../../../support/agent-request.ts';
import { codingScript, endlessScript } from '../../../support/coding-script.ts';
import { type ModelServer, openModelServer, type Script } from '../../../support/model-server.ts';
import { DRIVERS, makePlace, openDriver, PATH, type Place } from '../../../support/sandboxes.ts';

const KEY = 'sk-canary-0123456789-secret';
/** Path of the address that each provider's configuration has. */
const BASE: Record<Provider, string> = { anthropic: '', openai: '/v1', deepseek: '', google: '' };
const TASK = codingScript({
  edits: [{ path: 'cart.js', old: 'items.length', new: 'items.length * 2' }],
  run: ['printenv; cat /proc/$PPID/environ; ls -a ~ ..'],
});

describe.each(DRIVERS.filter(({ there }) => there))('kind: api, $kind', ({ kind: driver }) => {
  let place: Place;
  let server: ModelServer;
  let sandbox: Sandbox;
  beforeEach(async () => {
    place = makePlace();
    sandbox = await openDriver(driver, place);
    server = await openModelServer(TASK);
    commitFiles(place.workspace, { 'cart.js': 'export const total = (items) => items.length;\n' });
  });
  afterEach(async () => {
    await server.close();
    place.remove();
  });

  function open(provider: Provider) {
    const agents = openAgents({
      agents: {
        loop: {
          kind: 'api',
          provider,
          model: 'm-1',
          key_env: 'MODEL_KEY',
          base_url: `${server.url}${BASE[provider]}`,
          max_turns: 20,
          max_tokens: 1_000_000,
          context_tokens: 50_000,
          timeout_minutes: 1,
          silence_minutes: 1,
        },
      },
      sandbox: async () => sandbox,
      path: PATH,
      env: { MODEL_KEY: KEY },
      clock: { now: () => new Date() },
      prices: {},
    });
    const agent = agents.get('loop');
    if (!agent) throw new Error('the pool has no such agent');
    return agent;
  }
  const run = (script: Script, provider: Provider, more: Parameters<typeof makeRequest>[1] = {}) => {
    server.script(script);
    return open(provider).run(makeRequest(place, { timeoutMs: 50_000, ...more }), new AbortController().signal);
  };

  it.each(PROVIDERS)('does a task with %s, and never has the key', async (provider) => {
    expect(await open(provider).probe()).toEqual({ ready: true });
    const reply = await run(TASK, provider);
    expect(reply).toMatchObject({ ended: 'exited', exitCode: 0, session: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(reply).not.toHaveProperty('failure');
    expect(reply.usage?.output).toBe(42 * server.asked.length);
    expect(readFileSync(join(place.workspace, 'cart.js'), 'utf8')).toContain('items.length * 2');
    expect(readResultFile(place.workspace)).toMatchObject({ result: { status: 'complete' } });
    expect(server.asked.map(({ key }) => key)).toEqual(server.asked.map(() => KEY));
    const told = JSON.stringify(server.asked.at(-1)?.results);
    expect(told).toContain('AGENTOS_TASK_ID=acme__shop-12-1');
    expect(told + readFileSync(place.transcript, 'utf8')).not.toContain(KEY);
  });

  it.each([
    ['unauthenticated', 'auth'],
    ['credit', 'quota'],
    ['server_error', 'overloaded'],
    ['context_too_long', 'context_too_long'],
  ] as const)('names what went wrong at the provider: %s', async (fault, kind) => {
    expect(await run([{ fault }], 'anthropic')).toMatchObject({ ended: 'exited', exitCode: 1, failure: { kind } });
  });

  it('says when to come back', async () => {
    const before = Date.now();
    const reply = await run([{ fault: 'rate_limit', retryAfter: 600 }], 'openai');
    expect(reply.failure?.kind).toBe('rate_limit');
    expect(Math.abs((reply.failure?.retryAt?.getTime() ?? 0) - before - 600_000)).toBeLessThan(30_000);
    expect(server.asked).toHaveLength(1);
  });

  it('ends an endless loop, and a provider that falls silent', async () => {
    expect((await run(endlessScript('echo same'), 'google')).failure).toMatchObject({ kind: 'limit' });
    expect((await run([{ fault: 'stall' }], 'deepseek', { silenceMs: 4000 })).failure).toMatchObject({ kind: 'stalled' });
  });
});
