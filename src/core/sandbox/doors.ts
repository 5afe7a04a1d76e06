/**
 * What a run can reach through the relay: the gateway that it was given, and
 * the hosts that it may ask, behind a proxy that lives as long as the run.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toIoError } from '../errors.ts';
import { type Door, gatewayDoor } from './relay.ts';
import type { SandboxRun } from './sandbox.ts';

export interface Doors {
  readonly list: readonly Door[];
  /** Variables that tell programs of the proxy. */
  readonly env: Readonly<Record<string, string>>;
  /** Set by whoever keeps the transcript: gets a line of ours. */
  say: (line: string) => void;
  close(): Promise<void>;
}

const PROXY = '@AGENTOS_PROXY@';
/** Longest path of a Unix socket, with the zero at its end, is 108 bytes. */
const MAX_SOCKET = 107;

/** @throws AgentOsError `io` when the proxy cannot listen. */
export async function openDoors(run: SandboxRun, stateDir: string): Promise<Doors> {
  const list = gatewayDoor(run);
  const doors: Doors = { list, env: {}, say: () => {}, close: async () => {} };
  if (run.hosts === undefined || run.hosts.length === 0) return doors;
  const { openHostProxy } = await import('./host-proxy.ts');
  const directory = makeDirectory(stateDir);
  const socket = join(directory, 'proxy');
  try {
    const onRefused = (target: string, reason: string) => doors.say(`refused: ${target}: ${reason}`);
    const proxy = await openHostProxy({ hosts: run.hosts, socket, onRefused });
    const close = async () => {
      await proxy.close();
      rmSync(directory, { recursive: true, force: true });
    };
    return Object.assign(doors, { list: [...list, { name: PROXY, socket }], env: proxyVariables(), close });
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw toIoError(error, `listen on \`${socket}\``);
  }
}

/** Private, and with a name so short that a socket fits. */
function makeDirectory(stateDir: string): string {
  const fits = Buffer.byteLength(join(stateDir, 'doors-xxxxxx', 'proxy')) <= MAX_SOCKET;
  try {
    removeOld(stateDir);
    return mkdtempSync(join(fits ? stateDir : tmpdir(), 'doors-'));
  } catch (error) {
    throw toIoError(error, 'make a directory for the proxy of the sandbox');
  }
}

/** What runs left whose owner was killed; none lasts a day. */
function removeOld(stateDir: string): void {
  for (const name of readdirSync(stateDir).filter((entry) => entry.startsWith('doors-'))) {
    const path = join(stateDir, name);
    if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > 86_400_000)
      rmSync(path, { recursive: true, force: true });
  }
}

/** As curl, git, npm, pip, Go, cargo and Node read them; what listens inside is reached without. */
function proxyVariables(): Record<string, string> {
  const url = `http://${PROXY}`;
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'npm_config_proxy', 'npm_config_https_proxy'];
  const inside = 'localhost,127.0.0.1,::1';
  return { ...Object.fromEntries(names.map((name) => [name, url])), NO_PROXY: inside, no_proxy: inside, NODE_USE_ENV_PROXY: '1' };
}
