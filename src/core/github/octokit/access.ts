/**
 * What our credential is and may do on GitHub, as facts: asked by reads alone,
 * so that looking changes nothing. It judges nothing, and holds no secret.
 */
import * as z from 'zod';
import { AgentOsError } from '../../errors.ts';
import { parseAnswer } from './answer.ts';
import type { GitHubClient } from './client/client.ts';
import { ownerAndName } from './client/request-names.ts';
import { readIdentity } from './people.ts';
import { type ColumnProblem, type Configured, readColumnProblems } from './projects/board-access.ts';

/** What reading each of them needs a permission for. */
export const FEATURES = ['issues', 'pull requests', 'contents', 'checks', 'statuses', 'actions', 'permissions', 'rules'] as const;
export type Feature = (typeof FEATURES)[number];

/** `unknown`: GitHub did not answer. */
export type Allowed = 'yes' | 'no' | 'unknown';

export interface RepositoryAccess {
  name: string;
  /** Why it cannot be looked at; then nothing else is known. */
  error?: { code: string; message: string; hint?: string | undefined };
  /** Its present name. */
  fullName: string;
  archived: boolean;
  hasIssues: boolean;
  /** Whether our account's role is to write; absent where GitHub does not tell. */
  mayPush?: boolean | undefined;
  /** What the repository allows; absent where GitHub does not tell. */
  mergeMethods?: string[];
  defaultBranch: string;
  /** False where the configured base branch is not there. */
  hasBase: boolean;
  allowed: Record<Feature, Allowed>;
  /** What is wrong with the projects that are configured for it, where any are. */
  columns?: ColumnProblem[];
  /** Checks that the rules of the base branch require; absent where the rules cannot be read. */
  requiredChecks?: string[];
}

export interface AccessFacts {
  kind: 'token' | 'app' | 'gh';
  /** Where the credential comes from. */
  source: string;
  /** Whose account it is. */
  login: string;
  /** Of a classic token; others have none. */
  scopes?: string[];
  /** When the token ends, where GitHub tells. */
  expiresAt?: Date;
  rate?: { limit: number; remaining: number; resetsAt: Date };
  /** How many other repositories it reaches, of the first hundred; absent where it cannot be asked. */
  others?: number;
  repos: RepositoryAccess[];
}

/**
 * @param base the branch to look at, where it is not the default one
 * @throws AgentOsError where GitHub answers nothing at all: `auth`, `unavailable`, `rate_limit`
 */
export async function readAccess(
  client: GitHubClient,
  repos: readonly (Configured & { base?: string | undefined })[],
): Promise<AccessFacts> {
  const { kind } = client.credentials;
  const { login } = await readIdentity(client);
  const reach = await readReach(client, new Set(repos.map(({ name }) => name.toLowerCase())));
  const found: RepositoryAccess[] = [];
  for (const repo of repos) found.push(await readRepositoryAccess(client, repo, login));
  return { kind, source: client.credentials.describe(), login, ...reach, repos: found };
}

type Headers = Readonly<Record<string, string | number | undefined>>;

/** What the headers of any answer tell of the token. */
export function readHeaders(headers: Headers): Pick<AccessFacts, 'scopes' | 'expiresAt' | 'rate'> {
  const scopes = headers['x-oauth-scopes'];
  const expires = toDate(headers['github-authentication-token-expiration']);
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) => Number(headers[`x-ratelimit-${name}`] ?? Number.NaN));
  const isRate = limit !== undefined && remaining !== undefined && reset !== undefined && Number.isFinite(limit + remaining + reset);
  return {
    ...(typeof scopes === 'string' && { scopes: scopes.split(',').flatMap((scope) => scope.trim() || []) }),
    ...(expires && { expiresAt: expires }),
    ...(isRate && { rate: { limit, remaining, resetsAt: new Date(reset * 1000) } }),
  };
}

/** GitHub writes `2026-12-24 10:00:00 UTC` or with an offset: `2026-12-24 10:00:00 +0100`. */
function toDate(text: string | number | undefined): Date | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)\s*(UTC|Z|[+-]\d\d:?\d\d)?$/.exec(String(text ?? ''));
  if (!match) return undefined;
  const zone = /^[+-]/.test(match[3] ?? '') ? match[3] : 'Z';
  const at = new Date(`${match[1]}T${match[2]}${zone}`);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

const described = z.object({
  full_name: z.string(),
  default_branch: z.string(),
  archived: z.boolean(),
  has_issues: z.boolean(),
  permissions: z.object({ push: z.boolean() }).optional(),
  allow_squash_merge: z.boolean().optional(),
  allow_merge_commit: z.boolean().optional(),
  allow_rebase_merge: z.boolean().optional(),
});

async function readRepositoryAccess(
  client: GitHubClient,
  repo: Configured & { base?: string | undefined },
  login: string,
): Promise<RepositoryAccess> {
  try {
    const { data } = await client.read('GET /repos/{owner}/{repo}', ownerAndName(repo.name));
    const node = parseAnswer(described, data, `the repository ${repo.name}`);
    const { allow_squash_merge: squash, allow_merge_commit: merge, allow_rebase_merge: rebase } = node;
    const methods = { squash, merge, rebase };
    const rules = await readRules(client, repo.name, repo.base ?? node.default_branch);
    return {
      name: repo.name,
      fullName: node.full_name,
      archived: node.archived,
      hasIssues: node.has_issues,
      mayPush: client.credentials.kind === 'app' ? undefined : node.permissions?.push,
      ...(squash !== undefined && { mergeMethods: Object.entries(methods).flatMap(([name, on]) => (on ? [name] : [])) }),
      defaultBranch: node.default_branch,
      hasBase: repo.base === undefined || (await hasBranch(client, repo.name, repo.base)),
      allowed: { ...(await tryFeatures(client, repo.name, node.default_branch, login)), rules: rules.allowed },
      ...((repo.board || repo.ready?.project !== undefined) && { columns: await readColumnProblems(client, repo) }),
      ...(rules.checks && { requiredChecks: rules.checks }),
    };
  } catch (error) {
    if (!(error instanceof AgentOsError) || stopsEverything(error)) throw error;
    const { code, message, hint } = error;
    const allowed = Object.fromEntries(FEATURES.map((feature) => [feature, 'unknown'])) as Record<Feature, Allowed>;
    const nothing = { fullName: repo.name, archived: false, hasIssues: true, defaultBranch: '', hasBase: true, allowed };
    return { name: repo.name, error: { code, message, hint }, ...nothing };
  }
}

function stopsEverything({ code }: AgentOsError): boolean {
  return code === 'auth' || code === 'rate_limit' || code === 'cancelled';
}

/** True also where it cannot be told: that the contents may not be read is said elsewhere. */
async function hasBranch(client: GitHubClient, repo: string, branch: string): Promise<boolean> {
  try {
    await client.read('GET /repos/{owner}/{repo}/branches/{branch}', { ...ownerAndName(repo), branch });
    return true;
  } catch (error) {
    if (!(error instanceof AgentOsError) || stopsEverything(error)) throw error;
    return error.code !== 'not_found';
  }
}

/** One cheap read for each. */
async function tryFeatures(
  client: GitHubClient,
  repo: string,
  branch: string,
  login: string,
): Promise<Record<Exclude<Feature, 'rules'>, Allowed>> {
  const at = ownerAndName(repo);
  const first = { ...at, per_page: 1 };
  const commit = { ...first, ref: branch };
  return {
    issues: await tryRead(() => client.read('GET /repos/{owner}/{repo}/issues', first)),
    'pull requests': await tryRead(() => client.read('GET /repos/{owner}/{repo}/pulls', first)),
    contents: await tryRead(() => client.read('GET /repos/{owner}/{repo}/branches/{branch}', { ...at, branch })),
    checks: await tryRead(() => client.read('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', commit)),
    statuses: await tryRead(() => client.read('GET /repos/{owner}/{repo}/commits/{ref}/status', commit)),
    actions: await tryRead(() => client.read('GET /repos/{owner}/{repo}/actions/runs', first)),
    permissions: await tryRead(() =>
      client.read('GET /repos/{owner}/{repo}/collaborators/{username}/permission', { ...at, username: login }).catch(passOverBot),
    ),
  };
}

/** The bot of an app has no permission of this kind: that GitHub says so is an answer. */
function passOverBot(error: unknown): void {
  if (!(error instanceof AgentOsError && error.code === 'not_found' && /\bis not a user\b/i.test(error.message))) throw error;
}

/** A refusal says no. So does "not found" of a repository that was just there: GitHub hides what a credential may not see. */
async function tryRead(read: () => Promise<unknown>): Promise<Allowed> {
  try {
    await read();
    return 'yes';
  } catch (error) {
    if (!(error instanceof AgentOsError) || stopsEverything(error)) throw error;
    return error.code === 'refused' || error.code === 'not_found' ? 'no' : 'unknown';
  }
}

const rule = z.object({
  type: z.string(),
  parameters: z.object({ required_status_checks: z.array(z.object({ context: z.string() })).optional() }).optional(),
});

async function readRules(client: GitHubClient, repo: string, branch: string): Promise<{ allowed: Allowed; checks?: string[] }> {
  let rules: z.output<typeof rule>[] = [];
  const allowed = await tryRead(async () => {
    const answer = await client.readRoute('GET /repos/{owner}/{repo}/rules/branches/{branch}', {
      ...ownerAndName(repo),
      branch,
      per_page: 100,
    });
    rules = parseAnswer(z.array(rule), answer.data, `the rules of \`${branch}\` of ${repo}`);
  });
  if (allowed !== 'yes') return { allowed };
  const checks = rules.flatMap(({ parameters }) => parameters?.required_status_checks?.map(({ context }) => context) ?? []);
  return { allowed, checks: [...new Set(checks)] };
}

const listed = z.array(z.object({ full_name: z.string() }));

/** What an answer about all that we reach tells of the credential, and how many repositories there are that nobody configured. */
async function readReach(
  client: GitHubClient,
  known: ReadonlySet<string>,
): Promise<Pick<AccessFacts, 'scopes' | 'expiresAt' | 'rate' | 'others'>> {
  const isApp = client.credentials.kind === 'app';
  let reach: ReturnType<typeof readHeaders> & { others?: number } = {};
  await tryRead(async () => {
    const { data, headers } = await client.readRoute(isApp ? 'GET /installation/repositories' : 'GET /user/repos', { per_page: 100 });
    reach = readHeaders(headers);
    const list = isApp ? (data as { repositories?: unknown } | null)?.repositories : data;
    const names = parseAnswer(listed, list, 'the repositories that the credential reaches');
    reach.others = names.filter(({ full_name: name }) => !known.has(name.toLowerCase())).length;
  });
  return reach;
}
