/** The report of the groomer, and its one comment on an issue. Pure. */
import { cleanLine, neutralise, plural } from '../../core/text.ts';
import { type Fact, type GroomSnapshot, type IssueFacts, listFacts, type RepoFacts, whySpared } from './policy.ts';

/** Recognises the comment; counts only on comments that our own account wrote. */
export const GROOM_MARKER = '<!-- agentos:groom -->';

type Finding = { kind: Fact['kind']; subject: string; title: string; reason: string; leftAlone: string | null };
export type GroomReport = { repos: { repo: string; state: string; open: number; findings: Finding[] }[] };

const HEADINGS: readonly [Fact['kind'], string][] = [
  ['stale', 'Stale'],
  ['duplicate', 'Looks like a duplicate'],
  ['blocked', 'Blocked'],
  ['unblocked', 'Not blocked any more'],
  ['unlabelled', 'Without a label'],
];

/** Every fact about every open issue of every repository. */
export function toReport(snapshot: GroomSnapshot): GroomReport {
  return {
    repos: snapshot.repos.map((repo) => ({
      repo: repo.repo,
      state: repo.state === 'failed' ? `failed: ${repo.message}` : repo.state,
      open: repo.state === 'read' ? repo.issues.length : 0,
      findings: repo.state === 'read' ? repo.issues.flatMap((facts) => toFindings(repo, facts, snapshot)) : [],
    })),
  };
}

function toFindings(repo: RepoFacts, facts: IssueFacts, snapshot: GroomSnapshot): Finding[] {
  const { number, title } = facts.issue;
  const leftAlone = whySpared(facts.issue, repo.readyLabel) ?? null;
  return listFacts(facts, repo.readyLabel, snapshot).map(({ kind, reason }) => {
    return { kind, subject: `${repo.repo}#${number}`, title: cleanLine(title, 80), reason, leftAlone };
  });
}

export function renderReport(report: GroomReport, apply: boolean): string {
  const sections = report.repos.map(({ repo, state, open, findings }) => {
    const head = `# Backlog of ${repo}\n\n${state === 'read' ? plural(open, 'open issue') : `Not looked at: ${state}`}.`;
    const lists = HEADINGS.map(([kind, heading]) => {
      const lines = findings.filter((finding) => finding.kind === kind).map(renderFinding);
      return lines.length === 0 ? '' : `\n\n## ${heading} (${lines.length})\n\n${lines.join('\n')}`;
    }).join('');
    return head + (state === 'read' && lists === '' ? '\n\nNothing to say about any of them.' : lists);
  });
  const mode = apply ? '' : '\n\n`groom.apply` is off: nothing is changed.';
  return `${sections.join('\n\n')}${mode}\n`;
}

function renderFinding({ subject, title, reason, leftAlone }: Finding): string {
  return `- ${subject} ${neutralise(title)}: ${reason}${leftAlone === null ? '' : ` (left alone: ${cleanLine(neutralise(leftAlone), 100)})`}`;
}

/** The comment; with no facts it says that what it said is so no more. */
export function renderComment(facts: readonly Fact[], titles: ReadonlyMap<number, string>): string {
  const said = facts.map((fact) => paragraph(fact, titles));
  const text = said.length === 0 ? ['What this comment said before is so no more.'] : said;
  return `${GROOM_MARKER}\n${text.join('\n\n')}\n\nAgent OS closes nothing for this. To keep the groomer off this issue, put on \`keep\` or assign it.`;
}

function paragraph({ kind, key, reason }: Fact, titles: ReadonlyMap<number, string>): string {
  const numbers = Array.from(key.matchAll(/#(\d+)/g), (match) => Number(match[1]));
  switch (kind) {
    case 'stale':
      return `**Stale**: ${reason}. Any comment, edit or label by a person takes the label off again at the next run.`;
    case 'duplicate': {
      const lines = numbers.map((number) => `- #${number} ${neutralise(cleanLine(titles.get(number) ?? '', 100))}`.trimEnd());
      return `**Looks like a duplicate** of an older issue:\n\n${lines.join('\n')}\n\nIf it is not, take the label off; it will not come back for these.`;
    }
    default:
      return `**Blocked**: ${reason}. A number that is missing here cannot be waited for; correct the line in the text.`;
  }
}
