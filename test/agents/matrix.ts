/**
 * One real agent against every fault, through the whole of the built program:
 * an issue, the sandbox, the gateway, the verdict, and the next agent of the
 * chain, which finishes the task. Limits are shortened.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { renderResultTemplate } from '../../src/core/agents/result.ts';
import { type CodingTask, codingScript, endlessScript, IDLE_SCRIPT } from '../support/coding-script.ts';
import { type Asked, type ModelServer, openModelServer, type ScriptFunction, withFaults } from '../support/model-server.ts';
import { addsFile, type Ended, REPO, World } from '../support/world.ts';
import { HOSTILE_REPOSITORY, LOOK_FOR_TRACES, TRACE } from './hostile-repository.ts';
import { FAULTS, type Fault } from './outcomes.ts';
import type { PoolAgent } from './pool.ts';

const KEY = 'sk-canary-0123456789-secret';
const WORK: CodingTask = { files: { 'src/greeting.js': "export const greeting = 'hello';\n" }, run: ['node --test'] };
/** Far above what any of them needs, far below a test's own limit. */
const LIMITS = 'timeout_minutes: 1, silence_minutes: 0.2, max_turns: 12';

/** Words of the kernel, the shell, or the agent's own guard of its workspace. */
const REFUSAL = /read-only|permission|denied|no such file|not found|does not exist|nonexistent|outside|EROFS|EACCES|ENOENT|within/i;

const SCRIPTS: Record<Fault, (world: World) => ScriptFunction> = {
  none: () => codingScript(WORK),
  key: () => always({ fault: 'auth' }),
  'wait named': () => always({ fault: 'rate_limit', retryAfter: 3600 }),
  'wait unnamed': () => always({ fault: 'rate_limit' }),
  'once 500': () => withFaults(codingScript(WORK), { 1: { fault: 'server_error' } }),
  overload: () => always({ fault: 'overloaded' }),
  quota: () => always({ fault: 'quota' }),
  hang: () => always({ fault: 'hang' }),
  stall: () => always({ fault: 'stall' }),
  'broken stream': () => always({ fault: 'fails_in_stream', as: 'overloaded' }),
  loop: () => endlessScript(),
  'too long': () => always({ fault: 'context_too_long' }),
  'no result': () => codingScript({ ...WORK, result: false }),
  echo: () => codingScript({ ...WORK, result: renderResultTemplate() }),
  denied: (world) => {
    // The last is not refused where it is not seen: it is written to the `/tmp` of the run.
    const run = ['echo stolen > /usr/stolen', 'echo stolen > /etc/stolen', `echo stolen > ${world.path('state/stolen')}`];
    return codingScript({ files: { '/usr/stolen': 'stolen\n' }, run, result: false });
  },
  hostile: () => codingScript({ ...WORK, run: ['node --test', LOOK_FOR_TRACES] }),
  killed: (world) => killAfter(world, codingScript(WORK), 2),
};

function always(reply: ReturnType<ScriptFunction>): ScriptFunction {
  return withFaults(IDLE_SCRIPT, () => reply);
}

/** Kills the agent, wherever it is in the sandbox, when it asks for the n-th time. */
function killAfter(world: World, script: ScriptFunction, n: number): ScriptFunction {
  return (asked, count) => {
    if (count + 1 < n) return script(asked, count);
    for (const { pid, argv } of processesOf(world)) if (!isOurs(argv)) kill(pid);
    return { fault: 'hang' };
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It ended by itself, or with its parent.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** bubblewrap, and the relay in front of the agent. */
function isOurs(argv: readonly string[]): boolean {
  return /(^|\/)(bwrap|prlimit)$/.test(argv[0] ?? '') || argv[1] === '-e';
}

/** What runs for an attempt of this installation, in the sandbox or out of it. */
function processesOf(world: World): { pid: number; argv: string[] }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const env = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
        const argv = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
        return env.some((entry) => entry.startsWith(`AGENTOS_RESULT_FILE=${world.dir}/`)) ? [{ pid: Number(pid), argv }] : [];
      } catch {
        return [];
      }
    });
}

export function testAgent(agent: PoolAgent): void {
  describe(agent.name, () => {
    let server: ModelServer;
    let world: World;
    beforeAll(async () => {
      server = await openModelServer(IDLE_SCRIPT);
    });
    afterAll(() => server.close());
    afterEach(() => world.close());

    const open = (files?: Readonly<Record<string, string>>) => {
      const entries = Object.entries(agent.config(server.url)).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
      world = World.open({
        config: `
repos:
  - name: ${REPO}
    automation: full
    verify: ["node --test"]
    local_ci: ["node --test"]
agents:
  ${agent.name}: { ${entries.join(', ')}, ${LIMITS} }
  patch: { kind: patch }
routing: { default: [${agent.name}, patch] }
sandbox: { mode: required }
`,
        ...(files && { files }),
      });
    };
    const run = (...args: string[]): Promise<Ended> => world.start(args, { [agent.keyEnv]: KEY }).ended;

    it.each(Object.entries(FAULTS) as [Fault, { code: string }][])('%s', { timeout: 120_000 }, async (fault, { code }) => {
      open(fault === 'hostile' ? HOSTILE_REPOSITORY : undefined);
      const before = server.asked.length;
      server.script(SCRIPTS[fault](world));
      const issue = world.issue('Say hello', addsFile('src/greeting.js', "export const greeting = 'hello';"));
      await run('dispatch');
      const begun = Date.now();
      const queue = await run('queue');
      const seconds = (Date.now() - begun) / 1000;
      const evidence = JSON.parse(world.read(`state/runs/demo__shop-${issue}-1/1/evidence.json`));
      note({ agent: agent.name, fault, code: evidence.code, summary: evidence.summary, seconds });
      expect(evidence, queue.stderr + transcript(world, issue)).toMatchObject({ agent: agent.name, code });
      expect(processesOf(world)).toEqual([]);
      expect(seconds).toBeLessThan(50);
      const told = resultsOf(server.asked.slice(before));
      if (fault === 'denied') expectRefusals(told);
      if (fault === 'denied' || fault === 'no result') expect(evidence.summary).toContain('its last words: "All done."');
      if (fault === 'hostile') {
        expect(told.join('\n')).toMatch(/^AGENTOS_TASK_ID=/m);
        expect(told.join('\n').match(TRACE)).toBeNull();
      }
      if (code !== 'complete') {
        expect((await run('queue')).status).toBe(0);
        expect(JSON.parse(world.read(`state/runs/demo__shop-${issue}-1/2/evidence.json`))).toMatchObject({
          agent: 'patch',
          code: 'complete',
        });
      }
      await run('local', 'ci');
      await run('pr-monitor');
      expect(world.task(issue)?.tray).toBe('done');
      expect(world.git('forge/demo/shop/repo.git', 'show', 'main:src/greeting.js')).toContain('hello');
      expect(existsSync(world.path('state/stolen'))).toBe(false);
      expect(world.git('forge/demo/shop/repo.git', 'ls-tree', '-r', '--name-only', 'main').match(TRACE)).toBeNull();
      expect(leaks(world)).toEqual([]);
      if (code.startsWith('provider_')) expect(existsSync(world.path(`state/breakers/${agent.name}.json`))).toBe(true);
    });
  });
}

/** What the model was told of its calls, in the longest conversation. */
function resultsOf(asked: readonly Asked[]): string[] {
  const longest = asked.reduce<Asked['results']>((most, { results }) => (results.length > most.length ? results : most), []);
  return longest.map(({ text }) => text);
}

/** A look at the file and three tries to write where nothing may be written: each was answered with a refusal. */
function expectRefusals(told: readonly string[]): void {
  expect(told).toHaveLength(5);
  for (const text of told.slice(0, 4)) expect(text).toMatch(REFUSAL);
}

/** Files of the installation that hold the key. */
function leaks(world: World): string[] {
  try {
    return execFileSync('grep', ['-rlF', KEY, world.dir], { encoding: 'utf8' }).split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

function transcript(world: World, issue: number): string {
  const file = `state/runs/demo__shop-${issue}-1/1/transcript.log`;
  return existsSync(world.path(file)) ? world.read(file).slice(-3000) : '';
}

/** One line for the table at the end. */
function note(row: { agent: string; fault: string; code: string; summary: string; seconds: number }): void {
  const file = process.env['AGENTOS_OUTCOMES'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
}
