/** Agents with every fault we know, side by side with one that works: each ends in its own outcome, and nobody else's work is touched. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderResultTemplate } from '../../src/core/agents/result.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openLocalForge } from '../../src/core/github/local/forge.ts';
import { hasBwrap } from '../support/sandboxes.ts';
import { type Ended, REPO, ROOT, World } from '../support/world.ts';

interface Case {
  agent: string;
  /** Program and arguments: `fake` or `rogue`, then the mode. */
  argv: (world: World) => string[];
  /** Limits, as YAML. */
  limits?: string;
  /** The code of the attempt; `complete` leads to a pull request. */
  code: string;
  /** In the attempt's summary. */
  says?: RegExp;
}

const fake = (agent: string, code: string, says?: RegExp): Case => ({ agent, argv: () => ['fake', agent], code, ...(says && { says }) });
const rogue = (agent: string, code: string, says?: RegExp): Case => ({ agent, argv: () => ['rogue', agent], code, ...(says && { says }) });
const quick = 'timeout_minutes: 0.05';

const CASES: Case[] = [
  fake('ok', 'complete'),
  fake('exit1', 'complete'),
  // No work, or no word of it.
  fake('nodiff', 'no_diff', /changed nothing/),
  fake('noresult', 'no_result', /left no result file/),
  fake('rmrf', 'no_result'),
  rogue('vanish', 'no_result'),
  fake('torn', 'invalid_result', /STATUS/),
  fake('tworesults', 'invalid_result'),
  { agent: 'echo', argv: () => ['fake', 'echo', renderResultTemplate()], code: 'invalid_result' },
  // A result file that is none.
  { agent: 'passwd', argv: () => ['fake', 'symlink', '/etc/passwd'], code: 'invalid_result', says: /symlink/ },
  { agent: 'tofifo', argv: (world) => ['fake', 'symlink', world.path('pipe')], code: 'invalid_result', says: /symlink/ },
  fake('fifo', 'invalid_result', /not a regular file/),
  fake('dir', 'invalid_result', /not a regular file/),
  fake('hardlink', 'invalid_result', /hard link/),
  fake('huge', 'invalid_result', /larger than 64 kB/),
  // The agent's own git is not looked at.
  fake('branch', 'complete'),
  fake('detached', 'complete'),
  rogue('orphan', 'complete'),
  fake('lock', 'complete'),
  { agent: 'evil-git', argv: (world) => ['fake', 'evil-git', world.path('marker')], code: 'complete' },
  { agent: 'hooks', argv: (world) => ['rogue', 'hooks', world.path('marker')], code: 'complete' },
  fake('delete-git', 'complete'),
  { agent: 'file-git', argv: (world) => ['fake', 'replace-git', world.path('shop/.git')], code: 'complete' },
  { agent: 'link-git', argv: (world) => ['rogue', 'link-git', world.path('shop/.git')], code: 'complete' },
  // Trees that are not taken.
  fake('nested', 'policy_refused', /sub/),
  rogue('outward', 'policy_refused', /outward/),
  rogue('many', 'policy_refused', /200 files/),
  rogue('big', 'policy_refused', /big\.bin/),
  // Processes and output.
  fake('daemon', 'complete'),
  { agent: 'bigout', argv: () => ['fake', 'bigout', '8'], code: 'complete' },
  { agent: 'hang', argv: () => ['fake', 'hang'], limits: quick, code: 'timeout', says: /longer than allowed/ },
  { agent: 'ignoreterm', argv: () => ['fake', 'ignoreterm'], limits: quick, code: 'timeout' },
  { agent: 'endless', argv: () => ['rogue', 'endless'], limits: quick, code: 'timeout' },
  { agent: 'hangdaemon', argv: () => ['fake', 'hangdaemon', 'quiet'], limits: quick, code: 'timeout' },
  { agent: 'silent', argv: () => ['fake', 'hang'], limits: 'silence_minutes: 0.02', code: 'stalled', says: /said nothing/ },
];

/** Where an agent writes that must not be its business. */
const OUTSIDE = ['config.yaml', 'state/paused', 'state/mailbox/inbox/evil.md', 'forge/evil', 'home/evil', 'marker'];
const ESCAPE: Case = {
  agent: 'escape',
  argv: (world) => ['fake', 'escape', ...OUTSIDE.map((at) => world.path(at))],
  code: 'complete',
};

function open(mode: string, cases: readonly Case[]): World {
  const world = World.open({ files: { 'README.md': '# shop\n' } });
  for (const program of ['fake-agent.mjs', 'rogue-agent.mjs']) {
    copyFileSync(join(ROOT, 'test/support', program), world.path(program));
    chmodSync(world.path(program), 0o755);
  }
  const agents = cases.map(({ agent, argv, limits }) => {
    const [program, ...args] = argv(world);
    const command = JSON.stringify([`./${program}-agent.mjs`, ...args]);
    return `  ${agent}: { kind: command, command: ${command}${limits === undefined ? '' : `, ${limits}`} }\n`;
  });
  const head = `state_dir: ./state\nforge: { kind: local, root: ./forge }\nrepos:\n  - { name: ${REPO}, automation: full, verify: ["true"], max_open_pull_requests: 100 }\n`;
  const tail = `routing: { default: [ok] }\nqueue: { max_parallel: 64, max_attempts: 1 }\nsandbox: { mode: "${mode}" }\n`;
  world.write('config.yaml', `${head}agents:\n${agents.join('')}${tail}`);
  execFileSync('mkfifo', [world.path('pipe')]);
  return world;
}

/** What depends on the sandbox; the rest is judged alike in both modes. */
const CONFINED = ['ok', 'vanish', 'delete-git', 'file-git', 'link-git', 'daemon', 'hang', 'ignoreterm', 'endless', 'hangdaemon', 'silent'];

describe.each([
  { mode: 'off', cases: hasBwrap ? CASES.filter(({ agent }) => CONFINED.includes(agent)) : CASES, there: true },
  // Without a sandbox nothing keeps an agent inside: docs/security.md says so.
  { mode: 'required', cases: [...CASES, ESCAPE], there: hasBwrap },
])('one pass over bad agents, `sandbox.mode: $mode`', ({ mode, cases, there }) => {
  describe.skipIf(!there)('bubblewrap', () => {
    let world: World;
    let queue: Ended;
    let config: string;
    const issues = new Map<string, number>();

    beforeAll(async () => {
      world = open(mode, cases);
      config = world.read('config.yaml');
      const forge = openLocalForge({ root: world.path('forge'), clock: systemClock, localCi: {}, as: 'operator' });
      for (const { agent } of cases) {
        const issue = await forge.createIssue(REPO, { title: `Work of ${agent}`, body: 'Do it.', labels: ['ready', `agent:${agent}`] });
        issues.set(agent, issue.number);
      }
      world.must('dispatch');
      queue = world.run(['queue']);
    }, 120_000);
    afterAll(() => world.close());

    it('ends well, and says so', () => {
      expect(queue).toMatchObject({ status: 0 });
      expect(queue.stderr).not.toMatch(/this is a bug of ours|node:internal/);
    });

    it.each(cases)('$agent: $code', ({ agent, code, says }) => {
      const task = world.task(issues.get(agent) ?? 0);
      expect(task?.text).toMatch(new RegExp(`n: 1, agent: ${agent},.*code: ${code}\\b`));
      expect(task?.tray).toBe(code === 'complete' ? 'review' : 'escalated');
      if (says) expect(task?.text).toMatch(says);
    });

    it('leaves no process, no marker and no workspace, and a mailbox in order', () => {
      const alive = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && environment(pid).includes(`${world.dir}/`));
      expect(alive).toEqual([]);
      expect(existsSync(world.path('marker'))).toBe(false);
      expect(existsSync(world.path('state/workspaces')) ? readdirSync(world.path('state/workspaces')) : []).toEqual([]);
      expect(world.read('config.yaml')).toBe(config);
      for (const name of OUTSIDE.slice(1)) expect(existsSync(world.path(name))).toBe(false);
      expect(world.run(['fsck']).stdout).not.toContain('error');
    });

    it('keeps at most a few MB of what an agent printed', () => {
      for (const agent of ['bigout', 'endless'].filter((name) => issues.has(name))) {
        expect(statSync(world.path(`state/runs/demo__shop-${issues.get(agent)}-1/1/transcript.log`)).size).toBeLessThan(6_000_000);
      }
    });

    it('keeps the work of attempts that were refused', () => {
      const refs = world.git('state/preserved/demo__shop.git', 'for-each-ref', '--format=%(refname)');
      for (const agent of ['noresult', 'passwd', 'many', 'big', 'outward', 'hangdaemon'].filter((name) => issues.has(name))) {
        expect(refs).toContain(`refs/agentos/preserved/demo__shop-${issues.get(agent)}-1/1`);
      }
    });
  });
});

function environment(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}
