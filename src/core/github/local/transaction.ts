/**
 * One write on a repository of the local forge: under the repository's lock,
 * with numbers, ids and instants that never repeat and always rise. Counters
 * reach the disk before the file that uses them, so a crash wastes some and
 * repeats none.
 */
import { createFileAtomic, writeFileAtomic } from '../../atomic-file.ts';
import type { Clock } from '../../clock.ts';
import { AgentOsError } from '../../errors.ts';
import { renderFrontMatter } from '../../front-matter.ts';
import { takeLock } from '../../lock.ts';
import type { Actor, IssueEvent, Permission } from '../github.ts';
import {
  findUser,
  listNumbers,
  type RepositoryFiles,
  type RepositorySettings,
  readIssue,
  readPull,
  readSettings,
  readUsers,
  repositoryFiles,
  type User,
} from './files.ts';
import { type IssueRecord, type PullRecord, renderRecord } from './records.ts';

/** What an adapter was opened with. */
export interface LocalContext {
  root: string;
  clock: Clock;
  /** The login that writes are made as. */
  as: string;
}

type Unstamped<T> = T extends IssueEvent ? Omit<T, 'id' | 'at' | 'actor'> : never;
export type NewEvent = Unstamped<IssueEvent>;

const RANK: Record<Permission, number> = { none: 0, read: 1, triage: 2, write: 3, admin: 4 };
const LOCK_WAIT_MS = 60_000;

export class Transaction {
  readonly files: RepositoryFiles;
  readonly user: User;
  readonly settings: RepositorySettings;
  readonly #clock: Clock;
  #counted = false;

  constructor(files: RepositoryFiles, user: User, settings: RepositorySettings, clock: Clock) {
    this.files = files;
    this.user = user;
    this.settings = settings;
    this.#clock = clock;
  }

  get actor(): Actor {
    return { id: this.user.id, login: this.user.login };
  }

  /** @throws `refused` when the user may not do what needs this permission. */
  require(needed: Exclude<Permission, 'none'>, doing: string): void {
    if (this.may(needed)) return;
    throw new AgentOsError(
      'refused',
      `\`${this.user.login}\` may not ${doing} in ${this.files.repo}: that needs \`${needed}\` permission`,
      {
        hint: `Act as somebody else (\`--as\`), or run \`agentos local user add ${this.user.login} --permission ${needed}\`.`,
      },
    );
  }

  may(needed: Exclude<Permission, 'none'>): boolean {
    return RANK[this.user.permission] >= RANK[needed];
  }

  /** Now by the clock, and later than everything that happened here before. */
  stamp(): string {
    const last = Date.parse(this.settings.lastAt);
    const at = new Date(Math.max(this.#clock.now().getTime(), last + 1)).toISOString();
    this.settings.lastAt = at;
    this.#counted = true;
    return at;
  }

  newId(): number {
    this.#counted = true;
    return this.settings.nextId++;
  }

  /** The next number of the sequence that issues and pull requests share. */
  newNumber(): number {
    const used = [...listNumbers(`${this.files.dir}/issues`), ...listNumbers(`${this.files.dir}/pulls`)];
    const number = Math.max(this.settings.nextNumber, ...used.map((other) => other + 1));
    this.settings.nextNumber = number + 1;
    this.#counted = true;
    return number;
  }

  /** Adds an event of this user to the timeline. @param at for what happens at one instant with something before it. */
  record(thread: IssueRecord | PullRecord, event: NewEvent, at = this.stamp()): { id: string; at: string } {
    const id = String(this.newId());
    thread.events.push({ id, at, ...event, actor: this.actor } as IssueEvent);
    thread.updatedAt = at;
    return { id, at };
  }

  /** @throws `not_found`. */
  async issue(number: number): Promise<IssueRecord> {
    return (await readIssue(this.files, number)) ?? missing(this.files, 'issue', number);
  }

  /** @throws `not_found`. */
  async pull(number: number): Promise<PullRecord> {
    return (await readPull(this.files, number)) ?? missing(this.files, 'pull request', number);
  }

  /** @throws `not_found`. */
  async thread(number: number): Promise<IssueRecord | PullRecord> {
    return (
      (await readIssue(this.files, number)) ?? (await readPull(this.files, number)) ?? missing(this.files, 'issue or pull request', number)
    );
  }

  /** Replaces the record's file. */
  save(record: IssueRecord | PullRecord): void {
    this.#saveCounters();
    writeFileAtomic(this.#path(record), renderRecord(record));
  }

  /** Creates the record's file. */
  create(record: IssueRecord | PullRecord): void {
    this.#saveCounters();
    if (createFileAtomic(this.#path(record), renderRecord(record))) return;
    throw new AgentOsError('conflict', `\`${this.#path(record)}\` is there already`);
  }

  #path(record: IssueRecord | PullRecord): string {
    return `${this.files.dir}/${record.kind}s/${record.number}.md`;
  }

  #saveCounters(): void {
    if (!this.#counted) return;
    writeFileAtomic(this.files.settings, renderSettings(this.settings));
    this.#counted = false;
  }
}

/** The file `repository.md`. */
export function renderSettings(settings: RepositorySettings): string {
  const note = 'Settings and counters of this repository on the local forge. The first two may be edited; the counters only ever rise.';
  return renderFrontMatter(
    {
      merge_methods: settings.mergeMethods,
      archived: settings.archived,
      next_number: settings.nextNumber,
      next_id: settings.nextId,
      last_at: settings.lastAt,
    },
    note,
  );
}

function missing(files: RepositoryFiles, what: string, number: number): never {
  throw new AgentOsError('not_found', `${files.repo} has no ${what} #${number}`);
}

/** Does `work` under the repository's lock, as the context's user. */
export async function transact<T>(context: LocalContext, repo: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const files = repositoryFiles(context.root, repo);
  // Without a repository there is no place for a lock either.
  await readSettings(files);
  return withLock(files.lock, async () => {
    const user = findUser((await readUsers(context.root)).users, context.as);
    const settings = await readSettings(files);
    if (settings.archived)
      throw new AgentOsError('refused', `${repo} is archived`, { hint: `Set \`archived: false\` in \`${files.settings}\`.` });
    return work(new Transaction(files, user, settings, context.clock));
  });
}

/** The last one in line for each lock of this process: waiting for the kernel's lock would block the one that holds it. */
const queues = new Map<string, Promise<unknown>>();

/** One at a time among processes and within this one. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(path) ?? Promise.resolve();
  const mine = before.then(
    () => locked(path, work),
    () => locked(path, work),
  );
  queues.set(path, mine);
  try {
    return await mine;
  } finally {
    if (queues.get(path) === mine) queues.delete(path);
  }
}

async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = takeLock(path, LOCK_WAIT_MS);
  try {
    return await work();
  } finally {
    lock.release();
  }
}
