import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEventLog } from '../../../src/core/events/log.ts';
import { readEvents } from '../../../src/core/events/read.ts';

const NOW = new Date('2026-11-22T10:00:00.000Z');
const LATER = new Date('2026-11-23T00:00:00.000Z');

describe('the event log', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'agentos-events-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const open = () => openEventLog({ dir, clock: { now: () => NOW }, run: 'r1', command: 'queue' });
  const event = (reason: string) => ({ event: 'queue.task.requeued' as const, outcome: 'inbox', reason, task: 'a__b-1-1' });
  const read = () => readEvents(dir, new Date('2026-11-22T00:00:00Z'), LATER);

  it('holds one object a line with who, when and what', async () => {
    await open().write(event('first\nline'));
    await open().write({ ...event('second'), level: 'warn' });
    expect(readdirSync(dir)).toEqual(['2026-11-22.ndjson']);
    expect(readFileSync(join(dir, '2026-11-22.ndjson'), 'utf8').trimEnd().split('\n')).toHaveLength(2);
    expect(read()).toMatchObject({
      unreadable: 0,
      events: [
        {
          time: NOW.toISOString(),
          level: 'info',
          event: 'queue.task.requeued',
          run: 'r1',
          command: 'queue',
          reason: 'first\nline',
          task: 'a__b-1-1',
        },
        { level: 'warn', reason: 'second' },
      ],
    });
  });

  it('ends a line that a crash tore before it writes the next, and counts the torn one (fault scenario 7)', async () => {
    await open().write(event('whole'));
    const torn = '{"level":"info","time":"2026-11-22T1';
    appendFileSync(join(dir, '2026-11-22.ndjson'), torn);
    await open().write(event('after'));
    const { events, unreadable } = read();
    expect(events.map(({ reason }) => reason)).toEqual(['whole', 'after']);
    expect(unreadable).toBe(1);
  });

  it('is empty where nothing happened, and keeps to its window', async () => {
    expect(readEvents(join(dir, 'none'), NOW, LATER)).toEqual({ events: [], unreadable: 0 });
    await open().write(event('in'));
    expect(readEvents(dir, LATER, new Date('2026-11-24T00:00:00Z')).events).toEqual([]);
  });
});
