import { afterEach, describe, expect, it } from 'vitest';
import { runDispatch } from '../../../src/commands/dispatch/command.ts';
import { LOOP_OPTIONS, openOutput } from '../../support/loop-ports.ts';
import { Box, type Ran, REPO } from './box.ts';

const LIST = '- Show the total\n\n  With tax.\n- Add a README\n';
const opened: Box[] = [];
afterEach(() => {
  for (const box of opened.splice(0)) box.close();
});
async function open(...args: Parameters<typeof Box.open>): Promise<Box> {
  const box = await Box.open(...args);
  opened.push(box);
  return box;
}
const did = (ran: Ran) => ran.actions.filter((one) => one.outcome === 'applied').map((one) => `${one.kind} ${one.subject}`);
const why = (ran: Ran, subject: string) => ran.actions.filter((one) => one.subject === subject).map((one) => one.reason);

describe('requirements', () => {
  it('become issues once, word for word', async () => {
    const box = await open();
    const first = await box.plan(LIST);
    expect(first.status).toBe(0);
    expect(did(first)).toEqual([
      'file-issue acme/shop: Show the total',
      'file-issue acme/shop: Add a README',
      'select acme/shop: Show the total',
      'select acme/shop: Add a README',
      'write-plan acme/shop',
    ]);
    expect(await box.view()).toEqual([
      { title: 'Show the total', body: 'With tax.\n\n<!-- agentos:requirement show-the-total -->', labels: [], comments: [] },
      { title: 'Add a README', body: '<!-- agentos:requirement add-a-readme -->', labels: [], comments: [] },
    ]);
    const second = await box.plan(LIST);
    expect(did(second)).toEqual([]);
    expect(await box.view()).toHaveLength(2);
  });

  it('are written of in a plan', async () => {
    const box = await open();
    await box.plan(LIST);
    const plan = JSON.parse(box.read('plan/acme__shop/plan.json'));
    expect(plan).toMatchObject({
      sprint: 1,
      selected: [
        { issue: 1, score: 0 },
        { issue: 2, score: 0 },
      ],
      capacity: { size: 5, free: 5 },
    });
    const text = box.read('plan/acme__shop/plan.md');
    expect(text).toContain(
      '- #1 Show the total: 0 points, proposed\n  - +10 requirement: on the requirements list\n  - −10 size: says little (9 characters)',
    );
  });

  it('are filed by nobody in a dry run', async () => {
    const box = await open();
    const ran = await box.plan(LIST, undefined, { dryRun: true });
    expect(ran.actions.map((one) => [one.kind, one.outcome])).toEqual([
      ['file-issue', 'planned'],
      ['file-issue', 'planned'],
      ['select', 'planned'],
      ['select', 'planned'],
      ['write-plan', 'planned'],
    ]);
    expect(await box.view()).toEqual([]);
    expect(() => box.read('plan/acme__shop/plan.md')).toThrow(/ENOENT/);
  });

  it('that change are a comment, once for each text', async () => {
    const box = await open();
    await box.plan(LIST);
    const changed = LIST.replace('With tax', 'Without tax');
    expect(did(await box.plan(changed))).toEqual(['comment-issue acme/shop#1', 'write-plan acme/shop']);
    expect(did(await box.plan(changed))).toEqual([]);
    const [issue] = await box.view();
    expect(issue?.body).toContain('With tax.');
    expect(issue?.comments).toHaveLength(1);
    expect(issue?.comments[0]).toContain('The requirement has changed. It now says:\n\nWithout tax.\n');
    expect(did(await box.plan(LIST))).toEqual(['comment-issue acme/shop#1', 'write-plan acme/shop']);
  });

  it('that change are a new issue where the old one is closed or started', async () => {
    const box = await open();
    await box.plan(LIST);
    await box.as('ann').closeIssue(REPO, 1, 'completed');
    expect(did(await box.plan(LIST))).toEqual([]);
    await box.as('ann').addLabel(REPO, 2, 'ready');
    const ran = await box.plan('- Show the total\n\n  Twice.\n- Add a README\n\n  In English.\n');
    expect(did(ran).slice(0, 2)).toEqual(['file-issue acme/shop: Show the total', 'file-issue acme/shop: Add a README']);
    expect(why(ran, 'acme/shop: Show the total')[0]).toBe('changed, and #1 is closed');
    expect(why(ran, 'acme/shop: Add a README')[0]).toBe('changed, and #2 is started');
    expect((await box.view()).map((issue) => issue.title)).toEqual(['Show the total', 'Add a README', 'Show the total', 'Add a README']);
    expect(did(await box.plan('- Show the total\n\n  Twice.\n- Add a README\n\n  In English.\n'))).toEqual([]);
  });

  it('that left the list are reported and nothing else; renamed is removed and new; ticked is done', async () => {
    const box = await open();
    await box.plan(LIST);
    const ran = await box.plan('- Show the sum\n\n  With tax.\n- [x] Something done\n');
    expect(did(ran)).toEqual(['file-issue acme/shop: Show the sum', 'select acme/shop: Show the sum', 'write-plan acme/shop']);
    expect(why(ran, 'acme/shop#1')).toContain('not in the list any more; #1 is left as it is');
    expect(why(ran, 'acme/shop: Something done')).toEqual(['ticked off in the list']);
  });

  it('are found again when everything on disk is lost', async () => {
    const box = await open();
    await box.plan(LIST);
    box.remove('plan', 'effects');
    const ran = await box.plan(LIST);
    expect(did(ran).slice(0, 2)).toEqual(['file-issue acme/shop: Show the total', 'file-issue acme/shop: Add a README']);
    expect(await box.view()).toHaveLength(2);
    expect((await box.effects().list(REPO, 'file-issue')).map((record) => record.result)).toEqual([{ number: 1 }, { number: 2 }]);
    box.remove('plan');
    expect(did(await box.plan(LIST)).filter((one) => one.startsWith('file'))).toEqual([]);
  });

  it.each([
    ['nothing', '', /holds no requirement/],
    ['a missing file', undefined, /does not exist/],
  ])('%s is a usage error', async (_, list, message) => {
    const box = await open();
    const options = list === undefined ? { requirements: '/nowhere/list.md' } : {};
    await expect(box.plan(list, undefined, options)).rejects.toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringMatching(message) }),
    );
  });

  it('need one repository', async () => {
    const box = await open({}, { repos: [{ name: REPO }, { name: 'acme/site' }] });
    await expect(box.plan(LIST)).rejects.toThrow(/--requirements needs one repository/);
    expect((await box.plan(LIST, undefined, { repos: [REPO] })).status).toBe(0);
  });
});

describe('the cadence', () => {
  it('is kept by the stored sprint, and a lost one only plans again', async () => {
    const box = await open({ cadence_days: 7, size: 1 });
    await box.as('ann').createIssue(REPO, { title: 'One', body: 'x'.repeat(100), labels: [] });
    expect(did(await box.plan())).toEqual(['select acme/shop#1', 'write-plan acme/shop']);
    const again = await box.plan();
    expect(again.actions).toMatchObject([{ kind: 'skip', subject: REPO, reason: 'the next sprint is due 2026-11-29T10:00:00.000Z' }]);
    box.now = new Date('2026-11-29T10:00:00Z');
    expect(did(await box.plan())).toEqual(['select acme/shop#1', 'write-plan acme/shop']);
    expect(JSON.parse(box.read('plan/acme__shop/last.json'))).toEqual({
      version: 1,
      sprint: 2,
      startedAt: box.now.toISOString(),
      selected: [1],
    });
  });

  it('does not count a repository that could not be read, and plans the others', async () => {
    const box = await open({}, { repos: [{ name: 'acme/site' }, { name: REPO }] });
    const ran = await box.plan();
    expect(ran.actions.map((one) => [one.kind, one.subject, one.outcome])).toEqual([
      ['look', 'acme/site', 'failed'],
      ['write-plan', REPO, 'applied'],
    ]);
    expect(ran.status).toBe(1);
  });
});

describe('auto_ready', () => {
  it('labels what we filed and what trusted people wrote, and dispatch accepts it', async () => {
    const box = await open({ auto_ready: true, size: 2 });
    await box.as('eve').createIssue(REPO, { title: 'From a stranger', body: `${'x'.repeat(100)}\n- [ ] a`, labels: [] });
    await box.as('ann').createIssue(REPO, { title: 'From Ann', body: `${'x'.repeat(100)}\n- [ ] a`, labels: [] });
    const ran = await box.plan(LIST);
    expect(did(ran)).toContain('make-ready acme/shop#2');
    expect(did(ran)).toContain('make-ready acme/shop: Show the total');
    expect(why(ran, 'acme/shop#1')).toEqual(['comes next, but a person must make it Ready: written by eve, who is not trusted now']);
    expect((await box.view()).map((issue) => issue.labels)).toEqual([[], ['ready'], ['ready'], []]);
    const events = await box.as('ann').listIssueEvents(REPO, 3);
    const [record] = (await box.effects().list(REPO, 'add-ready-label')).filter((one) => one.subject === '#3');
    expect(record).toMatchObject({ key: 'sprint:1', state: 'done', result: { eventId: events.at(-1)?.id } });
    expect(did(await box.plan(LIST))).toEqual([]);

    const out = openOutput();
    await runDispatch({ ...LOOP_OPTIONS, json: true }, box.ports('dispatch'), out);
    const submitted = JSON.parse(out.results.join('')).actions.filter((one: { kind: string }) => one.kind === 'submit-task');
    expect(submitted.map((one: { subject: string; outcome: string }) => [one.subject, one.outcome])).toEqual([
      ['acme/shop#2', 'applied'],
      ['acme/shop#3', 'applied'],
    ]);
  });

  it('undoes nothing that a person did, and trusts no old text', async () => {
    const box = await open({ auto_ready: true });
    const body = 'x'.repeat(100);
    for (const title of ['Taken off', 'Edited', 'Held']) await box.as('ann').createIssue(REPO, { title, body, labels: [] });
    await box.as('ann').addLabel(REPO, 1, 'ready');
    await box.as('ann').removeLabel(REPO, 1, 'ready');
    await box.as('ann').addLabel(REPO, 3, 'hold');
    await box.as('operator').addUser('mallory', 'write');
    await box.as('mallory').editIssue(REPO, 2, { body: `${body} and mine` });
    await box.as('operator').addUser('mallory', 'read');
    const ran = await box.plan();
    expect(did(ran)).toEqual(['write-plan acme/shop']);
    expect(why(ran, 'acme/shop#1')[0]).toContain('`ready` was taken off before');
    expect(why(ran, 'acme/shop#2')[0]).toContain('edited by mallory, who is not trusted now');
    expect(why(ran, 'acme/shop#3')[0]).toContain('on hold');
  });

  it('does not start what a requirement has outgrown, until a person updates the description', async () => {
    const box = await open({ auto_ready: true, size: 1 });
    await box.plan(LIST);
    expect((await box.view()).map((issue) => issue.labels)).toEqual([['ready'], []]);
    const list = `${LIST}\n  In English.\n`;
    expect(did(await box.plan(list))).toEqual(['comment-issue acme/shop#2', 'write-plan acme/shop']);
    await box.as('ann').closeIssue(REPO, 1, 'completed');
    const held = await box.plan(list);
    expect(why(held, 'acme/shop#2').at(-1)).toContain('its requirement changed after it was filed');
    await box.as('ann').editIssue(REPO, 2, { body: 'In English.\n\n<!-- agentos:requirement add-a-readme -->' });
    expect(did(await box.plan(list))).toEqual(['make-ready acme/shop#2', 'write-plan acme/shop']);
  });

  it('takes the label off again when the text changed under it', async () => {
    const box = await open({ auto_ready: true });
    await box.as('ann').createIssue(REPO, { title: 'One', body: 'x'.repeat(100), labels: [] });
    box.interfere = async (write) => {
      if (write === 'addLabel') await box.as('operator').editIssue(REPO, 1, { body: 'quickly something else' });
    };
    const ran = await box.plan();
    expect(why(ran, 'acme/shop#1')).toEqual(['edited while it was made Ready; the label is off again, and a person must decide']);
    expect((await box.view())[0]?.labels).toEqual([]);
  });
});

describe('a pass that is cut off anywhere', () => {
  const NEXT = '- Held\n\n  new\n- Later\n\n  new\n- Show the total\n';
  /** So that the next pass files, comments and labels. */
  async function prepare(): Promise<Box> {
    const box = await open({ auto_ready: true, size: 2 });
    await box.as('ann').createIssue(REPO, { title: 'From Ann', body: `${'x'.repeat(100)}\n- [ ] a`, labels: [] });
    await box.plan('- Held\n\n  old\n- Later\n\n  old\n');
    for (const number of [1, 2]) await box.as('ann').closeIssue(REPO, number, 'completed');
    return box;
  }

  it('ends the same after one more pass', async () => {
    const start = await prepare();
    const plain = start.copy();
    opened.push(plain);
    expect(did(await plain.plan(NEXT)).map((one) => one.split(' ')[0])).toEqual([
      'file-issue',
      'comment-issue',
      'file-issue',
      'make-ready',
      'make-ready',
      'write-plan',
    ]);
    for (const write of [1, 2, 3, 4, 5]) {
      for (const when of ['before', 'after'] as const) {
        const box = start.copy();
        opened.push(box);
        await expect(box.plan(NEXT, { write, when })).rejects.toThrow('cut');
        expect([write, when, (await box.plan(NEXT)).status]).toEqual([write, when, 0]);
        expect(await box.view()).toEqual(await plain.view());
        expect(box.read('plan/acme__shop/requirements.json')).toBe(plain.read('plan/acme__shop/requirements.json'));
        expect(box.read('plan/acme__shop/last.json')).toBe(plain.read('plan/acme__shop/last.json'));
        expect((await box.effects().list(REPO)).map((record) => record.state)).not.toContain('intent');
      }
    }
  }, 60_000);
});
