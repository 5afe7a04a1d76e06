/**
 * Writes events to `events/<YYYY-MM-DD>.ndjson` through pino. The sink appends
 * one whole line in one system call, and a torn line of an earlier crash is
 * ended first, so that records never stick together. Pino is loaded with the
 * first event: an idle tick writes none.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDirectory, writeFully } from '../atomic-file.ts';
import type { Clock } from '../clock.ts';
import { toIoError } from '../errors.ts';
import type { EventLog, NewEvent } from './event.ts';

export function openEventLog(options: { dir: string; clock: Clock; run: string; command: string }): EventLog {
  const write = async (event: NewEvent): Promise<void> => {
    const { pino } = await import('pino');
    const time = options.clock.now().toISOString();
    const { level = 'info', event: name, ...fields } = event;
    const log = pino(
      {
        base: null,
        messageKey: 'event',
        timestamp: () => `,"time":"${time}"`,
        formatters: { level: (label) => ({ level: label }) },
      },
      { write: (line: string) => appendLine(options.dir, `${time.slice(0, 10)}.ndjson`, line) },
    );
    log[level]({ run: options.run, command: options.command, ...fields }, name);
  };
  return { write };
}

function appendLine(dir: string, file: string, line: string): void {
  const path = join(dir, file);
  ensureDirectory(dir);
  try {
    const fd = openSync(path, 'a+', 0o600);
    try {
      writeFully(fd, Buffer.from(endsTorn(fd) ? `\n${line}` : line));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw toIoError(error, `append to \`${path}\``);
  }
}

function endsTorn(fd: number): boolean {
  const { size } = fstatSync(fd);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] !== 0x0a;
}
