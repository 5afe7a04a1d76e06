import { describe, expect, it } from 'vitest';
import { countCodes, findPatterns, isSupported, listAttempts, listFailures } from '../../../src/commands/analyze-logs/detect.ts';
import { attempt, event, minute } from './build-events.ts';

const failed = (issue: number, n: number, reason: string, fields = {}) =>
  attempt(issue, n, 'claude', 'failed', { code: 'verify_failed', reason, ...fields });

describe('attempts', () => {
  it('count once, however often their end was logged', () => {
    const again = failed(1, 1, 'Error: second look');
    expect(listAttempts([failed(1, 1, 'Error: first look'), again, failed(1, 2, 'x')])).toEqual([again, failed(1, 2, 'x')]);
  });
});

describe('failures', () => {
  it('are attempts that failed and actions that failed for good; stops and waits are none', () => {
    const failures = listFailures([
      failed(1, 1, 'Error: a'),
      attempt(1, 2, 'codex', 'complete', { code: 'complete' }),
      attempt(1, 3, 'codex', 'stopped', { code: 'cancelled' }),
      attempt(2, 1, 'codex', 'infrastructure', { code: 'provider_auth' }),
      event('run.action.failed', { kind: 'merge', outcome: 'failed', code: 'refused', reason: 'acme/shop#7: a rule forbids it' }),
      event('run.action.failed', { kind: 'merge', outcome: 'deferred', code: 'unavailable', reason: 'acme/shop#7: no answer' }),
      event('run.action.failed', { kind: 'reclaim', outcome: 'failed', code: 'corrupt', reason: 'acme__shop-8-1: cannot be read' }),
    ]);
    expect(failures.map(({ repo, issue, task, code, quality, template }) => ({ repo, issue, task, code, quality, template }))).toEqual([
      { repo: 'acme/shop', issue: 1, task: 'acme__shop-1-1', code: 'verify_failed', quality: true, template: 'Error: a' },
      { repo: 'acme/shop', issue: 2, task: 'acme__shop-2-1', code: 'provider_auth', quality: false, template: '' },
      { repo: 'acme/shop', issue: 7, task: null, code: 'refused', quality: true, template: 'a rule forbids it' },
      { repo: '', issue: null, task: 'acme__shop-8-1', code: 'corrupt', quality: true, template: 'cannot be read' },
    ]);
  });

  it('are counted by code with distinct issues', () => {
    const failures = listFailures([failed(1, 1, 'a'), failed(1, 2, 'b'), failed(2, 1, 'c'), failed(3, 1, 'd', { code: 'no_diff' })]);
    expect(countCodes(failures)).toEqual([
      { code: 'verify_failed', quality: true, count: 3, issues: 2 },
      { code: 'no_diff', quality: true, count: 1, issues: 1 },
    ]);
  });
});

describe('patterns', () => {
  it('gather one cause over its accidents, with examples from different issues, latest first', () => {
    const [pattern, ...others] = findPatterns(
      listFailures([
        failed(1, 1, 'Error: timeout after 10 ms in /tmp/a/x.js:1:1'),
        failed(1, 2, 'Error: timeout after 12 ms in /tmp/b/x.js:3:1'),
        failed(2, 1, 'Error: timeout after 900 ms in /tmp/c'),
        failed(3, 1, 'Error: timeout after 9 ms in /tmp/d', { agent: 'codex' }),
        failed(4, 1, 'Error: timeout after 9 ms in /tmp/d', { repo: 'acme/other' }),
      ]),
    );
    expect(others).toEqual([]);
    expect(pattern).toMatchObject({
      template: 'Error: timeout after <duration> in <tmp>',
      count: 5,
      issues: 4,
      agents: ['claude', 'codex'],
      repos: [
        { name: 'acme/shop', count: 4, issues: 3 },
        { name: 'acme/other', count: 1, issues: 1 },
      ],
      firstAt: minute(110),
      lastAt: minute(410),
      fileable: true,
    });
    expect(pattern?.examples.map(({ repo, issue, attempt: n }) => `${repo}#${issue}/${n}`)).toEqual([
      'acme/shop#3/1',
      'acme/shop#2/1',
      'acme/shop#1/2',
    ]);
  });

  it.each([
    ['three events over two issues', [failed(1, 1, 'x'), failed(1, 2, 'x'), failed(2, 1, 'x')], true],
    ['two events', [failed(1, 1, 'x'), failed(2, 1, 'x')], false],
    ['one stubborn issue', [failed(1, 1, 'x'), failed(1, 2, 'x'), failed(1, 3, 'x'), failed(1, 4, 'x')], false],
    ['one attempt logged again and again', [failed(1, 1, 'x'), failed(1, 1, 'x'), failed(1, 1, 'x'), failed(2, 1, 'x')], false],
  ])('of %s: supported %s', (_, events, expected) => {
    expect(findPatterns(listFailures(events)).map(isSupported)).toEqual([expected]);
  });

  it.each(['provider_auth', 'budget', 'missing_credentials', 'resource_limit', 'io'])('of `%s` are the operator’s matter', (code) => {
    const events = [failed(1, 1, 'x', { code }), failed(2, 1, 'x', { code }), failed(3, 1, 'x', { code })];
    expect(findPatterns(listFailures(events))).toMatchObject([{ fileable: false, count: 3 }]);
  });
});
