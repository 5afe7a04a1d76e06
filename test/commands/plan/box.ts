/** One machine with a local forge, for tests of `plan`: people act on the forge, passes run one after another, writes can be cut off. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PlanOptions, runPlan } from '../../../src/commands/plan/command.ts';
import type { Effects } from '../../../src/core/effects/effects.ts';
import { openEffects } from '../../../src/core/effects/journal.ts';
import type { GitHub } from '../../../src/core/github/github.ts';
import { type LocalForge, openLocalForge } from '../../../src/core/github/local/forge.ts';
import { openMailbox } from '../../../src/core/mailbox/maildir.ts';
import type { Ports } from '../../../src/core/ports.ts';
import { LOOP_OPTIONS, openLoopPorts, openOutput } from '../../support/loop-ports.ts';

export const REPO = 'acme/shop';
const WRITES: readonly (keyof GitHub)[] = ['createIssue', 'addLabel', 'removeLabel', 'createComment'];

/** Where a pass is cut off: before or after the n-th write to the forge. */
export interface Cut {
  write: number;
  when: 'before' | 'after';
}

export interface Ran {
  status: number;
  actions: { kind: string; subject: string; outcome: string; reason: string; detail: Record<string, unknown> }[];
  out: string;
}

export class Box {
  readonly dir = mkdtempSync(join(tmpdir(), 'agentos-plan-'));
  readonly #config: Record<string, unknown>;
  now = new Date('2026-11-22T10:00:00Z');
  /** Before every write of Agent OS: where a person may interfere. */
  interfere: ((write: string) => Promise<void>) | undefined;

  private constructor(config: Record<string, unknown>) {
    this.#config = config;
  }

  static async open(plan: Record<string, unknown> = {}, config: Record<string, unknown> = {}): Promise<Box> {
    const box = new Box({ plan, ...config });
    const source = join(box.dir, 'source');
    mkdirSync(source);
    const git = (...args: string[]) => execFileSync('git', ['-C', source, '-c', 'user.name=T', '-c', 'user.email=t@example.com', ...args]);
    git('init', '-q', '-b', 'main');
    git('commit', '-q', '--allow-empty', '-m', 'start');
    await box.as('operator').createRepository(REPO, source);
    await box.as('operator').addUser('ann', 'write');
    await box.as('operator').addUser('eve', 'read');
    return box;
  }

  /** Another machine in the same state. */
  copy(): Box {
    const box = new Box(this.#config);
    cpSync(this.dir, box.dir, { recursive: true });
    box.now = this.now;
    return box;
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** The forge as this person uses it. */
  as(login: string): LocalForge {
    return openLocalForge({ root: join(this.dir, 'forge'), clock: { now: () => this.now }, as: login, localCi: {} });
  }

  read(file: string): string {
    return readFileSync(join(this.dir, 'state', file), 'utf8');
  }

  remove(...files: string[]): void {
    for (const file of files) rmSync(join(this.dir, 'state', file), { recursive: true, force: true });
  }

  effects(): Effects {
    return openEffects({ root: join(this.dir, 'state/effects'), clock: { now: () => this.now }, consistentReads: true });
  }

  /** A pass of `plan`; with `list` as its requirements file. A cut throws as a bug would, which nothing catches. */
  async plan(list?: string, cut?: Cut, options: Partial<PlanOptions> = {}): Promise<Ran> {
    const requirements = join(this.dir, 'requirements.md');
    if (list !== undefined) writeFileSync(requirements, list);
    const out = openOutput();
    const given = { ...LOOP_OPTIONS, json: true, ...(list !== undefined && { requirements }), ...options };
    const status = await runPlan(given, this.ports('plan', cut), out);
    const text = out.results.join('');
    return { status, actions: given.json ? JSON.parse(text).actions : [], out: text };
  }

  ports(command: string, cut?: Cut): Ports {
    const forge = this.#cutForge(cut);
    const effects = this.effects();
    const root = join(this.dir, 'state');
    const base = openLoopPorts({ root, command, now: () => this.now, repos: [REPO], forge, effects, config: this.#config });
    mkdirSync(join(root, 'effects'), { recursive: true });
    const mailbox = openMailbox({ root: base.paths.mailbox, locks: base.paths.locks, clock: base.clock });
    return { ...base, mailbox: async () => mailbox };
  }

  #cutForge(cut: Cut | undefined): GitHub {
    let seen = 0;
    return new Proxy<GitHub>(this.as('agentos'), {
      get: (forge, name) => {
        const method = Reflect.get(forge, name) as unknown;
        if (typeof method !== 'function') return method;
        if (!WRITES.includes(name as keyof GitHub)) return method.bind(forge);
        return async (...args: unknown[]) => {
          await this.interfere?.(String(name));
          const isCut = cut !== undefined && ++seen === cut.write;
          if (isCut && cut.when === 'before') throw new Error('cut');
          const result: unknown = await method.apply(forge, args);
          if (isCut) throw new Error('cut');
          return result;
        };
      },
    });
  }

  /** What a person sees of the repository. */
  async view(): Promise<{ title: string; body: string; labels: string[]; comments: string[] }[]> {
    const forge = this.as('operator');
    const issues = await forge.listIssues(REPO, { state: 'all' });
    return Promise.all(
      issues.map(async ({ number, title, body, labels }) => ({
        title,
        body,
        labels,
        comments: (await forge.listComments(REPO, number)).map((comment) => comment.body),
      })),
    );
  }
}
