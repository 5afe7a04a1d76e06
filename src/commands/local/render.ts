/** Issues and pull requests for people and, as JSON documents, for programs (docs/contracts.md, "Local forge"). Pure. */
import type { CheckRun, Comment, Issue, PullRequest, Review } from '../../core/github/github.ts';
import { cleanLine, cleanText } from '../../core/text.ts';

interface CommentView {
  author: string;
  body: string;
  createdAt: string;
}

export interface IssueView {
  number: number;
  title: string;
  body: string;
  state: Issue['state'];
  stateReason: 'completed' | 'not_planned' | null;
  labels: string[];
  author: string;
  comments: CommentView[];
}

export interface PullView {
  number: number;
  title: string;
  body: string;
  state: PullRequest['state'];
  base: string;
  head: string;
  headSha: string;
  mergeSha: string | null;
  labels: string[];
  checks: { name: string; state: CheckRun['state']; sha: string }[];
  reviews: (CommentView & { state: Review['state']; sha: string })[];
  comments: CommentView[];
}

export function toIssueView(issue: Issue, comments: readonly Comment[]): IssueView {
  const { number, title, body, state, labels } = issue;
  return {
    number,
    title,
    body,
    state,
    stateReason: issue.stateReason ?? null,
    labels,
    author: issue.author.login,
    comments: comments.map(toCommentView),
  };
}

export interface PullParts {
  checks: readonly CheckRun[];
  reviews: readonly Review[];
  comments: readonly Comment[];
}

export function toPullView(pull: PullRequest, parts: PullParts): PullView {
  const { number, title, body, state, base, head, headSha, labels } = pull;
  return {
    number,
    title,
    body,
    state,
    base,
    head,
    headSha,
    mergeSha: pull.mergeSha ?? null,
    labels,
    checks: parts.checks.map((check) => ({ name: check.name, state: check.state, sha: check.sha })),
    reviews: parts.reviews.map((review) => ({
      author: review.author.login,
      state: review.state,
      sha: review.sha,
      body: review.body,
      createdAt: review.at,
    })),
    comments: parts.comments.map(toCommentView),
  };
}

function toCommentView({ author, body, createdAt }: Comment): CommentView {
  return { author: author.login, body, createdAt };
}

/** `#12 open   Show the total  [ready, bug]`, a line for each. */
export function renderList(views: readonly (IssueView | PullView)[]): string {
  return views
    .map(({ number, state, title, labels }) => {
      const tags = labels.length === 0 ? '' : `  [${labels.map((label) => cleanLine(label)).join(', ')}]`;
      return `#${number} ${state.padEnd(6)} ${cleanLine(title, 256)}${tags}\n`;
    })
    .join('');
}

export function renderIssue(issue: IssueView): string {
  const state = issue.stateReason === null ? issue.state : `${issue.state} (${issue.stateReason.replace('_', ' ')})`;
  const facts = [`${state}, by ${issue.author}`, ...renderLabels(issue.labels)];
  return renderThread(issue, facts, issue.comments.map(renderComment));
}

export function renderPull(pull: PullView): string {
  const merged = pull.mergeSha === null ? '' : ` as ${pull.mergeSha}`;
  const facts = [
    `${pull.state}${merged}: ${pull.head} into ${pull.base}`,
    `head ${pull.headSha}`,
    ...renderLabels(pull.labels),
    ...pull.checks.map((check) => `check ${check.state.padEnd(7)} ${cleanLine(check.name)}`),
  ];
  const reviews = pull.reviews.map((review) =>
    renderEntry(`${review.author} ${review.state.replace('_', ' ')} ${review.sha.slice(0, 12)}, ${review.createdAt}`, review.body),
  );
  return renderThread(pull, facts, [...reviews, ...pull.comments.map(renderComment)]);
}

function renderLabels(labels: readonly string[]): string[] {
  return labels.length === 0 ? [] : [`labels: ${labels.map((label) => cleanLine(label)).join(', ')}`];
}

function renderThread(
  thread: { number: number; title: string; body: string },
  facts: readonly string[],
  entries: readonly string[],
): string {
  const body = cleanText(thread.body).trim();
  const head = [`#${thread.number} ${cleanLine(thread.title, 256)}`, ...facts].join('\n');
  return `${[head, ...(body === '' ? [] : [body]), ...entries].join('\n\n')}\n`;
}

function renderComment({ author, body, createdAt }: CommentView): string {
  return renderEntry(`${author}, ${createdAt}`, body);
}

function renderEntry(heading: string, body: string): string {
  const text = cleanText(body).trim();
  return `--- ${heading}${text === '' ? '' : `\n${text}`}`;
}
