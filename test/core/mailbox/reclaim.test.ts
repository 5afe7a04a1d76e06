import { describe, expect, it } from 'vitest';
import { decideReclaims } from '../../../src/core/mailbox/reclaim.ts';
import type { Attempt } from '../../../src/core/mailbox/task.ts';
import { buildTask, DEAD, NOW } from '../../support/mailbox-task.ts';

const LIMITS = { now: '2026-11-22T11:00:00.000Z', maxInfrastructure: 3 };

function attempt(n: number, fields: Partial<Attempt> = {}): Attempt {
  return { n, agent: 'codex', kind: 'work', started_at: NOW, ...fields };
}

const lost = (n: number) => attempt(n, { ended_at: NOW, outcome: 'infrastructure', code: 'infrastructure' });

function claim(attempts: Attempt[], alive = false) {
  return { letter: { task: buildTask({ attempts }), body: '', tray: 'processing' as const, owner: DEAD }, alive };
}

describe('decideReclaims', () => {
  it('leaves the living alone', () => {
    expect(decideReclaims([claim([attempt(1)], true)], LIMITS)).toEqual([]);
  });

  it('returns a claim that had begun nothing as it is', () => {
    for (const attempts of [[], [lost(1), lost(2), lost(3)]]) {
      const [reclaim] = decideReclaims([claim(attempts)], LIMITS);
      expect(reclaim).toMatchObject({ to: 'inbox', task: { attempts } });
    }
  });

  it('ends the attempt that was cut off, as nobody’s fault', () => {
    const [reclaim] = decideReclaims([claim([lost(1), attempt(2)])], LIMITS);
    expect(reclaim?.to).toBe('inbox');
    expect(reclaim?.task.attempts[0]).toEqual(lost(1));
    expect(reclaim?.task.attempts[1]).toMatchObject({ n: 2, ended_at: LIMITS.now, outcome: 'infrastructure', code: 'infrastructure' });
  });

  it('escalates when that happened too often in a row', () => {
    const [reclaim] = decideReclaims([claim([lost(1), lost(2), attempt(3)])], LIMITS);
    expect(reclaim).toMatchObject({ to: 'escalated', reason: 'attempt 3 was cut off: infrastructure failed 3 times in a row' });
  });
});
