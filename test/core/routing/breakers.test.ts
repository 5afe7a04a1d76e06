import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBreaker, writeBreaker } from '../../../src/core/routing/breakers.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'breakers-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const BREAKER = { failures: 2, until: '2026-11-22T12:10:00.000Z', code: 'provider_auth', reason: 'the key is refused' };

describe('breakers on disk', () => {
  it('are read as they were written, each agent its own', () => {
    writeBreaker(dir, 'claude', BREAKER);
    expect(readBreaker(dir, 'claude')).toEqual(BREAKER);
    expect(readBreaker(dir, 'codex')).toBeUndefined();
  });
  it('leave nothing when they close, twice too', () => {
    writeBreaker(dir, 'claude', BREAKER);
    writeBreaker(dir, 'claude', undefined);
    writeBreaker(dir, 'claude', undefined);
    expect(readdirSync(dir)).toEqual([]);
  });
  it.each([
    ['no JSON', '{"failures":'],
    ['no breaker', '[]'],
    ['an instant that is none', JSON.stringify({ ...BREAKER, until: 'tomorrow' })],
    ['nothing', ''],
  ])('count as closed when the file holds %s', (_, text) => {
    writeFileSync(`${dir}/claude.json`, text);
    expect(readBreaker(dir, 'claude')).toBeUndefined();
  });
});
