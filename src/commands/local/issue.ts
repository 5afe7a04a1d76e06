/** `agentos local issue …`: what people do with issues, on the local forge. */
import { type Command, Option } from 'commander';
import type { Issue } from '../../core/github/github.ts';
import type { LocalForge } from '../../core/github/local/forge.ts';
import type { ThreadEdit } from '../../core/github/local/issues.ts';
import { type IssueView, renderIssue, renderList, toIssueView } from './render.ts';
import {
  type AsOption,
  addAs,
  addBody,
  type BodyOptions,
  collect,
  type LocalCall,
  type LocalTools,
  numberOf,
  openForge,
  print,
  readBody,
  repoOf,
  requireBody,
} from './tools.ts';

interface CreateOptions extends AsOption, BodyOptions {
  title: string;
  label?: string[];
}

export interface EditOptions extends AsOption, BodyOptions {
  title?: string;
  addLabel?: string[];
  removeLabel?: string[];
}

export function registerIssues(local: Command, tools: LocalTools): void {
  const issue = local.command('issue').summary('issues').description('Issues of a repository on the local forge.');
  const create = issue.command('create <repo>').summary('file an issue').description('Files an issue and prints its number.');
  create.requiredOption('--title <T>', 'its title').option('--label <L>', 'a label (repeatable)', collect);
  addAs(addBody(create)).action(tools.action(createIssue));
  issue
    .command('list <repo>')
    .summary('issues, oldest first')
    .description('Lists issues, oldest first.')
    .addOption(new Option('--state <STATE>', 'which').choices(['open', 'closed', 'all']).default('open'))
    .action(tools.action(listIssues));
  addEditOptions(issue.command('edit <repo> <number>').summary('change title, text, labels')).action(tools.action(editIssue));
  issue.command('view <repo> <number>').summary('one issue with its comments').action(tools.action(viewIssue));
  addAs(addBody(issue.command('comment <repo> <number>').summary('write a comment'))).action(tools.action(commentIssue));
  addAs(addBody(issue.command('close <repo> <number>').summary('close it, with a comment if a text is given'))).action(
    tools.action(closeIssue),
  );
  addAs(addBody(issue.command('reopen <repo> <number>').summary('reopen it, with a comment if a text is given'))).action(
    tools.action(reopenIssue),
  );
}

/** The options of `issue edit` and `pr edit`. */
export function addEditOptions(command: Command): Command {
  command.option('--title <T>', 'the new title').option('--add-label <L>', 'put a label on (repeatable)', collect);
  return addAs(addBody(command.option('--remove-label <L>', 'take a label off (repeatable)', collect)));
}

export function toEdit(options: EditOptions): ThreadEdit {
  const body = readBody(options);
  return {
    ...(options.title !== undefined && { title: options.title }),
    ...(body !== undefined && { body }),
    ...(options.addLabel && { addLabels: options.addLabel }),
    ...(options.removeLabel && { removeLabels: options.removeLabel }),
  };
}

async function createIssue(call: LocalCall<CreateOptions>): Promise<number> {
  const repo = repoOf(call);
  const forge = await openForge(call);
  const labels = call.options.label ?? [];
  const { number } = await forge.createIssue(repo, { title: call.options.title, body: readBody(call.options) ?? '', labels });
  if (labels.length > 0 && (await forge.getIssue(repo, number)).labels.length === 0) {
    call.out.note(`\`${call.options.as ?? 'operator'}\` may not label in ${repo}: the labels were dropped, as on GitHub`);
  }
  print(call, { number }, `${number}\n`);
  return 0;
}

async function listIssues(call: LocalCall<AsOption & { state: 'open' | 'closed' | 'all' }>): Promise<number> {
  const repo = repoOf(call);
  const forge = await openForge(call);
  const views: IssueView[] = [];
  for (const issue of await forge.listIssues(repo, { state: call.options.state })) views.push(await toView(forge, repo, issue));
  print(call, views, renderList(views));
  return 0;
}

async function viewIssue(call: LocalCall<AsOption>): Promise<number> {
  const repo = repoOf(call);
  const forge = await openForge(call);
  const view = await toView(forge, repo, await forge.getIssue(repo, numberOf(call)));
  print(call, view, renderIssue(view));
  return 0;
}

async function toView(forge: LocalForge, repo: string, issue: Issue): Promise<IssueView> {
  return toIssueView(issue, await forge.listComments(repo, issue.number));
}

async function editIssue(call: LocalCall<EditOptions>): Promise<number> {
  await (await openForge(call)).editIssue(repoOf(call), numberOf(call), toEdit(call.options));
  return printIssue(call);
}

async function commentIssue(call: LocalCall<AsOption & BodyOptions>): Promise<number> {
  const forge = await openForge(call);
  await forge.getIssue(repoOf(call), numberOf(call));
  await forge.createComment(repoOf(call), numberOf(call), requireBody(call.options));
  return printIssue(call);
}

async function closeIssue(call: LocalCall<AsOption & BodyOptions>): Promise<number> {
  const forge = await openForge(call);
  await forge.getIssue(repoOf(call), numberOf(call));
  const body = readBody(call.options);
  if (body !== undefined) await forge.createComment(repoOf(call), numberOf(call), body);
  await forge.closeIssue(repoOf(call), numberOf(call), 'completed');
  return printIssue(call);
}

async function reopenIssue(call: LocalCall<AsOption & BodyOptions>): Promise<number> {
  const forge = await openForge(call);
  await forge.getIssue(repoOf(call), numberOf(call));
  const body = readBody(call.options);
  await forge.reopenIssue(repoOf(call), numberOf(call));
  if (body !== undefined) await forge.createComment(repoOf(call), numberOf(call), body);
  return printIssue(call);
}

/** After a change: the issue as it is now, one line for people. */
async function printIssue(call: LocalCall<AsOption>): Promise<number> {
  const forge = await openForge(call);
  const view = await toView(forge, repoOf(call), await forge.getIssue(repoOf(call), numberOf(call)));
  print(call, view, renderList([view]));
  return 0;
}
