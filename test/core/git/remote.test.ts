/** Git over HTTP: who sees the password, and what each failure means. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Git } from '../../../src/core/git/git.ts';
import { openGit } from '../../../src/core/git/open-git.ts';
import type { Patience } from '../../../src/core/git/remote.ts';
import { type Fault, type GitHttp, startGitHttp } from '../../support/git-http.ts';
import { type Box, commit, importFrom, makeBox, makeWorkspace, sh, write } from './fixture.ts';

const PASSWORD = 'ghs_CanaryCanaryCanaryCanaryCanaryCanary';
const BRANCH = 'agent/acme__shop-1-1';

interface Wired extends Box {
  server: GitHttp;
  remote: string;
  over: { url: string; password(): Promise<string> };
  /** Set by a test to make the server misbehave. */
  fault: { now?: (request: { method: string; path: string }) => Fault | undefined };
  patient(patience: Patience): Git;
}

async function wire(password: string | undefined = PASSWORD): Promise<Wired> {
  const box = await makeBox();
  sh(box.remote, 'config', 'http.receivepack', 'true');
  const fault: Wired['fault'] = {};
  const server = await startGitHttp({ root: box.root, ...(password && { password }), fault: (request) => fault.now?.(request) });
  onTestFinished(() => server.close());
  const over = { url: `${server.url}/forge.git`, password: async () => PASSWORD };
  const patient = (patience: Patience) => openGit({ paths: box.paths, path: process.env['PATH'] ?? '', patience });
  return { ...box, server, over, fault, patient };
}

async function change(box: Box, text = 'changed\n'): Promise<string> {
  const path = await makeWorkspace(box, `w${text.length}`);
  write(path, { 'src/cart.js': text });
  return commit(box, (await importFrom(box, path)).tree, 'Change');
}

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string; hint?: string }> {
  const error = await work.then(
    () => new Error('it worked'),
    (thrown: unknown) => thrown as Error,
  );
  expect(error).toMatchObject({ name: 'AgentOsError' });
  expect(`${error.message} ${String((error as { hint?: string }).hint)}`).not.toContain(PASSWORD);
  return error as unknown as { code: string; message: string };
}

describe('the password', () => {
  it('opens fetch and push, for the user x-access-token', async () => {
    const box = await wire();
    sh(box.dev, 'commit', '-q', '--allow-empty', '-m', 'second');
    sh(box.dev, 'push', '-q', 'origin', 'main');
    await box.git.fetch(box.host, box.over, [{ branch: 'main' }]);
    expect(sh(box.host.mirror, 'rev-parse', 'main')).toBe(sh(box.dev, 'rev-parse', 'HEAD'));
    const head = await change(box);
    await box.git.push(box.host, box.over, { commit: head, branch: BRANCH });
    expect(sh(box.remote, 'rev-parse', BRANCH)).toBe(head);
    expect(box.server.seen.some(({ authorization }) => authorization !== undefined)).toBe(true);
  });

  it('is asked for when git needs it, and for no path of this machine', async () => {
    const box = await wire();
    let asked = 0;
    const password = async () => `${++asked}` && PASSWORD;
    await box.git.fetch(box.host, { ...box.over, password }, [{ branch: 'main', sha: box.base }]);
    expect(asked).toBe(0);
    await box.git.fetch(box.host, { url: box.remote, password }, [{ branch: 'main' }]);
    expect(asked).toBe(0);
    await box.git.fetch(box.host, { ...box.over, password }, [{ branch: 'main' }]);
    expect(asked).toBe(1);
  });

  it('is in no argument, no file, and in the environment of git and what git starts alone', async () => {
    const box = await wire();
    const seen = watchProcesses();
    const head = await change(box);
    await box.git.fetch(box.host, box.over, [{ branch: 'main' }]);
    await box.git.push(box.host, box.over, { commit: head, branch: BRANCH });
    const { args, holders } = seen.stop();
    expect(args.filter((line) => line.includes(PASSWORD) || line.includes(Buffer.from(PASSWORD).toString('base64').slice(4, 20)))).toEqual(
      [],
    );
    expect(holders.length).toBeGreaterThan(0);
    // `tr` is of the shell that records what git is asked to do here.
    expect(holders.filter((program) => !/^git|askpass|^(sh|tr)$/.test(program))).toEqual([]);
    expect(filesWith(box.root, PASSWORD)).toEqual([]);
    expect(process.env['AGENTOS_GIT_PASSWORD']).toBeUndefined();
  });

  it('is not repeated when the remote says it back', async () => {
    const box = await wire();
    writeHook(box, `echo "got ${PASSWORD}" >&2; echo "and $(printf 'x-access-token:%s' ${PASSWORD} | base64 -w0)" >&2; exit 1`);
    const problem = await failure(box.git.push(box.host, box.over, { commit: await change(box), branch: BRANCH }));
    expect(problem.message).toContain('got ***; and ***');
  });

  it('goes to nobody a redirect names', async () => {
    const box = await wire();
    const other = await startGitHttp({ root: box.root });
    onTestFinished(() => other.close());
    const location = `${other.url}/forge.git/info/refs?service=git-upload-pack`;
    box.fault.now = () => ({ kind: 'status', status: 301, headers: { location } });
    const problem = await failure(box.git.fetch(box.host, box.over, [{ branch: 'main' }]));
    expect(problem).toMatchObject({ code: 'not_found', hint: expect.stringContaining('present name') });
    expect(other.seen).toEqual([]);
  });
});

describe('what a failure means', () => {
  it('a password that is refused, and none where one is needed', async () => {
    const box = await wire('another password');
    expect(await failure(box.git.fetch(box.host, box.over, [{ branch: 'main' }]))).toMatchObject({
      code: 'auth',
      hint: expect.stringContaining('agentos doctor'),
    });
    expect(await failure(box.git.fetch(box.host, { url: box.over.url }, [{ branch: 'main' }]))).toMatchObject({ code: 'auth' });
    expect(await failure(box.git.push(box.host, box.over, { commit: await change(box), branch: BRANCH }))).toMatchObject({ code: 'auth' });
  });

  it.each<[string, Fault, string]>([
    ['403', { kind: 'status', status: 403, body: 'Permission to acme/shop.git denied to octocat.' }, 'auth'],
    ['403 of an archive', { kind: 'status', status: 403, body: 'This repository was archived so it is read-only.' }, 'refused'],
    ['404', { kind: 'status', status: 404, body: 'Repository not found.' }, 'not_found'],
    ['429', { kind: 'status', status: 429 }, 'rate_limit'],
    ['503', { kind: 'status', status: 503 }, 'unavailable'],
    ['200 with a page', { kind: 'status', status: 200, body: '<html>\n<body>\n<p>Log in</p>\n' }, 'unavailable'],
  ])('%s', async (_, fault, code) => {
    const box = await wire();
    const head = await change(box);
    box.fault.now = () => fault;
    expect(await failure(box.git.fetch(box.host, box.over, [{ branch: 'main' }]))).toMatchObject({ code });
    expect(await failure(box.git.push(box.host, box.over, { commit: head, branch: BRANCH }))).toMatchObject({ code });
  });

  it('nobody answers', async () => {
    const box = await wire();
    await box.server.close();
    expect(await failure(box.git.fetch(box.host, box.over, [{ branch: 'main' }]))).toMatchObject({ code: 'unavailable' });
    expect(await failure(box.git.fetch(box.host, { url: 'https://no-such-host.invalid/x.git' }, [{ branch: 'main' }]))).toMatchObject({
      code: 'unavailable',
    });
  });

  it('a server that stays silent, and one that never ends', async () => {
    const box = await wire();
    const head = await change(box);
    box.fault.now = ({ method }) => (method === 'POST' ? { kind: 'hang' } : undefined);
    const silent = box.patient({ silenceSeconds: 1, deadlineMs: 30_000 });
    expect(await failure(silent.fetch(box.host, box.over, [{ branch: 'main' }]))).toMatchObject({ code: 'unavailable' });
    expect(await failure(silent.push(box.host, box.over, { commit: head, branch: BRANCH }))).toMatchObject({ code: 'unknown_outcome' });
    const endless = box.patient({ silenceSeconds: 60, deadlineMs: 500 });
    const before = Date.now();
    expect(await failure(endless.fetch(box.host, box.over, [{ branch: 'main' }]))).toMatchObject({ code: 'timeout' });
    expect(Date.now() - before).toBeLessThan(5_000);
  });

  it('cut off after the commit was taken: nobody knows, and the branch tells', async () => {
    const box = await wire();
    const head = await change(box);
    box.fault.now = ({ method }) => (method === 'POST' ? { kind: 'cut-after' } : undefined);
    expect(await failure(box.git.push(box.host, box.over, { commit: head, branch: BRANCH }))).toMatchObject({ code: 'unknown_outcome' });
    expect(sh(box.remote, 'rev-parse', BRANCH)).toBe(head);
    delete box.fault.now;
    await box.git.push(box.host, box.over, { commit: head, branch: BRANCH });
  });

  it('a branch that is elsewhere', async () => {
    const box = await wire();
    const one = await change(box, 'one\n');
    const two = await change(box, 'two two\n');
    await box.git.push(box.host, box.over, { commit: one, branch: BRANCH });
    expect(await failure(box.git.push(box.host, box.over, { commit: two, branch: BRANCH }))).toMatchObject({ code: 'conflict' });
    expect(sh(box.remote, 'rev-parse', BRANCH)).toBe(one);
  });

  it.each([
    ['error: GH013: Repository rule violations found for refs/heads/x.', /GH013: Repository rule violations/, /rules of the branch/],
    [
      'refusing to allow a Personal Access Token to create or update workflow `.github/workflows/x.yml` without `workflow` scope',
      /workflow/,
      /permission to change workflows/,
    ],
  ])('a rule of the remote: %s', async (said, message, hint) => {
    const box = await wire();
    writeHook(box, `cat >&2 <<'END'\n${said}\nEND\nexit 1`);
    const problem = await failure(box.git.push(box.host, box.over, { commit: await change(box), branch: BRANCH }));
    expect(problem.code).toBe('refused');
    expect(problem.message).toMatch(message);
    expect(problem.hint).toMatch(hint);
  });
});

function writeHook(box: Box, script: string): void {
  const hook = join(box.remote, 'hooks/pre-receive');
  writeFileSync(hook, `#!/bin/sh\n${script}\n`);
  chmodSync(hook, 0o755);
}

/** Looks at every process of this machine, over and over: the argument lists, and which programs hold the password in their environment. */
function watchProcesses(): { stop(): { args: string[]; holders: string[] } } {
  const args = new Set<string>();
  const holders = new Set<string>();
  const look = () => {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      try {
        args.add(readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' '));
        // Between its start and its program a process has the name of the one before: both are read as of one program.
        const program = () => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
        const before = program();
        const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
        if (environment.includes(PASSWORD) && program() === before) holders.add(before);
      } catch {
        // It ended meanwhile.
      }
    }
  };
  const timer = setInterval(look, 1);
  return {
    stop() {
      clearInterval(timer);
      return { args: [...args], holders: [...holders] };
    },
  };
}

function filesWith(root: string, text: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file, 'latin1').includes(text));
}
