/** Reads the event log of a window. Lines that are no event are counted, never silently dropped; unknown event names pass. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from '../atomic-file.ts';
import { errnoOf, toIoError } from '../errors.ts';
import { Event } from './event.ts';

export interface EventWindow {
  /** Oldest first. */
  events: Event[];
  /** Lines that could not be read. */
  unreadable: number;
}

/** Events with `from <= time < to`. A missing directory is an empty log. */
export function readEvents(dir: string, from: Date, to: Date): EventWindow {
  const events: Event[] = [];
  let unreadable = 0;
  for (const day of listDays(dir)) {
    if (day < from.toISOString().slice(0, 10) || day > to.toISOString().slice(0, 10)) continue;
    for (const line of (readIfThere(join(dir, `${day}.ndjson`)) ?? '').split('\n')) {
      if (line === '') continue;
      const event = parseLine(line);
      if (!event) unreadable++;
      else if (Date.parse(event.time) >= from.getTime() && Date.parse(event.time) < to.getTime()) events.push(event);
    }
  }
  return { events: events.sort((a, b) => Date.parse(a.time) - Date.parse(b.time)), unreadable };
}

function parseLine(line: string): Event | undefined {
  try {
    return Event.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function listDays(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => /^\d{4}-\d\d-\d\d\.ndjson$/.test(name))
      .map((name) => name.slice(0, 10))
      .sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw toIoError(error, `list \`${dir}\``);
  }
}
