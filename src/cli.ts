/**
 * The command line. A loop with plain options, which is what cron runs every
 * minute, is read by hand here and started at once; everything else, help and
 * mistakes included, goes to the option parser in `program.ts`.
 */
import { openContext } from './context.ts';
import { AgentOsError, exitStatus } from './core/errors.ts';
import type { Output, Ports } from './core/ports.ts';
import { guardStreams } from './core/streams.ts';
import type { LoopName, LoopRequest } from './loop-request.ts';

/** The six loops. Each is imported when it is called. */
const LOOPS = {
  dispatch: async () => (await import('./commands/dispatch/command.ts')).runDispatch,
  queue: async () => (await import('./commands/queue/command.ts')).runQueue,
  'pr-monitor': async () => (await import('./commands/pr-monitor/command.ts')).runPrMonitor,
  'analyze-logs': async () => (await import('./commands/analyze-logs/command.ts')).runAnalyzeLogs,
  groom: async () => (await import('./commands/groom/command.ts')).runGroom,
  plan: async () => (await import('./commands/plan/command.ts')).runPlan,
} satisfies Record<LoopName, () => Promise<(options: LoopRequest, ports: Ports, out: Output) => Promise<number>>>;

const FLAGS: Record<string, Partial<LoopRequest>> = {
  '--once': {},
  '--no-color': {},
  '--dry-run': { dryRun: true },
  '--json': { json: true },
  '-v': { verbose: true },
  '--verbose': { verbose: true },
  '-q': { quiet: true },
  '--quiet': { quiet: true },
};

/** @returns the exit status. */
export async function runCli(argv: string[], signal: AbortSignal): Promise<number> {
  const plain = readPlainLoop(argv);
  if (plain) return runLoop(plain.loop, plain.request, signal);
  guardStreams();
  const { runProgram } = await import('./program.ts');
  return runProgram(argv, signal, runLoop);
}

/** Runs one pass of a loop, or one after another until a signal comes. */
async function runLoop(name: LoopName, request: LoopRequest, signal: AbortSignal): Promise<number> {
  const out = terminal();
  const run = await LOOPS[name]();
  const pass = async () => run(request, await openContext({ config: request.config, command: name, signal, out }), out);
  let status = await pass();
  if (request.watch === undefined) return status;
  while (!signal.aborted) {
    await pause(request.watch * 1000, signal);
    if (!signal.aborted) status = await orNote(pass, out);
  }
  return status;
}

/** As under cron, a pass that could not be made, on a full disk say, is no reason not to make the next one. */
async function orNote(pass: () => Promise<number>, out: Output): Promise<number> {
  try {
    return await pass();
  } catch (error) {
    if (!(error instanceof AgentOsError)) throw error;
    out.note(error.message);
    return exitStatus(error);
  }
}

function readPlainLoop(argv: string[]): { loop: LoopName; request: LoopRequest } | undefined {
  const [loop, ...rest] = argv;
  if (loop === undefined || !Object.hasOwn(LOOPS, loop)) return undefined;
  const request: LoopRequest = { dryRun: false, json: false, verbose: false, quiet: false, repos: [], days: 7 };
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] ?? '';
    const flag = Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
    if (flag) Object.assign(request, flag);
    else if ((word === '-c' || word === '--config') && isValue(rest[index + 1])) request.config = rest[++index];
    else return undefined;
  }
  return { loop: loop as LoopName, request };
}

function isValue(word: string | undefined): word is string {
  return word !== undefined && word !== '' && !word.startsWith('-');
}

/** Results to stdout, words to people to stderr. */
function terminal(): Output {
  return {
    result: (text) => {
      guardStreams();
      process.stdout.write(text);
    },
    note: (text) => {
      guardStreams();
      process.stderr.write(`agentos: ${text}\n`);
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
