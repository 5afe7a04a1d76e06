/**
 * The Markdown part of a task file, made of an issue's text: headings that name
 * a known section are sorted under it, everything else is the goal. The text
 * is reduced to what the issue's page shows, and the rest of it is kept as
 * written; what was removed is counted under `Context`. Pure.
 */
import { fromMarkdown } from 'mdast-util-from-markdown';
import { renderRemoved, sanitiseMarkdown } from '../../core/markdown/sanitise.ts';
import { foldTitle } from '../../core/markdown/visible-text.ts';
import { cleanLine } from '../../core/text.ts';

const SECTIONS = [
  { title: 'Goal', names: /^(goal|summary|description|what|task|problem|feature request)$/i },
  {
    title: 'Success criteria',
    names: /^(success|acceptance) criteria$|^(done when|definition of done|acceptance|expected( behaviou?r)?)$/i,
  },
  { title: 'Constraints', names: /^(constraints?|non-goals|out of scope|limits)$/i },
  { title: 'Context', names: /^(context|background|notes?|additional (context|information)|steps to reproduce|environment)$/i },
] as const;

/** `# Goal`, `# Success criteria`, `# Constraints`, `# Context`; a section nobody wrote says so. */
export function formatTask(issue: { title: string; body: string }): string {
  const body = sanitiseMarkdown(issue.body);
  const parts = new Map<string, string[]>(SECTIONS.map(({ title }) => [title, []]));
  for (const { heading, text } of splitSections(body.text)) {
    const known = heading === undefined ? undefined : SECTIONS.find(({ names }) => names.test(heading.replace(/[:#*_`]/g, '').trim()));
    const kept = known || heading === undefined ? text : `## ${heading}\n\n${text.trim()}`;
    if (kept.trim() !== '') parts.get(known?.title ?? 'Goal')?.push(kept.trim());
  }
  const removed = renderRemoved(body.removed);
  if (removed !== '') parts.get('Context')?.push(`Removed from the text: ${removed}.`);
  return SECTIONS.map(({ title }) => {
    const text = parts.get(title)?.join('\n\n') ?? '';
    const empty = title === 'Goal' ? '' : '\n\n(none given)';
    const lead = title === 'Goal' ? `\n\n${renderTitle(issue.title)}` : '';
    return `# ${title}${lead}${text === '' ? empty : `\n\n${text}`}`;
  }).join('\n\n');
}

/** One line of plain text; none of it is Markdown that hides something. */
function renderTitle(title: string): string {
  return cleanLine(foldTitle(title), 1000).replaceAll('<', '&lt;');
}

/** The source text between headings of the highest level used, so that fenced blocks and lists stay as written. */
function splitSections(markdown: string): { heading?: string; text: string }[] {
  const headings = fromMarkdown(markdown).children.flatMap((node) => (node.type === 'heading' ? [node] : []));
  const top = Math.min(...headings.map((node) => node.depth));
  const cuts = headings
    .filter((node) => node.depth === top)
    .map((node) => ({ start: node.position?.start.offset ?? 0, end: node.position?.end.offset ?? 0 }));
  const first = markdown.slice(0, cuts[0]?.start ?? markdown.length);
  return [
    { text: first },
    ...cuts.map(({ start, end }, index) => ({
      heading: markdown.slice(start, end).replace(/^#+\s*|\s*#*$|\n[=-]+$/g, ''),
      text: markdown.slice(end, cuts[index + 1]?.start ?? markdown.length),
    })),
  ];
}
