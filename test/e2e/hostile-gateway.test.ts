/**
 * A confined program that attacks its gateway, in the whole of the real
 * program, before a real server that plays its provider: what reaches the
 * provider, what the run costs, and what becomes of the task.
 */
import { chmodSync, copyFileSync, readdirSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CanarySearch } from '../support/canaries.ts';
import { hasBwrap } from '../support/sandboxes.ts';
import { type Ended, REPO, ROOT, World } from '../support/world.ts';

const KEY = 'sk-canary-0123456789-secret';
/** Of a stream that never ends: 3000 bytes, a thousand tokens as they are estimated. */
const BEGINNING = `data: {"text":"${'x'.repeat(3000 - 'data: {"text":""}\n\n'.length)}"}\n\n`;

interface Got {
  line: string;
  headers: IncomingMessage['headers'];
  body: string;
}

class Provider {
  readonly got: Got[] = [];
  readonly server: Server;

  constructor() {
    this.server = createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      this.got.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
      if (body.includes('"stream":true')) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(BEGINNING);
        return;
      }
      response.writeHead(200, { 'content-type': 'application/json' });
      const said = { type: 'message', model: 'costly', usage: { input_tokens: 0, output_tokens: 1000 } };
      setTimeout(() => response.end(JSON.stringify(said)), 100);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Runs one task with the hostile program in that mode; an answer of a thousand tokens costs a dollar. */
async function attack(world: World, provider: Provider, mode: string, budget: string): Promise<{ issue: number; queue: Ended }> {
  const program = world.path(`evil-client-${mode}.mjs`);
  copyFileSync(join(ROOT, 'test/support/evil-client.mjs'), program);
  chmodSync(program, 0o755);
  const base = await provider.listen();
  world.write(
    'config.yaml',
    `
state_dir: ./state
forge: { kind: local, root: ./forge }
repos:
  - { name: ${REPO}, automation: full, verify: ["true"], local_ci: ["true"] }
agents:
  evil: { kind: claude, model: costly, base_url: "${base}", program: "${program}", key_env: EVIL_KEY, max_turns: 100, timeout_minutes: 1 }
routing: { default: [evil] }
queue: { max_attempts: 1 }
sandbox: { mode: required }
budgets: ${budget}
prices: { costly: { input: 0, output: 1000 } }
`,
  );
  const issue = world.issue('Do it', 'Do it.');
  await world.start(['dispatch']).ended;
  const queue = await world.start(['queue'], { EVIL_KEY: KEY }).ended;
  return { issue, queue };
}

describe.skipIf(!hasBwrap)('a confined program that attacks its gateway', () => {
  const evidence = (world: World, issue: number) => JSON.parse(world.read(`state/runs/demo__shop-${issue}-1/1/evidence.json`));
  const tries = (world: World, issue: number) =>
    JSON.parse(world.git('state/preserved/demo__shop.git', 'show', `refs/agentos/preserved/demo__shop-${issue}-1/1:tries.json`));
  const book = (world: World) =>
    world
      .read(`state/budget/${readdirSync(world.path('state/budget'))[0]}`)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  describe('to reach further', () => {
    const provider = new Provider();
    const world = World.open();
    let issue: number;
    // biome-ignore lint/suspicious/noExplicitAny: a report of a program under test
    let tried: any;
    beforeAll(async () => {
      ({ issue } = await attack(world, provider, 'reach', '{ per_day_usd: 50, per_run_usd: 40 }'));
      tried = tries(world, issue);
    }, 120_000);
    afterAll(() => {
      provider.close();
      world.close();
    });

    it('smuggles no request of its own behind another, and swallows none with the key', () => {
      expect(tried.smuggle).toEqual([400, 400, 400, 400, 200]);
      expect(new Set(provider.got.map(({ line }) => line))).toEqual(new Set(['POST /v1/messages']));
      expect(JSON.stringify(provider.got)).not.toMatch(/attacker|files/);
    });

    it('finds no path but that of its model', () => {
      expect(tried.paths).toEqual({
        '/v1/files': 404,
        '/v1/messages/batches': 404,
        '/v1/organizations/me': 404,
        '/v1/../v1/files': 400,
        '//evil.example/v1/messages': 400,
        '/v1/messages?%00': 200,
      });
    });

    it('has no tool, server, address or file of the provider for its use', () => {
      expect(tried.tools).toEqual([400, 400, 400, 400, 400, 400, 400]);
      expect(JSON.stringify(provider.got)).not.toContain('evil.example');
    });

    it('passes no header that opens more', () => {
      expect(tried.headers).toBe(200);
      const seen = provider.got.map(({ headers }) => headers);
      expect(seen.filter((headers) => 'openai-organization' in headers || 'x-http-method-override' in headers)).toEqual([]);
      expect(seen.flatMap((headers) => headers['anthropic-beta'] ?? [])).toEqual(['kept-2025-01-01']);
    });

    it('asks nothing without the pass of its run', () => {
      expect(tried.without).toBe(401);
      expect(new Set(provider.got.map(({ headers }) => headers['x-api-key']))).toEqual(new Set([KEY]));
    });

    it('holds no more connections of the host than a program needs, and goes on being served', () => {
      expect(tried.crowd).toEqual({ held: 256, after: 200 });
    });

    it('is judged as any other, and its key is nowhere', () => {
      expect(evidence(world, issue)).toMatchObject({ agent: 'evil', code: 'complete', cost_usd: provider.got.length });
      expect(new CanarySearch({ key: KEY }).inDirectory(world.path('state'))).toEqual([]);
    });
  });

  describe('for money', () => {
    it.each([
      ['asks sixty times at once', 'spend', 3],
      ['goes away from each answer after it began', 'abort', 3],
      ['ends while an answer is open', 'leave', 1],
    ])('and %s pays for what it got, within its limit', { timeout: 120_000 }, async (_, mode, usd) => {
      const provider = new Provider();
      const world = World.open();
      try {
        const { issue } = await attack(world, provider, mode, '{ per_day_usd: 10, per_run_usd: 3 }');
        expect(provider.got).toHaveLength(usd);
        expect(evidence(world, issue).cost_usd).toBeCloseTo(usd, 6);
        expect(book(world)).toMatchObject([
          { op: 'reserve', usd: 3 },
          { op: 'settle', usd },
        ]);
        if (mode !== 'spend') return;
        const tried = tries(world, issue);
        expect(tried.statuses.filter((status: number) => status === 200)).toHaveLength(3);
        expect(tried.statuses.filter((status: number) => status === 400)).toHaveLength(57);
        expect(tried.other).toBe(400);
      } finally {
        provider.close();
        world.close();
      }
    });
  });
});
