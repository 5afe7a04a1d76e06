import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { MergedWork } from '../../../src/core/memory/entries.ts';
import { openMemory } from '../../../src/core/memory/store.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'agentos-memory-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const work = (issue: number): MergedWork => ({
  issue,
  title: `Change ${issue}`,
  pullRequest: issue + 100,
  mergedAt: new Date(Date.UTC(2026, 0, issue)).toISOString(),
  paths: ['a.js'],
  summary: '',
  decisions: [],
  risks: [],
});
const place = (file: string) => join(dir, 'memory/acme__shop', file);
const read = (file: string) => readFileSync(place(file), 'utf8');

it('remembers per repository, once each', async () => {
  const memory = openMemory(`${dir}/memory`);
  expect(await memory.read('acme/shop')).toBe('');
  await memory.add('acme/shop', work(1));
  await memory.add('acme/shop', work(2));
  const text = await memory.read('acme/shop');
  await memory.add('acme/shop', work(1));
  expect(await memory.read('acme/shop')).toBe(text);
  expect(text.match(/^## /gm)).toHaveLength(2);
  expect(await memory.read('acme/other')).toBe('');
  expect(JSON.parse(read('entries.json')).entries).toHaveLength(2);
});

it('renders again what a kill between the two files left behind', async () => {
  const memory = openMemory(`${dir}/memory`);
  await memory.add('acme/shop', work(1));
  writeFileSync(place('CODEBASE.md'), 'older');
  await memory.add('acme/shop', work(1));
  expect(await memory.read('acme/shop')).toContain('## #1 Change 1');
});

it('sets a damaged file aside and goes on', async () => {
  const memory = openMemory(`${dir}/memory`);
  await memory.add('acme/shop', work(1));
  for (const damage of ['{"version":1,"entr', 'null', '{"version":2,"entries":[]}']) {
    writeFileSync(place('entries.json'), damage);
    await memory.add('acme/shop', work(2));
  }
  expect([1, 2, 3].map((n) => read(`entries.json.corrupt-${n}`))).toEqual(['{"version":1,"entr', 'null', '{"version":2,"entries":[]}']);
  expect(await memory.read('acme/shop')).toContain('## #2 ');
});

it('keeps the entries that can be read when one cannot', async () => {
  const memory = openMemory(`${dir}/memory`);
  await memory.add('acme/shop', work(1));
  const file = JSON.parse(read('entries.json'));
  writeFileSync(place('entries.json'), JSON.stringify({ ...file, entries: [...file.entries, { issue: 'x' }] }));
  await memory.add('acme/shop', work(2));
  expect(JSON.parse(read('entries.json')).entries).toHaveLength(2);
  expect(readdirSync(place('.')).filter((name) => name.includes('corrupt'))).toEqual(['entries.json.corrupt-1']);
});

it('loses nothing when many add at the same time', async () => {
  const memory = openMemory(`${dir}/memory`);
  await Promise.all([1, 2, 3, 4, 5].map((issue) => memory.add('acme/shop', work(issue))));
  expect(JSON.parse(read('entries.json')).entries).toHaveLength(5);
});
