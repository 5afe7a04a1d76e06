/** A project in the place of the label, and to show where tasks stand: the whole way over HTTP. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BOT, GITHUB_CONFIG, GitHubWorld, PERSON } from '../support/github-world.ts';
import { REPO, ROOT } from '../support/world.ts';

const PROJECT = `    ready: { project: 1, field: Status, value: Ready }
    board: { project: 1, field: Stage, queued: Waiting, review: In review, needs_human: Blocked, done: Finished }
`;

describe('a project on GitHub', { timeout: 120_000 }, () => {
  let world: GitHubWorld;
  let token: string;
  beforeEach(async () => {
    world = await GitHubWorld.begin({ config: GITHUB_CONFIG.replace('    automation: full\n', `    automation: full\n${PROJECT}`) });
    world.server.addProject(REPO.split('/')[0] ?? '', 'Work', [
      { name: 'Status', options: ['Backlog', 'Ready', 'Later'] },
      { name: 'Stage', options: ['Waiting', 'In review', 'Blocked', 'Finished'] },
    ]);
    token = world.server.createToken(BOT, { scopes: ['repo', 'project'] });
  });
  afterEach(async () => {
    const { violations } = world.server;
    await world.end();
    expect(violations).toEqual([]);
  });

  const loop = async (name: string) => {
    const ended = await world.call([name, '--json'], { GITHUB_TOKEN: token });
    return JSON.parse(ended.stdout) as { actions: { kind: string; reason: string; outcome: string }[] };
  };
  const round = async () => {
    await loop('dispatch');
    await loop('queue');
    world.server.runChecks(REPO);
    await loop('pr-monitor');
  };
  /** Ids of tasks end in the time of the move. */
  const trayOf = (issue: number) => world.listMailbox().find(({ file }) => file.includes(`-${issue}-`))?.tray;
  const move = (issue: number, value: string, by = PERSON) =>
    world.server.as(by).moveCard(REPO, issue, { project: 1, field: 'Status', value });
  const cardOf = (issue: number) => {
    const [project] = world.server.store.state.projects.values();
    const item = project?.items.find(({ issueId }) => issueId === world.server.issue(REPO, issue).id);
    return Object.fromEntries(
      (item?.values ?? []).map(({ fieldId, optionId }) => {
        const field = project?.fields.find(({ id }) => id === fieldId);
        return [field?.name, field?.options.find(({ id }) => id === optionId)?.name];
      }),
    );
  };

  it('starts what a trusted person moves into the column, and shows it on its way to the end', async () => {
    const issue = world.open('Give a discount on the total', readFileSync(join(ROOT, 'examples/issues/discount.md'), 'utf8'), []);
    await loop('dispatch');
    expect(world.listMailbox()).toEqual([]);
    move(issue, 'Ready');
    expect((await loop('dispatch')).actions).toMatchObject([{ kind: 'submit-task', outcome: 'applied' }]);
    expect(cardOf(issue)).toEqual({ Status: 'Ready', Stage: 'Waiting' });
    for (let k = 0; k < 4 && trayOf(issue) !== 'done'; k++) await round();
    expect(trayOf(issue)).toBe('done');
    expect(world.server.issue(REPO, issue)).toMatchObject({ state: 'closed', labelIds: [] });
    expect(cardOf(issue)).toEqual({ Stage: 'Finished' });
  });

  it('costs nobody a label when it cannot be written, and is said once a pass', async () => {
    const config = world.read('config.yaml');
    world.write('config.yaml', config.replace('queued: Waiting', 'queued: Nowhere'));
    const issues = [world.open('One', 'Please.', []), world.open('Two', 'Please.', [])];
    for (const issue of issues) move(issue, 'Ready');
    await loop('dispatch');
    const { labels } = world.server.repo(REPO);
    const queued = labels.find(({ name }) => name === 'agentos:queued')?.id;
    for (const issue of issues) expect(world.server.issue(REPO, issue).labelIds).toEqual([queued]);
    const said = readdirSync(world.path('state/events'))
      .flatMap((file) => world.read(`state/events/${file}`).trim().split('\n'))
      .map((line) => JSON.parse(line) as { kind?: string; reason?: string })
      .filter(({ kind }) => kind === 'project')
      .map(({ reason }) => reason);
    expect(said).toEqual([expect.stringContaining('has no value `Nowhere`; it has `Waiting`')]);
  });

  it('believes no stranger, and takes back what is moved out', async () => {
    world.server.createUser('stranger');
    const [issue, other] = [world.open('One', 'Please.', []), world.open('Other', 'Please.', [])];
    move(issue, 'Ready');
    move(other, 'Ready', 'stranger');
    expect((await loop('dispatch')).actions.map(({ kind }) => kind).sort()).toEqual(['skip', 'submit-task']);
    expect(trayOf(other)).toBeUndefined();
    move(issue, 'Later');
    expect((await loop('dispatch')).actions).toContainEqual(
      expect.objectContaining({ kind: 'withdraw', reason: expect.stringContaining('`project 1: Status is Ready` was taken off') }),
    );
    expect(trayOf(issue)).toBe('failed');
    expect(cardOf(issue)).toEqual({ Status: 'Later', Stage: 'Waiting' });
  });
});
