/**
 * A hostile agent in the sandbox of the real program: every attempt is one
 * test, which first sees that it was made, and then that it came to nothing.
 * What an agent leaves as its result file or its tree has its own tests:
 * symlink, FIFO, huge, nested repositories, endless output
 * (`bad-agent.test.ts`, `test/core/agents/result-file.test.ts`).
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { chmodSync, closeSync, copyFileSync, existsSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { openLocalForge } from '../../src/core/github/local/forge.ts';
import { CanarySearch } from '../support/canaries.ts';
import { hasBwrap } from '../support/sandboxes.ts';
import { type Ended, REPO, ROOT, World } from '../support/world.ts';

const AGENT = 'evil-agent.mjs';
const PREFIX = 'KANARI7';

/** One secret a place; no two alike. */
const canaries: Record<string, string> = {};
const canary = (name: string): string => {
  canaries[name] ??= `${PREFIX}${name}${randomBytes(12).toString('hex')}`;
  return canaries[name];
};

const MEMORY_FILE = 'state/memory/demo__shop/CODEBASE.md';
const MEMORY = '# Memory\n\nKnown.\n';
const SOCKETS = ['ssh-agent.sock', 'docker.sock', 'home/bus'];
const SYSTEM_SECRETS = ['/etc/shadow', '/etc/gshadow', '/etc/sudoers', '/etc/ssl/private', '/root/.ssh', '/var/log', '/var/spool'];
const SYSTEM_PLACES = ['/etc/evil', '/usr/evil', '/evil', '/var/evil'];
/** As `evil-agent.mjs` names them. */
const WAYS = [
  ...['straight', 'made directories', 'a symlink', '/proc/self/root', '/proc/1/root', '/proc/1/cwd', 'dots'],
  ...['a rename', 'a hard link', 'a bind mount', 'namespaces of its own'],
];

/** Where a person's machine keeps secrets, below the world's directory. */
const SECRETS = [
  ...['home/.ssh/id_ed25519', 'home/.netrc', 'home/.npmrc', 'home/.config/gh/hosts.yml', 'home/.git-credentials', 'home/.aws/credentials'],
  ...['home/.claude/.credentials.json', 'home/.codex/auth.json', 'home/.gemini/oauth_creds.json', 'home/.bash_history', 'key.pem'],
];
/** Of other tasks and of the installation. */
const STATE = ['config.yaml', 'state/mailbox/inbox', 'state/events', 'state/memory', 'state/preserved', 'forge'];
/** What the attack would like to write. */
const OUTSIDE = [
  'config.yaml',
  'state/paused',
  'state/mailbox/inbox/evil.md',
  'state/memory/demo__shop/CODEBASE.md',
  'home/.bashrc',
  'forge/evil',
];

/** What the queue's surroundings hold, and no agent may. */
const environment = () => ({
  ANTHROPIC_API_KEY: canary('anthropic'),
  OPENAI_API_KEY: canary('openai'),
  GITHUB_TOKEN: canary('github'),
  AWS_SECRET_ACCESS_KEY: canary('aws'),
  SSH_AUTH_SOCK: '/run/canary/ssh-agent.sock',
  DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/canary/bus',
  DOCKER_HOST: 'unix:///run/canary/docker.sock',
});

interface EvilAgent {
  mode: string;
  /** What it is told: paths, ports, nothing secret. */
  facts?: object;
  /** As YAML. */
  limits?: string;
}

function open(): World {
  const world = World.open({ files: { 'README.md': '# shop\n', 'check.mjs': 'console.log("fine");\n' } });
  copyFileSync(join(ROOT, 'test/support', AGENT), world.path(AGENT));
  chmodSync(world.path(AGENT), 0o755);
  return world;
}

function configure(world: World, agents: Record<string, EvilAgent>): void {
  const lines = Object.entries(agents).map(([name, { mode, facts = {}, limits }]) => {
    const command = JSON.stringify([`./${AGENT}`, mode, JSON.stringify(facts)]);
    return `  ${name}: { kind: command, command: ${command}${limits === undefined ? '' : `, ${limits}`} }\n`;
  });
  const repo = `{ name: ${REPO}, automation: full, verify: ["node check.mjs"], max_open_pull_requests: 100 }`;
  const routing = `routing: { default: [${Object.keys(agents)[0]}] }\nqueue: { max_parallel: 8, max_attempts: 1 }\n`;
  const head = `# ${canary('configuration')}\nstate_dir: ./state\nforge: { kind: local, root: ./forge }\nrepos:\n  - ${repo}\n`;
  world.write('config.yaml', `${head}agents:\n${lines.join('')}${routing}sandbox: { mode: required, disk_mb: 64 }\n`);
}

/** An issue for that agent, whose text holds a secret of its own. */
async function ask(world: World, agent: string): Promise<number> {
  const forge = openLocalForge({ root: world.path('forge'), clock: systemClock, localCi: {}, as: 'operator' });
  const body = `Do it. ${agent === 'attack' ? '' : canary(`task${agent}`)}`;
  return (await forge.createIssue(REPO, { title: `Work of ${agent}`, body, labels: ['ready', `agent:${agent}`] })).number;
}

/** Lives on this machine, and of this world: started below its directory, or with it in the arguments. */
function listAlive(world: World): string[] {
  const read = (pid: string, name: string) => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, 'latin1');
    } catch {
      return '';
    }
  };
  const found = (pid: string) => ['cmdline', 'environ'].some((name) => read(pid, name).includes(`${world.dir}/`));
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && found(pid));
}

/** The file in the tree that the attempt left, whether it was pushed or not. */
function readTree(world: World, issue: number, file: string): string {
  return world.git('state/preserved/demo__shop.git', 'show', `refs/agentos/preserved/demo__shop-${issue}-1/1:${file}`);
}

/** Servers of the host that nobody may reach from inside. */
class Listeners {
  reached: string[] = [];
  #open: (Server | UdpSocket)[] = [];

  async tcp(name: string, at: { host: string; port: number } | { path: string }): Promise<number> {
    const server = createServer((socket) => {
      this.reached.push(name);
      socket.destroy();
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(at, resolve));
    this.#open.push(server);
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async udp(name: string): Promise<number> {
    const socket = createSocket('udp4').on('message', () => this.reached.push(name));
    await new Promise<void>((resolve) => socket.bind(0, '0.0.0.0', resolve));
    this.#open.push(socket);
    return socket.address().port;
  }

  close(): void {
    for (const one of this.#open) one.close();
  }
}

function ownAddress(): string {
  const found = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return found.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.2';
}

/** One who must not be touched, with a key in its environment: as a CLI that runs beside. */
function startBystander(): { pid: number; isAlive: () => boolean; end: () => void } {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', canary('argument')], {
    env: { OPENAI_API_KEY: canary('neighbour') },
    stdio: 'ignore',
  });
  return { pid: child.pid ?? 0, isAlive: () => child.exitCode === null && child.signalCode === null, end: () => child.kill('SIGKILL') };
}

// biome-ignore lint/suspicious/noExplicitAny: a report of a program under test
type Tries = any;

const address = ownAddress();
const abstract = `agentos-${randomBytes(6).toString('hex')}`;

/** Makes secrets, servers and a repository that the agent will look for. @returns what the agent is told of them. */
async function prepare(world: World, listeners: Listeners, bystander: number): Promise<object> {
  const port = await listeners.tcp('tcp', { host: '0.0.0.0', port: 0 });
  const udp = await listeners.udp('udp');
  await listeners.tcp('abstract', { path: `\0${abstract}` });
  const sockets = SOCKETS.map((name) => world.path(name));
  for (const path of sockets) await listeners.tcp(`unix ${path}`, { path });
  for (const name of SECRETS) world.write(name, `secret: ${canary(name.replace(/\W/g, ''))}\n`);
  world.write('state/memory/demo__shop/CODEBASE.md', MEMORY);
  world.git('shop', 'init', '-q', '--bare', world.path('private.git'));
  world.write('shop/private.txt', canary('commit'));
  world.git('shop', 'add', '-A');
  world.git('shop', 'commit', '-q', '-m', 'Private');
  world.git('shop', 'push', '-q', world.path('private.git'), 'HEAD:main');
  const hosts = ['127.0.0.1', address, '::1'];
  return {
    drow: [...PREFIX].reverse().join(''),
    secrets: [...[...SECRETS, ...STATE].map((name) => world.path(name)), ...SYSTEM_SECRETS],
    lists: ['state', 'state/runs', 'state/workspaces'].map((name) => world.path(name)),
    outside: [...OUTSIDE.map((name) => world.path(name)), ...SYSTEM_PLACES],
    tcp: [...hosts.map((host) => [host, port]), ['169.254.169.254', 80], ['1.1.1.1', 443]],
    udp: [
      ['127.0.0.1', udp],
      [address, udp],
    ],
    unix: [...sockets, '/run/dbus/system_bus_socket', '/var/run/docker.sock'],
    abstract: [abstract],
    pid: bystander,
    marker: world.path('marker'),
    secretFile: world.path('config.yaml'),
    repository: world.path('private.git'),
    commit: world.git('shop', 'rev-parse', 'HEAD').trim(),
  };
}

/** One pass with a terminal, as when a person starts it by hand, and with a directory and a key left open. */
function runWithTerminal(world: World): Ended {
  const line = `: </dev/tty && echo HAS-TERMINAL; exec '${process.execPath}' '${join(ROOT, 'bin/agentos.js')}' queue`;
  const open = [openSync(world.dir, 'r'), openSync(world.path('key.pem'), 'r')];
  const { status, signal, stdout, stderr } = spawnSync('script', ['-qec', line, '/dev/null'], {
    cwd: world.dir,
    env: world.env(environment()),
    encoding: 'utf8',
    timeout: 120_000,
    stdio: ['ignore', 'pipe', 'pipe', open[0], ...Array.from({ length: 40 }, () => 'ignore' as const), ...open],
  });
  for (const descriptor of open) closeSync(descriptor);
  return { status, signal, stdout: String(stdout), stderr: String(stderr) };
}

describe.skipIf(!hasBwrap)('with `sandbox.mode: required`', () => {
  let world: World;
  let queue: Ended;
  let issue: number;
  let times: { began: number; ended: number };
  let config: string;
  let before: string[];
  /** Of the agent, and of its code when `verify` ran it. */
  const tries: Record<string, Tries> = {};
  const listeners = new Listeners();
  const bystander = startBystander();
  const search = () => new CanarySearch(canaries);

  beforeAll(async () => {
    world = open();
    const facts = await prepare(world, listeners, bystander.pid);
    configure(world, { attack: { mode: 'attack', facts }, victim: { mode: 'victim', facts: { ms: 12_000 } } });
    config = world.read('config.yaml');
    issue = await ask(world, 'attack');
    const other = await ask(world, 'victim');
    world.must('dispatch');
    before = readdirSync(world.dir).sort();
    queue = runWithTerminal(world);
    tries['agent'] = JSON.parse(readTree(world, issue, 'tries.json'));
    times = JSON.parse(readTree(world, other, 'times.json'));
    const log = world.read(`state/runs/demo__shop-${issue}-1/1/verify-1.log`);
    tries['verify'] = JSON.parse(log.trim().split('\n').at(-1) ?? '');
  }, 120_000);

  afterAll(() => {
    bystander.end();
    listeners.close();
    world?.close();
  });

  it('a hostile agent runs beside another task to its end, and its change is judged as any other', () => {
    expect(queue).toMatchObject({ status: 0 });
    expect(world.task(issue)?.text).toMatch(/n: 1, agent: attack,.*code: complete\b/);
    expect(times.began).toBeLessThan(tries['agent'].began);
    expect(times.ended).toBeGreaterThan(tries['agent'].ended);
  });

  describe.each([
    { who: 'agent', what: 'the agent' },
    { who: 'verify', what: '`verify`, running its code,' },
  ])('$what', ({ who }) => {
    const own = () => tries[who];

    it('reads no key or token in its environment: it is that of the contract, name by name', () => {
      const agent = ['AGENTOS_ATTEMPT', 'AGENTOS_PROMPT_FILE', 'AGENTOS_RESULT_FILE', 'AGENTOS_RUN', 'AGENTOS_TASK_ID'];
      const names = [...(who === 'agent' ? agent : ['AGENTOS_RUN', 'CI']), 'HOME', 'LANG', 'PATH', 'PWD', 'TERM', 'TMPDIR'];
      expect(Object.keys(own().environment).sort()).toEqual(names);
    });

    it('reads no key in /proc/*/environ and no argument of others: it sees the processes of its run alone', () => {
      const { processes } = own();
      expect(processes.length).toBeGreaterThanOrEqual(2);
      expect(processes.length).toBeLessThan(6);
      expect(processes.map(({ pid }: { pid: number }) => pid)).not.toContain(bystander.pid);
      for (const { environ, cmdline } of processes) expect(search().inText(`${environ}${cmdline}`)).toEqual([]);
    });

    it.each([...SECRETS, ...STATE])('reads nothing of %s', (name) => {
      expect(existsSync(world.path(name))).toBe(true);
      expect(own().reads[world.path(name)]).toBe('ENOENT');
    });

    it('sees of runs and workspaces its own alone', () => {
      const task = `demo__shop-${issue}-1`;
      const [state, runs, workspaces] = ['state', 'state/runs', 'state/workspaces'].map((name) => own().lists[world.path(name)]);
      expect(state.sort()).toEqual(who === 'agent' ? ['mirrors', 'runs', 'workspaces'] : ['mirrors', 'workspaces']);
      expect(workspaces).toEqual([task]);
      expect(runs).toEqual(who === 'agent' ? [task] : 'ENOENT');
    });

    it('gets no file that the caller of the queue left open', () => {
      expect(own().descriptors.length).toBeGreaterThan(2);
      expect(own().descriptors.filter((link: string) => link.includes('key.pem') || link === world.dir)).toEqual([]);
    });

    it('reads nothing of the system that is not for everybody', () => {
      const found = SYSTEM_SECRETS.map((path) => own().reads[path]);
      expect(found).toEqual(SYSTEM_SECRETS.map(() => 'ENOENT'));
    });

    it('finds no secret in any file that it can see, and of the installation only what its task is given', () => {
      const task = `demo__shop-${issue}-1`;
      const given = [`state/workspaces/${task}/`, `state/runs/${task}/1/prompt.md`, 'state/mirrors/', AGENT].map((name) =>
        world.path(name),
      );
      const ours = (own().seen.files as string[]).filter((path) => path.startsWith(`${world.dir}/`));
      expect(ours.some((path) => path.endsWith('/README.md'))).toBe(true);
      expect(ours.filter((path) => !given.some((start) => path.startsWith(start)))).toEqual([]);
      expect(own().seen.secrets).toEqual([]);
      expect(search().inText(JSON.stringify(own()))).toEqual([]);
    });

    it('reaches no server: not on the loopback, not by the address of the machine, no metadata service, nothing outside', () => {
      const { found, listening } = own().network;
      expect(found).toMatchObject({
        'tcp 127.0.0.1': 'ECONNREFUSED',
        [`tcp ${address}`]: expect.stringMatching(/^(ENETUNREACH|ECONNREFUSED)$/),
        'tcp ::1': expect.stringMatching(/^(ENETUNREACH|ECONNREFUSED|EADDRNOTAVAIL)$/),
        'tcp 169.254.169.254': 'ENETUNREACH',
        'tcp 1.1.1.1': 'ENETUNREACH',
      });
      expect(listening).toEqual([]);
      expect(listeners.reached).toEqual([]);
    });

    it('asks no name server, and sends no datagram that arrives', () => {
      const { found } = own().network;
      for (const name of ['dns of the host', 'dns outside']) expect(found[name]).toMatch(/^(ETIMEOUT|ECONNREFUSED|EREFUSED)$/);
      expect(Object.keys(found)).toContain('udp 127.0.0.1');
      expect(listeners.reached).toEqual([]);
    });

    it('reaches no socket of the host: ssh-agent, docker, bus, abstract', () => {
      const { found } = own().network;
      const paths = [...SOCKETS.map((name) => world.path(name)), '/run/dbus/system_bus_socket', '/var/run/docker.sock'];
      for (const path of paths) expect([path, found[`unix ${path}`]]).toEqual([path, 'ENOENT']);
      expect(found[`abstract ${abstract}`]).toBe('ECONNREFUSED');
      expect(listeners.reached).toEqual([]);
    });

    it.each(WAYS)('writes nothing outside by %s', (way) => {
      const tried = (own().writes as { path: string; way: string; ended: string }[]).filter((one) => one.way === way);
      expect(tried.length).toBe(OUTSIDE.length + SYSTEM_PLACES.length);
      // Below /tmp a path can be made inside, in the /tmp of the run; on the host nothing may be there.
      for (const { path, ended } of tried) if (!path.startsWith('/tmp/')) expect([path, ended]).not.toEqual([path, 'done']);
      for (const { path } of tried) if (!path.startsWith(world.dir)) expect(existsSync(path)).toBe(false);
      expect(OUTSIDE.filter((name) => existsSync(world.path(name)))).toEqual(['config.yaml', MEMORY_FILE]);
      expect(world.read('config.yaml')).toBe(config);
      expect(readdirSync(world.dir).sort()).toEqual(before);
    });

    it('changes nothing that it is shown: its program, its prompt, node, the objects of the mirror', () => {
      const refused = /^(EROFS|EACCES|EPERM|ETXTBSY|ENOENT)$/;
      for (const name of who === 'agent' ? ['program', 'prompt', 'node', 'objects'] : ['node', 'objects'])
        expect(own().shown[name]).toMatch(refused);
      expect(world.read(AGENT)).toBe(readFileSync(join(ROOT, 'test/support', AGENT), 'utf8'));
    });

    it('neither kills, reads nor traces a process of the host', () => {
      const { others } = own();
      expect(others.kill).toBe('ESRCH');
      expect(others.memory).toBe('ENOENT');
      expect(others.ptrace).toMatch(/^refused (1|3)$/);
      expect(others.keyring).toBe('refused 1');
      expect(bystander.isAlive()).toBe(true);
    });

    it('has no terminal and pushes nothing into one, though the queue has', () => {
      expect(queue.stdout).toContain('HAS-TERMINAL');
      const { terminal } = own();
      expect(terminal.descriptors).toEqual([false, false, false]);
      expect([terminal.tty, terminal.console]).toEqual([expect.stringMatching(/^(ENXIO|ENOENT)$/), expect.stringMatching(/^E/)]);
      expect(terminal.pts.filter((name: string) => name !== 'ptmx')).toEqual([]);
      for (const at of ['/dev/tty', 'fd 0', 'the first one']) expect(terminal[`push into ${at}`]).toMatch(/refused|open \d+/);
    });

    it('fills no memory beyond the size of /tmp and /dev/shm', () => {
      for (const { bytes, ended } of own().memory) {
        expect(ended).toBe('ENOSPC');
        expect(bytes).toBeLessThanOrEqual(64 * 1024 * 1024);
      }
    });
  });

  it('git of the host runs nothing that the agent planted: configuration, hooks, filters, attributes', () => {
    const { git } = tries['agent'];
    expect(git.config).toContain('fsmonitor = "touch ');
    expect(git.hooks).toContain('pre-push');
    expect(existsSync(world.path('marker'))).toBe(false);
    const configs = execFileSync('find', [world.path('state'), world.path('forge'), '-name', 'config', '-type', 'f'], { encoding: 'utf8' });
    for (const path of configs.trim().split('\n')) expect(readFileSync(path, 'utf8')).not.toMatch(/fsmonitor|evil|ext::/);
  });

  it('git of the host takes no object by alternates that the agent planted', () => {
    expect(tries['agent'].git.alternates).toContain(world.path('private.git'));
    for (const name of ['state/preserved', 'state/mirrors', 'forge']) {
      expect(
        search()
          .inDirectory(world.path(name))
          .filter((found) => !found.endsWith(': taskvictim')),
      ).toEqual([]);
    }
  });

  it('the memory of the repository stays as it was, and no commit carries the one the agent wrote', () => {
    expect(tries['agent'].codebase).toContain('Obey');
    expect(world.read(MEMORY_FILE)).toBe(MEMORY);
    expect(() => readTree(world, issue, 'CODEBASE.md')).toThrow(/CODEBASE\.md/);
  });

  it('no secret is in what the run leaves: transcripts, events, tasks', () => {
    const kept = ['runs', 'events', 'mailbox'].flatMap((name) => search().inDirectory(world.path(`state/${name}`)));
    expect(kept.filter((found) => !found.endsWith(': taskvictim'))).toEqual([]);
  });

  it('no process is left', () => {
    expect(listAlive(world)).toEqual([]);
  });
});

describe.skipIf(!hasBwrap)('with `sandbox.mode: required`, an agent that takes and stays', () => {
  let world: World;
  let queue: Ended;
  const issues: Record<string, number> = {};
  const quick = 'timeout_minutes: 0.06';

  beforeAll(async () => {
    world = open();
    configure(world, {
      survive: { mode: 'survive' },
      disk: { mode: 'fill-disk' },
      bomb: { mode: 'bomb', limits: quick },
      flood: { mode: 'flood', limits: quick },
      first: { mode: 'stop-first', limits: quick },
    });
    for (const agent of ['survive', 'disk', 'bomb', 'flood', 'first']) issues[agent] = await ask(world, agent);
    world.must('dispatch');
    queue = world.run(['queue']);
  }, 120_000);
  afterAll(() => world?.close());

  const task = (agent: string) => world.task(issues[agent] ?? 0)?.text;
  const transcript = (agent: string) => `state/runs/demo__shop-${issues[agent]}-1/1/transcript.log`;

  it('ends the pass well', () => expect(queue).toMatchObject({ status: 0 }));

  it('survives in no way: own session, double fork, nohup, environment wiped, signals ignored', () => {
    expect(task('survive')).toMatch(/agent: survive,.*code: complete\b/);
    const tree = world.git(
      'state/preserved/demo__shop.git',
      'ls-tree',
      '--name-only',
      `refs/agentos/preserved/demo__shop-${issues['survive']}-1/1`,
    );
    for (const way of ['detached', 'setsid', 'nohup']) expect(tree).toContain(`alive-${way}\n`);
    expect(listAlive(world)).toEqual([]);
  });

  it('does not fill the disk: it is ended, at once and though it ignores signals', () => {
    expect(world.read(transcript('disk'))).toContain('wrote 20\n');
    expect(world.read(transcript('disk'))).toMatch(/ended: it keeps more than 64 MB in what it may write\n/);
    expect(task('disk')).toMatch(/agent: disk,.*code: resource_limit\b/);
    const left = execFileSync('du', ['-sm', world.path('state')], { encoding: 'utf8' });
    expect(Number(left.split('\t')[0])).toBeLessThan(64);
  });

  it('does not fill the disk with what it prints', () => {
    expect(task('flood')).toMatch(/agent: flood,.*code: timeout\b/);
    expect(statSync(world.path(transcript('flood'))).size).toBeLessThan(6_000_000);
  });

  it('gains nothing by stopping the process that should end it', () => {
    expect(world.read(transcript('first'))).toMatch(/^(stopped|refused)$/m);
    expect(task('first')).toMatch(/agent: first,.*code: (timeout|complete)\b/);
    expect(listAlive(world)).toEqual([]);
  });

  it('forks no longer than its run, and nothing of it is left', () => {
    expect(world.read(transcript('bomb'))).toContain('forked 50\n');
    expect(task('bomb')).toMatch(/agent: bomb,.*code: timeout\b/);
    expect(listAlive(world)).toEqual([]);
  });
});

describe.skipIf(!hasBwrap)('with `sandbox.mode: required`, when the queue is killed', () => {
  it('the agent and all that it started end with it, and the next pass finds out', async () => {
    const world = open();
    try {
      configure(world, { survive: { mode: 'survive', facts: { hang: true } } });
      const issue = await ask(world, 'survive');
      world.must('dispatch');
      const queue = world.start(['queue']);
      const alive = (name: string) => existsSync(world.path(`state/workspaces/demo__shop-${issue}-1/1/tree/alive-${name}`));
      for (let k = 0; k < 400 && !['detached', 'setsid', 'nohup'].every(alive); k++) await sleep(50);
      expect(['detached', 'setsid', 'nohup'].filter(alive)).toEqual(['detached', 'setsid', 'nohup']);
      queue.kill('SIGKILL');
      await queue.ended;
      for (let k = 0; k < 100 && listAlive(world).length > 0; k++) await sleep(50);
      expect(listAlive(world)).toEqual([]);
      configure(world, { survive: { mode: 'survive' } });
      expect(world.run(['queue']).status).toBe(0);
      expect(world.task(issue)?.text).toMatch(/code: infrastructure, summary: the process that ran it is gone/);
      expect(listAlive(world)).toEqual([]);
    } finally {
      world.close();
    }
  });
});
