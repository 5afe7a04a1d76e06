/**
 * What an answer about many repositories says about one of them: its part of
 * the data, or the error that stands for it alone. Checked by hand, because an
 * idle pass comes through here and loads no schema library. Pure.
 */
import { AgentOsError } from '../../errors.ts';
import type { PartError } from './client/client.ts';

export type Fields = Record<string, unknown>;

/** An object of the answer, by aliases and names. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Types of errors by which GitHub says that the token does not see something. */
const NOT_SEEN = /^(NOT_FOUND|FORBIDDEN|INSUFFICIENT_SCOPES)$/;

/**
 * The fields of one repository. What it does not have (an issue that is gone)
 * is `null` there; anything else that went wrong is the repository's error. So
 * is, where it was asked for, that nothing can be written to it any more.
 * @param alias `r0`, …
 */
export function repositoryPart(answer: { data: Fields; errors: readonly PartError[] }, alias: string, repo: string): Fields | AgentOsError {
  const errors = answer.errors.filter((error) => error.path[0] === alias);
  const own = errors.find((error) => error.path.length === 1);
  const part = answer.data[alias];
  if (part === null) {
    if (own && !NOT_SEEN.test(own.type)) return notAnswered(repo, own);
    return new AgentOsError('not_found', `the repository \`${repo}\` does not exist, or the token does not see it`, {
      hint: 'Compare `repos[].name` with its page on GitHub, and give the token access to it.',
    });
  }
  if (!isFields(part) || typeof part['nameWithOwner'] !== 'string') return wrongShape(repo, 'nameWithOwner');
  const name = part['nameWithOwner'];
  if (name.toLowerCase() !== repo.toLowerCase())
    return new AgentOsError('refused', `\`${repo}\` is now \`${name}\``, { hint: 'Change `repos[].name`.' });
  if (part['isArchived'] === true)
    return new AgentOsError('refused', `the repository \`${repo}\` is archived`, { hint: 'Unarchive it, or take it out of `repos`.' });
  const other =
    own ?? errors.find((error) => error.path.length !== 2 || error.type !== 'NOT_FOUND' || part[String(error.path[1])] !== null);
  return other ? notAnswered(repo, other) : part;
}

/**
 * A numbered thing of a repository, `undefined` where it has none of that number.
 * An issue that was moved may be answered as it is in its new repository: that is another one.
 */
export function numberedPart(part: Fields, alias: string, repo: string, number: number): Fields | AgentOsError | undefined {
  const node = part[alias];
  if (node === null) return undefined;
  if (!isFields(node)) return wrongShape(repo, alias);
  const home = node['repository'];
  if (home !== undefined && !(isFields(home) && home['nameWithOwner'] === part['nameWithOwner'])) return undefined;
  return node['number'] === number ? node : undefined;
}

/** @param place where in the answer */
export function wrongShape(repo: string, place: string): AgentOsError {
  return new AgentOsError('unavailable', `GitHub's answer about \`${repo}\` lacks \`${place}\`, or has it in another form`, {
    hint: 'Try again later; if it stays so, compare the version of the server with the ones the README names.',
  });
}

/** Why a part was left out of the answer. */
export function notAnswered(repo: string, { type, message }: PartError): AgentOsError {
  if (!NOT_SEEN.test(type)) return new AgentOsError('unavailable', `GitHub did not answer about \`${repo}\`: ${message}`);
  return new AgentOsError('refused', `GitHub refused to answer about \`${repo}\`: ${message}`, {
    hint: 'Give the token access to its contents, issues, pull requests and checks.',
  });
}
