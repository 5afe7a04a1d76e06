/** Stopping: signals, a kill, the kill switch and a cancel, while an agent runs and another task waits. */
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasBwrap } from '../support/sandboxes.ts';
import { addsFile, REPO, ROOT, World } from '../support/world.ts';

const SLOW = 'demo__shop-1-1';

describe('stopping a running queue', () => {
  let world: World;
  let slow: number;
  let quick: number;

  const configure = (mode: string, name = 'wait') =>
    world.write(
      'config.yaml',
      `state_dir: ./state
forge: { kind: local, root: ./forge }
repos: [{ name: ${REPO}, automation: full, verify: ["true"] }]
agents: { slow: { kind: command, command: ["./rogue-agent.mjs", ${name}, "${world.path('go')}", "${world.path('pid')}"] }, patch: { kind: patch } }
routing: { default: [patch] }
queue: { max_attempts: 1 }
sandbox: { mode: "${mode}", readable: ["${world.path('open')}"] }
`,
    );

  beforeEach(() => {
    world = World.open({ files: { 'README.md': '# shop\n' } });
    copyFileSync(join(ROOT, 'test/support/rogue-agent.mjs'), world.path('rogue-agent.mjs'));
    chmodSync(world.path('rogue-agent.mjs'), 0o755);
    world.write('open/nothing', '');
    configure('off');
    slow = world.issue('Take your time', 'Do it.', ['ready', 'agent:slow']);
    quick = world.issue('Add a sum', addsFile('sum.js', 'export const sum = 2;'));
    world.must('dispatch');
  });
  afterEach(() => world.close());

  /** Starts a pass; resolves once the slow agent works and the quick task is done with. */
  async function startQueue() {
    const queue = world.start(['queue']);
    const transcript = world.path(`state/runs/${SLOW}/1/transcript.log`);
    await until(() => existsSync(transcript) && agents().length > 0 && world.task(quick)?.tray === 'review', 'the agent works').catch(
      async (error) => {
        queue.kill('SIGKILL');
        const { stdout, stderr } = await queue.ended;
        throw new Error(`${error}\n${world.task(quick)?.tray} ${world.task(slow)?.text}\n${stdout}${stderr}`);
      },
    );
    await until(() => existsSync(world.path(`state/workspaces/${SLOW}/1/tree/work.txt`)), 'there is work');
    return queue;
  }

  /** Pids of the agents of this world that live. */
  const agents = () => processesWith(`${MARK}=${SLOW}.`, world.path('state'));
  const attempt = () => /- \{ n: 1.*\}/.exec(world.task(slow)?.text ?? '')?.[0] ?? '';
  const preserved = (n: number) => world.git('state/preserved/demo__shop.git', 'show', `refs/agentos/preserved/${SLOW}/${n}:work.txt`);
  /** Lets the agent finish, and the task with it. */
  const goOn = () => {
    world.write('go', '');
    world.must('queue');
    expect(world.task(slow)).toMatchObject({ tray: 'review', text: expect.stringContaining('n: 2, agent: slow') });
    expect(world.read(`state/runs/${SLOW}/2/prompt.md`)).toContain('+attempt 1');
    for (let k = 0; k < 4; k++) world.must('pr-monitor');
    expect([slow, quick].map((issue) => world.task(issue)?.tray)).toEqual(['done', 'done']);
    expect(world.run(['fsck']).status).toBe(0);
  };

  for (const { signal, status, mode, there } of [
    { signal: 'SIGINT', status: 130, mode: 'off', there: true },
    { signal: 'SIGTERM', status: 143, mode: 'required', there: hasBwrap },
  ] as const) {
    it.skipIf(!there)(
      `by ${signal}, sandbox ${mode}: the agent is gone, its work is kept, the task waits, nothing is counted`,
      async () => {
        configure(mode);
        const queue = await startQueue();
        queue.kill(signal);
        expect(await queue.ended).toMatchObject({ status });
        expect(agents()).toEqual([]);
        expect(world.task(slow)?.tray).toBe('inbox');
        expect(attempt()).toMatch(/outcome: stopped, code: cancelled/);
        expect(preserved(1)).toBe('attempt 1\n');
        expect(existsSync(world.path(`state/workspaces/${SLOW}`))).toBe(false);
        configure('off');
        goOn();
      },
    );
  }

  it('by kill -9: the next pass ends what is left of the agent, keeps its work and goes on', async () => {
    const queue = await startQueue();
    queue.kill('SIGKILL');
    expect(await queue.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(agents()).not.toEqual([]);
    world.write('go', '');
    // It may finish on its own now; nobody looks at what it says any more.
    world.must('queue');
    expect(attempt()).toMatch(/outcome: infrastructure/);
    expect(preserved(1)).toBe('attempt 1\n');
    rmSync(world.path('go'));
    expect(world.task(slow)?.tray).toBe('inbox');
    expect(agents()).toEqual([]);
    goOn();
  });

  it('by a second Ctrl-C: at once, however deaf the agent is; the next pass clears up', async () => {
    configure('off', 'deaf');
    const queue = await startQueue();
    queue.kill('SIGINT');
    await sleep(200);
    const began = performance.now();
    queue.kill('SIGINT');
    expect(await queue.ended).toMatchObject({ status: 130 });
    expect(performance.now() - began).toBeLessThan(2000);
    configure('off');
    world.must('queue');
    expect(agents()).toEqual([]);
    expect(preserved(1)).toBe('attempt 1\n');
    goOn();
  });

  it('by `pause --now`: the agent is stopped, and nothing starts until `resume`', async () => {
    const queue = await startQueue();
    world.must('pause', '--now');
    expect(await queue.ended).toMatchObject({ status: 0 });
    expect(agents()).toEqual([]);
    expect(attempt()).toMatch(/outcome: stopped/);
    expect(preserved(1)).toBe('attempt 1\n');
    expect(world.json('queue').actions).toMatchObject([{ kind: 'skip', reason: expect.stringContaining('paused') }]);
    expect(world.task(slow)?.tray).toBe('inbox');
    world.must('resume');
    goOn();
  });

  it('by `pause` alone: the agent finishes', async () => {
    const queue = await startQueue();
    world.must('pause');
    world.write('go', '');
    expect(await queue.ended).toMatchObject({ status: 0 });
    expect(attempt()).toMatch(/ended_at|started_at/);
    world.must('resume');
    for (let k = 0; k < 4 && world.task(slow)?.tray !== 'review'; k++) {
      // A finished attempt waits a minute to be published after a pause; by hand it need not.
      const { file, text } = world.task(slow) ?? { file: '', text: '' };
      world.write(`state/mailbox/inbox/${file}`, text.replace(/not_before: .*\n/, ''));
      world.must('queue');
    }
    expect(world.task(slow)).toMatchObject({ tray: 'review', text: expect.not.stringContaining('n: 2') });
  });

  it('by `cancel`: the task ends in `failed`, its agent stopped, its work kept', async () => {
    const queue = await startQueue();
    world.must('cancel', SLOW);
    expect(await queue.ended).toMatchObject({ status: 0 });
    expect(agents()).toEqual([]);
    expect(world.task(slow)).toMatchObject({ tray: 'failed', text: expect.stringContaining('cancelled by the operator') });
    expect(preserved(1)).toBe('attempt 1\n');
    world.write('go', '');
    world.must('retry', SLOW);
    goOn();
  });
});

const MARK = 'AGENTOS_RUN';

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let k = 0; k < 600; k++) {
    if (holds()) return;
    await sleep(50);
  }
  throw new Error(`waited 30 s until ${what}`);
}

function processesWith(mark: string, place: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      const environ = readFileSync(`/proc/${pid}/environ`, 'latin1');
      return environ.includes(mark) && environ.includes(place);
    } catch {
      return false;
    }
  });
}
