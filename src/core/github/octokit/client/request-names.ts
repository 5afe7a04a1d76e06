/** How a repository and the things in it are named to GitHub, and in our error texts. Pure. */
import { AgentOsError } from '../../../errors.ts';
import { isRepoName } from '../../../ids.ts';

/** @throws AgentOsError `not_found` for what no repository can be called */
export function ownerAndName(repo: string): { owner: string; repo: string } {
  if (!isRepoName(repo)) throw new AgentOsError('not_found', `no repository can be called \`${repo}\``);
  const slash = repo.indexOf('/');
  return { owner: repo.slice(0, slash), repo: repo.slice(slash + 1) };
}

export function sameRepo(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Labels and logins differ by more than case. */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
