/** What GitHub asked of us outlives the process that was told, and the pace of writes is shared. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findLimit } from '../../../../../src/core/github/octokit/client/limits.ts';
import { clientFor, failureOf, startServer, TestClock, TOKEN, temporaryDirectory } from './small-server.ts';

const ISSUE = 'GET /repos/{owner}/{repo}/issues/{issue_number}';
const COMMENT = 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments';
const one = { owner: 'o', repo: 'r', issue_number: 1 };
const comment = { ...one, body: 'b' };
const ok = { status: 200, json: { id: 1 } };

describe('a primary limit', () => {
  it('is kept by another client until it is over, by their clock', async () => {
    const stateDir = temporaryDirectory();
    const clock = new TestClock();
    // Their clock is ten minutes ahead of ours.
    const theirs = clock.ms + 600_000;
    const headers = {
      date: new Date(theirs).toUTCString(),
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String((theirs + 120_000) / 1000),
      'x-ratelimit-resource': 'core',
    };
    const server = await startServer({ status: 403, headers, json: { message: 'API rate limit exceeded' } }, ok);
    const first = await failureOf(clientFor(server.url, { stateDir, clock }).client.read(ISSUE, one));
    expect([first.code, first.retryAt?.getTime()]).toEqual(['rate_limit', clock.ms + 121_000]);
    const { client } = clientFor(server.url, { stateDir, clock });
    const second = await failureOf(client.read(ISSUE, one));
    expect([second.code, second.retryAt?.getTime(), server.seen.length]).toEqual(['rate_limit', clock.ms + 121_000, 1]);
    clock.ms += 121_000;
    await client.read(ISSUE, one);
    expect(server.seen).toHaveLength(2);
  });

  it('is kept from the last answer that was still given, and for its resource alone', async () => {
    const reset = String(Date.parse('2026-03-01T12:10:00Z') / 1000);
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset, 'x-ratelimit-resource': 'core' };
    const server = await startServer({ headers, json: { id: 1 } }, { json: { data: { a: 1 } } });
    const { client } = clientFor(server.url);
    await client.read(ISSUE, one);
    expect((await failureOf(client.read(ISSUE, one))).code).toBe('rate_limit');
    expect((await client.queryPartial('{ a }', {})).data).toEqual({ a: 1 });
  });
});

describe('a secondary limit', () => {
  it('doubles its pause from strike to strike, up to an hour, and is forgotten after a success', async () => {
    const stateDir = temporaryDirectory();
    const clock = new TestClock();
    const limited = { status: 403, json: { message: 'You have exceeded a secondary rate limit.' } };
    const server = await startServer(...Array.from({ length: 8 }, () => limited), ok, limited);
    const waits: number[] = [];
    for (let round = 0; round < 8; round++) {
      const error = await failureOf(clientFor(server.url, { stateDir, clock }).client.read(ISSUE, one));
      waits.push(((error.retryAt?.getTime() ?? 0) - clock.ms) / 60_000);
      clock.ms = error.retryAt?.getTime() ?? 0;
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    const { client } = clientFor(server.url, { stateDir, clock });
    await client.read(ISSUE, one);
    const again = await failureOf(client.read(ISSUE, one));
    expect((again.retryAt?.getTime() ?? 0) - clock.ms).toBe(60_000);
  });

  it('stops everything, and a write that met it is not sent again', async () => {
    const server = await startServer({ status: 429, headers: { 'retry-after': '300' }, json: { message: 'slow down' } }, ok);
    const { client, clock } = clientFor(server.url);
    const error = await failureOf(client.write('o/r', COMMENT, comment));
    expect([error.code, (error.retryAt?.getTime() ?? 0) - clock.ms]).toEqual(['rate_limit', 300_000]);
    expect((await failureOf(client.read(ISSUE, one))).code).toBe('rate_limit');
    expect((await failureOf(client.queryPartial('{ a }', {}))).code).toBe('rate_limit');
    expect(server.seen).toHaveLength(1);
  });

  it.each([
    [{ status: 403, headers: {}, message: 'Must have admin rights' }, undefined],
    [{ status: 404, headers: { 'retry-after': '5' }, message: '' }, undefined],
    [
      { status: 403, headers: { 'retry-after': '5' }, message: '' },
      { kind: 'secondary', retryAfterMs: 5000 },
    ],
    [{ status: 403, headers: {}, message: 'You have exceeded a secondary rate limit' }, { kind: 'secondary' }],
    [{ status: 429, headers: {}, message: '' }, { kind: 'secondary' }],
    [
      { status: 403, headers: { 'x-ratelimit-remaining': '0' }, message: '' },
      { kind: 'primary', resource: 'core', until: 61_000 },
    ],
  ])('is told apart: %j', (answer, news) => {
    expect(findLimit(answer, 0)).toEqual(news);
  });
});

describe('the pace of writes', () => {
  it('leaves a second between them, over all clients of a state directory', async () => {
    const stateDir = temporaryDirectory();
    const clock = new TestClock();
    const server = await startServer(ok);
    const clients = [1, 2].map(() => clientFor(server.url, { stateDir, clock }).client);
    for (const client of [...clients, ...clients]) await client.write('o/r', COMMENT, comment);
    expect(clock.waits).toEqual([1000, 1000, 1000]);
  });

  it('lets no more than so many an hour make content; the rest waits for a later tick', async () => {
    const stateDir = temporaryDirectory();
    const clock = new TestClock();
    const begun = clock.ms;
    const writes = { per_minute: 60, per_hour: 3 };
    const server = await startServer(ok);
    for (let n = 0; n < 3; n++)
      await clientFor(server.url, { stateDir, clock, writes }).client.write('o/r', COMMENT, comment, { creates: true });
    const { client } = clientFor(server.url, { stateDir, clock, writes });
    const error = await failureOf(client.write('o/r', COMMENT, comment, { creates: true }));
    expect([error.code, error.retryAt?.getTime(), server.seen.length]).toEqual(['rate_limit', begun + 3_600_000, 3]);
    await client.write('o/r', COMMENT, comment);
    clock.ms = begun + 3_600_000;
    await client.write('o/r', COMMENT, comment, { creates: true });
    expect(server.seen).toHaveLength(5);
  });

  it('does not wait for long', async () => {
    const server = await startServer(ok);
    const { client } = clientFor(server.url, { writes: { per_minute: 1, per_hour: 450 } });
    await client.write('o/r', COMMENT, comment);
    const error = await failureOf(client.write('o/r', COMMENT, comment));
    expect([error.code, error.temporary, server.seen.length]).toEqual(['rate_limit', true, 1]);
  });

  it.each(['', '{"primary":', '{"primary":{},"nextWriteAt":"x","created":[]}', '[]', 'null'])(
    'is careful after a damaged file: %j',
    async (text) => {
      const stateDir = temporaryDirectory();
      const clock = new TestClock();
      const server = await startServer(ok);
      const options = { stateDir, clock, writes: { per_minute: 60, per_hour: 4 } };
      await clientFor(server.url, options).client.write('o/r', COMMENT, comment);
      const file = stateFiles(stateDir).find((name) => name.endsWith('.json')) ?? '';
      writeFileSync(join(stateDir, 'forge', file), text);
      const { client } = clientFor(server.url, options);
      await client.write('o/r', COMMENT, comment, { creates: true });
      await client.write('o/r', COMMENT, comment, { creates: true });
      expect((await failureOf(client.write('o/r', COMMENT, comment, { creates: true }))).code).toBe('rate_limit');
    },
  );

  it('keeps no secret in its file', async () => {
    const stateDir = temporaryDirectory();
    const server = await startServer(ok);
    await clientFor(server.url, { stateDir }).client.write('o/r', COMMENT, comment);
    const texts = stateFiles(stateDir).map((name) => readFileSync(join(stateDir, 'forge', name), 'utf8'));
    expect(texts.join('')).toContain('nextWriteAt');
    expect(texts.join('')).not.toContain(TOKEN);
  });
});

function stateFiles(stateDir: string): string[] {
  return readdirSync(join(stateDir, 'forge'));
}
