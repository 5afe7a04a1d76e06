/**
 * A whole installation in a temporary directory: a project with tests, a local
 * forge, a configuration, and the built command with the environment that cron
 * gives. Tests play the user in it.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'bin/agentos.js');
export const REPO = 'demo/shop';

export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface WorldOptions {
  /** Replaces the whole configuration below `state_dir` and `forge`. */
  config?: string;
  /** Files of the project, instead of the example's. */
  files?: Record<string, string>;
}

/** The default: full automation, one patch agent and one program, everything unconfined (the sandbox has its own tests). */
const CONFIG = `
repos:
  - name: ${REPO}
    automation: full
    verify: ["node --test"]
    local_ci: ["node --test", "node scripts/lint.js"]
agents:
  patch: { kind: patch }
  scribe: { kind: command, command: ["${ROOT}examples/agents/scribe.mjs"] }
routing: { default: [patch, scribe] }
sandbox: { mode: "off" }
`;

export class World {
  readonly dir: string;
  constructor(dir: string) {
    this.dir = dir;
  }

  static open(options: WorldOptions = {}): World {
    const world = new World(mkdtempSync(join(tmpdir(), 'agentos-world-')));
    world.write('config.yaml', `state_dir: ./state\nforge: { kind: local, root: ./forge }\n${options.config ?? CONFIG}`);
    if (options.files) for (const [name, text] of Object.entries(options.files)) world.write(`shop/${name}`, text);
    else cpSync(join(ROOT, 'examples/shop'), join(world.dir, 'shop'), { recursive: true });
    mkdirSync(join(world.dir, 'home'));
    world.git('shop', 'init', '-q', '-b', 'main');
    world.git('shop', 'add', '-A');
    world.git('shop', 'commit', '-q', '-m', 'A project');
    world.must('local', 'init', REPO, '--from', join(world.dir, 'shop'));
    return world;
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text, { mode: 0o600 });
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  /** What cron gives, and nothing else of the caller's. */
  env(more: Record<string, string> = {}): Record<string, string> {
    return {
      PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
      HOME: this.path('home'),
      AGENTOS_CONFIG: this.path('config.yaml'),
      ...more,
    };
  }

  git(dir: string, ...args: string[]): string {
    const identity = {
      GIT_AUTHOR_NAME: 'P',
      GIT_AUTHOR_EMAIL: 'p@example.com',
      GIT_COMMITTER_NAME: 'P',
      GIT_COMMITTER_EMAIL: 'p@example.com',
    };
    return execFileSync('git', args, {
      cwd: this.path(dir),
      encoding: 'utf8',
      env: { ...this.env(), ...identity, GIT_CONFIG_NOSYSTEM: '1' },
    });
  }

  /** Runs the command and waits. */
  run(args: string[], env: Record<string, string> = {}): Ended {
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], {
      cwd: this.dir,
      env: this.env(env),
      encoding: 'utf8',
      timeout: 120_000,
    });
    return { status, signal, stdout, stderr };
  }

  /** Starts the command and lets it run. */
  start(args: string[], env: Record<string, string> = {}): { pid: number; ended: Promise<Ended>; kill(signal: NodeJS.Signals): void } {
    const child = spawn(process.execPath, [BIN, ...args], { cwd: this.dir, env: this.env(env), stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
    });
    return { pid: child.pid ?? 0, ended, kill: (signal) => child.kill(signal) };
  }

  /** Runs the command, which must succeed, and gives its stdout. */
  must(...args: string[]): string {
    const ended = this.run(args);
    if (ended.status !== 0) throw new Error(`agentos ${args.join(' ')} ended with ${ended.status}\n${ended.stdout}${ended.stderr}`);
    return ended.stdout;
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every command
  json(...args: string[]): any {
    return JSON.parse(this.must(...args, '--json'));
  }

  /** Creates an issue; Ready unless `labels` says otherwise. @returns its number. */
  issue(title: string, body: string, labels: string[] = ['ready']): number {
    this.write('body.md', body);
    const args = ['local', 'issue', 'create', REPO, '--title', title, '--body-file', this.path('body.md')];
    return this.json(...args, ...labels.flatMap((label) => ['--label', label])).number;
  }

  /** The task file of an issue's first task: its tray and text; `undefined` when there is none. */
  task(issue: number, n = 1): { tray: string; file: string; text: string } | undefined {
    const id = `demo__shop-${issue}-${n}`;
    const find = () => this.listMailbox().filter((entry) => entry.file === `${id}.md` || entry.file.startsWith(`${id}@`));
    let found = find();
    // One tray is listed after the other: a letter that moves meanwhile is seen twice, or not at all.
    for (let k = 0; k < 3 && found.length > 1; k++) found = find();
    if (found.length > 1) throw new Error(`${id} is in ${found.map((entry) => entry.tray).join(' and ')}`);
    const [entry] = found;
    return entry && { ...entry, text: this.read(`state/mailbox/${entry.tray}/${entry.file}`) };
  }

  listMailbox(): { tray: string; file: string }[] {
    const root = this.path('state/mailbox');
    if (!existsSync(root)) return [];
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'tmp')
      .flatMap((tray) => readdirSync(join(root, tray.name)).map((file) => ({ tray: tray.name, file })));
  }

  /** The passes that cron would run, in its order, with the forge's checks in between. */
  tick(): void {
    for (const args of [['dispatch'], ['queue'], ['local', 'ci'], ['pr-monitor']]) this.run(args);
  }

  /** Ticks until the issue's task is in that tray. */
  tickUntil(issue: number, tray: string, most = 8): void {
    for (let k = 0; k < most && this.task(issue)?.tray !== tray; k++) this.tick();
    const now = this.task(issue);
    if (now?.tray !== tray) throw new Error(`task of #${issue} is in ${now?.tray}, not ${tray}, after ${most} ticks\n${now?.text}`);
  }
}

/** An issue's body whose diff adds a file with this text. */
export function addsFile(path: string, text: string): string {
  return `Add it.\n\n\`\`\`js file=${path}\n${text.trimEnd()}\n\`\`\`\n`;
}
