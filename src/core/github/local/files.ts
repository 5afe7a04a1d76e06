/**
 * Reading the directory of a local forge: `<root>/<owner>/<name>/` with
 * `repo.git`, `issues/<n>.md`, `pulls/<n>.md`, `checks/<sha>.md` and
 * `repository.md`, and `<root>/users.md`. Takes no lock: every file is replaced
 * as a whole. Starts no process: branches are read from git's own files. What
 * cannot be read is a `corrupt` error that names the file, never left out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { AgentOsError, errnoOf, toIoError } from '../../errors.ts';
import { type Document, parsePlainFrontMatter } from '../../front-matter.ts';
import { isRepoName } from '../../ids.ts';
import type { Actor, Permission, Repository } from '../github.ts';
import { Fields } from './fields.ts';
import { type IssueRecord, type PullRecord, toIssueRecord, toPullRecord } from './records.ts';

export interface RepositoryFiles {
  repo: string;
  dir: string;
  gitDir: string;
  lock: string;
  /** Settings and counters. */
  settings: string;
}

/** Settings that a person may edit, and counters that only rise. */
export interface RepositorySettings {
  mergeMethods: Repository['mergeMethods'];
  archived: boolean;
  nextNumber: number;
  nextId: number;
  /** The newest instant given to anything in this repository. */
  lastAt: string;
}

export interface User extends Actor {
  permission: Exclude<Permission, 'none'>;
}

export const MERGE_METHODS = ['squash', 'merge', 'rebase'] as const;
export const PERMISSIONS = ['read', 'triage', 'write', 'admin'] as const;
const SETTINGS_KEYS = new Set(['merge_methods', 'archived', 'next_number', 'next_id', 'last_at']);
const USERS_KEYS = new Set(['next_id', 'users']);
const USER_KEYS = new Set(['id', 'login', 'permission']);

/** Everybody's start: the person at the keyboard, and Agent OS itself. Ids below 10 are kept for such. */
const BUILT_IN: readonly User[] = [
  { id: 1, login: 'operator', permission: 'write' },
  { id: 2, login: 'agentos', permission: 'write' },
];
const FIRST_USER_ID = 10;

/** Where a repository's files are; @throws `usage` when the name is none. */
export function repositoryFiles(root: string, repo: string): RepositoryFiles {
  if (!isRepoName(repo))
    throw new AgentOsError('usage', `\`${repo}\` is not the name of a repository`, { hint: 'Write it as `owner/name`.' });
  const dir = `${root}/${repo}`;
  return { repo, dir, gitDir: `${dir}/repo.git`, lock: `${dir}/.lock`, settings: `${dir}/repository.md` };
}

/** @throws `not_found` when there is no such repository. */
export async function readSettings(files: RepositoryFiles): Promise<RepositorySettings> {
  const document = await readDocument(files.settings);
  if (!document) {
    throw new AgentOsError('not_found', `the local forge has no repository \`${files.repo}\``, {
      hint: `Create it: \`agentos local init ${files.repo} --from PATH\`.`,
    });
  }
  return inFile(files.settings, () => {
    const fields = new Fields(document.data, SETTINGS_KEYS);
    return {
      mergeMethods: MERGE_METHODS.filter((method) => fields.texts('merge_methods').includes(method)),
      archived: fields.flag('archived'),
      nextNumber: fields.number('next_number'),
      nextId: fields.number('next_id'),
      lastAt: fields.instant('last_at'),
    };
  });
}

/** The users of the forge, built-in ones first; a permission in the file overrides a built-in one. */
export async function readUsers(root: string): Promise<{ users: User[]; nextId: number }> {
  const path = `${root}/users.md`;
  const document = await readDocument(path);
  if (!document) return { users: [...BUILT_IN], nextId: FIRST_USER_ID };
  return inFile(path, () => {
    const fields = new Fields(document.data, USERS_KEYS);
    const listed = fields.objects('users').map((data): User => {
      const user = new Fields(data, USER_KEYS);
      return { id: user.number('id'), login: user.text('login'), permission: user.oneOf('permission', PERMISSIONS) };
    });
    const builtIn = BUILT_IN.filter((user) => !listed.some((other) => sameLogin(other.login, user.login)));
    return { users: [...builtIn, ...listed], nextId: fields.number('next_id') };
  });
}

/** Logins differ by more than case, as on GitHub. */
export function sameLogin(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** @throws `not_found` when nobody of that login is known. */
export function findUser(users: readonly User[], login: string): User {
  const user = users.find((entry) => sameLogin(entry.login, login));
  if (user) return user;
  throw new AgentOsError('not_found', `the local forge has no user \`${login}\``, {
    hint: `Add one: \`agentos local user add ${login} --permission write\`.`,
  });
}

/** Numbers in a directory of records, lowest first; empty where there is none. */
export function listNumbers(dir: string): number[] {
  return namesIn(dir)
    .filter((name) => /^[1-9][0-9]{0,8}\.md$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b);
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw toIoError(error, `list \`${dir}\``);
  }
}

export async function readIssue(files: RepositoryFiles, number: number): Promise<IssueRecord | undefined> {
  return readRecord(`${files.dir}/issues/${number}.md`, number, toIssueRecord);
}

/**
 * The labels of an issue from their one line, when it is as we write it: a pass
 * looks at every issue each minute, and most concern nobody. `undefined` where
 * only a whole reading can tell.
 */
export function peekLabels(files: RepositoryFiles, number: number): string[] | undefined {
  const text = readText(`${files.dir}/issues/${number}.md`) ?? '';
  const head = text.startsWith('---\n') ? text.slice(0, text.indexOf('\n---\n', 3) + 1) : '';
  const labels = /\nlabels: \[([A-Za-z0-9_. -]*(?:, [A-Za-z0-9_. -]+)*)\]\n/.exec(head)?.[1];
  return labels === '' ? [] : labels?.split(', ');
}

export async function readPull(files: RepositoryFiles, number: number): Promise<PullRecord | undefined> {
  return readRecord(`${files.dir}/pulls/${number}.md`, number, toPullRecord);
}

async function readRecord<T extends { number: number }>(
  path: string,
  number: number,
  to: (document: Document) => T,
): Promise<T | undefined> {
  const document = await readDocument(path);
  if (!document) return undefined;
  const record = inFile(path, () => to(document));
  if (record.number !== number) throw new AgentOsError('corrupt', `\`${path}\` says that its number is ${record.number}`);
  return record;
}

/** The Markdown file at `path`; `undefined` when there is none. Only what is not plain costs the YAML reader. */
export async function readDocument(path: string): Promise<Document | undefined> {
  const text = readText(path);
  if (text === undefined) return undefined;
  const plain = parsePlainFrontMatter(text);
  if (plain) return plain;
  const { parseFrontMatterYaml } = await import('../../front-matter-yaml.ts');
  return inFile(path, () => parseFrontMatterYaml(text));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toIoError(error, `read \`${path}\``);
  }
}

/** Runs a parser and lets its `corrupt` errors name the file. */
export function inFile<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof AgentOsError) || error.code !== 'corrupt') throw error;
    throw new AgentOsError('corrupt', `\`${path}\`: ${error.message}`, { hint: error.hint ?? 'Correct the file by hand.', cause: error });
  }
}
