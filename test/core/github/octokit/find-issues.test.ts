import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentOsError } from '../../../../src/core/errors.ts';
import type { IssueQuery, IssueView } from '../../../../src/core/github/github.ts';
import { findIssues } from '../../../../src/core/github/octokit/find-issues.ts';
import { type IssueMemory, openIssueMemory } from '../../../../src/core/github/octokit/issue-memory.ts';
import { IssueForge } from './issue-forge.ts';

const SHOP = 'acme/shop';
const MINUTE = 60_000;

let root: string;
let forge: IssueForge;
let memory: IssueMemory;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'agentos-issues-'));
  forge = new IssueForge();
  memory = openIssueMemory({ root, host: 'api.github.com' });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const ask = (repo = SHOP, also: number[] = [], labels = ['ready']): IssueQuery => ({ repo, labels, also });
const find = (...queries: IssueQuery[]) => findIssues({ client: forge, memory }, queries.length > 0 ? queries : [ask()]);
const viewsOf = (answer: IssueView[] | AgentOsError | undefined) => {
  if (!Array.isArray(answer)) throw answer;
  return answer;
};
/** Numbers and titles of one repository, or the code of its error. */
const look = async (query = ask()) => {
  const views = (await find(query)).get(query.repo);
  return views instanceof AgentOsError ? views.code : views?.map(({ issue }) => `${issue.number} ${issue.title}`);
};
const fill = (count: number, repo = SHOP) => {
  forge.repo(repo);
  for (let n = 0; n < count; n++) {
    forge.clock += 1000;
    forge.add(repo);
  }
};
const wait = (ms = MINUTE) => {
  forge.clock += ms;
};
const filesOf = (repo = SHOP) =>
  existsSync(`${root}/${repo.replace('/', '__')}`) ? readdirSync(`${root}/${repo.replace('/', '__')}`).sort() : [];

describe('what a pass costs', () => {
  it.each([
    [1, 1, 1],
    [10, 1, 1],
    [50, 1, 1],
    [51, 2, 2],
    [120, 3, 3],
  ])('%d repositories without a Ready issue: %d request, %d point', async (count, requests, points) => {
    const queries = Array.from({ length: count }, (_, n) => ask(`acme/shop-${n}`));
    for (const { repo } of queries) forge.repo(repo);
    const found = await find(...queries);
    expect([...found.values()]).toEqual(queries.map(() => []));
    expect(forge.take()).toEqual({ requests, points });
    expect(readdirSync(root)).toEqual([]);
  });

  it.each([
    ['20', 20, { requests: 2, points: 2 }, { requests: 1, points: 1 }],
    ['100', 100, { requests: 6, points: 6 }, { requests: 1, points: 1 }],
    ['500', 500, { requests: 30, points: 30 }, { requests: 1, points: 1 }],
  ])('%s Ready issues: the first pass, and the next ones', async (_, count, first, next) => {
    fill(count);
    wait();
    expect(await look()).toHaveLength(count);
    expect(forge.take()).toEqual(first);
    for (let pass = 0; pass < 2; pass++) {
      wait();
      expect(await look()).toHaveLength(count);
      expect(forge.take()).toEqual(next);
    }
  });

  it('reads the one of 500 that changed', async () => {
    fill(500);
    wait();
    const before = await look();
    wait();
    forge.take();
    forge.change(SHOP, 7, { title: 'Another title' });
    expect(await look()).toEqual((before as string[]).map((line) => (line.startsWith('7 ') ? '7 Another title' : line)));
    expect(forge.asked.map(({ operation }) => operation)).toEqual(['Tick', 'Views']);
  });

  it('asks nothing where nothing is asked for', async () => {
    expect(await findIssues({ client: forge, memory }, [])).toEqual(new Map());
    expect(await find(ask(SHOP, [], []))).toEqual(new Map([[SHOP, []]]));
    expect(forge.asked).toEqual([]);
  });

  it('asks for many numbers in requests of a hundred', async () => {
    fill(3);
    const also = Array.from({ length: 230 }, (_, n) => n + 1);
    expect(await look(ask(SHOP, also))).toHaveLength(3);
    expect(forge.asked.map(({ operation }) => operation)).toEqual(['Tick', 'Tick', 'Tick', 'Views']);
  });

  it('reads again after a day what may have changed without an update time', async () => {
    fill(120);
    wait();
    await find();
    wait(23 * 60 * MINUTE);
    forge.take();
    await find();
    expect(forge.take().requests).toBe(1);
    wait(2 * 60 * MINUTE);
    await find();
    expect(forge.take()).toEqual({ requests: 2 + 6, points: 8 });
  });
});

describe('what changes between two passes', () => {
  beforeEach(async () => {
    fill(130);
    wait();
    await find();
    wait();
    forge.take();
  });

  it.each<[name: string, change: () => void, requests: string, count: number]>([
    ['nothing', () => {}, 'Tick', 130],
    ['a label is taken off', () => forge.change(SHOP, 3, { labels: [] }), 'Tick Tick', 129],
    ['an issue is closed', () => forge.change(SHOP, 3, { state: 'CLOSED' }), 'Tick Views', 130],
    ['an issue moves away', () => forge.repo(SHOP).issues.delete(3), 'Tick Tick', 129],
    ['an issue is new', () => forge.add(SHOP), 'Tick Views', 131],
    ['one is new, one is gone', () => forge.add(SHOP) && forge.change(SHOP, 3, { labels: ['x'] }), 'Tick Tick Views', 130],
    [
      'more change than a page holds',
      () => {
        for (let n = 1; n <= 110; n++) forge.change(SHOP, n, { title: 'New' });
      },
      `Tick Tick${' Views'.repeat(6)}`,
      130,
    ],
    [
      'a label is renamed',
      () => {
        for (let n = 1; n <= 5; n++) forge.repo(SHOP).issues.get(n)?.labels.splice(0, 1, 'set');
      },
      'Tick Tick',
      125,
    ],
  ])('%s', async (_, change, requests, count) => {
    change();
    wait();
    expect(await look()).toHaveLength(count);
    expect(forge.asked.map(({ operation }) => operation).join(' ')).toBe(requests);
    forge.take();
    wait();
    expect(await look()).toHaveLength(count);
    expect(forge.take().requests).toBe(1);
  });

  it('sees an edit in the second of the reading', async () => {
    forge.change(SHOP, 9, { body: 'one' });
    forge.clock += 300;
    await find();
    forge.change(SHOP, 9, { title: 'Same second' });
    wait();
    expect(await look()).toContain('9 Same second');
    wait();
    forge.take();
    expect(await look()).toContain('9 Same second');
    expect(forge.take().requests).toBe(1);
  });

  it('keeps an issue that lost its label while it is named', async () => {
    forge.change(SHOP, 3, { labels: [] });
    wait();
    expect(await look(ask(SHOP, [3]))).toHaveLength(130);
    wait();
    forge.take();
    expect(await look(ask(SHOP, [3]))).toHaveLength(130);
    expect(forge.take().requests).toBe(1);
  });

  it('finds by another label what it has not remembered by it', async () => {
    forge.repo(SHOP).issues.get(3)?.labels.push('agent:working');
    expect(await look(ask(SHOP, [], ['AGENT:working']))).toEqual(['3 Issue 3']);
    expect(await look()).toHaveLength(130);
  });
});

describe('a list that moves while it is read', () => {
  beforeEach(() => {
    fill(230);
    wait();
  });

  it('loses no issue that jumps to the top between two pages', async () => {
    let request = 0;
    forge.beforeAnswer = (operation) => {
      if (operation === 'Tick' && ++request === 2) forge.change(SHOP, 1, { title: 'Jumped' });
    };
    const found = await look();
    expect(found).toHaveLength(230);
    expect(found).toContain('1 Jumped');
  });

  it('begins anew when the total changes', async () => {
    let request = 0;
    forge.beforeAnswer = (operation) => {
      if (operation === 'Tick' && ++request === 3) forge.add(SHOP, { title: 'Late' });
    };
    expect(await look()).toContain('231 Late');
  });

  it('gives up on a list that never holds still, and leaves the others alone', async () => {
    forge.add('acme/store');
    forge.beforeAnswer = (operation) => {
      if (operation === 'Tick') forge.add(SHOP);
    };
    const found = await find(ask(), ask('acme/store'));
    expect(found.get(SHOP)).toMatchObject({
      code: 'unavailable',
      message: `the issues of \`${SHOP}\` kept changing while they were listed`,
    });
    expect(found.get('acme/store')).toHaveLength(1);
  });
});

describe('an issue with more than one page', () => {
  const events = (count: number) =>
    Array.from({ length: count }, (_, n) => ({
      __typename: 'RenamedTitleEvent',
      at: forge.clock + n * 1000,
      previousTitle: `${n}`,
      currentTitle: `${n + 1}`,
    }));

  it('is read as a whole', async () => {
    forge.add(SHOP, {
      labels: ['ready', ...Array.from({ length: 129 }, (_, n) => `label-${n}`)],
      events: events(230),
      edits: [forge.clock],
    });
    const [view] = viewsOf((await find()).get(SHOP));
    expect(view?.issue.labels).toHaveLength(130);
    expect(view?.events).toHaveLength(231);
    expect(forge.asked.map(({ operation }) => operation)).toEqual(['Tick', 'Views', 'Rest', 'Rest']);
  });

  it('is begun anew when it changes between two pages, and given up when it never holds still', async () => {
    forge.add(SHOP, { events: events(150) });
    let left = 2;
    forge.beforeAnswer = (operation) => {
      if (operation !== 'Rest' || left-- <= 0) return;
      wait(1000);
      forge.change(SHOP, 1, { title: `Left ${left}` });
    };
    expect(await look()).toEqual(['1 Left 0']);
    left = 99;
    wait();
    forge.change(SHOP, 1, {});
    expect(await look()).toBe('unavailable');
  });
});

describe('what cannot be read', () => {
  it('is the error of its repository alone', async () => {
    forge.add(SHOP);
    forge.add('acme/shut');
    forge.forbidden.add('acme/shut#1');
    forge.repo('acme/old');
    forge.rename('acme/old', 'acme/new');
    const found = await find(ask(), ask('nobody/nothing'), ask('acme/old'), ask('acme/shut'));
    expect(found.get(SHOP)).toHaveLength(1);
    expect(found.get('nobody/nothing')).toMatchObject({ code: 'not_found', hint: expect.stringContaining('token') });
    expect(found.get('acme/old')).toMatchObject({
      code: 'refused',
      message: '`acme/old` is now `acme/new`',
      hint: 'Change `repos[].name`.',
    });
    expect(found.get('acme/shut')).toMatchObject({ code: 'refused', hint: expect.stringContaining('token') });
  });

  it('takes a name in another case for the same repository', async () => {
    forge.add(SHOP);
    forge.rename(SHOP, 'Acme/Shop');
    expect(await look()).toEqual(['1 Issue 1']);
  });

  it.each([
    ['no data', () => ({})],
    ['no total', () => ({ issues: { pageInfo: { hasNextPage: false, endCursor: null }, nodes: [] } })],
    ['a hole', () => ({ issues: { totalCount: 1, pageInfo: { hasNextPage: false, endCursor: null }, nodes: [null] } })],
    ['no cursor', () => ({ issues: { totalCount: 2, pageInfo: { hasNextPage: true, endCursor: null }, nodes: [] } })],
    ['no pages', () => ({ issues: { totalCount: 0, nodes: [] } })],
    [
      'a time that is none',
      () => ({ issues: { totalCount: 1, pageInfo: { hasNextPage: false }, nodes: [{ number: 1, updatedAt: 'soon' }] } }),
    ],
    ['fewer than the total', () => ({ issues: { totalCount: 3, pageInfo: { hasNextPage: false }, nodes: [] } })],
  ])('takes an answer with %s for no answer', async (_, part) => {
    const client = { now: forge.now, queryPartial: async () => ({ data: { r0: { nameWithOwner: SHOP, ...part() } }, errors: [] }) };
    expect((await findIssues({ client, memory }, [ask()])).get(SHOP)).toMatchObject({ code: 'unavailable' });
  });

  it('asks for less where GitHub has no time for all of it, and gives up when it has none for a few', async () => {
    const queries = Array.from({ length: 23 }, (_, n) => ask(`acme/shop-${n}`));
    for (const { repo } of queries) forge.add(repo);
    let most = 10;
    forge.beforeAnswer = (operation) => {
      const names = Object.keys(forge.asked.at(-1)?.variables ?? {}).filter((name) => name.startsWith('n'));
      if (names.length > (operation === 'Tick' ? most : 5)) throw new AgentOsError('timeout', 'GitHub took too long');
    };
    expect([...(await find(...queries)).values()].flat()).toHaveLength(23);
    const asked = forge.asked.map(({ operation }) => operation).join(' ');
    expect(asked).toBe(`Tick Tick Tick Tick${' Views'.repeat(6)}`);
    forge.take();
    most = 5;
    await expect(find(...queries)).rejects.toMatchObject({ code: 'timeout' });
    expect(forge.take().requests).toBe(2);
  });

  it('throws what concerns every repository, and remembers what it had read', async () => {
    fill(50);
    wait();
    let views = 0;
    forge.beforeAnswer = (operation) => {
      if (operation === 'Views' && ++views === 3) throw new AgentOsError('rate_limit', 'GitHub asks us to wait');
    };
    await expect(find()).rejects.toMatchObject({ code: 'rate_limit' });
    forge.beforeAnswer = () => {};
    forge.take();
    expect(await look()).toHaveLength(50);
    expect(forge.take().requests).toBe(2);
  });
});

describe('memory', () => {
  beforeEach(async () => {
    fill(120);
    wait();
    await find();
    wait();
    forge.take();
  });
  const dir = () => `${root}/acme__shop`;

  it('is private, and says by the way who we are', async () => {
    expect(filesOf()).toHaveLength(121);
    for (const name of filesOf()) expect(statSync(`${dir()}/${name}`).mode & 0o777).toBe(0o600);
    const seen: unknown[] = [];
    await findIssues({ client: forge, memory, noteViewer: (viewer) => seen.push(viewer) }, [ask()]);
    expect(seen).toEqual([{ id: 1, login: 'agentos' }]);
  });

  it.each<[name: string, file: string, damage: (text: string) => string, requests: number]>([
    ['a torn index', 'index', (text) => text.slice(0, 50), 2],
    ['an index of another version', 'index', (text) => text.replace('"version":1', '"version":0'), 2],
    ['an index with a strange entry', 'index', (text) => text.replace(/"entries":\[\[\d+/, '"entries":[["1"'), 2],
    ['an index of another build', 'index', (text) => text.replace(/"build":"[^"]*"/, '"build":"x"'), 2],
    ['a view of another repository', '7', (text) => text.replace('"repo":"acme/shop"', '"repo":"acme/store"'), 2],
    ['a view of another issue', '7', (text) => text.replace('"number":7', '"number":8'), 2],
    ['no JSON', '7', () => 'null', 2],
  ])('%s is as if there were none', async (_, name, damage, requests) => {
    const path = `${dir()}/${name}.json`;
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, damage(before));
    expect(readFileSync(path, 'utf8')).not.toBe(before);
    expect(await look()).toHaveLength(120);
    expect(forge.take().requests).toBe(requests);
    wait();
    expect(await look()).toHaveLength(120);
    expect(forge.take().requests).toBe(1);
  });

  it('serves other queries of the same pass, and forgets what nobody asked for in a day', async () => {
    forge.add(SHOP, { number: 500, labels: [] });
    forge.add(SHOP, { number: 501, labels: [] });
    wait();
    expect(await look(ask(SHOP, [500, 501], []))).toHaveLength(2);
    forge.take();
    for (const query of [ask(), ask(SHOP, [500, 501], []), ask()]) await find(query);
    expect(forge.take().requests).toBe(3);
    writeFileSync(`${dir()}/.7.json.1.tmp`, '');
    const old = new Date(Date.now() - 25 * 60 * MINUTE);
    for (const name of ['7.json', '500.json', '.7.json.1.tmp']) utimesSync(`${dir()}/${name}`, old, old);
    forge.add(SHOP);
    await find();
    expect(filesOf().filter((name) => /^(\.?7|50.)\.json/.test(name))).toEqual(['501.json', '7.json']);
  });

  it('of another host is not used', async () => {
    memory = openIssueMemory({ root, host: 'github.example.org' });
    expect(await look()).toHaveLength(120);
    expect(forge.take().requests).toBe(8);
  });

  it('may be lost, and may be impossible', async () => {
    rmSync(root, { recursive: true });
    expect(await look()).toHaveLength(120);
    rmSync(root, { recursive: true });
    writeFileSync(root, 'no directory');
    expect(await look()).toHaveLength(120);
  });

  it('may be used by two at once', async () => {
    forge.change(SHOP, 5, { title: 'Changed' });
    const both = await Promise.all([look(), look(), look(ask(SHOP, [], ['other']))]);
    expect(both.map((one) => one?.length)).toEqual([120, 120, 0]);
    wait();
    expect(await look()).toContain('5 Changed');
  });
});
