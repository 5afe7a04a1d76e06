/**
 * Where the REST API of GitHub answers: what `forge.api_url` may be, and the
 * right value for the usual mistakes. Pure.
 */

/** GitHub's own service. */
export const DEFAULT_API_URL = 'https://api.github.com';

const THIS_MACHINE: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * What is wrong with it and what to write instead; `undefined` when it is fine:
 * https (http for this machine alone), no password, and for a GitHub Enterprise
 * server the path `/api/v3`. Says nothing of what was written, which may hold a
 * password.
 */
export function explainApiUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return `must be the URL of the REST API, such as \`${DEFAULT_API_URL}\``;
  if (url.username !== '' || url.password !== '') return 'must hold no user name and no password; `token_env` and `app` are for these';
  if (url.search !== '' || url.hash !== '') return 'must hold no `?` and no `#`';
  if (THIS_MACHINE.has(url.hostname)) return undefined;
  if (url.protocol === 'http:') return 'must begin with `https://`: over http the token could be read on its way';
  const right = rightUrl(url);
  return trimUrl(text) === right ? undefined : `is not where the REST API answers; write \`${right}\``;
}

/** Without the slashes at the end. */
export function trimUrl(text: string): string {
  return text.replace(/\/+$/, '');
}

function rightUrl({ host, hostname, protocol }: URL): string {
  if (['github.com', 'www.github.com', 'api.github.com'].includes(hostname)) return DEFAULT_API_URL;
  // GitHub Enterprise Cloud with data residency: `api.` before the subdomain, no path.
  if (hostname.endsWith('.ghe.com')) return `${protocol}//${hostname.startsWith('api.') ? '' : 'api.'}${host}`;
  return `${protocol}//${host}/api/v3`;
}
