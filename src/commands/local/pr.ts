/** `agentos local pr …`: what people do with pull requests, on the local forge. Merging is the PR monitor's. */
import { type Command, Option } from 'commander';
import { AgentOsError } from '../../core/errors.ts';
import type { PullRequest } from '../../core/github/github.ts';
import type { LocalForge } from '../../core/github/local/forge.ts';
import { addEditOptions, type EditOptions, toEdit } from './issue.ts';
import { type PullView, renderList, renderPull, toPullView } from './render.ts';
import {
  type AsOption,
  addAs,
  addBody,
  type BodyOptions,
  type LocalCall,
  type LocalTools,
  numberOf,
  openForge,
  print,
  readBody,
  repoOf,
  requireBody,
} from './tools.ts';

interface ReviewOptions extends AsOption, BodyOptions {
  approve?: true;
  requestChanges?: true;
}

export function registerPulls(local: Command, tools: LocalTools): void {
  const pr = local.command('pr').summary('pull requests').description('Pull requests of a repository on the local forge.');
  pr.command('list <repo>')
    .summary('pull requests, oldest first')
    .addOption(new Option('--state <STATE>', 'which').choices(['open', 'closed', 'merged', 'all']).default('open'))
    .action(tools.action(listPulls));
  const review = pr.command('review <repo> <number>').summary('approve the head, or ask for changes');
  review.addOption(new Option('--approve', 'approve the head as it is now').conflicts('requestChanges'));
  addAs(addBody(review.option('--request-changes', 'ask for changes'))).action(tools.action(reviewPull));
  pr.command('view <repo> <number>').summary('one pull request with checks, reviews and comments').action(tools.action(viewPull));
  addAs(addBody(pr.command('comment <repo> <number>').summary('write a comment'))).action(tools.action(commentPull));
  addAs(addBody(pr.command('close <repo> <number>').summary('close it without a merge, with a comment if a text is given'))).action(
    tools.action(closePull),
  );
  addEditOptions(pr.command('edit <repo> <number>').summary('change title, text, labels')).action(tools.action(editPull));
}

async function listPulls(call: LocalCall<AsOption & { state: PullRequest['state'] | 'all' }>): Promise<number> {
  const repo = repoOf(call);
  const forge = await openForge(call);
  const views: PullView[] = [];
  for (const pull of await forge.listPullRequests(repo, { state: call.options.state })) views.push(await toView(forge, repo, pull));
  print(call, views, renderList(views));
  return 0;
}

async function viewPull(call: LocalCall<AsOption>): Promise<number> {
  const view = await getView(call);
  print(call, view, renderPull(view));
  return 0;
}

async function getView(call: LocalCall<AsOption>): Promise<PullView> {
  const forge = await openForge(call);
  return toView(forge, repoOf(call), await forge.getPullRequest(repoOf(call), numberOf(call)));
}

async function toView(forge: LocalForge, repo: string, pull: PullRequest): Promise<PullView> {
  return toPullView(pull, {
    checks: await forge.listCheckRuns(repo, pull.headSha),
    reviews: await forge.listReviews(repo, pull.number),
    comments: await forge.listComments(repo, pull.number),
  });
}

async function reviewPull(call: LocalCall<ReviewOptions>): Promise<number> {
  const { approve, requestChanges } = call.options;
  if (!approve && !requestChanges) {
    throw new AgentOsError('usage', 'the review says neither yes nor no', { hint: 'Give `--approve` or `--request-changes`.' });
  }
  const state = approve ? 'approved' : 'changes_requested';
  await (await openForge(call)).reviewPullRequest(repoOf(call), numberOf(call), { state, body: readBody(call.options) ?? '' });
  return printPull(call);
}

async function commentPull(call: LocalCall<AsOption & BodyOptions>): Promise<number> {
  const forge = await openForge(call);
  await forge.getPullRequest(repoOf(call), numberOf(call));
  await forge.createComment(repoOf(call), numberOf(call), requireBody(call.options));
  return printPull(call);
}

async function closePull(call: LocalCall<AsOption & BodyOptions>): Promise<number> {
  const forge = await openForge(call);
  const pull = await forge.getPullRequest(repoOf(call), numberOf(call));
  const body = readBody(call.options);
  if (body !== undefined) await forge.createComment(repoOf(call), pull.number, body);
  await forge.closePullRequest(repoOf(call), pull.number);
  return printPull(call);
}

async function editPull(call: LocalCall<EditOptions>): Promise<number> {
  await (await openForge(call)).editPullRequest(repoOf(call), numberOf(call), toEdit(call.options));
  return printPull(call);
}

/** After a change: the pull request as it is now, one line for people. */
async function printPull(call: LocalCall<AsOption>): Promise<number> {
  const view = await getView(call);
  print(call, view, renderList([view]));
  return 0;
}
