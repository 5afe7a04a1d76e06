/**
 * The journal of effects: one file per effect, written before the request goes
 * out and after its answer came. Owns `effects/`. Guarantees: two processes are
 * never at the same effect; a request is repeated only after the forge was
 * asked, and waited for where its reads lag. The first intent is published by
 * link, so one process wins; every later one is written under a lock after
 * reading the record again; whoever is named in an open record alone goes on
 * writing it. An unreadable record counts as an intent of unknown outcome.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { createFileAtomic, ensureDirectory, readIfThere, syncDirectory, writeFileAtomic } from '../atomic-file.ts';
import type { Clock } from '../clock.ts';
import { crashPoint } from '../crash-point.ts';
import { AgentOsError, errnoOf, messageOf, toIoError } from '../errors.ts';
import { repoKey } from '../ids.ts';
import { isAlive, type Owner, renderOwner, thisProcess } from '../liveness.ts';
import { takeLock } from '../lock.ts';
import { decideAfterEmptyProbe, decideFirst, isDefinite } from './decide-effect.ts';
import type { Effect, EffectRecord, Effects, Recorded } from './effects.ts';
import { identityOf, parseRecord, renderRecord } from './record.ts';

export interface EffectsOptions {
  /** `<state>/effects`; created at the first write. */
  root: string;
  clock: Clock;
  /** Whether a write of the forge can be read back at once. */
  consistentReads: boolean | (() => boolean);
  /** In whose name intents are written: by default this process. */
  owner?: Owner;
}

export function openEffects(options: EffectsOptions): Effects {
  return new Journal(options);
}

type Identity = Pick<EffectRecord, 'repo' | 'subject' | 'kind' | 'key'>;

/** An intent of ours that is written, and whether an earlier try may have come through. */
interface Open {
  record: EffectRecord;
  unknown: boolean;
}

class Journal implements Effects {
  readonly #root: string;
  readonly #clock: Clock;
  readonly #consistentReads: boolean | (() => boolean);
  readonly #owner: Owner;
  /** Effects that this process is at: its own name in a record says so only while the call runs. */
  readonly #running = new Set<string>();

  constructor({ root, clock, consistentReads, owner }: EffectsOptions) {
    this.#root = root;
    this.#clock = clock;
    this.#consistentReads = consistentReads;
    this.#owner = owner ?? thisProcess();
  }

  async ensure<T extends Recorded>(effect: Effect<T>): Promise<T> {
    const id = idOf(effect);
    const record = this.#readOrSetAside(effect, id);
    const first = decideFirst(effect.nature, record, this.#isHeld(id, record));
    if (first.kind === 'return') return first.result as T;
    if (first.kind === 'locked') throw busy(effect);
    if (first.kind === 'probe') {
      const found = await effect.probe();
      if (found !== undefined) return found;
    }
    if (this.#running.has(id)) throw busy(effect);
    this.#running.add(id);
    try {
      return await this.#carryOut(effect, id, first.kind === 'probe');
    } finally {
      this.#running.delete(id);
    }
  }

  async find(effect: Identity): Promise<EffectRecord | undefined> {
    return this.#readOrSetAside(effect, idOf(effect));
  }

  async list(repo: string, kind?: string): Promise<EffectRecord[]> {
    const dir = `${this.#root}/${repoKey(repo)}`;
    const records: EffectRecord[] = [];
    for (const name of listRecords(dir)) {
      const text = readIfThere(`${dir}/${name}`);
      if (text === undefined) continue;
      const record = parseRecord(text, name.slice(0, -5)) ?? unreadable(`${dir}/${name}`);
      if (kind === undefined || record.kind === kind) records.push(record);
    }
    return records.sort((a, b) => compare(a.intendedAt, b.intendedAt) || compare(a.id, b.id));
  }

  /** @param probed whether the forge has just said that it is not so. */
  async #carryOut<T extends Recorded>(effect: Effect<T>, id: string, probed: boolean): Promise<T> {
    crashPoint(`effect:${effect.kind}:before-intent`);
    const open = this.#intend(effect, id);
    if ('result' in open) return open.result as T;
    crashPoint(`effect:${effect.kind}:after-intent`);
    if (!probed || open.unknown) {
      const found = await this.#probe(effect, open);
      if (found !== undefined) return this.#finish(open.record, found);
      this.#makeSureToAct(effect, open);
    }
    return this.#act(effect, open);
  }

  /** Writes the intent in our name, or gives the result that another process recorded meanwhile. @throws AgentOsError `locked`. */
  #intend<T extends Recorded>(effect: Effect<T>, id: string): Open | { result: Recorded } {
    this.#prepare(effect.repo);
    const path = this.#path(effect.repo, id);
    const fresh = this.#toIntent(effect, id);
    if (createFileAtomic(path, renderRecord(fresh))) return { record: fresh, unknown: false };
    const lock = takeLock(`${this.#root}/.lock`);
    try {
      const record = parseRecord(readIfThere(path) ?? '', id);
      if (effect.nature === 'once' && record?.state === 'done') return { result: record.result ?? null };
      if (record && this.#isHeldElsewhere(record)) throw busy(effect);
      const unknown = record === undefined || record.state === 'intent';
      // An open intent keeps its time and its count of probes: they say how long the earlier try has been missing.
      const next = unknown && record ? { ...record, owner: this.#owner } : fresh;
      writeFileAtomic(path, renderRecord(next));
      return { record: next, unknown };
    } finally {
      lock.release();
    }
  }

  async #probe<T extends Recorded>(effect: Effect<T>, open: Open): Promise<T | undefined> {
    try {
      return await effect.probe();
    } catch (error) {
      if (open.unknown) this.#release(open.record);
      else
        this.#write({ ...closed(open.record), state: 'failed', error: `nothing was sent: ${messageOf(error)}`, recordedAt: this.#now() });
      throw error;
    }
  }

  /** After an empty probe: returns when the request may go out (again), its intent renewed. @throws AgentOsError `unknown_outcome`. */
  #makeSureToAct(effect: Effect<Recorded>, open: Open): void {
    if (!open.unknown) return;
    const emptyProbes = (open.record.emptyProbes ?? 0) + 1;
    const now = this.#now();
    const consistentReads = typeof this.#consistentReads === 'function' ? this.#consistentReads() : this.#consistentReads;
    const next = decideAfterEmptyProbe({ unknown: true, consistentReads, emptyProbes, intendedAt: open.record.intendedAt, now });
    if (next.kind === 'wait') {
      this.#release({ ...open.record, emptyProbes, lastProbeAt: now });
      throw new AgentOsError(
        'unknown_outcome',
        `nobody knows yet whether ${describe(effect)} happened: looked ${emptyProbes === 1 ? 'once' : `${emptyProbes} times`}`,
        {
          retryAt: new Date(next.retryAt),
        },
      );
    }
    open.record = this.#toIntent(effect, open.record.id);
    this.#write(open.record);
  }

  async #act<T extends Recorded>(effect: Effect<T>, { record }: Open): Promise<T> {
    let result: T;
    try {
      result = await effect.act();
    } catch (error) {
      if (!isDefinite(error instanceof AgentOsError ? error.code : undefined)) this.#release(record);
      else this.#write({ ...closed(record), state: 'failed', error: messageOf(error), recordedAt: this.#now() });
      throw error;
    }
    crashPoint(`effect:${effect.kind}:after-act`);
    return this.#finish(record, result);
  }

  #finish<T extends Recorded>(record: EffectRecord, result: T): T {
    this.#write({ ...closed(record), state: 'done', result, recordedAt: this.#now() });
    crashPoint(`effect:${record.kind}:after-record`);
    return result;
  }

  #toIntent(effect: Identity & { payload?: Recorded }, id: string): EffectRecord {
    const { repo, subject, kind, key, payload } = effect;
    return {
      version: 1,
      id,
      repo,
      subject,
      kind,
      key,
      ...(payload !== undefined && { payload }),
      state: 'intent',
      intendedAt: this.#now(),
      owner: this.#owner,
    };
  }

  /** Leaves the intent open for whoever comes next. */
  #release({ owner: _, ...record }: EffectRecord): void {
    this.#write(record);
  }

  #write(record: EffectRecord): void {
    writeFileAtomic(this.#path(record.repo, record.id), renderRecord(record));
  }

  #isHeld(id: string, record: EffectRecord | undefined): boolean {
    return this.#running.has(id) || (record !== undefined && this.#isHeldElsewhere(record));
  }

  /** Our own name, while this call is the only one of ours at it, is what an earlier call could not take away. */
  #isHeldElsewhere({ state, owner }: EffectRecord): boolean {
    return state === 'intent' && owner !== undefined && renderOwner(owner) !== renderOwner(this.#owner) && isAlive(owner);
  }

  /** The record; an unreadable one goes to `quarantine`, and an intent of unknown outcome takes its place. */
  #readOrSetAside(effect: Identity & { payload?: Recorded }, id: string): EffectRecord | undefined {
    const path = this.#path(effect.repo, id);
    const text = readIfThere(path);
    const record = text === undefined ? undefined : parseRecord(text, id);
    if (text === undefined || record) return record;
    const lock = takeLock(`${this.#root}/.lock`);
    try {
      const now = readIfThere(path) ?? '';
      const mended = parseRecord(now, id);
      if (mended) return mended;
      ensureDirectory(`${this.#root}/quarantine`);
      createFileAtomic(this.#freeName(`${repoKey(effect.repo)}-${id}`), now);
      const { owner: _, ...unknown } = this.#toIntent(effect, id);
      this.#write(unknown);
      return unknown;
    } finally {
      lock.release();
    }
  }

  #freeName(name: string): string {
    for (let n = 0; ; n++) {
      const path = `${this.#root}/quarantine/${name}${n === 0 ? '' : `.${n}`}.json`;
      if (!existsSync(path)) return path;
    }
  }

  #prepare(repo: string): void {
    const dir = `${this.#root}/${repoKey(repo)}`;
    if (existsSync(dir)) return;
    ensureDirectory(dir);
    syncDirectory(this.#root);
  }

  #path(repo: string, id: string): string {
    return `${this.#root}/${repoKey(repo)}/${id}.json`;
  }

  #now(): string {
    return this.#clock.now().toISOString();
  }
}

function idOf(effect: Identity): string {
  return createHash('sha256').update(identityOf(effect)).digest('hex');
}

/** The record without what belongs to an open intent. */
function closed({ owner: _owner, emptyProbes: _probes, lastProbeAt: _at, ...record }: EffectRecord): EffectRecord {
  return record;
}

function listRecords(dir: string): string[] {
  try {
    return readdirSync(dir).filter((name) => /^[0-9a-f]{64}\.json$/.test(name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw toIoError(error, `list \`${dir}\``);
  }
}

function describe(effect: Identity): string {
  return `\`${effect.kind}\` on ${effect.repo} ${effect.subject}`;
}

function busy(effect: Identity): AgentOsError {
  return new AgentOsError('locked', `another process is at ${describe(effect)}`);
}

function unreadable(path: string): never {
  throw new AgentOsError('corrupt', `the record \`${path}\` cannot be read`, { hint: 'Run `agentos fsck`.' });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
