/**
 * Claude Code. Facts that shape the command line: with an API error it ends
 * with `is_error: true` and `subtype: "success"`; a refused permission ends
 * with exit status 0 and the file not written; settings of the repository (hooks,
 * MCP servers) run unless switched off; every tool call is allowed here, for
 * the sandbox contains it and a question would find nobody to answer.
 */
import { at, numberAt, textAt } from '../../untrusted.ts';
import type { TokenUsage } from '../report.ts';
import { type CliFacts, type CliReport, type ListedCliKind, withText } from './cli-kind.ts';

/** What its work needs; what asks a person or the web is not offered at all. */
const TOOLS = 'Bash BashOutput KillShell Edit MultiEdit Write NotebookEdit Read Glob Grep LS Task TodoWrite';
const NOT_OFFERED = 'WebFetch WebSearch AskUserQuestion ExitPlanMode EnterPlanMode';

export const claude: ListedCliKind = {
  kind: 'claude',
  about: 'Claude Code, and with `base_url` every model behind an address that speaks its protocol, such as DeepSeek.',
  keyEnv: 'ANTHROPIC_API_KEY',
  program: 'claude',
  protocol: 'anthropic',
  baseUrl: 'https://api.anthropic.com',
  toInvocation: (facts) => ({
    args: [
      ...['-p', '--output-format', 'stream-json', '--verbose'],
      ...['--model', facts.model, '--max-turns', String(facts.maxTurns), '--session-id', facts.session],
      ...(facts.maxCostUsd === undefined ? [] : ['--max-budget-usd', facts.maxCostUsd.toFixed(4)]),
      ...['--permission-mode', 'acceptEdits', '--allowedTools', TOOLS, '--disallowedTools', NOT_OFFERED],
      ...['--strict-mcp-config', '--setting-sources', ''],
    ],
    env: {
      CLAUDE_CONFIG_DIR: `${facts.home}/.claude`,
      ANTHROPIC_BASE_URL: facts.url,
      ANTHROPIC_API_KEY: facts.pass,
      ...sideModels(facts),
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
      CLAUDE_CODE_MAX_RETRIES: '2',
      API_TIMEOUT_MS: '600000',
    },
    files: { '.claude/settings.json': '{}\n' },
    stdin: true,
  }),
  readEvent(report, event) {
    switch (event['type']) {
      case 'system':
        return { ...report, ...session(event) };
      case 'assistant':
        return withText(report, wordsOf(at(event, 'message', 'content')));
      case 'result':
        return readResult(report, event);
      default:
        return report;
    }
  },
};

/** It asks a small model of its own for side work; another provider has only the one that is configured. */
function sideModels({ model }: CliFacts): Record<string, string> {
  if (/^(claude|sonnet|opus|haiku|default|best)/i.test(model)) return {};
  return {
    ANTHROPIC_SMALL_FAST_MODEL: model,
    ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
    ANTHROPIC_DEFAULT_SONNET_MODEL: model,
    ANTHROPIC_DEFAULT_OPUS_MODEL: model,
    CLAUDE_CODE_SUBAGENT_MODEL: model,
  };
}

function readResult(report: CliReport, event: Readonly<Record<string, unknown>>): CliReport {
  const refused = at(event, 'permission_denials');
  const denials = Array.isArray(refused) ? refused.slice(0, 20).map((one) => textAt(one, 'tool_name') || 'a tool') : [];
  const cost = numberAt(event, 'total_cost_usd');
  const failed = event['is_error'] !== false;
  const usage = readUsage(event);
  return {
    ...(failed ? report : withText(report, textAt(event, 'result'))),
    ...session(event),
    finished: !failed,
    denials,
    ...(usage && { usage }),
    ...(cost !== undefined && cost >= 0 && { costUsd: cost }),
    ...(failed && { failure: whyFailed(event) }),
  };
}

/** Of one answer, calls of tools left out. */
function wordsOf(content: unknown): string {
  if (!Array.isArray(content)) return '';
  return content
    .filter((part) => textAt(part, 'type') === 'text')
    .map((part) => textAt(part, 'text'))
    .join('\n');
}

function whyFailed(event: Readonly<Record<string, unknown>>): NonNullable<CliReport['failure']> {
  const subtype = textAt(event, 'subtype');
  if (subtype === 'error_max_turns') return { kind: 'limit', message: 'the run used up its turns' };
  if (subtype === 'error_max_budget_usd') return { kind: 'limit', message: 'the run used up the money it may spend' };
  const words = textAt(event, 'result') || textAt(event, 'terminal_reason') || subtype || 'no reason given';
  return { kind: 'crashed', message: `claude ended with an error: ${words}` };
}

function session(event: Readonly<Record<string, unknown>>): { session?: string } {
  const id = textAt(event, 'session_id');
  return id === '' ? {} : { session: id };
}

function readUsage(event: Readonly<Record<string, unknown>>): TokenUsage | undefined {
  if (at(event, 'usage') === undefined) return undefined;
  const count = (name: string) => Math.max(0, numberAt(event, 'usage', name) ?? 0);
  return {
    input: count('input_tokens'),
    cacheRead: count('cache_read_input_tokens'),
    cacheWrite: count('cache_creation_input_tokens'),
    output: count('output_tokens'),
  };
}
