/**
 * The patterns that keep control files and what `setup` left behind out of an
 * import. They only save git the reading: a `.gitignore` of the tree may
 * overrule them, so the import drops such paths again by name. Pure.
 */

/** Git compares every path with every pattern, so there is a limit to what helps. */
const MAX_PATTERNS = 1000;

/**
 * Patterns in the syntax of `.gitignore`. A directory that holds nothing but
 * paths to leave out becomes one pattern.
 * @param filesBelow how many files lie below each directory, `''` for the root.
 */
export function toExcludePatterns(paths: readonly string[], filesBelow: ReadonlyMap<string, number>): string[] {
  const below = new Map<string, number>();
  for (const path of paths) {
    for (const directory of directoriesOf(path)) below.set(directory, (below.get(directory) ?? 0) + 1);
  }
  const isWhole = (directory: string) => below.get(directory) === filesBelow.get(directory);
  const patterns = new Set(paths.map((path) => directoriesOf(path).find(isWhole) ?? path));
  return [...patterns]
    .filter((path) => !path.includes('\n'))
    .slice(0, MAX_PATTERNS)
    .map(escapePattern);
}

/** The directories above a path, the topmost first, without the root. */
function directoriesOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

function escapePattern(path: string): string {
  return `/${path.replace(/[\\*?[\]]/g, '\\$&').replace(/ +$/, (spaces) => '\\ '.repeat(spaces.length))}`;
}
