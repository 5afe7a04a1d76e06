/**
 * What is not plainly said is not concluded: a list that is not whole never says
 * that something is not there, and what exists already is ours only when we
 * made it (rows 39, 45, 48, 49 and 51 of docs/reliability.md).
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ensureStatusComment } from '../../../../src/core/github/projection.ts';
import type { Fault } from '../../../github-server/faults.ts';
import { openIssue, projector } from './arrange-write.ts';
import { isWrite, OWN, Passes, type PassOptions, PERSON, REPO } from './passes.ts';
import { WRITES } from './writes.ts';

const COMMENTS = /\/issues\/\d+\/comments$/;
const BODY = '<!-- agentos:status -->\nwaiting';
let at: Passes;
beforeAll(async () => {
  at = await Passes.open();
});
afterEach(() => {
  at.app = undefined;
  expect(at.server.violations).toEqual([]);
});
afterAll(() => at.close());

const comment = async (issue: number, options: PassOptions = {}) =>
  ensureStatusComment(await projector(at.pass(options)), REPO, issue, BODY).then(
    () => 'done',
    (error: { code: string }) => error.code,
  );
const writes = (from: number) => at.server.requests.slice(from).filter(isWrite).length;

describe('our comment is on the second page of a list, and the journal was lost', () => {
  function arrange(): number {
    at.begin();
    const issue = openIssue(at);
    for (let n = 1; n <= 105; n++) at.server.as(PERSON).comment(REPO, issue, `talk ${n}`);
    at.server.as(OWN).comment(REPO, issue, BODY);
    return issue;
  }

  it.each<[string, Fault, string, PassOptions]>([
    ['which fails', { kind: '502-before', times: 3 }, 'unavailable', {}],
    ['which is cut off', { kind: 'cut', times: 3 }, 'unavailable', {}],
    ['which is a page of HTML', { kind: 'html', times: 3 }, 'unavailable', {}],
    ['which stops in the middle', { kind: 'truncated', times: 3 }, 'unavailable', {}],
    ['which comes a byte a second', { kind: 'drip', times: 3 }, 'timeout', { deadlineMs: 400 }],
    ['which never comes', { kind: 'hang-before', times: 3 }, 'timeout', { deadlineMs: 400 }],
    ['to which the link is missing', { kind: 'no-link', times: 1 }, 'unavailable', {}],
  ])('%s: nothing is written, and it is found later', async (_, fault, code, options) => {
    const issue = arrange();
    let page = 0;
    const isMeant = () => fault.kind === 'no-link' || ++page > 1;
    at.server.fault({ ...fault, method: 'GET', path: COMMENTS, when: isMeant });
    const from = at.server.requests.length;
    expect(await comment(issue, options)).toBe(code);
    expect(writes(from)).toBe(0);
    at.begin();
    expect(await comment(issue)).toBe('done');
    expect([writes(from), at.server.issue(REPO, issue).comments.length]).toEqual([1, 106]);
  });

  it.each(['page-insert', 'page-remove'] as const)('while the list moves (%s): it is found', async (kind) => {
    const issue = arrange();
    at.server.fault({ kind, method: 'GET', path: COMMENTS, times: 2 });
    expect(await comment(issue)).toBe('done');
    expect(at.server.issue(REPO, issue).comments).toHaveLength(106);
  });
});

describe('a pull request of this head exists already', () => {
  const write = WRITES['a pull request'];
  it.each([
    [OWN, 'done', 0],
    [PERSON, 'conflict', 1],
  ])('opened by %s: %s', async (login, outcome, tries) => {
    at.begin();
    const one = await write?.arrange(at);
    let opened = 0;
    // Between our look and our request; where it is ours, before the look.
    const open = () => {
      if (++opened === 1) at.server.as(login).openPull(REPO, { title: 'Here already', head: branch });
      return false;
    };
    const issue = Math.max(...at.server.repo(REPO).issues.keys());
    const branch = `agent/acme__shop-${issue}-1`;
    const when = { method: login === OWN ? 'GET' : 'POST', path: /^\/repos\/acme\/shop\/pulls$/ };
    at.server.fault({ kind: '404', ...when, when: open });
    const from = at.server.requests.length;
    const ended = await one?.run(at.pass()).then(
      () => 'done',
      (error: { code: string }) => error.code,
    );
    const sent = at.server.requests.slice(from).filter(({ method, path }) => method === 'POST' && path.endsWith('/pulls'));
    expect([ended, sent.length, one?.happened()]).toEqual([outcome, tries, 1]);
  });
});

describe('the tokens of an app', () => {
  function arrange(): number {
    at.begin();
    const permissions = {
      contents: 'write',
      issues: 'write',
      pull_requests: 'write',
      checks: 'read',
      statuses: 'read',
      actions: 'read',
      metadata: 'read',
    } as const;
    const { appId, installationId, privateKey } = at.server.createApp({ name: `App ${at.now}`, account: 'acme', permissions });
    // Their library knows the clock of the machine alone.
    at.advance(Date.now() - at.now);
    const privateKeyFile = join(at.pass().paths.root, 'app.pem');
    writeFileSync(privateKeyFile, privateKey, { mode: 0o600 });
    at.app = { id: appId, installationId, privateKeyFile };
    return openIssue(at);
  }
  const minted = (from: number) => at.server.requests.slice(from).filter(({ path }) => path.endsWith('/access_tokens')).length;
  const MINT = { method: 'POST', path: /\/access_tokens$/ };

  it.each([
    ['502-before', 'unavailable', {}],
    ['502-after', 'unavailable', {}],
    ['reset-after', 'unavailable', {}],
    ['hang-after', 'timeout', { deadlineMs: 600 }],
  ] as const)('cannot be made (%s): nothing is asked twice or written, and the next pass goes on', async (kind, code, options) => {
    const issue = arrange();
    at.server.fault({ kind, ...MINT });
    const from = at.server.requests.length;
    expect(await comment(issue, options)).toBe(code);
    expect([minted(from), writes(from)]).toEqual([1, 0]);
    expect(await comment(issue)).toBe('done');
    expect([writes(from), at.server.issue(REPO, issue).comments.length]).toEqual([1, 1]);
  });

  it('are made anew once when GitHub refuses one for a read, and no more than once', async () => {
    const issue = arrange();
    const from = at.server.requests.length;
    at.server.fault({ kind: '401', method: 'GET', path: COMMENTS });
    expect(await comment(issue)).toBe('done');
    expect([minted(from), at.server.issue(REPO, issue).comments.length]).toEqual([3, 1]);
    at.begin();
    const other = arrange();
    const again = at.server.requests.length;
    at.server.fault({ kind: '401', method: 'GET', path: COMMENTS, times: 9 });
    expect(await comment(other)).toBe('auth');
    expect([minted(again), writes(again)]).toEqual([2, 0]);
  });

  it('are not sent with a write again that was refused; the next pass writes', async () => {
    const issue = arrange();
    const from = at.server.requests.length;
    at.server.fault({ kind: '401', method: 'POST', path: COMMENTS });
    expect(await comment(issue)).toBe('auth');
    expect(writes(from)).toBe(1);
    expect(await comment(issue)).toBe('done');
    expect([writes(from), at.server.issue(REPO, issue).comments.length]).toEqual([2, 1]);
  });
});
