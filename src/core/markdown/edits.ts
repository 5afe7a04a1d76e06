/** Cuts and replacements of ranges of a text, applied together; what they leave alone stays as written. Pure. */

export interface Edit {
  start: number;
  end: number;
  text: string;
  /** What was removed, a singular noun; absent for what is only written differently. */
  what?: string;
}

/** The edited text. An edit inside another is subsumed by it; what is applied is counted. */
export function applyEdits(source: string, edits: readonly Edit[], removed: Record<string, number>): string {
  const sorted = [...edits].sort((a, b) => a.start - b.start || b.end - a.end);
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, text, what } of sorted) {
    if (start < at) {
      // Of two that overlap, nothing of either may stay.
      at = Math.max(at, end);
      continue;
    }
    parts.push(source.slice(at, start), text);
    at = end;
    if (what !== undefined) removed[what] = (removed[what] ?? 0) + 1;
  }
  return parts.join('') + source.slice(at);
}
