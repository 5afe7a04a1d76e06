import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEffects } from '../../../src/core/effects/journal.ts';
import { AgentOsError } from '../../../src/core/errors.ts';
import type { GitHub } from '../../../src/core/github/github.ts';
import { ensureStatusComment, projectLetter, removeLabel } from '../../../src/core/github/projection.ts';
import { renderStatusComment } from '../../../src/core/github/status-comment.ts';
import { at, buildAttempt, buildIssue, buildTask, OWN } from '../../support/builders.ts';

describe('what an issue shows', () => {
  let root: string;
  let calls: string[];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'agentos-projection-'));
    calls = [];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const project = (over: Partial<GitHub> = {}) => {
    const forge: Partial<GitHub> = {
      consistentReads: true,
      getIdentity: async () => ({ ...OWN, shared: false }),
      getIssue: async () => buildIssue({ labels: ['Ready', 'agentos:queued'] }),
      listComments: async () => [],
      createComment: async () => {
        calls.push('create');
        return { id: 5 };
      },
      updateComment: async () => {
        calls.push('edit');
      },
      addLabel: async (_, __, label) => {
        calls.push(`add ${label}`);
        return { eventId: '1' };
      },
      removeLabel: async (_, __, label) => {
        calls.push(`remove ${label}`);
      },
      ...over,
    };
    const effects = openEffects({ root: `${root}/effects`, clock: { now: () => new Date(at('12:00')) }, consistentReads: true });
    return { forge: forge as GitHub, effects };
  };

  it('is written once, and not again while it says the same', async () => {
    const to = project();
    expect(await ensureStatusComment(to, 'acme/shop', 12, 'one')).toBe(true);
    expect(await ensureStatusComment(to, 'acme/shop', 12, 'one')).toBe(false);
    expect(await ensureStatusComment(to, 'acme/shop', 12, 'two')).toBe(true);
    expect(await ensureStatusComment(to, 'acme/shop', 12, 'two')).toBe(false);
    expect(calls).toEqual(['create', 'edit']);
  });

  it('is left alone where a person removed it, without a request on every pass', async () => {
    const gone = async () => {
      calls.push('edit');
      throw new AgentOsError('not_found', 'no such comment');
    };
    const to = project({ updateComment: gone });
    await ensureStatusComment(to, 'acme/shop', 12, 'one');
    for (let pass = 0; pass < 3; pass++) expect(await ensureStatusComment(to, 'acme/shop', 12, 'two')).toBe(false);
    expect(calls).toEqual(['create', 'edit']);
  });

  it('has its comment before its label: without one nobody looks at the issue again', async () => {
    await projectLetter(project(), { task: buildTask(), tray: 'failed' }, ['agentos:queued']);
    expect(calls).toEqual(['create', 'remove agentos:queued']);
  });

  it('loses a label however it is spelt', async () => {
    await removeLabel(project(), 'acme/shop', 12, 'ready');
    expect(calls).toEqual(['remove ready']);
  });

  it('fits into a comment, however often it was tried', () => {
    const attempts = Array.from({ length: 500 }, (_, k) => buildAttempt(k + 1, { summary: 'x'.repeat(500) }));
    const text = renderStatusComment(buildTask({ attempts, note: '<'.repeat(7000) }), 'escalated');
    expect(text.length).toBeLessThan(65_536);
    expect(text).toContain('470 earlier attempts not shown');
  });
});
