/**
 * What `plan` writes on the forge for a requirement, and how it recognises it
 * again. A marker is the last line, and counts only where our own identity is
 * the author. Pure.
 */

const ISSUE = /^<!-- agentos:requirement (\S+) -->$/;

/** The text as written, then the marker, and nothing else. */
export function renderRequirementBody(key: string, text: string): string {
  return `${text === '' ? '' : `${text}\n\n`}<!-- agentos:requirement ${key} -->`;
}

/** The requirement that a body of ours was filed for, and its text. */
export function parseRequirementBody(body: string): { key: string; text: string } | undefined {
  const lines = body.replace(/\r\n?/g, '\n').trimEnd().split('\n');
  const key = ISSUE.exec(lines.at(-1) ?? '')?.[1];
  return key === undefined ? undefined : { key, text: lines.slice(0, -1).join('\n').trimEnd() };
}

export function commentMarker(key: string, hash: string): string {
  return `<!-- agentos:requirement ${key} ${hash} -->`;
}

/** Tells of a changed requirement on its open issue, whose body stays as it is. */
export function renderChangeComment(key: string, hash: string, text: string): string {
  const shown = text === '' ? 'The requirement has no text any more.' : `The requirement has changed. It now says:\n\n${text}`;
  return `${shown}\n\nAgents work from the description above, which Agent OS never edits: put the change there before making this issue Ready.\n\n${commentMarker(key, hash)}`;
}
