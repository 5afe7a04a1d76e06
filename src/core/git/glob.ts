/**
 * Path patterns of configuration and policy: `**` any directories, `*` anything
 * within a name, `?` one character of it; a trailing slash means everything
 * below. Anchored at the root of the repository. Compared in NFC and lower
 * case, because on some machines those are the same file. Linear: a hostile
 * path or pattern costs length times length. Pure.
 */

/** True when the pattern covers the path. */
export function matchesGlob(pattern: string, path: string): boolean {
  const wanted = fold(pattern.endsWith('/') ? `${pattern}**` : pattern).split('/');
  return matchSequence(wanted, fold(path).split('/'), (item) => item === '**', matchName);
}

function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

function matchName(pattern: string, name: string): boolean {
  return matchSequence(
    [...pattern],
    [...name],
    (char) => char === '*',
    (char, other) => char === '?' || char === other,
  );
}

/** The classic wildcard walk: on a mismatch the last star takes one item more. */
function matchSequence(
  pattern: string[],
  items: string[],
  isStar: (item: string) => boolean,
  equal: (item: string, other: string) => boolean,
): boolean {
  let p = 0;
  let star = -1;
  let resume = 0;
  for (let i = 0; i < items.length; ) {
    const wanted = pattern[p];
    if (wanted !== undefined && isStar(wanted)) {
      star = p++;
      resume = i;
    } else if (wanted !== undefined && equal(wanted, items[i] ?? '')) {
      p++;
      i++;
    } else if (star >= 0) {
      p = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  return pattern.slice(p).every(isStar);
}
