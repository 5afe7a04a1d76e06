/** I3, I4, I5 and I7: what must hold between the journal, the tasks and the forge (docs/reliability.md, "Invariants"). Pure. */
import type { EffectRecord, Recorded } from '../effects/effects.ts';
import type { Comment, PullRequest } from '../github/github.ts';
import { STATUS_MARKER } from '../github/status-comment.ts';
import type { Finding, FsckLetter, FsckRepo, FsckSnapshot } from './snapshot.ts';

const AGENT_BRANCH = 'agent/';
const OLD_INTENT_MS = 3600 * 1000;

export function checkForge(snapshot: FsckSnapshot): Finding[] {
  return [
    ...snapshot.repos.flatMap((repo) => {
      const effects = snapshot.effects.filter((effect) => effect.repo === repo.repo);
      const letters = snapshot.letters.filter(({ letter }) => letter.task.repo === repo.repo);
      return [
        ...checkOpenPulls(repo, letters),
        ...checkComments(repo, effects),
        ...effects.flatMap((effect) => checkEffect(repo, effect)),
        ...checkHeads(repo, letters, effects),
      ];
    }),
    ...checkIntents(snapshot),
  ];
}

/** I3: one open pull request an agent branch, and one an issue. */
function checkOpenPulls({ repo, pulls }: FsckRepo, letters: readonly FsckLetter[]): Finding[] {
  const issueOf = new Map(letters.map(({ letter }) => [letter.task.branch, letter.task.issue]));
  const byBranch = new Map<string, number[]>();
  const byIssue = new Map<string, number[]>();
  for (const pull of openAgentPulls(pulls)) {
    push(byBranch, `branch ${pull.head}`, pull.number);
    const issue = issueOf.get(pull.head);
    if (issue !== undefined) push(byIssue, `#${issue}`, pull.number);
  }
  return [...byBranch, ...byIssue]
    .filter(([, numbers]) => numbers.length > 1)
    .map(([of, numbers]) => ({
      invariant: 'I3',
      severity: 'error',
      subject: `${repo} ${of}`,
      what: `${numbers.length} pull requests are open: ${numbers.map((number) => `#${number}`).join(', ')}`,
      remedy: 'Close all but the newest.',
    }));
}

/** I4: one status comment an issue, and no comment of ours that the journal does not know. */
function checkComments({ repo, own, comments }: FsckRepo, effects: readonly EffectRecord[]): Finding[] {
  const findings: Finding[] = [];
  for (const [issue, all] of comments) {
    const subject = `${repo}#${issue}`;
    const ours = all.filter((comment) => comment.author.id === own.id && (!own.shared || isStatus(comment)));
    const status = ours.filter(isStatus);
    if (status.length > 1) {
      findings.push({
        invariant: 'I4',
        severity: 'error',
        subject,
        what: `the issue has ${status.length} status comments: ${status.map(({ id }) => id).join(', ')}`,
        remedy: 'Remove all but the first, which Agent OS edits.',
      });
    }
    for (const comment of ours) {
      if (effects.some((effect) => explains(effect, issue, comment))) continue;
      findings.push({
        invariant: 'I4',
        severity: 'error',
        subject,
        what: `comment ${comment.id} is ours, and the journal does not know it`,
        remedy: 'Find out who uses the account of Agent OS, or remove the comment.',
      });
    }
  }
  return findings;
}

function isStatus(comment: Comment): boolean {
  return comment.body.startsWith(STATUS_MARKER);
}

/** An intent whose outcome is open may be this very comment. */
function explains(effect: EffectRecord, issue: number, comment: Comment): boolean {
  if (effect.subject !== `#${issue}` || !isCommentKind(effect.kind)) return false;
  return effect.state === 'intent' || (effect.state === 'done' && numberIn(effect.result, 'id') === comment.id);
}

function isCommentKind(kind: string): boolean {
  return /^create-(?:[a-z]+-)*comment$/.test(kind);
}

/** I5, first half: what is recorded as done is there. A comment that a person removed stays removed. */
function checkEffect({ repo, pulls, comments }: FsckRepo, effect: EffectRecord): Finding[] {
  if (effect.state !== 'done') return [];
  const pull = effect.kind === 'open-pull-request' ? numberIn(effect.result, 'number') : undefined;
  if (pull !== undefined && !pulls.some(({ number }) => number === pull)) {
    return [missing(repo, effect, 'error', `pull request #${pull} is recorded and not there`)];
  }
  const comment = isCommentKind(effect.kind) ? numberIn(effect.result, 'id') : undefined;
  const there = comments.get(Number(effect.subject.slice(1)));
  if (comment !== undefined && there && !there.some(({ id }) => id === comment)) {
    return [missing(repo, effect, 'warning', `comment ${comment} is recorded and not there: somebody removed it`)];
  }
  return [];
}

function missing(repo: string, effect: EffectRecord, severity: Finding['severity'], what: string): Finding {
  const remedy =
    severity === 'warning' ? 'Nothing: it is not written again.' : 'Check that the forge is the one that this state directory belongs to.';
  return { invariant: 'I5', severity, subject: `${repo} ${effect.subject}`, what, remedy };
}

/** I5, second half: intents do not stay open, records can be read, and there is a forge to hold them against. */
function checkIntents({ effects, unreadableEffects, unseen, now }: FsckSnapshot): Finding[] {
  const old = effects.filter(({ state, intendedAt }) => state === 'intent' && Date.parse(now) - Date.parse(intendedAt) > OLD_INTENT_MS);
  return [
    ...old.map(
      (effect): Finding => ({
        invariant: 'I5',
        severity: 'warning',
        subject: `${effect.repo} ${effect.subject}`,
        what: `\`${effect.kind}\` is intended since ${effect.intendedAt}, and nobody knows whether it happened`,
        remedy: 'Look at the forge; the next pass that needs it looks too.',
      }),
    ),
    ...unseen.map(
      ({ repo, reason }): Finding => ({
        invariant: 'I5',
        severity: 'error',
        subject: repo,
        what: `the forge does not show it, so that nothing of it could be checked there: ${reason}`,
        remedy: '`agentos doctor` says what the credential may see; take a repository that is gone out of `repos`.',
      }),
    ),
    ...unreadableEffects.map(
      (path): Finding => ({
        invariant: 'I5',
        severity: 'error',
        subject: path,
        what: 'the record of an effect cannot be read',
        remedy: 'Move it to `effects/quarantine`; the effect is looked for before it is tried again.',
      }),
    ),
  ];
}

/** I7: the head of an open agent branch is what we pushed, or our own merge of the base into it. Anything else is somebody else's work, and is said so. */
function checkHeads({ repo, pulls }: FsckRepo, letters: readonly FsckLetter[], effects: readonly EffectRecord[]): Finding[] {
  const updates = new Set(
    effects.filter(({ kind, state }) => kind === 'update-branch' && state === 'done').map(({ result }) => shaIn(result)),
  );
  return openAgentPulls(pulls).flatMap((pull): Finding[] => {
    const subject = `${repo}#${pull.number}`;
    const task = letters.find(({ letter }) => letter.task.branch === pull.head)?.letter.task;
    if (!task) {
      const what = `no task stands behind branch \`${pull.head}\``;
      return [{ invariant: 'I7', severity: 'warning', subject, what, remedy: 'Close the pull request, or merge it by hand.' }];
    }
    if (task.pushed === pull.headSha || updates.has(pull.headSha)) return [];
    const what = `its head ${pull.headSha.slice(0, 12)} is not what Agent OS pushed (${task.pushed?.slice(0, 12) ?? 'nothing'})`;
    return [{ invariant: 'I7', severity: 'warning', subject, what, remedy: 'Review what was pushed there; it is left to people.' }];
  });
}

function openAgentPulls(pulls: readonly PullRequest[]): PullRequest[] {
  return pulls.filter((pull) => pull.state === 'open' && pull.head.startsWith(AGENT_BRANCH));
}

function numberIn(result: Recorded | undefined, field: string): number | undefined {
  const value = typeof result === 'object' && result !== null && !Array.isArray(result) ? result[field] : undefined;
  return typeof value === 'number' ? value : undefined;
}

function push(map: Map<string, number[]>, key: string, value: number): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

function shaIn(result: Recorded | undefined): string | undefined {
  const sha = typeof result === 'object' && result !== null && !Array.isArray(result) ? result['sha'] : undefined;
  return typeof sha === 'string' ? sha : undefined;
}
