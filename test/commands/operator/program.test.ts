import { describe, expect, it, vi } from 'vitest';
import { AgentOsError } from '../../../src/core/errors.ts';
import type { LoopRequest } from '../../../src/loop-request.ts';
import { runProgram } from '../../../src/program.ts';

interface Run {
  status: number;
  loop?: string;
  request?: LoopRequest;
  stdout: string;
  stderr: string;
}

async function run(...argv: string[]): Promise<Run> {
  const done: Run = { status: -1, stdout: '', stderr: '' };
  const capture = (stream: 'stdout' | 'stderr') =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      done[stream] += String(text);
      return true;
    });
  const out = capture('stdout');
  const err = capture('stderr');
  try {
    done.status = await runProgram(argv, new AbortController().signal, async (loop, request) => {
      Object.assign(done, { loop, request });
      return 42;
    });
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
  return done;
}

async function mistake(...argv: string[]): Promise<{ code: string; message: string; hint: string | undefined }> {
  const error = await run(...argv).catch((caught: unknown) => caught);
  if (!(error instanceof AgentOsError)) throw new Error(`agentos ${argv.join(' ')} was taken`);
  return { code: error.code, message: error.message, hint: error.hint };
}

const plain = { dryRun: false, json: false, verbose: false, quiet: false, repos: [], days: 7 };

describe('loops', () => {
  it.each<[string[], string, Partial<LoopRequest>]>([
    [['dispatch', '--once'], 'dispatch', {}],
    [['dispatch', '--repo', 'a/b', '--repo', 'a/c', '--dry-run'], 'dispatch', { repos: ['a/b', 'a/c'], dryRun: true }],
    [['queue', '--watch'], 'queue', { watch: 60 }],
    [['queue', '--watch', '5'], 'queue', { watch: 5 }],
    [['--json', '-v', 'pr-monitor', '-q'], 'pr-monitor', { json: true, verbose: true, quiet: true }],
    [['pr-monitor', '--json', '--config', 'x.yaml'], 'pr-monitor', { json: true, config: 'x.yaml' }],
    [['-c', 'x.yaml', 'groom', '--no-color'], 'groom', { config: 'x.yaml' }],
    [['plan', '--requirements', '-v', '--json'], 'plan', { requirements: '-v', json: true }],
    [['analyze-logs', '--days', '30'], 'analyze-logs', { days: 30 }],
  ])('%j', async (argv, loop, request) => {
    const done = await run(...argv);
    expect(done).toMatchObject({ status: 42, loop, stdout: '', stderr: '' });
    expect({ ...done.request }).toEqual({ ...plain, config: undefined, ...request });
  });
});

describe('mistakes', () => {
  it.each([
    [['stats'], 'unknown command `stats`', 'Did you mean `status`?'],
    [['config', 'chekc'], 'unknown command `chekc`', 'Did you mean `check`?'],
    [['status', '--jsn'], 'unknown option `--jsn`', 'Did you mean `--json`?'],
    [['show'], 'missing required argument `task`', 'Run `agentos show --help`.'],
    [['queue', '--once', '--watch', '5'], 'option `--watch [SECONDS]` cannot be used with option `--once`', 'Run `agentos queue --help`.'],
    [['approve', 'a/b#1'], 'required option `--sha <SHA>` not specified', 'Run `agentos approve --help`.'],
    [['frobnicate'], 'unknown command `frobnicate`', 'Run `agentos --help`.'],
  ])('%j', async (argv, message, hint) => {
    expect(await mistake(...argv)).toEqual({ code: 'usage', message, hint });
  });

  it.each([['0'], ['-1'], ['x'], ['1e9'], ['90000']])('--watch %s is refused', async (seconds) => {
    expect((await mistake('queue', `--watch=${seconds}`)).message).toMatch(/invalid/);
  });

  it.each([['0'], ['1.5'], ['9999']])('--days %s is refused', async (days) => {
    expect((await mistake('analyze-logs', '--days', days)).message).toMatch(/invalid/);
  });

  it('shows the help on stderr when there is no command', async () => {
    const done = await run();
    expect(done).toMatchObject({ status: 64, stdout: '' });
    expect(done.stderr).toContain('Usage: agentos');
  });
});

describe('help', () => {
  it.each([
    [['--version'], /^\d+\.\d+\.\d+\n$/],
    [['status', '--version'], /^\d+\.\d+\.\d+\n$/],
    [['--help'], /Loops, started by cron:\n {2}dispatch/],
    [['config', 'check', '--help'], /^Usage: agentos config check/],
  ])('%j', async (argv, expected) => {
    const done = await run(...argv);
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(done.stdout).toMatch(expected);
  });

  it('names an exit status for every command that a person types, and every command in the help', async () => {
    const { stdout } = await run('--help');
    const names = [...stdout.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name);
    expect(names).toEqual(expect.arrayContaining(['dispatch', 'queue', 'status', 'show', 'explain', 'init', 'gc', 'fsck', 'local']));
    for (const name of names.filter((one) => !['config', 'cron', 'local', 'help'].includes(one))) {
      expect((await run(name, '--help')).stdout, name).toContain('Exit status: 0');
    }
  });
});
