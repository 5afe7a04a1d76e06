import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Site } from '../call.ts';
import { addComment, addSubIssue, closeIssue, editBody, removeLabel, renameIssue, reopenIssue } from '../issue-changes.ts';
import type { Label } from '../records.ts';
import { renderComment, renderIssue, renderTimeline } from '../render/issues.ts';
import { renderLabel, renderRepo } from '../render/repositories.ts';
import { type Harness, startHarness, viewerOf } from './harness.ts';

let github: Harness;
beforeEach(() => {
  github = startHarness();
});
afterEach(() => {
  github.remove();
});

/** REST's view of the same store. */
const SITE = (): Site => ({
  ...{ store: github.store, url: 'http://127.0.0.1:1', apiUrl: 'http://127.0.0.1:1/api/v3' },
  settings: { mergeableAfterReads: 1, mergeAsync: true, asyncPolls: 1 },
});

describe('issues', () => {
  it('finds those with one of the labels, whatever the case', async () => {
    github.addIssue('a', ['Agent:Go']);
    github.addIssue('b', ['other']);
    github.addIssue('c', ['agent:stop', 'other']);
    const query = `query($labels: [String!]) { repository(owner: "ann", name: "widgets") { issues(first: 9, labels: $labels) { nodes { number } } } }`;
    const data = await github.read(query, { labels: ['agent:go', 'AGENT:STOP'] });
    expect(data.repository.issues.nodes).toEqual([{ number: 1 }, { number: 3 }]);
  });

  it('shows the timeline with the ids of the events, oldest first', async () => {
    const issue = github.addIssue('before', ['go']);
    const by = github.reader.id;
    const steps = [
      () => removeLabel(github.store, github.repo, issue, by, 'go'),
      () => renameIssue(github.store, issue, by, 'after'),
      () => closeIssue(github.store, issue, by, 'not_planned'),
      () => reopenIssue(github.store, issue, by),
    ];
    for (const step of steps) {
      github.store.advance(60);
      step();
    }
    const types = '[LABELED_EVENT, UNLABELED_EVENT, RENAMED_TITLE_EVENT, CLOSED_EVENT, REOPENED_EVENT]';
    const data = await github.read(`{ repository(owner: "ann", name: "widgets") { issue(number: 1) {
      timelineItems(first: 50, itemTypes: ${types}) { totalCount nodes {
        __typename ... on Node { id }
        ... on LabeledEvent { createdAt label { name } actor { login ... on User { databaseId } } }
        ... on UnlabeledEvent { label { name } }
        ... on RenamedTitleEvent { previousTitle currentTitle }
        ... on ClosedEvent { stateReason }
        ... on ReopenedEvent { actor { login } }
      } }
      renames: timelineItems(last: 1, itemTypes: [RENAMED_TITLE_EVENT]) { nodes { __typename } } } } }`);
    const { nodes } = data.repository.issue.timelineItems;
    const rest = renderTimeline(SITE(), github.repo, issue).map((event) => event['node_id']);
    expect(nodes.map(({ id }: { id: string }) => id)).toEqual(rest);
    expect(nodes).toMatchObject([
      { __typename: 'LabeledEvent', label: { name: 'go' }, actor: { login: 'Ann', databaseId: github.owner.id } },
      { __typename: 'UnlabeledEvent', label: { name: 'go' } },
      { __typename: 'RenamedTitleEvent', previousTitle: 'before', currentTitle: 'after' },
      { __typename: 'ClosedEvent', stateReason: 'NOT_PLANNED' },
      { __typename: 'ReopenedEvent', actor: { login: 'rob' } },
    ]);
    expect(data.repository.issue.renames.nodes).toEqual([{ __typename: 'RenamedTitleEvent' }]);
    const again = await github.read(`{ node(id: "${issue.events[0]?.nodeId}") { __typename ... on LabeledEvent { label { name } } } }`);
    expect(again.node).toEqual({ __typename: 'LabeledEvent', label: { name: 'go' } });
  });

  it('tells every edit of a body, newest first, and the text it began with', async () => {
    const issue = github.addIssue('x');
    for (const text of ['second', 'third']) {
      github.store.advance(60);
      editBody(github.store, issue, github.reader.id, text);
    }
    const data = await github.read(`{ repository(owner: "ann", name: "widgets") { issue(number: 1) {
      body lastEditedAt includesCreatedEdit editor { login } userContentEdits(first: 10) { totalCount nodes { editedAt diff editor { login } } } } } }`);
    expect(data.repository.issue).toEqual({
      ...{ body: 'third', lastEditedAt: '2026-01-01T00:03:00Z', includesCreatedEdit: true, editor: { login: 'rob' } },
      userContentEdits: {
        totalCount: 3,
        nodes: [
          { editedAt: '2026-01-01T00:03:00Z', diff: 'third', editor: { login: 'rob' } },
          { editedAt: '2026-01-01T00:02:00Z', diff: 'second', editor: { login: 'rob' } },
          { editedAt: '2026-01-01T00:01:00Z', diff: 'body of x', editor: { login: 'Ann' } },
        ],
      },
    });
  });

  it('has the ids and addresses of REST', async () => {
    const issue = github.addIssue('x', ['go']);
    addComment(github.store, issue, { userId: github.owner.id }, 'hello');
    const rest = renderIssue(SITE(), github.repo, issue);
    const query = `{ repository(owner: "ann", name: "widgets") { id url issue(number: 1) { id fullDatabaseId url authorAssociation updatedAt
      comments(first: 1) { nodes { id url body } } labels(first: 1) { nodes { id } } } } }`;
    const { body } = await github.ask(query, {}, { url: SITE().url });
    const [comment] = issue.comments.map((one) => renderComment(SITE(), github.repo, issue, one));
    const label = renderLabel(SITE(), github.repo, github.repo.labels[0] as Label);
    const repo = renderRepo(SITE(), github.repo, github.viewer);
    expect(body.data).toEqual({
      repository: {
        ...{ id: repo['node_id'], url: repo['html_url'] },
        issue: {
          ...{ id: rest['node_id'], fullDatabaseId: String(rest['id']), url: rest['html_url'] },
          ...{ authorAssociation: rest['author_association'], updatedAt: rest['updated_at'] },
          comments: { nodes: [{ id: comment?.['node_id'], url: comment?.['html_url'], body: 'hello' }] },
          labels: { nodes: [{ id: label['node_id'] }] },
        },
      },
    });
  });

  it('knows parts and wholes', async () => {
    const [whole, part, other] = ['whole', 'part', 'other'].map((title) => github.addIssue(title));
    if (!whole || !part || !other) throw new Error('no issues');
    addSubIssue(github.store, whole, part);
    addSubIssue(github.store, whole, other);
    closeIssue(github.store, part, github.owner.id, 'completed');
    const data = await github.read(`{ repository(owner: "ann", name: "widgets") {
      whole: issue(number: 1) { parent { number } subIssues(first: 5) { nodes { number } } subIssuesSummary { total completed percentCompleted } }
      part: issue(number: 2) { parent { number } } } }`);
    expect(data.repository).toEqual({
      whole: {
        ...{ parent: null, subIssues: { nodes: [{ number: 2 }, { number: 3 }] } },
        subIssuesSummary: { total: 2, completed: 1, percentCompleted: 50 },
      },
      part: { parent: { number: 1 } },
    });
  });

  it('knows bots, and nobody where an account is gone', async () => {
    const bot = github.store.addUser('helper[bot]', 'Bot');
    const [one, two] = [github.addIssue('by a bot'), github.addIssue('by nobody')];
    one.authorId = bot.id;
    two.authorId = 999_999;
    const data = await github.read(`{ repository(owner: "ann", name: "widgets") { issues(first: 2) { nodes {
      author { __typename login ... on Bot { databaseId } } isPinned stateReason fullDatabaseId assignees(first: 1) { totalCount } } } } }`);
    expect(data.repository.issues.nodes).toEqual([
      {
        author: { __typename: 'Bot', login: 'helper', databaseId: bot.id },
        ...{ isPinned: false, stateReason: null, fullDatabaseId: String(one.id), assignees: { totalCount: 0 } },
      },
      { author: null, isPinned: false, stateReason: null, fullDatabaseId: String(two.id), assignees: { totalCount: 0 } },
    ]);
    const { body } = await github.ask('{ viewer { login databaseId } }', {}, { as: viewerOf(bot, { kind: 'installation' }) });
    expect(body.data).toEqual({ viewer: { login: 'helper[bot]', databaseId: bot.id } });
  });
});
