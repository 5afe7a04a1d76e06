/** A small GitHub for the tests of the GraphQL side: two people, an App, one repository with git, and a way to ask. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Token, User, Viewer } from '../accounts.ts';
import { commitFiles, createBare } from '../git-store.ts';
import type { Violation } from '../guard.ts';
import { createIssue } from '../issue-changes.ts';
import type { Issue, Repository } from '../records.ts';
import { Store } from '../store.ts';
import { executeGraphql, type GraphqlAnswer, type GraphqlHooks } from './execute.ts';

export interface Harness {
  store: Store;
  owner: User;
  reader: User;
  viewer: Viewer;
  repo: Repository;
  violations: Violation[];
  /** As the owner unless told otherwise. */
  ask(query: string, variables?: Record<string, unknown>, hooks?: GraphqlHooks & { as?: Viewer }): Promise<GraphqlAnswer>;
  /** The data of an answer that must have no errors. */
  read(query: string, variables?: Record<string, unknown>): Promise<Answer>;
  addRepository(name: string, more?: Partial<Repository>): Repository;
  addIssue(title: string, labels?: string[], repo?: Repository): Issue;
  /** The first one makes the repository's git. */
  commit(branch: string, files: Record<string, string>, from?: string): string;
  remove(): void;
}

/** Whatever was asked for; a test knows its shape. */
// biome-ignore lint/suspicious/noExplicitAny: the shape of an answer is that of the query in the test
export type Answer = any;

export function startHarness(): Harness {
  const dir = mkdtempSync(join(tmpdir(), 'graphql-test-'));
  const store = new Store();
  store.now = '2026-01-01T00:00:00Z';
  const [owner, reader] = [store.addUser('Ann', 'User'), store.addUser('rob', 'User')];
  const violations: Violation[] = [];
  const viewer = viewerOf(owner);
  const addRepository = (name: string, more: Partial<Repository> = {}) => {
    const repo = { ...emptyRepository(store, owner, name, join(dir, `${name}.git`)), ...more };
    store.state.repositories.set(repo.id, repo);
    return repo;
  };
  const repo = addRepository('widgets');
  const ask: Harness['ask'] = (query, variables = {}, { as = viewer, ...hooks } = {}) =>
    executeGraphql(store, as, { query, variables }, { violation: (one) => violations.push(one), ...hooks });
  return {
    ...{ store, owner, reader, viewer, repo, violations, ask, addRepository },
    read: async (query, variables) => {
      const { body } = await ask(query, variables);
      expect(body.errors).toBeUndefined();
      return body.data;
    },
    addIssue: (title, labels = [], into = repo) => {
      store.advance(60);
      return createIssue(store, into, { userId: owner.id }, { title, body: `body of ${title}`, labels });
    },
    commit: (branch, files, from) => {
      if (!existsSync(repo.gitDir)) createBare(repo.gitDir, 'main');
      return commitFiles(repo.gitDir, branch, files, {
        ...{ message: `Change ${Object.keys(files).join(', ')}`, author: { name: 'Ann', email: 'ann@example.com' }, at: store.stamp() },
        ...(from !== undefined && { from }),
      });
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

export function viewerOf(user: User, more: Partial<Token> = {}): Viewer {
  const token: Token = {
    ...{ token: `t${user.id}`, kind: 'classic', userId: user.id, scopes: ['repo', 'project'], permissions: {}, repositoryIds: 'all' },
    ...more,
  };
  return { userId: user.id, token };
}

function emptyRepository(store: Store, owner: User, name: string, gitDir: string): Repository {
  const at = store.stamp();
  return {
    ...store.newIds('R'),
    ...{ ownerId: owner.id, name, formerNames: [], private: false, archived: false, defaultBranch: 'main', gitDir },
    ...{ mergeMethods: { merge: false, squash: true, rebase: true }, deleteBranchOnMerge: false, collaborators: new Map() },
    ...{ labels: [], nextNumber: 1, issues: new Map(), checkSuites: [], checkRuns: [], statuses: [], rulesets: [] },
    ...{ protections: new Map(), checks: [], mergeRequests: [], createdAt: at, pushedAt: at },
  };
}
