import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderOwner, thisProcess } from '../../../src/core/liveness.ts';
import type { Letter } from '../../../src/core/mailbox/mailbox.ts';
import { renderMessage } from '../../../src/core/mailbox/message.ts';
import { laidTo } from '../../../src/core/mailbox/task.ts';
import { type Box, buildTask, DEAD, openBox } from '../../support/mailbox-task.ts';

let box: Box;
beforeEach(() => {
  box = openBox();
});
afterEach(() => box.remove());

const ID = 'acme__shop-12-1';
const task = buildTask();
const names = (tray: string): string[] => readdirSync(`${box.root}/${tray}`);

async function submitted(): Promise<void> {
  expect(await box.mailbox.submit(task, '# Goal\n')).toBe(true);
}

async function claimed(): Promise<Letter> {
  await submitted();
  const letter = await box.mailbox.claim(ID);
  if (!letter) throw new Error('not claimed');
  return letter;
}

async function settled(tray: 'review' | 'escalated' | 'failed' | 'done'): Promise<Letter> {
  return box.mailbox.move(await claimed(), tray, task);
}

describe('submit', () => {
  it('publishes a private file once, and leaves nothing beside it', async () => {
    await submitted();
    expect(names('inbox')).toEqual([`${ID}.md`]);
    expect(names('tmp')).toEqual([]);
    expect(statSync(`${box.root}/inbox/${ID}.md`).mode & 0o777).toBe(0o600);
    expect(statSync(`${box.root}/inbox`).mode & 0o777).toBe(0o700);
    expect(await box.mailbox.submit(buildTask({ title: 'Other' }), 'Other')).toBe(false);
    expect(await box.mailbox.find(ID)).toEqual({ task, body: '# Goal\n', tray: 'inbox' });
  });

  it.each(['processing', 'review', 'escalated', 'failed', 'done'] as const)('is refused while the id is in `%s`', async (tray) => {
    if (tray === 'processing') await claimed();
    else await settled(tray);
    expect(await box.mailbox.submit(task, 'Again')).toBe(false);
    expect(names('inbox')).toEqual([]);
  });

  it('counts a claim that nobody can read, and a file that is no task', async () => {
    await box.mailbox.counts();
    writeFileSync(`${box.root}/processing/${ID}@somebody.md`, '');
    expect(await box.mailbox.submit(task, '')).toBe(false);
  });

  it.each(['../evil', '-rf', 'a/b', '.hidden', 'UPPER', ''])('refuses the id `%s`', async (id) => {
    await expect(box.mailbox.submit(buildTask({ id, branch: 'agent/x' }), '')).rejects.toMatchObject({ code: 'refused' });
    expect(await box.mailbox.find(id)).toBeUndefined();
    expect(await box.mailbox.claim(id)).toBeUndefined();
  });
});

describe('claim', () => {
  it('moves the file under the name of its owner', async () => {
    const letter = await claimed();
    expect(letter).toEqual({ task, body: '# Goal\n', tray: 'processing', owner: thisProcess() });
    expect(names('processing')).toEqual([`${ID}@${renderOwner(thisProcess())}.md`]);
    expect(names('inbox')).toEqual([]);
    expect(await box.mailbox.claim(ID)).toBeUndefined();
    expect(await box.as(DEAD).claim(ID)).toBeUndefined();
  });

  it('leaves a copy of what is further on to the sweep', async () => {
    await settled('review');
    writeFileSync(`${box.root}/inbox/${ID}.md`, renderMessage(task, ''));
    expect(await box.mailbox.claim(ID)).toBeUndefined();
    expect(names('inbox')).toEqual([`${ID}.md`]);
  });

  it('quarantines what it cannot read, and puts back what a newer version wrote', async () => {
    await submitted();
    writeFileSync(`${box.root}/inbox/${ID}.md`, 'torn');
    expect(await box.mailbox.claim(ID)).toBeUndefined();
    expect(await box.mailbox.counts()).toMatchObject({ inbox: 0, processing: 0, quarantine: 1 });

    writeFileSync(`${box.root}/inbox/${ID}.md`, renderMessage(task, '').replace('version: 1', 'version: 2'));
    expect(await box.mailbox.claim(ID)).toBeUndefined();
    expect(names('inbox')).toEqual([`${ID}.md`]);
    await expect(box.mailbox.find(ID)).rejects.toMatchObject({ code: 'refused' });
    expect(await box.mailbox.list('inbox')).toEqual([]);
    expect(await box.mailbox.listWaiting()).toEqual([]);
  });
});

describe('takeOver', () => {
  it('takes a claim from an owner that is gone, once', async () => {
    await submitted();
    const letter = await box.as(DEAD).claim(ID);
    if (!letter) throw new Error('not claimed');
    expect(await box.mailbox.takeOver(letter)).toMatchObject({ tray: 'processing', owner: thisProcess() });
    expect(await box.mailbox.takeOver(letter)).toBeUndefined();
    expect(names('processing')).toEqual([`${ID}@${renderOwner(thisProcess())}.md`]);
  });

  it('leaves a living owner alone, and takes a claim without an owner', async () => {
    const letter = await claimed();
    expect(await box.as(DEAD).takeOver(letter)).toBeUndefined();
    renameSync(`${box.root}/processing/${names('processing')[0]}`, `${box.root}/processing/${ID}@x.md`);
    const [found] = await box.mailbox.list('processing');
    expect(found).not.toHaveProperty('owner');
    expect(found && (await box.mailbox.takeOver(found))).toMatchObject({ owner: thisProcess() });
  });
});

describe('update', () => {
  it('replaces the content where it lies', async () => {
    const letter = await claimed();
    const next = await box.mailbox.update(letter, { ...task, note: 'Running' });
    expect(await box.mailbox.find(ID)).toEqual(next);
    expect(next.task.note).toBe('Running');
    expect(names('tmp')).toEqual([]);
  });

  it.each(['inbox', 'review'] as const)('does so in `%s`, where it is not ours', async (tray) => {
    if (tray === 'inbox') await submitted();
    else await settled(tray);
    const letter = await box.mailbox.find(ID);
    if (!letter) throw new Error('not found');
    await box.mailbox.update(letter, { ...task, note: 'Noted' });
    expect(await box.mailbox.find(ID)).toMatchObject({ tray, task: { note: 'Noted' } });
    expect(await box.mailbox.counts()).toMatchObject({ [tray]: 1, processing: 0 });
  });

  it('does not make a second copy of a letter that has left', async () => {
    const letter = await settled('review');
    renameSync(`${box.root}/review/${ID}.md`, `${box.root}/escalated/${ID}.md`);
    await expect(box.mailbox.update(letter, task)).rejects.toMatchObject({ code: 'conflict' });
    await expect(box.mailbox.move(letter, 'done', task)).rejects.toMatchObject({ code: 'conflict' });
    expect(await box.mailbox.counts()).toMatchObject({ review: 0, escalated: 1, done: 0 });
    expect(names('tmp')).toEqual([]);
  });

  it('does not write over what somebody else wrote meanwhile', async () => {
    await settled('review');
    const [mine, theirs] = [await box.mailbox.find(ID), await box.as(DEAD).find(ID)];
    if (!mine || !theirs) throw new Error('not found');
    const first = await box.as(DEAD).update(theirs, { ...task, note: 'Theirs' });
    await expect(box.mailbox.update(mine, { ...task, note: 'Mine' })).rejects.toMatchObject({ code: 'conflict' });
    await expect(box.mailbox.move(mine, 'done', task)).rejects.toMatchObject({ code: 'conflict' });
    expect(await box.mailbox.find(ID)).toEqual(first);
  });
});

describe('move', () => {
  it.each(['review', 'escalated', 'failed', 'done'] as const)('takes a claim to `%s`, with its history', async (tray) => {
    const letter = await box.mailbox.move(await claimed(), tray, { ...task, note: 'There' });
    expect(letter).toEqual({ task: laidTo({ ...task, note: 'There' }, tray), body: '# Goal\n', tray });
    expect(await box.mailbox.find(ID)).toEqual(letter);
    expect(await box.mailbox.counts()).toMatchObject({ [tray]: 1, processing: 0, inbox: 0 });
  });

  it.each(['review', 'escalated', 'failed'] as const)('returns a letter from `%s` to `inbox`', async (tray) => {
    await box.mailbox.move(await settled(tray), 'inbox', { ...task, note: 'Again' });
    expect(await box.mailbox.listWaiting()).toHaveLength(1);
    expect((await box.mailbox.claim(ID))?.task.note).toBe('Again');
  });

  it('withdraws from `inbox`, unless a worker was faster', async () => {
    await submitted();
    const letter = await box.mailbox.find(ID);
    if (!letter) throw new Error('not found');
    await box.as(DEAD).claim(ID);
    await expect(box.mailbox.move(letter, 'failed', task)).rejects.toMatchObject({ code: 'conflict' });
    const stolen = await box.mailbox.find(ID);
    await box.mailbox.move(stolen as Letter, 'inbox', task);
    await box.mailbox.move((await box.mailbox.find(ID)) as Letter, 'failed', task);
    expect(await box.mailbox.counts()).toMatchObject({ failed: 1, inbox: 0, processing: 0 });
  });

  it('never leaves `done`, never overwrites, never claims', async () => {
    const done = await settled('done');
    await expect(box.mailbox.move(done, 'inbox', task)).rejects.toMatchObject({ code: 'refused' });
    const other = buildTask({ issue: 13 });
    await box.mailbox.submit(other, '');
    const letter = (await box.mailbox.claim(other.id)) as Letter;
    writeFileSync(`${box.root}/review/${other.id}.md`, 'precious');
    await expect(box.mailbox.move(letter, 'review', other)).rejects.toMatchObject({ code: 'conflict' });
    expect(readFileSync(`${box.root}/review/${other.id}.md`, 'utf8')).toBe('precious');
    await expect(box.mailbox.move(letter, 'processing', other)).resolves.toMatchObject({ tray: 'processing' });
    await expect(box.mailbox.move({ ...letter, tray: 'review' }, 'processing', other)).rejects.toThrow('by a claim only');
  });

  it('lets one of two who saw the same claim of a dead owner requeue it', async () => {
    await submitted();
    const letter = (await box.as(DEAD).claim(ID)) as Letter;
    await box.mailbox.move(letter, 'inbox', task);
    const again = await box.mailbox.claim(ID);
    await expect(box.mailbox.move(letter, 'inbox', task)).rejects.toMatchObject({ code: 'conflict' });
    expect(again).toBeDefined();
    expect(existsSync(`${box.root}/inbox/${ID}.md`)).toBe(false);
  });
});

describe('reading', () => {
  it('counts, lists and finds nothing in an empty mailbox, and writes nothing when it is looked at again', async () => {
    expect(await box.mailbox.list('review')).toEqual([]);
    const before = lstatSync(box.root, { bigint: true }).ctimeNs;
    expect(await box.as(DEAD).listWaiting()).toEqual([]);
    expect(await box.as(DEAD).sweep(new Date())).toEqual([]);
    expect(lstatSync(box.root, { bigint: true }).ctimeNs).toBe(before);
    expect(existsSync(`${box.state}/locks`)).toBe(false);
  });

  it('lists a tray by id', async () => {
    for (const issue of [30, 4, 12]) await box.mailbox.submit(buildTask({ issue }), '');
    expect((await box.mailbox.list('inbox')).map(({ task }) => task.issue)).toEqual([12, 30, 4]);
  });
});
