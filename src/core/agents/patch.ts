/**
 * The agent without a model (`kind: patch`): applies the diffs and files that
 * the issue gives, all of them or none, and leaves a result as every agent
 * does. It starts git on the host, in a directory of its own that holds copies
 * of the touched files only: no configuration of the workspace is read.
 */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { ensureDirectory } from '../atomic-file.ts';
import { AgentOsError, toIoError } from '../errors.ts';
import { findProgram, runProcess } from '../process.ts';
import { cleanLine, plural } from '../text.ts';
import type { Agent, AgentReply, AgentRequest } from './agent.ts';
import type { IssueBlock } from './issue-blocks.ts';
import { type AgentResult, renderResult } from './result.ts';
import { Staging } from './staging.ts';
import { parseDiff, withCrlf } from './unified-diff.ts';

const GIT_TIMEOUT_MS = 60_000;
/** Paths named in the result; the tree tells the rest. */
const MAX_NAMED = 150;

/** @param path PATH, where `git` is looked for */
export function openPatchAgent(name: string, options: { path: string }): Agent {
  return {
    name,
    kind: 'patch',
    async probe() {
      if (findProgram('git', options.path) !== undefined) return { ready: true };
      return { ready: false, reason: 'the program `git` is not on PATH' };
    },
    async run(request: AgentRequest, signal: AbortSignal): Promise<AgentReply> {
      const began = performance.now();
      const reply = (ended: AgentReply['ended'], exitCode: number | null) => ({
        ended,
        exitCode,
        durationMs: Math.round(performance.now() - began),
      });
      if (signal.aborted) return reply('stopped', null);
      const result = await applyIssue(request, options.path, signal);
      if (result === undefined) return reply('stopped', null);
      writeResult(request, result);
      return reply('exited', result.status === 'complete' ? 0 : 1);
    },
  };
}

/** `undefined` when it was stopped; the tree is unchanged then. */
async function applyIssue(request: AgentRequest, path: string, signal: AbortSignal): Promise<AgentResult | undefined> {
  const { parseIssueBlocks } = await import('./issue-blocks.ts');
  const blocks = parseIssueBlocks(request.issueText);
  if (blocks.length === 0) {
    const reason = 'The issue has no fenced `diff` block and no fenced block with `file=PATH`: there is nothing to apply.';
    return blocked('missing_context', reason, 'Add the change to the issue as a `diff` block, or give it to another agent.');
  }
  const scratch = makeScratch(request.home);
  const staging = new Staging(request.workspace, join(scratch, 'tree'));
  try {
    for (const [index, block] of blocks.entries()) {
      if (signal.aborted) return undefined;
      const failure = await tryBlock(block, staging, scratch, path);
      if (failure !== undefined) return failed(nameBlock(block, index), failure);
    }
    const changed = tryApply(staging);
    return typeof changed === 'string' ? failed('The change', changed) : complete(blocks.length, changed);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function makeScratch(home: string): string {
  ensureDirectory(home);
  try {
    const scratch = mkdtempSync(join(home, 'patch-'));
    mkdirSync(join(scratch, 'no-repository'));
    return scratch;
  } catch (error) {
    throw toIoError(error, `write in \`${home}\``);
  }
}

/** Why the block cannot be applied, `undefined` when it was. */
async function tryBlock(block: IssueBlock, staging: Staging, scratch: string, path: string): Promise<string | undefined> {
  try {
    if (block.kind === 'diff') return await applyDiff(block.text, staging, scratch, path);
    staging.write(block.path, block.text);
    return undefined;
  } catch (error) {
    if (error instanceof AgentOsError && error.code === 'refused') return error.message;
    throw error;
  }
}

function tryApply(staging: Staging): string[] | string {
  try {
    return staging.apply();
  } catch (error) {
    if (error instanceof AgentOsError && error.code === 'refused') return error.message;
    throw error;
  }
}

/**
 * First as written; then with the counts of the hunks repaired; then for files
 * whose lines end with CR LF, which Markdown loses; then without git's demand
 * that a hunk with no context at its end lies at the end of the file.
 */
async function applyDiff(text: string, staging: Staging, scratch: string, path: string): Promise<string | undefined> {
  const diff = parseDiff(text);
  if (diff.paths.length === 0) return 'it names no file: a diff needs `--- a/PATH` and `+++ b/PATH` lines and hunks';
  // git would put such lines at the end of the file, whatever the hunk says.
  if (diff.located === 'nothing') return 'a hunk shows no line of the file that it changes, so its place is not certain';
  for (const touched of diff.paths) staging.add(touched);
  const crlf = withCrlf(diff, (touched) => staging.isCrlf(touched));
  const variants = [...new Set([diff.text, diff.repaired, crlf])].map((variant) => ({ variant, options: [`-p${diff.strip}`] }));
  if (diff.located === 'words') variants.push({ variant: crlf, options: [`-p${diff.strip}`, '--unidiff-zero'] });
  let failure: string | undefined;
  for (const { variant, options } of variants) {
    const words = await gitApply(variant, options, staging.root, scratch, path);
    if (words === undefined) return undefined;
    // What git says of the diff as it was written is what its author can act on, unless only the counts were wrong.
    if (failure === undefined || /corrupt patch/.test(failure)) failure = words;
  }
  return failure;
}

/** git's complaint, `undefined` when it applied. */
async function gitApply(diff: string, options: string[], cwd: string, scratch: string, path: string): Promise<string | undefined> {
  const env = {
    PATH: path,
    HOME: scratch,
    LC_ALL: 'C',
    GIT_DIR: join(scratch, 'no-repository'),
    GIT_CEILING_DIRECTORIES: scratch,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
  };
  const argv = ['git', 'apply', ...options, '--whitespace=nowarn', '-'];
  const result = await runProcess(argv, { cwd, env, input: diff, timeoutMs: GIT_TIMEOUT_MS });
  if (result.exitCode === 0) return undefined;
  const words = result.stderr
    .split('\n')
    .map((line) => line.replace(/^(?:error|fatal): /, ''))
    .filter((line) => line !== '' && !line.startsWith('hint:'));
  return words.length === 0 ? `git ended by ${result.ended}, exit ${result.exitCode}` : cleanLine(words.join('; '), 500);
}

function nameBlock(block: IssueBlock, index: number): string {
  const what = block.kind === 'file' ? `the file \`${cleanLine(block.path, 100)}\`` : 'a diff';
  return `Block ${index + 1} (${what}, line ${block.line} of the issue)`;
}

function failed(block: string, reason: string): AgentResult {
  const summary = `${block} does not apply: ${cleanLine(reason, 600)}. Nothing was changed.`;
  return blocked('manual_intervention_required', summary, 'Bring the block in line with the base branch, then make the issue Ready again.');
}

function blocked(blockerCode: NonNullable<AgentResult['blockerCode']>, summary: string, nextStep: string): AgentResult {
  return { ...emptyResult(), status: 'blocked', blockerCode, summary, blockers: [summary], nextStep };
}

function complete(blocks: number, changed: string[]): AgentResult {
  const named = changed.slice(0, MAX_NAMED).map((path) => cleanLine(path, 300));
  const summary = `Applied ${plural(blocks, 'block')} of the issue; ${plural(changed.length, 'file')} changed.`;
  return { ...emptyResult(), status: 'complete', summary, done: [summary], filesChanged: named };
}

function emptyResult(): Omit<AgentResult, 'status' | 'blockerCode' | 'summary'> {
  return {
    done: [],
    blockers: [],
    nextStep: '',
    filesChanged: [],
    testsRun: [],
    decisions: [],
    risks: [],
    attemptedApproaches: [],
    manualSteps: [],
    notes: [],
  };
}

/** A new file in the place of whatever the repository has under that name, a symlink too. */
function writeResult(request: AgentRequest, result: AgentResult): void {
  const text = renderResult(result);
  try {
    rmSync(request.resultFile, { recursive: true, force: true });
    writeFileSync(request.resultFile, text, { flag: 'wx', mode: 0o644 });
    appendFileSync(request.transcript, text, { mode: 0o600 });
  } catch (error) {
    throw toIoError(error, `write the result \`${request.resultFile}\``);
  }
}
