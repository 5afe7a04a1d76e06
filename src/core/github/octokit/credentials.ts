/**
 * Who we are to GitHub: an app, a token from the environment, or the login of
 * the program `gh`, in this order. Tokens are opaque, live in memory only and
 * stand in no error text.
 */

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
