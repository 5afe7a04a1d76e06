/**
 * A model that does a coding task, whatever asks it: the steps are the same, and
 * become calls of the tools that the request offers. Where it stands it reads
 * from the conversation alone, so that runs which start again or run side by
 * side do not disturb each other. Paths are relative; it knows no directory.
 */
import type { Asked, Call, ScriptedReply, ScriptFunction } from './model-server.ts';

export type Step = { read: string } | { write: string; content: string } | { edit: string; old: string; new: string } | { run: string };

export interface CodingTask {
  /** Content by path; each is looked at and then written. */
  files?: Readonly<Record<string, string>>;
  /** Each is looked at and then changed in one place. */
  edits?: readonly { path: string; old: string; new: string }[];
  /** Commands after that, such as the tests. */
  run?: readonly string[];
  /** Content of the result file; a complete one without it, none at all for `false`. */
  result?: string | false;
  /** The last words. */
  text?: string;
  /** Before each answer. */
  delayMs?: number;
  /** To requests that offer no tools, such as titles and summaries; `OK.` or `{}` without it. */
  beside?: ScriptFunction;
}

/** What each answer says it used. */
export const STEP_USAGE = { inputTokens: 1200, cacheRead: 5000, cacheWrite: 300, outputTokens: 42 };

export function codingScript(task: CodingTask): ScriptFunction {
  const turns = toTurns(task);
  return (asked, count) => {
    const tools = findTools(asked);
    if (!tools) return task.beside?.(asked, count) ?? { text: asked.wantsJson ? '{}' : 'OK.' };
    const usual = { ...STEP_USAGE, ...(task.delayMs !== undefined && { delayMs: task.delayMs }) };
    const steps = turnAt(turns, asked.results.length);
    if (!steps) return { ...usual, text: task.text ?? 'All done.' };
    const text = asked.results.length === 0 ? 'I look at what is there first.' : '';
    return { ...usual, text, calls: steps.map((step) => tools(step)) };
  };
}

/** Asks for the same command for ever. */
export function endlessScript(command = 'true'): ScriptFunction {
  return (asked) => {
    const tools = findTools(asked);
    return tools ? { ...STEP_USAGE, calls: [tools({ run: command })] } : { text: 'OK.' };
  };
}

/** Only says that it is done. */
export const IDLE_SCRIPT: readonly ScriptedReply[] = [{ ...STEP_USAGE, text: 'All done.' }];

/** A filled-in result file that says `complete`. */
export function completeResult(files: readonly string[]): string {
  const changed = files.map((file) => `- ${file}\n`).join('');
  return `STATUS: complete\nBLOCKER_CODE: none\n\nSUMMARY:\nDid what was asked.\n\nDONE:\n- the work\n\nFILES_CHANGED:\n${changed || '- none\n'}`;
}

/** Steps by turns: it reads everything at once, then does one thing after the other. */
function toTurns({ files = {}, edits = [], run = [], result }: CodingTask): Step[][] {
  const paths = [...Object.keys(files), ...edits.map(({ path }) => path)];
  const report = result ?? completeResult([...new Set(paths)]);
  const steps: Step[] = [
    ...Object.entries(files).map(([write, content]) => ({ write, content })),
    ...edits.map(({ path, ...change }) => ({ edit: path, ...change })),
    ...run.map((command) => ({ run: command })),
    ...(report === false ? [] : [{ write: '.agent_result.md', content: report }]),
  ];
  return [...new Set(paths)].length > 0
    ? [[...new Set(paths)].map((read) => ({ read })), ...steps.map((step) => [step])]
    : steps.map((step) => [step]);
}

/** The turn that comes after so many results; `undefined` at the end. */
function turnAt(turns: readonly Step[][], results: number): Step[] | undefined {
  let before = 0;
  for (const turn of turns) {
    if (before >= results) return turn;
    before += turn.length;
  }
  return undefined;
}

type Tools = (step: Step) => Call;

/** By a tool that only they offer, in order of preference. */
const FAMILIES: readonly [mark: string, tools: Tools][] = [
  ['Write', claudeTools],
  ['exec_command', (step) => ({ name: 'exec_command', input: { cmd: toShell(step), yield_time_ms: 30_000 } })],
  ['shell_command', (step) => ({ name: 'shell_command', input: { command: toShell(step) } })],
  ['shell', (step) => ({ name: 'shell', input: { command: ['bash', '-c', toShell(step)] } })],
  ['run_shell_command', geminiTools],
  ['run', ownTools],
];

function findTools({ tools }: Asked): Tools | undefined {
  return FAMILIES.find(([mark]) => tools.includes(mark))?.[1];
}

function claudeTools(step: Step): Call {
  if ('read' in step) return { name: 'Read', input: { file_path: step.read } };
  if ('write' in step) return { name: 'Write', input: { file_path: step.write, content: step.content } };
  if ('edit' in step) return { name: 'Edit', input: { file_path: step.edit, old_string: step.old, new_string: step.new } };
  return { name: 'Bash', input: { command: step.run, description: 'Run a command' } };
}

function geminiTools(step: Step): Call {
  if ('read' in step) return { name: 'read_file', input: { file_path: step.read } };
  if ('write' in step) return { name: 'write_file', input: { file_path: step.write, content: step.content } };
  if ('edit' in step) {
    const input = { file_path: step.edit, instruction: 'Change this place.', old_string: step.old, new_string: step.new };
    return { name: 'replace', input };
  }
  return { name: 'run_shell_command', input: { command: step.run, description: 'Run a command' } };
}

function ownTools(step: Step): Call {
  if ('read' in step) return { name: 'read', input: { path: step.read } };
  if ('write' in step) return { name: 'write', input: { path: step.write, content: step.content } };
  if ('edit' in step) return { name: 'edit', input: { path: step.edit, old: step.old, new: step.new } };
  return { name: 'run', input: { command: step.run } };
}

/** For programs that have no tool but a shell. */
function toShell(step: Step): string {
  if ('read' in step) return `cat -- ${quote(step.read)}`;
  if ('write' in step) {
    const directory = /^(.+)\/[^/]+$/.exec(step.write)?.[1];
    return `${directory === undefined ? '' : `mkdir -p -- ${quote(directory)} && `}printf %s ${quote(step.content)} > ${quote(step.write)}`;
  }
  if ('edit' in step) {
    const [file, old, now] = [step.edit, step.old, step.new].map(quote);
    // The x keeps line ends that the shell would take away.
    const load = `t=$(cat -- ${file} && echo x) && t=\${t%x} && old=${old} && new=${now}`;
    const save = `printf %s%s%s "\${t%%"$old"*}" "$new" "\${t#*"$old"}" > ${file}`;
    return `${load} && case $t in *"$old"*) ${save};; *) echo 'no such text' >&2; exit 1;; esac`;
  }
  return step.run;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
