/**
 * Looks at everything that the invariants are judged on, and touches nothing:
 * no file is quarantined on the way, as a loop would do. The journal is read
 * before the forge, so that what happens meanwhile is not missed there.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { readIfThere } from '../../core/atomic-file.ts';
import type { EffectRecord } from '../../core/effects/effects.ts';
import { parseRecord } from '../../core/effects/record.ts';
import { AgentOsError, errnoOf, toIoError } from '../../core/errors.ts';
import type { FsckLetter, FsckRepo, FsckSnapshot } from '../../core/fsck/snapshot.ts';
import { repoKey } from '../../core/ids.ts';
import { isAlive } from '../../core/liveness.ts';
import { TRAYS, type Tray } from '../../core/mailbox/mailbox.ts';
import { readLetter } from '../../core/mailbox/read-letter.ts';
import { exists, listNames, parseName } from '../../core/mailbox/tray-files.ts';
import type { Ports } from '../../core/ports.ts';
import { MARK_VARIABLE } from '../../core/process-tree.ts';
import type { Breaker } from '../../core/routing/breaker.ts';
import { readBreaker } from '../../core/routing/breakers.ts';
import { tryRead } from '../../core/try-read.ts';

export async function gatherFsck(ports: Ports): Promise<FsckSnapshot> {
  const { letters, unreadable } = await readLetters(ports);
  const { effects, unreadableEffects } = readEffects(ports);
  const repos: FsckRepo[] = [];
  const unseen: FsckSnapshot['unseen'] = [];
  for (const { name } of ports.config.repos) {
    const seen = await tryRead(() => lookAtForge(ports, name, letters, effects));
    if (seen instanceof AgentOsError) unseen.push({ repo: name, reason: seen.message });
    else repos.push(seen);
  }
  const running = new Set(letters.filter((one) => one.alive).map(({ letter }) => letter.task.id));
  return {
    now: ports.clock.now().toISOString(),
    maxAttempts: ports.config.queue.max_attempts,
    letters,
    unreadable,
    quarantine: listTray(ports, 'quarantine').filter((name) => !name.endsWith('.reason.txt')),
    effects,
    unreadableEffects,
    repos,
    unseen,
    workspaces: listWorkspaces(ports, running),
    ...lookAtProcesses(ports, letters),
    books: (await ports.books()).inspect(),
    unreadableBreakers: lookAtBreakers(ports.paths.breakers).flatMap(({ path, breaker }) => (breaker ? [] : [path])),
  };
}

/** Every letter as it lies there, and the files that are none. */
export async function readLetters(ports: Ports): Promise<Pick<FsckSnapshot, 'letters' | 'unreadable'>> {
  const letters: FsckLetter[] = [];
  const unreadable: FsckSnapshot['unreadable'] = [];
  for (const tray of TRAYS) {
    for (const file of listTray(ports, tray)) {
      const name = parseName(tray, file);
      if (!name) {
        unreadable.push({ tray, file, reason: 'its name is not one of a task' });
        continue;
      }
      const reading = await readLetter(ports.paths.mailbox, name);
      if (reading.kind === 'bad') unreadable.push({ tray, file, reason: reading.reason });
      if (reading.kind !== 'letter') continue;
      const { letter } = reading;
      letters.push({ letter, ...(tray === 'processing' && { alive: letter.owner !== undefined && isAlive(letter.owner) }) });
    }
  }
  return { letters, unreadable };
}

/** None before the first loop has made the mailbox. */
function listTray({ paths }: Ports, tray: Tray | 'quarantine'): string[] {
  return exists(paths.mailbox) ? listNames(paths.mailbox, tray) : [];
}

function readEffects(ports: Ports): Pick<FsckSnapshot, 'effects' | 'unreadableEffects'> {
  const effects: EffectRecord[] = [];
  const unreadableEffects: string[] = [];
  for (const { name } of ports.config.repos) {
    const dir = `${ports.paths.effects}/${repoKey(name)}`;
    for (const file of list(dir)) {
      if (!/^[0-9a-f]{64}\.json$/.test(file)) continue;
      const text = readIfThere(`${dir}/${file}`);
      if (text === undefined) continue;
      const record = parseRecord(text, file.slice(0, -'.json'.length));
      if (record) effects.push(record);
      else unreadableEffects.push(`${dir}/${file}`);
    }
  }
  return { effects, unreadableEffects };
}

async function lookAtForge(
  ports: Ports,
  repo: string,
  letters: readonly FsckLetter[],
  effects: readonly EffectRecord[],
): Promise<FsckRepo> {
  const forge = await ports.forge();
  const own = await forge.getIdentity();
  const issues = new Set(letters.filter(({ letter }) => letter.task.repo === repo).map(({ letter }) => letter.task.issue));
  for (const effect of effects) {
    const number = /^#([0-9]+)$/.exec(effect.subject)?.[1];
    if (effect.repo === repo && effect.kind.endsWith('comment') && number !== undefined) issues.add(Number(number));
  }
  const comments: FsckRepo['comments'] & Map<number, unknown> = new Map();
  for (const issue of issues) {
    try {
      comments.set(issue, await forge.listComments(repo, issue));
    } catch (error) {
      // An issue that is gone has no comments; every other failure is no answer.
      if (!(error instanceof AgentOsError) || error.code !== 'not_found') throw error;
    }
  }
  return { repo, own, pulls: await forge.listPullRequests(repo, { state: 'all' }), comments };
}

/** Directories of attempts; what `pr-monitor` checks out to verify goes by other names and is removed by its next pass. */
function listWorkspaces(ports: Ports, running: ReadonlySet<string>): FsckSnapshot['workspaces'] {
  return list(ports.paths.workspaces).flatMap((task) =>
    list(`${ports.paths.workspaces}/${task}`).flatMap((name) =>
      /^[0-9]+$/.test(name) ? [{ task, attempt: Number(name), alive: running.has(task) }] : [],
    ),
  );
}

/** Processes of ended attempts of this state directory, and what else than a loop has one of our locks open. */
function lookAtProcesses(ports: Ports, letters: readonly FsckLetter[]): Pick<FsckSnapshot, 'strayLocks' | 'strayProcesses'> {
  const runs = new Set(
    letters
      .filter((one) => one.alive)
      .map(({ letter }) => `${letter.task.id}.${letter.task.attempts.findLast((one) => one.ended_at === undefined)?.n}`),
  );
  const strayLocks = new Set<string>();
  const strayProcesses: FsckSnapshot['strayProcesses'] = [];
  for (const pid of list('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    const mark = markOf(pid, ports.paths.workspaces);
    const attempt = mark && /^((.+)\.([0-9]+))(?:@.*)?$/.exec(mark);
    if (attempt && !runs.has(attempt[1] ?? ''))
      strayProcesses.push({ pid: Number(pid), task: attempt[2] ?? '', attempt: Number(attempt[3]) });
    if (mark !== undefined || !isNode(pid)) for (const lock of openLocks(pid, ports.paths.locks)) strayLocks.add(lock);
  }
  return { strayLocks: [...strayLocks].sort(), strayProcesses };
}

/** The mark of a run of this state directory: other installations on this machine have runs of the same name. */
function markOf(pid: string, workspaces: string): string | undefined {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    if (!variables.some((variable) => variable.startsWith(`HOME=${workspaces}/`))) return undefined;
    return variables.find((variable) => variable.startsWith(`${MARK_VARIABLE}=`))?.slice(MARK_VARIABLE.length + 1);
  } catch {
    return undefined; // gone, or of another user
  }
}

/** The loops run in Node, and `flock` takes the lock for them. */
function isNode(pid: string): boolean {
  const program = linkOf(`/proc/${pid}/exe`);
  return program === undefined || /^(node|flock)/.test(basename(program)) || program === process.execPath;
}

function openLocks(pid: string, locks: string): string[] {
  return list(`/proc/${pid}/fd`).flatMap((fd) => {
    const target = linkOf(`/proc/${pid}/fd/${fd}`);
    return target?.startsWith(`${locks}/`) ? [target.slice(locks.length + 1)] : [];
  });
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The breakers on disk; a file that is none has no `breaker`. */
export function lookAtBreakers(directory: string): { agent: string; path: string; breaker: Breaker | undefined }[] {
  return list(directory).flatMap((file) => {
    const agent = /^([A-Za-z0-9_-]+)\.json$/.exec(file)?.[1];
    const path = `${directory}/${file}`;
    const breaker = agent === undefined ? undefined : readBreaker(directory, agent);
    return agent === undefined || (!breaker && !exists(path)) ? [] : [{ agent, path, breaker }];
  });
}

/** Names in a directory; none where there is no directory, or a process has gone. */
function list(dir: string): string[] {
  try {
    return readdirSync(dir).sort();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR' || (dir.startsWith('/proc/') && errno !== undefined)) return [];
    throw toIoError(error, `list \`${dir}\``);
  }
}
