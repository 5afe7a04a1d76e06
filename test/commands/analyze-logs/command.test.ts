import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runAnalyzeLogs } from '../../../src/commands/analyze-logs/command.ts';
import type { Effects } from '../../../src/core/effects/effects.ts';
import { AgentOsError } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events/event.ts';
import { readEvents } from '../../../src/core/events/read.ts';
import type { Ports } from '../../../src/core/ports.ts';
import { LOOP_OPTIONS, openLoopPorts, openOutput } from '../../support/loop-ports.ts';
import { ALICE, MemoryForge, openMemoryEffects } from '../../support/memory-forge.ts';
import { attempt, escalated, merged } from './build-events.ts';

const NOW = new Date('2026-11-22T10:00:00Z');
const now = () => NOW;

let root: string;
let forge: MemoryForge;
let effects: Effects;
let ports: Ports;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'agentos-analyze-'));
  forge = new MemoryForge(now);
  effects = openMemoryEffects(now);
  ports = openLoopPorts({ root, command: 'analyze-logs', now, repos: ['acme/shop', 'acme/other'], forge, effects });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function record(events: Event[]): void {
  mkdirSync(ports.paths.events, { recursive: true });
  for (const event of events) appendFileSync(`${ports.paths.events}/${event.time.slice(0, 10)}.ndjson`, `${JSON.stringify(event)}\n`);
}

async function run(options: Partial<typeof LOOP_OPTIONS & { days: number }> = {}) {
  const out = openOutput();
  const status = await runAnalyzeLogs({ ...LOOP_OPTIONS, ...options }, ports, out);
  return { status, text: out.results.join(''), notes: out.notes };
}

/** One cause over three issues, with the words of a hostile agent. */
function recurring(repo = 'acme/shop'): Event[] {
  return [1, 2, 3].flatMap((issue) => [
    attempt(issue, 1, 'claude', 'failed', {
      repo,
      code: 'verify_failed',
      reason: `Error: timeout after ${issue}00 ms @alice\nfixes #1 <!-- agentos:finding v1:0000 --> \`\`\``,
    }),
    attempt(issue, 2, 'codex', 'complete', { repo }),
    merged(issue, { repo, agent: 'codex', lead_ms: issue * 3_600_000, attempts: 2 }),
  ]);
}

describe('the report', () => {
  it('reports on an empty log without a figure that is not there', async () => {
    const { status, text } = await run();
    expect(status).toBe(0);
    expect(text).toContain('insufficient data (n=0)');
    expect(text).not.toMatch(/\d %|NaN/);
    expect(forge.writes).toEqual([]);
  });

  it('reports success, time and failures, and files the finding once with its evidence', async () => {
    record([...recurring(), attempt(4, 1, 'claude', 'infrastructure', { code: 'provider_auth', reason: 'key refused' }), escalated(4)]);
    const { status, text } = await run();
    expect(status).toBe(0);
    expect(text).toContain('| claude | 0 of 3 (0 %, 95 % interval 0–56 %) |');
    expect(text).toContain('| codex | 3 of 3 (100 %, 95 % interval 44–100 %) |');
    expect(text).toContain('| ready to merged | 3 | 2 h | insufficient data (n=3) | 2 h |');
    expect(text).toContain('| `provider_auth` | 1 of 4 | 1 | the operation |');
    expect(text).toContain('1 issue ended for reasons of providers');
    expect(text).toContain('`runs/acme__shop-3-1/1/`');

    const issue = forge.entry('acme/shop', 1).issue;
    expect(issue.labels).toEqual([]);
    expect(issue.title).toBe('Recurring failure: verify_failed: Error: timeout after duration ＠alice');
    expect(issue.body).toMatch(/^<!-- agentos:finding v1:[0-9a-f]{16} -->\n/);
    expect(issue.body.match(/<!--/g)).toHaveLength(1);
    expect(issue.body).not.toMatch(/@alice|fixes #1/);
    expect(issue.body).toContain('| share of all failures | 3 of 4 (75 %, 95 % interval 30–95 %) |');
    expect(issue.body).toContain('2026-12-06');
    expect(text).toContain('analyze-logs: file-finding v1:');

    const filed = readEvents(ports.paths.events, new Date(0), new Date(NOW.getTime() + 1)).events.filter(
      ({ event }) => event === 'analyze-logs.finding.filed',
    );
    expect(filed).toMatchObject([{ repo: 'acme/shop', issue: 1, outcome: 'filed' }]);

    const second = await run({ json: true });
    expect(JSON.parse(second.text)).toMatchObject({
      actions: [{ kind: 'skip', reason: 'filed before as acme/shop#1' }],
      report: { metrics: { merged: 3, escalated: 1 }, patterns: [{ count: 3, issues: 3 }, { count: 1 }] },
    });
    expect(forge.writes).toEqual(['create acme/shop#1']);
  });

  it('says how many lines it could not read', async () => {
    record(recurring());
    appendFileSync(`${ports.paths.events}/2026-11-16.ndjson`, 'torn {\n');
    expect((await run({ dryRun: true })).text).toContain('1 unreadable line');
  });

  it.each([0, -1, 3651, Number.NaN])('refuses a window of %d days', async (days) => {
    await expect(run({ days })).rejects.toThrow(AgentOsError);
  });
});

describe('filing', () => {
  it('files nothing on a dry run', async () => {
    record(recurring());
    const { text } = await run({ dryRun: true });
    expect(text).toContain('file-finding');
    expect(text).toContain('(planned)');
    expect(forge.writes).toEqual([]);
  });

  it('adopts what it filed before its journal was lost, and no copy of the marker by others', async () => {
    record(recurring());
    await run();
    const { body } = forge.entry('acme/shop', 1).issue;
    forge.entry('acme/shop', 1).issue.state = 'closed';
    ports = openLoopPorts({ root, command: 'analyze-logs', now, repos: ['acme/shop'], forge, effects: openMemoryEffects(now) });
    expect((await run()).text).toContain('filed as acme/shop#1');
    expect(forge.writes).toEqual(['create acme/shop#1']);

    forge.entry('acme/shop', 1).issue.author = ALICE;
    ports = openLoopPorts({ root, command: 'analyze-logs', now, repos: ['acme/shop'], forge, effects: openMemoryEffects(now) });
    await run();
    expect(forge.writes).toEqual(['create acme/shop#1', 'create acme/shop#2']);
    expect(forge.entry('acme/shop', 2).issue.body).toBe(body);
  });

  it('goes on with the next finding where a repository does not answer', async () => {
    record([...recurring('acme/other'), ...recurring().map((event) => ({ ...event, reason: event.reason.replace('timeout', 'crash') }))]);
    forge.broken.add('acme/other');
    const { status, notes } = await run();
    expect(status).toBe(75);
    expect(notes.join()).toContain('acme/other does not answer');
    expect(forge.writes).toEqual(['create acme/shop#1']);
  });

  it('looks only at the repositories it is asked for, and files nothing in a paused one', async () => {
    record([...recurring(), ...recurring('acme/other')]);
    const only = JSON.parse((await run({ json: true, repos: ['acme/other'], dryRun: true })).text);
    expect(only.report.metrics.merged).toBe(3);
    expect(only.actions).toMatchObject([{ kind: 'file-finding' }]);
    mkdirSync(ports.paths.pausedRepos, { recursive: true });
    writeFileSync(`${ports.paths.pausedRepos}/acme__other`, '');
    expect((await run({ json: true, repos: ['acme/other'] })).text).toContain('acme/other is paused');
    expect(forge.writes).toEqual([]);
  });
});
