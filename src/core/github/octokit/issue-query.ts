/**
 * What is asked of GitHub about issues, as GraphQL. Two shapes: the list, which
 * has one connection per repository and so costs one point for a hundred of
 * them; and the view, an issue with its whole timeline, four connections each,
 * for what is new or has changed. Names and labels go in as variables; numbers
 * alone are written into the text. Pure.
 */

/** Nodes of one page, as GitHub counts and limits them. */
export const PAGE_SIZE = 100;

/** GraphQL's `Int`; a larger number names no issue. */
const INT_MAX = 2 ** 31 - 1;

/** Whether a number can be asked for. */
export function isIssueNumber(number: number): boolean {
  return Number.isInteger(number) && number > 0 && number <= INT_MAX;
}

/** The connections of a view, each with what its nodes are asked for. */
const CONNECTIONS = {
  assignees: { args: 'first: 20', nodes: 'login' },
  labels: { args: `first: ${PAGE_SIZE}`, nodes: 'name' },
  userContentEdits: { args: `first: ${PAGE_SIZE}`, nodes: 'id editedAt editor { ...Account }' },
  timelineItems: {
    args: `first: ${PAGE_SIZE}, itemTypes: [LABELED_EVENT, UNLABELED_EVENT, RENAMED_TITLE_EVENT, CLOSED_EVENT, REOPENED_EVENT]`,
    nodes: `__typename
      ... on LabeledEvent { id createdAt actor { ...Account } label { name } }
      ... on UnlabeledEvent { id createdAt actor { ...Account } label { name } }
      ... on RenamedTitleEvent { id createdAt actor { ...Account } previousTitle currentTitle }
      ... on ClosedEvent { id createdAt actor { ...Account } stateReason }
      ... on ReopenedEvent { id createdAt actor { ...Account } }`,
  },
} as const;

export type ConnectionName = keyof typeof CONNECTIONS;
export const CONNECTION_NAMES = Object.keys(CONNECTIONS) as ConnectionName[];

export const ACCOUNT = `fragment Account on Actor {
  __typename
  login
  ... on User { databaseId }
  ... on Bot { databaseId }
  ... on Mannequin { databaseId }
  ... on Organization { databaseId }
}`;

/** Fragments of an issue with its timeline, `...View`: four connections. */
const ISSUE_VIEW = `fragment View on Issue {
  id
  number
  repository { nameWithOwner }
  title
  body
  state
  stateReason
  createdAt
  updatedAt
  closedAt
  lastEditedAt
  isPinned
  author { ...Account }
  editor { ...Account }
  ${CONNECTION_NAMES.map((name) => connection(name)).join('\n  ')}
}
${ACCOUNT}`;

export const RATE_LIMIT = 'rateLimit { cost remaining resetAt }';

/** A GraphQL text and its variables. */
export interface Query {
  text: string;
  variables: Record<string, unknown>;
}

/** What is asked of one repository in a list; aliases in the answer are `r0`, `r1`, … in order, and `i<number>`. */
export interface ListPart {
  repo: string;
  /** One page of the issues with any of these labels; absent where only `also` is asked. */
  list?: { labels: readonly string[]; after?: string };
  also: readonly number[];
}

/** What goes along with a list: further fields of the query, their variables by name, and fragments. */
export interface Rider {
  fields: string;
  variables: readonly { name: string; type: string; value: unknown }[];
  fragments: string;
}

/** Who we are, and of every repository one page of its list: numbers and update times, newest update first. */
export function listQuery(parts: readonly ListPart[], rider?: Rider): Query {
  const names = nameRepositories(parts);
  const bodies = parts.map(({ list, also }, at) => {
    if (list) names.add(`l${at}`, '[String!]', list.labels);
    if (list?.after !== undefined) names.add(`a${at}`, 'String', list.after);
    const after = list?.after === undefined ? '' : `, after: $a${at}`;
    const page = `issues(labels: $l${at}, first: ${PAGE_SIZE}${after}, orderBy: {field: UPDATED_AT, direction: DESC}) {
      totalCount pageInfo { hasNextPage endCursor } nodes { number updatedAt } }`;
    const single = also.map((number) => `i${number}: issue(number: ${number}) { number updatedAt repository { nameWithOwner } }`);
    return `nameWithOwner isArchived ${list ? page : ''}\n    ${single.join('\n    ')}`;
  });
  for (const { name, type, value } of rider?.variables ?? []) names.add(name, type, value);
  const { text, variables } = names.query('Tick', `viewer { login databaseId }\n  ${RATE_LIMIT}\n  ${rider?.fields ?? ''}`, bodies);
  return { text: rider ? `${text}\n${rider.fragments}` : text, variables };
}

/** Whole issues; aliases as in `listQuery`. */
export function viewQuery(parts: readonly { repo: string; numbers: readonly number[] }[]): Query {
  const bodies = parts.map(({ numbers }) =>
    ['nameWithOwner', ...numbers.map((number) => `i${number}: issue(number: ${number}) { ...View }`)].join('\n    '),
  );
  const { text, variables } = nameRepositories(parts).query('Views', RATE_LIMIT, bodies);
  return { text: `${text}\n${ISSUE_VIEW}`, variables };
}

/** The next page of these connections of one issue, by its node id, as `node`; with the update time that the pages must share. */
export function restQuery(id: string, after: Partial<Record<ConnectionName, string>>): Query {
  const names = CONNECTION_NAMES.filter((name) => after[name] !== undefined);
  const variables = Object.fromEntries(names.map((name) => [name, after[name]]));
  const uses = names.some((name) => CONNECTIONS[name].nodes.includes('...Account'));
  const text = `query Rest($id: ID!, ${names.map((name) => `$${name}: String`).join(', ')}) {
  ${RATE_LIMIT}
  node(id: $id) { ... on Issue { updatedAt
    ${names.map((name) => connection(name, `after: $${name}, `)).join('\n    ')} } }
}${uses ? `\n${ACCOUNT}` : ''}`;
  return { text, variables: { id, ...variables } };
}

/** What the PR monitor's decision depends on, without a connection. Aliases: `r0`, `r1`, …, and `p<number>`, `i<number>`. */
export function stampQuery(parts: readonly { repo: string; pulls: readonly number[]; issues: readonly number[] }[]): Query {
  const bodies = parts.map(({ pulls, issues }) =>
    [
      'nameWithOwner',
      ...pulls.map((number) => `p${number}: pullRequest(number: ${number}) { ...Stamp }`),
      ...issues.map((number) => `i${number}: issue(number: ${number}) { number updatedAt state }`),
    ].join('\n    '),
  );
  const { text, variables } = nameRepositories(parts).query('Stamps', RATE_LIMIT, bodies);
  const stamp = `fragment Stamp on PullRequest {
  number
  state
  updatedAt
  headRefOid
  mergeable
  isDraft
  baseRef { name target { oid } }
  statusCheckRollup { state }
  reviewDecision
}`;
  return { text: `${text}\n${stamp}`, variables };
}

function connection(name: ConnectionName, after = ''): string {
  const { args, nodes } = CONNECTIONS[name];
  return `${name}(${after}${args}) { pageInfo { hasNextPage endCursor } nodes { ${nodes} } }`;
}

/** Collects variables; every repository becomes `r<n>: repository(owner: $o<n>, name: $n<n>)`. */
function nameRepositories(parts: readonly { repo: string }[]) {
  const types: string[] = [];
  const variables: Record<string, unknown> = {};
  const add = (name: string, type: string, value: unknown) => {
    types.push(`$${name}: ${type}!`);
    variables[name] = value;
  };
  for (const [at, { repo }] of parts.entries()) {
    const slash = repo.indexOf('/');
    add(`o${at}`, 'String', repo.slice(0, slash));
    add(`n${at}`, 'String', repo.slice(slash + 1));
  }
  const query = (name: string, head: string, bodies: readonly string[]): Query => {
    const repositories = bodies.map((body, at) => `r${at}: repository(owner: $o${at}, name: $n${at}) {\n    ${body}\n  }`);
    return { text: `query ${name}(${types.join(', ')}) {\n  ${head}\n  ${repositories.join('\n  ')}\n}`, variables };
  };
  return { add, query };
}
