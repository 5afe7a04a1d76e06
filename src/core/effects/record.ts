/** The record of an effect as text. Checked by hand: the journal is asked on every pass, and a schema would cost more than the file. Pure. */
import type { Owner } from '../liveness.ts';
import type { EffectRecord } from './effects.ts';

const STATES: readonly unknown[] = ['intent', 'done', 'failed'];

/** What identifies an effect, as one text: its hash is the record's id. */
export function identityOf(effect: Pick<EffectRecord, 'repo' | 'subject' | 'kind' | 'key'>): string {
  return JSON.stringify([effect.repo, effect.subject, effect.kind, effect.key]);
}

export function renderRecord(record: EffectRecord): string {
  return `${JSON.stringify(record, undefined, 1)}\n`;
}

/** The record in a file whose name says `id`; `undefined` when it is not a whole one. */
export function parseRecord(text: string, id: string): EffectRecord | undefined {
  const value = parseObject(text);
  if (value?.['version'] !== 1 || value['id'] !== id || !STATES.includes(value['state'])) return undefined;
  const texts = ['repo', 'subject', 'kind', 'key', 'intendedAt'].map((name) => value[name]);
  const optional = ['recordedAt', 'error', 'lastProbeAt'].map((name) => value[name]);
  const { emptyProbes, owner } = value;
  const valid =
    texts.every((field) => typeof field === 'string') &&
    optional.every((field) => field === undefined || typeof field === 'string') &&
    (emptyProbes === undefined || Number.isSafeInteger(emptyProbes)) &&
    (owner === undefined || isOwner(owner)) &&
    !Number.isNaN(Date.parse(String(value['intendedAt']))) &&
    (value['state'] !== 'done' || value['result'] !== undefined);
  return valid ? (value as unknown as EffectRecord) : undefined;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isOwner(value: unknown): value is Owner {
  const { boot, pid, start } = (value ?? {}) as Partial<Owner>;
  return typeof boot === 'string' && Number.isSafeInteger(pid) && Number.isSafeInteger(start);
}
