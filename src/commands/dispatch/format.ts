/**
 * The Markdown part of a task file, made of an issue's text: headings that name
 * a known section are sorted under it, everything else is the goal. The text
 * itself is kept as written, cleaned of what cannot be seen. Pure.
 */
import { fromMarkdown } from 'mdast-util-from-markdown';
import { cleanText } from '../../core/text.ts';

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
  const parts = new Map<string, string[]>(SECTIONS.map(({ title }) => [title, []]));
  for (const { heading, text } of splitSections(cleanText(issue.body))) {
    const known = heading === undefined ? undefined : SECTIONS.find(({ names }) => names.test(heading.replace(/[:#*_`]/g, '').trim()));
    const kept = known || heading === undefined ? text : `## ${heading}\n\n${text.trim()}`;
    if (kept.trim() !== '') parts.get(known?.title ?? 'Goal')?.push(kept.trim());
  }
  return SECTIONS.map(({ title }) => {
    const text = parts.get(title)?.join('\n\n') ?? '';
    const empty = title === 'Goal' ? '' : '\n\n(none given)';
    const lead = title === 'Goal' ? `\n\n${cleanText(issue.title).trim()}` : '';
    return `# ${title}${lead}${text === '' ? empty : `\n\n${text}`}`;
  }).join('\n\n');
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
