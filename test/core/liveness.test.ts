import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { isAlive, parseOwner, renderOwner, thisProcess } from '../../src/core/liveness.ts';

describe('the owner of a claim', () => {
  it('is alive only as this very process of this very boot (fault scenarios 23 to 25)', () => {
    const me = thisProcess();
    expect(isAlive(me)).toBe(true);
    expect(isAlive({ ...me, boot: '0badb007' })).toBe(false);
    expect(isAlive({ ...me, start: me.start + 1 })).toBe(false);
    expect(isAlive({ ...me, pid: 2 ** 22 + 1 })).toBe(false);
  });

  it('is dead once its process has ended', async () => {
    const child = spawn('sleep', ['60']);
    const [me] = [thisProcess()];
    const { startTime } = await import('../../src/core/liveness.ts');
    const owner = { boot: me.boot, pid: child.pid ?? 0, start: startTime(child.pid ?? 0) ?? 0 };
    expect(isAlive(owner)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(isAlive(owner)).toBe(false);
  });

  it('is written into a file name and read back; anything else is no owner', () => {
    const me = thisProcess();
    expect(parseOwner(renderOwner(me))).toEqual(me);
    for (const text of ['', '1-2-3', 'zzzzzzzz-1-2', `${renderOwner(me)}-1`, `../${renderOwner(me)}`])
      expect(parseOwner(text)).toBeUndefined();
  });
});
