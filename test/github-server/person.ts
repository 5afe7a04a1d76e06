/**
 * A person played by a test: does to the store what a click on the web site
 * does, without asking what a token may. Arguments and results are plain JSON,
 * so that another process can ask for the same over `/_control`.
 */
import { addStatus, completeRun } from './checks.ts';
import { branchTip, commitFiles, deleteRef, moveRef } from './git-store.ts';
import * as change from './issue-changes.ts';
import { followBranches, type MergeMethod, mergeNow, openPull } from './pulls.ts';
import type { CheckConclusion, CommitStatus, Issue, Repository, Review } from './records.ts';
import { personOf } from './rest/merging.ts';
import type { Store } from './store.ts';

export class Person {
  private readonly store: Store;
  readonly id: number;
  constructor(store: Store, id: number) {
    this.store = store;
    this.id = id;
  }

  private repo(name: string): Repository {
    const found = this.store.findRepo(name);
    if (!found) throw new Error(`the test GitHub has no repository \`${name}\``);
    return found.repo;
  }
  private issue(name: string, number: number): { repo: Repository; issue: Issue } {
    const repo = this.repo(name);
    const issue = this.store.issue(repo, number);
    if (!issue) throw new Error(`\`${name}\` has no issue ${number}`);
    return { repo, issue };
  }

  openIssue(repo: string, issue: { title: string; body?: string; labels?: string[] }): number {
    const { title, body = '', labels = [] } = issue;
    return change.createIssue(this.store, this.repo(repo), { userId: this.id }, { title, body, labels }).number;
  }
  label(name: string, number: number, ...labels: string[]): void {
    const { repo, issue } = this.issue(name, number);
    change.addLabels(this.store, repo, issue, this.id, labels);
  }
  unlabel(name: string, number: number, label: string): void {
    const { repo, issue } = this.issue(name, number);
    change.removeLabel(this.store, repo, issue, this.id, label);
  }
  /** The body. */
  edit(name: string, number: number, body: string): void {
    change.editBody(this.store, this.issue(name, number).issue, this.id, body);
  }
  rename(name: string, number: number, title: string): void {
    change.renameIssue(this.store, this.issue(name, number).issue, this.id, title);
  }
  close(name: string, number: number, reason: 'completed' | 'not_planned' | 'duplicate' = 'completed'): void {
    change.closeIssue(this.store, this.issue(name, number).issue, this.id, reason);
  }
  reopen(name: string, number: number): void {
    change.reopenIssue(this.store, this.issue(name, number).issue, this.id);
  }
  assign(name: string, number: number, logins: string[]): void {
    const ids = logins.flatMap((login) => this.store.findUser(login)?.id ?? []);
    change.setAssignees(this.store, this.issue(name, number).issue, this.id, ids);
  }
  pin(name: string, number: number, pinned = true): void {
    this.issue(name, number).issue.pinned = pinned;
  }
  deleteIssue(name: string, number: number): void {
    this.issue(name, number).issue.deleted = true;
  }
  comment(name: string, number: number, body: string): number {
    return change.addComment(this.store, this.issue(name, number).issue, { userId: this.id }, body).id;
  }
  editComment(name: string, number: number, comment: number, body: string): void {
    const { issue } = this.issue(name, number);
    const found = issue.comments.find((one) => one.id === comment);
    if (!found) throw new Error(`issue ${number} of \`${name}\` has no comment ${comment}`);
    change.editComment(this.store, issue, found, body);
  }
  /** `number` waits for `blocker`. */
  block(name: string, number: number, blocker: number): void {
    change.addDependency(this.store, this.issue(name, number).issue, this.issue(name, blocker).issue);
  }

  /** Puts an issue onto a board of its repository's owner, where it is not there yet, and moves it to a value of a field; `null` takes the value away. */
  moveCard(name: string, number: number, to: { project: number; field: string; value: string | null }): void {
    const { repo, issue } = this.issue(name, number);
    const project = this.store.project(repo.ownerId, to.project);
    const field = project?.fields.find((one) => one.name === to.field);
    const option = field?.options.find((one) => one.name === to.value);
    if (!project || !field || (to.value !== null && !option))
      throw new Error(`no \`${to.field}\` \`${to.value}\` in project ${to.project}`);
    const at = this.store.stamp();
    const by = { creatorId: this.id, createdAt: at, updatedAt: at };
    let item = project.items.find((one) => one.issueId === issue.id);
    if (!item) {
      item = { ...this.store.newIds('PVTI'), ...by, issueId: issue.id, archived: false, values: [] };
      project.items.push(item);
    }
    const known = item.values.find((one) => one.fieldId === field.id);
    if (!option) item.values = item.values.filter((one) => one !== known);
    else if (!known) item.values.push({ ...by, fieldId: field.id, optionId: option.id });
    else if (known.optionId !== option.id) Object.assign(known, { optionId: option.id, creatorId: this.id, updatedAt: at });
  }

  /** Commits files (`null` deletes one) onto a branch and follows up as a push does. @returns the commit. */
  push(name: string, branch: string, files: Record<string, string | null>, more: { message?: string; from?: string } = {}): string {
    const repo = this.repo(name);
    const { person: author } = personOf(this.store, this.id);
    const from = more.from ?? repo.defaultBranch;
    const sha = commitFiles(repo.gitDir, branch, files, { message: more.message ?? 'Change files', author, at: this.store.stamp(), from });
    followBranches(this.store, repo, this.id);
    return sha;
  }
  /** Sets a branch to a commit that is there, as a forced push does. */
  forcePush(name: string, branch: string, sha: string): void {
    const repo = this.repo(name);
    moveRef(repo, `refs/heads/${branch}`, sha, branchTip(this.store, repo, branch) ?? '0'.repeat(40));
    followBranches(this.store, repo, this.id);
  }
  deleteBranch(name: string, branch: string): void {
    const repo = this.repo(name);
    deleteRef(repo, `refs/heads/${branch}`);
    followBranches(this.store, repo, this.id);
  }
  openPull(name: string, pull: { title: string; head: string; base?: string; body?: string; draft?: boolean }): number {
    const repo = this.repo(name);
    const { title, head, base = repo.defaultBranch, body = '', draft = false } = pull;
    return openPull(this.store, repo, { userId: this.id }, { title, head, base, body, draft }).number;
  }
  review(name: string, number: number, state: Review['state'], body = ''): void {
    const { issue } = this.issue(name, number);
    if (!issue.pull) throw new Error(`${number} of \`${name}\` is no pull request`);
    const commitSha = issue.pull.headSha;
    issue.pull.reviews.push({ ...this.store.newIds('PRR'), authorId: this.id, state, body, commitSha, submittedAt: this.store.stamp() });
    change.touch(this.store, issue);
  }
  /** Merges past every rule. @returns the new tip of the base. */
  merge(name: string, number: number, method: MergeMethod = 'merge'): string {
    const { repo, issue } = this.issue(name, number);
    const sha = mergeNow(this.store, repo, issue, { method, by: personOf(this.store, this.id) });
    if (sha === undefined) throw new Error(`${number} of \`${name}\` does not merge`);
    return sha;
  }
  status(name: string, sha: string, context: string, state: CommitStatus['state']): void {
    addStatus(this.store, this.repo(name), { sha, context, state, creatorId: this.id });
  }
  /** Ends a check by hand, as the newest run of that name on the commit. */
  completeCheck(name: string, sha: string, check: string, conclusion: CheckConclusion): void {
    const run = this.repo(name).checkRuns.findLast((one) => one.headSha === sha && one.name === check);
    if (!run) throw new Error(`\`${name}\` has no check \`${check}\` on ${sha}`);
    completeRun(this.store, run, conclusion);
  }
}
