import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkCall, TOOL_FORMS } from '../../../../src/core/agents/api/tool-forms.ts';
import { callTool } from '../../../../src/core/agents/api/tools.ts';

let base: string;
let root: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'aos-tools-'));
  root = join(base, 'work');
  mkdirSync(root);
  writeFileSync(join(base, 'secret.txt'), 'outside');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const never = new AbortController().signal;
const call = (tool: string, input: unknown, signal = never) =>
  callTool({ root, env: { PATH: process.env['PATH'], HOME: base }, now: () => performance.now() }, { id: 'c1', tool, input }, signal);
const good = async (tool: string, input: unknown) => {
  const result = await call(tool, input);
  expect(result).toMatchObject({ id: 'c1', tool, failed: false });
  return result.text;
};
const bad = async (tool: string, input: unknown) => {
  const result = await call(tool, input);
  expect(result.failed, result.text).toBe(true);
  return result.text;
};
const put = (path: string, content: string | Buffer) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
};
const get = (path: string) => readFileSync(join(root, path), 'utf8');

describe('the forms', () => {
  it('tell the provider names, descriptions and what is required', () => {
    expect(TOOL_FORMS.map(({ name }) => name)).toEqual(['list', 'read', 'search', 'edit', 'write', 'run']);
    const edit = TOOL_FORMS.find(({ name }) => name === 'edit');
    expect(edit?.input).toMatchObject({ type: 'object', required: ['path', 'old', 'new'], properties: { old: { type: 'string' } } });
    expect(TOOL_FORMS.find(({ name }) => name === 'list')?.input).toMatchObject({ required: [] });
  });

  it.each([
    ['an unknown tool', 'fly', {}, 'there is no tool `fly`; there are: list, read, search, edit, write, run'],
    ['a tool of Object', 'toString', {}, 'there is no tool'],
    ['no input', 'read', undefined, 'the input of read is wrong'],
    ['a missing field', 'edit', { path: 'a', old: 'b' }, 'the input of edit is wrong: new'],
    ['a wrong type', 'read', { path: 'a', from: 'top' }, 'the input of read is wrong: from'],
    ['an empty piece to replace', 'edit', { path: 'a', old: '', new: 'b' }, 'the input of edit is wrong: old'],
    ['too long a wait', 'run', { command: 'true', timeout_seconds: 6000 }, 'the input of run is wrong: timeout_seconds'],
  ])('answer %s with words', async (_, tool, input, words) => {
    expect(await bad(tool, input)).toContain(words);
  });

  it('say that a call came broken', () => {
    expect(checkCall({ id: '1', tool: 'write', input: {}, problem: 'the arguments are no valid JSON (9 characters)' })).toEqual({
      problem: 'the arguments are no valid JSON (9 characters); call write again, with shorter texts if the answer was cut off',
    });
  });
});

describe('paths', () => {
  it.each(['../secret.txt', '/etc/passwd', 'a/../../secret.txt', '..', '../work2/x', 'link', 'dir-link/secret.txt', 'dir-link/new.txt'])(
    'outside are refused by every tool: %s',
    async (path) => {
      symlinkSync('../secret.txt', join(root, 'link'));
      symlinkSync('..', join(root, 'dir-link'));
      const calls: [string, object][] = [
        ['read', {}],
        ['list', {}],
        ['search', { pattern: 'x' }],
        ['edit', { old: 'outside', new: 'x' }],
        ['write', { content: 'x' }],
      ];
      for (const [tool, input] of calls) expect(await bad(tool, { ...input, path })).toContain('is outside the working directory');
      expect(readFileSync(join(base, 'secret.txt'), 'utf8')).toBe('outside');
      expect(existsSync(join(base, 'new.txt'))).toBe(false);
    },
  );

  it('are never written through a symlink that leads nowhere', async () => {
    symlinkSync(join(base, 'made'), join(root, 'nowhere'));
    symlinkSync('loop', join(root, 'loop'));
    for (const path of ['nowhere', 'nowhere/x', 'loop']) expect(await bad('write', { path, content: 'x' })).toContain('leads nowhere');
    expect(existsSync(join(base, 'made'))).toBe(false);
  });

  it('inside are taken also as absolute, with dots, and by a symlink within', async () => {
    put('src/a.txt', 'hello\n');
    symlinkSync('src', join(root, 'alias'));
    for (const path of [join(root, 'src/a.txt'), './src/../src/a.txt', 'alias/a.txt']) {
      expect(await good('read', { path })).toBe('src/a.txt, lines 1 to 1 of 1:\nhello');
    }
  });

  it('of git, devices and FIFOs are refused', async () => {
    put('.git/config', '[core]\n');
    execFileSync('mkfifo', [join(root, 'fifo')]);
    expect(await bad('write', { path: '.git/hooks/x', content: 'x' })).toContain('belongs to git');
    expect(await bad('read', { path: '.git/config' })).toContain('belongs to git');
    expect(await bad('read', { path: 'fifo' })).toContain('neither a file nor a directory');
    expect(await bad('write', { path: 'fifo', content: 'x' })).toContain('neither a file nor a directory');
    expect(await bad('read', { path: 'a\0b' })).toContain('no NUL');
  });

  it('whatever they are, lead nowhere else', async () => {
    put('in.txt', 'x');
    const parts = fc.array(fc.constantFrom('..', '.', 'in.txt', 'new', '', 'a b', '~', '%2e%2e', '\\..'), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(parts, fc.boolean(), async (names, absolute) => {
        await call('write', { path: `${absolute ? '/' : ''}${names.join('/')}` || '.', content: 'planted' });
        expect(execFileSync('find', [base, '-path', root, '-prune', '-o', '-print'], { encoding: 'utf8' }).trim().split('\n')).toEqual([
          base,
          join(base, 'secret.txt'),
        ]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('list', () => {
  it('shows the nearest first, and marks directories and symlinks', async () => {
    put('b/deep/x.txt', '');
    put('b/y.txt', '');
    put('a.txt', '');
    put('.git/config', '');
    put('node_modules/p/index.js', '');
    symlinkSync('a.txt', join(root, 'z'));
    expect(await good('list', {})).toBe('a.txt\nb/\nz@\nb/deep/\nb/y.txt\nb/deep/x.txt');
    expect(await good('list', { path: 'b' })).toBe('deep/\ny.txt\ndeep/x.txt');
    expect(await bad('list', { path: 'a.txt' })).toContain('is a file; use read');
    expect(await bad('list', { path: 'c' })).toContain('there is no `c`');
  });

  it('passes over a directory that cannot be read', async () => {
    put('src/a', '');
    mkdirSync(Buffer.concat([Buffer.from(`${root}/odd`), Buffer.from([0xff])]));
    expect((await good('list', {})).split('\n')).toEqual(['odd\ufffd/', 'src/', 'src/a']);
  });

  it('is bounded', async () => {
    for (let at = 0; at < 450; at++) put(`f${at}`, '');
    const lines = (await good('list', {})).split('\n');
    expect(lines).toHaveLength(401);
    expect(lines.at(-1)).toContain('and more');
  });
});

describe('read', () => {
  it('gives a part, and says where to read on', async () => {
    put('a.txt', Array.from({ length: 1200 }, (_, at) => `line ${at + 1}\n`).join(''));
    const whole = await good('read', { path: 'a.txt' });
    expect(whole).toMatch(/^a.txt, lines 1 to 500 of 1200:\nline 1\n/);
    expect(whole).toMatch(/line 500\n… 700 more lines; read on from 501$/);
    expect(await good('read', { path: 'a.txt', from: 1199, lines: 1 })).toBe(
      'a.txt, lines 1199 to 1199 of 1200:\nline 1199\n… 1 more line; read on from 1200',
    );
    expect(await bad('read', { path: 'a.txt', from: 1201 })).toBe('`a.txt` has 1200 lines only');
  });

  it('is bounded in long lines and in all', async () => {
    put('long.txt', `${'x'.repeat(10_000)}\n`.repeat(100));
    const text = await good('read', { path: 'long.txt' });
    expect(text.length).toBeLessThan(32_000);
    expect(text).toContain('read on from');
  });

  it('refuses what is no text, and what is huge', async () => {
    put('nul.bin', Buffer.from([1, 0, 2]));
    put('latin.txt', Buffer.from([0x68, 0xe9, 0x6c]));
    put('huge.txt', 'y'.repeat(6_000_000));
    put('empty.txt', '');
    expect(await bad('read', { path: 'nul.bin' })).toContain('is no text (3 bytes)');
    expect(await bad('read', { path: 'latin.txt' })).toContain('is no text');
    expect(await bad('edit', { path: 'latin.txt', old: 'h', new: 'H' })).toContain('is no text');
    expect(await bad('read', { path: 'huge.txt' })).toContain('has 6 MB; use run');
    expect(await good('read', { path: 'empty.txt' })).toBe('empty.txt is empty');
    expect(await bad('read', { path: '.' })).toContain('is a directory; use list');
    expect(await bad('read', { path: 'empty.txt/x' })).toContain('lies below a file');
  });
});

describe('edit', () => {
  it('replaces the one place, and keeps mode and line ends', async () => {
    put('a.sh', '#!/bin/sh\r\necho one\r\necho two\r\n');
    chmodSync(join(root, 'a.sh'), 0o755);
    expect(await good('edit', { path: 'a.sh', old: 'echo one\necho two\n', new: 'echo three\n$& $1\n' })).toBe('a.sh: replaced at line 2');
    expect(get('a.sh')).toBe('#!/bin/sh\r\necho three\r\n$& $1\r\n');
    expect(statSync(join(root, 'a.sh')).mode & 0o777).toBe(0o755);
  });

  it('says why it did nothing', async () => {
    put('a.js', 'const a = 1;\nconst a = 1;\naaa\n');
    expect(await bad('edit', { path: 'a.js', old: 'const a = 1;', new: 'x' })).toContain('stands in `a.js` 2 times');
    expect(await bad('edit', { path: 'a.js', old: 'aa', new: 'x' })).toContain('2 times');
    expect(await bad('edit', { path: 'a.js', old: 'const  a = 1;\n\nconst', new: 'x' })).toContain('with other white space');
    expect(await bad('edit', { path: 'a.js', old: 'nowhere', new: 'x' })).not.toContain('white space');
    expect(await bad('edit', { path: 'a.js', old: 'aaa', new: 'aaa' })).toContain('the same');
    expect(await bad('edit', { path: 'b.js', old: 'a', new: 'b' })).toContain('there is no `b.js`');
    expect(get('a.js')).toBe('const a = 1;\nconst a = 1;\naaa\n');
  });
});

describe('write', () => {
  it('makes files with their directories, and replaces them', async () => {
    expect(await good('write', { path: 'x/y/z.txt', content: 'one\ntwo\n' })).toBe('x/y/z.txt: made, 2 lines');
    expect(await good('write', { path: 'x/y/z.txt', content: '' })).toBe('x/y/z.txt: replaced, 0 lines');
    expect(get('x/y/z.txt')).toBe('');
    expect(await bad('write', { path: 'x', content: '' })).toContain('is a directory');
    expect(await bad('write', { path: 'big', content: 'x'.repeat(1_000_001) })).toContain('more than 1 MB');
    expect(await bad('write', { path: 'x/y/z.txt/w', content: '' })).toContain('lies below a file');
  });
});

describe('search', () => {
  it('names file, line and text', async () => {
    put('a.txt', 'one\nTwo\n');
    put('d/b.txt', 'two\n');
    put('bin', Buffer.from('two\0'));
    put('node_modules/c.txt', 'two\n');
    symlinkSync('../a.txt', join(root, 'd/link.txt'));
    expect(await good('search', { pattern: 'two' })).toBe('d/b.txt:1: two');
    expect(await good('search', { pattern: '(?i)^TWO$' })).toBe('a.txt:2: Two\nd/b.txt:1: two');
    expect(await good('search', { pattern: 'o', path: 'a.txt' })).toBe('a.txt:1: one\na.txt:2: Two');
    expect(await good('search', { pattern: 'three' })).toBe('no match');
    expect(await bad('search', { pattern: '(' })).toContain('no regular expression');
    expect(await bad('search', { pattern: 'x', path: 'gone' })).toContain('there is no `gone`');
  });

  it('is bounded in matches and in the length of a line', async () => {
    put('a.txt', `${'m'.repeat(1000)}\n`.repeat(500));
    const lines = (await good('search', { pattern: 'm' })).split('\n');
    expect(lines).toHaveLength(101);
    expect(lines[0]?.length).toBeLessThan(330);
    expect(lines.at(-1)).toContain('there are more');
  });

  it('looks through thousands of files in its time', async () => {
    for (let k = 0; k < 6000; k++) put(`d${k % 60}/f${k}.txt`, `line ${k}\n`);
    expect(await good('search', { pattern: '^line 59\\d\\d$' })).toMatch(/^(d\d+\/f59\d\d\.txt:1: line 59\d\d(\n|$)){100}$/);
    expect(await good('search', { pattern: 'nowhere' })).toBe('no match');
  });

  it('ends a pattern that takes for ever, also in the last of many files', async () => {
    for (let k = 0; k < 50; k++) put(`a${k}.txt`, 'aaa\n');
    put('b.txt', `${'a'.repeat(50)}!\n`);
    const start = performance.now();
    expect(await bad('search', { pattern: '^(a+)+$' })).toContain('took too long');
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

describe('run', () => {
  it('gives status and output of both streams, cleaned', async () => {
    expect(await good('run', { command: 'printf "\\033[31mred\\033[0m\\n"; pwd >&2' })).toMatch(
      /^exit status 0\n(?=[\s\S]*red\n?)[\s\S]*work/,
    );
    expect(await bad('run', { command: 'echo no; exit 3' })).toBe('exit status 3\nno');
    expect(await good('run', { command: 'true' })).toBe('exit status 0, no output');
    expect(await bad('run', { command: 'kill -9 $$' })).toBe('ended by SIGKILL, no output');
    expect(await bad('run', { command: 'no-such-program-here' })).toContain('exit status 127');
  });

  it('keeps the beginning and the end of a long output', async () => {
    const text = await good('run', { command: 'seq 1 100000' });
    expect(text.length).toBeLessThan(25_000);
    expect(text).toMatch(/^exit status 0\n1\n2\n/);
    expect(text).toMatch(/\[… \d+ bytes left out …\][\s\S]*\n100000$/);
  });

  it('says so of a command that cannot be one', async () => {
    expect(await bad('run', { command: 'echo a\0b' })).toContain('a command holds no NUL');
    expect(await bad('run', { command: 'é'.repeat(90_000) })).toContain('E2BIG');
  });

  it('has no input', async () => {
    expect(await good('run', { command: 'cat; echo end' })).toBe('exit status 0\nend');
  });

  it('leaves nothing running in the background', async () => {
    const start = performance.now();
    expect(await good('run', { command: 'sleep 300.517 & sleep 0.1; echo $!' })).toMatch(/^exit status 0\n\d+$/);
    expect(performance.now() - start).toBeLessThan(10_000);
    await expect.poll(() => sleepers('300.517')).toEqual([]);
  });

  it('leaves nothing that has a session of its own', async () => {
    const command = "setsid sh -c 'sleep 300.518 & sleep 300.518' & nohup setsid -f sleep 300.518; sleep 0.3; echo started";
    expect(await good('run', { command })).toContain('started');
    expect(sleepers('300.518')).toEqual([]);
  });

  it('does not wait for what left the group and its environment and holds the pipe', async () => {
    const start = performance.now();
    const text = await good('run', { command: 'env -i setsid -f sleep 30.519; sleep 0.3; echo started' });
    expect(text).toContain('started');
    expect(performance.now() - start).toBeLessThan(10_000);
    for (const pid of sleepers('30.519')) process.kill(Number(pid), 'SIGKILL');
  });

  it('ends what takes too long, with its children', async () => {
    expect(await bad('run', { command: 'echo begun; sh -c "sleep 301.517; true"; true', timeout_seconds: 1 })).toBe(
      'ended after 1 s, which was its limit\nbegun',
    );
    await expect.poll(() => sleepers('301.517')).toEqual([]);
  });

  it('ends at once when the run is stopped', async () => {
    const stop = new AbortController();
    const running = call('run', { command: 'sleep 302.517; true' }, stop.signal);
    await expect.poll(() => sleepers('302.517')).toHaveLength(1);
    stop.abort();
    expect((await running).failed).toBe(true);
    await expect.poll(() => sleepers('302.517')).toEqual([]);
    expect((await call('run', { command: 'touch late' }, stop.signal)).failed).toBe(true);
    expect(existsSync(join(root, 'late'))).toBe(false);
  });
});

/** Processes that sleep for so long. */
function sleepers(seconds: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^[0-9]+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${seconds}\0`;
    } catch {
      return false;
    }
  });
}
