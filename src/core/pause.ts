/**
 * The kill switch: `paused` in the state directory stops everything,
 * `paused.d/<owner>__<name>` one repository. What cannot be read counts as
 * paused (docs/reliability.md, fault 88).
 */
import { lstatSync } from 'node:fs';
import type { StatePaths } from './config/paths.ts';
import { errnoOf } from './errors.ts';
import { repoKey } from './ids.ts';

export function isPaused(paths: StatePaths): boolean {
  return exists(paths.paused);
}

export function isRepoPaused(paths: StatePaths, repo: string): boolean {
  return exists(`${paths.pausedRepos}/${repoKey(repo)}`);
}

function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ENOENT';
  }
}
