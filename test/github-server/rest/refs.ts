/** Refs, commits, branches and the rules on them. */
import { isAllowed } from '../access.ts';
import { type Call, invalid, notFound, PUSH, paged, READ_CODE, Refusal, type Reply, type Route, repoOf, text, viewerOf } from '../call.ts';
import { branchTip, deleteRef, isAncestor, listCommits, listRefs, mergeBase, moveRef, objectType, resolveCommit } from '../git-store.ts';
import { followBranches } from '../pulls.ts';
import type { Repository } from '../records.ts';
import { listFiles, renderCommit, renderFile } from '../render/pulls.ts';
import { renderProtection, renderProtectionSummary, renderRules, repoPage, repoUrl } from '../render/repositories.ts';
import { rulesFor } from '../rules.ts';

function renderRef(call: Call, repo: Repository, ref: string, sha: string): Record<string, unknown> {
  const type = objectType(repo, sha) ?? 'commit';
  const url = `${repoUrl(call, repo)}/git/${ref}`;
  return {
    ref,
    node_id: `REF_${Buffer.from(ref).toString('base64url')}`,
    url,
    object: { sha, type, url: `${repoUrl(call, repo)}/git/${type}s/${sha}` },
  };
}

function getRef(call: Call): Reply {
  const repo = repoOf(call, READ_CODE);
  const ref = `refs/${call.params['ref']}`;
  const sha = listRefs(call.store, repo).get(ref);
  if (!sha) throw notFound();
  return { status: 200, body: renderRef(call, repo, ref, sha) };
}

function matchRefs(call: Call): Reply {
  const repo = repoOf(call, READ_CODE);
  const all = [...listRefs(call.store, repo)].filter(([name]) => name.startsWith(`refs/${call.params['ref']}`));
  return { status: 200, body: all.map(([name, sha]) => renderRef(call, repo, name, sha)) };
}

/** @throws where rules forbid to move or delete this branch directly. */
function checkRules(repo: Repository, ref: string, forced: boolean): void {
  const branch = ref.replace(/^refs\/heads\//, '');
  const types = rulesFor(repo, branch).map(({ rule }) => rule.type);
  const guarded =
    repo.protections.has(branch) ||
    types.some((type) => ['pull_request', 'required_status_checks', 'merge_queue', 'update'].includes(type));
  if (guarded || (forced && types.includes('non_fast_forward')))
    throw new Refusal(422, 'Repository rule violations found\n\nChanges must be made through a pull request.\n\n');
}

const ZERO = '0'.repeat(40);

function createRef(call: Call): Reply {
  const repo = repoOf(call, PUSH);
  const ref = text(call, 'ref') ?? '';
  const sha = text(call, 'sha') ?? '';
  if (!/^refs\/(heads|tags)\/[^\s~^:?*[\\]+$/.test(ref))
    throw new Refusal(422, "Reference name must start with 'refs/' and be a valid ref name.");
  if (objectType(repo, sha) === undefined) throw new Refusal(422, 'Object does not exist');
  if (!moveRef(repo, ref, sha, ZERO)) throw new Refusal(422, 'Reference already exists');
  followBranches(call.store, repo, viewerOf(call).userId);
  return { status: 201, body: renderRef(call, repo, ref, sha) };
}

function editRef(call: Call): Reply {
  const repo = repoOf(call, PUSH);
  const ref = `refs/${call.params['ref']}`;
  const sha = text(call, 'sha') ?? '';
  const before = listRefs(call.store, repo).get(ref);
  if (!before) throw new Refusal(422, 'Reference does not exist');
  if (objectType(repo, sha) === undefined) throw new Refusal(422, 'Object does not exist');
  const forced = !isAncestor(repo, before, sha);
  checkRules(repo, ref, forced);
  if (forced && call.body['force'] !== true) throw new Refusal(422, 'Update is not a fast forward');
  moveRef(repo, ref, sha, before);
  followBranches(call.store, repo, viewerOf(call).userId);
  return { status: 200, body: renderRef(call, repo, ref, sha) };
}

function removeRef(call: Call): Reply {
  const repo = repoOf(call, PUSH);
  const ref = `refs/${call.params['ref']}`;
  if (!listRefs(call.store, repo).has(ref)) throw new Refusal(422, 'Reference does not exist');
  if (ref === `refs/heads/${repo.defaultBranch}`) throw new Refusal(422, 'Cannot delete the default branch');
  checkRules(repo, ref, false);
  deleteRef(repo, ref);
  followBranches(call.store, repo, viewerOf(call).userId);
  return { status: 204 };
}

function commitAt(call: Call, repo: Repository, ref: string): string {
  const sha = resolveCommit(call.store, repo, ref);
  if (!sha) throw /^[0-9a-f]{40}$/.test(ref) ? new Refusal(422, `No commit found for SHA: ${ref}`) : notFound();
  return sha;
}

function wholeCommit(call: Call, repo: Repository, sha: string): Record<string, unknown> {
  const [commit] = listCommits(repo, ['-1', sha]);
  if (!commit) throw notFound();
  const from = commit.parents[0] ?? '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
  const files = listFiles(repo, from, sha, true);
  const sum = (name: 'additions' | 'deletions') => files.reduce((total, file) => total + file[name], 0);
  const stats = { additions: sum('additions'), deletions: sum('deletions'), total: sum('additions') + sum('deletions') };
  return { ...renderCommit(call, repo, commit), stats, files: files.map((file) => renderFile(call, repo, sha, file)) };
}

function getCommit(call: Call): Reply {
  const repo = repoOf(call, READ_CODE);
  return { status: 200, body: wholeCommit(call, repo, commitAt(call, repo, call.params['ref'] ?? '')) };
}

function compare(call: Call): Reply {
  const repo = repoOf(call, READ_CODE);
  const [from = '', to = ''] = (call.params['basehead'] ?? '').split('...').map((end) => end.replace(/^[^:]*:/, ''));
  const base = commitAt(call, repo, from);
  const head = commitAt(call, repo, to);
  const fork = mergeBase(repo, base, head);
  if (!fork) throw notFound();
  const ahead = listCommits(repo, [`${base}..${head}`]);
  const behind = listCommits(repo, [`${head}..${base}`]).length;
  const page = `${repoPage(call, repo)}/compare/${call.params['basehead']}`;
  const status = ahead.length === 0 ? (behind === 0 ? 'identical' : 'behind') : behind === 0 ? 'ahead' : 'diverged';
  const files = listFiles(repo, fork, head, true).slice(0, 300);
  const rest = {
    ...{
      url: `${call.apiUrl}${encodeURI(call.path)}`,
      html_url: page,
      permalink_url: page,
      diff_url: `${page}.diff`,
      patch_url: `${page}.patch`,
      status,
    },
    ...{ base_commit: wholeCommit(call, repo, base), merge_base_commit: wholeCommit(call, repo, fork) },
    ...{
      ahead_by: ahead.length,
      behind_by: behind,
      total_commits: ahead.length,
      files: files.map((file) => renderFile(call, repo, head, file)),
    },
  };
  return paged(
    call,
    ahead,
    (commit) => renderCommit(call, repo, commit),
    (commits) => ({ ...rest, commits }),
  );
}

function getBranch(call: Call): Reply {
  const repo = repoOf(call, READ_CODE);
  const name = call.params['branch'] ?? '';
  const sha = branchTip(call.store, repo, name);
  if (!sha) throw new Refusal(404, 'Branch not found');
  const self = `${repoUrl(call, repo)}/branches/${encodeURIComponent(name)}`;
  const isProtected = repo.protections.has(name) || rulesFor(repo, name).length > 0;
  return {
    status: 200,
    body: {
      ...{
        name,
        commit: wholeCommit(call, repo, sha),
        _links: { self, html: `${repoPage(call, repo)}/tree/${name}` },
        protected: isProtected,
      },
      ...{ protection: renderProtectionSummary(call, repo, name), protection_url: `${self}/protection` },
    },
  };
}

/** Those who may not administer the repository do not learn whether there is a protection. */
function getProtection(call: Call): Reply {
  const repo = repoOf(call);
  const name = call.params['branch'] ?? '';
  if (!isAllowed(call.viewer, repo, { role: 'admin', resource: 'administration', level: 'read' })) throw notFound();
  if (!branchTip(call.store, repo, name)) throw new Refusal(404, 'Branch not found');
  const body = renderProtection(call, repo, name);
  if (!body) throw new Refusal(404, 'Branch not protected');
  return { status: 200, body };
}

function listRulesets(call: Call): Reply {
  const repo = repoOf(call);
  const page = `${repoPage(call, repo)}/rules`;
  return paged(call, repo.rulesets, (one) => ({
    ...{ id: one.id, node_id: one.nodeId, name: one.name, target: 'branch', source_type: 'Repository', source: call.store.fullName(repo) },
    ...{ enforcement: one.enforcement, created_at: one.createdAt, updated_at: one.updatedAt },
    _links: { self: { href: `${repoUrl(call, repo)}/rulesets/${one.id}` }, html: { href: `${page}/${one.id}` } },
  }));
}

function listRules(call: Call): Reply {
  const repo = repoOf(call);
  if (call.params['branch'] === '') throw invalid({ field: 'branch', code: 'missing_field' });
  return paged(call, renderRules(call, repo, call.params['branch'] ?? ''), (rule) => rule);
}

const REPO = '/repos/{owner}/{repo}';
export const refRoutes: Route[] = [
  { method: 'GET', path: `${REPO}/git/ref/{ref}`, run: getRef },
  { method: 'GET', path: `${REPO}/git/matching-refs/{ref}`, run: matchRefs },
  { method: 'POST', path: `${REPO}/git/refs`, run: createRef },
  { method: 'PATCH', path: `${REPO}/git/refs/{ref}`, run: editRef },
  { method: 'DELETE', path: `${REPO}/git/refs/{ref}`, run: removeRef },
  { method: 'GET', path: `${REPO}/commits/{ref}`, run: getCommit },
  { method: 'GET', path: `${REPO}/compare/{basehead}`, run: compare },
  { method: 'GET', path: `${REPO}/branches/{branch}`, run: getBranch },
  { method: 'GET', path: `${REPO}/branches/{branch}/protection`, run: getProtection },
  { method: 'GET', path: `${REPO}/rules/branches/{branch}`, run: listRules },
  { method: 'GET', path: `${REPO}/rulesets`, run: listRulesets },
];
