/**
 * Git against a remote. The password, where one is needed, is in the
 * environment of that one git process and nowhere else: no argument, no
 * configuration, no URL, no file (row 30 of docs/threat-model.md). Exactly one
 * transport is allowed, no redirect is followed, no credential helper is asked,
 * and neither a silent nor an endless answer stalls a pass. It says what a
 * failure of the transport means; it never tries again.
 */
import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AgentOsError, type ErrorCode } from '../errors.ts';
import type { GitRemote } from '../github/github.ts';
import { cleanLine } from '../text.ts';
import { type GitCall, type HostGit, toGitError } from './host-git.ts';
import { protocolOf } from './names.ts';
import type { GitExit } from './simple-git.ts';

/** How long a remote is waited for. */
export interface Patience {
  /** Less than one byte a second for so long ends the transfer. Servers that compute say a few bytes every 5 seconds. */
  silenceSeconds: number;
  /** The longest transfer, in milliseconds: a first fetch of a large repository. */
  deadlineMs: number;
}

export const PATIENCE: Patience = { silenceSeconds: 120, deadlineMs: 30 * 60_000 };

/** The variable that `bin/git-askpass` reads. */
const PASSWORD = 'AGENTOS_GIT_PASSWORD';

/**
 * Runs one git command that talks to the remote. What it printed comes back
 * without the password, whoever put it there.
 * @throws AgentOsError `refused` for a URL that may not be used, `timeout` at the deadline, and what `remote.password` throws.
 */
export async function runRemote(
  git: HostGit,
  remote: GitRemote,
  call: Pick<GitCall, 'gitDir' | 'args' | 'config'>,
  patience: Patience,
): Promise<GitExit> {
  const protocol = protocolOf(remote.url);
  const password = protocol === 'file' ? undefined : await remote.password?.();
  const exit = await git.run({
    ...call,
    env: {
      GIT_ALLOW_PROTOCOL: protocol,
      ...(password !== undefined && { GIT_ASKPASS: askPass(), [PASSWORD]: password }),
    },
    config: {
      ...call.config,
      'credential.helper': '',
      'http.followRedirects': 'false',
      'http.lowSpeedLimit': '1',
      'http.lowSpeedTime': String(patience.silenceSeconds),
    },
    deadlineMs: patience.deadlineMs,
  });
  if (password === undefined) return exit;
  const clean = (text: string): string => withoutSecret(text, password);
  return { ...exit, stderr: clean(exit.stderr), stdout: Buffer.from(clean(exit.stdout.toString())) };
}

/** `bin/git-askpass` of this installation: two directories up from `dist/chunks-…`, three from `src/core/git`. */
function askPass(): string {
  const up = import.meta.url.endsWith('.ts') ? '../../..' : '../..';
  const path = fileURLToPath(new URL(`${up}/bin/git-askpass`, import.meta.url));
  try {
    accessSync(path, constants.X_OK);
  } catch (error) {
    throw new AgentOsError('config', `\`${path}\` cannot be run, and git needs it to log in`, {
      hint: 'Install Agent OS again, or make the file executable.',
      cause: error,
    });
  }
  return path;
}

/** A remote that says back what it was sent must not bring it into a log. */
function withoutSecret(text: string, password: string): string {
  const sent = [password, Buffer.from(`x-access-token:${password}`).toString('base64')];
  return sent.reduce((rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, '***')), text);
}

interface Meaning {
  said: RegExp;
  code: ErrorCode;
  hint?: string;
}

/** What git and the remote say when HTTP itself fails; the first that fits. */
const MEANINGS: readonly Meaning[] = [
  { said: /returned error: 429|HTTP 429/, code: 'rate_limit' },
  { said: /archived so it is read-only/i, code: 'refused', hint: 'Unarchive the repository, or take it out of `repos`.' },
  {
    said: /Authentication failed|could not read (Username|Password)|returned error: 401|HTTP 401/i,
    code: 'auth',
    hint: 'Run `agentos doctor`; it says which credential is used and what is wrong with it.',
  },
  {
    said: /returned error: 403|HTTP 403/,
    code: 'auth',
    hint: 'Give the credential permission on the contents of the repository; `agentos doctor` says what is missing.',
  },
  {
    said: /repository '.*' not found|returned error: 404|HTTP 404/i,
    code: 'not_found',
    hint: 'Check the name in `repos`, and that the credential may see the repository.',
  },
  // A page of something in between: nothing can be told from it.
  { said: /info\/refs not valid/i, code: 'unavailable' },
  {
    said: /returned error: 30\d|HTTP 30\d|unable to update url base from redirection/i,
    code: 'not_found',
    hint: 'The repository answers elsewhere: write its present name in `repos`.',
  },
];

/** What a failed transfer means: `auth`, `not_found`, `refused`, `rate_limit`, what `toGitError` knows, or else `otherwise`. */
export function toRemoteError(exit: GitExit, doing: string, otherwise: ErrorCode = 'unavailable'): AgentOsError {
  const meaning = MEANINGS.find(({ said }) => said.test(exit.stderr));
  if (!meaning) return toGitError(exit, doing, otherwise);
  return new AgentOsError(meaning.code, `cannot ${doing}: ${cleanLine(exit.stderr, 400)}`, { hint: meaning.hint });
}
