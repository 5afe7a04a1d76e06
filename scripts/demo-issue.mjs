/**
 * For the demo alone: makes one issue on GitHub with the token that Agent OS
 * would use, and prints `{number, url}`. It makes none while an earlier one is
 * open. The token is in the header of the requests and nowhere else.
 *
 *   node scripts/demo-issue.mjs API_URL OWNER/NAME LABEL BODY_FILE
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const [api, repo, label, file] = process.argv.slice(2);
const token = readToken();

const earlier = await ask('GET', `/repos/${repo}/issues?labels=${encodeURIComponent(label)}&state=open&per_page=1`);
if (earlier.length > 0) stop(`${earlier[0].html_url} is still open; close it, then run this again`);

const [first, ...rest] = readFileSync(file, 'utf8').split('\n');
const issue = { title: first.replace(/^#\s*/, ''), body: rest.join('\n').trim(), labels: [label] };
const made = await ask('POST', `/repos/${repo}/issues`, issue);
if (!made.labels?.some(({ name }) => name === label))
  stop(`${made.html_url} is there without its label \`${label}\`: this account may not label issues`);
console.log(JSON.stringify({ number: made.number, url: made.html_url }));

async function ask(method, path, body) {
  const response = await fetch(api.replace(/\/+$/, '') + path, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'user-agent': 'agentos-demo',
      'x-github-api-version': '2022-11-28',
    },
    ...(body && { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(30_000),
  }).catch((error) => stop(`${api} does not answer: ${error.cause?.message ?? error.message}`));
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const what = method === 'GET' ? `show the issues of ${repo}` : `make an issue on ${repo}`;
  return stop(`GitHub does not ${what} (${response.status}): ${answer.message ?? 'it gives no reason'}`);
}

function readToken() {
  const found = process.env.GITHUB_TOKEN?.trim() ? process.env.GITHUB_TOKEN : askGh();
  // What is no header would be quoted in the error about it.
  return /^[\x21-\x7e]+$/.test(found) ? found : stop('GITHUB_TOKEN does not hold a token alone');
}

/** What `gh` is logged in with. */
function askGh() {
  const { hostname } = new URL(api);
  try {
    const argv = ['auth', 'token', '--hostname', hostname.replace(/^api\./, '')];
    return execFileSync('gh', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 }).trim();
  } catch {
    return stop('there is no token: set GITHUB_TOKEN, or run `gh auth login`');
  }
}

function stop(message) {
  console.error(`demo: ${message}`);
  process.exit(1);
}
