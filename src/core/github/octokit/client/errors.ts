/**
 * Every way in which GitHub or the way to it fails, as an `AgentOsError`. After
 * a write whose bytes may have left, whatever is not a plain answer is an
 * `unknown_outcome`. Messages hold GitHub's own words on one line, and no
 * secret.
 */
import { AgentOsError, type ErrorCode } from '../../../errors.ts';
import { cleanLine } from '../../../text.ts';
import { TransportError, type TransportFailure } from './http.ts';

/** The request that failed. */
export interface Asked {
  /** Method and path, such as `PUT /repos/o/r/pulls/1/merge`, or `GraphQL`. */
  what: string;
  write: boolean;
  /** Where the credential comes from. */
  source: string;
  /** The token that was sent: cut out of every text. */
  token: string;
}

export interface Failure {
  error: AgentOsError;
  /** The same read may succeed in a moment. */
  again: boolean;
  /** Of the answer, where there is one. */
  status?: number;
}

/** No answer, or none that is whole. */
export function toTransportFailure(thrown: TransportError, asked: Asked): Failure {
  const { kind, sent } = thrown;
  const words = clean(thrown.message, asked);
  const fail = (code: ErrorCode, message: string, again: boolean, hint?: string): Failure => ({
    error: new AgentOsError(code, message, { cause: withoutToken(thrown, asked), hint }),
    again,
  });
  if (kind === 'moved') {
    return fail(
      'refused',
      `${name(asked)}: ${words}`,
      false,
      'Write the present name of the repository and of the host into the configuration.',
    );
  }
  if (kind === 'foreign') return fail('refused', `${name(asked)} was not sent: ${words}`, false);
  if (asked.write && sent) return fail('unknown_outcome', `nobody knows whether ${name(asked)} happened: ${words}`, false);
  if (kind === 'aborted') return fail('cancelled', `${name(asked)} was stopped`, false);
  if (kind === 'deadline') return fail('timeout', `${name(asked)}: ${words}`, true);
  if (kind === 'too_large') return fail('unavailable', `${name(asked)}: ${words}`, false);
  return fail('unavailable', `cannot reach GitHub for ${name(asked)}: ${words}`, kind === 'cut' || kind === 'connect', HINTS[kind]);
}

const HINTS: Partial<Record<TransportFailure, string>> = {
  dns: 'Check the network, and the host in `forge.api_url`.',
  connect: 'Check the network, and the host in `forge.api_url`.',
  tls: 'Check the certificate; name the file of your own authority in NODE_EXTRA_CA_CERTS.',
};

/** An answer that is not what the API answers: an error page, cut JSON. */
export function toBodyFailure(status: number, what: string, asked: Asked): Failure {
  const code = asked.write ? 'unknown_outcome' : 'unavailable';
  const lead = asked.write ? `nobody knows whether ${name(asked)} happened` : name(asked);
  return { error: new AgentOsError(code, `${lead}: GitHub answered ${status} with ${what}`), again: !asked.write, status };
}

/** The body of a 409: some routes name in it what is under way already. */
export class Busy extends Error {
  override readonly name = 'Busy';
  readonly body: unknown;

  constructor(body: unknown) {
    super('GitHub is at it already');
    this.body = body;
  }
}

/** An answer of status 400 or more that is not about a limit. */
export function toStatusFailure(status: number, data: unknown, asked: Asked): Failure {
  const words = clean(messageIn(data), asked) || `status ${status}`;
  const fail = (code: ErrorCode, hint?: string): Failure => ({
    error: new AgentOsError(code, `GitHub refused ${name(asked)}: ${words}`, { hint, cause: status === 409 ? new Busy(data) : undefined }),
    again: false,
    status,
  });
  if (status === 401) return fail('auth', `Renew the credential: ${asked.source}.`);
  if (status === 403) return fail('refused', hintFor(words, asked));
  if (status === 404 || status === 410) return fail('not_found', notFoundHint(asked));
  if (status === 405 || status === 409) return fail(codeFor(words));
  if (status === 422) return fail(EXISTS.test(words) ? 'conflict' : 'refused');
  if (status >= 500 || status === 408) {
    const code = asked.write ? 'unknown_outcome' : 'unavailable';
    const message = asked.write ? `nobody knows whether ${name(asked)} happened` : `GitHub could not answer ${name(asked)}`;
    const why = words.startsWith('status ') ? words : `${words} (status ${status})`;
    return { error: new AgentOsError(code, `${message}: ${why}`), again: !asked.write, status };
  }
  return fail('refused');
}

export function toLimitError(words: string, retryAt: Date, asked: Asked): AgentOsError {
  const said = clean(words, asked) || 'a limit is reached';
  return new AgentOsError('rate_limit', `GitHub asks to wait until ${retryAt.toISOString()} with ${name(asked)}: ${said}`, { retryAt });
}

/** One of the errors of a GraphQL answer. */
export interface GraphqlError {
  type?: string;
  message: string;
  path?: (string | number)[];
}

/** GraphQL mutations name their refusals by type; what is not listed may have happened. */
const GRAPHQL_CODES: Readonly<Record<string, ErrorCode>> = {
  NOT_FOUND: 'not_found',
  FORBIDDEN: 'refused',
  INSUFFICIENT_SCOPES: 'refused',
  UNPROCESSABLE: 'refused',
  VALIDATION: 'refused',
};

/** The errors of a GraphQL answer of status 200, limits aside. */
export function toGraphqlFailure(errors: readonly GraphqlError[], asked: Asked): Failure {
  const words = clean(errors.map((error) => error.message).join('; '), asked) || 'it gives no reason';
  const types = new Set(errors.map((error) => error.type ?? ''));
  const [type = ''] = types;
  const known = types.size === 1 ? GRAPHQL_CODES[type] : undefined;
  const code = known === 'refused' && asked.write ? codeFor(words) : known;
  if (code !== undefined) return { error: new AgentOsError(code, `GitHub refused ${name(asked)}: ${words}`), again: false, status: 200 };
  const lead = asked.write ? `nobody knows whether ${name(asked)} happened` : `GitHub could not answer ${name(asked)}`;
  return {
    error: new AgentOsError(asked.write ? 'unknown_outcome' : 'unavailable', `${lead}: ${words}`),
    again: !asked.write,
    status: 200,
  };
}

const EXISTS = /already exists|already_exists/i;

/** What the texts of 405 and 409 mean; the first that fits counts, an unknown text is a refusal. */
const MERGE_TEXTS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/(base|head) branch was modified/i, 'conflict'],
  [/head (sha|oid|ref)? ?(does not|did not|doesn't|didn't) match|expected head (sha|oid)/i, 'conflict'],
  [/merge conflict|conflicts? (with|must be resolved)|not mergeable/i, 'conflict'],
  [/already (been )?merged|is already closed/i, 'conflict'],
  [/merge queue/i, 'refused'],
  [/required status check|expected — waiting|review is required|approving review|protected branch|rule violations/i, 'refused'],
  [EXISTS, 'conflict'],
];

function codeFor(words: string): ErrorCode {
  return MERGE_TEXTS.find(([pattern]) => pattern.test(words))?.[1] ?? 'refused';
}

/** Why GitHub forbids things, https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api. */
const FORBIDDEN: readonly (readonly [RegExp, (source: string) => string])[] = [
  [/saml|sso/i, (source) => `Authorise the credential for the organisation's single sign-on: ${source}.`],
  [/archived/i, () => 'Unarchive the repository, or remove it from the configuration.'],
  [
    /not accessible by|scope|permission|must have|admin rights/i,
    (source) => `Give the credential the permissions that docs/github.md lists: ${source}.`,
  ],
];

/** GitHub says of what a credential may not see that it is not there. */
function notFoundHint({ what, source }: Asked): string {
  if (what === 'POST /graphql' || what === 'GET /user')
    return 'Compare `forge.api_url`: that of a GitHub Enterprise server ends in `/api/v3`, that of github.com is `https://api.github.com`.';
  return `It is gone, has another name, or the credential may not see it: ${source}.`;
}

function hintFor(words: string, { source }: Asked): string | undefined {
  return FORBIDDEN.find(([pattern]) => pattern.test(words))?.[1](source);
}

/** GitHub's words in the body of an answer: the message and, where there are some, what is wrong in detail. */
export function messageIn(data: unknown): string {
  if (typeof data !== 'object' || data === null) return '';
  const { message, errors } = data as { message?: unknown; errors?: unknown };
  const details = (Array.isArray(errors) ? errors : errors === undefined ? [] : [errors]).map((detail) => {
    if (typeof detail !== 'object' || detail === null) return String(detail);
    const { message: words, resource, field, code } = detail as Record<string, unknown>;
    return typeof words === 'string' ? words : [resource, field, code].filter((part) => typeof part === 'string').join(' ');
  });
  return [typeof message === 'string' ? message : '', ...details].filter((part) => part !== '').join(': ');
}

/** One line without the token, nor anything that looks like one. */
function clean(words: string, { token }: Pick<Asked, 'token'>): string {
  const cut = token === '' ? words : words.replaceAll(token, '…');
  return cleanLine(cut.replace(/\b(gh[a-z]_|github_pat_)[\w.-]+|\bbearer\s+\S+/gi, '…'), 300);
}

/** Causes are printed by debuggers and test runners: only their own words go along. */
function withoutToken(thrown: TransportError, asked: Asked): TransportError {
  return new TransportError(thrown.kind, clean(thrown.message, asked), thrown.sent);
}

function name({ what }: Asked): string {
  return `\`${cleanLine(what, 160)}\``;
}
