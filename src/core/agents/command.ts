/**
 * Any program that honours the agent contract (`kind: command`, docs/agents.md):
 * it gets the prompt on stdin, runs in the sandbox without network, and leaves
 * its result in the workspace. Its exit status says only whether it was there
 * at all.
 */
import { AgentOsError } from '../errors.ts';
import { findProgram } from '../process.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Agent, AgentReply, AgentRequest } from './agent.ts';
import { listNames, refuseMissing } from './program.ts';

const OUTPUT_LIMIT_BYTES = 5_000_000;

export interface CommandAgentOptions {
  /** Program and arguments; a program with a slash in its name is an absolute path. */
  command: readonly string[];
  sandbox: () => Promise<Sandbox>;
  /** PATH, where a program without a slash is looked for. */
  path: string;
}

export function openCommandAgent(name: string, options: CommandAgentOptions): Agent {
  const program = options.command[0] ?? '';
  return {
    name,
    kind: 'command',
    async probe() {
      if (findProgram(program, options.path) !== undefined) return { ready: true };
      return { ready: false, reason: `there is no executable \`${program}\`` };
    },
    async run(request: AgentRequest, signal: AbortSignal): Promise<AgentReply> {
      const found = findProgram(program, options.path);
      if (found === undefined) throw new AgentOsError('unavailable', `agent \`${name}\`: there is no executable \`${program}\``);
      const sandbox = await options.sandbox();
      const exit = await sandbox.run(
        {
          argv: [found, ...options.command.slice(1)],
          cwd: request.workspace,
          writable: [request.workspace],
          readable: [request.promptFile, ...request.objects, ...listNames(found)],
          home: request.home,
          env: {
            AGENTOS_PROMPT_FILE: request.promptFile,
            AGENTOS_TASK_ID: request.task,
            AGENTOS_ATTEMPT: String(request.attempt),
            AGENTOS_RESULT_FILE: request.resultFile,
          },
          stdin: request.prompt,
          network: false,
          timeoutMs: request.timeoutMs,
          silenceMs: request.silenceMs,
          outputLimitBytes: OUTPUT_LIMIT_BYTES,
          transcript: request.transcript,
          mark: request.mark,
        },
        signal,
      );
      refuseMissing(name, exit);
      return { ended: exit.ended, exitCode: exit.exitCode, durationMs: exit.durationMs };
    },
  };
}
