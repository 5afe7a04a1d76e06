import { describe, expect, it } from 'vitest';
import { decideGitHubChecks } from '../../../src/commands/operator/doctor-github.ts';
import type { RepoConfig } from '../../../src/core/config/schema.ts';
import { type AccessFacts, FEATURES, type Feature, type RepositoryAccess } from '../../../src/core/github/octokit/access.ts';

const NOW = new Date('2026-11-22T10:00:00Z');

const REPO: RepoConfig = {
  name: 'acme/shop',
  automation: 'supervised',
  trusted: 'write',
  ready: { label: 'ready' },
  setup: [],
  verify: ['npm test'],
  protected_paths: [],
  merge_method: 'squash',
  max_open_pull_requests: 5,
  local_ci: [],
};

function access(more: Partial<RepositoryAccess> = {}, not: Partial<Record<Feature, 'no' | 'unknown'>> = {}): RepositoryAccess {
  return {
    name: 'acme/shop',
    fullName: 'acme/shop',
    archived: false,
    hasIssues: true,
    mayPush: true,
    mergeMethods: ['squash', 'rebase'],
    defaultBranch: 'main',
    hasBase: true,
    allowed: { ...(Object.fromEntries(FEATURES.map((feature) => [feature, 'yes'])) as RepositoryAccess['allowed']), ...not },
    requiredChecks: ['test', 'lint'],
    ...more,
  };
}

function judge(facts: Partial<AccessFacts>, repo: Partial<RepoConfig> = {}): string[] {
  const whole: AccessFacts = { kind: 'token', source: 'the environment variable T', login: 'octocat', repos: [access()], ...facts };
  return decideGitHubChecks({ facts: whole, repos: [{ ...REPO, ...repo }], now: NOW }).map(({ name, state, what, remedy }) => {
    expect(state === 'ok' ? remedy : remedy?.length).not.toBe(state === 'ok' ? '' : 0);
    return `${state} ${name}: ${what}`;
  });
}

const FINE = ['ok credential: the environment variable T', 'ok acme/shop: onto main; required checks: test, lint'];

describe('the credential', () => {
  it('of the least kind has nothing to say against it', () => {
    expect(judge({})).toEqual(FINE);
    expect(
      judge({ others: 0, rate: { limit: 5000, remaining: 4990, resetsAt: NOW }, expiresAt: new Date('2027-06-01T00:00:00Z') }),
    ).toEqual([
      FINE[0],
      'ok expiry: the token ends on 2027-06-01',
      'ok rate limit: 4990 of 5000 requests are left until 2026-11-22T10:00:00.000Z',
      FINE[1],
    ]);
  });

  it.each<[string, Partial<AccessFacts>, string[]]>([
    ['classic, for everything', { scopes: ['repo'] }, ['warn credential: `repo` reaches every repository of the account']],
    ['classic, for public repositories', { scopes: ['public_repo', 'read:org'] }, []],
    [
      'classic, with more',
      { scopes: ['public_repo', 'workflow', 'admin:org', 'delete_repo', 'project'] },
      ['warn credential: broader than needed: `workflow`, `admin:org`, `delete_repo`, `project`'],
    ],
    [
      'classic, without the scope that writes',
      { scopes: ['read:org'] },
      ['warn credential: it has neither the scope `repo` nor `public_repo`: it can write nowhere'],
    ],
    ['fine-grained, for one more', { others: 1 }, ['warn credential: it reaches 1 other repository']],
    ['an app installed everywhere', { kind: 'app', others: 99 }, ['warn credential: it reaches a hundred or more other repositories']],
    ['ends soon', { expiresAt: new Date('2026-11-30T00:00:00Z') }, ['warn expiry: the token ends on 2026-11-30']],
    ['ended', { expiresAt: new Date('2026-11-20T00:00:00Z') }, ['warn expiry: the token ended on 2026-11-20']],
    [
      'nearly used up',
      { rate: { limit: 5000, remaining: 500, resetsAt: NOW } },
      ['warn rate limit: 500 of 5000 requests are left until 2026-11-22T10:00:00.000Z'],
    ],
  ])('%s', (_, facts, expected) => {
    expect(judge(facts).filter((line) => !line.startsWith('ok'))).toEqual(expected);
  });
});

describe('a repository', () => {
  it.each<[string, Partial<RepositoryAccess>, Partial<RepoConfig>, string[]]>([
    ['archived', { archived: true }, {}, ['bad acme/shop: the repository is archived']],
    ['renamed', { fullName: 'acme/store' }, {}, ['bad acme/shop: the repository is `acme/store` now']],
    ['written in another case', { fullName: 'Acme/Shop' }, {}, []],
    ['without issues', { hasIssues: false }, {}, ['bad acme/shop: issues are switched off']],
    ['read only', { mayPush: false }, {}, ['bad acme/shop: the account may not write: no branch can be pushed']],
    ['an app is not told its role', { mayPush: undefined }, {}, []],
    ['without the base', { hasBase: false }, { base: 'trunk' }, ['bad acme/shop: there is no branch `trunk`']],
    ['another way to merge', {}, { merge_method: 'merge' }, ['bad acme/shop: the repository does not allow `merge_method: merge`']],
    ['another way to merge, and nothing merges', {}, { merge_method: 'merge', automation: 'dispatch_only' }, []],
    ['without any proof', { requiredChecks: [] }, { verify: [] }, ['warn acme/shop: no check is required and there is no `verify`']],
    ['with `verify` alone', { requiredChecks: [] }, {}, []],
    [
      'a typo',
      { error: { code: 'not_found', message: 'Not Found' } },
      {},
      ['bad acme/shop: there is no such repository, or the credential may not see it'],
    ],
    ['another failure', { error: { code: 'unavailable', message: 'no answer' } }, {}, ['bad acme/shop: no answer']],
  ])('%s', (_, facts, repo, expected) => {
    expect(judge({ repos: [access(facts)] }, repo).filter((line) => !line.startsWith('ok'))).toEqual(expected);
  });

  it.each<[Feature, RepoConfig['automation'], string]>([
    ['issues', 'full', 'bad acme/shop: issues may not be read: nothing is dispatched'],
    ['pull requests', 'full', 'bad acme/shop: pull requests may not be read: no pull request is opened'],
    ['contents', 'dispatch_only', 'bad acme/shop: contents may not be read: nothing is fetched or pushed'],
    ['checks', 'full', 'bad acme/shop: checks may not be read: nothing is known to be green, so nothing is merged'],
    ['checks', 'dispatch_only', 'warn acme/shop: checks may not be read: nothing is known to be green, so nothing is merged'],
    ['statuses', 'supervised', 'bad acme/shop: statuses may not be read: nothing is known to be green, so nothing is merged'],
    ['actions', 'full', 'warn acme/shop: actions may not be read: jobs that come later are not waited for'],
    ['permissions', 'full', 'bad acme/shop: permissions may not be read: nobody counts as trusted'],
    ['rules', 'full', 'warn acme/shop: rules may not be read: a required check that never reports is not waited for'],
  ])('without %s, %s', (feature, automation, expected) => {
    expect(judge({ repos: [access({}, { [feature]: 'no' })] }, { automation })).toContain(expected);
    expect(judge({ repos: [access({}, { [feature]: 'unknown' })] }, { automation })).toContain(
      `warn acme/shop: GitHub did not say whether ${feature} may be read`,
    );
  });
});

describe('projects', () => {
  const board = { project: 4, field: 'Stage', done: 'Done', add: false };

  it('need a scope of a classic token, which is no more than needed then', () => {
    expect(judge({ scopes: ['public_repo', 'project'] }, { board })).toEqual([
      'ok credential: the environment variable T, a classic token: public_repo, project',
      FINE[1],
    ]);
    expect(judge({ scopes: ['public_repo'] }, { ready: { label: 'x', project: 4, field: 'Status', value: 'Ready' } })).toContain(
      'warn credential: it lacks the scope `project`: no card can be moved',
    );
    expect(judge({ scopes: ['public_repo', 'project'] })).toContain('warn credential: broader than needed: `project`');
  });

  it('are wanted where they make issues Ready, and only missed where they show tasks', () => {
    const columns: RepositoryAccess['columns'] = [
      { of: 'ready', message: 'no project 4', hint: 'Look.' },
      { of: 'board', message: 'no value `Done`' },
    ];
    expect(judge({ repos: [access({ columns })] })).toEqual([
      FINE[0],
      'bad acme/shop: `ready`: no project 4',
      'warn acme/shop: `board`: no value `Done`',
    ]);
  });
});
