import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findRun } from '../../../src/core/process-tree.ts';
import type { Sandbox, SandboxExit, SandboxRun } from '../../../src/core/sandbox/sandbox.ts';
import { DRIVERS, hasBwrap, makePlace, makeRun, openDriver, PATH, type Place } from '../../support/sandboxes.ts';

const AGENT = fileURLToPath(new URL('../../support/fake-agent.mjs', import.meta.url));
const never = new AbortController().signal;

let place: Place;
let sandbox: Sandbox;
afterEach(() => place.remove());

async function open(kind: Sandbox['kind']): Promise<void> {
  place = makePlace();
  sandbox = await openDriver(kind, place);
}

function run(argv: string[], more: Partial<SandboxRun> = {}, signal = never): Promise<SandboxExit> {
  return sandbox.run(makeRun(place, argv, more), signal);
}

function agent(mode: string, more: Partial<SandboxRun> = {}, args: string[] = [], signal = never): Promise<SandboxExit> {
  return run([process.execPath, AGENT, mode, ...args], { ...more, readable: [process.execPath, AGENT, ...(more.readable ?? [])] }, signal);
}

function inWorkspace(name: string): string {
  return join(place.workspace, name);
}

/** By how much a file grows that a living daemon makes grow. */
async function growth(): Promise<number> {
  const before = statSync(inWorkspace('alive')).size;
  await sleep(200);
  return statSync(inWorkspace('alive')).size - before;
}

const look = () => JSON.parse(readFileSync(inWorkspace('seen.json'), 'utf8'));

/** Does it while the variables are set around us. */
async function withEnvironment(variables: Record<string, string>, act: () => Promise<unknown>): Promise<void> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    await act();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

describe.each(DRIVERS)('$kind', ({ kind, there }) => {
  describe.skipIf(!there)('gives a program', () => {
    beforeEach(() => open(kind));

    it('returns what it printed on both outputs, and its exit status', async () => {
      const exit = await run(['sh', '-c', 'cat; echo err >&2; exit 3'], { stdin: 'in €\n' });
      expect(exit).toMatchObject({ ended: 'exited', exitCode: 3, truncated: false });
      expect(exit.output.split('\n').sort()).toEqual(['', 'err', 'in €']);
      expect(readFileSync(place.transcript, 'utf8')).toBe(exit.output);
      expect(statSync(place.transcript).mode & 0o777).toBe(0o600);
    });

    it('adds to a transcript that is there', async () => {
      appendFileSync(place.transcript, 'before\n');
      await run(['echo', 'after']);
      expect(readFileSync(place.transcript, 'utf8')).toBe('before\nafter\n');
    });

    it('gives an empty stdin and no terminal where no input is named', async () => {
      expect((await run(['sh', '-c', 'cat; test -t 0 && echo tty; echo end'])).output).toBe('end\n');
    });

    it('exactly the environment of the contract, whatever surrounds us', async () => {
      const names = ['GIT_DIR', 'LD_PRELOAD_CANARY', 'npm_config_canary', 'SSH_AUTH_SOCK', 'GITHUB_TOKEN', 'HOME', 'TMPDIR'];
      const around = Object.fromEntries(names.map((name) => [name, 'canary']));
      await withEnvironment(around, () => agent('look', { env: { AGENTOS_TASK_ID: 't' }, mark: 'the-mark' }));
      const { env, cwd, tty } = look();
      const { PWD: _, ...rest } = env;
      expect(rest).toEqual({
        PATH,
        HOME: place.home,
        LANG: 'C.UTF-8',
        TERM: 'dumb',
        TMPDIR: kind === 'bubblewrap' ? '/tmp' : join(place.home, 'tmp'),
        AGENTOS_RUN: 'the-mark',
        AGENTOS_TASK_ID: 't',
      });
      expect([cwd, tty]).toEqual([place.workspace, false]);
    });

    it('has a HOME and a TMPDIR that can be written', async () => {
      expect((await run(['sh', '-c', 'echo x > "$HOME/a" && echo y > "$TMPDIR/b" && cat "$HOME/a" "$TMPDIR/b"'])).output).toBe('x\ny\n');
      expect(readFileSync(join(place.home, 'a'), 'utf8')).toBe('x\n');
    });
  });
});

describe.each(DRIVERS)('$kind', ({ kind, there }) => {
  describe.skipIf(!there)('ends a program', () => {
    beforeEach(() => open(kind));

    it('ends a program that hangs at its deadline', async () => {
      const exit = await agent('hang', { timeoutMs: 300 });
      expect(exit).toMatchObject({ ended: 'timeout', exitCode: null });
      expect(exit.durationMs).toBeGreaterThanOrEqual(290);
      expect(exit.durationMs).toBeLessThan(5000);
    });

    it('ends a silent program early, and one that drips only at the deadline', async () => {
      expect(await agent('hang', { silenceMs: 300 })).toMatchObject({ ended: 'stalled' });
      const drip = await agent('drip', { silenceMs: 400, timeoutMs: 900 });
      expect(drip.ended).toBe('timeout');
      expect(drip.output).toMatch(/^\.{5,}$/);
    });

    it('kills what ignores SIGTERM, after the grace', async () => {
      const exit = await agent('ignoreterm', { timeoutMs: 500 });
      expect(exit).toMatchObject({ ended: 'timeout', exitCode: null, output: 'ready\n' });
      expect(exit.durationMs).toBeGreaterThanOrEqual(800);
    });

    it('lets a program use the grace to end by itself', async () => {
      const exit = await run(['sh', '-c', 'trap "echo bye; exit 0" TERM; while :; do sleep 0.05; done'], { timeoutMs: 300 });
      expect(exit.ended).toBe('timeout');
      expect(exit.output).toContain('bye\n');
    });

    it('stops on the signal, and does not start after it', async () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 200);
      expect(await agent('hang', {}, [], controller.signal)).toMatchObject({ ended: 'stopped' });
      const late = await run(['sh', '-c', 'echo x > started'], {}, controller.signal);
      expect(late).toMatchObject({ ended: 'stopped', exitCode: null, output: '' });
      expect(existsSync(inWorkspace('started'))).toBe(false);
    });
  });
});

describe.each(DRIVERS)('$kind', ({ kind, there }) => {
  describe.skipIf(!there)('leaves nothing', () => {
    beforeEach(() => open(kind));

    it.each([
      ['holding our pipes', 'daemon', []],
      ['that let go of our pipes', 'daemon', ['quiet']],
    ])('ends a daemon with a session of its own %s, soon after the program', async (_, mode, args) => {
      const run1 = makeRun(place, [process.execPath, AGENT, mode, ...args], { readable: [process.execPath, AGENT] });
      const exit = await sandbox.run(run1, never);
      expect(exit).toMatchObject({ ended: 'exited', exitCode: 0 });
      expect(exit.durationMs).toBeLessThan(5000);
      expect(await growth()).toBe(0);
      expect(findRun({ mark: run1.mark })).toEqual([]);
    });

    it('ends a daemon together with a program that hangs', async () => {
      expect(await agent('hangdaemon', { timeoutMs: 700 })).toMatchObject({ ended: 'timeout' });
      expect(await growth()).toBe(0);
    });

    it('kills what is left of a run by its mark, and nothing else', async () => {
      const ended = [
        sandbox.run(makeRun(place, ['sleep', '60'], { mark: 'left-a' }), never),
        sandbox.run(makeRun(place, ['sleep', '60'], { mark: 'left-b' }), never),
      ];
      for (let i = 0; i < 200 && (findRun({ mark: 'left-a' }).length === 0 || findRun({ mark: 'left-b' }).length === 0); i++)
        await sleep(10);
      await sandbox.killLeftovers('left-a');
      await ended[0];
      expect(findRun({ mark: 'left-a' })).toEqual([]);
      expect(findRun({ mark: 'left-b' }).length).toBeGreaterThan(0);
      await sandbox.killLeftovers('left-b');
      expect((await ended[1])?.ended).toBe('exited');
    });
  });
});

describe.each(DRIVERS)('$kind', ({ kind, there }) => {
  describe.skipIf(!there)('bounds and reports', () => {
    beforeEach(() => open(kind));

    it('bounds the transcript, keeps the end as valid UTF-8, and lets the program go on', async () => {
      const exit = await agent('bigout', { outputLimitBytes: 200_000 }, ['12']);
      expect(exit).toMatchObject({ ended: 'exited', exitCode: 0, truncated: true });
      expect(statSync(place.transcript).size).toBe(200_000);
      expect(Buffer.byteLength(exit.output)).toBeLessThanOrEqual(65_536);
      expect(Buffer.from(exit.output).toString('utf8')).toBe(exit.output);
      expect(exit.output.endsWith('\nthe end €\n')).toBe(true);
    });

    it('says 127 for a program that is not there and 126 for one that cannot run, as a shell does', async () => {
      expect(await run(['/nowhere/agent'])).toMatchObject({ ended: 'exited', exitCode: 127 });
      writeFileSync(inWorkspace('plain'), 'text', { mode: 0o644 });
      expect(await run([inWorkspace('plain')])).toMatchObject({ ended: 'exited', exitCode: 126 });
      expect(await run(['sh', '-c', 'echo "bwrap: execvp x: No such file"; exit 1'])).toMatchObject({ exitCode: 1 });
    });
  });
});

describe.skipIf(!hasBwrap)('bubblewrap denies', () => {
  let listener: Server;
  let port: number;
  beforeAll(async () => {
    listener = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    port = (listener.address() as { port: number }).port;
  });
  afterAll(() => listener.close());
  beforeEach(() => open('bubblewrap'));

  it('the sight of state, other tasks, HOME, keys, and of any environment but its own', async () => {
    mkdirSync(join(place.state, 'mailbox'));
    mkdirSync(join(place.state, 'workspaces', 'other'));
    const ours = [join(place.state, 'mailbox'), join(place.state, 'workspaces', 'other')];
    const hidden = [...ours, '/etc/shadow', '/etc/ssl/private', '/etc/gitconfig', '/root/.ssh', '/var/lib'];
    const asked = [...hidden, '/etc/passwd', place.workspace, String(port)];
    await withEnvironment({ AGENTOS_TEST_CANARY: 'canary' }, () => agent('look', {}, asked));
    const seen = look();
    expect(seen.exists).toEqual([...hidden.map((path) => [path, false]), ['/etc/passwd', true], [place.workspace, true]]);
    expect(seen.connected).toEqual([[String(port), false]]);
    expect(Object.keys(seen.environs)).toContain('1');
    const names = new Set((Object.values(seen.environs) as string[][]).flat().map((line) => line.split('=')[0]));
    expect([...names].sort()).toEqual(['AGENTOS_RUN', 'HOME', 'LANG', 'PATH', 'PWD', 'TERM', 'TMPDIR']);
  });

  it('writing anywhere but in workspace, HOME and /tmp', async () => {
    const readable = join(place.root, 'readable');
    mkdirSync(readable);
    const ours = [place.root, place.state, readable].map((dir) => join(dir, 'escaped'));
    const outside = [...ours, '/escaped', '/usr/escaped', '/etc/escaped', '/run/escaped', '/tmp/escaped'];
    await agent('escape', { readable: [readable] }, outside);
    expect(outside.filter((path) => existsSync(path))).toEqual([]);
    expect(existsSync(inWorkspace('work.txt'))).toBe(true);
    const script = 'for d in / /usr /etc /run /var; do touch $d/x 2>/dev/null && echo $d; done; touch /tmp/x && echo ok';
    expect((await run(['sh', '-c', script])).output).toBe('ok\n');
  });

  it('the network, unless told to share it', async () => {
    await agent('look', { network: true }, [String(port)]);
    expect(look().connected).toEqual([[String(port), true]]);
  });
});

describe.skipIf(!hasBwrap)('bubblewrap shows', () => {
  beforeEach(() => open('bubblewrap'));

  it('a readable path inside a writable one read-only, and a writable one inside a readable one writable', async () => {
    const objects = inWorkspace('objects');
    const shown = join(place.root, 'shown');
    mkdirSync(objects);
    mkdirSync(join(shown, 'open'), { recursive: true });
    const script = `touch ${objects}/x 2>/dev/null; touch ${shown}/x 2>/dev/null; touch ${shown}/open/x`;
    await run(['sh', '-c', script], { readable: [objects, shown], writable: [place.workspace, join(shown, 'open')] });
    expect([objects, shown, join(shown, 'open')].map((dir) => existsSync(join(dir, 'x')))).toEqual([false, false, true]);
  });

  it('what a path with symlinks leads to, under both names', async () => {
    mkdirSync(join(place.root, 'real'));
    writeFileSync(join(place.root, 'real', 'file'), 'content\n');
    symlinkSync(join(place.root, 'real'), join(place.root, 'link'));
    const argv = ['cat', join(place.root, 'link', 'file'), join(place.root, 'real', 'file')];
    expect((await run(argv, { readable: [join(place.root, 'link')] })).output).toBe('content\ncontent\n');
  });

  it('nothing at all when a readable path is not there, and names it', async () => {
    const gone = join(place.root, 'gone');
    await expect(run(['true'], { readable: [gone] })).rejects.toMatchObject({ code: 'config', message: expect.stringContaining(gone) });
  });

  it('the tools of a machine: node, git, awk, the name of the user', async () => {
    const script = 'node -p 1+1 && git --version | cut -c1-11 && echo 2 | awk "{print \\$1 + 1}" && id -un';
    const exit = await run(['sh', '-c', script]);
    expect(exit.output.split('\n').slice(0, 3)).toEqual(['2', 'git version', '3']);
    expect(exit.exitCode).toBe(0);
  });
});
