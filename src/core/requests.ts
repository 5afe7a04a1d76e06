/**
 * What somebody asks of a task that a running queue process owns: that process
 * looks every second, stops the agent and settles the task. A request outlives
 * the process: whoever reclaims the task sees it too.
 */
import { readdirSync } from 'node:fs';
import { ensureDirectory, readIfThere, unlinkIfThere, writeFileAtomic } from './atomic-file.ts';
import { errnoOf, toIoError } from './errors.ts';

export interface TaskRequest {
  kind: 'cancel' | 'supersede';
  /** For the task's note. */
  reason: string;
}

export function writeRequest(dir: string, task: string, request: TaskRequest): void {
  ensureDirectory(dir);
  writeFileAtomic(`${dir}/${task}.json`, `${JSON.stringify(request)}\n`);
}

/** The open request of a task. A file that is no request counts as a cancel: somebody wanted it stopped. */
export function readRequest(dir: string, task: string): TaskRequest | undefined {
  const text = readIfThere(`${dir}/${task}.json`);
  if (text === undefined) return undefined;
  try {
    const { kind, reason } = JSON.parse(text) as Partial<TaskRequest>;
    if ((kind === 'cancel' || kind === 'supersede') && typeof reason === 'string') return { kind, reason };
  } catch {
    // falls through to the safe reading
  }
  return { kind: 'cancel', reason: 'a request file of this task could not be read' };
}

/** Ids of the tasks that have an open request, in one look. */
export function listRequests(dir: string): string[] {
  try {
    return readdirSync(dir).flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -5)] : []));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw toIoError(error, `list \`${dir}\``);
  }
}

export function clearRequest(dir: string, task: string): void {
  unlinkIfThere(`${dir}/${task}.json`);
}
