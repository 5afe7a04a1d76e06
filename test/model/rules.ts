/**
 * What a person did last to each issue, and what of our writes that forbids.
 * Pure: it is told, in order, everything that happened, and answers what broke
 * a rule.
 *
 * The window that is allowed. A loop decides on what it has read, so a person
 * can be faster than the request that follows. What counts is the loop's last
 * look: the last `viewIssue` (dispatch: `findIssues`) of that pass before the
 * write for the issue, the first `getPullRequest` after it for the pull
 * request, `listReviews` for reviews. What was so when that look was asked for
 * must be respected by the write; what a person does later is seen by the next
 * pass. Two things have no window, for the forge holds them to the very
 * request: commits by somebody else (every write names the head it expects),
 * and a pull request that is closed.
 */
import type { Act, Loop } from './script.ts';

/** What people have made of an issue. */
export interface IssueState {
  open: boolean;
  ready: boolean;
  /** How often `ready` was put on: names the task. */
  n: number;
  hold: boolean;
  /** Text or title changed after the newest `ready`. */
  edited: boolean;
  /** The newest of our pull requests that was merged, by the number of its task. */
  merged?: number;
  /** A person reopened it after that. */
  reopened: boolean;
}

export interface PullState {
  issue: number;
  /** Of the task that it belongs to. */
  n: number;
  state: 'open' | 'closed' | 'merged';
  hold: boolean;
  foreign: boolean;
  changes: boolean;
}

/** A person's deed as it was done, a request of a loop with how it ended, an agent's run, or a pass. */
export type Happening =
  | { kind: 'person'; act: Act; pull?: number }
  | { kind: 'ask'; method: string; args: readonly unknown[] }
  | { kind: 'answer'; method: string; args: readonly unknown[]; result: unknown }
  | { kind: 'agent'; issue: number }
  | { kind: 'pass'; loop: Loop };

export class Rules {
  readonly issues = new Map<number, IssueState>();
  readonly pulls = new Map<number, PullState>();
  /** Tasks (`issue-n`) that a person took back at any time, by `unready`, `close`, `ready anew`, or by closing the pull request. */
  readonly #takenBack = new Set<string>();
  readonly #comments = new Map<number, number>();
  /** As things were at the last look of this pass. */
  #seen = new Map<number, IssueState>();
  #seenPulls = new Map<number, PullState>();
  #seenReviews = new Map<number, boolean>();
  #broken: string[] = [];

  constructor(issues: readonly number[]) {
    for (const issue of issues) this.issues.set(issue, { open: true, ready: false, n: 0, hold: false, edited: false, reopened: false });
  }

  /** @returns what broke a rule. */
  tell(what: Happening): string[] {
    this.#broken = [];
    if (what.kind === 'pass') this.#forget();
    else if (what.kind === 'person') this.#person(what.act, what.pull);
    else if (what.kind === 'agent') this.#mayWork(what.issue, 'an agent was started');
    else if (what.kind === 'ask') this.#look(what.method, what.args);
    else this.#wrote(what.method, what.args, what.result);
    return this.#broken;
  }

  /** The deed as it makes sense now: a label that is on comes off, a pull request may be that of another issue. */
  plan({ deed, issue }: Act): { act: Act; pull?: number } | undefined {
    const now = this.#issue(issue);
    if (!ON_PULLS.has(deed)) return { act: { deed: turn(deed, now), issue } };
    const open = [...this.pulls].filter(([, pull]) => pull.state === 'open');
    const [number, pull] = open.findLast(([, one]) => one.issue === issue) ?? open.at(-1) ?? [];
    if (number === undefined || !pull) return undefined;
    return { act: { deed: deed === 'hold pull' && pull.hold ? 'unhold pull' : deed, issue: pull.issue }, pull: number };
  }

  /** The issue's newest task has nothing of a person in its way, and must end `done`. */
  mustEndDone(number: number): boolean {
    const now = this.#issue(number);
    if (now.merged !== undefined && now.merged === now.n) return !now.reopened;
    if (!mayGoOn(now) || this.#takenBack.has(`${number}-${now.n}`)) return false;
    const pulls = [...this.pulls.values()].filter((pull) => pull.issue === number && pull.n === now.n);
    return pulls.every((pull) => pull.state === 'open' && !pull.hold && !pull.foreign && !pull.changes);
  }

  #forget(): void {
    this.#seen = new Map();
    this.#seenPulls = new Map();
    this.#seenReviews = new Map();
  }

  #person({ deed, issue: number }: Act, pull?: number): void {
    const now = this.#issue(number);
    const change = (fields: Partial<IssueState>) => this.issues.set(number, { ...now, ...fields });
    const onPull = (fields: Partial<PullState>) => pull !== undefined && this.pulls.set(pull, { ...this.#pull(pull), ...fields });
    const takeBack = () => this.#takenBack.add(`${number}-${pull === undefined ? now.n : this.#pull(pull).n}`);
    const deeds: Partial<Record<Act['deed'], () => unknown>> = {
      ready: () => [takeBack(), change({ ready: true, n: now.n + 1, edited: false })],
      'ready anew': () => [takeBack(), change({ ready: true, n: now.n + 1, edited: false })],
      unready: () => [takeBack(), change({ ready: false })],
      close: () => [takeBack(), change({ open: false })],
      reopen: () => change({ open: true, reopened: now.merged !== undefined }),
      hold: () => change({ hold: true }),
      unhold: () => change({ hold: false }),
      edit: () => change({ edited: true }),
      rename: () => change({ edited: true }),
      'close pull': () => [takeBack(), onPull({ state: 'closed' })],
      'hold pull': () => onPull({ hold: true }),
      'unhold pull': () => onPull({ hold: false }),
      approve: () => onPull({ changes: false }),
      'request changes': () => onPull({ changes: true }),
      push: () => onPull({ foreign: true }),
      'merge by hand': () => pull !== undefined && this.#merged(pull),
    };
    deeds[deed]?.();
  }

  #look(method: string, args: readonly unknown[]): void {
    const number = Number(args[1]);
    if (method === 'findIssues') this.#seen = new Map(this.issues);
    if (method === 'viewIssue') {
      this.#seen.set(number, this.#issue(number));
      for (const [pull, { issue }] of this.pulls) if (issue === number) this.#seenPulls.delete(pull);
    }
    if (method === 'getPullRequest' && !this.#seenPulls.has(number)) this.#seenPulls.set(number, this.#pull(number));
    if (method === 'listReviews') this.#seenReviews.set(number, this.#pull(number).changes);
  }

  #wrote(method: string, args: readonly unknown[], result: unknown): void {
    const number = Number(args[1]);
    const never = () => this.#expect(false, `${method} #${number}`);
    const judges: Record<string, () => void> = {
      createPullRequest: () => this.#opened(args[1] as { head: string }, (result as { number: number }).number),
      mergePullRequest: () => this.#movedOn(method, number),
      updateBranch: () => this.#movedOn(method, number),
      closePullRequest: () => this.#closedPull(number),
      deleteBranch: () => this.#deleted(String(args[1])),
      closeIssue: () => this.#closedIssue(number),
      addLabel: () => this.#expect(/^agentos:/.test(String(args[2])), `label \`${args[2]}\` was put on #${number}`),
      removeLabel: () => this.#tookOff(number, String(args[2])),
      createComment: () => this.#commented(number),
      ...{ reopenIssue: never, createIssue: never, addDependency: never, addSubIssue: never },
    };
    judges[method]?.();
  }

  #commented(number: number): void {
    const count = (this.#comments.get(number) ?? 0) + 1;
    this.#comments.set(number, count);
    this.#expect(count === 1, `comment ${count} was written on #${number}`);
  }

  #deleted(branch: string): void {
    const merged = [...this.pulls.values()].some((pull) => pull.state === 'merged' && branch.endsWith(`-${pull.issue}-${pull.n}`));
    this.#expect(merged, `branch \`${branch}\` was deleted, and its pull request is not merged`);
  }

  #opened({ head }: { head: string }, pull: number): void {
    const [, issue, n] = (/-(\d+)-(\d+)$/.exec(head) ?? []).map(Number);
    if (issue === undefined || n === undefined) throw new Error(`\`${head}\` is no branch of a task`);
    this.#mayWork(issue, `#${pull} was opened`);
    const others = [...this.pulls].filter(([, one]) => one.issue === issue);
    for (const [other, one] of others) {
      this.#expect(one.n !== n, `#${pull} was opened for task ${issue}-${n}, which had #${other} (${one.state}) already`);
      this.#expect(one.state !== 'open', `#${pull} was opened for #${issue} while #${other} is open`);
    }
    this.pulls.set(pull, { issue, n, state: 'open', hold: false, foreign: false, changes: false });
  }

  #movedOn(method: string, number: number): void {
    const pull = this.#pull(number);
    const what = `${method} #${number} (for #${pull.issue})`;
    this.#mayWork(pull.issue, what);
    const seen = this.#seen.get(pull.issue);
    this.#expect(seen === undefined || seen.n === pull.n, `${what} after \`ready\` was put on anew`);
    this.#expect(!pull.foreign, `${what} with commits of a person`);
    this.#expect(pull.state === 'open', `${what}, which is ${pull.state}`);
    this.#expect(this.#seenPulls.get(number)?.hold === false, `${what} in spite of its \`hold\``);
    this.#expect(this.#seenReviews.get(number) === false, `${what} in spite of the changes asked for`);
    if (method === 'mergePullRequest') this.#merged(number);
  }

  #merged(number: number): void {
    const pull = this.#pull(number);
    this.pulls.set(number, { ...pull, state: 'merged' });
    this.issues.set(pull.issue, { ...this.#issue(pull.issue), open: false, merged: pull.n, reopened: false });
  }

  #closedPull(number: number): void {
    const pull = this.#pull(number);
    const back = this.#takenBack.has(`${pull.issue}-${pull.n}`);
    this.#expect(back, `#${number} was closed, and nobody took task ${pull.issue}-${pull.n} back`);
    if (pull.state === 'open') this.pulls.set(number, { ...pull, state: 'closed' });
  }

  #closedIssue(number: number): void {
    const now = this.#issue(number);
    this.#expect(now.merged !== undefined, `#${number} was closed, and nothing of it is merged`);
    const seen = this.#seen.get(number);
    this.#expect(!(seen?.reopened && seen.open), `#${number} was closed again after a person reopened it`);
    this.issues.set(number, { ...now, open: false });
  }

  #tookOff(number: number, label: string): void {
    if (/^agentos:/.test(label)) return;
    const now = this.#issue(number);
    this.#expect(label === 'ready' && now.merged !== undefined, `label \`${label}\` was taken off #${number}`);
    if (label === 'ready') this.issues.set(number, { ...now, ready: false });
  }

  /** The last look of this pass found nothing of a person in the way. */
  #mayWork(number: number, what: string): void {
    const seen = this.#seen.get(number);
    this.#expect(seen !== undefined, `${what} and nobody had looked at #${number}`);
    if (!seen) return;
    this.#expect(seen.ready, `${what} after \`ready\` was taken off #${number}`);
    this.#expect(seen.open, `${what} after #${number} was closed`);
    this.#expect(!seen.hold, `${what} in spite of \`hold\` on #${number}`);
    this.#expect(!seen.edited, `${what} after #${number} was edited`);
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.#broken.push(otherwise);
  }

  #issue(number: number): IssueState {
    const found = this.issues.get(number);
    if (!found) throw new Error(`the model has no issue ${number}`);
    return found;
  }

  #pull(number: number): PullState {
    const found = this.pulls.get(number);
    if (!found) throw new Error(`the model has no pull request ${number}`);
    return found;
  }
}

const ON_PULLS: ReadonlySet<Act['deed']> = new Set(['close pull', 'hold pull', 'approve', 'request changes', 'push', 'merge by hand']);

/** The other way round where it is so already. */
function turn(deed: Act['deed'], now: IssueState): Act['deed'] {
  if (deed === 'clear') return !now.open ? 'reopen' : now.hold ? 'unhold' : turn('ready', now);
  if (deed === 'hold' && now.hold) return 'unhold';
  if (deed === 'ready' && now.ready) return 'ready anew';
  if (deed === 'unready' && !now.ready) return 'ready';
  return deed === 'close' && !now.open ? 'reopen' : deed;
}

function mayGoOn({ open, ready, hold, edited }: IssueState): boolean {
  return open && ready && !hold && !edited;
}
