/** `./demo.sh --github` on the test GitHub, with an empty HOME: one issue, one pull request, nothing merged, and no word of the token. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GitHubServer } from '../github-server/server.ts';
import { watchProcesses } from '../support/process-watch.ts';
import { type Ended, ROOT } from '../support/world.ts';

const REPO = 'ann/widgets';
/** All that the demo may need, where it is there. */
const PROGRAMS = 'bash sh env node npm git flock bwrap dirname mktemp mkdir rm find ls cat chmod sleep'.split(' ');

let server: GitHubServer;
let dir: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'agentos-demo-github-'));
  server = await GitHubServer.start();
  server.createUser('ann');
  server.createUser('bob');
  server.createRepo(REPO);
  mkdirSync(join(dir, 'home'));
  mkdirSync(join(dir, 'bin'));
  // A PATH without `gh`, whatever this machine has.
  const places = [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'];
  for (const name of PROGRAMS) {
    const place = places.find((one) => existsSync(join(one, name)));
    if (place !== undefined) symlinkSync(join(place, name), join(dir, 'bin', name));
  }
});
afterEach(async () => {
  const { violations } = server;
  await server.close();
  rmSync(dir, { recursive: true, force: true });
  expect(violations).toEqual([]);
});

interface Walk extends Ended {
  /** Of everything that ran for it. */
  argvs: string[];
  said: string;
}

async function demo(args: string[], env: Record<string, string> = {}): Promise<Walk> {
  const child = spawn(join(ROOT, 'demo.sh'), args, {
    cwd: dir,
    env: { PATH: join(dir, 'bin'), HOME: join(dir, 'home'), TMPDIR: dir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const watch = watchProcesses(child.pid ?? 0);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('close', (...ended) => resolve(ended));
  });
  const seen = watch.stop();
  return { status, signal, stdout, stderr, said: stdout + stderr, argvs: seen.map((one) => one.argv.join(' ')) };
}

const walk = (env: Record<string, string>, repo = REPO): Promise<Walk> =>
  demo(['--github', repo, '--api-url', server.apiUrl, '--dir', join(dir, 'walk')], env);
const issues = () => [...server.repo(REPO).issues.values()];
const filesWith = (text: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file, 'latin1').includes(text));

function addGh(script: string): void {
  writeFileSync(join(dir, 'bin/gh'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(dir, 'bin/gh'), 0o755);
}

/** The token is in no output and no argument list. */
function expectSilence({ said, argvs }: Walk, token: string): void {
  expect(said).not.toContain(token);
  expect(argvs.filter((argv) => argv.includes('agentos.js')).length).toBeGreaterThan(3);
  expect(argvs.filter((argv) => argv.includes(token))).toEqual([]);
}

describe('./demo.sh --github', { timeout: 120_000 }, () => {
  it('makes an issue and a pull request, merges nothing, and says what to do with them', async () => {
    server.as('ann').openIssue(REPO, { title: 'Mine, and Ready for somebody else', labels: ['ready'] });
    const token = server.createToken('ann');
    const before = server.tip(REPO, 'main');
    const ended = await walk({ GITHUB_TOKEN: token });
    expect(ended.status, ended.said).toBe(0);
    expect(ended.stdout).toContain(`ok: ${server.url}/${REPO}/pull/3`);
    expect(issues().map(({ state, title, comments }) => [state, title, comments.length])).toEqual([
      ['open', 'Mine, and Ready for somebody else', 0],
      ['open', 'Say hello from Agent OS', 1],
      ['open', 'Say hello from Agent OS', 0],
    ]);
    expect(server.tip(REPO, 'main')).toBe(before);
    expectSilence(ended, token);
    expect(filesWith(token)).toEqual([]);
    expect(readdirSync(join(dir, 'home'))).toEqual([]);

    rmSync(join(dir, 'walk'), { recursive: true });
    const again = await walk({ GITHUB_TOKEN: token });
    expect(again.status).toBe(1);
    expect(again.stderr).toContain(`${server.url}/${REPO}/issues/2 is still open`);
    expect(issues()).toHaveLength(3);
  });

  it('takes the login of gh, and waits for an issue that GitHub does not list yet', async () => {
    const token = server.createToken('ann');
    writeFileSync(join(dir, 'gh-token'), token);
    addGh(`[ "$*" = 'auth token --hostname 127.0.0.1' ] || exit 1\nexec cat ${join(dir, 'gh-token')}`);
    server.fault({ kind: 'stale', path: '/graphql', seconds: 4, times: 1 });
    const ended = await walk({});
    expect(ended.status, ended.said).toBe(0);
    expect(ended.stdout).toContain('$ sleep 2');
    expect(ended.stdout).toContain(`ok: ${server.url}/${REPO}/pull/2`);
    expect(issues().map(({ state, pull }) => [state, pull?.mergeSha ?? null])).toEqual([
      ['open', null],
      ['open', null],
    ]);
    expectSilence(ended, token);
    expect(filesWith(token)).toEqual([join(dir, 'gh-token')]);
  });
});

describe('./demo.sh --github refuses', { timeout: 60_000 }, () => {
  it.each<[string, () => Promise<Walk>, number, RegExp]>([
    ['no token and no gh', () => walk({}), 1, /there is no credential[\s\S]*GITHUB_TOKEN/],
    ['a wrong token', () => walk({ GITHUB_TOKEN: `ghp_${'x'.repeat(36)}` }), 1, /Bad credentials/],
    ['a token that is none', () => walk({ GITHUB_TOKEN: 'two\nlines-of-it' }), 1, /does not hold a token/],
    ['a repository that is not there', () => walk({ GITHUB_TOKEN: server.createToken('ann') }, 'ann/gone'), 1, /no such repository/],
    ["somebody else's repository", () => walk({ GITHUB_TOKEN: server.createToken('bob') }), 1, /the account may not write/],
    [
      'a token that may not make issues',
      () => walk({ GITHUB_TOKEN: server.createToken('ann', { permissions: { contents: 'write', pull_requests: 'write' } }) }),
      1,
      /GitHub does not make an issue on ann\/widgets \(403\): Resource not accessible/,
    ],
    ['a name without a slash', () => demo(['--github', 'widgets']), 64, /OWNER\/NAME, not `widgets`/],
    ['an address without a repository', () => demo(['--api-url', 'https://x/api/v3']), 64, /goes with `--github`/],
    [
      'an address that is none',
      () => demo(['--github', REPO, '--api-url', 'http://github.example.com/api/v3'], { GITHUB_TOKEN: 'x' }),
      78,
      /api_url/,
    ],
    ['a directory that is not empty', () => demo(['--github', REPO, '--dir', dir], { GITHUB_TOKEN: 'x' }), 1, /is not empty/],
  ])('%s', async (_, run, status, message) => {
    const ended = await run();
    expect(ended.said).toMatch(message);
    expect(ended.said).not.toMatch(/lines-of-it|xxxxxxxx/);
    expect(ended.status).toBe(status);
    expect(issues()).toEqual([]);
  });
});
