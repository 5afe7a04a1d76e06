/**
 * Runs any command-line agent: opens the gateway to its model, lays its
 * settings into the private HOME, starts it in the sandbox, folds what it
 * prints, and says how the run ended. The exit status proves nothing: a run is
 * a success when the program said so itself, and the tree decides the rest.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AgentOsError, toIoError } from '../../errors.ts';
import type { Gateway, GatewayReport } from '../../gateway/gateway.ts';
import { openGateway } from '../../gateway/open-gateway.ts';
import { readModelKey } from '../../model-key.ts';
import { findProgram } from '../../process.ts';
import { RELAY, type Sandbox, type SandboxExit } from '../../sandbox/sandbox.ts';
import { cleanLine } from '../../text.ts';
import type { Agent, AgentReply, AgentRequest } from '../agent.ts';
import { listNames, refuseMissing } from '../program.ts';
import type { AgentFailure, TokenUsage } from '../report.ts';
import type { CliKind, CliReport, Invocation } from './cli-kind.ts';
import { openEventLines } from './event-lines.ts';

const OUTPUT_LIMIT_BYTES = 20_000_000;
/** Side requests that an agent makes beside its turns, and repeats of failed ones. */
const SPARE_REQUESTS = 20;
/** Longest silence of a provider; two of them are over before the silence of the agent counts as a stall of its own. */
const MOST_IDLE_MS = 300_000;
/** What a program says that its run cost beyond this is not believed. */
const MOST_COST_USD = 1000;

export interface CliAgentOptions {
  kind: CliKind;
  /** Another name or absolute path of the program. */
  program?: string | undefined;
  model: string;
  /** Name of the variable that holds the key. */
  keyEnv: string;
  /** Another address than the provider's own. */
  baseUrl?: string | undefined;
  maxTurns: number;
  /** What this usage of a model costs in US dollars; `undefined` when nobody knows. */
  toCost(model: string, usage: TokenUsage): number | undefined;
  sandbox: () => Promise<Sandbox>;
  /** PATH, where a program without a slash is looked for. */
  path: string;
  env: Readonly<Record<string, string | undefined>>;
  now: () => Date;
}

export function openCliAgent(name: string, options: CliAgentOptions): Agent {
  const program = options.program ?? options.kind.program;
  return {
    name,
    kind: options.kind.kind,
    async probe() {
      if (findProgram(program, options.path) === undefined) return { ready: false, reason: `there is no executable \`${program}\`` };
      const found = readModelKey(options.env, options.keyEnv);
      return 'problem' in found ? { ready: false, reason: found.problem } : { ready: true };
    },
    async run(request, signal) {
      const found = findProgram(program, options.path);
      if (found === undefined) throw new AgentOsError('unavailable', `agent \`${name}\`: there is no executable \`${program}\``);
      const access = readModelKey(options.env, options.keyEnv);
      if ('problem' in access) throw new AgentOsError('auth', `agent \`${name}\`: ${access.problem}`);
      const room = makeRoom(request);
      try {
        const gateway = await openGateway({ ...toGatewayOptions(options, request), ...access, directory: room });
        try {
          return await runThrough(name, found, options, request, gateway, signal);
        } finally {
          await gateway.close();
        }
      } finally {
        rmSync(room, { recursive: true, force: true });
      }
    },
  };
}

function toGatewayOptions({ kind, model, baseUrl, maxTurns, toCost, now }: CliAgentOptions, request: AgentRequest) {
  return {
    protocol: kind.protocol,
    baseUrl: baseUrl ?? kind.baseUrl,
    maxRequests: maxTurns + SPARE_REQUESTS,
    purse: { model, toCost, ...(request.maxCostUsd !== undefined && { mostUsd: request.maxCostUsd }) },
    idleMs: Math.min(MOST_IDLE_MS, Math.max(1000, request.silenceMs / 3)),
    now,
  };
}

/** The program's run, and what it came to. */
async function runThrough(
  name: string,
  program: string,
  options: CliAgentOptions,
  request: AgentRequest,
  gateway: Gateway,
  signal: AbortSignal,
): Promise<AgentReply> {
  const { kind, baseUrl } = options;
  const { pathname } = new URL(baseUrl ?? kind.baseUrl);
  const invocation = kind.toInvocation({
    model: options.model,
    url: `http://${RELAY}${pathname.replace(/\/+$/, '')}`,
    pass: gateway.pass,
    home: request.home,
    promptFile: request.promptFile,
    maxTurns: options.maxTurns,
    ...(request.maxCostUsd !== undefined && { maxCostUsd: request.maxCostUsd }),
    session: randomUUID(),
  });
  layFiles(request.home, invocation.files);
  let report: CliReport = { finished: false, denials: [] };
  const lines = openEventLines((event) => {
    report = kind.readEvent(report, event);
  });
  const sandbox = await options.sandbox();
  const exit = await sandbox.run(toSandboxRun(program, invocation, request, gateway, lines.push), signal);
  lines.end();
  const seen = gateway.report();
  // What asked its model was there: its exit status is its own affair, and its answers are paid for.
  if (seen.requests === 0) refuseMissing(name, exit);
  return toReply(exit, report, seen, options);
}

function toSandboxRun(program: string, invocation: Invocation, request: AgentRequest, gateway: Gateway, onStdout: (chunk: Buffer) => void) {
  return {
    argv: [program, ...invocation.args],
    cwd: request.workspace,
    writable: [request.workspace],
    readable: [request.promptFile, ...request.objects, ...listNeeded(program), ...(invocation.readable ?? [])],
    home: request.home,
    env: {
      ...invocation.env,
      AGENTOS_PROMPT_FILE: request.promptFile,
      AGENTOS_TASK_ID: request.task,
      AGENTOS_ATTEMPT: String(request.attempt),
      AGENTOS_RESULT_FILE: request.resultFile,
    },
    ...(invocation.stdin && { stdin: request.prompt }),
    network: false,
    gateway: gateway.socket,
    onStdout,
    timeoutMs: request.timeoutMs,
    silenceMs: request.silenceMs,
    outputLimitBytes: OUTPUT_LIMIT_BYTES,
    transcript: request.transcript,
    mark: request.mark,
  };
}

/** A program that npm installed is a link into a package, and needs the packages around it. */
function listNeeded(program: string): string[] {
  const names = listNames(program);
  const packages = names.flatMap((path) => {
    const at = path.indexOf('/node_modules/');
    return at < 0 ? [] : [path.slice(0, at + '/node_modules'.length)];
  });
  return [...names, ...new Set(packages)];
}

/**
 * A private directory for the socket, beside the workspace, so that whoever
 * clears the attempt away clears it too; elsewhere where that path is too long
 * for a socket.
 */
function makeRoom(request: AgentRequest): string {
  const beside = join(dirname(request.home), 'gateway');
  try {
    if (Buffer.byteLength(beside) <= 90) {
      rmSync(beside, { recursive: true, force: true });
      mkdirSync(beside, { recursive: true, mode: 0o700 });
      return beside;
    }
    return mkdtempSync(join(tmpdir(), 'agentos-gateway-'));
  } catch (error) {
    throw toIoError(error, `make a directory for the gateway (\`${beside}\`)`);
  }
}

/** Settings of the agent, new: what `setup` or a repository left in their place is gone first, links and all. */
function layFiles(home: string, files: Readonly<Record<string, string>>): void {
  try {
    mkdirSync(home, { recursive: true });
    for (const top of new Set(Object.keys(files).map((path) => path.split('/')[0] ?? ''))) {
      rmSync(join(home, top), { recursive: true, force: true });
    }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(home, path)), { recursive: true });
      writeFileSync(join(home, path), text, { mode: 0o600, flag: 'wx' });
    }
  } catch (error) {
    throw toIoError(error, `lay the agent's settings into \`${home}\``);
  }
}

/** What a run came to, from what the host saw and what the program said. */
function toReply(exit: SandboxExit, report: CliReport, seen: GatewayReport, options: CliAgentOptions): AgentReply {
  const usage = seen.usage ?? report.usage;
  const failure = whyFailed(exit, report, seen);
  const cost = costOf(report, seen, options);
  return {
    ended: exit.ended,
    exitCode: exit.exitCode,
    durationMs: exit.durationMs,
    ...(failure && { failure: { ...failure, message: cleanLine(failure.message, 500) } }),
    ...(usage && { usage }),
    ...(cost !== undefined && { costUsd: cost }),
    ...(seen.cost?.estimated && { costIsEstimate: true }),
    ...(report.text !== undefined && { text: cleanLine(report.text, 1000) }),
    ...(report.session !== undefined && { session: cleanLine(report.session, 100) }),
  };
}

/** By our prices; else as the program says, where it asked its own provider; `undefined` when nobody knows. */
function costOf(report: CliReport, seen: GatewayReport, { baseUrl }: CliAgentOptions): number | undefined {
  if (seen.cost) return seen.cost.usd;
  const said = baseUrl === undefined ? report.costUsd : undefined;
  // The gateway saw answers: they were not free.
  return said !== undefined && said > 0 && said <= MOST_COST_USD ? said : undefined;
}

function whyFailed(exit: SandboxExit, report: CliReport, seen: GatewayReport): AgentFailure | undefined {
  const failure = findFailure(exit, report, seen);
  if (failure?.kind !== 'crashed' || seen.refused.length === 0) return failure;
  return { ...failure, message: `${failure.message}; the gateway refused: ${seen.refused.join('; ')}` };
}

function findFailure(exit: SandboxExit, report: CliReport, { failure }: GatewayReport): AgentFailure | undefined {
  if (exit.ended === 'stopped') return undefined;
  const finished = report.finished && exit.ended === 'exited';
  // Some call it a success when their model broke off in the middle of its last answer.
  if (failure) return failure;
  if (report.denials.length > 0) {
    return { kind: 'denied', message: `it was refused ${[...new Set(report.denials)].join(', ')}` };
  }
  if (finished) return undefined;
  if (report.failure) return report.failure;
  if (exit.ended !== 'exited') return undefined;
  return {
    kind: 'crashed',
    message: `it ended without a final result (${exit.exitCode === null ? 'by a signal' : `exit status ${exit.exitCode}`})`,
  };
}
