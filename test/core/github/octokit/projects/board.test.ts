/** Where a task stands, in a project of the test GitHub. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Effects } from '../../../../../src/core/effects/effects.ts';
import { openEffects } from '../../../../../src/core/effects/journal.ts';
import { AgentOsError } from '../../../../../src/core/errors.ts';
import type { Board, GitHub } from '../../../../../src/core/github/github.ts';
import { type Configured, readColumnProblems } from '../../../../../src/core/github/octokit/projects/board-access.ts';
import { projectBoard } from '../../../../../src/core/github/project-board.ts';
import { projectLetter, showLetter } from '../../../../../src/core/github/projection.ts';
import type { Tray } from '../../../../../src/core/mailbox/mailbox.ts';
import { buildTask } from '../../../../support/builders.ts';
import { COLUMN, openProjects, type ProjectsHarness, REPO } from './projects-harness.ts';

const BOARD: Board = { project: 1, field: 'Status', queued: 'Todo', running: 'In progress', review: 'In review', done: 'Done', add: false };
let world: ProjectsHarness;
let forge: GitHub;
let effects: Effects;
let now: number;

beforeEach(async () => {
  world = await openProjects();
  forge = world.open({ board: BOARD });
  now = Date.parse('2026-11-22T10:00:00Z');
  effects = openEffects({ root: `${world.dir}/effects`, clock: { now: () => new Date(now) }, consistentReads: false });
});
afterEach(() => world.close());

const stand = async (number: number) => forge.findBoardStatus(REPO, number, BOARD);
const letterOf = (number: number, tray: Tray, id = `acme__shop-${number}-1`) => ({
  task: buildTask({ id, repo: REPO, issue: number }),
  tray,
});
const show = async (...letter: Parameters<typeof letterOf>) => projectBoard({ forge, effects }, letterOf(...letter));
const moves = () => world.server.requests.filter(({ body }) => /mutation/.test(body)).length;

describe('the card of a task', () => {
  it('follows the task, and costs no request while it stands where it should', async () => {
    const number = world.card('Blocked');
    for (const [tray, value] of [
      ['inbox', 'Todo'],
      ['processing', 'In progress'],
      ['escalated', 'In progress'],
      ['review', 'In review'],
      ['done', 'Done'],
    ] as const) {
      await show(number, tray);
      expect(await stand(number)).toEqual({ onBoard: true, value });
    }
    expect(moves()).toBe(4);
    const before = world.server.requests.length;
    await show(number, 'done');
    expect(world.server.requests.length).toBe(before);
  });

  it('stays where a person put it until the next state, and for good outside of our columns', async () => {
    const number = world.card('Todo');
    await show(number, 'processing');
    world.move(number, 'Todo');
    await show(number, 'processing');
    expect(await stand(number)).toMatchObject({ value: 'Todo' });
    await show(number, 'review');
    expect(await stand(number)).toMatchObject({ value: 'In review' });
    world.move(number, 'Blocked');
    await show(number, 'processing');
    await show(number, 'done');
    expect(await stand(number)).toMatchObject({ value: 'Blocked' });
    await show(number, 'processing', `acme__shop-${number}-2`);
    expect(await stand(number)).toMatchObject({ value: 'In progress' });
  });

  it('is added only where that is configured, and not again', async () => {
    const number = world.card(null);
    await show(number, 'processing');
    expect(await stand(number)).toEqual({ onBoard: false });
    forge = world.open({ board: { ...BOARD, add: true } });
    await show(number, 'review');
    expect(await stand(number)).toEqual({ onBoard: true, value: 'In review' });
    const { store } = world.server;
    store.project(store.findUser('acme')?.id ?? 0, 1)?.items.splice(0);
    await show(number, 'done');
    expect(await stand(number)).toEqual({ onBoard: false });
  });

  it('leaves the column that made its issue Ready when it is done', async () => {
    const number = world.card('Ready');
    const board: Board = { project: 1, field: 'Status', done: 'Done', add: false };
    forge = world.open({ column: { ...COLUMN, done: 'Done' }, board });
    await show(number, 'processing');
    expect((await forge.getIssue(REPO, number)).labels).toEqual([COLUMN.label]);
    await show(number, 'done');
    expect(await stand(number)).toEqual({ onBoard: true, value: 'Done' });
    expect((await forge.getIssue(REPO, number)).labels).toEqual([]);
  });

  it('is adopted after a move whose answer was lost', async () => {
    const number = world.card('Todo');
    const lost: GitHub = Object.assign(Object.create(forge) as GitHub, {
      boardOf: () => BOARD,
      findBoardStatus: forge.findBoardStatus.bind(forge),
      setBoardStatus: async (...args: Parameters<GitHub['setBoardStatus']>) => {
        await forge.setBoardStatus(...args);
        throw new AgentOsError('unknown_outcome', 'no answer');
      },
    });
    const letter = letterOf(number, 'processing');
    await expect(projectBoard({ forge: lost, effects }, letter)).rejects.toMatchObject({ code: 'unknown_outcome' });
    await projectBoard({ forge, effects }, letter);
    expect(moves()).toBe(1);
    expect((await effects.list(REPO, 'set-board-status'))[0]).toMatchObject({ state: 'done', result: { value: 'In progress' } });
  });

  it('costs nobody a label or a comment when it cannot be moved, and says why', async () => {
    const number = world.card('Todo');
    forge = world.open({ board: { ...BOARD, running: 'Doing' } });
    expect(await projectLetter({ forge, effects }, letterOf(number, 'processing'), [])).toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/no value `Doing`; it has `Todo`, `Ready`/),
    });
    expect((await forge.getIssue(REPO, number)).labels).toEqual(['agentos:running']);
    expect(await forge.listComments(REPO, number)).toHaveLength(1);
    forge = world.open({ board: BOARD, scopes: ['repo', 'read:project'] });
    await showLetter({ forge, effects }, letterOf(number, 'review'));
    expect(await stand(number)).toMatchObject({ value: 'Todo' });
    expect((await forge.getIssue(REPO, number)).labels).toEqual(['agentos:review']);
  });

  it('of a task that is done goes before the label when it may be moved soon', async () => {
    const number = world.card('Todo');
    world.server.as('owner').label(REPO, number, 'agentos:review');
    const away: GitHub = Object.assign(Object.create(forge) as GitHub, {
      boardOf: () => BOARD,
      findBoardStatus: async () => {
        throw new AgentOsError('unavailable', 'GitHub is away');
      },
      ...Object.fromEntries(
        (['createComment', 'getIdentity', 'listComments', 'removeLabel'] as const).map((name) => [name, forge[name].bind(forge)]),
      ),
    });
    await expect(projectLetter({ forge: away, effects }, letterOf(number, 'done'), ['agentos:review'])).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect((await forge.getIssue(REPO, number)).labels).toEqual(['agentos:review']);
  });
});

describe('looking at what is configured', () => {
  it('finds projects, fields and values that are not there', async () => {
    const asked = (repo: Omit<Configured, 'name'>, scopes?: string[]) => readColumnProblems(world.client(scopes), { name: REPO, ...repo });
    const ready = { project: 1, field: 'Status', value: 'Ready' };
    expect(await asked({})).toEqual([]);
    expect(await asked({ ready, board: { ...BOARD, add: true } })).toEqual([]);
    const found = await asked({ ready: { ...ready, field: 'Stage' }, board: { ...BOARD, done: 'Gone' } });
    expect(found).toMatchObject([
      { of: 'ready', message: expect.stringContaining('no single-select field `Stage`; it has `Status`') },
      { of: 'board', message: expect.stringContaining('no value `Gone`') },
    ]);
    expect(await asked({ ready }, ['repo'])).toMatchObject([{ of: 'ready', hint: expect.stringContaining('the scope `project`') }]);
  });
});
