/**
 * A task from inbox to review with an agent that only writes a file and its
 * result: the wall time of `agentos queue` against the same git commands in a
 * shell script, and the processes that it starts. Sandbox off, no setup, no
 * verify: those are the project's own cost.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { REPO, World } from '../../test/support/world.ts';
import { median, type Report, say } from './figure.ts';
import { git, makeBareRepository } from './git-repository.ts';
import { count, traceProcesses } from './processes.ts';
import { alsoRemove } from './temporary.ts';

const SCRIPT = fileURLToPath(new URL('bare-task.sh', import.meta.url));
const TIME_LIMIT = 2;
const PROCESS_LIMIT = 25;
const RUNS = 9;

interface Project {
  repo: string;
  /** What the figure is called. */
  size: string;
  files: number;
  limit?: number;
}

/** The example of the demo, a repository of the size that most have, and a large one. */
const PROJECTS: Project[] = [
  { repo: REPO, size: 'example', files: 0 },
  { repo: 'bench/medium', size: '2000-files', files: 2000, limit: TIME_LIMIT },
  { repo: 'bench/large', size: '20000-files', files: 20_000 },
];

const CONFIG = `
repos:
${PROJECTS.map(({ repo }) => `  - { name: ${repo}, automation: supervised, max_open_pull_requests: 100 }`).join('\n')}
agents:
  writer: { kind: command, command: ["./agent.sh"] }
routing: { default: [writer] }
sandbox: { mode: "off" }
`;

const AGENT = `#!/bin/sh
echo 'export const answer = 42;' > answer.js
printf 'STATUS: complete\\nBLOCKER_CODE: none\\nSUMMARY:\\nAdded a file.\\n' > .agent_result.md
`;

export async function benchTask(report: Report): Promise<void> {
  const world = World.open({ config: CONFIG });
  alsoRemove(world.dir);
  try {
    world.write('agent.sh', AGENT);
    chmodSync(world.path('agent.sh'), 0o755);
    mkdirSync(world.path('bare'));
    for (const { repo, size, files } of PROJECTS) {
      if (files === 0) continue; // the example is there already
      makeBareRepository(world.path(`${size}.git`), files);
      world.must('local', 'init', repo, '--from', world.path(`${size}.git`));
    }
    for (const project of PROJECTS) benchProject(report, world, project);
  } finally {
    world.close();
  }
}

function benchProject(report: Report, world: World, { repo, size, limit }: Project): void {
  const count = git(world.path(`forge/${repo}/repo.git`), 'ls-tree', '-r', '--name-only', 'main').split('\n').length;
  say(`inbox to review in a repository of ${count} files`);
  // The first task fills the mirror, for both.
  runTask(world, repo);
  const bare = makeBare(world, repo, size);
  runBare(world, bare, 0);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 1; run <= RUNS; run++) {
    ours.push(runTask(world, repo));
    theirs.push(runBare(world, bare, run));
  }
  report({
    figure: `task-inbox-to-review-${size}`,
    value: median(ours),
    unit: 'ms',
    reference: median(theirs),
    ...(limit !== undefined && { limit }),
    n: RUNS,
    note: `agentos queue in a repository of ${count} files; reference: the same git commands in a shell script`,
  });
  if (size === 'example') benchProcesses(report, world, repo, bare);
}

/** One task through the queue. @returns milliseconds. */
function runTask(world: World, repo: string, env: Record<string, string> = {}): number {
  world.must('local', 'issue', 'create', repo, '--title', 'Add a file', '--body', 'Please.', '--label', 'ready');
  world.must('dispatch');
  const begun = performance.now();
  const ended = world.run(['queue'], env);
  const ms = performance.now() - begun;
  if (!/is in review/.test(ended.stdout)) throw new Error(`the task did not get to review:\n${ended.stdout}${ended.stderr}`);
  return ms;
}

interface Bare {
  forge: string;
  mirror: string;
  preserved: string;
  work: string;
}

/** Repositories for the script, in the state in which the first task leaves Agent OS's own. */
function makeBare(world: World, repo: string, size: string): Bare {
  const at = (name: string) => world.path(`bare/${size}-${name}`);
  const bare = { forge: at('forge.git'), mirror: at('mirror.git'), preserved: at('preserved.git'), work: at('work') };
  execFileSync('cp', ['-r', world.path(`forge/${repo}/repo.git`), bare.forge]);
  for (const gitDir of [bare.mirror, bare.preserved]) git(world.dir, 'init', '-q', '--bare', '-b', 'main', gitDir);
  git(bare.mirror, 'fetch', '-q', bare.forge, '+refs/heads/main:refs/heads/main');
  writeFileSync(join(bare.preserved, 'objects/info/alternates'), `${bare.mirror}/objects\n`);
  writeFileSync(`${bare.work}.exclude`, '.agent_result.md\nCODEBASE.md\n');
  return bare;
}

function runBare(world: World, { forge, mirror, preserved, work }: Bare, run: number, env: Record<string, string> = {}): number {
  const args = [SCRIPT, forge, mirror, preserved, work, world.path('agent.sh'), `agent/bare-${run}`];
  const begun = performance.now();
  execFileSync('/bin/sh', args, { env: world.env(env), cwd: world.dir, stdio: ['ignore', 'inherit', 'inherit'] });
  return performance.now() - begun;
}

function benchProcesses(report: Report, world: World, repo: string, bare: Bare): void {
  const ours = traceProcesses(world.path('trace-ours'), world.env()['PATH'] ?? '', (env) => runTask(world, repo, env));
  const theirs = traceProcesses(world.path('trace-bare'), world.env()['PATH'] ?? '', (env) => runBare(world, bare, RUNS + 1, env));
  if (ours.git.join() !== theirs.git.join()) {
    throw new Error(`bare-task.sh runs other git commands than Agent OS:\n${theirs.git.join(' ')}\n${ours.git.join(' ')}`);
  }
  const own = ours.started.filter((program) => !program.endsWith('agent.sh'));
  report({
    figure: 'task-processes',
    value: own.length,
    unit: 'processes',
    limit: PROCESS_LIMIT,
    n: 1,
    note: `started by Agent OS: ${count(own)}`,
  });
  report({
    figure: 'task-git-children',
    value: ours.gitChildren,
    unit: 'processes',
    n: 1,
    note: 'started by those git processes themselves',
  });
}
