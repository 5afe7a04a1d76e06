/** `agentos local …` as people type it: arguments, JSON documents, lines, errors. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerLocal } from '../../../src/commands/local/local.ts';
import type { LocalCall, LocalTools } from '../../../src/commands/local/tools.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { AgentOsError } from '../../../src/core/errors.ts';
import type { Ports } from '../../../src/core/ports.ts';
import { openUnconfined } from '../../../src/core/sandbox/unconfined.ts';
import { type LocalHarness, makeSource, openHarness, REPO } from '../../core/github/local/harness.ts';

let h: LocalHarness;
beforeAll(async () => {
  h = await openHarness({ localCi: ['test -f ok.txt'] });
});
afterAll(() => h.close());

interface Ran {
  status: number;
  out: string;
  notes: string[];
}

function portsOf(): Ports {
  const repo = { name: REPO, setup: [], local_ci: ['test -f ok.txt'] };
  const sandbox = openUnconfined({ path: process.env['PATH'] ?? '', graceMs: 200 });
  const partial = {
    config: { forge: { kind: 'local', root: h.root }, repos: [repo], sandbox: { network: [] } },
    paths: { root: join(h.dir, 'state') },
    clock: systemClock,
    sandbox: async () => sandbox,
    git: async () => ({ removeWorkspace: async (path: string) => rmSync(path, { recursive: true, force: true }) }),
  };
  return partial as unknown as Ports;
}

async function agentos(...argv: string[]): Promise<Ran> {
  const ran: Ran = { status: -1, out: '', notes: [] };
  const json = argv.includes('--json');
  const out = {
    result: (text: string) => {
      ran.out += text;
    },
    note: (text: string) => {
      ran.notes.push(text);
    },
  };
  const tools: LocalTools = {
    action:
      <Options>(act: (call: LocalCall<Options>) => Promise<number>) =>
      async (...received: unknown[]) => {
        const args = received.slice(0, -2) as string[];
        const options = received.at(-2) as Options;
        ran.status = await act({
          args,
          options,
          globals: { json },
          out,
          signal: new AbortController().signal,
          ports: async () => portsOf(),
        });
      },
  };
  const program = new Command('agentos').exitOverride().configureOutput({ writeErr: () => {} });
  registerLocal(program, tools);
  await program.parseAsync(
    argv.filter((word) => word !== '--json'),
    { from: 'user' },
  );
  return ran;
}

async function document(...argv: string[]): Promise<unknown> {
  return JSON.parse((await agentos(...argv, '--json')).out);
}

async function failure(...argv: string[]): Promise<Pick<AgentOsError, 'code' | 'message'>> {
  return agentos(...argv).then(
    () => ({ code: 'none' as never, message: '' }),
    (error: AgentOsError) => error,
  );
}

const local = (...argv: string[]) => agentos('local', ...argv);
const create = async (...argv: string[]) =>
  String(((await document('local', 'issue', 'create', REPO, ...argv)) as { number: number }).number);

describe('local init and user', () => {
  it('make a repository and people', async () => {
    const source = makeSource(join(h.dir, 'second'));
    expect((await local('init', 'acme/second', '--from', source)).out).toContain('acme/second is on the local forge; default branch main');
    expect((await failure('local', 'init', 'acme/second', '--from', source)).code).toBe('conflict');
    expect(await document('local', 'user', 'add', 'ada', '--permission', 'triage')).toEqual({ id: 10, login: 'ada', permission: 'triage' });
    expect((await failure('local', 'user', 'add', 'ada', '--permission', 'owner')).code).toBe('commander.invalidArgument');
    expect((await failure('local', 'issue', 'list', 'acme/none')).code).toBe('not_found');
    expect((await failure('local', 'issue', 'list', '../x')).code).toBe('usage');
  });
});

describe('local issue', () => {
  it('create prints the number, and the view has exactly the promised keys', async () => {
    const ran = await local('issue', 'create', REPO, '--title', 'Tax', '--body', 'Show it', '--label', 'ready', '--label', 'bug');
    expect(ran).toEqual({ status: 0, out: '1\n', notes: [] });
    await local('issue', 'comment', REPO, '1', '--body', 'Hello', '--as', 'agentos');
    expect(await document('local', 'issue', 'view', REPO, '1')).toEqual({
      number: 1,
      title: 'Tax',
      body: 'Show it',
      state: 'open',
      stateReason: null,
      labels: ['ready', 'bug'],
      author: 'operator',
      comments: [{ author: 'agentos', body: 'Hello', createdAt: expect.stringMatching(/Z$/) }],
    });
    const text = (await local('issue', 'view', REPO, '#1')).out;
    expect(text).toMatch(/^#1 Tax\nopen, by operator\nlabels: ready, bug\n\nShow it\n\n--- agentos, \S+\nHello\n$/);
  });

  it('edit changes the text before the labels', async () => {
    const number = await create('--title', 'Old');
    writeFileSync(join(h.dir, 'body.md'), 'From a file\n');
    await local(
      'issue',
      'edit',
      REPO,
      number,
      '--add-label',
      'ready',
      '--title',
      'New',
      '--body-file',
      join(h.dir, 'body.md'),
      '--remove-label',
      'none',
    );
    expect(await document('local', 'issue', 'view', REPO, number)).toMatchObject({
      title: 'New',
      body: 'From a file\n',
      labels: ['ready'],
    });
    expect((await h.forge.listIssueEvents(REPO, Number(number))).map((event) => event.kind)).toEqual(['renamed', 'edited', 'labeled']);
  });

  it('lists by state, oldest first', async () => {
    const closed = await create('--title', 'To close \u001b[31mred');
    await local('issue', 'close', REPO, closed, '--body', 'Done');
    const list = (await document('local', 'issue', 'list', REPO, '--state', 'closed')) as {
      number: number;
      comments: unknown[];
      stateReason: string;
    }[];
    expect(list).toMatchObject([{ number: Number(closed), stateReason: 'completed', comments: [{ body: 'Done' }] }]);
    expect((await local('issue', 'list', REPO, '--state', 'closed')).out).toBe(`#${closed} closed To close red\n`);
    expect((await local('issue', 'list', REPO)).out).not.toContain(`#${closed} `);
    await local('issue', 'reopen', REPO, closed);
    const all = (await document('local', 'issue', 'list', REPO)) as { number: number }[];
    expect(all.map((issue) => issue.number)).toEqual([1, 2, 3]);
  });

  it('tells a person what they may not do', async () => {
    await local('user', 'add', 'eve', '--permission', 'read');
    const ran = await local('issue', 'create', REPO, '--title', 'x', '--label', 'ready', '--as', 'eve');
    expect(ran.notes).toEqual([`\`eve\` may not label in ${REPO}: the labels were dropped, as on GitHub`]);
    const number = ran.out.trim();
    expect(await document('local', 'issue', 'view', REPO, number)).toMatchObject({ author: 'eve', labels: [] });
    const refused = await failure('local', 'issue', 'edit', REPO, number, '--add-label', 'ready', '--as', 'eve');
    expect(refused).toMatchObject({
      code: 'refused',
      message: `\`eve\` may not label or assign in ${REPO}: that needs \`triage\` permission`,
    });
  });

  it.each([
    ['no text', ['comment', REPO, '1'], 'usage'],
    ['no number', ['view', REPO, 'one'], 'usage'],
    ['an unknown number', ['view', REPO, '999'], 'not_found'],
    ['a missing file', ['comment', REPO, '1', '--body-file', '/none/x'], 'io'],
    ['two texts', ['comment', REPO, '1', '--body', 'a', '--body-file', 'b'], 'commander.conflictingOption'],
    ['an unknown person', ['comment', REPO, '1', '--body', 'a', '--as', 'nobody'], 'not_found'],
    ['no title', ['create', REPO], 'commander.missingMandatoryOptionValue'],
    ['an unknown state', ['list', REPO, '--state', 'merged'], 'commander.invalidArgument'],
  ])('refuses %s', async (_, argv, code) => {
    expect((await failure('local', 'issue', ...argv)).code).toBe(code);
  });
});

describe('local pr and ci', () => {
  it('show, review, check, edit and close a pull request', async () => {
    const head = await h.push('change', { 'ok.txt': '1' }, 'main');
    const { number } = await h.forge.createPullRequest(REPO, { title: 'Change', body: 'Why', head: 'change', base: 'main' });
    const at = String(number);
    expect((await local('issue', 'view', REPO, at).catch((error: AgentOsError) => error)) as AgentOsError).toMatchObject({
      code: 'not_found',
    });
    expect(await document('local', 'pr', 'view', REPO, at)).toMatchObject({
      checks: [{ name: 'test -f ok.txt', state: 'pending', sha: head }],
    });
    expect((await local('ci')).out).toBe(`${REPO}#${number} success test -f ok.txt\n`);
    expect((await local('ci')).out).toBe('no check is pending\n');
    await local('pr', 'review', REPO, at, '--approve', '--body', 'Good');
    await local('pr', 'comment', REPO, at, '--body', 'Hi');
    await local('pr', 'edit', REPO, at, '--add-label', 'hold', '--title', 'Changed');
    expect(await document('local', 'pr', 'view', REPO, at)).toEqual({
      number,
      title: 'Changed',
      body: 'Why',
      state: 'open',
      base: 'main',
      head: 'change',
      headSha: head,
      mergeSha: null,
      labels: ['hold'],
      checks: [{ name: 'test -f ok.txt', state: 'success', sha: head }],
      reviews: [{ author: 'operator', state: 'approved', sha: head, body: 'Good', createdAt: expect.any(String) }],
      comments: [{ author: 'operator', body: 'Hi', createdAt: expect.any(String) }],
    });
    const text = (await local('pr', 'view', REPO, at)).out;
    expect(text).toContain(`open: change into main\nhead ${head}\nlabels: hold\ncheck success test -f ok.txt\n`);
    expect((await local('pr', 'list', REPO)).out).toBe(`#${number} open   Changed  [hold]\n`);
    expect(await document('local', 'pr', 'close', REPO, at, '--body', 'No')).toMatchObject({ state: 'closed' });
    expect(await document('local', 'pr', 'list', REPO)).toEqual([]);
    expect(await document('local', 'pr', 'list', REPO, '--state', 'closed')).toMatchObject([{ number }]);
    expect((await failure('local', 'pr', 'review', REPO, at, '--approve')).code).toBe('refused');
    expect((await failure('local', 'pr', 'review', REPO, at)).code).toBe('usage');
    expect((await failure('local', 'pr', 'review', REPO, at, '--approve', '--request-changes')).code).toBe('commander.conflictingOption');
    expect((await failure('local', 'ci', '--repo', 'acme/other')).code).toBe('usage');
  });
});
