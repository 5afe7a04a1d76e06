/**
 * Proves that bubblewrap confines on this machine, by starting it and trying
 * to break out: write outside, read the state, reach a listener of ours, see
 * the caller's environment (row 55 of docs/threat-model.md). Costs a tenth
 * of a second and two processes, so it belongs where an agent is about to
 * start, never on an idle tick.
 */
import { existsSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { AgentOsError } from '../errors.ts';
import { findProgram } from '../process.ts';
import { cleanLine } from '../text.ts';
import { type Namespaces, openBubblewrap } from './bubblewrap.ts';
import { LIMITS, type SandboxLimits } from './limits.ts';
import type { Sandbox, SandboxProbe } from './sandbox.ts';
import { layBait, tryInside } from './try-inside.ts';

export interface ProbeOptions {
  /** PATH: where `bwrap` is looked for, and what programs inside get. */
  path: string;
  /** An absolute directory of ours, which must not be seen inside. */
  stateDir: string;
  /** Real paths that no run may see, and the user's HOME: what is shown of PATH depends on them. */
  hidden: readonly string[];
  homeDir: string;
  limits?: SandboxLimits;
}

/** What it takes to open the driver. */
interface Kind {
  program: string;
  namespaces: Namespaces;
  /** Whether `/tmp` is bounded; bubblewrap before 0.7 cannot. */
  sized: boolean;
}

/** The verdict and the driver that it is about. */
export interface SandboxProof extends SandboxProbe, Kind {}

/** Names that the driver gives every program, and PWD, which bubblewrap sets. */
export const ALLOWED: ReadonlySet<string> = new Set(['PATH', 'HOME', 'LANG', 'TERM', 'TMPDIR', 'PWD', 'AGENTOS_RUN']);

/** Runs inside: tries everything that must fail and reports. Plain JavaScript, for it is given to `node -e`. */
const ATTEMPTS = `
const fs = require('node:fs'), net = require('node:net');
const [dir, port] = process.argv.slice(1);
const works = (attempt) => { try { attempt(); return true; } catch { return false; } };
const names = new Set();
for (const pid of fs.readdirSync('/proc')) {
  let text = '';
  try { text = fs.readFileSync('/proc/' + pid + '/environ', 'latin1'); } catch {}
  for (const line of text.split('\\0')) if (line) names.add(line.split('=')[0]);
}
const report = {
  workspace: works(() => fs.writeFileSync(dir + '/work/inside', 'x')),
  root: works(() => fs.writeFileSync('/agentos-probe', 'x')) || works(() => fs.writeFileSync('/usr/agentos-probe', 'x')),
  state: works(() => fs.readFileSync(dir + '/secret')),
  names: [...names],
};
works(() => fs.writeFileSync(dir + '/outside', 'x'));
const socket = net.connect(Number(port), '127.0.0.1');
const end = (network) => { console.log(JSON.stringify({ ...report, network })); process.exit(0); };
socket.on('connect', () => end(true)).on('error', () => end(false));
`;

/**
 * Never throws for what bubblewrap does; `ready` is false with the reason then.
 * @throws AgentOsError `io` when nothing can be written in the state directory.
 */
export async function probeSandbox(options: ProbeOptions): Promise<SandboxProof> {
  const program = findProgram('bwrap', options.path);
  const missing = { ready: false, reason: 'bubblewrap (`bwrap`) is not on PATH', program: 'bwrap' };
  if (program === undefined) return { ...missing, namespaces: 'all', sized: true };
  let first: SandboxProof | undefined;
  for (const namespaces of process.getuid?.() === 0 ? (['all', 'all-but-user'] as const) : (['all'] as const)) {
    const proof = await tryKind({ program, namespaces, sized: true }, options);
    if (proof.ready) return proof;
    first ??= proof;
  }
  return first as SandboxProof;
}

async function tryKind(kind: Kind, options: ProbeOptions): Promise<SandboxProof> {
  const reason = await findWeakness(kind, options);
  // An older bubblewrap confines as well.
  if (kind.sized && reason?.includes('--size')) return tryKind({ ...kind, sized: false }, options);
  if (reason !== undefined) return { ready: false, reason, ...kind };
  return { ready: true, reason: 'writing outside, reading the state, the network and the environment are denied', ...kind };
}

/** What the sandbox fails to deny, `undefined` when it holds. */
async function findWeakness(kind: Kind, options: ProbeOptions): Promise<string | undefined> {
  const dir = layBait(options.stateDir);
  const listener = await listen();
  try {
    const report = await tryInside(openKind({ ...options, ...kind }), dir, ATTEMPTS, [dir, String(listener.port)]);
    if (typeof report === 'string') return report;
    if (report['workspace'] !== true || !existsSync(join(dir, 'work', 'inside'))) return 'the workspace cannot be written';
    if (report['root'] !== false || existsSync(join(dir, 'outside'))) return 'files outside the workspace can be written';
    if (report['state'] !== false) return 'the state directory can be read';
    if (report['network'] !== false || listener.reached()) return 'the network can be reached';
    const names = Array.isArray(report['names']) ? report['names'].map(String) : [];
    const leaked = names.filter((name) => !ALLOWED.has(name));
    if (names.length === 0 || leaked.length > 0) return `the environment of the caller can be seen (${cleanLine(leaked.join(', '))})`;
    return undefined;
  } catch (error) {
    if (error instanceof AgentOsError && error.code === 'config') return error.message;
    throw error;
  } finally {
    listener.server.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function openKind(driver: ProbeOptions & Kind): Sandbox {
  const probe = async () => ({ ready: false, reason: '' });
  return openBubblewrap({ ...driver, readable: [], limits: driver.limits ?? LIMITS, graceMs: 1000, probe });
}

/** A listener on the loopback interface that notes whether anybody came. */
async function listen(): Promise<{ server: Server; port: number; reached: () => boolean }> {
  let count = 0;
  const server = createServer((socket) => {
    count++;
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0, reached: () => count > 0 };
}
