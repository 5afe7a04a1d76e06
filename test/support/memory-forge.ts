/**
 * A forge and an effects journal in memory, for loops that read a backlog and
 * write issues, labels and comments. They keep the rules of their ports as far
 * as these loops meet them; no request is retried, and every write is counted.
 */
import type { Effect, EffectRecord, Effects, Recorded } from '../../src/core/effects/effects.ts';
import { AgentOsError } from '../../src/core/errors.ts';
import type { Actor, Comment, GitHub, Issue, IssueEvent, IssueFilter } from '../../src/core/github/github.ts';

type Used =
  | 'getIdentity'
  | 'listIssues'
  | 'getIssue'
  | 'listIssueEvents'
  | 'listComments'
  | 'createIssue'
  | 'addLabel'
  | 'removeLabel'
  | 'createComment'
  | 'updateComment';

export const OWN: Actor & { shared: boolean } = { id: 1, login: 'agentos', shared: false };
export const ALICE: Actor = { id: 2, login: 'alice' };

interface Entry {
  issue: Issue;
  events: IssueEvent[];
  comments: Comment[];
}

export class MemoryForge implements Pick<GitHub, Used> {
  /** Every write, in order. */
  readonly writes: string[] = [];
  /** Repositories whose reads fail. */
  readonly broken = new Set<string>();
  readonly #repos = new Map<string, Entry[]>();
  readonly #now: () => Date;
  readonly #own: typeof OWN;
  #lastId = 1000;

  constructor(now: () => Date, own = OWN) {
    this.#now = now;
    this.#own = own;
  }

  /** Adds an issue as a person would. */
  seed(repo: string, fields: Partial<Issue> & { number: number }, extra: Partial<Pick<Entry, 'events' | 'comments'>> = {}): Issue {
    const createdAt = fields.createdAt ?? this.#at();
    const bare = { body: '', state: 'open' as const, labels: [], author: ALICE, assignees: [], pinned: false };
    const issue: Issue = { title: `Issue ${fields.number}`, ...bare, createdAt, updatedAt: createdAt, ...fields };
    this.#entries(repo).push({ issue, events: extra.events ?? [], comments: extra.comments ?? [] });
    return issue;
  }

  entry(repo: string, number: number): Entry {
    const found = this.#entries(repo).find(({ issue }) => issue.number === number);
    if (!found) throw new AgentOsError('not_found', `${repo}#${number} does not exist`);
    return found;
  }

  async getIdentity() {
    return this.#own;
  }

  async listIssues(repo: string, filter: IssueFilter) {
    const issues = this.#entries(repo).map(({ issue }) => issue);
    return structuredClone(issues.filter((issue) => filter.state === 'all' || issue.state === filter.state));
  }

  async getIssue(repo: string, number: number) {
    return structuredClone(this.entry(repo, number).issue);
  }

  async listIssueEvents(repo: string, number: number) {
    return structuredClone(this.entry(repo, number).events);
  }

  async listComments(repo: string, number: number) {
    return structuredClone(this.entry(repo, number).comments);
  }

  async createIssue(repo: string, issue: { title: string; body: string; labels: string[] }) {
    const number = Math.max(0, ...this.#entries(repo).map((known) => known.issue.number)) + 1;
    this.seed(repo, { ...issue, number, author: this.#own });
    this.writes.push(`create ${repo}#${number}`);
    return { number };
  }

  async addLabel(repo: string, number: number, label: string) {
    const { issue, events } = this.entry(repo, number);
    if (issue.labels.includes(label)) return undefined;
    issue.labels.push(label);
    this.writes.push(`add ${label} ${repo}#${number}`);
    const event = { id: String(++this.#lastId), at: this.#at(), actor: this.#own, kind: 'labeled' as const, label };
    events.push(event);
    return { eventId: event.id };
  }

  async removeLabel(repo: string, number: number, label: string) {
    const { issue, events } = this.entry(repo, number);
    if (!issue.labels.includes(label)) return;
    issue.labels = issue.labels.filter((name) => name !== label);
    events.push({ id: String(++this.#lastId), at: this.#at(), actor: this.#own, kind: 'unlabeled', label });
    this.writes.push(`remove ${label} ${repo}#${number}`);
  }

  async createComment(repo: string, number: number, body: string) {
    const id = ++this.#lastId;
    this.entry(repo, number).comments.push({ id, author: this.#own, body, createdAt: this.#at(), updatedAt: this.#at() });
    this.writes.push(`comment ${repo}#${number}`);
    return { id };
  }

  async updateComment(repo: string, number: number, comment: number, body: string) {
    const found = this.entry(repo, number).comments.find(({ id }) => id === comment);
    if (!found) throw new AgentOsError('not_found', `comment ${comment} does not exist`);
    found.body = body;
    found.updatedAt = this.#at();
    this.writes.push(`edit comment ${repo}#${number}`);
  }

  #at(): string {
    return this.#now().toISOString();
  }

  #entries(repo: string): Entry[] {
    if (this.broken.has(repo)) throw new AgentOsError('unavailable', `${repo} does not answer`);
    const list = this.#repos.get(repo) ?? [];
    this.#repos.set(repo, list);
    return list;
  }
}

/** The journal's rules without a disk: intent, probe, act, record. */
export function openMemoryEffects(now: () => Date): Effects {
  const records = new Map<string, EffectRecord>();
  const keyOf = (effect: Pick<Effect<Recorded>, 'repo' | 'subject' | 'kind' | 'key'>) =>
    [effect.repo, effect.subject, effect.kind, effect.key].join('\n');
  return {
    ensure: async <T extends Recorded>(effect: Effect<T>): Promise<T> => {
      const known = records.get(keyOf(effect));
      if (known?.state === 'done' && effect.nature === 'once') return known.result as T;
      const { repo, subject, kind, key, payload } = effect;
      const record: EffectRecord = {
        version: 1,
        id: keyOf(effect),
        repo,
        subject,
        kind,
        key,
        ...(payload !== undefined && { payload }),
        state: 'intent',
        intendedAt: now().toISOString(),
      };
      records.set(record.id, record);
      const result = (await effect.probe()) ?? (await effect.act());
      records.set(record.id, { ...record, state: 'done', recordedAt: now().toISOString(), result });
      return result;
    },
    find: async (effect) => records.get(keyOf(effect)),
    list: async (repo, kind) =>
      [...records.values()].filter((record) => record.repo === repo && (kind === undefined || record.kind === kind)),
  };
}
