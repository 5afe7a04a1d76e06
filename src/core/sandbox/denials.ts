/**
 * Tries on this machine, one by one, what a confined program must not be able
 * to do, with real files, servers and sockets of ours as bait. The probe
 * (`probe.ts`) is the short form that every opening pays for; this is for
 * people who ask (`agentos doctor`).
 */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { basename, join } from 'node:path';
import { findRun } from '../process-tree.ts';
import { cleanLine } from '../text.ts';
import { LIMITS } from './limits.ts';
import { ALLOWED } from './probe.ts';
import type { Sandbox } from './sandbox.ts';
import { findKeyctl } from './syscall-filter.ts';
import { layBait, tryInside } from './try-inside.ts';

export interface Denial {
  /** What was tried, in words: `the network`. */
  what: string;
  /** `open`: it was possible. `unlimited`: it has no bound here. */
  state: 'denied' | 'open' | 'unlimited';
  /** How it was possible, or what is known of a bound. */
  how: string;
}

/** Runs inside and reports. Plain JavaScript, for it is given to `node -e`; `args` are the bait. */
const ATTEMPTS = `
const fs = require('node:fs'), net = require('node:net'), { spawn, spawnSync } = require('node:child_process');
const bait = JSON.parse(process.argv[1]);
const works = (act) => { try { act(); return true; } catch { return false; } };
const read = (path) => { try { return fs.readFileSync(path, 'latin1'); } catch { return ''; } };
const meet = (to) => new Promise((resolve) => {
  const socket = net.connect({ ...to, timeout: 3000 });
  const end = (met) => { resolve(met); socket.destroy(); };
  socket.on('connect', () => end(true)).on('timeout', () => end(false)).on('error', () => end(false));
});
const limit = (name) => new RegExp('^' + name + ' +\\\\S+ +(\\\\S+)', 'm').exec(read('/proc/self/limits'))?.[1];
(async () => {
  const pids = fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  const size = fs.statfsSync('/tmp');
  const status = read('/proc/self/status');
  works(() => fs.writeFileSync(bait.outside, 'x'));
  spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore', env: { AGENTOS_RUN: process.env.AGENTOS_RUN } }).unref();
  console.log(JSON.stringify({
    system: bait.system.filter((path) => works(() => { fs.writeFileSync(path, 'x'); fs.unlinkSync(path); })),
    hidden: bait.hidden.filter((path) => works(() => fs.accessSync(path, fs.constants.R_OK))),
    names: [...new Set(pids.flatMap((pid) => read('/proc/' + pid + '/environ').split('\\0').filter(Boolean).map((line) => line.split('=')[0])))],
    processes: pids.length > 20 || works(() => process.kill(bait.pid, 0)),
    tcp: await meet({ host: '127.0.0.1', port: bait.port }),
    metadata: await meet({ host: '169.254.169.254', port: 80 }),
    outside: await meet({ host: '1.1.1.1', port: 443 }),
    vsock: spawnSync('perl', ['-e', 'exit(socket(my $s, 40, 1, 0) ? 0 : 1)']).status === 0,
    unix: await meet({ path: bait.socket }),
    abstract: await meet({ path: '\\0' + bait.abstract }),
    terminal: works(() => fs.closeSync(fs.openSync('/dev/tty', 'r+'))),
    privileges: !/^CapEff:\\s*0+$/m.test(status) || !/^NoNewPrivs:\\s*1$/m.test(status),
    filtered: /^Seccomp:\\s*2$/m.test(status),
    keyring: spawnSync('perl', ['-e', 'exit(syscall(' + bait.keyctl + ', 0, -3, 0) < 0 ? 1 : 0)']).status === 0,
    files: limit('Max file size'), processCount: process.getuid() === 0 ? 'root' : limit('Max processes'),
    tmp: size.blocks * size.bsize, memory: read('/proc/self/oom_score_adj').trim(),
  }));
  process.exit();
})();
`;

interface Bait {
  dir: string;
  abstract: string;
  port: number;
  /** Names of the servers that somebody came to. */
  reached: () => string[];
  close: () => void;
}

/**
 * @param hidden files that are there and that no run may read, beside the bait
 * @throws AgentOsError `io` when nothing can be written in the state directory; `config` when the sandbox does not start.
 */
export async function proveDenials(sandbox: Sandbox, stateDir: string, hidden: readonly string[]): Promise<Denial[]> {
  const bait = await lay(stateDir);
  const { dir, abstract, port } = bait;
  try {
    const told = {
      ...{
        outside: join(dir, 'outside'),
        socket: join(dir, 's'),
        port,
        abstract,
        pid: process.pid,
        keyctl: findKeyctl(process.arch) ?? -1,
      },
      ...{ hidden: [join(dir, 'secret'), ...hidden], system: ['/agentos-probe', '/usr/agentos-probe', '/etc/agentos-probe'] },
    };
    const report = await tryInside(sandbox, dir, ATTEMPTS, [JSON.stringify(told)]);
    if (typeof report === 'string') return [{ what: 'anything', state: 'open', how: report }];
    return judge(report, { written: existsSync(told.outside), reached: bait.reached(), left: findRun({ mark: basename(dir) }).length });
  } finally {
    bait.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What a program inside could do, and what the host saw of it. */
function judge(report: Record<string, unknown>, seen: { written: boolean; reached: string[]; left: number }): Denial[] {
  const list = (name: string) => (Array.isArray(report[name]) ? report[name].map(String) : [`no report of ${name}`]);
  const deny = (what: string, ways: readonly (string | false)[]): Denial => {
    const open = ways.filter((way) => way !== false);
    return { what, state: open.length === 0 ? 'denied' : 'open', how: cleanLine(open.join(', '), 300) };
  };
  const flag = (name: string, way: string) => report[name] !== false && way;
  const names = list('names');
  return [
    deny('writing outside the workspace', [...list('system'), seen.written && 'the state directory']),
    deny('reading state, configuration and keys', list('hidden')),
    deny('the environment of others', names.length === 0 ? ['no report'] : names.filter((name) => !ALLOWED.has(name))),
    deny('processes of others', [flag('processes', 'they can be seen or signalled')]),
    deny('the network', [
      ...[flag('tcp', 'the loopback of this machine'), flag('metadata', '169.254.169.254'), flag('outside', '1.1.1.1')],
      ...[flag('vsock', 'the host of this virtual machine'), ...seen.reached.filter((name) => name === 'tcp')],
    ]),
    deny('sockets of this machine', [
      flag('unix', 'a path'),
      flag('abstract', 'an abstract name'),
      ...seen.reached.filter((name) => name !== 'tcp'),
    ]),
    deny('the terminal', [flag('terminal', '/dev/tty')]),
    deny('privileges', [flag('privileges', 'capabilities, or new ones')]),
    deny('the keyrings of this user', [
      report['filtered'] !== true && `system calls are not filtered (on ${process.arch})`,
      flag('keyring', 'the call `keyctl`'),
    ]),
    deny('outliving the run', [seen.left > 0 && `${seen.left} processes`]),
    ...judgeBounds(report),
  ];
}

function judgeBounds(report: Record<string, unknown>): Denial[] {
  const bound = (what: string, holds: boolean, how: string): Denial => ({
    what,
    state: holds ? 'denied' : 'unlimited',
    how: holds ? '' : how,
  });
  const count = report['processCount'];
  return [
    bound('files of any size', report['files'] !== 'unlimited', '`prlimit` of util-linux is not on PATH'),
    bound('filling /tmp', Number(report['tmp']) <= LIMITS.tmpBytes * 1.01, 'bubblewrap before 0.7 cannot bound it'),
    bound('processes without end', count !== 'root' && count !== 'unlimited', 'the kernel counts none of root; they end with the run'),
    bound('the memory of others', report['memory'] === '1000', '`choom` of util-linux is not on PATH'),
  ];
}

/** A directory of ours with a secret, and servers that nobody may come to. */
async function lay(stateDir: string): Promise<Bait> {
  const dir = layBait(stateDir);
  const abstract = `agentos-${randomBytes(8).toString('hex')}`;
  const reached: string[] = [];
  const servers: Server[] = [];
  const listen = (name: string, at: { host: string; port: number } | { path: string }): Promise<void> => {
    const server = createServer((socket) => {
      reached.push(name);
      socket.destroy();
    });
    servers.push(server);
    return new Promise((resolve) => server.once('error', () => resolve()).listen(at, resolve));
  };
  await listen('tcp', { host: '127.0.0.1', port: 0 });
  await listen('unix', { path: join(dir, 's') });
  await listen('abstract', { path: `\0${abstract}` });
  const address = servers[0]?.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const close = () => {
    for (const server of servers) server.close();
  };
  return { dir, abstract, port, reached: () => reached, close };
}
