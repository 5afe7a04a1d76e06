import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INDEX_FROM } from '../../../src/core/mailbox/index-file.ts';
import type { Letter } from '../../../src/core/mailbox/mailbox.ts';
import { renderMessage } from '../../../src/core/mailbox/message.ts';
import { type Box, buildTask, DEAD, NOW, openBox } from '../../support/mailbox-task.ts';

let box: Box;
beforeEach(async () => {
  box = openBox();
  await box.mailbox.counts();
});
afterEach(() => box.remove());

const index = () => `${box.root}/.index.json`;
/** As a new process sees it. */
const listAnew = () => box.as(DEAD).listWaiting();

function fill(count: number): void {
  for (let issue = 1; issue <= count; issue++) write(buildTask({ issue }));
}

function write(task: ReturnType<typeof buildTask>): void {
  writeFileSync(`${box.root}/inbox/${task.id}.md`, renderMessage(task, 'Body'));
}

describe('the index of waiting tasks', () => {
  it('is not written for few', async () => {
    fill(INDEX_FROM - 1);
    expect(await box.mailbox.listWaiting()).toHaveLength(INDEX_FROM - 1);
    expect(existsSync(index())).toBe(false);
  });

  it('says what the files say, and spares reading them', async () => {
    fill(80);
    write(buildTask({ issue: 7, priority: 'high', not_before: NOW, waits_for: 'agent', pull_request: 3, refine: 'split' }));
    const cold = await box.mailbox.listWaiting();
    expect(await listAnew()).toEqual(cold);
    expect(cold.find(({ issue }) => issue === 7)).toEqual({
      id: 'acme__shop-7-1',
      repo: 'acme/shop',
      issue: 7,
      priority: 'high',
      createdAt: NOW,
      notBefore: NOW,
      waitsFor: 'agent',
      agents: ['codex', 'claude'],
      pullRequest: 3,
      preparing: 'split',
    });
    // What an entry says is believed while its file is unchanged: this is how the test sees that no file was read.
    writeFileSync(index(), readFileSync(index(), 'utf8').replaceAll('acme/shop', 'acme/else'));
    expect((await listAnew()).every(({ repo }) => repo === 'acme/else')).toBe(true);
  });

  it('follows what comes, goes and changes', async () => {
    fill(80);
    await box.mailbox.listWaiting();
    await box.mailbox.claim('acme__shop-1-1');
    await box.mailbox.submit(buildTask({ issue: 100 }), '');
    const letter = (await box.mailbox.find('acme__shop-2-1')) as Letter;
    await box.mailbox.update(letter, { ...letter.task, priority: 'low' });
    for (const waiting of [await listAnew(), await box.mailbox.listWaiting()]) {
      const issues = waiting.map(({ issue }) => issue);
      expect(issues).toHaveLength(80);
      expect(issues).not.toContain(1);
      expect(issues).toContain(100);
      expect(waiting.find(({ issue }) => issue === 2)?.priority).toBe('low');
    }
  });

  it.each(['', 'garbage', '[]', '{"version":2,"rows":[[1,2],null,["x.md",3]]}', '{"version":99,"rows":[]}'])(
    'is made anew when it is `%s`',
    async (text) => {
      fill(80);
      const before = await box.mailbox.listWaiting();
      writeFileSync(index(), text);
      expect(await listAnew()).toEqual(before);
      rmSync(index());
      expect(await listAnew()).toEqual(before);
      expect(statSync(index()).mode & 0o777).toBe(0o600);
    },
  );

  it('does not stand in the way when it cannot be written', async () => {
    fill(80);
    mkdirSync(index());
    expect(await box.mailbox.listWaiting()).toHaveLength(80);
  });
});

describe('ten thousand waiting tasks', () => {
  it('are listed with a warm index, and claimed, in time that does not grow with their number', async () => {
    fill(10_000);
    const cold = await timed(() => box.mailbox.listWaiting());
    const other = box.as(DEAD);
    const first = await timed(async () => {
      const waiting = await other.listWaiting();
      return other.claim(waiting[0]?.id ?? '');
    });
    expect(first.value).toBeDefined();
    expect(cold.value).toHaveLength(10_000);
    // Bounds with room for a loaded machine; the benchmark gives the figures.
    expect(first.ms).toBeLessThan(2000);
    expect(cold.ms).toBeLessThan(12_000);
  });
});

async function timed<T>(run: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const start = performance.now();
  const value = await run();
  return { value, ms: performance.now() - start };
}
