/** Finds the task a person means: by its id, or by `owner/name#N`, where N is the issue or the pull request. */
import { AgentOsError } from '../../core/errors.ts';
import { isTaskId, taskId } from '../../core/ids.ts';
import { type Letter, TRAYS, type Tray } from '../../core/mailbox/mailbox.ts';
import { listNames, parseName } from '../../core/mailbox/tray-files.ts';
import type { Ports } from '../../core/ports.ts';
import { nearest } from '../../core/text.ts';

export interface Reference {
  /** As configured, where it is. */
  repo: string;
  number: number;
}

/** The parts of `owner/name#N`. @throws AgentOsError `usage`. */
export function parseReference(ports: Pick<Ports, 'config'>, text: string): Reference {
  const match = /^([^/#\s]+\/[^/#\s]+)#([1-9][0-9]{0,9})$/.exec(text);
  if (!match) throw new AgentOsError('usage', `\`${text}\` is not \`owner/name#N\``, { hint: 'Write it like `acme/shop#12`.' });
  const written = match[1] ?? '';
  const known = ports.config.repos.map((repo) => repo.name);
  const repo = known.find((name) => name.toLowerCase() === written.toLowerCase());
  return { repo: repo ?? written, number: Number(match[2]) };
}

/** A task id and its tray, from names alone. */
export interface Placed {
  id: string;
  tray: Tray;
}

/** Every id of the mailbox with its tray; opens no file. Call after the mailbox was opened. */
export function listIds(ports: Pick<Ports, 'paths'>): Placed[] {
  return TRAYS.flatMap((tray) =>
    listNames(ports.paths.mailbox, tray).flatMap((file) => {
      const name = parseName(tray, file);
      return name ? [{ id: name.id, tray }] : [];
    }),
  );
}

/** What every task id of a repository starts with, and of one issue when it is given. */
export function idPrefix(repo: string, issue?: number): string {
  const id = taskId(repo, issue ?? 0, 0);
  return issue === undefined ? id.slice(0, -'0-0'.length) : id.slice(0, -'0'.length);
}

/** @throws AgentOsError `usage` for what is neither an id nor a reference, `not_found` when no tray holds it. */
export async function findTask(ports: Ports, text: string): Promise<Letter> {
  const mailbox = await ports.mailbox();
  if (!text.includes('/') && !text.includes('#')) {
    const letter = isTaskId(text) ? await mailbox.find(text) : undefined;
    if (letter) return letter;
    const close = nearest(
      text,
      listIds(ports).map((placed) => placed.id),
    );
    throw new AgentOsError('not_found', `there is no task \`${text}\``, {
      hint: close === undefined ? 'Run `agentos status` to see the tasks.' : `Did you mean \`${close}\`?`,
    });
  }
  const reference = parseReference(ports, text);
  const letter = (await findOfIssue(ports, reference)) ?? (await findByPullRequest(ports, reference));
  if (letter) return letter;
  throw new AgentOsError('not_found', `no task for \`${reference.repo}#${reference.number}\``, {
    hint: `Run \`agentos explain ${reference.repo}#${reference.number}\` to see why.`,
  });
}

/** The task of an issue that is not ended, else the newest one. */
export async function findOfIssue(ports: Ports, { repo, number }: Reference): Promise<Letter | undefined> {
  const mailbox = await ports.mailbox();
  const prefix = idPrefix(repo, number);
  const rank = ({ id, tray }: Placed) => (tray === 'done' || tray === 'failed' ? 0 : 1e9) + Number(id.slice(prefix.length));
  const ids = listIds(ports).filter(({ id }) => id.startsWith(prefix) && /^\d+$/.test(id.slice(prefix.length)));
  for (const { id } of ids.sort((a, b) => rank(b) - rank(a))) {
    const letter = await mailbox.find(id);
    if (letter) return letter;
  }
  return undefined;
}

/** The task whose pull request this is. */
export async function findByPullRequest(ports: Ports, { repo, number }: Reference): Promise<Letter | undefined> {
  const mailbox = await ports.mailbox();
  for (const tray of ['review', 'escalated', 'inbox', 'processing', 'done', 'failed'] as const) {
    const letters = await mailbox.list(tray);
    const found = letters.find(({ task }) => task.repo === repo && task.pull_request === number);
    if (found) return found;
  }
  return undefined;
}
