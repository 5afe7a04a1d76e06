/**
 * The mailbox on disk: one directory per tray, one file per task
 * (docs/mailbox.md; docs/reliability.md, "Mailbox"). Owns every
 * write below `mailbox/`. Guarantees: a file is whole or absent; publishing and
 * moving never overwrite; an id is in one tray at every instant. A claim, and
 * what the owner does with it onwards, is lock-free; everything else that
 * writes holds `locks/mailbox.lock` for a few milliseconds, without waiting for
 * anything inside. Never removes a task, and never reads one twice as different.
 */
import { createFileAtomic, ensureDirectory, moveFile, unlinkIfThere } from '../atomic-file.ts';
import type { Clock } from '../clock.ts';
import { crashPoint } from '../crash-point.ts';
import { AgentOsError, errnoOf, toIoError } from '../errors.ts';
import { isAlive, type Owner, renderOwner, thisProcess } from '../liveness.ts';
import { takeLock } from '../lock.ts';
import type { WaitingIndex } from './index-file.ts';
import { type Letter, type Mailbox, type Quarantined, TRAYS, type Tray, type Waiting } from './mailbox.ts';
import { quarantineFile, REASON_SUFFIX } from './quarantine.ts';
import { type Reading, readLetter } from './read-letter.ts';
import { placeStaged, withStaged } from './replace-file.ts';
import { type Copy, findSuspects, type Oddity, resolveCopies } from './sweep.ts';
import type { Task } from './task.ts';
import { claimName, exists, findMark, listNames, locate, parseName, pathOf, prepareTrays, type TrayFile } from './tray-files.ts';
import { listInbox } from './waiting.ts';

export interface MailboxOptions {
  /** `<state>/mailbox`; created when it is missing, its parent is not. */
  root: string;
  /** `<state>/locks`. */
  locks: string;
  clock: Clock;
  /** In whose name claims are made: by default this process. */
  owner?: Owner;
}

export function openMailbox(options: MailboxOptions): Mailbox {
  return new Maildir(options);
}

class Maildir implements Mailbox {
  readonly #root: string;
  readonly #locks: string;
  readonly #clock: Clock;
  readonly #owner: Owner;
  readonly #known: WaitingIndex = new Map();
  /** The content that a letter was read from or written to. */
  readonly #marks = new WeakMap<Letter, string>();
  #prepared = false;

  constructor({ root, locks, clock, owner }: MailboxOptions) {
    this.#root = root;
    this.#locks = locks;
    this.#clock = clock;
    this.#owner = owner ?? thisProcess();
  }

  async submit(task: Task, body: string): Promise<boolean> {
    const { renderMessage } = await import('./message.ts');
    const text = renderMessage(task, body);
    this.#prepare();
    if (locate(this.#root, task.id)) return false;
    return this.#locked(() => {
      if (locate(this.#root, task.id)) return false;
      crashPoint('mailbox:before-publish');
      return createFileAtomic(`${this.#root}/inbox/${task.id}.md`, text, { tmpDir: `${this.#root}/tmp` });
    });
  }

  async find(id: string): Promise<Letter | undefined> {
    this.#prepare();
    // A letter that goes back to `inbox` during the look is missed once, not twice.
    for (let look = 0; look < 2; look++) {
      const at = locate(this.#root, id);
      if (!at) continue;
      const reading = await readLetter(this.#root, at);
      if (reading.kind === 'held') throw reading.error;
      if (reading.kind === 'letter') return this.#keep(reading);
      if (reading.kind === 'bad') this.#quarantine([{ ...at, ...reading }]);
    }
    return undefined;
  }

  async list(tray: Tray): Promise<Letter[]> {
    this.#prepare();
    const letters: Letter[] = [];
    const bad: Oddity[] = [];
    for (const file of listNames(this.#root, tray).sort()) {
      const reading = await this.#read(tray, file);
      if (reading.kind === 'letter') letters.push(this.#keep(reading));
      if (reading.kind === 'bad') bad.push({ tray, file, reason: reading.reason, mark: reading.mark });
    }
    this.#quarantine(bad);
    return letters;
  }

  async listWaiting(): Promise<Waiting[]> {
    this.#prepare();
    const { waiting, unreadable } = await listInbox(this.#root, this.#known);
    this.#quarantine(unreadable.map((file) => ({ tray: 'inbox', ...file })));
    return waiting;
  }

  async counts(): Promise<Record<Tray | 'quarantine', number>> {
    this.#prepare();
    const counts = { quarantine: 0 } as Record<Tray | 'quarantine', number>;
    for (const tray of TRAYS) counts[tray] = listNames(this.#root, tray).length;
    counts.quarantine = listNames(this.#root, 'quarantine').filter((name) => !name.endsWith(REASON_SUFFIX)).length;
    return counts;
  }

  async claim(id: string): Promise<Letter | undefined> {
    this.#prepare();
    // A second copy further on: what happened there counts, and the sweep clears this one away.
    if (locate(this.#root, id)?.tray !== 'inbox' || locate(this.#root, id, 'processing')) return undefined;
    const at: TrayFile = { tray: 'processing', file: claimName(id, this.#owner), id, owner: this.#owner };
    if (!relocate(`${this.#root}/inbox/${id}.md`, pathOf(this.#root, at))) return undefined;
    crashPoint('mailbox:claimed');
    const reading = await readLetter(this.#root, at);
    if (reading.kind === 'letter') return this.#keep(reading);
    if (reading.kind === 'bad') this.#quarantine([{ ...at, ...reading }]);
    if (reading.kind === 'held') this.#locked(() => this.#putBack(at));
    return undefined;
  }

  async takeOver(letter: Letter): Promise<Letter | undefined> {
    this.#prepare();
    const at = this.#where(letter);
    if (at?.tray !== 'processing' || (at.owner && isAlive(at.owner))) return undefined;
    const mine: TrayFile = { tray: 'processing', file: claimName(at.id, this.#owner), id: at.id, owner: this.#owner };
    if (exists(pathOf(this.#root, mine)) || !relocate(pathOf(this.#root, at), pathOf(this.#root, mine))) return undefined;
    const reading = await readLetter(this.#root, mine);
    return reading.kind === 'letter' ? this.#keep(reading) : undefined;
  }

  async update(letter: Letter, task: Task, body = letter.body): Promise<Letter> {
    const text = await this.#render(letter, task, body);
    return withStaged(text, `${this.#root}/tmp`, (staged) => {
      const write = (): Letter => {
        const at = this.#possess(letter);
        placeStaged(staged, pathOf(this.#root, at));
        if (letter.tray === 'inbox') this.#putBack(at);
        return this.#written({ ...letter, task, body });
      };
      return this.#owns(letter) ? write() : this.#locked(write);
    });
  }

  async move(letter: Letter, to: Tray, moved: Task): Promise<Letter> {
    if (to === letter.tray) return this.update(letter, moved);
    if (to === 'processing') throw new Error('a letter gets into `processing` by a claim only');
    if (letter.tray === 'done') throw new AgentOsError('refused', `task \`${letter.task.id}\` is done and stays so`);
    const task = (await import('./task.ts')).laidTo(moved, to); // not statically: an idle pass loads no schema
    const text = await this.#render(letter, task);
    return withStaged(text, `${this.#root}/tmp`, (staged) => {
      const settle = (): Letter => {
        const target: TrayFile = { tray: to, file: `${task.id}.md`, id: task.id };
        if (exists(pathOf(this.#root, target))) throw conflict(letter, `it is in \`${to}\` already`);
        const at = this.#possess(letter);
        placeStaged(staged, pathOf(this.#root, at));
        crashPoint('mailbox:content-written');
        if (!relocate(pathOf(this.#root, at), pathOf(this.#root, target))) throw conflict(letter, 'it has left');
        return this.#written({ task, body: letter.body, tray: to });
      };
      return this.#owns(letter) && to !== 'inbox' ? settle() : this.#locked(settle);
    });
  }

  async sweep(now: Date): Promise<Quarantined[]> {
    this.#prepare();
    const { stale, odd, duplicates } = findSuspects(this.#root, now);
    for (const path of stale) unlinkIfThere(path);
    const swept = this.#quarantine(odd);
    for (const files of duplicates) swept.push(...(await this.#resolve(files)));
    return swept;
  }

  /** Quarantines all but one of the files of an id, if they are still what they were. */
  async #resolve(files: readonly TrayFile[]): Promise<Quarantined[]> {
    const copies: Copy[] = [];
    for (const at of files) {
      const reading = await readLetter(this.#root, at);
      if (reading.kind !== 'gone') copies.push({ at, reading });
    }
    if (copies.length < 2) return [];
    const { stays, leave } = resolveCopies(copies);
    return this.#locked(() => {
      // The later state is looked at first: nothing moves back under the lock, so one task on its way is never seen twice.
      if (stays && !exists(pathOf(this.#root, stays.at))) return [];
      return leave.flatMap(({ copy, reason }) => this.#park({ ...copy.at, mark: copy.reading.mark, reason }));
    });
  }

  #prepare(): void {
    if (!this.#prepared) prepareTrays(this.#root);
    this.#prepared = true;
  }

  /** Runs a short section that excludes every other writer but owners of claims. It must not wait for anything. */
  #locked<T>(section: () => T): T {
    ensureDirectory(this.#locks);
    const lock = takeLock(`${this.#locks}/mailbox.lock`);
    try {
      return section();
    } finally {
      lock.release();
    }
  }

  #read(tray: Tray, file: string): Promise<Reading> | Reading {
    const at = parseName(tray, file);
    if (at) return readLetter(this.#root, at);
    const mark = findMark(`${this.#root}/${tray}/${file}`);
    return mark === undefined ? { kind: 'gone' } : { kind: 'bad', reason: 'its name is not that of a task file', mark };
  }

  #keep({ letter, mark }: Reading & { kind: 'letter' }): Letter {
    this.#marks.set(letter, mark);
    return letter;
  }

  #written(letter: Letter): Letter {
    const at = this.#where(letter);
    const mark = at && findMark(pathOf(this.#root, at));
    if (mark !== undefined) this.#marks.set(letter, mark);
    return letter;
  }

  async #render(letter: Letter, task: Task, body = letter.body): Promise<string> {
    if (task.id !== letter.task.id) throw new Error(`the letter of ${letter.task.id} cannot become that of ${task.id}`);
    const { renderMessage } = await import('./message.ts');
    this.#prepare();
    return renderMessage(task, body);
  }

  #owns(letter: Letter): boolean {
    return letter.tray === 'processing' && letter.owner !== undefined && renderOwner(letter.owner) === renderOwner(this.#owner);
  }

  /** Where the letter should lie; a claim without a readable owner is looked for by its id. */
  #where(letter: Letter): TrayFile | undefined {
    const { tray, owner, task } = letter;
    if (tray !== 'processing') return { tray, file: `${task.id}.md`, id: task.id };
    if (owner) return { tray, file: claimName(task.id, owner), id: task.id, owner };
    const found = locate(this.#root, task.id, 'processing');
    return found?.tray === 'processing' && !found.owner ? found : undefined;
  }

  /**
   * Makes sure that nobody else writes the letter's file from now on, and says where it is: one in `inbox` is
   * claimed, for workers claim without a lock.
   * @throws AgentOsError `conflict`.
   */
  #possess(letter: Letter): TrayFile {
    const at = this.#where(letter);
    const mark = at && findMark(pathOf(this.#root, at));
    if (!at || mark === undefined) throw conflict(letter, `it is not in \`${letter.tray}\` any more`);
    const read = this.#marks.get(letter);
    // The owner of a claim goes on whatever a person wrote into the file meanwhile: its result must not be lost.
    if (!this.#owns(letter) && read !== undefined && read !== mark) throw conflict(letter, 'it was changed since it was read');
    if (at.tray !== 'inbox') return at;
    const claimed: TrayFile = { tray: 'processing', file: claimName(at.id, this.#owner), id: at.id, owner: this.#owner };
    if (exists(pathOf(this.#root, claimed)) || !relocate(pathOf(this.#root, at), pathOf(this.#root, claimed))) {
      throw conflict(letter, 'it was claimed');
    }
    return claimed;
  }

  /** Returns a claim of ours to `inbox`. Under the lock. */
  #putBack(at: TrayFile): void {
    const to = `${this.#root}/inbox/${at.id}.md`;
    if (!exists(to)) relocate(pathOf(this.#root, at), to);
  }

  #quarantine(files: readonly Oddity[]): Quarantined[] {
    if (files.length === 0) return [];
    return this.#locked(() => files.flatMap((file) => this.#park(file)));
  }

  /** Quarantines a file that is still what it was judged to be. Under the lock. */
  #park({ tray, file, reason, mark }: Oddity): Quarantined[] {
    if (findMark(`${this.#root}/${tray}/${file}`) !== mark) return [];
    const parked = quarantineFile(this.#root, { tray, file }, reason, this.#clock.now());
    return parked ? [parked] : [];
  }
}

/** Moves a file, both directories synced; false when it is gone. The target is known to be free. */
function relocate(from: string, to: string): boolean {
  try {
    moveFile(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw toIoError(error, `move \`${from}\` to \`${to}\``);
  }
}

function conflict(letter: Letter, why: string): AgentOsError {
  return new AgentOsError('conflict', `task \`${letter.task.id}\` cannot be written: ${why}`);
}
