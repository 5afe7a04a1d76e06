/**
 * The breakers on disk: `breakers/<agent>.json`, one small file each, written
 * after a run. A file that cannot be read counts as closed: the worst of it is
 * one more question to a provider that says no.
 */
import { rmSync } from 'node:fs';
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from '../atomic-file.ts';
import { toIoError } from '../errors.ts';
import type { Breaker } from './breaker.ts';

z.config({ jitless: true });

const BreakerFile = z.strictObject({
  failures: z.number().int().min(1),
  until: z.iso.datetime(),
  code: z.string().max(60),
  reason: z.string().max(2000),
});

/** @param directory `breakers` of the state directory */
export function readBreaker(directory: string, agent: string): Breaker | undefined {
  const text = readIfThere(fileOf(directory, agent));
  if (text === undefined) return undefined;
  try {
    return BreakerFile.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** @throws AgentOsError `io` */
export function writeBreaker(directory: string, agent: string, breaker: Breaker | undefined): void {
  const file = fileOf(directory, agent);
  if (breaker !== undefined) {
    writeFileAtomic(file, `${JSON.stringify(breaker, null, 2)}\n`, { durable: false });
    return;
  }
  try {
    rmSync(file, { force: true });
  } catch (error) {
    throw toIoError(error, `remove \`${file}\``);
  }
}

/** Names of agents are checked by the configuration: letters, digits, `-` and `_`. */
function fileOf(directory: string, agent: string): string {
  return `${directory}/${agent}.json`;
}
