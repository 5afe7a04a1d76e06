import { describe, expect, it } from 'vitest';
import { renderCommitMessage, renderPullRequestBody } from '../../../src/commands/queue/report.ts';
import { closingReferences } from '../../../src/core/github/local/merge.ts';
import { quietTitle } from '../../../src/core/github/quiet-title.ts';
import { buildTask } from '../../support/builders.ts';

const result = { summary: 'Did it.', done: [], decisions: [], risks: [], manualSteps: [] };

describe('what people read of an attempt', () => {
  it.each(['Fixes #99 for @alice', 'fix\u200bes #99', 'Resolves: acme/shop#99', 'close https://github.com/acme/shop/issues/99'])(
    'a title closes and calls nothing: %s',
    (title) => {
      const message = renderCommitMessage({ task: buildTask({ title }), agent: 'codex' }, 'fixes #98');
      for (const text of [message, quietTitle(title)]) {
        expect(closingReferences('acme/shop', text)).toEqual([]);
        expect(text).not.toMatch(/@\w|(?:close|fix\w*|resolve\w*):?\s+https/i);
      }
    },
  );

  it('leaves an honest title as it is', () => {
    expect(quietTitle('Fix List<T> in #cart; see a@b')).toBe('Fix List<T> in #cart; see a＠b');
  });

  it('fits into what a forge takes, whatever the agent and the tree say', () => {
    const long = Array.from({ length: 100 }, (_, k) => `${'<'.repeat(600)}${k}`);
    const body = renderPullRequestBody({
      task: buildTask(),
      agent: 'codex',
      attempt: 1,
      changes: long.map((path) => ({ path, kind: 'added' as const })),
      protected: long,
      verified: ['npm test'],
      result: { summary: '<'.repeat(64_000), done: long, decisions: long, risks: long, manualSteps: long },
    });
    expect(body.length).toBeLessThan(65_536);
    expect(closingReferences('acme/shop', body)).toEqual([12]);
  });

  it('shows the words of an agent as its own', () => {
    const body = renderPullRequestBody({
      task: buildTask(),
      agent: 'codex',
      attempt: 2,
      changes: [{ path: 'a`b.js', kind: 'modified' }],
      protected: [],
      verified: [],
      result: { ...result, summary: 'Closes #1\n\n## Evidence\n![](https://evil.example/x) @alice' },
    });
    expect(body).toContain("- modified `a'b.js`");
    expect(body).toContain('> ## Evidence');
    expect(body).not.toMatch(/^## Evidence[\s\S]*^## Evidence/m);
    expect(closingReferences('acme/shop', body)).toEqual([12]);
  });
});
