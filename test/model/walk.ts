/**
 * Walks a script: passes of the loops with people's actions between them and
 * inside them, then quiet until nothing changes. Everything is told to the
 * rules as it happens; the first breach ends the walk with the whole story.
 */
import type { Issue } from '../../src/core/github/github.ts';
import { type Installation, install } from './installation.ts';
import { type Place, REPO } from './place.ts';
import { type Happening, Rules } from './rules.ts';
import { type Act, type Hook, ISSUES, type Loop, renderAct, renderScript, type Step } from './script.ts';
import { watchForge } from './watch-forge.ts';

/** Rounds of quiet after which everything that nobody stopped must be done. */
const QUIET_ROUNDS = 12;
/** In quiet, more than any wait of the loops between two tries. */
const LONG_SECONDS = 700;
const WRITES = /^(create|add|remove|update|close|reopen|merge|delete)/;

export async function walk(place: Place, script: readonly Step[]): Promise<Walk> {
  const walked = new Walk(place, script);
  for (const issue of ISSUES.slice(0, 2)) await walked.act({ deed: 'ready', issue });
  for (const step of script) {
    if ('act' in step) await walked.act(step.act);
    else await walked.pass(step.loop, step.inside);
  }
  await walked.settle();
  return walked;
}

export class Walk {
  /** Everything that happened, for people. */
  readonly story: string[] = [];
  /** Deeds that were done, passes that ran and requests that were made. */
  readonly count = { deeds: 0, passes: 0, requests: 0, writes: 0 };
  readonly rules = new Rules(ISSUES);
  readonly #place: Place;
  readonly #script: readonly Step[];
  readonly #agentOs: Installation;
  /** As each issue was when a person last touched it. */
  readonly #left = new Map<number, Issue>();
  /** What people pushed to our branches: the commit, by branch, and the pull request. */
  readonly #pushed = new Map<string, { sha: string | undefined; pull: number }>();
  #hooks: Hook[] = [];
  #calls = 0;

  constructor(place: Place, script: readonly Step[]) {
    this.#place = place;
    this.#script = script;
    const forge = watchForge(place.forge, {
      before: async (method, args) => {
        this.#calls++;
        this.count.requests++;
        await this.#meanwhile('before');
        this.#tell({ kind: 'ask', method, args });
      },
      answered: (method, args, result) => {
        if (WRITES.test(method)) {
          this.count.writes++;
          this.story.push(`    ${method} ${args.slice(1).map(brief).join(' ')} → ${brief(result)}`);
        }
        this.#tell({ kind: 'answer', method, args, result });
      },
      after: async () => this.#meanwhile('after'),
    });
    this.#agentOs = install(place, forge, async (task, act) => {
      this.#calls++;
      await this.#meanwhile('before');
      this.story.push(`    agent runs ${task}`);
      this.#tell({ kind: 'agent', issue: Number(/-(\d+)-\d+$/.exec(task)?.[1]) });
      act();
      await this.#meanwhile('after');
    });
  }

  async act(wanted: Act): Promise<void> {
    const plan = this.rules.plan(wanted);
    if (!plan) return;
    const { act } = plan;
    this.#place.clock.advance(1);
    this.story.push(`${renderAct(act)}${plan.pull === undefined ? '' : ` (pull request #${plan.pull})`}`);
    this.count.deeds++;
    this.#tell({ kind: 'person', ...plan });
    await this.#place.act(act, plan.pull);
    this.#place.clock.advance(1);
    this.#left.set(act.issue, await this.#place.forge.getIssue(REPO, act.issue));
    if (act.deed !== 'push' || plan.pull === undefined) return;
    const { head, headSha } = await this.#place.forge.getPullRequest(REPO, plan.pull);
    this.#pushed.set(head, { sha: (await this.#place.tip(head)) ?? headSha, pull: plan.pull });
  }

  async pass(loop: Loop, inside: readonly Hook[] = []): Promise<void> {
    this.#place.clock.advance(5);
    this.story.push(loop);
    this.count.passes++;
    this.#hooks = [...inside];
    this.#calls = 0;
    this.#tell({ kind: 'pass', loop });
    const { said } = await this.#agentOs.run(loop);
    if (said !== '') this.story.push(said.replace(/^/gm, '    | '));
    const late = this.#hooks.splice(0);
    await this.#check();
    for (const { act } of late) await this.act(act);
  }

  /** People are quiet: passes run until nothing changes any more, and then everything must be in order. */
  async settle(): Promise<void> {
    this.story.push('quiet');
    for (let round = 0, still = 0; still < 2; round++) {
      if (round === QUIET_ROUNDS) this.#fail([`writes go on after ${QUIET_ROUNDS} rounds without a person`]);
      const before = this.count.writes;
      this.#place.clock.advance(LONG_SECONDS);
      for (const loop of ['dispatch', 'queue', 'pr-monitor'] as const) await this.pass(loop);
      still = this.count.writes === before ? still + 1 : 0;
    }
    const letters = await this.#agentOs.letters();
    const broken = await this.#agentOs.fsck();
    for (const number of ISSUES) {
      const issue = await this.#place.forge.getIssue(REPO, number);
      broken.push(...this.#compare(issue));
      if (!this.rules.mustEndDone(number)) continue;
      const done = letters.some(({ tray, task }) => task.issue === number && tray === 'done');
      const left = issue.labels.filter((label) => label === 'ready' || label.startsWith('agentos:'));
      if (!done || issue.state !== 'closed' || left.length > 0) {
        const trays = letters
          .filter(({ task }) => task.issue === number)
          .map(({ task, tray }) => `${task.id} in ${tray}: ${task.note ?? ''}`);
        broken.push(`#${number} is in nobody's way and not done: ${issue.state}, [${issue.labels.join(', ')}]; ${trays.join('; ')}`);
      }
    }
    this.#fail(broken);
  }

  /** Whatever is left of what a person wrote, assigned and labelled; and open or closed as the rules say. */
  #compare(now: Issue): string[] {
    const left = this.#left.get(now.number);
    const state = this.rules.issues.get(now.number);
    const people = (issue: Issue) => issue.labels.filter((label) => label !== 'ready' && !label.startsWith('agentos:')).join(', ');
    const pairs: [string, unknown, unknown][] = [
      ['title', now.title, left?.title ?? now.title],
      ['text', now.body, left?.body ?? now.body],
      ['assignees', now.assignees.join(), left?.assignees.join() ?? ''],
      ['labels of people', people(now), left ? people(left) : ''],
      ['label `ready`', now.labels.includes('ready'), state?.ready],
      ['open', now.state === 'open', state?.open],
    ];
    return pairs.filter(([, is, was]) => is !== was).map(([what, is, was]) => `#${now.number}: ${what} is ${is}, and was left ${was}`);
  }

  /** After each pass: one task an issue, and what people pushed is still the tip of its branch. */
  async #check(): Promise<void> {
    const broken: string[] = [];
    const active = (await this.#agentOs.letters()).filter(({ tray }) => tray !== 'done' && tray !== 'failed');
    for (const number of ISSUES) {
      const ids = active.filter(({ task }) => task.issue === number).map(({ task, tray }) => `${task.id} in ${tray}`);
      if (ids.length > 1) broken.push(`#${number} has ${ids.length} tasks: ${ids.join(', ')}`);
    }
    for (const [branch, { sha, pull }] of this.#pushed) {
      if (this.rules.pulls.get(pull)?.state === 'merged') continue;
      const tip = await this.#place.tip(branch);
      if (tip !== sha) broken.push(`\`${branch}\` is at ${tip}, and a person left it at ${sha}`);
    }
    this.#fail(broken);
  }

  async #meanwhile(edge: Hook['edge']): Promise<void> {
    const due = this.#hooks.filter((hook) => hook.call < this.#calls && hook.edge === edge);
    this.#hooks = this.#hooks.filter((hook) => !due.includes(hook));
    for (const { act } of due) await this.act(act);
  }

  #tell(what: Happening): void {
    this.#fail(this.rules.tell(what));
  }

  #fail(broken: readonly string[]): void {
    if (broken.length === 0) return;
    throw new Error(`${broken.join('\n')}\n\nthe script:\n${renderScript(this.#script)}\n\nwhat happened:\n${this.story.join('\n')}`);
  }
}

function brief(value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.length > 90 ? `${text.slice(0, 90)}…` : text;
}
