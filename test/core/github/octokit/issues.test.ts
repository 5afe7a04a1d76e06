import { afterEach, describe, expect, it } from 'vitest';
import { codeOf } from '../../../contract/github.ts';
import { openScripted, type Script, type Scripted, type ScriptedGitHub } from './scripted-github.ts';

const AT = '2026-01-02T03:00:00Z';
const ISSUE = 'GET /repos/acme/shop/issues/3';
const CLOSE = 'PATCH /repos/acme/shop/issues/3';
const LABEL = 'POST /repos/acme/shop/issues/3/labels';
const WAITS = 'GET /repos/acme/shop/issues/3/dependencies/blocked_by';

let github: ScriptedGitHub | undefined;
afterEach(async () => {
  await github?.close();
  github = undefined;
});

const open = async (script: Script) => {
  github = await openScripted({ 'GET /user': { body: { id: 7, login: 'ada' } }, ...script });
  return github.forge;
};
const writes = () => github?.asked.filter(({ what }) => !what.startsWith('GET') && what !== 'POST /graphql').map(({ what }) => what);

function issue(changes: Record<string, unknown> = {}): Scripted {
  const people = { user: { id: 7, login: 'ada' }, assignees: [], labels: [{ name: 'Bug' }] };
  const place = { id: 1003, number: 3, repository_url: 'https://api.github.com/repos/acme/shop' };
  const times = { created_at: AT, updated_at: AT, closed_at: null };
  return { body: { ...place, title: 'Tax', body: 'x', state: 'open', state_reason: null, ...people, ...times, ...changes } };
}
const missing: Scripted = { status: 404, body: { message: 'Not Found' } };

describe('an issue that was moved', () => {
  const elsewhere = { repository_url: 'https://api.github.com/repos/acme/store' };

  it.each<[string, Script]>([
    ['under another number', { [ISSUE]: issue({ ...elsewhere, number: 4 }) }],
    ['under the same number', { [ISSUE]: issue(elsewhere), 'GET /repos/acme/shop': { body: { full_name: 'acme/shop' } } }],
  ])('%s is not the one that was asked for', async (_, script) => {
    const forge = await open(script);
    expect(await codeOf(forge.closeIssue('acme/shop', 3, 'completed'))).toBe('not_found');
    expect(writes()).toEqual([]);
  });

  it('with its whole repository is', async () => {
    const forge = await open({
      [ISSUE]: issue(elsewhere),
      'GET /repos/acme/shop': { body: { full_name: 'acme/store' } },
      [CLOSE]: issue(),
    });
    await forge.closeIssue('acme/shop', 3, 'completed');
    expect(writes()).toEqual([CLOSE]);
  });
});

describe('what a person did already', () => {
  it('is left as it is', async () => {
    const forge = await open({ [ISSUE]: [issue({ state: 'closed', state_reason: 'not_planned' }), issue(), issue()] });
    await forge.closeIssue('acme/shop', 3, 'completed');
    await forge.reopenIssue('acme/shop', 3);
    await forge.removeLabel('acme/shop', 3, 'ready');
    expect(writes()).toEqual([]);
  });

  it('is no failure of a label that is taken off', async () => {
    const forge = await open({ [ISSUE]: issue() });
    await forge.removeLabel('acme/shop', 3, 'bug');
    expect(writes()).toEqual(['DELETE /repos/acme/shop/issues/3/labels/Bug']);
  });
});

describe('a pull request', () => {
  it('is never closed as an issue', async () => {
    const forge = await open({ [ISSUE]: issue({ pull_request: { url: 'x' } }) });
    expect(await codeOf(forge.closeIssue('acme/shop', 3, 'completed'))).toBe('not_found');
    expect(writes()).toEqual([]);
  });
});

describe('a label that we put on', () => {
  const event = (id: string, login: string, databaseId: number, label = 'Ready') => ({
    __typename: 'LabeledEvent',
    id,
    createdAt: AT,
    label: { name: label },
    actor: { __typename: 'User', login, databaseId },
  });
  const labels = (names: string[], ...events: object[]): Scripted => {
    const thread = { __typename: 'Issue', labels: { nodes: names.map((name) => ({ name })) }, timelineItems: { nodes: events } };
    return { body: { data: { repository: { issueOrPullRequest: thread } } } };
  };
  const before = labels([], event('e1', 'ada', 7));
  const add = async (...answers: Scripted[]) =>
    (await open({ 'POST /graphql': answers, [LABEL]: { body: [] } })).addLabel('acme/shop', 3, 'ready');

  it('is told by its own event, never by an earlier one', async () => {
    expect(await add(before, before, labels(['Ready'], event('e1', 'ada', 7), event('e2', 'ada', 7)))).toEqual({ eventId: 'e2' });
    expect(github?.asked.find(({ what }) => what === LABEL)?.body).toEqual({ labels: ['ready'] });
  });

  it('is none when it was there, or somebody was faster', async () => {
    expect(await add(labels(['READY']))).toBeUndefined();
    expect(writes()).toEqual([]);
    await github?.close();
    expect(await add(before, labels(['Ready'], event('e1', 'ada', 7), event('e2', 'eve', 8)))).toBeUndefined();
  });

  it('has an unknown outcome while its event does not show, or cannot be read', async () => {
    expect(await codeOf(add(before))).toBe('unknown_outcome');
    expect(writes()).toEqual([LABEL]);
    await github?.close();
    const refused = { body: { data: { repository: null }, errors: [{ type: 'FORBIDDEN', message: 'no', path: ['repository'] }] } };
    expect(await codeOf(add(before, refused))).toBe('unknown_outcome');
  });

  it('is not put on when the labels cannot be read', async () => {
    const gone = {
      body: { data: { repository: { issueOrPullRequest: null } }, errors: [{ type: 'NOT_FOUND', message: 'no', path: ['x'] }] },
    };
    expect(await codeOf(add(gone))).toBe('not_found');
    expect(writes()).toEqual([]);
  });
});

describe('what an issue waits for', () => {
  it('may be in another repository', async () => {
    const other = issue({ number: 9, repository_url: 'https://api.github.com/repos/acme/tax', state: 'closed' });
    const forge = await open({ [WAITS]: { body: [other.body] } });
    const expected = new Map([[3, [{ repo: 'acme/tax', issue: 9, state: 'closed' }]]]);
    expect(await forge.listDependencies('acme/shop', [3])).toEqual(expected);
  });

  it('is nothing on a server that does not know', async () => {
    const forge = await open({ [WAITS]: missing, [ISSUE]: [issue(), missing] });
    expect(await forge.listDependencies('acme/shop', [3, 4])).toEqual(new Map());
    expect(await codeOf(forge.listDependencies('acme/shop', [3]))).toBe('not_found');
  });

  it('is linked by the id of the issue, once', async () => {
    const POST = 'POST /repos/acme/shop/issues/3/dependencies/blocked_by';
    const four = issue({ id: 1004, number: 4 });
    const refused: Scripted = { status: 422, body: { message: 'Validation Failed', errors: [{ code: 'custom', message: 'taken' }] } };
    const forge = await open({
      'GET /repos/acme/shop/issues/4': four,
      [WAITS]: [{ body: [] }, { body: [] }, { body: [four.body] }],
      [POST]: [{ status: 201, body: four.body }, refused],
    });
    await forge.addDependency('acme/shop', 3, 4);
    expect(github?.asked.find(({ what }) => what === POST)?.body).toEqual({ issue_id: 1004 });
    await forge.addDependency('acme/shop', 3, 4); // refused, because somebody was faster
    await forge.addDependency('acme/shop', 3, 4);
    expect(writes()).toEqual([POST, POST]);
    expect(await codeOf(forge.addDependency('acme/shop', 3, 3))).toBe('refused');
  });
});

describe('what GitHub would refuse', () => {
  it.each([
    ['a title of blanks', { title: ' ', body: '', labels: [] }],
    ['a title that is too long', { title: 'x'.repeat(257), body: '', labels: [] }],
    ['a text that is too long', { title: 'x', body: 'x'.repeat(65_537), labels: [] }],
    ['a label that is too long', { title: 'x', body: '', labels: ['x'.repeat(51)] }],
    ['a label of two lines', { title: 'x', body: '', labels: ['a\nb'] }],
  ])('%s is not sent', async (_, request) => {
    const forge = await open({});
    expect(await codeOf(forge.createIssue('acme/shop', request))).toBe('refused');
    expect(github?.asked).toEqual([]);
  });

  it('is counted in characters', async () => {
    const forge = await open({ 'POST /repos/acme/shop/issues': { status: 201, body: { number: 8 } } });
    expect(await forge.createIssue('acme/shop', { title: '\u{1f600}'.repeat(256), body: '', labels: [] })).toEqual({ number: 8 });
  });
});

it('an answer to a write that cannot be understood leaves it unknown', async () => {
  const forge = await open({ 'POST /repos/acme/shop/issues': { status: 201, body: { id: 8 } } });
  expect(await codeOf(forge.createIssue('acme/shop', { title: 'x', body: '', labels: [] }))).toBe('unknown_outcome');
});
