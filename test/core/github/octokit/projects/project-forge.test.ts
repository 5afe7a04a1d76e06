/** A column of a project in the place of the label `ready`, over the test GitHub. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEffects } from '../../../../../src/core/effects/journal.ts';
import { askReadiness } from '../../../../../src/core/github/ask-readiness.ts';
import type { GitHub, IssueView } from '../../../../../src/core/github/github.ts';
import { isEditedSinceReady } from '../../../../../src/core/github/readiness.ts';
import { COLUMN, openProjects, type ProjectsHarness, REPO } from './projects-harness.ts';

const LABEL = COLUMN.label;
let world: ProjectsHarness;
let forge: GitHub;

beforeEach(async () => {
  world = await openProjects();
  forge = world.open({ column: COLUMN });
});
afterEach(() => world.close());

const find = async (): Promise<IssueView[]> => {
  const found = (await forge.findIssues([{ repo: REPO, labels: [LABEL, 'agentos:queued'], also: [] }])).get(REPO);
  if (!Array.isArray(found)) throw found;
  return found;
};
const judge = async (view: IssueView, trusted: 'write' | string[] = 'write') => {
  const effects = openEffects({ root: `${world.dir}/effects`, clock: { now: () => new Date() }, consistentReads: false });
  const repo = { name: REPO, trusted, ready: { label: LABEL } } as Parameters<typeof askReadiness>[1];
  return askReadiness({ forge, effects, pins: `${world.dir}/pins` }, repo, view);
};
const requests = () => world.server.requests.length;

describe('the column that makes issues Ready', () => {
  it('gives the issue the label and its event, in the list and by itself, and takes no other issue', async () => {
    world.card('Todo');
    const ready = world.card('Ready');
    world.card(null);
    const views = await find();
    expect(views.map(({ issue }) => issue.number)).toEqual([ready]);
    const at = '2026-11-22T09:02:00Z';
    const event = { kind: 'labeled', label: LABEL, at, n: Date.parse(at) / 1000, actor: { login: 'owner' } };
    expect(views[0]?.issue.labels).toEqual([LABEL]);
    expect(views[0]?.events).toMatchObject([event]);
    expect(await forge.viewIssue(REPO, ready)).toEqual(views[0]);
    expect((await forge.listIssues(REPO, { state: 'open', anyLabel: (name) => name === LABEL })).map(({ number }) => number)).toEqual([
      ready,
    ]);
    expect(await judge(views[0] as IssueView)).toMatchObject({ ready: true, by: { login: 'owner' }, at, n: event.n });
  });

  it.each([
    ['triager', 'untrusted'],
    ['stranger', 'untrusted'],
    ['github-project-automation[bot]', 'untrusted'],
  ])('is not believed when %s moved the card', async (login, why) => {
    world.card('Ready', login);
    const [view] = await find();
    expect(await judge(view as IssueView)).toMatchObject({ ready: false, why, by: { login } });
  });

  it('is not believed where GitHub names nobody', async () => {
    world.server.createUser('leaver');
    world.server.addCollaborator(REPO, 'leaver', 'write');
    const number = world.card('Ready', 'leaver');
    world.server.deleteUser('leaver');
    const [view] = await find();
    expect(view?.events[0]).not.toHaveProperty('actor');
    expect(await judge(view as IssueView)).toMatchObject({
      ready: false,
      why: 'no_event',
      reason: `nobody is known to have set \`${LABEL}\`; move the card out and in again`,
    });
    world.server.advance(60);
    world.move(number, 'Todo');
    world.move(number, 'Ready');
    expect(await judge(await forge.viewIssue(REPO, number))).toMatchObject({ ready: true });
  });

  it('is void after an edit, until the card is moved in again, which makes another task', async () => {
    const number = world.card('Ready');
    const first = await judge(await forge.viewIssue(REPO, number));
    world.server.advance(60);
    world.server.as('owner').edit(REPO, number, 'Something else.');
    expect(await judge((await find())[0] as IssueView)).toMatchObject({ ready: false, why: 'edited' });
    world.server.advance(60);
    world.move(number, 'Todo');
    expect(await find()).toEqual([]);
    expect((await forge.getIssue(REPO, number)).labels).toEqual([]);
    world.move(number, 'Ready');
    const view = await forge.viewIssue(REPO, number);
    expect(isEditedSinceReady(view.events, LABEL)).toBe(false);
    const again = await judge(view);
    expect(again).toMatchObject({ ready: true });
    if (first.ready && again.ready) expect(again.n).toBe(first.n + 120);
  });

  it('is no label: one of that name, put on by anybody, counts for nothing', async () => {
    const number = world.card('Todo');
    world.server.as('triager').label(REPO, number, LABEL, 'agentos:queued');
    const [view] = await find();
    expect(view?.issue.labels).toEqual(['agentos:queued']);
    expect(view?.events).toMatchObject([{ kind: 'labeled', label: 'agentos:queued' }]);
    expect(await forge.viewIssue(REPO, number)).toEqual(view);
  });

  it('is left by taking the label off: the value goes, or the card goes where what is done stands', async () => {
    const [first, second] = [world.card('Ready'), world.card('Ready')];
    await forge.removeLabel(REPO, first, LABEL);
    expect(await forge.findBoardStatus(REPO, first, COLUMN)).toEqual({ onBoard: true });
    forge = world.open({ column: { ...COLUMN, done: 'Done' } });
    await forge.removeLabel(REPO, second, LABEL);
    expect(await forge.findBoardStatus(REPO, second, COLUMN)).toEqual({ onBoard: true, value: 'Done' });
    await forge.removeLabel(REPO, second, LABEL);
    expect(await find()).toEqual([]);
  });

  it('is for people alone', async () => {
    const number = world.card('Todo');
    await expect(forge.addLabel(REPO, number, LABEL)).rejects.toMatchObject({ code: 'refused' });
    await expect(forge.createIssue(REPO, { title: 'x', body: '', labels: [LABEL] })).rejects.toMatchObject({ code: 'refused' });
    expect(await forge.addLabel(REPO, number, 'prio:high')).toHaveProperty('eventId');
  });
});

describe('what is on the board', () => {
  it('is read to its end, without cards of other repositories, drafts and archived ones', async () => {
    const { store } = world.server;
    const project = store.project(store.findUser('acme')?.id ?? 0, 1);
    world.server.createRepo('acme/other', { collaborators: { owner: 'admin' } });
    for (let n = 0; n < 3; n++) {
      const number = world.server.as('owner').openIssue('acme/other', { title: 'x' });
      world.server.as('owner').moveCard('acme/other', number, { project: 1, field: 'Status', value: 'Ready' });
    }
    const numbers = Array.from({ length: 150 }, () => world.card('Ready'));
    const last = project?.items.at(-1);
    if (project && last) {
      project.items.splice(40, 0, { ...structuredClone(last), ...store.newIds('PVTI'), issueId: 0 });
      last.archived = true;
    }
    expect((await find()).map(({ issue }) => issue.number)).toEqual(numbers.slice(0, -1));
    expect((await forge.getIssue(REPO, numbers.at(-1) ?? 0)).labels).toEqual([]);
  });

  it('costs an idle pass no request of its own', async () => {
    world.card('Ready');
    world.card('Todo');
    world.server.advance(60);
    await find();
    const before = { requests: requests(), points: forge.spent.points };
    expect(await find()).toHaveLength(1);
    expect(requests() - before.requests).toBe(1);
    expect(forge.spent.points - before.points).toBe(1);
  });

  it('shows a card that moved although the issue did not change, without reading the issue again', async () => {
    const number = world.card('Ready');
    world.server.advance(60);
    await find();
    world.move(number, 'Todo');
    world.server.advance(60);
    world.move(number, 'Ready', 'stranger');
    const before = requests();
    expect((await find())[0]?.events).toMatchObject([{ at: world.server.store.now, actor: { login: 'stranger' } }]);
    expect(requests() - before).toBe(1);
  });

  it('is an error where column, field or project is not there, and names those that are', async () => {
    const number = world.card('Ready');
    const { store } = world.server;
    const project = store.project(store.findUser('acme')?.id ?? 0, 1);
    const field = project?.fields.find(({ name }) => name === 'Status');
    const option = field?.options.find(({ name }) => name === 'Ready');
    if (!project || !field || !option) throw new Error('no field');
    option.name = 'Go';
    await expect(find()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/no value `Ready`; it has `Todo`, `Go`/),
    });
    await expect(forge.viewIssue(REPO, number)).rejects.toMatchObject({ code: 'refused' });
    field.name = 'Stage';
    await expect(find()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/no single-select field `Status`; it has `Stage`/),
    });
    forge = world.open({ column: { ...COLUMN, project: 7 } });
    await expect(find()).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('project 7 of `acme`') });
    forge = world.open({ column: COLUMN, scopes: ['repo'] });
    await expect(find()).rejects.toMatchObject({ code: 'refused', hint: expect.stringContaining('scope `project`') });
  });

  it('has its part in the stamp of a pull request', async () => {
    const number = world.card('Ready');
    world.server.as('owner').push(REPO, 'work', { 'a.txt': 'a\n' });
    const pull = world.server.as('owner').openPull(REPO, { title: 'Work', head: 'work' });
    const asked = [{ repo: REPO, pull, issue: number }];
    await forge.getPullRequest(REPO, pull);
    await forge.getPullRequest(REPO, pull);
    const stamp = async () => (await forge.stampPullRequests(asked)).get(`${REPO}#${pull}`);
    const first = await stamp();
    expect(first).toBeDefined();
    expect(await stamp()).toBe(first);
    world.move(number, 'Todo');
    expect(await stamp()).not.toBe(first);
    forge = world.open({ column: { ...COLUMN, field: 'Stage' } });
    expect(await stamp()).toBeUndefined();
  });
});
