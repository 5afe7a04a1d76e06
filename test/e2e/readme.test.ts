/** Every command of the README, in its order, as a new user would type them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBwrap } from '../support/sandboxes.ts';
import { addsFile, ROOT } from '../support/world.ts';

const commands = Array.from(readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g), (block) => block[1] ?? '')
  .flatMap((block) => block.split('\n'))
  .filter((line) => line !== '');
/** Run whole, elsewhere: the demo by its own test, the tests by `.ci/run`. */
const ELSEWHERE: Record<string, string> = { './demo.sh': 'test/e2e/demo.test.ts', 'npm cit': '.ci/run' };
const typed = commands.filter((line) => !Object.hasOwn(ELSEWHERE, line));

describe('the README', () => {
  let dir: string;
  let env: Record<string, string>;
  const sh = (line: string) => spawnSync('/bin/sh', ['-c', line], { cwd: join(dir, 'box'), env, encoding: 'utf8' });

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'agentos-readme-'));
    for (const name of ['box', 'home', 'bin', 'project']) mkdirSync(join(dir, name));
    writeFileSync(join(dir, 'bin/agentos'), `#!/bin/sh\nexec ${process.execPath} ${ROOT}bin/agentos.js "$@"\n`);
    chmodSync(join(dir, 'bin/agentos'), 0o755);
    env = { PATH: `${dir}/bin:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, HOME: join(dir, 'home') };
    writeFileSync(join(dir, 'project/package.json'), '{ "name": "project", "scripts": { "test": "node --version" } }\n');
    writeFileSync(join(dir, 'hello.md'), addsFile('hello.js', "console.log('hello');"));
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=P', '-c', 'user.email=p@example.com', ...args], { cwd: join(dir, 'project') });
    git('init', '-q', '-b', 'main');
    git('add', '-A');
    git('commit', '-q', '-m', 'A project');
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('names the commands that are run whole elsewhere, and those exist', () => {
    for (const [line, file] of Object.entries(ELSEWHERE)) {
      expect(commands).toContain(line);
      expect(readFileSync(join(ROOT, file), 'utf8')).toContain(line.replace(/^\.\//, ''));
    }
    expect(typed.length).toBeGreaterThan(15);
  });

  it.each(typed.map((line, index) => [index + 1, line] as const))('%i. %s', (_, line) => {
    const head = line.includes('SHA') ? JSON.parse(sh('agentos local pr view you/project 2 --json').stdout).headSha : '';
    const ended = sh(line.replace(/\bSHA\b/, head));
    expect(ended, ended.stderr).toMatchObject({ status: 0 });
    if (line.startsWith('agentos init') && !hasBwrap) {
      // Where bubblewrap is missing, `doctor` rightly refuses; the rest of the README is still true.
      const file = join(dir, 'box/config.yaml');
      writeFileSync(file, readFileSync(file, 'utf8').replace(/^#?\s*sandbox:[\s\S]*?(?=^\S)/m, 'sandbox: { mode: "off" }\n'));
    }
    if (line.includes('cron print')) expect(ended.stdout).toContain(process.execPath);
    if (line.startsWith('cat ')) expect(ended.stdout).toContain('id: you__project-1-1');
  });

  it('ended with the issue closed by the approved merge', () => {
    expect(JSON.parse(sh('agentos local issue view you/project 1 --json').stdout)).toMatchObject({ state: 'closed' });
    expect(existsSync(join(dir, 'box/state/mailbox/done/you__project-1-1.md'))).toBe(true);
  });
});
