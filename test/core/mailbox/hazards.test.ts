import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { thisProcess } from '../../../src/core/liveness.ts';
import { TRAYS, type Tray } from '../../../src/core/mailbox/mailbox.ts';
import { openMailbox } from '../../../src/core/mailbox/maildir.ts';
import { renderMessage } from '../../../src/core/mailbox/message.ts';
import { type Box, buildTask, DEAD, NOW, openBox } from '../../support/mailbox-task.ts';
import { asOrdinaryUser } from '../../support/ordinary-user.ts';

let box: Box;
beforeEach(async () => {
  box = openBox();
  await box.mailbox.counts();
});
afterEach(() => box.remove());

const ID = 'acme__shop-12-1';
const good = renderMessage(buildTask(), 'Body');
const names = (directory: string): string[] => readdirSync(`${box.root}/${directory}`).sort();

/** Ways to put something into a tray that is no task. */
const BAD: [string, (path: string) => void, RegExp][] = [
  ['an empty file', (path) => writeFileSync(path, ''), /empty/],
  ['a torn file', (path) => writeFileSync(path, good.slice(0, 100)), /front matter/],
  ['zero bytes', (path) => writeFileSync(path, Buffer.alloc(500)), /zero bytes/],
  ['bytes that are no text', (path) => writeFileSync(path, Buffer.from([0x2d, 0x2d, 0x2d, 0x0a, 0xff])), /UTF-8/],
  ['a file that is too large', (path) => writeFileSync(path, good + 'x'.repeat(256 * 1024)), /larger than 256 kB/],
  ['a symbolic link', (path) => symlinkSync('/etc/passwd', path), /symbolic link/],
  ['a dangling link', (path) => symlinkSync('/nowhere', path), /symbolic link/],
  ['a pipe', (path) => spawnSync('mkfifo', [path]), /regular file|directory/],
  ['a directory', (path) => mkdirSync(path), /directory/],
  ['another task', (path) => writeFileSync(path, good.replace('id: acme__shop-12-1', 'id: acme__shop-99-1')), /its name says/],
];

describe.each(BAD)('%s', (_, make, reason) => {
  it('is quarantined with its reason when its tray is listed, and delays no other task', async () => {
    const other = buildTask({ issue: 13 });
    await box.mailbox.submit(other, '');
    make(`${box.root}/inbox/${ID}.md`);
    expect(await box.mailbox.listWaiting()).toMatchObject([{ id: other.id }]);
    expect(names('inbox')).toEqual([`${other.id}.md`]);
    expect(names('quarantine')).toEqual([`${ID}.md`, `${ID}.md.reason.txt`]);
    expect(readFileSync(`${box.root}/quarantine/${ID}.md.reason.txt`, 'utf8')).toMatch(reason);
    expect(await box.mailbox.counts()).toMatchObject({ inbox: 1, quarantine: 1 });
  });

  it('is quarantined when it is looked for, claimed or listed in any tray', async () => {
    for (const tray of TRAYS) {
      make(`${box.root}/${tray}/${ID}.md`);
      if (tray === 'inbox') expect(await box.mailbox.claim(ID)).toBeUndefined();
      else if (tray === 'done') expect(await box.mailbox.list(tray)).toEqual([]);
      else expect(await box.mailbox.find(ID)).toBeUndefined();
      expect(names(tray)).toEqual([]);
    }
    expect(names('quarantine').filter((name) => !name.endsWith('.txt'))).toHaveLength(TRAYS.length);
  });
});

describe('names that are no task files', () => {
  it.each(['..%2fevil.md', '-rf.md', '.md', 'UPPER.md', 'notes.txt', `${'x'.repeat(240)}.md`, `${ID}@${'0'.repeat(8)}-1-1.md`])(
    '`%s` in a tray goes to quarantine',
    async (name) => {
      writeFileSync(`${box.root}/review/${name}`, good);
      expect(await box.mailbox.sweep(new Date(NOW))).toEqual([
        { file: name, from: 'review', reason: 'its name is not that of a task file' },
      ]);
      expect(names('review')).toEqual([]);
      expect(await box.mailbox.counts()).toMatchObject({ quarantine: 1 });
    },
  );

  it('leaves an editor its files', async () => {
    for (const name of [`.${ID}.md.swp`, `${ID}.md~`]) writeFileSync(`${box.root}/inbox/${name}`, '');
    expect(await box.mailbox.sweep(new Date(NOW))).toEqual([]);
    expect(await box.mailbox.listWaiting()).toEqual([]);
    expect(names('inbox')).toHaveLength(2);
  });
});

describe('sweep', () => {
  it('removes temporary files older than 36 h, and no younger ones', async () => {
    const now = new Date();
    for (const [name, hours] of [
      ['.old.1.tmp', 36.1],
      ['.new.1.tmp', 35.9],
    ] as const) {
      writeFileSync(`${box.root}/tmp/${name}`, '');
      utimesSync(`${box.root}/tmp/${name}`, now, new Date(now.getTime() - hours * 3600_000));
    }
    mkdirSync(`${box.root}/tmp/.dir`);
    utimesSync(`${box.root}/tmp/.dir`, now, new Date(0));
    expect(await box.mailbox.sweep(now)).toEqual([]);
    expect(names('tmp')).toEqual(['.dir', '.new.1.tmp']);
  });

  const pairs = TRAYS.flatMap((earlier, index) => TRAYS.slice(index + 1).map((later) => [earlier, later] as const));
  it.each(pairs)('of an id in `%s` and `%s` keeps the later state and the other copy', async (earlier, later) => {
    put(earlier, 'earlier');
    put(later, 'later');
    expect(await box.mailbox.sweep(new Date(NOW))).toMatchObject([{ from: earlier, reason: expect.stringContaining(`\`${later}\``) }]);
    expect(await box.mailbox.find(ID)).toMatchObject({ tray: later, body: 'later\n' });
    const [parked] = names('quarantine');
    expect(readFileSync(`${box.root}/quarantine/${parked}`, 'utf8')).toContain('earlier');
    expect(await box.mailbox.sweep(new Date(NOW))).toEqual([]);
  });

  it('keeps the earlier state where the later cannot be read', async () => {
    put('inbox', 'earlier');
    writeFileSync(`${box.root}/done/${ID}.md`, 'torn');
    expect(await box.mailbox.sweep(new Date(NOW))).toMatchObject([{ from: 'done' }]);
    expect(await box.mailbox.find(ID)).toMatchObject({ tray: 'inbox' });
  });

  it('keeps the claim of the owner that lives', async () => {
    put('inbox', 'Body');
    await box.as(thisProcess()).claim(ID);
    writeFileSync(`${box.root}/processing/${ID}.md`, good);
    put('inbox', 'Body');
    renameSync(`${box.root}/inbox/${ID}.md`, `${box.root}/processing/${ID}@00000001-1-1.md`);
    expect(await box.mailbox.sweep(new Date(NOW))).toHaveLength(2);
    expect(await box.mailbox.list('processing')).toMatchObject([{ owner: thisProcess() }]);
  });

  it('quarantines both copies of nothing readable, and overwrites nothing there', async () => {
    for (const tray of ['inbox', 'review', 'done'] as const) writeFileSync(`${box.root}/${tray}/${ID}.md`, tray);
    await box.mailbox.sweep(new Date(NOW));
    const parked = names('quarantine').filter((name) => !name.endsWith('.txt'));
    expect(parked).toEqual([`${ID}.1.md`, `${ID}.2.md`, `${ID}.md`]);
    expect(parked.map((name) => readFileSync(`${box.root}/quarantine/${name}`, 'utf8')).sort()).toEqual(['done', 'inbox', 'review']);
  });

  function put(tray: Tray, body: string): void {
    const name = tray === 'processing' ? `${ID}@00000001-1-1.md` : `${ID}.md`;
    writeFileSync(`${box.root}/${tray}/${name}`, renderMessage(buildTask(), body));
  }
});

describe('a state directory that cannot hold a mailbox', () => {
  const open = (root: string) => openMailbox({ root, locks: `${box.state}/locks`, clock: { now: () => new Date(NOW) } });

  it('is missing', async () => {
    await expect(open(`${box.state}/gone/mailbox`).counts()).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('gone/mailbox'),
    });
  });

  it('is a link, a file, or holds one where a tray belongs', async () => {
    symlinkSync(box.root, `${box.state}/link`);
    writeFileSync(`${box.state}/file`, '');
    for (const name of ['link', 'file']) await expect(open(`${box.state}/${name}`).counts()).rejects.toMatchObject({ code: 'config' });
    rmSync(`${box.root}/done`, { recursive: true });
    symlinkSync('/tmp', `${box.root}/done`);
    await expect(open(box.root).submit(buildTask(), '')).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('mailbox/done'),
    });
  });

  it('lacks a tray, which is made', async () => {
    rmSync(`${box.root}/review`, { recursive: true });
    expect(await open(box.root).counts()).toMatchObject({ review: 0 });
    expect(existsSync(`${box.root}/review`)).toBe(true);
  });

  it('is read-only', async () => {
    chmodSync(`${box.root}/tmp`, 0o500);
    await expect(asOrdinaryUser(() => open(box.root).submit(buildTask(), ''))).rejects.toMatchObject({
      code: 'io',
      hint: expect.stringContaining('permission'),
    });
    chmodSync(`${box.root}/tmp`, 0o700);
  });
});

describe('the claim of a dead owner', () => {
  it('is seen by every process', async () => {
    await box.mailbox.submit(buildTask(), '');
    await box.as(DEAD).claim(ID);
    expect(await box.mailbox.list('processing')).toMatchObject([{ owner: DEAD }]);
  });
});
