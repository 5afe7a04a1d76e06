/** What a run may use of the machine: tried by programs that want more. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findRun } from '../../../src/core/process-tree.ts';
import { LIMITS, listStarter, type SandboxLimits, scaleLimits } from '../../../src/core/sandbox/limits.ts';
import type { Sandbox, SandboxExit, SandboxRun } from '../../../src/core/sandbox/sandbox.ts';
import { DRIVERS, hasBwrap, makePlace, makeRun, openDriver, PATH, type Place } from '../../support/sandboxes.ts';

const MB = 1024 * 1024;
let place: Place;
let sandbox: Sandbox;
afterEach(() => place.remove());

async function open(kind: Sandbox['kind'], limits: Partial<SandboxLimits> = {}): Promise<void> {
  place = makePlace();
  sandbox = await openDriver(kind, place, 5000, limits);
}

function run(script: string, more: Partial<SandboxRun> = {}): Promise<SandboxExit> {
  return sandbox.run(makeRun(place, ['sh', '-c', script], more), new AbortController().signal);
}

describe.each(DRIVERS)('$kind', ({ kind, there }) => {
  describe.skipIf(!there)('ends a run', () => {
    it('that keeps more on disk than it may, at once and whatever it does about signals', async () => {
      await open(kind, { diskBytes: 40 * MB });
      const fill = 'trap "" TERM; k=0; while :; do head -c 4000000 /dev/zero > big-$k; k=$((k+1)); sleep 0.02; done';
      const exit = await run(fill);
      expect(exit).toMatchObject({ ended: 'limit', exitCode: null });
      expect(exit.durationMs).toBeLessThan(4500);
      expect(exit.output).toContain('ended: it keeps more than 40 MB in what it may write\n');
      expect(readdirSync(place.workspace).length).toBeGreaterThan(9);
    });

    it('that fills its HOME, or hides what it keeps in deep and many directories', async () => {
      await open(kind, { diskBytes: 20 * MB });
      const exit = await run('cd "$HOME"; d=a; while :; do mkdir -p $d; head -c 1000000 /dev/zero > $d/f; d=$d/a; sleep 0.02; done');
      expect(exit.ended).toBe('limit');
    });

    it('that keeps it under a name that is no UTF-8', async () => {
      await open(kind, { diskBytes: 20 * MB });
      const name = `"$(printf '\\377')"`;
      const exit = await run(`mkdir ${name}; cd ${name}; head -c 100000000 /dev/zero > big; sleep 5`);
      expect(exit.ended).toBe('limit');
    });

    it('that takes the last free space, though what it keeps is not to be seen', async () => {
      // More than is free on any disk: the floor is reached as soon as a run takes something.
      await open(kind, { freeBytes: Number.MAX_SAFE_INTEGER });
      const exit = await run('exec 3> gone; rm gone; head -c 100000000 /dev/zero >&3; sleep 60');
      expect(exit.ended).toBe('limit');
      expect(exit.output).toMatch(/ended: less than \d+ MB are free on the disk\n/);
    });

    it('for nothing that was there before, nor for holes in files', async () => {
      await open(kind, { diskBytes: 40 * MB, freeBytes: Number.MAX_SAFE_INTEGER });
      mkdirSync(join(place.root, 'other'));
      writeFileSync(join(place.root, 'other', 'file'), Buffer.alloc(60 * MB));
      const exit = await run('truncate -s 1000000000 hole; sleep 1.5; echo done');
      expect(exit).toMatchObject({ ended: 'exited', exitCode: 0, output: 'done\n' });
      expect(statSync(join(place.workspace, 'hole')).size).toBe(1_000_000_000);
    });
  });
});

describe.each(DRIVERS)('$kind', ({ kind, there }) => {
  describe.skipIf(!there)('gives a run', () => {
    it('no file larger than the limit, no core, a bound of open files, and no way to raise them', async () => {
      await open(kind, { fileBytes: 3 * MB, openFiles: 300 });
      const exit = await run(`head -c 9000000 /dev/zero > big; stat -c %s big; ulimit -c; ulimit -Hn; ulimit -n; ulimit -f`);
      expect(exit.output.split('\n').filter((line) => /^\d+$/.test(line))).toEqual([String(3 * MB), '0', '300', '300', String(3 * 2048)]);
      const raise = await run('ulimit -Hn 100000 2>/dev/null; ulimit -Hn');
      // Unconfined, root is root.
      if (kind === 'bubblewrap') expect(raise.output).toBe('300\n');
    });

    it('the first place when memory runs out', async () => {
      await open(kind);
      expect((await run('cat /proc/self/oom_score_adj')).output).toBe('1000\n');
    });
  });
});

describe.skipIf(!hasBwrap)('bubblewrap', () => {
  it('bounds /tmp and /dev/shm, and leaves no other place that is memory', async () => {
    await open('bubblewrap', { tmpBytes: 2 * MB, sharedMemoryBytes: MB });
    const fill = (path: string) => `head -c 9000000 /dev/zero > ${path} 2>/dev/null; stat -c %s ${path}`;
    const exit = await run(
      `${fill('/tmp/big')}; ${fill('/dev/shm/big')}; for d in /dev /dev/pts /run /var/tmp /; do touch $d/x && echo $d; done 2>&1`,
    );
    expect(exit.output.split('\n').filter((line) => !line.includes('touch:'))).toEqual([String(2 * MB), String(MB), '']);
    expect(exit.output.match(/touch:/g)?.length).toBe(5);
    expect((await run('echo x > /dev/null && head -c 1 /dev/urandom | wc -c && cat /dev/zero | head -c 1 | wc -c')).output).toBe('1\n1\n');
  });

  it('bounds the processes of a run in its user namespace, for everybody but root', () => {
    // The kernel counts no process of root: the very start that the driver uses, as an ordinary user.
    const user = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
    const box = ['bwrap', '--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--'];
    const count = (processes: number) => {
      const script = 'for k in $(seq 100); do sleep 20 & done; ls -d /proc/[0-9]* | wc -l';
      const [program = '', ...args] = [...user, ...box, ...listStarter(PATH, { ...LIMITS, processes }, true), 'sh', '-c', script];
      return spawnSync(program, args, { encoding: 'utf8', cwd: '/', env: { PATH } });
    };
    const free = count(4096);
    expect(Number(free.stdout)).toBeGreaterThan(100);
    const bound = count(40);
    expect(bound.stderr).toMatch(/fork/);
    expect(bound.stdout).toBe('');
  });

  it('ends a fork bomb with the run, and all of it', async () => {
    await open('bubblewrap');
    const request = makeRun(
      place,
      ['sh', '-c', 'f() { sleep 60 & sleep 60 & [ "$1" = 0 ] || { f $(($1-1)) & f $(($1-1)); }; }; f 6; echo forked; sleep 60'],
      {
        timeoutMs: 2500,
      },
    );
    const exit = await sandbox.run(request, new AbortController().signal);
    // A shell that outlives its own children by an instant says that they were terminated.
    expect(exit).toMatchObject({ ended: 'timeout', output: expect.stringMatching(/^forked\n(Terminated\n)*$/) });
    expect(findRun({ mark: request.mark })).toEqual([]);
  });
});

describe('the program that sets the limits', () => {
  const own = `Limit                     Soft Limit           Hard Limit           Units
Max file size             unlimited            unlimited            bytes
Max processes             100                  200                  processes
Max open files            1024                 524288               files
`;

  it('never asks for more than this process may have', () => {
    const argv = listStarter(PATH, LIMITS, true, own);
    expect(argv.slice(1, 7)).toEqual([
      '--core=0:0',
      `--fsize=${10_240 * MB}:${10_240 * MB}`,
      '--nofile=1024:65536',
      '--nproc=100:200',
      '--',
      argv[6],
    ]);
    expect(existsSync(argv[0] ?? '')).toBe(true);
    expect(listStarter(PATH, LIMITS, false, own).join(' ')).not.toContain('nproc');
  });

  it('scales with what a run may keep on disk', () => {
    expect(scaleLimits(10_240)).toEqual(LIMITS);
    const sizes = { diskBytes: 64 * MB, fileBytes: 64 * MB, tmpBytes: 64 * MB, sharedMemoryBytes: 64 * MB };
    expect(scaleLimits(64)).toEqual({ ...LIMITS, ...sizes });
  });

  it('is left out where it is not installed', () => {
    expect(listStarter('/nowhere', LIMITS, true, own)).toEqual([]);
  });

  it('finds the limits of this process', () => {
    const hard = /Max open files +\d+ +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    expect(listStarter(PATH, { ...LIMITS, openFiles: Number.MAX_SAFE_INTEGER }, false).join(' ')).toContain(`:${hard} `);
  });
});
