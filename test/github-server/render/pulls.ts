/** Pull requests, commits and diffs as REST shows them. */
import type { Viewer } from '../accounts.ts';
import type { Site } from '../call.ts';
import { type CommitInfo, git, listCommits } from '../git-store.ts';
import { forkPoint, readMergeable } from '../pulls.ts';
import type { Issue, Pull, Repository, Review } from '../records.ts';
import { mergeableState } from '../rules.ts';
import { renderUser } from './accounts.ts';
import { association, issuePage, renderCommon } from './issues.ts';
import { renderRepo, repoPage, repoUrl } from './repositories.ts';

function renderEnd(site: Site, repo: Repository, viewer: Viewer | undefined, ref: string, sha: string): Record<string, unknown> {
  const user = site.store.user(repo.ownerId);
  return { label: `${user.login}:${ref}`, ref, sha, user: renderUser(site, user), repo: renderRepo(site, repo, viewer) };
}

/** As in lists: nothing is computed for it. */
export function renderPull(site: Site, repo: Repository, issue: Issue, viewer: Viewer | undefined): Record<string, unknown> {
  const pull = issue.pull as Pull;
  const url = `${repoUrl(site, repo)}/pulls/${issue.number}`;
  const issueUrl = `${repoUrl(site, repo)}/issues/${issue.number}`;
  const page = issuePage(site, repo, issue);
  const links = {
    ...{ self: url, html: page, issue: issueUrl, comments: `${issueUrl}/comments`, review_comments: `${url}/comments` },
    ...{ review_comment: `${repoUrl(site, repo)}/pulls/comments{/number}`, commits: `${url}/commits` },
    statuses: `${repoUrl(site, repo)}/statuses/${pull.headSha}`,
  };
  return {
    ...renderCommon(site, repo, issue),
    ...{ id: pull.id, node_id: pull.nodeId, url, diff_url: `${page}.diff`, patch_url: `${page}.patch`, issue_url: issueUrl },
    ...{ commits_url: links.commits, review_comments_url: links.review_comments, review_comment_url: links.review_comment },
    ...{ comments_url: links.comments, statuses_url: links.statuses, draft: pull.draft, auto_merge: null },
    ...{ merged_at: pull.mergedAt ?? null, merge_commit_sha: pull.mergeSha ?? null, requested_teams: [] },
    requested_reviewers: pull.requestedReviewerIds.map((id) => renderUser(site, site.store.user(id))),
    head: renderEnd(site, repo, viewer, pull.headRef, pull.headSha),
    base: renderEnd(site, repo, viewer, pull.baseRef, pull.baseSha),
    _links: Object.fromEntries(Object.entries(links).map(([name, href]) => [name, { href }])),
  };
}

/** A single pull request; reading it starts what computes `mergeable`. */
export function renderWholePull(site: Site, repo: Repository, issue: Issue, viewer: Viewer | undefined): Record<string, unknown> {
  const pull = issue.pull as Pull;
  const merged = pull.mergedAt !== undefined;
  const mergeable = issue.state === 'closed' ? null : readMergeable(site.store, repo, pull, site.settings.mergeableAfterReads);
  const files = listFiles(repo, forkPoint(repo, pull), pull.headSha);
  return {
    ...renderPull(site, repo, issue, viewer),
    ...{ merged, mergeable, rebaseable: mergeable, maintainer_can_modify: false, review_comments: 0, comments: issue.comments.length },
    mergeable_state: merged ? 'unknown' : mergeableState(site.store, repo, issue, mergeable),
    merged_by: pull.mergedById === undefined ? null : renderUser(site, site.store.user(pull.mergedById)),
    ...{ commits: listCommits(repo, [`${pull.baseSha}..${pull.headSha}`]).length, changed_files: files.length },
    additions: files.reduce((sum, file) => sum + file.additions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
  };
}

export function renderReview(site: Site, repo: Repository, issue: Issue, review: Review): Record<string, unknown> {
  const page = `${issuePage(site, repo, issue)}#pullrequestreview-${review.id}`;
  const url = `${repoUrl(site, repo)}/pulls/${issue.number}`;
  return {
    ...{
      id: review.id,
      node_id: review.nodeId,
      user: renderUser(site, site.store.user(review.authorId)),
      body: review.body,
      state: review.state,
    },
    ...{ html_url: page, pull_request_url: url, _links: { html: { href: page }, pull_request: { href: url } } },
    ...{ submitted_at: review.submittedAt, commit_id: review.commitSha, author_association: association(review.authorId, repo) },
  };
}

export function renderCommit(site: Site, repo: Repository, commit: CommitInfo): Record<string, unknown> {
  const url = `${repoUrl(site, repo)}/commits/${commit.sha}`;
  const account = (email: string) => {
    const user = site.store.findUser(email.replace(/^\d+\+/, '').replace(/@.*$/, ''));
    return user ? renderUser(site, user) : null;
  };
  const unsigned = { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null };
  const parent = (sha: string) => ({
    sha,
    url: `${repoUrl(site, repo)}/commits/${sha}`,
    html_url: `${repoPage(site, repo)}/commit/${sha}`,
  });
  return {
    ...{ ...parent(commit.sha), node_id: `C_${commit.sha}`, comments_url: `${url}/comments` },
    commit: {
      ...{
        url: `${repoUrl(site, repo)}/git/commits/${commit.sha}`,
        author: commit.author,
        committer: commit.committer,
        message: commit.message,
      },
      ...{ tree: { sha: commit.tree, url: `${repoUrl(site, repo)}/git/trees/${commit.tree}` }, comment_count: 0, verification: unsigned },
    },
    ...{ author: account(commit.author.email), committer: account(commit.committer.email), parents: commit.parents.map(parent) },
  };
}

export interface ChangedFile {
  sha: string;
  filename: string;
  previous?: string;
  status: string;
  additions: number;
  deletions: number;
  patch?: string;
}

const STATUS: Record<string, string> = { A: 'added', D: 'removed', M: 'modified', T: 'changed', R: 'renamed', C: 'copied' };

/** What changed between two commits; renames are found as GitHub finds them. `patch` only on demand. */
export function listFiles(repo: Repository, from: string, to: string, patches = false): ChangedFile[] {
  const raw = git(repo.gitDir, ['diff', '--raw', '--numstat', '-z', '-M', '--no-abbrev', from, to]).split('\0');
  const files = new Map<string, ChangedFile>();
  for (let at = 0; at < raw.length; at++) {
    const [, , before = '', after = '', letter = ''] = raw[at]?.startsWith(':') ? (raw[at] as string).split(' ') : [];
    if (letter !== '') {
      const moved = /^[RC]/.test(letter);
      const first = raw[++at] ?? '';
      const filename = moved ? (raw[++at] ?? '') : first;
      const status = STATUS[letter[0] ?? ''] ?? 'changed';
      files.set(filename, {
        sha: status === 'removed' ? before : after,
        filename,
        status,
        additions: 0,
        deletions: 0,
        ...(moved && { previous: first }),
      });
      continue;
    }
    const [added = '', deleted = '', name = ''] = (raw[at] ?? '').split('\t');
    if (added === '') continue;
    if (name === '') at += 2;
    const file = files.get(name || (raw[at] ?? ''));
    if (file) Object.assign(file, { additions: Number(added) || 0, deletions: Number(deleted) || 0 });
    if (file && patches && added !== '-') addPatch(repo, from, to, file);
  }
  return [...files.values()].sort((a, b) => (a.filename < b.filename ? -1 : 1));
}

function addPatch(repo: Repository, from: string, to: string, file: ChangedFile): void {
  const paths = file.previous === undefined ? [file.filename] : [file.previous, file.filename];
  const diff = git(repo.gitDir, ['diff', '-M', from, to, '--', ...paths]);
  const at = diff.indexOf('\n@@');
  if (at >= 0) file.patch = diff.slice(at + 1).trimEnd();
}

export function renderFile(site: Site, repo: Repository, ref: string, file: ChangedFile): Record<string, unknown> {
  const path = file.filename.split('/').map(encodeURIComponent).join('/');
  return {
    ...{ sha: file.sha, filename: file.filename, status: file.status, additions: file.additions, deletions: file.deletions },
    ...{ changes: file.additions + file.deletions, blob_url: `${repoPage(site, repo)}/blob/${ref}/${path}` },
    ...{ raw_url: `${repoPage(site, repo)}/raw/${ref}/${path}`, contents_url: `${repoUrl(site, repo)}/contents/${path}?ref=${ref}` },
    ...(file.patch !== undefined && { patch: file.patch }),
    ...(file.previous !== undefined && { previous_filename: file.previous }),
  };
}
