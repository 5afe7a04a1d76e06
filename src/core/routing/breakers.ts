/**
 * The breakers on disk: `breakers/<agent>.json`, one small file each, changed
 * under a lock. A file that cannot be read counts as closed: the worst of it is
 * one more question to a provider that says no.
 */
import { rmSync } from 'node:fs';
import * as z from 'zod';
import { ensureDirectory, readIfThere, writeFileAtomic } from '../atomic-file.ts';
import type { StatePaths } from '../config/paths.ts';
import { crashPoint } from '../crash-point.ts';
import { toIoError } from '../errors.ts';
import { isAlive, parseOwner, renderOwner, thisProcess } from '../liveness.ts';
import { takeLock } from '../lock.ts';
import { afterProbe, type Breaker, isResting } from './breaker.ts';

z.config({ jitless: true });

const BreakerFile = z.strictObject({
  failures: z.number().int().min(1),
  until: z.iso.datetime(),
  code: z.string().max(60),
  reason: z.string().max(2000),
  since: z.iso.datetime().optional(),
  probe: z.strictObject({ run: z.string(), owner: z.string() }).optional(),
});

type Places = Pick<StatePaths, 'breakers' | 'locks'>;

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

/**
 * Reads, changes and writes an agent's breaker as one step. A `change` that gives back what it was given writes nothing.
 * @throws AgentOsError `io`, `locked`
 */
export function changeBreaker(
  places: Places,
  agent: string,
  change: (before: Breaker | undefined) => Breaker | undefined,
): { before: Breaker | undefined; after: Breaker | undefined } {
  ensureDirectory(places.locks);
  const lock = takeLock(`${places.locks}/breakers.lock`);
  try {
    const before = readBreaker(places.breakers, agent);
    const after = change(before);
    if (after !== before) write(places.breakers, agent, after);
    return { before, after };
  } finally {
    lock.release();
  }
}

/** Whether a run other than `run`, of a process that lives, tries the agent after its rest. */
export function isTried(breaker: Breaker | undefined, run: string): boolean {
  if (!breaker?.probe || breaker.probe.run === run) return false;
  const owner = parseOwner(breaker.probe.owner);
  return owner !== undefined && isAlive(owner);
}

/**
 * Before a run: where the agent had to rest, this run becomes the one that tries it.
 * @returns false where it rests still, or another run tries it.
 * @throws AgentOsError `io`, `locked`
 */
export function admitRun(places: Places, agent: string, run: string, now: Date): boolean {
  if (!readBreaker(places.breakers, agent)) return true;
  let admitted = true;
  changeBreaker(places, agent, (breaker) => {
    if (!breaker) return breaker;
    admitted = !isResting(breaker, now) && !isTried(breaker, run);
    return admitted ? { ...breaker, probe: { run, owner: renderOwner(thisProcess()) } } : breaker;
  });
  return admitted;
}

/** After a run, however it ended: the next one may try. @throws AgentOsError `io`, `locked` */
export function endProbe(places: Places, agent: string, run: string): void {
  if (readBreaker(places.breakers, agent)?.probe?.run !== run) return;
  changeBreaker(places, agent, (breaker) => afterProbe(breaker, run));
}

function write(directory: string, agent: string, breaker: Breaker | undefined): void {
  const file = fileOf(directory, agent);
  if (breaker !== undefined) {
    ensureDirectory(directory);
    writeFileAtomic(file, `${JSON.stringify(breaker, null, 2)}\n`, { durable: false });
    return;
  }
  try {
    rmSync(file, { force: true });
    crashPoint('breaker:closed');
  } catch (error) {
    throw toIoError(error, `remove \`${file}\``);
  }
}

/** Names of agents are checked by the configuration: letters, digits, `-` and `_`. */
function fileOf(directory: string, agent: string): string {
  return `${directory}/${agent}.json`;
}
