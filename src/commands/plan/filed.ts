/**
 * What was filed for each requirement, and what a list asks for now. Three
 * sources tell: the effects journal, the issues that carry our marker, and the
 * stored state, which may be lost without harm. Pure.
 */
import type { EffectRecord } from '../../core/effects/effects.ts';
import type { Issue } from '../../core/github/github.ts';
import { OWN_PREFIX } from '../../core/github/labels.ts';
import { hasLabel } from '../../core/github/readiness.ts';
import { parseRequirementBody } from './marker.ts';
import type { Requirement } from './requirements.ts';

/** As kept in `requirements.json`. */
export interface StoredRequirement {
  key: string;
  title: string;
  /** SHA-256 of the text that was filed or commented last. */
  hash: string;
  issue: number;
  /** Counts the issues filed for it. */
  generation: number;
}

export interface ListedRequirement extends Requirement {
  hash: string;
}

export interface FiledFacts {
  /** Every issue of the repository, closed ones too. */
  issues: ReadonlyMap<number, Issue>;
  /** Numbers of the issues that our identity wrote. */
  own: ReadonlySet<number>;
  /** SHA-256 of the text of every marked issue of ours. */
  hashes: ReadonlyMap<number, string>;
  /** Journal records of kinds `file-issue` and `comment-requirement`. */
  filed: readonly EffectRecord[];
  comments: readonly EffectRecord[];
  stored: readonly StoredRequirement[];
  /** Issues that have a task in any tray. */
  tasked: ReadonlySet<number>;
  readyLabel: string;
}

/** What is known of one requirement. */
export interface Filed {
  generation: number;
  /** Absent while a filing was tried and nothing of it is to be seen. */
  issue?: number;
  /** The journal knows that we filed this very issue. */
  recorded: boolean;
  /** Of the text that was filed, and of the text that stands now, as far as known. */
  filedHash?: string;
  hash?: string;
  /** The latest comment: the text it told, and the description it was written under. */
  said?: { hash: string; body: string };
  title?: string;
  /** Issues of earlier generations. */
  earlier: number[];
}

export type RequirementStep =
  | {
      step: 'file';
      requirement: ListedRequirement;
      generation: number;
      earlier: number[];
      /** An issue of ours is there that the journal does not hold. */
      adopts?: number;
      /** It was tried before, so that the forge must be asked; else what was gathered says that there is none. */
      tried: boolean;
      reason: string;
    }
  | { step: 'comment'; requirement: ListedRequirement; issue: number /** Of the description now. */; bodyHash: string; reason: string }
  | { step: 'none'; key: string; title: string; issue?: number; reason: string };

export const fileKey = (key: string, generation: number): string => `requirement:${key}:${generation}`;

/** Numbers of issues that we filed, with the key of the effect. */
export function filedIssues(records: readonly EffectRecord[]): Map<number, string> {
  const found = new Map<number, string>();
  for (const record of records) {
    const number = fieldOf(record.result, 'number');
    if (record.state === 'done' && typeof number === 'number') found.set(number, record.key);
  }
  return found;
}

/** Everything ever filed for requirements of this repository, by key. */
export function traceRequirements(facts: FiledFacts): Map<string, Filed> {
  const records = new Map<string, Map<number, EffectRecord>>();
  for (const record of facts.filed) {
    const [, key, generation] = /^requirement:(.+):(\d+)$/.exec(record.key) ?? [];
    if (key === undefined || record.state === 'failed') continue;
    records.set(key, (records.get(key) ?? new Map<number, EffectRecord>()).set(Number(generation), record));
  }
  const known = filedIssues(facts.filed);
  const loose = new Map<string, number[]>();
  for (const number of [...facts.own].sort((a, b) => a - b)) {
    const key = parseRequirementBody(facts.issues.get(number)?.body ?? '')?.key;
    if (key !== undefined && !known.has(number)) loose.set(key, [...(loose.get(key) ?? []), number]);
  }
  const traced = new Map<string, Filed>();
  for (const key of new Set([...records.keys(), ...loose.keys()])) {
    traced.set(key, traceOne(facts, records.get(key) ?? new Map(), loose.get(key) ?? [], key));
  }
  return traced;
}

function traceOne(facts: FiledFacts, records: ReadonlyMap<number, EffectRecord>, loose: readonly number[], key: string): Filed {
  const numbers = [...records.values()].flatMap((record) => [fieldOf(record.result, 'number')].filter((n) => typeof n === 'number'));
  const latest = Math.max(0, ...records.keys());
  const record = records.get(latest);
  const newest = loose.at(-1);
  const pending = record?.state === 'intent';
  const done = fieldOf(record?.result, 'number');
  if (record && !pending && typeof done === 'number' && (newest === undefined || newest < done)) {
    const earlier = [...numbers, ...loose].filter((number) => number !== done);
    return withHash(facts, { generation: latest, issue: done, recorded: true, earlier }, record, key);
  }
  // The journal does not know the newest one: its outcome is open, or the journal was lost.
  const generation = pending ? latest : Math.max(latest + 1, loose.length);
  const earlier = [...numbers, ...loose.slice(0, -1)];
  return withHash(
    facts,
    { generation, recorded: false, earlier, ...(newest !== undefined && { issue: newest }) },
    pending ? record : undefined,
    key,
  );
}

function withHash(facts: FiledFacts, filed: Filed, record: EffectRecord | undefined, key: string): Filed {
  const stored = facts.stored.find((entry) => entry.key === key && entry.issue === filed.issue);
  const said = findSaid(facts.comments, filed.issue);
  const filedHash = fieldOf(record?.payload, 'hash') ?? (filed.issue === undefined ? undefined : facts.hashes.get(filed.issue));
  const hash = stored?.hash ?? said?.hash ?? filedHash;
  const title = stored?.title ?? facts.issues.get(filed.issue ?? 0)?.title;
  return {
    ...filed,
    ...(typeof filedHash === 'string' && { filedHash }),
    ...(typeof hash === 'string' && { hash }),
    ...(said && { said }),
    ...(title !== undefined && { title }),
  };
}

function findSaid(comments: readonly EffectRecord[], issue: number | undefined): Filed['said'] {
  const told = comments.filter((entry) => entry.subject === `#${issue}` && entry.state === 'done');
  const latest = told.sort((a, b) => (a.recordedAt ?? '').localeCompare(b.recordedAt ?? '')).at(-1);
  const [hash, body] = [fieldOf(latest?.payload, 'hash'), fieldOf(latest?.payload, 'body')];
  return typeof hash === 'string' && typeof body === 'string' ? { hash, body } : undefined;
}

/** Issues whose description is older than their requirement: nobody has edited it since the change was told. */
export function listOutdated(facts: FiledFacts, traced: ReadonlyMap<string, Filed>, listed: readonly ListedRequirement[]): Set<number> {
  const outdated = new Set<number>();
  for (const [key, filed] of traced) {
    if (filed.issue === undefined) continue;
    const now = facts.hashes.get(filed.issue) ?? '';
    const asked = listed.find((requirement) => requirement.key === key && !requirement.done);
    // Without a list: a killed pass may have told what it did not store.
    const wanted = asked ? [asked.hash] : [filed.hash, filed.said?.hash].filter((hash) => hash !== undefined);
    if (wanted.some((hash) => isOlder(now, hash, filed))) outdated.add(filed.issue);
  }
  return outdated;
}

function isOlder(now: string, wanted: string, { said, filedHash }: Filed): boolean {
  if (now === wanted) return false;
  return said ? said.hash !== wanted || said.body === now : filedHash !== wanted;
}

/** What to do for each listed requirement, in the order of the list, then those that left it. */
export function decideRequirements(
  listed: readonly ListedRequirement[],
  facts: FiledFacts,
  traced: ReadonlyMap<string, Filed>,
): RequirementStep[] {
  const steps = listed.flatMap((requirement) => decideOne(requirement, facts, traced.get(requirement.key)));
  const keys = new Set(listed.map((requirement) => requirement.key));
  for (const [key, { issue, title }] of traced) {
    if (keys.has(key) || issue === undefined || facts.issues.get(issue)?.state !== 'open') continue;
    steps.push({ step: 'none', key, title: title ?? key, issue, reason: `not in the list any more; #${issue} is left as it is` });
  }
  return steps;
}

function decideOne(requirement: ListedRequirement, facts: FiledFacts, filed: Filed | undefined): RequirementStep[] {
  const { key, title, hash } = requirement;
  const none = (reason: string): RequirementStep => ({
    step: 'none',
    key,
    title,
    reason,
    ...(filed?.issue !== undefined && { issue: filed.issue }),
  });
  if (requirement.done) return [none('ticked off in the list')];
  if (!filed) return [{ step: 'file', requirement, generation: 1, earlier: [], tried: false, reason: 'a new requirement' }];
  const { generation, earlier, issue: number } = filed;
  if (number === undefined)
    return [{ step: 'file', requirement, generation, earlier, tried: true, reason: 'filed before, outcome unknown' }];
  const adopt: RequirementStep[] = filed.recorded
    ? []
    : [{ step: 'file', requirement, generation, earlier, adopts: number, tried: true, reason: `#${number} was filed for it before` }];
  if (filed.hash === hash) return adopt.length > 0 ? adopt : [none(`unchanged since #${number}`)];
  if (facts.hashes.get(number) === hash && !filed.said) return [...adopt, none(`#${number} says it already`)];
  const issue = facts.issues.get(number);
  const settled = whySettled(issue, facts);
  if (settled !== undefined || !issue) {
    const next = { generation: generation + 1, earlier: [...earlier, number], tried: false };
    return [...adopt, { step: 'file', requirement, ...next, reason: `changed, and #${number} is ${settled}` }];
  }
  const said = facts.comments.some(
    (entry) => entry.state === 'done' && entry.subject === `#${number}` && entry.key === commentKey(key, hash),
  );
  return [
    ...adopt,
    said
      ? none(`#${number} was told of this text before`)
      : { step: 'comment', requirement, issue: number, bodyHash: facts.hashes.get(number) ?? '', reason: 'its text has changed' },
  ];
}

export const commentKey = (key: string, hash: string): string => `${key}:${hash}`;

/** Why a comment would come too late; `undefined` when it does not. */
function whySettled(issue: Issue | undefined, facts: FiledFacts): string | undefined {
  if (!issue) return 'gone';
  if (issue.state === 'closed') return 'closed';
  const started =
    facts.tasked.has(issue.number) ||
    hasLabel(issue.labels, facts.readyLabel) ||
    issue.labels.some((label) => label.startsWith(OWN_PREFIX));
  return started ? 'started' : undefined;
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined;
}
