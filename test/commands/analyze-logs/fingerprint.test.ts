import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toFingerprint, toTemplate } from '../../../src/commands/analyze-logs/fingerprint.ts';

describe('toTemplate', () => {
  it.each([
    ['escape sequences', '\u001b[31mError:\u001b[0m boom', 'Error: boom'],
    ['instants', 'failed at 2026-11-22T10:00:00.123Z', 'failed at <time>'],
    ['times of day', '10:11:12,345 ERROR boom', '<time> ERROR boom'],
    ['commits', 'cannot apply 3f786850e387550fdab836ed7e6dc881de23001b', 'cannot apply <sha>'],
    ['short commits', 'cannot apply 3f78685', 'cannot apply <sha>'],
    ['UUIDs', 'no session 123e4567-e89b-12d3-a456-426614174000', 'no session <uuid>'],
    ['temporary paths', "ENOENT: '/tmp/agentos-x81/a.txt' not found", "ENOENT: '<tmp>' not found"],
    ['workspaces', 'missing /workspaces/acme__shop-12-1/2/src/a.js', 'missing <tmp>'],
    ['ports', 'connect ECONNREFUSED 127.0.0.1:43117', 'connect ECONNREFUSED <n>:<port>'],
    ['durations', 'timed out after 1200 ms, then 3.5s', 'timed out after <duration>, then <duration>'],
    ['places in files', 'src/cart.js:12:7 error TS2345 and src/b.ts(3,4)', 'src/cart.js error TS2345 and src/b.ts'],
    ['numbers', 'expected 3 to equal -4.50', 'expected <n> to equal <n>'],
    ['tasks', 'task acme__shop-12-1 failed', 'task <task> failed'],
    ['request ids', 'error req_011CSHoEeqs5C35K2UUqR7Fy', 'error <id>'],
  ])('leaves out %s', (_, reason, template) => {
    expect(toTemplate(reason)).toBe(template);
  });

  it('takes the first line that names an error, not the last line', () => {
    expect(toTemplate('> test\n\nTypeError: x is not a function\n  at a.js:1:2\nnpm ERR! code 1')).toBe('TypeError: x is not a function');
    expect(toTemplate('nothing to see\nreally')).toBe('nothing to see');
    expect(toTemplate('')).toBe('');
  });

  it('keeps different causes apart', () => {
    const reasons = [
      'Cannot find module `a`',
      'Cannot find module `b`',
      'v20 is required',
      'http2 failed',
      'src/a.js: error',
      'src/b.js: error',
    ];
    expect(new Set(reasons.map(toTemplate)).size).toBe(reasons.length);
  });

  it('is bounded and idempotent', () => {
    const words = fc.array(fc.oneof(fc.string(), fc.constantFrom('Error:', '12', 'a.js:1:2', '/tmp/x', '10 ms', 'abc123f', '\n')), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(words, (parts) => {
        const template = toTemplate(parts.join(' '));
        return template.length <= 200 && !template.includes('\n') && toTemplate(template) === template;
      }),
    );
  });
});

describe('toFingerprint', () => {
  it('carries its version and stays what it is: filed ones must mean the same for ever', () => {
    expect(toFingerprint('queue.attempt.finished', 'verify_failed', 'Error: boom')).toMatchInlineSnapshot(`"v1:2fc52a9136915f00"`);
  });

  it('differs by event, code and template', () => {
    const all = [toFingerprint('e', 'c', 't'), toFingerprint('f', 'c', 't'), toFingerprint('e', 'd', 't'), toFingerprint('e', 'c', 'u')];
    expect(new Set(all).size).toBe(4);
    for (const one of all) expect(one).toMatch(/^v1:[0-9a-f]{16}$/);
  });
});
