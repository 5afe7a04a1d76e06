import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runGroom } from '../../../src/commands/groom/command.ts';
import type { Effects } from '../../../src/core/effects/effects.ts';
import { AgentOsError } from '../../../src/core/errors.ts';
import type { GitHub } from '../../../src/core/github/github.ts';
import type { Ports } from '../../../src/core/ports.ts';
import { LOOP_OPTIONS, openLoopPorts, openOutput } from '../../support/loop-ports.ts';
import { ALICE, MemoryForge, openMemoryEffects } from '../../support/memory-forge.ts';

const OLD = '2026-05-01T00:00:00Z';
const RECENT = '2026-11-10T00:00:00Z';
const DAY_MS = 86_400_000;

let root: string;
let now: Date;
let forge: MemoryForge;
let effects: Effects;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'agentos-groom-'));
  now = new Date('2026-11-22T10:00:00Z');
  forge = new MemoryForge(() => now);
  effects = openMemoryEffects(() => now);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function ports(apply: boolean, repos = ['acme/shop']): Ports {
  const getPullRequest: GitHub['getPullRequest'] = async (repo, number) => {
    throw new AgentOsError('not_found', `${repo}#${number} does not exist`);
  };
  const given: Partial<GitHub> = new Proxy(forge, {
    get: (target, key) => {
      const value = key === 'getPullRequest' ? getPullRequest : Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return openLoopPorts({ root, command: 'groom', now: () => now, repos, forge: given, effects, config: { groom: { apply } } });
}

async function run(with_: Ports, options: Partial<typeof LOOP_OPTIONS> = {}) {
  const out = openOutput();
  const status = await runGroom({ ...LOOP_OPTIONS, ...options }, with_, out);
  return { status, text: out.results.join(''), notes: out.notes.join('\n') };
}

/** One issue of each kind, and one that is spared. */
function seed(): void {
  const body = 'The cart total does not include the tax.';
  forge.seed('acme/shop', { number: 1, title: 'Cart total ignores tax', body, labels: ['bug'], createdAt: RECENT });
  forge.seed('acme/shop', { number: 2, title: 'An old idea', labels: ['idea'], createdAt: OLD });
  forge.seed('acme/shop', { number: 3, title: 'Cart total ignores tax @bob', body, labels: ['bug'], createdAt: RECENT });
  forge.seed('acme/shop', { number: 4, title: 'Needs the first', body: 'depends on #1', labels: ['bug'], createdAt: RECENT });
  forge.seed('acme/shop', { number: 5, title: 'Needs a ghost', body: 'blocked by #99', createdAt: RECENT });
  forge.seed('acme/shop', { number: 6, title: 'Old and assigned', assignees: ['bob'], labels: ['idea'], createdAt: OLD });
  forge.seed('acme/shop', { number: 7, title: 'Closed long ago', state: 'closed', createdAt: OLD });
}

describe('groom without `groom.apply`', () => {
  it('lists everything with its reason and writes nothing', async () => {
    seed();
    const { status, text } = await run(ports(false));
    expect(status).toBe(0);
    expect(text).toContain('6 open issues');
    expect(text).toContain('## Stale (1)\n\n- acme/shop#2 An old idea: no activity of a person since 2026-05-01');
    expect(text).toContain('## Looks like a duplicate (1)\n\n- acme/shop#3 Cart total ignores tax ＠bob: looks like #1 (');
    expect(text).toContain('- acme/shop#4 Needs the first: waits for #1 (open)');
    expect(text).toContain('- acme/shop#5 Needs a ghost: waits for #99 (missing)');
    expect(text).toContain('## Without a label (1)\n\n- acme/shop#5');
    expect(text).toContain('`groom.apply` is off');
    expect(forge.writes).toEqual([]);
    const { actions, report } = JSON.parse((await run(ports(false), { json: true })).text);
    expect(actions.every((action: { outcome: string; reason: string }) => action.outcome === 'skipped' && action.reason !== '')).toBe(true);
    expect(report.repos[0].findings).toHaveLength(5);
  });
});

describe('groom with `groom.apply`', () => {
  it('labels and comments, and has nothing to do the second time', async () => {
    seed();
    expect((await run(ports(true), { dryRun: true })).text).toContain('(planned)');
    expect(forge.writes).toEqual([]);
    expect((await run(ports(true))).status).toBe(0);
    const expected = [
      'add groom:stale acme/shop#2',
      'comment acme/shop#2',
      'add groom:duplicate acme/shop#3',
      'comment acme/shop#3',
      'add groom:blocked acme/shop#4',
      'add groom:blocked acme/shop#5',
      'comment acme/shop#5',
    ];
    expect(forge.writes).toEqual(expected);
    expect(forge.entry('acme/shop', 3).comments[0]?.body).toMatch(/^<!-- agentos:groom -->\n[\s\S]*- #1 Cart total ignores tax/);
    for (const days of [1, 7, 30]) {
      now = new Date(now.getTime() + days * DAY_MS);
      await run(ports(true));
    }
    expect(forge.writes).toEqual(expected);
  });

  it('takes back what is so no more, and leaves what a person took off', async () => {
    seed();
    await run(ports(true));
    now = new Date(now.getTime() + 7 * DAY_MS);
    const at = now.toISOString();
    forge.entry('acme/shop', 2).comments.push({ id: 50, author: ALICE, body: 'still wanted', createdAt: at, updatedAt: at });
    forge.entry('acme/shop', 3).issue.labels = ['bug'];
    forge.entry('acme/shop', 1).issue.state = 'closed';
    forge.entry('acme/shop', 5).comments.length = 0;
    forge.entry('acme/shop', 5).issue.body = '';
    const before = forge.writes.length;
    await run(ports(true));
    await run(ports(true));
    expect(forge.writes.slice(before)).toEqual([
      'remove groom:stale acme/shop#2',
      'edit comment acme/shop#3',
      'remove groom:blocked acme/shop#4',
      'remove groom:blocked acme/shop#5',
    ]);
    // The comment on 2 is edited when the person has been gone for a day; the one deleted on 5 stays deleted.
    now = new Date(now.getTime() + 2 * DAY_MS);
    await run(ports(true));
    expect(forge.writes.slice(before + 4)).toEqual(['edit comment acme/shop#2']);
    expect(forge.entry('acme/shop', 5).comments).toEqual([]);
    expect(forge.entry('acme/shop', 2).issue.state).toBe('open');
  });

  it('lets what a person does meanwhile win', async () => {
    seed();
    const racing = ports(true);
    const list = forge.listIssues.bind(forge);
    forge.listIssues = async (repo, filter) => {
      const issues = await list(repo, filter);
      forge.entry('acme/shop', 2).issue.labels.push('hold');
      forge.entry('acme/shop', 3).issue.state = 'closed';
      return issues;
    };
    const { text } = await run(racing, { json: true });
    expect(forge.writes.filter((write) => /#[23]$/.test(write))).toEqual([]);
    expect(text).toContain('it was closed meanwhile');
  });

  it('goes on where one repository does not answer, skips paused ones, and keeps to `--repo`', async () => {
    seed();
    forge.broken.add('acme/broken');
    const all = ports(true, ['acme/broken', 'acme/paused', 'acme/shop']);
    mkdirSync(all.paths.pausedRepos, { recursive: true });
    writeFileSync(`${all.paths.pausedRepos}/acme__paused`, '');
    expect((await run(all, { repos: ['acme/paused'] })).text).toContain('Not looked at: paused');
    expect(forge.writes).toEqual([]);
    const { status, notes } = await run(all);
    expect(status).toBe(75);
    expect(notes).toContain('acme/broken does not answer');
    expect(forge.writes).toHaveLength(7);
  });
});
