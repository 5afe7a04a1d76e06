/**
 * Installation tokens of a GitHub App (rows 31 and 32 of docs/threat-model.md):
 * one for the reads of all configured repositories, one per repository for its
 * writes, each with the least permissions. The private key is read when a token
 * is made, and neither is ever stored.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { AgentOsError, asStorageError, errnoOf, messageOf } from '../../../errors.ts';
import type { Answer } from './client.ts';
import type { CredentialOptions, ForgeAccess, Minted, Need } from './credentials.ts';
import { messageIn, toLimitError, toStatusFailure, toTransportFailure } from './errors.ts';
import { TransportError } from './http.ts';
import { findLimit } from './limits.ts';

const READS = {
  contents: 'read',
  pull_requests: 'read',
  issues: 'read',
  checks: 'read',
  statuses: 'read',
  actions: 'read',
  metadata: 'read',
};
const WRITES = { contents: 'write', pull_requests: 'write', issues: 'write', checks: 'read', actions: 'read', metadata: 'read' };

type App = NonNullable<CredentialOptions['app']>;

/** @returns what makes a token; every call makes a new one. */
export async function openAppTokens(
  app: App,
  { repos, projects = [] }: CredentialOptions,
  { apiUrl, fetch, source, now }: ForgeAccess & { source: string },
): Promise<(need: Need) => Promise<Minted>> {
  const [{ createAppAuth }, { Octokit }] = await Promise.all([import('@octokit/auth-app'), import('@octokit/core')]);
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const { request } = new Octokit({ baseUrl: apiUrl, userAgent: 'agentos', log: silent, request: { fetch } });
  const board = (names: readonly string[], access: 'read' | 'write') =>
    names.some((name) => projects.some((one) => one.toLowerCase() === name.toLowerCase())) ? { organization_projects: access } : {};
  return async (need) => {
    const names = need.access === 'read' ? repos : [need.repo];
    const permissions = { ...(need.access === 'read' ? READS : WRITES), ...board(names, need.access) };
    const privateKey = readPrivateKey(app.privateKeyFile);
    try {
      const auth = createAppAuth({ appId: app.id, privateKey, installationId: app.installationId, request, log: silent });
      const repositoryNames = names.map((name) => name.slice(name.indexOf('/') + 1));
      const { token, createdAt, expiresAt } = await auth({ type: 'installation', repositoryNames, permissions });
      // Their clock may differ from ours; how long it lives does not.
      return { token, expiresAt: now() + Math.min(Date.parse(expiresAt) - Date.parse(createdAt), 3_600_000) };
    } catch (error) {
      throw toAuthError(error, source, now());
    }
  };
}

/** @throws AgentOsError `auth` when it is not a file that only its owner may read. */
function readPrivateKey(path: string): string {
  const refuse = (what: string, hint: string) => new AgentOsError('auth', `the private key \`${path}\` ${what}`, { hint });
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const what = errnoOf(error) === 'ENOENT' ? 'is not there' : `cannot be read: ${messageOf(asStorageError(error))}`;
    throw refuse(what, 'Name the PEM file of the app in `forge.app.private_key_file`.');
  }
  try {
    const { mode } = fstatSync(fd);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw refuse('is not a regular file', 'Name the PEM file of the app.');
    if ((mode & 0o077) !== 0) throw refuse('may be read by others', `Run \`chmod 600 ${path}\`.`);
    const text = readFileSync(fd, 'utf8');
    if (!/-----BEGIN (RSA )?PRIVATE KEY-----/.test(text))
      throw refuse('holds no private key', 'Download it anew from the settings of the app.');
    return text;
  } finally {
    closeSync(fd);
  }
}

function toAuthError(thrown: unknown, source: string, now: number): AgentOsError {
  const { status, response, cause } = thrown as {
    status?: number;
    response?: { data?: unknown; headers: Answer['headers'] };
    cause?: unknown;
  };
  const asked = { what: 'POST /app/installations/…/access_tokens', write: false, source, token: '' };
  if (cause instanceof TransportError) return toTransportFailure(cause, asked).error;
  if (status === undefined || response === undefined) {
    return new AgentOsError('auth', `the private key of ${source} cannot be used`, {
      hint: 'Download it anew from the settings of the app.',
    });
  }
  const message = messageIn(response.data);
  const limit = findLimit({ status, headers: response.headers, message }, now);
  if (limit)
    return toLimitError(message, new Date(limit.kind === 'primary' ? limit.until : now + Math.max(60_000, limit.retryAfterMs ?? 0)), asked);
  const { error } = toStatusFailure(status, response.data, asked);
  if (error.temporary) return error;
  const hint = `Check the id, the installation, its repositories and its permissions: ${source}.`;
  return new AgentOsError('auth', error.message, { hint });
}
