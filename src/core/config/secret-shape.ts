/** Tells a credential from a name by its shape, so that neither a file nor a message comes to hold one. Pure. */

/** Prefixes of GitHub's and of the providers' credentials, old GitHub tokens (40 hex digits), private keys, JSON web tokens. */
const SECRET = /^(?:gh[a-z]_|github_pat_|glpat-|sk-|AIza|xox[a-z]-|eyJ[\w-]+\.)|^v\d\.[0-9a-f]{40}|^[0-9a-f]{40}$|-----BEGIN /;

export function looksSecret(text: string): boolean {
  return SECRET.test(text.trim());
}
