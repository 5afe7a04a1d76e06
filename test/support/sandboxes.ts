/** Both drivers of the sandbox port, for suites that hold for each. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxLimits } from '../../src/core/sandbox/limits.ts';
import { openSandbox } from '../../src/core/sandbox/open-sandbox.ts';
import type { SandboxProof } from '../../src/core/sandbox/probe.ts';
import type { Sandbox, SandboxRun } from '../../src/core/sandbox/sandbox.ts';

export const PATH = process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';

/** True where bubblewrap is there and may make namespaces. */
export const hasBwrap = works('bwrap', '--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', 'true');

function works(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export interface Place {
  root: string;
  state: string;
  workspace: string;
  home: string;
  transcript: string;
  remove(): void;
}

/** A state directory with a workspace, as an attempt has it. */
export function makePlace(): Place {
  const root = mkdtempSync(join(tmpdir(), 'aos-sandbox-'));
  const state = join(root, 'state');
  const attempt = join(state, 'workspaces', 't', '1');
  const workspace = join(attempt, 'tree');
  mkdirSync(workspace, { recursive: true });
  const remove = () => rmSync(root, { recursive: true, force: true });
  return { root, state, workspace, home: join(attempt, 'home'), transcript: join(root, 'transcript.log'), remove };
}

/** Where each driver runs. */
export const DRIVERS = [
  { kind: 'unconfined' as const, there: true },
  { kind: 'bubblewrap' as const, there: hasBwrap },
];

let proof: SandboxProof | undefined;

/** The driver, proved once for all tests of a file. */
export async function openDriver(
  kind: Sandbox['kind'],
  place: Place,
  graceMs = 300,
  limits: Partial<SandboxLimits> = {},
): Promise<Sandbox> {
  const mode = kind === 'bubblewrap' ? 'required' : 'off';
  const opened = await openSandbox({ mode, path: PATH, readable: [], stateDir: place.state, graceMs, limits, ...(proof && { proof }) });
  proof ??= opened.proof;
  return opened.sandbox;
}

let runs = 0;

export function makeRun(place: Place, argv: string[], more: Partial<SandboxRun> = {}): SandboxRun {
  return {
    argv,
    cwd: place.workspace,
    writable: [place.workspace],
    readable: [],
    home: place.home,
    env: {},
    network: false,
    timeoutMs: 20_000,
    outputLimitBytes: 1_000_000,
    transcript: place.transcript,
    mark: `test-${process.pid}-${++runs}`,
    ...more,
  };
}
