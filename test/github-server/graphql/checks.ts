/**
 * `statusCheckRollup`: the newest run of every check of a commit and the
 * newest status of every context, and what they come to.
 */
import { ACTIONS_APP, latestStatuses, runsOf, suiteState } from '../checks.ts';
import type { CheckRun, Repository } from '../records.ts';
import { requiredChecks } from '../rules.ts';
import { connect, type PageArgs } from './paging.ts';
import { Refusal } from './refusal.ts';
import {
  actorById,
  type CheckRunSource,
  type CheckSuiteSource,
  type CommitSource,
  type Context,
  define,
  type Resolvers,
  repositorySource,
  type StatusSource,
} from './sources.ts';

interface RollupSource {
  __typename: 'StatusCheckRollup';
  commit: CommitSource;
  contexts: (CheckRunSource | StatusSource)[];
}

/** `null` where nobody has said anything about the commit. */
export function rollupOf(commit: CommitSource): RollupSource | null {
  const { repo, sha } = commit;
  const byAge = (a: { id: number }, b: { id: number }) => a.id - b.id;
  const runs = runsOf(repo, sha, true).sort(byAge);
  const statuses = latestStatuses(repo, sha).sort(byAge);
  const contexts = [
    ...runs.map((run): CheckRunSource => ({ __typename: 'CheckRun', repo, run })),
    ...statuses.map((status): StatusSource => ({ __typename: 'StatusContext', repo, status })),
  ];
  return contexts.length === 0 ? null : { __typename: 'StatusCheckRollup', commit, contexts };
}

/** Failure outweighs what still runs. */
function rollupState(contexts: RollupSource['contexts']): string {
  const states = contexts.map((one) => (one.__typename === 'CheckRun' ? stateOfRun(one.run) : one.status.state.toUpperCase()));
  return ['ERROR', 'FAILURE', 'PENDING'].find((state) => states.includes(state)) ?? 'SUCCESS';
}

function stateOfRun(run: CheckRun): string {
  if (run.status !== 'completed' || run.conclusion === null) return 'PENDING';
  return ['success', 'neutral', 'skipped'].includes(run.conclusion) ? 'SUCCESS' : 'FAILURE';
}

function pageOfContexts({ contexts }: RollupSource, args: PageArgs, _: Context, info: Parameters<typeof connect>[2]) {
  const runs = contexts.filter((one) => one.__typename === 'CheckRun').length;
  return { ...connect(contexts, args, info), checkRunCount: runs, statusContextCount: contexts.length - runs };
}

/** `isRequired(pullRequestNumber:)`, or by its id. */
interface RequiredArgs {
  pullRequestId?: string | null;
  pullRequestNumber?: number | null;
}

function isRequired({ store }: Context, repo: Repository, args: RequiredArgs, name: string, appId: number | null): boolean {
  const found = store.pulls(repo).find((issue) => issue.number === args.pullRequestNumber || issue.pull?.nodeId === args.pullRequestId);
  if (!found?.pull) throw new Refusal('NOT_FOUND', 'Could not resolve to a PullRequest.');
  return requiredChecks(repo, found.pull.baseRef).some((one) => one.context === name && (one.appId === null || one.appId === appId));
}

export const checkResolvers: Record<string, Resolvers> = {
  StatusCheckRollup: define<RollupSource>({
    id: ({ commit }) => `SCR_${Buffer.from(`${commit.repo.id}:${commit.sha}`).toString('base64url')}`,
    commit: ({ commit }) => commit,
    state: ({ contexts }) => rollupState(contexts),
    contexts: pageOfContexts,
  }),
  CheckRun: define<CheckRunSource>({
    id: ({ run }) => run.nodeId,
    databaseId: ({ run }) => run.id,
    name: ({ run }) => run.name,
    status: ({ run }) => run.status.toUpperCase(),
    conclusion: ({ run }) => run.conclusion?.toUpperCase() ?? null,
    startedAt: ({ run }) => run.startedAt,
    completedAt: ({ run }) => run.completedAt,
    detailsUrl: ({ run }) => run.detailsUrl,
    externalId: ({ run }) => run.externalId,
    isRequired: ({ repo, run }, args: RequiredArgs, context) => isRequired(context, repo, args, run.name, run.appId),
    title: ({ run }) => run.output.title,
    summary: ({ run }) => run.output.summary,
    text: ({ run }) => run.output.text,
    repository: ({ repo }) => repositorySource(repo),
    checkSuite: ({ repo, run }): CheckSuiteSource => {
      const suite = repo.checkSuites.find(({ id }) => id === run.suiteId);
      if (!suite) throw new Error(`check run ${run.id} has no suite`);
      return { __typename: 'CheckSuite', repo, suite };
    },
  }),
  CheckSuite: define<CheckSuiteSource>({
    id: ({ suite }) => suite.nodeId,
    databaseId: ({ suite }) => suite.id,
    status: ({ repo, suite }) => suiteState(repo, suite).status.toUpperCase(),
    conclusion: ({ repo, suite }) => suiteState(repo, suite).conclusion?.toUpperCase() ?? null,
    createdAt: ({ suite }) => suite.createdAt,
    updatedAt: ({ suite }) => suite.updatedAt,
    repository: ({ repo }) => repositorySource(repo),
    commit: ({ repo, suite }): CommitSource => ({ __typename: 'Commit', repo, sha: suite.headSha }),
    app: ({ suite }, _: never, { store }) => {
      if (suite.appId === ACTIONS_APP)
        return { __typename: 'App', id: 'MDM6QXBwMTUzNjg=', databaseId: ACTIONS_APP, slug: 'github-actions', name: 'GitHub Actions' };
      const app = store.state.apps.get(suite.appId);
      return app ? { __typename: 'App', id: app.nodeId, databaseId: app.id, slug: app.slug, name: app.name } : null;
    },
    workflowRun: ({ suite }) =>
      suite.workflowRunId === undefined ? null : { __typename: 'WorkflowRun', databaseId: suite.workflowRunId, event: suite.event ?? '' },
  }),
  StatusContext: define<StatusSource>({
    id: ({ status }) => status.nodeId,
    context: ({ status }) => status.context,
    state: ({ status }) => status.state.toUpperCase(),
    description: ({ status }) => status.description,
    targetUrl: ({ status }) => status.targetUrl,
    createdAt: ({ status }) => status.createdAt,
    isRequired: ({ repo, status }, args: RequiredArgs, context) => isRequired(context, repo, args, status.context, null),
    creator: ({ status }, _: never, { store }) => actorById(store, status.creatorId),
    commit: ({ repo, status }): CommitSource => ({ __typename: 'Commit', repo, sha: status.sha }),
  }),
};
