/**
 * Codex. Facts that shape the command line: it has no turn limit, so the
 * gateway's request limit is its only one; a failed tool call never changes
 * its exit status; a CODEX_HOME below TMPDIR breaks its tools, and its shell
 * snapshots leave the key on disk; it waits for ever for the head of an answer.
 * Its own inner sandbox is off: ours contains the whole program.
 */
import { at, numberAt, textAt } from '../../untrusted.ts';
import type { TokenUsage } from '../report.ts';
import { type CliReport, type ListedCliKind, withText } from './cli-kind.ts';

export const codex: ListedCliKind = {
  kind: 'codex',
  about: 'Codex, over the Responses API.',
  keyEnv: 'OPENAI_API_KEY',
  program: 'codex',
  protocol: 'openai',
  baseUrl: 'https://api.openai.com/v1',
  toInvocation: ({ model, url, pass, home }) => ({
    args: [
      ...['exec', '--json', '--ephemeral', '--ignore-user-config', '--ignore-rules', '--skip-git-repo-check'],
      ...['--dangerously-bypass-approvals-and-sandbox', '-m', model],
      ...['-c', 'model_provider=agentos', '-c', `model_providers.agentos=${provider(url)}`],
      ...['-c', 'analytics.enabled=false', '-c', 'check_for_update_on_startup=false', '-c', 'features.shell_snapshot=false'],
      // A tool of the provider; the gateway refuses requests that offer it.
      ...['-c', 'web_search="disabled"'],
      '-',
    ],
    env: { CODEX_HOME: `${home}/.codex`, TMPDIR: `${home}/.tmp`, AGENTOS_MODEL_PASS: pass },
    files: { '.codex/keep': '', '.tmp/keep': '' },
    stdin: true,
  }),
  readEvent(report, event) {
    switch (event['type']) {
      case 'thread.started':
        return { ...report, session: textAt(event, 'thread_id') };
      case 'item.completed':
        return textAt(event, 'item', 'type') === 'agent_message' ? withText(report, textAt(event, 'item', 'text')) : report;
      case 'turn.completed':
        return { ...report, finished: true, ...usageOf(event) };
      case 'turn.failed':
        return failed(report, textAt(event, 'error', 'message'));
      case 'error':
        // It says so of every retry too: `turn.completed` after it takes it back.
        return failed(report, textAt(event, 'message'));
      default:
        return report;
    }
  },
};

/** TOML, as `-c` takes it. */
function provider(url: string): string {
  const text = (value: string) => JSON.stringify(value);
  const settings = [
    `name=${text('agentos')}`,
    `base_url=${text(url)}`,
    `env_key=${text('AGENTOS_MODEL_PASS')}`,
    `wire_api=${text('responses')}`,
    'request_max_retries=2',
    'stream_max_retries=2',
    'stream_idle_timeout_ms=300000',
  ];
  return `{${settings.join(',')}}`;
}

function failed(report: CliReport, message: string): CliReport {
  const words = message === '' ? 'no reason given' : message;
  return { ...report, finished: false, failure: { kind: 'crashed', message: `codex ended with an error: ${words}` } };
}

function usageOf(event: Readonly<Record<string, unknown>>): { usage?: TokenUsage } {
  if (at(event, 'usage') === undefined) return {};
  const count = (name: string) => Math.max(0, numberAt(event, 'usage', name) ?? 0);
  const cached = count('cached_input_tokens');
  return {
    usage: { input: Math.max(0, count('input_tokens') - cached), cacheRead: cached, cacheWrite: 0, output: count('output_tokens') },
  };
}
