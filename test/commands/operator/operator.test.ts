/** The operator's commands on a real installation: the built program, the local forge, real git. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addsFile, REPO, World } from '../../support/world.ts';

const CONFIG = (automation: string) => `
repos:
  - name: ${REPO}
    automation: ${automation}
    verify: ["true"]
agents:
  patch: { kind: patch }
routing: { default: [patch] }
queue: { max_attempts: 1 }
sandbox: { mode: "off" }
`;

/** Attempts end without a change: nothing in the issue can be applied. */
const NOTHING = 'Make it nicer.\n';

describe('a task that needs a person', () => {
  let world: World;
  let issue = 0;
  const id = () => `demo__shop-${issue}-1`;

  beforeAll(() => {
    world = World.open({ config: CONFIG('full') });
    issue = world.issue('Make it nicer', NOTHING);
    world.tickUntil(issue, 'escalated');
  });
  afterAll(() => world.close());

  it('stands in status, with its note', () => {
    const status = world.json('status');
    expect(Object.keys(status)).toEqual(expect.arrayContaining(['paused', 'loops', 'repos', 'tasks', 'agents', 'budget']));
    expect(status.repos).toEqual([expect.objectContaining({ name: REPO, automation: 'full', paused: false, openPullRequests: 0 })]);
    expect(status.repos[0].trays).toMatchObject({ inbox: 0, escalated: 1 });
    expect(status.tasks).toEqual([
      expect.objectContaining({ id: id(), issue, tray: 'escalated', attempt: 1, agent: 'patch', pullRequest: null, notBefore: null }),
    ]);
    expect(status.agents).toEqual([{ name: 'patch', ready: true, reason: '', coolingUntil: null }]);
    expect(status.loops.find((loop: { command: string }) => loop.command === 'queue')).toMatchObject({ lastExit: 0, overdue: false });
    expect(world.must('status')).toMatch(/escalated.*attempt 1 by patch/);
  });

  it('is shown by id and by issue, with where its run lies', () => {
    const shown = world.json('show', id());
    expect(shown).toEqual(world.json('show', `${REPO}#${issue}`));
    expect(shown).toMatchObject({ id: id(), tray: 'escalated', attempts: [{ n: 1, code: 'missing_context' }] });
    expect(existsSync(`${shown.attempts[0].run}/prompt.md`)).toBe(true);
    expect(existsSync(shown.file)).toBe(true);
    expect(world.must('show', id())).toContain(shown.file);
  });

  it.each([
    ['nope', 1, /there is no task `nope`/],
    ['../../etc/passwd', 64, /is not `owner\/name#N`/],
    ['--', 64, /missing required argument/],
    [`${REPO}#999`, 1, /no task for/],
  ])('show %s ends with %i', (text, exit, message) => {
    const ended = world.run(['show', text]);
    expect(ended.status).toBe(exit);
    expect(ended.stderr).toMatch(message);
  });

  it('guesses at a mistyped id', () => {
    expect(world.run(['show', `demo_shop-${issue}-1`]).stderr).toContain(`Did you mean \`${id()}\`?`);
  });

  it('is explained', () => {
    const { verdicts, tray, note } = world.json('explain', `${REPO}#${issue}`);
    expect(tray).toBe('escalated');
    expect(note).toContain('agentos retry');
    expect(verdicts).toEqual([expect.objectContaining({ loop: 'dispatch', kind: 'skip', reason: `task ${id()} is in escalated` })]);
    expect(world.must('explain', 'DEMO/Shop#1')).toMatch(/^demo\/shop#1 {2}Make it nicer/);
  });

  it('explains an issue that nobody made ready', () => {
    const idle = world.issue('Later', NOTHING, []);
    expect(world.json('explain', `${REPO}#${idle}`)).toMatchObject({
      task: null,
      verdicts: [{ loop: 'dispatch', reason: 'no label `ready`' }],
    });
  });

  it('starts afresh on retry, and only then', () => {
    expect(world.must('retry', id())).toMatch(/in the inbox; the next pass of `queue` tries patch, /);
    expect(world.task(issue)).toMatchObject({
      tray: 'inbox',
      text: expect.stringMatching(/attempts_forgiven: 1[\s\S]*note: Retried by the operator/),
    });
    expect(world.must('retry', id())).toMatch(/waits in the inbox already/);
    world.run(['queue']);
    expect(world.task(issue)?.tray).toBe('escalated');
    expect(world.json('show', id()).attempts).toHaveLength(2);
  });

  it('is not retried when the label was put on anew, or taken off', () => {
    world.must('local', 'issue', 'edit', REPO, String(issue), '--remove-label', 'ready');
    expect(world.run(['retry', id()])).toMatchObject({ status: 1, stderr: expect.stringMatching(/is not ready: no label `ready`/) });
    world.must('local', 'issue', 'edit', REPO, String(issue), '--add-label', 'ready');
    expect(world.run(['retry', id()])).toMatchObject({ status: 1, stderr: expect.stringMatching(/a newer `ready`/) });
    world.must('dispatch');
    expect(world.task(issue)?.tray).toBe('failed');
    world.must('dispatch');
    expect(world.task(issue, 2)?.tray).toBe('inbox');
    expect(world.run(['retry', id()])).toMatchObject({ status: 1, stderr: expect.stringMatching(/another task under way/) });
  });

  it('is cancelled, as often as one likes', () => {
    expect(world.must('cancel', `${REPO}#${issue}`)).toMatch(/is cancelled/);
    expect(world.task(issue, 2)).toMatchObject({ tray: 'failed', text: expect.stringContaining('note: Cancelled by the operator.') });
    expect(world.must('cancel', `demo__shop-${issue}-2`)).toMatch(/has ended already/);
    world.tick();
    expect(world.task(issue, 2)?.tray).toBe('failed');
    const events = readdirSync(world.path('state/events')).map((name) => world.read(`state/events/${name}`));
    expect(events.join('')).toContain('"event":"operator.task.cancelled"');
  });

  it('frees only the id that a newer label has replaced', () => {
    for (const n of [1, 2]) {
      const file = `state/mailbox/failed/demo__shop-${issue}-${n}.md`;
      world.write(file, world.read(file).replace(/^settled_at: .*$/m, 'settled_at: 2020-01-01T00:00:00Z'));
    }
    const planned = world.json('gc');
    expect(planned).toMatchObject({ applied: false, days: 30 });
    expect(planned.removals.filter((one: { kind: string }) => one.kind === 'task-file')).toMatchObject([{ subject: id(), tray: 'failed' }]);
    expect(world.task(issue)?.tray).toBe('failed');
    expect(world.json('gc', '--apply').removals).toEqual(planned.removals);
    expect(world.task(issue)).toBeUndefined();
    expect(existsSync(world.path(`state/runs/${id()}`))).toBe(false);
    expect(world.task(issue, 2)?.tray).toBe('failed');
    world.tick();
    expect(world.task(issue)).toBeUndefined();
    expect(world.run(['fsck'])).toMatchObject({ status: 0 });
  });
});

describe('a pull request that needs approval', () => {
  let world: World;
  let issue = 0;
  let pull = 0;
  const head = () => world.json('local', 'pr', 'view', REPO, String(pull)).headSha as string;

  beforeAll(() => {
    world = World.open({ config: CONFIG('supervised') });
    issue = world.issue('Add a note', addsFile('src/note.js', 'export const note = 1;'));
    world.tickUntil(issue, 'review');
    pull = world.json('status').tasks[0].pullRequest;
  });
  afterAll(() => world.close());

  it('is held until its very head is approved', () => {
    expect(world.json('explain', `${REPO}#${pull}`).verdicts).toContainEqual(expect.objectContaining({ loop: 'pr-monitor', kind: 'hold' }));
    const other = world.run(['approve', `${REPO}#${pull}`, '--sha', '0123456789']);
    expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining(head()) });
    expect(world.run(['approve', `${REPO}#${pull}`, '--sha', 'abc']).status).toBe(64);
    expect(world.run(['approve', `${REPO}#99`, '--sha', head()]).status).toBe(1);
    expect(world.json('approve', `${REPO}#${issue}`, '--sha', head().slice(0, 7))).toMatchObject({ pullRequest: pull, sha: head() });
    world.tickUntil(issue, 'done');
    expect(world.run(['approve', `${REPO}#${pull}`, '--sha', head()])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/merged/),
    });
  });

  it('shows the preserved work by a command that works', () => {
    const { look } = world.json('show', `${REPO}#${issue}`).attempts[0];
    const [, gitDir, , ref] = look.split(' ');
    expect(world.git('.', gitDir, 'show', ref)).toContain('export const note = 1;');
  });

  it('keeps what is merged for its days, then lets the second copy go', () => {
    const file = `state/mailbox/done/demo__shop-${issue}-1.md`;
    world.write(file, world.read(file).replace(/^settled_at: .*$/m, 'settled_at: 2020-01-01T00:00:00Z'));
    const kinds = world.json('gc', '--apply').removals.map((one: { kind: string }) => one.kind);
    expect(kinds).toEqual(expect.arrayContaining(['run', 'preserved-work']));
    expect(kinds).not.toContain('task-file');
    expect(world.json('show', `${REPO}#${issue}`).attempts[0].look).toBeUndefined();
    world.tick();
    expect(world.run(['fsck']).status).toBe(0);
    expect(world.task(issue)?.tray).toBe('done');
  });

  it('is closed when its task is cancelled', () => {
    const next = world.issue('Add another', addsFile('src/other.js', 'export const other = 1;'));
    world.tickUntil(next, 'review');
    const number = world.json('show', `${REPO}#${next}`).pull_request;
    expect(world.must('cancel', `${REPO}#${number}`)).toMatch(`pull request #${number} is closed`);
    expect(world.json('local', 'pr', 'view', REPO, String(number)).state).toBe('closed');
    expect(world.must('retry', `${REPO}#${next}`)).toMatch(/is closed, so `queue` hands it back/);
    world.run(['queue']);
    expect(world.task(next)?.tray).toBe('escalated');
  });
});

describe('the installation', () => {
  let world: World;
  beforeAll(() => {
    world = World.open({ config: CONFIG('full') });
  });
  afterAll(() => world.close());

  it('is paused and resumed, as a whole and by repository', () => {
    const issue = world.issue('Wait', NOTHING);
    expect(world.must('pause')).toMatch(/paused everything; running agents finish/);
    world.tick();
    expect(world.task(issue)).toBeUndefined();
    expect(world.json('status').paused).toBe(true);
    world.must('pause', '--repo', REPO);
    expect(world.must('resume')).toContain(`still paused: ${REPO}`);
    world.tick();
    expect(world.task(issue)).toBeUndefined();
    expect(world.run(['pause', '--repo', 'demo/shpo'])).toMatchObject({ status: 64, stderr: expect.stringContaining('`demo/shop`') });
    expect(world.json('resume', '--repo', REPO)).toEqual({ paused: false, repos: [{ name: REPO, paused: false }] });
    world.must('dispatch');
    expect(world.task(issue)?.tray).toBe('inbox');
    world.must('pause', '--now');
    expect(world.read('state/paused')).toMatch(/^now /);
    world.must('resume');
  });

  it('stops the agents of one repository at once, and counts nothing against them', async () => {
    const slow = World.open({ config: CONFIG('full').replace('verify: ["true"]', 'setup: ["sleep 30"]') });
    const issue = slow.issue('Slow', NOTHING);
    slow.must('dispatch');
    const queue = slow.start(['queue']);
    for (let k = 0; k < 100 && !existsSync(slow.path(`state/workspaces/demo__shop-${issue}-1/1/home/tmp`)); k++) await sleep(50);
    expect(slow.must('pause', '--repo', REPO, '--now')).toMatch(/are stopped within seconds/);
    await queue.ended;
    const task = slow.task(issue);
    slow.close();
    expect(task).toMatchObject({ tray: 'inbox', text: expect.stringMatching(/outcome: stopped/) });
  });

  it('is fit to run, or says what is wrong', () => {
    const well = world.run(['doctor', '--json']);
    const checks = JSON.parse(well.stdout).checks as { name: string; state: string; remedy?: string }[];
    expect(checks.filter((check) => check.state === 'bad')).toEqual([]);
    expect(checks.map((check) => check.name)).toEqual(
      expect.arrayContaining(['node', 'git', 'flock', 'config', 'state', 'sandbox', 'forge', REPO]),
    );
    expect(checks.filter((check) => check.state !== 'ok').every((check) => check.remedy)).toBe(true);
    expect(well.status).toBe(0);

    renameSync(world.path('forge/demo'), world.path('forge/away'));
    const ill = world.run(['doctor']);
    renameSync(world.path('forge/away'), world.path('forge/demo'));
    expect(ill.status).toBe(1);
    expect(ill.stdout).toMatch(/^bad +demo\/shop/m);

    const without = world.run(['doctor'], { AGENTOS_CONFIG: world.path('nothing.yaml') });
    expect(without).toMatchObject({ status: 1, stdout: expect.stringMatching(/^bad +config/m) });
  });

  it('fsck finds what does not belong, twice, and mends nothing', () => {
    mkdirSync(world.path('state/workspaces/demo__shop-77-1/1'), { recursive: true });
    writeFileSync(world.path('state/mailbox/inbox/broken.md'), 'no front matter\n');
    const ended = world.run(['fsck', '--json']);
    expect(ended.status).toBe(1);
    const { findings } = JSON.parse(ended.stdout);
    expect(findings.map((one: { invariant: string; subject: string }) => `${one.invariant} ${one.subject}`)).toEqual([
      'I2 inbox/broken.md',
      'I9 workspaces/demo__shop-77-1/1',
    ]);
    expect(existsSync(world.path('state/mailbox/inbox/broken.md'))).toBe(true);
    rmSync(world.path('state/workspaces/demo__shop-77-1'), { recursive: true });
  });

  it('counts quarantine, with the remedy', () => {
    world.run(['queue']);
    expect(world.json('status').quarantine).toBe(1);
    expect(world.must('status')).toMatch(/1 file in quarantine: .*\.reason\.txt/);
    expect(world.run(['fsck'])).toMatchObject({ status: 0, stdout: expect.stringContaining('quarantine/broken.md') });
    world.must('gc', '--apply', '--days', '1');
    expect(world.json('status').quarantine).toBe(1);
    for (const name of readdirSync(world.path('state/mailbox/quarantine'))) rmSync(world.path(`state/mailbox/quarantine/${name}`));
  });

  it('shows the rest when a part of the state cannot be read', () => {
    renameSync(world.path('state/mailbox/done'), world.path('done-away'));
    writeFileSync(world.path('state/mailbox/done'), '');
    const ended = world.run(['status', '--json']);
    rmSync(world.path('state/mailbox/done'));
    renameSync(world.path('done-away'), world.path('state/mailbox/done'));
    expect(ended.status).toBe(74);
    const status = JSON.parse(ended.stdout);
    expect(status.problems).not.toEqual([]);
    expect(status.loops).toHaveLength(6);
    expect(status.agents).toHaveLength(1);
  });

  it('says so when a loop does not run any more', () => {
    const record = JSON.parse(world.read('state/loops/dispatch.json'));
    record.startedAt = record.finished.at = '2020-01-01T00:00:00Z';
    world.write('state/loops/dispatch.json', JSON.stringify(record));
    expect(world.json('status').loops[0]).toMatchObject({ command: 'dispatch', overdue: true });
    expect(world.run(['doctor'])).toMatchObject({ status: 1, stdout: expect.stringMatching(/^bad +dispatch +no pass for/m) });
    world.must('dispatch');
    expect(world.json('status').loops[0]).toMatchObject({ overdue: false });
  });

  it('prints a crontab whose lines work in the environment of cron', () => {
    const text = world.must('cron', 'print');
    const [line = ''] = text.split('\n').filter((one) => one.includes(' dispatch '));
    const command = line.replace(/^(\S+ ){5}/, '');
    expect(command).toContain(`${process.execPath} `);
    expect(command).toContain(`--config ${world.path('config.yaml')}`);
    const path = /^PATH=(.*)$/m.exec(text)?.[1] ?? '';
    const started = JSON.parse(world.read('state/loops/dispatch.json')).startedAt;
    execFileSync('/bin/sh', ['-c', command], { cwd: '/', env: { HOME: world.path('home'), PATH: path } });
    expect(JSON.parse(world.read('state/loops/dispatch.json')).startedAt > started).toBe(true);
    expect(readFileSync(world.path('state/cron.log'), 'utf8')).toBe('');
  });

  it('gc cuts a long log, and keeps its end', () => {
    writeFileSync(world.path('state/cron.log'), `${'x'.repeat(99)}\n`.repeat(50_000));
    const old = new Date('2020-01-01T00:00:00Z');
    utimesSync(world.path('state/cron.log'), old, old);
    world.must('gc', '--apply');
    const kept = world.read('state/cron.log');
    expect(kept.length).toBeLessThan(1_100_000);
    expect(kept.startsWith('x'.repeat(99))).toBe(true);
    expect(kept.endsWith('x\n')).toBe(true);
  });

  it('config check says what is protected; a wrong file ends with 78 and every problem', () => {
    expect(world.must('config', 'check')).toMatch(/correct[\s\S]*CI and rules of the forge: \.github\/\*\*/);
    world.write('wrong.yaml', 'forge: { kind: lokal }\nrepos: []\n');
    const ended = world.run(['config', 'check', '--config', world.path('wrong.yaml')]);
    expect(ended).toMatchObject({ status: 78, stdout: '' });
    expect(ended.stderr.match(/wrong\.yaml:\d+/g)?.length).toBeGreaterThan(2);
  });
});
