/** Files in the mailbox that are no task files, and files that a person moved: the former are set aside with a reason, the latter are obeyed; nobody else waits for them. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addsFile, REPO, World } from '../support/world.ts';

const CONFIG = `repos: [{ name: ${REPO}, automation: full, verify: ["true"] }]
agents: { patch: { kind: patch } }
routing: { default: [patch] }
queue: { max_parallel: 8, max_attempts: 1 }
sandbox: { mode: "off" }
`;
const ID = 'demo__shop-1-1';
const SUM = addsFile('sum.js', 'export const sum = 2;');

const sparse = (path: string) => {
  writeFileSync(path, '');
  truncateSync(path, 5 * 2 ** 30);
};

describe('the mailbox', () => {
  let world: World;
  beforeEach(() => {
    world = World.open({ files: { 'README.md': '# shop\n' }, config: CONFIG });
  });
  afterEach(() => world.close());

  const inbox = (name: string) => world.path(`state/mailbox/inbox/${name}`);
  const parked = () =>
    Object.fromEntries(
      readdirSync(world.path('state/mailbox/quarantine'))
        .filter((name) => name.endsWith('.reason.txt'))
        .map((name) => [name.replace('.reason.txt', ''), world.read(`state/mailbox/quarantine/${name}`)]),
    );

  it('sets every file aside that is none of its own, with the reason, and goes on', () => {
    const issue = world.issue('Add a sum', SUM);
    world.must('dispatch');
    const good = world.task(issue)?.text ?? '';
    const at = (n: number) => good.replaceAll('shop-1-1', `shop-${n}-1`).replace('issue: 1', `issue: ${n}`);
    const bad: [string, (path: string) => void, RegExp][] = [
      ['demo__shop-101-1.md', (path) => writeFileSync(path, ''), /empty/],
      ['demo__shop-102-1.md', (path) => writeFileSync(path, at(102).slice(0, 150)), /front matter/],
      ['demo__shop-103-1.md', (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00, 0x01])), /./],
      ['demo__shop-104-1.md', (path) => writeFileSync(path, at(104) + 'x'.repeat(300_000)), /larger than 256 kB/],
      ['demo__shop-105-1.md', (path) => execFileSync('mkfifo', [path]), /not a regular file/],
      ['demo__shop-106-1.md', (path) => symlinkSync('/etc/passwd', path), /symbolic link/],
      ['demo__shop-107-1.md', (path) => mkdirSync(path), /directory/],
      ['demo__shop-108-1.md', (path) => writeFileSync(path, at(109)), /its name says/],
      ['demo__shop-110-1.md', (path) => writeFileSync(path, at(110).replace('title:', 'tilte:')), /tilte/],
      ['demo__shop-111-1.md', sparse, /larger than 256 kB/],
      ['..%2f..%2fpasswd.md', (path) => writeFileSync(path, good), /name/],
      ['-rf.md', (path) => writeFileSync(path, good), /name/],
      ['..md', (path) => writeFileSync(path, good), /name/],
      ['a..b-1-1.md', (path) => writeFileSync(path, good), /name|says/],
      ['notes.txt', (path) => writeFileSync(path, 'mine'), /name/],
    ];
    for (const [name, make] of bad) make(inbox(name));
    // A later version's is left where it is.
    writeFileSync(inbox('demo__shop-120-1.md'), at(120).replace('version: 1', 'version: 2'));
    const queue = world.run(['queue']);
    expect(queue).toMatchObject({ status: expect.toSatisfy((status) => status === 0 || status === 1) });
    expect(queue.stderr).not.toMatch(/\n +at .*:\d+:\d+|this is a bug of ours/);
    expect(world.task(issue)?.tray).toBe('review');
    const reasons = parked();
    for (const [name, , says] of bad) expect(reasons[name], name).toMatch(says);
    expect(Object.keys(reasons)).toHaveLength(bad.length);
    expect(readdirSync(world.path('state/mailbox/inbox'))).toEqual(['demo__shop-120-1.md']);
    world.tickUntil(issue, 'done', 2);
    // What lies in quarantine is said where a person looks.
    expect(world.run(['status']).stdout).toMatch(/quarantine/);
    expect(world.run(['fsck']).status).toBe(0);
  });

  it.each([
    ['inbox', 'review'],
    ['inbox', 'failed'],
    ['review', 'done'],
  ])('of one task in `%s` and `%s` keeps the later, and the copy aside', (earlier, later) => {
    world.issue('Add a sum', SUM);
    const other = world.issue('Add a product', addsFile('product.js', 'export const product = 2;'));
    world.must('dispatch');
    renameSync(inbox(`${ID}.md`), world.path(`state/mailbox/${earlier}/${ID}.md`));
    copyFileSync(world.path(`state/mailbox/${earlier}/${ID}.md`), world.path(`state/mailbox/${later}/${ID}.md`));
    const queue = world.run(['queue']);
    expect(queue).toMatchObject({ status: 0 });
    const trays = world.listMailbox().filter(({ file, tray }) => file === `${ID}.md` && tray !== 'quarantine');
    expect(trays).toEqual([{ tray: later, file: `${ID}.md` }]);
    expect(parked()).toEqual({ [`${ID}.md`]: expect.stringContaining('the same id is in') });
    expect(world.task(other)?.tray).toBe('review');
  });

  describe('a file moved back to the inbox by hand', () => {
    const fails = 'Nothing to apply here.';
    let issue: number;
    beforeEach(() => {
      issue = world.issue('Do something', fails);
      world.must('dispatch');
      world.must('queue');
      expect(world.task(issue)?.tray).toBe('escalated');
    });
    const moveBack = (from: string) => renameSync(world.path(`state/mailbox/${from}/${ID}.md`), inbox(`${ID}.md`));

    it.each(['escalated', 'failed'])('from `%s` gets a fresh allowance of attempts, each time', (from) => {
      if (from === 'failed') world.must('cancel', ID);
      for (const n of [2, 3]) {
        moveBack(world.task(issue)?.tray ?? '');
        world.must('dispatch');
        expect(world.task(issue)?.tray).toBe('inbox');
        world.must('queue');
        expect(world.task(issue)).toMatchObject({ tray: 'escalated', text: expect.stringContaining(`attempts_forgiven: ${n - 1}\n`) });
        expect(world.task(issue)?.text).toContain(`n: ${n}, agent: patch`);
      }
      expect(world.run(['fsck']).status).toBe(0);
      expect(world.read(`state/events/${new Date().toISOString().slice(0, 10)}.ndjson`)).toContain('by hand');
    });

    it('is checked again: an issue that was edited does not start', () => {
      world.must('local', 'issue', 'edit', REPO, String(issue), '--body', SUM);
      moveBack('escalated');
      expect(world.json('queue').actions).toMatchObject([{ kind: 'hold' }]);
      expect(world.task(issue)?.tray).toBe('inbox');
    });

    it('is checked again: an issue that is not ready any more does not start', () => {
      moveBack('escalated');
      world.must('local', 'issue', 'edit', REPO, String(issue), '--remove-label', 'ready');
      world.must('queue');
      world.must('dispatch');
      expect(world.task(issue)).toMatchObject({ tray: 'failed', text: expect.not.stringContaining('n: 2') });
    });

    it('is no retry when nobody moved it', () => {
      for (let k = 0; k < 2; k++) world.tick();
      expect(world.task(issue)).toMatchObject({ tray: 'escalated', text: expect.not.stringContaining('n: 2') });
    });
  });
});
