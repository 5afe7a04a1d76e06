/**
 * Makes test/github-server/openapi.json: GitHub's own OpenAPI description, cut
 * down to the operations the test GitHub serves and freed of prose. The whole
 * package is too large to depend on, so it is fetched for the occasion:
 *
 *   cd "$(mktemp -d)" && npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-*.tgz
 *   node scripts/openapi-extract.mjs DIRECTORY/package/generated/api.github.com.json
 */
import { readFileSync, writeFileSync } from 'node:fs';

const OPERATIONS = `
GET /user
GET /users/{username}
GET /user/repos
GET /user/{account_id}
GET /rate_limit
GET /app
GET /app/installations
POST /app/installations/{installation_id}/access_tokens
GET /installation/repositories
GET /repos/{owner}/{repo}
GET /repos/{owner}/{repo}/installation
GET /repos/{owner}/{repo}/collaborators/{username}/permission
GET /repos/{owner}/{repo}/contents/{path}
GET /repos/{owner}/{repo}/issues
POST /repos/{owner}/{repo}/issues
GET /repos/{owner}/{repo}/issues/{issue_number}
PATCH /repos/{owner}/{repo}/issues/{issue_number}
GET /repos/{owner}/{repo}/issues/{issue_number}/comments
POST /repos/{owner}/{repo}/issues/{issue_number}/comments
GET /repos/{owner}/{repo}/issues/comments/{comment_id}
PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}
GET /repos/{owner}/{repo}/issues/{issue_number}/timeline
GET /repos/{owner}/{repo}/issues/{issue_number}/labels
POST /repos/{owner}/{repo}/issues/{issue_number}/labels
PUT /repos/{owner}/{repo}/issues/{issue_number}/labels
DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}
POST /repos/{owner}/{repo}/issues/{issue_number}/assignees
GET /repos/{owner}/{repo}/labels
POST /repos/{owner}/{repo}/labels
GET /repos/{owner}/{repo}/labels/{name}
GET /repos/{owner}/{repo}/issues/{issue_number}/sub_issues
POST /repos/{owner}/{repo}/issues/{issue_number}/sub_issues
GET /repos/{owner}/{repo}/issues/{issue_number}/parent
GET /repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by
POST /repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by
DELETE /repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by/{issue_id}
GET /repos/{owner}/{repo}/pulls
POST /repos/{owner}/{repo}/pulls
GET /repos/{owner}/{repo}/pulls/{pull_number}
PATCH /repos/{owner}/{repo}/pulls/{pull_number}
GET /repos/{owner}/{repo}/pulls/{pull_number}/files
GET /repos/{owner}/{repo}/pulls/{pull_number}/commits
GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews
POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews
POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers
PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge
PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge-async
GET /repos/{owner}/{repo}/pulls/{pull_number}/merge-async/{uuid}
PUT /repos/{owner}/{repo}/pulls/{pull_number}/update-branch
GET /repos/{owner}/{repo}/commits/{ref}
GET /repos/{owner}/{repo}/commits/{ref}/check-runs
GET /repos/{owner}/{repo}/commits/{ref}/status
GET /repos/{owner}/{repo}/commits/{ref}/statuses
POST /repos/{owner}/{repo}/statuses/{sha}
POST /repos/{owner}/{repo}/check-runs
PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}
GET /repos/{owner}/{repo}/actions/runs
GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs
GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs
POST /repos/{owner}/{repo}/actions/runs/{run_id}/rerun-failed-jobs
GET /repos/{owner}/{repo}/git/ref/{ref}
GET /repos/{owner}/{repo}/git/matching-refs/{ref}
POST /repos/{owner}/{repo}/git/refs
PATCH /repos/{owner}/{repo}/git/refs/{ref}
DELETE /repos/{owner}/{repo}/git/refs/{ref}
GET /repos/{owner}/{repo}/compare/{basehead}
GET /repos/{owner}/{repo}/branches/{branch}
GET /repos/{owner}/{repo}/branches/{branch}/protection
GET /repos/{owner}/{repo}/rules/branches/{branch}
GET /repos/{owner}/{repo}/rulesets
`
  .trim()
  .split('\n');

const PROSE = new Set(['description', 'summary', 'example', 'examples', 'externalDocs', 'title', 'tags', 'deprecated']);
/** Under these keys stand names chosen by GitHub, which may well be `description` or `example`. */
const NAMED = new Set([
  'properties',
  'patternProperties',
  'schemas',
  'parameters',
  'responses',
  'headers',
  'content',
  'paths',
  'components',
]);

/** @param {unknown} value @param {boolean} names whether the keys of this object are names, not keywords */
function strip(value, names) {
  if (Array.isArray(value)) return value.map((one) => strip(one, false));
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([key]) => names || !(PROSE.has(key) || key.startsWith('x-')));
  return Object.fromEntries(
    kept.map(([key, one]) => [key, !names && VERBATIM.has(key) ? one : strip(one, !names && NAMED.has(key) && !Array.isArray(one))]),
  );
}
/** Values, not descriptions of values. */
const VERBATIM = new Set(['enum', 'default', 'required', 'const']);

const [source, target = new URL('../test/github-server/openapi.json', import.meta.url).pathname] = process.argv.slice(2);
if (!source) throw new Error('usage: node scripts/openapi-extract.mjs api.github.com.json [openapi.json]');
const whole = JSON.parse(readFileSync(source, 'utf8'));

/** @type {Record<string, Record<string, unknown>>} */
const paths = {};
for (const operation of OPERATIONS) {
  const [method, path] = operation.split(' ');
  const found = whole.paths[path]?.[method.toLowerCase()];
  if (!found) throw new Error(`GitHub does not describe \`${operation}\``);
  paths[path] ??= {};
  paths[path][method.toLowerCase()] = strip(found, false);
}

/** @type {Record<string, Record<string, unknown>>} */
const components = {};
/** Takes along what is referred to. @param {unknown} value */
function follow(value) {
  if (value === null || typeof value !== 'object') return;
  const ref = value.$ref;
  if (typeof ref === 'string') {
    const [, , group, name] = ref.split('/');
    components[group] ??= {};
    if (!(name in components[group])) {
      components[group][name] = strip(whole.components[group][name], false);
      follow(components[group][name]);
    }
  }
  for (const one of Object.values(value)) follow(one);
}
follow(paths);

writeFileSync(
  target,
  `${JSON.stringify({ openapi: whole.openapi, info: { title: whole.info.title, version: whole.info.version }, paths, components }, null, 1)}\n`,
);
