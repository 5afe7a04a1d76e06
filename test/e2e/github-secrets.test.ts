/**
 * Canaries in the place of every secret, and a walk through all commands while
 * everything is watched: files, repositories, argument lists and environments
 * of all processes, requests, answers to people, and errors of servers that say
 * back what they were sent.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Canaries, CanarySearch, formsOf } from '../support/canaries.ts';
import { APP_PERMISSIONS, GitHubWorld } from '../support/github-world.ts';
import { type ModelServer, openModelServer } from '../support/model-server.ts';
import { type SeenProcess, watchProcesses } from '../support/process-watch.ts';
import { type Ended, REPO, ROOT } from '../support/world.ts';

const MODEL_KEYS = { MODEL_KEY_ONE: 'sk-ant-canary+one/0123456789=%4711', MODEL_KEY_TWO: 'sk-proj-canary+two/9876543210=%1174' };

let models: ModelServer;
let world: GitHubWorld;
/** Of every call. */
let ended: Ended[];
let seen: { root: number; processes: SeenProcess[] }[];
/** Secrets that are there before the walk; an App's tokens come on the way. */
let canaries: Record<string, string>;

beforeEach(async () => {
  [ended, seen] = [[], []];
  models = await openModelServer((request) =>
    request.protocol === 'anthropic'
      ? { fault: 'auth' }
      : { text: JSON.stringify({ kind: 'task', type: 'docs', goal: 'A.', reason: 'B.' }) },
  );
});
afterEach(async () => {
  const { violations } = world.server;
  await world.end();
  await models.close();
  expect(violations).toEqual([]);
});

const SPY_LINE = 'env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" "\\n"';

async function begin(kind: 'token' | 'app'): Promise<void> {
  world = await GitHubWorld.begin(kind === 'app' ? { app: APP_PERMISSIONS } : {});
  const forge = world.read('config.yaml').split('\n').slice(0, 2).join('\n');
  const [key, config] = [world.path('app.pem'), world.path('config.yaml')];
  world.write(
    'config.yaml',
    `${forge}
repos:
  - name: ${REPO}
    automation: full
    setup: [${JSON.stringify(SPY_LINE)}]
    verify: [${JSON.stringify(SPY_LINE)}, "node --test"]
agents:
  patch: { kind: patch }
  spy: { kind: command, command: [node, "${ROOT}test/support/fake-agent.mjs", look, "${key}", "${config}"] }
routing: { default: [spy] }
sandbox: { mode: required, readable: ["${ROOT}test/support"] }
models:
  - { provider: anthropic, model: one, key_env: MODEL_KEY_ONE, base_url: "${models.url}" }
  - { provider: openai, model: two, key_env: MODEL_KEY_TWO, base_url: "${models.url}" }
`,
  );
  world.write('tmp/.keep', '');
  canaries = { ...MODEL_KEYS, GITHUB_TOKEN: world.token, ...(kind === 'app' && { 'private key': world.app.privateKey }) };
}

async function call(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = world.start(args, { ...MODEL_KEYS, TMPDIR: world.path('tmp'), ...env });
  const watch = watchProcesses(child.pid, 4);
  const done = await child.ended;
  ended.push(done);
  seen.push({ root: child.pid, processes: watch.stop() });
  return done;
}

/** What is secret by now: also the tokens that the App was given, and what it signed to get them. */
function secrets(): Canaries {
  const minted = [...world.server.store.state.tokens.values()].filter(({ kind }) => kind === 'installation');
  const signed = world.server.requests.flatMap(({ headers }) => /^bearer (ey\S+)/i.exec(headers['authorization'] as string)?.[1] ?? []);
  return {
    ...canaries,
    ...Object.fromEntries(minted.map(({ token }, at) => [`installation token ${at}`, token])),
    ...Object.fromEntries(signed.map((jwt, at) => [`signature ${at}`, jwt])),
  };
}

/** Argument lists hold none; an environment only that of a git that talks to the remote, and only there. */
function judgeProcesses(search: CanarySearch): string[] {
  return seen.flatMap(({ root, processes }) => {
    const own = processes.find(({ pid }) => pid === root)?.argv.join(' ');
    return processes.flatMap(({ argv, env }) => {
      const line = argv.join(' ');
      const inArguments = search.inText(line).map((name) => `argument of ${line}: ${name}`);
      // Between its fork and its exec a child is still what we are.
      if (line === own) return inArguments;
      const found = env.filter((one) => search.inText(one).length > 0).map((one) => one.replace(/=.*/s, ''));
      const allowed = isRemoteGit(argv) ? ['AGENTOS_GIT_PASSWORD'] : [];
      return [...inArguments, ...found.filter((name) => !allowed.includes(name)).map((name) => `environment of ${line}: ${name}`)];
    });
  });
}

const REMOTE = /^(?:fetch|push|ls-remote|remote-https?|fetch-pack|send-pack|index-pack|unpack-objects|pack-objects|rev-list|maintenance)$/;

function isRemoteGit(argv: readonly string[]): boolean {
  if (argv.some((one) => one.endsWith('/git-askpass'))) return true;
  const program = basename(argv[0] ?? '');
  if (/^git-remote-https?$/.test(program)) return true;
  return program === 'git' && argv.some((one) => REMOTE.test(one));
}

/** Path, body and all headers but one. */
function judgeRequests(search: CanarySearch): string[] {
  return world.server.requests.flatMap(({ method, path, body, headers }) => {
    const { authorization: _, ...rest } = headers;
    const text = `${path}\n${body}\n${JSON.stringify(rest)}`;
    return [...search.inText(text), ...search.inText(decodeURIComponent(path))].map((name) => `${method} ${path}: ${name}`);
  });
}

/** What people see on the forge, and what is in its repository. */
function judgeForge(search: CanarySearch): string[] {
  const { issues, labels, checkRuns, statuses } = world.server.repo(REPO);
  const { dir } = world.server;
  return [...search.inText(JSON.stringify([[...issues.values()], labels, checkRuns, statuses])), ...search.inDirectory(dir)];
}

function judgeModels(): string[] {
  const search = new CanarySearch(secrets());
  return models.seen.flatMap(({ system, turns, protocol }) =>
    search.inText(JSON.stringify([system, turns])).map((name) => `${protocol}: ${name}`),
  );
}

function expectSilence(): void {
  const search = new CanarySearch(secrets());
  expect(ended.flatMap(({ stdout, stderr }) => search.inText(stdout + stderr))).toEqual([]);
  expect(search.inDirectory(world.dir, [world.path('app.pem')])).toEqual([]);
  expect(judgeProcesses(search)).toEqual([]);
  expect(judgeRequests(search)).toEqual([]);
  expect(judgeForge(search)).toEqual([]);
  expect(judgeModels()).toEqual([]);
}

async function walkToDone(issue: number): Promise<void> {
  for (let k = 0; k < 7 && world.task(issue)?.tray !== 'done'; k++) {
    for (const args of [
      ['dispatch', '-v'],
      ['queue', '-v'],
      ['pr-monitor', '-v'],
    ]) {
      await call(args);
      if (args[0] === 'queue') world.server.runChecks(REPO);
    }
  }
  const said = `${ended.map(({ status, stdout, stderr }) => `${status}: ${stdout}${stderr}`).join('')}${world.task(issue)?.text}`;
  expect(world.task(issue)?.tray, said).toBe('done');
}

describe.each(['token', 'app'] as const)('with %s as credential', { timeout: 180_000 }, (kind) => {
  beforeEach(() => begin(kind));

  it('no command, process, file, request or text holds a secret that it does not need', async () => {
    const issue = world.open('Look around', 'Write down what you see.');
    await walkToDone(issue);
    const requirements = join(ROOT, 'examples/requirements.md');
    const task = `demo__shop-${issue}-1`;
    const looks = [['status'], ['show', task], ['explain', `${REPO}#${issue}`], ['doctor'], ['config', 'check'], ['fsck'], ['gc']];
    for (const args of looks) await Promise.all([call([...args, '-v']), call([...args, '--json'])]);
    for (const args of [['plan', '--requirements', requirements], ['analyze-logs'], ['groom']]) await call([...args, '-v']);
    for (const args of [['plan'], ['analyze-logs'], ['groom'], ['dispatch'], ['queue'], ['pr-monitor']]) await call([...args, '--json']);
    expectSilence();

    // The watch saw what it is about: the spy looked, the password was where it may be, the models were asked.
    const spied = JSON.parse(fileOf('seen.json')) as { environs: object; exists: [string, boolean][] };
    expect(Object.keys(spied.environs).length).toBeGreaterThan(0);
    expect(spied.exists.map(([, there]) => there)).toEqual([false, false]);
    const all = new CanarySearch(secrets());
    const processes = seen.flatMap((one) => one.processes);
    expect(processes.some(({ env }) => env.some((one) => one.startsWith('AGENTOS_GIT_PASSWORD=') && all.inText(one).length > 0))).toBe(
      true,
    );
    expect(new Set(models.seen.map(({ key }) => key))).toEqual(new Set(Object.values(MODEL_KEYS)));
    if (kind === 'app') expect(Object.keys(secrets()).filter((name) => name.startsWith('installation')).length).toBeGreaterThan(1);
  });

  it('an error of a server that says back what it was sent holds none', async () => {
    const echo = createServer((request, response) => {
      const sent = JSON.stringify(request.headers);
      const status = statuses[asked++ % statuses.length] ?? 500;
      const text = `${request.url} ${sent} ${Buffer.from(sent).toString('base64')}`;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ message: text, errors: [{ message: sent, type: 'ODD' }] }));
    });
    const statuses = [401, 403, 404, 409, 422, 500, 200, 400];
    let asked = 0;
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const { port } = echo.address() as AddressInfo;
    world.open('Something', 'Anything.');
    await call(['dispatch']);
    world.write('config.yaml', world.read('config.yaml').replace(/127\.0\.0\.1:\d+\/api\/v3/, `127.0.0.1:${port}/api/v3`));
    const secret = world.token;
    for (const args of [['dispatch'], ['doctor'], ['queue'], ['groom'], ['explain', `${REPO}#1`], ['doctor', '--json']]) {
      for (let k = 0; k < 2; k++) await call([...args, '-v'], { GITHUB_TOKEN: secret });
    }
    echo.closeAllConnections();
    await new Promise((resolve) => echo.close(resolve));
    expect(asked).toBeGreaterThan(10);
    expect(new Set(ended.map(({ status }) => status)).size).toBeGreaterThan(1);
    expectSilence();
  });

  it('a refused credential, a credential that is none, and a bug of ours show none', async () => {
    const wrong = { 'a wrong token': 'ghp_wrongCanaryWrongCanaryWrongCanary00', 'no token': 'two words-of-a-canary-that-is-no-token' };
    Object.assign(canaries, wrong);
    world.write('break.cjs', "require('node:fs').statSync = () => { throw new TypeError('broken on purpose') };");
    const calls: [Record<string, string>, string[]][] = [
      ...Object.values(wrong).flatMap((GITHUB_TOKEN): [Record<string, string>, string[]][] => [
        [{ GITHUB_TOKEN }, ['dispatch', '-v']],
        [{ GITHUB_TOKEN }, ['doctor']],
      ]),
      [{ NODE_OPTIONS: `--require ${world.path('break.cjs')}` }, ['dispatch']],
    ];
    for (const [env, args] of calls) await call(args, env);
    expect(ended.at(-1)).toMatchObject({ status: 70, stderr: expect.stringContaining('broken on purpose') });
    if (kind === 'token') expect(ended.slice(0, 4).map(({ status }) => status)).toEqual([77, 1, 77, 1]);
    expectSilence();
  });
});

/** The text of a file on the default branch. */
function fileOf(path: string): string {
  return world.git('.', '--git-dir', world.server.repo(REPO).gitDir, 'show', `main:${path}`);
}

describe('the search itself', () => {
  it.each(['ghp_abcdefghijklmnopqrstuvwxyz0123456789', 'sk-canary+one/0123=%'])('finds %s in every form', (secret) => {
    const search = new CanarySearch({ it: secret });
    const bytes = Buffer.from(secret);
    const hidden = ['', 'x', 'xy', 'x-access-token:'].map((before) => Buffer.from(`${before}${secret} and more`).toString('base64'));
    for (const text of [`a${secret}b`, ...hidden, bytes.toString('hex'), encodeURIComponent(`q=${secret}`), JSON.stringify({ secret })]) {
      expect(search.inText(text)).toEqual(['it']);
    }
    expect(search.inText(secret.slice(1))).toEqual([]);
    expect(formsOf(secret).every((form) => form.length > 10)).toBe(true);
  });
});
