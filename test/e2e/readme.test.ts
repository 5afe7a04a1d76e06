/**
 * Every command of the README, in its order, as a new user would type them: on the test GitHub, then on the local forge.
 * Each `agentos init` begins in an empty directory, as the README says.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GitHubServer } from '../github-server/server.ts';
import { hasBwrap } from '../support/sandboxes.ts';
import { addsFile, type Ended, ROOT } from '../support/world.ts';

const REPO = 'you/project';
const TASK = 'you__project-1-1';
const PROJECT = { 'package.json': '{ "name": "project", "scripts": { "test": "node --version" } }\n' };
const HELLO = addsFile('hello.js', "console.log('hello');");

const commands = Array.from(readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g), (block) => block[1] ?? '')
  .flatMap((block) => block.split('\n'))
  .filter((line) => line !== '');
/** Run whole, elsewhere: the demo by its own test, the tests by `.ci/run`. */
const ELSEWHERE: Record<string, string> = { './demo.sh': 'test/e2e/demo.test.ts', 'npm cit': '.ci/run' };
const typed = commands.filter((line) => !Object.hasOwn(ELSEWHERE, line));

describe('the README', () => {
  let dir: string;
  let box: string;
  let env: Record<string, string>;
  let github: GitHubServer;
  let boxes = 0;
  /** Not `spawnSync`: GitHub is in this process. */
  const sh = (line: string): Promise<Ended> => {
    const child = spawn('/bin/sh', ['-c', line], { cwd: box, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    return new Promise((resolve) => child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr })));
  };
  const changeConfig = (change: (text: string) => string) => {
    const file = join(box, 'config.yaml');
    writeFileSync(file, change(readFileSync(file, 'utf8')));
  };

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'agentos-readme-'));
    for (const name of ['home', 'bin', 'project']) mkdirSync(join(dir, name));
    writeFileSync(join(dir, 'bin/agentos'), `#!/bin/sh\nexec ${process.execPath} ${ROOT}bin/agentos.js "$@"\n`);
    chmodSync(join(dir, 'bin/agentos'), 0o755);
    github = await GitHubServer.start();
    github.createUser('you');
    github.createRepo(REPO, { files: PROJECT });
    const path = `${dir}/bin:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
    env = { PATH: path, HOME: join(dir, 'home'), GITHUB_TOKEN: github.createToken('you') };
    for (const [name, text] of Object.entries(PROJECT)) writeFileSync(join(dir, 'project', name), text);
    writeFileSync(join(dir, 'hello.md'), HELLO);
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=P', '-c', 'user.email=p@example.com', ...args], { cwd: join(dir, 'project') });
    git('init', '-q', '-b', 'main');
    git('add', '-A');
    git('commit', '-q', '-m', 'A project');
  });
  afterAll(async () => {
    await github.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('names the commands that are run whole elsewhere, and those exist', () => {
    for (const [line, file] of Object.entries(ELSEWHERE)) {
      expect(commands).toContain(line);
      expect(readFileSync(join(ROOT, file), 'utf8')).toContain(line.replace(/^\.\//, ''));
    }
    expect(typed.length).toBeGreaterThan(15);
    expect(typed.filter((line) => line.startsWith('agentos init')).map((line) => line.includes('--github'))).toEqual([true, false]);
  });

  it.each(typed.map((line, index) => [index + 1, line] as const))('%i. %s', async (_, line) => {
    const begins = line.startsWith('agentos init');
    const onGitHub = begins && line.includes('--github');
    if (begins) {
      box = join(dir, `box-${++boxes}`);
      mkdirSync(box);
    }
    const head = line.includes('SHA') ? (github.tip(REPO, `agent/${TASK}`) ?? '') : '';
    // The one thing that a user does not type: where the test GitHub is.
    const ended = await sh(onGitHub ? `${line} --api-url ${github.apiUrl}` : line.replace(/\bSHA\b/, head));
    expect(ended, ended.stderr).toMatchObject({ status: 0 });
    if (onGitHub) {
      // What the user does on GitHub, and a pace that takes no minutes.
      const issue = github.as('you').openIssue(REPO, { title: 'Say hello', body: HELLO });
      github.as('you').label(REPO, issue, 'ready');
      changeConfig((text) => text.replace('  kind: github\n', '$&  writes: { per_minute: 6000, per_hour: 100000 }\n'));
    }
    // Where bubblewrap is missing, `doctor` rightly refuses; the rest of the README is still true.
    if (begins && !hasBwrap) changeConfig((text) => text.replace(/^#?\s*sandbox:[\s\S]*?(?=^\S)/m, 'sandbox: { mode: "off" }\n'));
    if (line.includes('cron print')) expect(ended.stdout).toMatch(/^#GITHUB_TOKEN=\.\.\.$/m);
    if (line.includes('cron print')) expect(ended.stdout).toContain(process.execPath);
    if (line.startsWith('cat ')) expect(ended.stdout).toContain(`id: ${TASK}`);
    if (line.startsWith('agentos local pr list')) expect(ended.stdout).toContain('Say hello');
  });

  it('ended with the issue on GitHub closed by the approved merge, and with a pull request on the local forge', async () => {
    expect(github.issue(REPO, 1)).toMatchObject({ state: 'closed' });
    expect(existsSync(join(dir, `box-1/state/mailbox/done/${TASK}.md`))).toBe(true);
    expect(github.violations).toEqual([]);
    expect(existsSync(join(dir, `box-2/state/mailbox/review/${TASK}.md`))).toBe(true);
    expect(JSON.parse((await sh(`agentos local pr view ${REPO} 2 --json`)).stdout)).toMatchObject({ state: 'open' });
  });
});
