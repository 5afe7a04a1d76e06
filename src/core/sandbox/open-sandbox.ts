/**
 * Chooses the driver by the configured mode and fails closed: `required`
 * without a sandbox that was proved never opens (docs/adr/0010-sandbox.md).
 */
import { homedir } from 'node:os';
import { AgentOsError } from '../errors.ts';
import { openBubblewrap } from './bubblewrap.ts';
import { closeInherited } from './inherited.ts';
import { LIMITS, type SandboxLimits } from './limits.ts';
import { probeSandbox, type SandboxProof } from './probe.ts';
import type { Sandbox } from './sandbox.ts';
import { openUnconfined } from './unconfined.ts';
import { checkReadable, realPath } from './visible-paths.ts';

export interface SandboxOptions {
  mode: 'required' | 'auto' | 'off';
  /** PATH of the programs inside, and where `bwrap` is looked for. */
  path: string;
  /** Extra absolute paths that every run sees read-only. */
  readable: readonly string[];
  /** Absolute; hidden from every run but for what that run names itself. */
  stateDir: string;
  /** Files and directories beside the state directory and HOME that no path of the configuration may show: configuration, forge. */
  hidden?: readonly string[];
  /** Between TERM and KILL; default 10 s. */
  graceMs?: number;
  /** Instead of `LIMITS`. */
  limits?: Partial<SandboxLimits>;
  /** A proof of an earlier probe on this boot; without it the probe runs now. */
  proof?: SandboxProof;
}

export interface OpenedSandbox {
  sandbox: Sandbox;
  /** What people must be told, when runs are not confined. */
  notice?: string;
  /** What the probe found, to be kept by the caller; absent when it was not asked. */
  proof?: SandboxProof;
}

/**
 * @throws AgentOsError `config`: the mode is `required` and bubblewrap is missing or does not confine; a path of `readable` is missing or would show something hidden.
 */
export async function openSandbox(options: SandboxOptions): Promise<OpenedSandbox> {
  closeInherited();
  const graceMs = options.graceMs ?? 10_000;
  const limits = { ...LIMITS, ...options.limits };
  const homeDir = realPath(homedir()) ?? homedir();
  const hidden = [options.stateDir, ...(options.hidden ?? []), homeDir].map((path) => realPath(path) ?? path);
  checkReadable(options.readable, hidden, homeDir);
  if (options.mode === 'off') {
    return {
      sandbox: openUnconfined({ path: options.path, graceMs, limits }),
      notice: 'agents run UNCONFINED as this user: `sandbox.mode` is `off`',
    };
  }
  const probing = { path: options.path, stateDir: options.stateDir, hidden, homeDir, limits };
  const proof = options.proof ?? (await probeSandbox(probing));
  if (proof.ready) {
    const { program, namespaces, sized } = proof;
    const probe = () => probeSandbox(probing);
    return { sandbox: openBubblewrap({ ...options, program, namespaces, sized, hidden, homeDir, graceMs, limits, probe }), proof };
  }
  if (options.mode === 'auto') {
    const notice = `agents run UNCONFINED as this user: ${proof.reason}`;
    return { sandbox: openUnconfined({ path: options.path, graceMs, limits }), notice, proof };
  }
  throw new AgentOsError('config', `no agent can run: the sandbox does not hold: ${proof.reason}`, {
    hint: 'Install bubblewrap (`apt install bubblewrap`) and allow user namespaces, or set `sandbox.mode: auto` to run agents unconfined.',
  });
}
