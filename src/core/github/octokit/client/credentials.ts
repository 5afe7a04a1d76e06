/**
 * Who we are to GitHub: an app, a token from the environment, or the login of
 * the program `gh`, in this order. Tokens are opaque, live in memory only and
 * stand in no error text.
 */
import { AgentOsError } from '../../../errors.ts';
import type { Fetch } from './http.ts';

export interface CredentialOptions {
  app?: {
    id: number | string;
    installationId: number;
    /** PEM; a regular file that only its owner may read. */
    privateKeyFile: string;
  };
  token?: {
    /** The environment variable that holds it. */
    variable: string;
    /** A person uses the same account. */
    shared?: boolean;
  };
  /** The configured repositories, as `owner/name`: what the reads of an app are limited to. */
  repos: readonly string[];
  /** Of these, the ones whose project board we write to. */
  projects?: readonly string[];
  /** Our own environment. */
  env: Readonly<Record<string, string | undefined>>;
}

export type Need = { access: 'read' } | { access: 'write'; repo: string };

export interface Credentials {
  readonly kind: 'token' | 'app' | 'gh';
  /** A person uses the same account. */
  readonly shared: boolean;
  /** Where the credential comes from, for error texts; no secret. */
  describe(): string;
  /** @throws AgentOsError `auth` when there is none. */
  token(need: Need): Promise<string>;
  /** Forgets a token that GitHub refused. @returns whether the next `token` may bring another one. */
  invalidate(token: string): boolean;
}

export interface ForgeAccess {
  apiUrl: string;
  /** Host name of the web pages, which is what `gh` knows it by. */
  hostname: string;
  fetch: Fetch;
  /** Milliseconds of our clock. */
  now(): number;
}

/** A token of an app, and when it ends, by our clock in milliseconds. */
export interface Minted {
  token: string;
  expiresAt: number;
}

export function openCredentials(options: CredentialOptions, access: ForgeAccess): Credentials {
  const { app, token, env } = options;
  if (app) return openApp(app, options, access);
  const value = token && env[token.variable];
  if (token && value !== undefined && value.trim() !== '') return openToken(token.variable, value, token.shared ?? true);
  return openGh(access.hostname, env, token?.variable);
}

function openToken(variable: string, value: string, shared: boolean): Credentials {
  const source = `the environment variable ${variable}`;
  return {
    kind: 'token',
    shared,
    describe: () => source,
    token: async () => checkToken(value, source),
    invalidate: () => false,
  };
}

/** The program is asked once a run, and only when a request is about to be made. */
function openGh(hostname: string, env: CredentialOptions['env'], variable: string | undefined): Credentials {
  const source = `\`gh auth token --hostname ${hostname}\``;
  let asked: Promise<string> | undefined;
  return {
    kind: 'gh',
    shared: true,
    describe: () => source,
    token: () => {
      asked ??= askGh(hostname, env, variable).then((text) => checkToken(text, source));
      return asked;
    },
    invalidate: () => false,
  };
}

async function askGh(hostname: string, env: CredentialOptions['env'], variable: string | undefined): Promise<string> {
  const { runProcess } = await import('../../../process.ts');
  const login = `nstall GitHub's program \`gh\` and run \`gh auth login --hostname ${hostname}\`.`;
  const hint = variable === undefined ? `I${login}` : `Put a token into the environment variable ${variable}, or i${login}`;
  const names = ['PATH', 'HOME', 'XDG_CONFIG_HOME', 'GH_CONFIG_DIR'];
  const given = Object.fromEntries(names.flatMap((key) => (env[key] === undefined ? [] : [[key, env[key]]])));
  const result = await runProcess(['gh', 'auth', 'token', '--hostname', hostname], {
    cwd: '/',
    env: given,
    timeoutMs: 10_000,
    maxOutputBytes: 64_000,
  }).catch((error: unknown) => {
    throw new AgentOsError('auth', `there is no credential for \`${hostname}\`, and \`gh\` cannot be asked for one`, {
      hint,
      cause: error,
    });
  });
  const said = result.stdout.trim();
  if (result.ended === 'exited' && result.exitCode === 0 && said !== '') return said;
  const problem = result.ended === 'timeout' ? 'did not answer in ten seconds' : 'is not logged in there';
  throw new AgentOsError('auth', `there is no credential for \`${hostname}\`, and \`gh\` ${problem}`, { hint });
}

/** A token with less time than this, in milliseconds, is not used any more: a write must not fail by it. */
const LEAST_LIFE = 5 * 60_000;

/** The tokens of an app are made by `app-tokens.ts`, which is loaded when the first one is needed. */
function openApp(app: NonNullable<CredentialOptions['app']>, options: CredentialOptions, access: ForgeAccess): Credentials {
  const source = `the app ${app.id} with the private key \`${app.privateKeyFile}\``;
  const opened = () => import('./app-tokens.ts').then(({ openAppTokens }) => openAppTokens(app, options, { ...access, source }));
  let tokens: ReturnType<typeof opened> | undefined;
  /** By what they are for. */
  const made = new Map<string, Promise<Minted>>();
  const renewed = new Set<string>();
  const given = new Map<string, string>();
  const mint = async (need: Need): Promise<Minted> => {
    tokens ??= opened();
    const minted = await (await tokens)(need);
    return { ...minted, token: checkToken(minted.token, source) };
  };
  return {
    kind: 'app',
    shared: false,
    describe: () => source,
    token: async (need) => {
      const key = need.access === 'read' ? '' : need.repo.toLowerCase();
      const known = await made.get(key);
      if (known && known.expiresAt - access.now() < LEAST_LIFE && made.delete(key)) renewed.delete(key);
      const { token } = await (made.get(key) ?? remember(made, key, mint(need)));
      given.set(token, key);
      return token;
    },
    invalidate: (token) => {
      const key = given.get(token);
      if (key === undefined || renewed.has(key)) return false;
      renewed.add(key);
      given.delete(token);
      made.delete(key);
      return true;
    },
  };
}

/** What fails is not remembered. */
function remember(made: Map<string, Promise<Minted>>, key: string, minted: Promise<Minted>): Promise<Minted> {
  made.set(key, minted);
  minted.catch(() => made.delete(key));
  return minted;
}

function checkToken(text: string, source: string): string {
  if (text !== '' && text.length <= 4096 && /^[\x21-\x7e]+$/.test(text)) return text;
  throw new AgentOsError('auth', `${source} does not hold a token`, { hint: 'Put the token there alone, without spaces or line breaks.' });
}
