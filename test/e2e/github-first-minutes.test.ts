/** The first five minutes with GitHub: what a user gets wrong, said in one sentence with a remedy, by the program that ships. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Ended, ROOT } from '../support/world.ts';

const TOKEN = 'github_pat_CanaryCanaryCanaryCanary';

type Answer = { status?: number; headers?: Record<string, string>; body: unknown };

interface Desk {
  dir: string;
  url: string;
  /** `method path` of every request. */
  asked: string[];
  run(args: string[], env?: Record<string, string>): Promise<Ended>;
}

/** A directory with a configuration for a small GitHub of our own. */
async function makeDesk(answer: (path: string, request: IncomingMessage) => Answer, more = ''): Promise<Desk> {
  const dir = mkdtempSync(join(tmpdir(), 'agentos-github-'));
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    asked.push(`${request.method} ${path}`);
    request.resume();
    const { status = 200, headers = {}, body } = answer(path, request);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = `state_dir: ./state
forge: { kind: github, api_url: "${url}"${more} }
repos: [{ name: acme/shop, verify: ["true"] }]
agents: { patch: { kind: patch } }
routing: { default: [patch] }
sandbox: { mode: "off" }
`;
  writeFileSync(join(dir, 'config.yaml'), config, { mode: 0o600 });
  mkdirSync(join(dir, 'home'));
  mkdirSync(join(dir, 'state'), { mode: 0o700 });
  mkdirSync(join(dir, 'bin'));
  // A PATH without `gh`, whatever this machine has.
  for (const name of ['git', 'flock', 'sh', 'true']) symlinkSync(findOnPath(name), join(dir, 'bin', name));
  const env = { PATH: join(dir, 'bin'), HOME: join(dir, 'home'), AGENTOS_CONFIG: join(dir, 'config.yaml') };
  return { dir, url, asked, run: (args, given = {}) => run(dir, args, { ...env, ...given }) };
}

function findOnPath(name: string): string {
  const places = ['/usr/local/bin', '/usr/bin', '/bin', dirname(process.execPath)];
  return join(places.find((place) => readdirSync(place).includes(name)) ?? '/usr/bin', name);
}

/** Not `spawnSync`: the server is in this process. */
function run(cwd: string, args: string[], env: Record<string, string>): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, 'bin/agentos.js'), ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  return new Promise((resolve) => child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr })));
}

function filesWith(root: string, text: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file, 'latin1').includes(text));
}

const REPOSITORY = {
  full_name: 'acme/shop',
  default_branch: 'main',
  archived: false,
  has_issues: true,
  permissions: { push: true },
  allow_squash_merge: true,
  allow_merge_commit: false,
  allow_rebase_merge: false,
};

/** Enough of GitHub for `doctor`. */
function github(path: string, { headers }: IncomingMessage): Answer {
  if (!String(headers.authorization).endsWith(TOKEN)) return { status: 401, body: { message: 'Bad credentials' } };
  const rate = { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '4999', 'x-ratelimit-reset': '1795400000' };
  const expiry = { 'github-authentication-token-expiration': '2099-01-01 00:00:00 UTC' };
  const answers: Record<string, unknown> = {
    '/user': { id: 1, login: 'octocat' },
    '/user/repos': [REPOSITORY, { full_name: 'octocat/diary' }],
    '/repos/acme/shop': REPOSITORY,
    '/repos/acme/shop/rules/branches/main': [
      { type: 'required_status_checks', parameters: { required_status_checks: [{ context: 'test' }] } },
    ],
    '/repos/acme/shop/issues': [],
    '/repos/acme/shop/pulls': [],
    '/repos/acme/shop/branches/main': { name: 'main' },
    '/repos/acme/shop/commits/main/check-runs': { total_count: 0, check_runs: [] },
    '/repos/acme/shop/commits/main/status': { state: 'pending', statuses: [] },
    '/repos/acme/shop/collaborators/octocat/permission': { permission: 'admin', user: { id: 1, login: 'octocat' } },
  };
  if (path === '/repos/acme/shop/actions/runs')
    return { status: 403, body: { message: 'Resource not accessible by personal access token' } };
  return path in answers
    ? { headers: { ...rate, ...expiry }, body: answers[path] }
    : { status: 404, headers: rate, body: { message: 'Not Found' } };
}

/** One sentence and one remedy, and no secret. */
function told({ stderr }: Ended): string {
  expect(stderr).not.toContain(TOKEN);
  const lines = stderr.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^agentos: /);
  expect(lines.length).toBeLessThanOrEqual(3);
  return lines.join('\n');
}

describe('a first pass', () => {
  it('without a token and without gh: 77', async () => {
    const desk = await makeDesk(github);
    const ended = await desk.run(['dispatch']);
    expect(ended.status).toBe(77);
    expect(told(ended)).toMatch(/no credential for .*[\s\S]*GITHUB_TOKEN.*gh auth login/);
    expect(desk.asked).toEqual([]);
  });

  it('with a token that GitHub refuses: 77', async () => {
    const desk = await makeDesk(github);
    const ended = await desk.run(['dispatch'], { GITHUB_TOKEN: 'ghp_wrong' });
    expect(ended.status).toBe(77);
    expect(told(ended)).toMatch(/Bad credentials[\s\S]*GITHUB_TOKEN/);
    expect(ended.stderr).not.toContain('ghp_wrong');
  });

  it('with a token in another variable', async () => {
    const desk = await makeDesk(github, ', token_env: AGENT_TOKEN');
    expect((await desk.run(['dispatch'], { GITHUB_TOKEN: TOKEN })).status).toBe(77);
    expect(desk.asked).toEqual([]);
  });

  it('with gh that is not logged in, and with gh that is', async () => {
    const desk = await makeDesk(github);
    const gh = (script: string) => {
      writeFileSync(join(desk.dir, 'bin/gh'), `#!/bin/sh\n${script}\n`);
      chmodSync(join(desk.dir, 'bin/gh'), 0o755);
    };
    gh('echo "no oauth token" >&2; exit 1');
    const ended = await desk.run(['dispatch']);
    expect(ended.status).toBe(77);
    expect(told(ended)).toMatch(/`gh` is not logged in[\s\S]*gh auth login/);
    gh(`echo ${TOKEN}`);
    expect((await desk.run(['doctor'])).stdout).toContain('`gh auth token');
  });

  it('offline: 75', async () => {
    const desk = await makeDesk(github, ', token_env: T');
    const text = readFileSync(join(desk.dir, 'config.yaml'), 'utf8');
    writeFileSync(join(desk.dir, 'config.yaml'), text.replace(desk.url, 'http://127.0.0.1:9'), { mode: 0o600 });
    const ended = await desk.run(['dispatch'], { T: TOKEN });
    expect(ended.status).toBe(75);
    expect(told(ended)).toMatch(/cannot reach GitHub/);
  });
});

describe('doctor', () => {
  it('names the credential, whose it is, what is missing and what is too much', async () => {
    const desk = await makeDesk(github);
    const ended = await desk.run(['doctor', '--json'], { GITHUB_TOKEN: TOKEN });
    expect(ended.stdout + ended.stderr).not.toContain(TOKEN);
    const { checks } = JSON.parse(ended.stdout) as { checks: { name: string; state: string; what: string }[] };
    const lines = checks.map(({ name, state, what }) => `${state} ${name}: ${what}`);
    expect(lines).toEqual(
      expect.arrayContaining([
        "warn forge: octocat is a person's account too",
        'ok credential: the environment variable GITHUB_TOKEN',
        'warn credential: it reaches 1 other repository',
        'ok expiry: the token ends on 2099-01-01',
        expect.stringMatching(/^ok rate limit: 4999 of 5000 requests are left/),
        'ok acme/shop: onto main; required checks: test',
        'warn acme/shop: actions may not be read: jobs that come later are not waited for',
      ]),
    );
    expect(ended.status).toBe(0);
    expect(desk.asked.every((line) => line.startsWith('GET '))).toBe(true);
    expect(filesWith(desk.dir, TOKEN)).toEqual([]);
  });

  it('a typo in the name of the repository: 1', async () => {
    const desk = await makeDesk((path, request) => github(path.replace('/repos/acme/shop', '/repos/acme/shpo'), request));
    const ended = await desk.run(['doctor'], { GITHUB_TOKEN: TOKEN });
    expect(ended.status).toBe(1);
    expect(ended.stdout).toMatch(/bad +acme\/shop +there is no such repository, or the credential may not see it\n +Check the name/);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['no token', {}, /bad +forge +there is no credential/],
    ['a wrong token', { GITHUB_TOKEN: 'ghp_wrong' }, /bad +forge +GitHub refused `GET \/user`: Bad credentials/],
  ])('%s: 1', async (_, env, message) => {
    const desk = await makeDesk(github);
    const ended = await desk.run(['doctor'], env);
    expect(ended.status).toBe(1);
    expect(ended.stdout).toMatch(message);
  });
});

describe('without a question to GitHub', () => {
  it.each([['status'], ['config', 'check'], ['cron', 'print'], ['pause'], ['--help']])('agentos %s', async (...args) => {
    const desk = await makeDesk(github);
    const ended = await desk.run(args.filter((one) => one !== undefined));
    expect(ended.stderr).toBe('');
    expect(ended.status).toBe(0);
    expect(desk.asked).toEqual([]);
  });

  it('`agentos local` says that it is for another forge', async () => {
    const desk = await makeDesk(github);
    const ended = await desk.run(['local', 'issue', 'list', 'acme/shop'], { GITHUB_TOKEN: TOKEN });
    expect(ended.status).toBe(78);
    expect(told(ended)).toMatch(/no local forge/);
  });
});

describe('the configuration that init writes', () => {
  it('is one that `config check` takes, and says where the token comes from', async () => {
    const desk = await makeDesk(github);
    const made = await desk.run(['init', '--github', '--repo', 'acme/shop', '-o', 'new.yaml']);
    expect(made.status).toBe(0);
    expect(made.stdout).toContain('GITHUB_TOKEN');
    const checked = await desk.run(['config', 'check', '-c', 'new.yaml']);
    expect(checked.status).toBe(0);
    expect(checked.stdout).toContain('github, https://api.github.com, the token in $GITHUB_TOKEN');
  });
});
