/** An attempt's directory with a real clone, and the request that an agent gets for it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AgentRequest } from '../../src/core/agents/agent.ts';
import type { Place } from './sandboxes.ts';

/** Makes the workspace a git repository with these files committed. */
export function commitFiles(workspace: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  }
  git(workspace, 'init', '-q', '-b', 'main');
  git(workspace, 'add', '-A', '-f');
  git(workspace, '-c', 'user.name=T', '-c', 'user.email=t@example.com', 'commit', '-q', '-m', 'Base', '--allow-empty');
}

export function git(cwd: string, ...argv: string[]): string {
  return execFileSync('git', argv, {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nowhere', GIT_CONFIG_NOSYSTEM: '1' },
  });
}

export function makeRequest(place: Place, more: Partial<AgentRequest> = {}): AgentRequest {
  const promptFile = join(place.root, 'prompt.md');
  const prompt = more.prompt ?? 'Do the task.\n';
  writeFileSync(promptFile, prompt);
  return {
    task: 'acme__shop-12-1',
    attempt: 1,
    prompt,
    promptFile,
    workspace: place.workspace,
    issueText: '',
    resultFile: join(place.workspace, '.agent_result.md'),
    objects: [],
    home: place.home,
    transcript: place.transcript,
    timeoutMs: 20_000,
    silenceMs: 20_000,
    mark: `agent-test-${process.pid}`,
    ...more,
  };
}
