import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentRequest } from '../../../src/core/agents/agent.ts';
import { openCommandAgent } from '../../../src/core/agents/command.ts';
import { openAgents } from '../../../src/core/agents/registry.ts';
import { renderResultTemplate } from '../../../src/core/agents/result.ts';
import { readResultFile } from '../../../src/core/agents/result-file.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { Sandbox } from '../../../src/core/sandbox/sandbox.ts';
import { commitFiles, git, makeRequest } from '../../support/agent-request.ts';
import { DRIVERS, makePlace, openDriver, PATH, type Place } from '../../support/sandboxes.ts';

const FAKE = fileURLToPath(new URL('../../support/fake-agent.mjs', import.meta.url));
const never = new AbortController().signal;

let place: Place;
let sandbox: Sandbox;
let program: string;
afterEach(() => place.remove());

async function open(kind: Sandbox['kind']): Promise<void> {
  place = makePlace();
  sandbox = await openDriver(kind, place);
  commitFiles(place.workspace, { 'work.txt': 'base\n' });
  // Beside the configuration, where nothing else is shown.
  program = join(place.root, 'agents', 'fake');
  mkdirSync(join(place.root, 'agents'));
  copyFileSync(FAKE, program);
  chmodSync(program, 0o755);
}

const agent = (mode: string, ...args: string[]) =>
  openCommandAgent('house', { command: [program, mode, ...args], sandbox: async () => sandbox, path: PATH });
const run = (mode: string, args: string[] = [], more: Partial<AgentRequest> = {}, signal = never) =>
  agent(mode, ...args).run(makeRequest(place, more), signal);
const report = () => readResultFile(place.workspace);

describe.each(DRIVERS)('a command agent, $kind', ({ kind, there }) => {
  describe.skipIf(!there)('keeps the contract', () => {
    beforeEach(() => open(kind));

    it('gets prompt, files and variables, and its result is read', async () => {
      const reply = await run('record', [], { prompt: 'Do € this.\n', attempt: 3 });
      expect(reply).toMatchObject({ ended: 'exited', exitCode: 0 });
      expect(JSON.parse(readFileSync(join(place.workspace, 'told.json'), 'utf8'))).toEqual({
        stdin: 'Do € this.\n',
        file: 'Do € this.\n',
        told: {
          AGENTOS_PROMPT_FILE: join(place.root, 'prompt.md'),
          AGENTOS_TASK_ID: 'acme__shop-12-1',
          AGENTOS_ATTEMPT: '3',
          AGENTOS_RESULT_FILE: join(place.workspace, '.agent_result.md'),
          AGENTOS_RUN: makeRequest(place).mark,
        },
      });
      expect(report()).toMatchObject({ result: { status: 'complete' } });
    });

    it.each([
      ['ok', { result: { status: 'complete', filesChanged: ['work.txt'] } }],
      ['crlf', { result: { status: 'complete', filesChanged: ['work.txt'] } }],
      ['exit1', { result: { status: 'complete' } }],
      ['blockeddiff', { result: { status: 'blocked', blockerCode: 'test_failure' } }],
      ['partial', { result: { status: 'partial' } }],
      ['delete-git', { result: { status: 'complete' } }],
      ['lock', { result: { status: 'complete' } }],
      ['branch', { result: { status: 'complete' } }],
      ['noresult', { problem: 'no_result' }],
      ['rmrf', { problem: 'no_result' }],
      ['torn', { problem: 'invalid_result' }],
      ['tworesults', { problem: 'invalid_result' }],
      ['symlink', { problem: 'invalid_result' }],
      ['fifo', { problem: 'invalid_result' }],
      ['dir', { problem: 'invalid_result' }],
      ['hardlink', { problem: 'invalid_result' }],
      ['huge', { problem: 'invalid_result' }],
    ])('%s ends in a clear report', async (mode, expected) => {
      expect(await run(mode)).toMatchObject({ ended: 'exited' });
      expect(report()).toMatchObject(expected);
    });

    it('is not believed when it gives the template back', async () => {
      await run('echo', [renderResultTemplate()]);
      expect(report()).toMatchObject({ problem: 'invalid_result', reason: expect.stringContaining('placeholder') });
    });

    it('can use git in its clone', async () => {
      await run('branch');
      expect(git(place.workspace, 'log', '--format=%an %s', '-1').trim()).toBe('Agent Work on another branch');
    });
  });
});

describe.each(DRIVERS)('a command agent, $kind', ({ kind, there }) => {
  describe.skipIf(!there)('is bounded', () => {
    beforeEach(() => open(kind));

    it('by wall clock, silence and signal', async () => {
      expect(await run('drip', [], { timeoutMs: 400 })).toMatchObject({ ended: 'timeout' });
      expect(await run('hang', [], { silenceMs: 400 })).toMatchObject({ ended: 'stalled' });
      expect(await run('hang', [], {}, AbortSignal.timeout(400))).toMatchObject({ ended: 'stopped' });
    });

    it('to 5 MB of transcript', async () => {
      expect(await run('bigout', ['8'])).toMatchObject({ ended: 'exited', exitCode: 0 });
      expect(statSync(place.transcript).size).toBe(5_000_000);
    });

    it('by type: a program that is not there, cannot run, or lacks its interpreter is unavailable', async () => {
      const gone = openCommandAgent('gone', { command: ['/nowhere/agent'], sandbox: async () => sandbox, path: PATH });
      expect(await gone.probe()).toEqual({ ready: false, reason: 'there is no executable `/nowhere/agent`' });
      await expect(gone.run(makeRequest(place), never)).rejects.toMatchObject({ code: 'unavailable' });
      writeFileSync(program, '#!/nowhere/interpreter\n');
      expect(await agent('ok').probe()).toEqual({ ready: true });
      await expect(run('ok')).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('`house`') });
      writeFileSync(program, '#!/usr/bin/env no-such-interpreter\n');
      await expect(run('ok')).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('127') });
    });
  });
});

describe('openAgents', () => {
  beforeEach(() => open('unconfined'));

  it('opens every configured agent by its kind, and starts nothing', async () => {
    const limits = { timeout_minutes: 1, silence_minutes: 1 };
    let opened = 0;
    const counted = async () => {
      opened++;
      return sandbox;
    };
    const agents = openAgents({
      agents: { house: { kind: 'command', command: [program, 'ok'], ...limits }, patch: { kind: 'patch', ...limits } },
      sandbox: counted,
      path: PATH,
      env: {},
      clock: systemClock,
      prices: {},
    });
    expect([...agents].map(([name, { name: own, kind }]) => [name, own, kind])).toEqual([
      ['house', 'house', 'command'],
      ['patch', 'patch', 'patch'],
    ]);
    expect(opened).toBe(0);
    await agents.get('house')?.run(makeRequest(place), never);
    expect([opened, existsSync(join(place.workspace, '.agent_result.md'))]).toEqual([1, true]);
  });
});
