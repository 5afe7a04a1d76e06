/** What `agentos doctor` makes of our credential on GitHub: what is missing for which feature, and what is broader than needed. Pure. */
import type { RepoConfig } from '../../core/config/schema.ts';
import type { AccessFacts, Allowed, Feature, RepositoryAccess } from '../../core/github/octokit/access.ts';
import type { Check } from './doctor-checks.ts';

const DAY = 24 * 60 * 60_000;
/** A token that ends sooner is worth a word. */
const SOON = 14 * DAY;

/** Of these, the ones that read and write what Agent OS works on; every other scope is more than it needs. */
const NEEDED_SCOPES: ReadonlySet<string> = new Set(['repo', 'public_repo']);
/** Scopes that allow nothing but a look. */
const HARMLESS_SCOPES = /^(read:|user:email$|repo:status$|gist$)/;

const NARROW = 'Use a GitHub App, or a fine-grained token for these repositories alone.';

export interface Judged {
  facts: AccessFacts;
  repos: readonly RepoConfig[];
  now: Date;
}

export function decideGitHubChecks({ facts, repos, now }: Judged): Check[] {
  return [
    ...judgeToken(facts, repos.some(usesProjects)),
    ...judgeExpiry(facts, now),
    ...judgeRate(facts),
    ...facts.repos.flatMap((access) => {
      const repo = repos.find(({ name }) => name === access.name);
      return repo ? judgeRepository(access, repo) : [];
    }),
  ];
}

function usesProjects({ ready, board }: RepoConfig): boolean {
  return board !== undefined || ready.project !== undefined;
}

/** @param projects whether a project is configured: that needs a scope of its own */
function judgeToken({ kind, source, scopes, others }: AccessFacts, projects: boolean): Check[] {
  const checks: Check[] = [
    { name: 'credential', state: 'ok', what: scopes ? `${source}, a classic token: ${scopes.join(', ') || 'no scope'}` : source },
  ];
  if (scopes && !scopes.some((scope) => NEEDED_SCOPES.has(scope))) {
    checks.push(
      warn(
        'credential',
        'it has neither the scope `repo` nor `public_repo`: it can write nowhere',
        'Give it one of them, or use a fine-grained token.',
      ),
    );
  }
  if (projects && scopes && !scopes.includes('project'))
    checks.push(
      warn('credential', 'it lacks the scope `project`: no card can be moved', 'Give it that scope, or use a fine-grained token.'),
    );
  const isNeeded = (scope: string) => NEEDED_SCOPES.has(scope) || (projects && scope === 'project');
  const broad = (scopes ?? []).filter((scope) => !isNeeded(scope) && !HARMLESS_SCOPES.test(scope));
  if (scopes?.includes('repo')) checks.push(warn('credential', '`repo` reaches every repository of the account', NARROW));
  if (broad.length > 0)
    checks.push(
      warn(
        'credential',
        `broader than needed: ${broad.map((scope) => `\`${scope}\``).join(', ')}`,
        'Take these scopes away, unless something else needs them.',
      ),
    );
  if (others !== undefined && others > 0 && !scopes?.includes('repo')) {
    const what = `it reaches ${others < 99 ? others : 'a hundred or more'} other ${others === 1 ? 'repository' : 'repositories'}`;
    checks.push(warn('credential', what, kind === 'app' ? 'Install the app on the configured repositories alone.' : NARROW));
  }
  return checks;
}

function judgeExpiry({ expiresAt }: AccessFacts, now: Date): Check[] {
  if (!expiresAt) return [];
  const left = expiresAt.getTime() - now.getTime();
  const day = expiresAt.toISOString().slice(0, 10);
  if (left > SOON) return [{ name: 'expiry', state: 'ok', what: `the token ends on ${day}` }];
  return [warn('expiry', left > 0 ? `the token ends on ${day}` : `the token ended on ${day}`, 'Make a new one, and put it in its place.')];
}

function judgeRate({ rate }: AccessFacts): Check[] {
  if (!rate) return [];
  const what = `${rate.remaining} of ${rate.limit} requests are left until ${rate.resetsAt.toISOString()}`;
  if (rate.remaining * 10 > rate.limit) return [{ name: 'rate limit', state: 'ok', what }];
  return [warn('rate limit', what, 'Nothing: Agent OS waits. If it stays so, look for what else uses the credential.')];
}

function judgeRepository(access: RepositoryAccess, repo: RepoConfig): Check[] {
  const { name } = access;
  if (access.error) return [judgeError(name, access.error)];
  if (access.archived) return [bad(name, 'the repository is archived', 'Unarchive it, or take it out of `repos`.')];
  const checks: Check[] = [];
  if (access.fullName.toLowerCase() !== name.toLowerCase())
    checks.push(bad(name, `the repository is \`${access.fullName}\` now`, `Write \`name: ${access.fullName}\`.`));
  if (!access.hasIssues) checks.push(bad(name, 'issues are switched off', 'Switch them on in the settings of the repository.'));
  if (access.mayPush === false)
    checks.push(
      bad(name, 'the account may not write: no branch can be pushed', 'Give the account the role `write`, or use another credential.'),
    );
  if (!access.hasBase) checks.push(bad(name, `there is no branch \`${repo.base}\``, 'Push it, or set `base`.'));
  checks.push(...judgeMerge(access, repo), ...judgeFeatures(access, repo), ...judgeColumns(access));
  if (access.requiredChecks?.length === 0 && repo.verify.length === 0)
    checks.push(warn(name, 'no check is required and there is no `verify`', 'Set `verify` to what must pass, or require a check.'));
  return checks.some(({ state }) => state === 'bad') ? checks : [{ name, state: 'ok', what: summary(access, repo) }, ...checks];
}

function judgeError(name: string, { code, message, hint }: NonNullable<RepositoryAccess['error']>): Check {
  if (code !== 'not_found') return bad(name, message, hint ?? 'Put it right, then run `agentos doctor` again.');
  return bad(
    name,
    'there is no such repository, or the credential may not see it',
    'Check the name in `repos`, and give the credential access to it.',
  );
}

function judgeMerge({ name, mergeMethods }: RepositoryAccess, repo: RepoConfig): Check[] {
  if (repo.automation === 'dispatch_only' || mergeMethods?.includes(repo.merge_method)) return [];
  if (!mergeMethods) {
    return [warn(name, 'GitHub does not tell how it may be merged', 'Give the credential write permission on contents.')];
  }
  return [
    bad(
      name,
      `the repository does not allow \`merge_method: ${repo.merge_method}\``,
      `Use one of: ${mergeMethods.join(', ') || 'none is allowed'}.`,
    ),
  ];
}

/** What does not work without it, and the permission of a fine-grained token or an app. */
const LACKS: Record<Feature, { without: string; permission: string; serious(repo: RepoConfig): boolean }> = {
  issues: { without: 'nothing is dispatched', permission: 'Issues: read and write', serious: () => true },
  'pull requests': { without: 'no pull request is opened', permission: 'Pull requests: read and write', serious: () => true },
  contents: { without: 'nothing is fetched or pushed', permission: 'Contents: read and write', serious: () => true },
  checks: {
    without: 'nothing is known to be green, so nothing is merged',
    permission: 'Checks: read (apps and classic tokens alone can have it)',
    serious: merges,
  },
  statuses: { without: 'nothing is known to be green, so nothing is merged', permission: 'Commit statuses: read', serious: merges },
  actions: { without: 'jobs that come later are not waited for', permission: 'Actions: read', serious: () => false },
  permissions: {
    without: 'nobody counts as trusted',
    permission: 'Metadata: read, and the role `write` for the account',
    serious: () => true,
  },
  rules: { without: 'a required check that never reports is not waited for', permission: 'Metadata: read', serious: () => false },
};

function merges({ automation }: RepoConfig): boolean {
  return automation !== 'dispatch_only';
}

function judgeFeatures({ name, allowed }: RepositoryAccess, repo: RepoConfig): Check[] {
  return (Object.entries(allowed) as [Feature, Allowed][]).flatMap(([feature, may]): Check[] => {
    const { without, permission, serious } = LACKS[feature];
    if (may === 'yes') return [];
    if (may === 'unknown') return [warn(name, `GitHub did not say whether ${feature} may be read`, 'Run `agentos doctor` again later.')];
    return [
      (serious(repo) ? bad : warn)(name, `${feature} may not be read: ${without}`, `Give the credential the permission "${permission}".`),
    ];
  });
}

/** Without its column nothing becomes a task; what only shows tasks costs none of them. */
function judgeColumns({ name, columns = [] }: RepositoryAccess): Check[] {
  return columns.map(({ of, message, hint = 'Compare `repos` with the project on GitHub.' }) =>
    (of === 'ready' ? bad : warn)(name, `\`${of}\`: ${message}`, hint),
  );
}

function summary({ requiredChecks, defaultBranch }: RepositoryAccess, repo: RepoConfig): string {
  const onto = `onto ${repo.base ?? defaultBranch}`;
  if (!requiredChecks) return onto;
  return `${onto}; ${requiredChecks.length === 0 ? 'no check is required' : `required checks: ${requiredChecks.join(', ')}`}`;
}

function warn(name: string, what: string, remedy: string): Check {
  return { name, state: 'warn', what, remedy };
}

function bad(name: string, what: string, remedy: string): Check {
  return { name, state: 'bad', what, remedy };
}
