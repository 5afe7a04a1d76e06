/** Does what the model asks for, and turns whatever goes wrong into words for it. */
import { AgentOsError, errnoOf, messageOf } from '../../errors.ts';
import { cleanLine } from '../../text.ts';
import { bound } from './compact.ts';
import type { ToolCall, ToolResult } from './conversation.ts';
import { edit, list, read, write } from './file-tools.ts';
import { ToolProblem } from './inside.ts';
import { type CommandEnd, runCommand } from './run-command.ts';
import { search } from './search-tool.ts';
import { type CheckedCall, checkCall } from './tool-forms.ts';

/** Longest result, in characters. */
const MOST_RESULT = 32_000;

export interface Workspace {
  /** The working directory. */
  root: string;
  /** Environment of commands. */
  env: NodeJS.ProcessEnv;
  /** Milliseconds of a clock that only runs forward. */
  now: () => number;
}

/** Never rejects for what the model asked. */
export async function callTool(workspace: Workspace, call: ToolCall, signal: AbortSignal): Promise<ToolResult> {
  const end = await perform(workspace, call, signal);
  return { id: call.id, tool: call.tool, text: bound(end.text, MOST_RESULT), failed: end.failed };
}

async function perform(workspace: Workspace, call: ToolCall, signal: AbortSignal): Promise<CommandEnd> {
  const checked = checkCall(call);
  if ('problem' in checked) return { text: checked.problem, failed: true };
  try {
    if (checked.call.tool === 'run') return await runCommand(workspace.root, checked.call.input, workspace.env, signal);
    return { text: touchFiles(workspace, checked.call), failed: false };
  } catch (error) {
    if (error instanceof ToolProblem) return { text: error.message, failed: true };
    if (error instanceof AgentOsError || errnoOf(error) !== undefined) return { text: cleanLine(messageOf(error)), failed: true };
    throw error;
  }
}

function touchFiles({ root, now }: Workspace, call: Exclude<CheckedCall, { tool: 'run' }>): string {
  switch (call.tool) {
    case 'list':
      return list(root, call.input);
    case 'read':
      return read(root, call.input);
    case 'search':
      return search(root, call.input, now);
    case 'edit':
      return edit(root, call.input);
    case 'write':
      return write(root, call.input);
  }
}
