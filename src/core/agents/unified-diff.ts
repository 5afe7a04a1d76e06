/**
 * Reads unified diffs as people paste them: names the files they touch, and
 * repairs what git is strict about (hunk counts). Pure; applying is git's.
 */

/** One file of a diff: its header lines, then its hunks. */
interface FileDiff {
  header: string[];
  hunks: { head: string; lines: string[] }[];
  /** Lines of a binary patch and the like, kept as they are. */
  verbatim: boolean;
}

const HUNK = /^@@ -([0-9]+)(?:,[0-9]+)? \+([0-9]+)(?:,[0-9]+)? @@(.*)$/;
/** Prefixes that git puts before old and new paths, by configuration and command. */
const PREFIXES = new Set(['a b', 'i w', 'c i', 'c w', 'o w']);

/** The diff as `git apply` wants it, and how many leading path components to strip. */
export interface ParsedDiff {
  /** As written. */
  text: string;
  /** With hunk counts computed from the lines. */
  repaired: string;
  /** 1 when paths carry `a/` and `b/`, otherwise 0. */
  strip: 0 | 1;
  /** How well every hunk that changes an existing file shows its place: by words of it, by blank lines only, or (`nothing`) not at all. */
  located: 'words' | 'blanks' | 'nothing';
  /** Every path that the headers may mean, stripped; more than are touched, never fewer. */
  paths: string[];
}

/** Reads one diff block; a text without any file header has no `paths`. */
export function parseDiff(block: string): ParsedDiff {
  const text = `${withoutEnd(block.replace(/\r\n?/g, '\n'))}\n`;
  const files = splitFiles(text.split('\n').slice(0, -1));
  const strip = files.every(hasPrefix) ? 1 : 0;
  const paths = new Set(files.flatMap((file) => listPaths(file, strip)));
  const located = locate(files);
  return { text, repaired: renderFiles(files), strip, located, paths: [...paths] };
}

/** The repaired diff for files whose lines end with CR LF: every line of their hunks gets its CR back. */
export function withCrlf(diff: ParsedDiff, isCrlf: (path: string) => boolean): string {
  const files = splitFiles(diff.text.split('\n').slice(0, -1)).map((file) => {
    if (!listPaths(file, diff.strip).some(isCrlf)) return file;
    return {
      ...file,
      hunks: file.hunks.map(({ head, lines }) => ({ head, lines: lines.map((line) => (line.startsWith('\\') ? line : `${line}\r`)) })),
    };
  });
  return renderFiles(files);
}

function locate(files: FileDiff[]): ParsedDiff['located'] {
  const hunks = files.flatMap((file) => file.hunks).filter(({ head }) => !head.startsWith('@@ -0,0 '));
  const everyHunk = (pattern: RegExp) => hunks.every(({ lines }) => lines.some((line) => pattern.test(line)));
  if (everyHunk(/^[ -]./)) return 'words';
  return everyHunk(/^(?:[ -]|$)/) ? 'blanks' : 'nothing';
}

/** Without the newlines at the end. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\n') end--;
  return text.slice(0, end);
}

function splitFiles(lines: string[]): FileDiff[] {
  const files: FileDiff[] = [];
  lines.forEach((line, index) => {
    const last = files.at(-1);
    const git = line.startsWith('diff ');
    // `--- x` is also a removed line: it begins a file only when `+++` and a hunk follow, and no git header is open for it.
    const plain = line.startsWith('--- ') && (lines[index + 1] ?? '').startsWith('+++ ') && HUNK.test(lines[index + 2] ?? '');
    if (git || (plain && (last === undefined || last.hunks.length > 0))) {
      files.push({ header: [line], hunks: [], verbatim: false });
    } else if (last && HUNK.test(line) && !last.verbatim) {
      last.hunks.push({ head: line, lines: [] });
    } else if (last && last.hunks.length > 0) {
      if (!line.startsWith('Index: ') && !/^={20,}$/.test(line)) last.hunks.at(-1)?.lines.push(line);
    } else if (last) {
      last.header.push(line);
      if (line.startsWith('GIT binary patch')) last.verbatim = true;
    }
  });
  return files;
}

function renderFiles(files: FileDiff[]): string {
  const lines = files.flatMap((file) => [...file.header, ...file.hunks.flatMap(({ head, lines }) => renderHunk(head, lines))]);
  return `${lines.join('\n')}\n`;
}

/** Counts what is there; lines after the last one that can belong to a hunk (a mail signature) are dropped. */
function renderHunk(head: string, lines: string[]): string[] {
  const end = lines.findIndex((line) => !/^(?:[ +\-\\]|\r?$)/.test(line) || line === '-- ');
  const kept = end < 0 ? lines : lines.slice(0, end);
  let before = 0;
  let after = 0;
  for (const line of kept) {
    if (line.startsWith('\\')) continue;
    if (!line.startsWith('+')) before++;
    if (!line.startsWith('-')) after++;
  }
  return [head.replace(HUNK, (_, old: string, now: string, rest: string) => `@@ -${old},${before} +${now},${after} @@${rest}`), ...kept];
}

function headerValue(file: FileDiff, name: string): string | undefined {
  const line = file.header.find((candidate) => candidate.startsWith(name));
  return line === undefined ? undefined : unquote(line.slice(name.length));
}

function hasPrefix(file: FileDiff): boolean {
  const before = headerValue(file, '--- ');
  const after = headerValue(file, '+++ ');
  const [first = '', second = ''] = splitGitLine(file);
  const old = before === undefined || before === '/dev/null' ? undefined : before;
  const now = after === undefined || after === '/dev/null' ? undefined : after;
  if (old === undefined && now === undefined) return PREFIXES.has(`${prefixOf(first)} ${prefixOf(second)}`);
  if (old !== undefined && now !== undefined) return PREFIXES.has(`${prefixOf(old)} ${prefixOf(now)}`);
  return [...PREFIXES].some((pair) => pair.split(' ').includes(prefixOf(old ?? now ?? '')));
}

function prefixOf(path: string): string {
  return /^([abciow])\//.exec(path)?.[1] ?? '';
}

/** The two paths of `diff --git`; a path with a blank in it is named by the other header lines too. */
function splitGitLine(file: FileDiff): string[] {
  const line = /^diff --git (.*)$/.exec(file.header[0] ?? '')?.[1] ?? '';
  const quoted = /^("(?:[^"\\]|\\.)*"|\S+) ("(?:[^"\\]|\\.)*"|\S+)$/.exec(line);
  if (quoted) return [unquote(quoted[1] ?? ''), unquote(quoted[2] ?? '')];
  const middle = (line.length - 1) / 2;
  return line[middle] === ' ' ? [line.slice(0, middle), line.slice(middle + 1)] : [];
}

function listPaths(file: FileDiff, strip: 0 | 1): string[] {
  const named = [headerValue(file, '--- '), headerValue(file, '+++ '), ...splitGitLine(file)];
  const moved = ['rename from ', 'rename to ', 'copy from ', 'copy to '].map((name) => headerValue(file, name));
  const present = named.filter((path) => path !== undefined && path !== '/dev/null') as string[];
  const stripped = present.map((path) => (strip === 1 ? path.replace(/^[^/]*\//, '') : path));
  return [...stripped, ...moved].filter((path) => path !== undefined && path !== '') as string[];
}

/** git's C quoting undone, a time after the name left out. */
function unquote(name: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(name)?.[1];
  if (quoted === undefined) return name.replace(/\t.*$/, '').trimEnd();
  const bytes: number[] = [];
  for (const [part] of quoted.matchAll(/\\[0-7]{3}|\\.|[^\\]+/gs)) {
    const code = /^\\([0-7]{3}|.)$/s.exec(part)?.[1];
    if (code === undefined) bytes.push(...new TextEncoder().encode(part));
    else if (code.length === 3) bytes.push(Number.parseInt(code, 8));
    else bytes.push(...new TextEncoder().encode(({ n: '\n', t: '\t', r: '\r' } as Record<string, string>)[code] ?? code));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}
