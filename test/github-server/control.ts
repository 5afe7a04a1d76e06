/**
 * The test GitHub in a process of its own, driven with synchronous calls: for
 * tests that run the built command with `spawnSync`, during which a server in
 * their own process could not answer.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ControlCall } from './control-calls.ts';
import type { Fault } from './faults.ts';
import type { Violation } from './guard.ts';
import type { Person } from './person.ts';
import type { LoggedRequest, Options } from './server.ts';
import type { World } from './world.ts';

/** The methods alone. */
type MethodsOf<T> = { [K in keyof T]: T[K] extends (...args: never[]) => unknown ? T[K] : never };

interface Said {
  url: string;
  apiUrl: string;
  caFile: string | null;
}

export class ControlledServer {
  readonly url: string;
  readonly apiUrl: string;
  readonly caFile: string | undefined;
  private readonly child: ChildProcess;
  private readonly dir: string;

  private constructor(child: ChildProcess, dir: string, said: Said) {
    this.child = child;
    this.dir = dir;
    this.url = said.url;
    this.apiUrl = said.apiUrl;
    this.caFile = said.caFile ?? undefined;
  }

  static start(options: Options = {}, calls: ControlCall[] = []): ControlledServer {
    const dir = mkdtempSync(join(tmpdir(), 'test-github-control-'));
    const [seed, said, errors] = [join(dir, 'seed.json'), join(dir, 'said'), join(dir, 'errors')];
    writeFileSync(seed, JSON.stringify({ options, calls }));
    const output = [openSync(said, 'w'), openSync(errors, 'w')] as const;
    const args = ['--import', 'tsx', fileURLToPath(new URL('main.ts', import.meta.url)), seed];
    const child = spawn(process.execPath, args, { stdio: ['pipe', ...output] });
    for (const file of output) closeSync(file);
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; tries < 1500; tries++) {
      const text = readFileSync(said, 'utf8');
      if (text.endsWith('\n')) return new ControlledServer(child, dir, JSON.parse(text) as Said);
      Atomics.wait(pause, 0, 0, 20);
    }
    child.kill('SIGKILL');
    throw new Error(`the test GitHub did not start: ${readFileSync(errors, 'utf8')}`);
  }
  close(): void {
    this.child.stdin?.end();
    this.child.unref();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Any method of `World`, or of a `Person`, by name. */
  call(request: ControlCall): unknown {
    const trust = this.caFile ? ['--cacert', this.caFile] : [];
    const args = ['-sS', '--max-time', '60', '--noproxy', '*', ...trust, '--data-binary', '@-', `${this.url}/_control`];
    const done = spawnSync('curl', args, { input: JSON.stringify(request), encoding: 'utf8', maxBuffer: 1 << 28 });
    if (done.status !== 0) throw new Error(`the test GitHub does not answer: ${done.stderr}`);
    const answer = JSON.parse(done.stdout) as { result?: unknown; error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.result;
  }
  /** `server.world.createUser('ann')`; results are what JSON leaves of them. */
  get world(): MethodsOf<World> {
    return this.proxy(undefined) as MethodsOf<World>;
  }
  as(login: string): MethodsOf<Person> {
    return this.proxy(login) as MethodsOf<Person>;
  }
  private proxy(as: string | undefined): unknown {
    const get =
      (_: object, method: string | symbol) =>
      (...args: unknown[]) =>
        this.call({ ...(as !== undefined && { as }), method: String(method), args });
    return new Proxy({}, { get });
  }

  /** `path` as a glob only. */
  fault(fault: Omit<Fault, 'when' | 'path'> & { path?: string }): void {
    this.call({ method: 'fault', args: [fault] });
  }
  clearFaults(): void {
    this.call({ method: 'clearFaults' });
  }
  get requests(): LoggedRequest[] {
    return this.call({ method: 'requests' }) as LoggedRequest[];
  }
  get violations(): Violation[] {
    return this.call({ method: 'violations' }) as Violation[];
  }
}
