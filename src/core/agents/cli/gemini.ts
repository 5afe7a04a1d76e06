/**
 * Gemini. Facts that shape the command line: without an authentication type in
 * its settings it asks for one; settings that make every folder trusted
 * (`folderTrust`, GEMINI_CLI_TRUST_WORKSPACE) let the hooks, servers and
 * commands of the repository's settings run, while `--skip-trust` trusts only
 * after settings were read, for `--yolo`, git and its memory files; by default
 * it starts itself anew and survives the signals of its parent; `-p` carries
 * only a line, the prompt itself comes on stdin; exit status 0 is also what a
 * signal leaves.
 */
import { at, numberAt, textAt } from '../../untrusted.ts';
import type { TokenUsage } from '../report.ts';
import { type CliReport, type ListedCliKind, withText } from './cli-kind.ts';

/** Its own word for no extension; no server is called so. */
const NOTHING = 'none';

export const gemini: ListedCliKind = {
  kind: 'gemini',
  about: 'Gemini, with a key of its API.',
  keyEnv: 'GEMINI_API_KEY',
  program: 'gemini',
  protocol: 'google',
  baseUrl: 'https://generativelanguage.googleapis.com',
  toInvocation: ({ model, url, pass, maxTurns }) => ({
    args: [
      ...['-p', 'Do the task that is given above.', '-o', 'stream-json', '--yolo', '--skip-trust'],
      // `-m` spares a request that would choose the model.
      ...['-m', model],
      ...['--extensions', NOTHING, '--allowed-mcp-server-names', NOTHING],
    ],
    env: {
      GEMINI_API_KEY: pass,
      GOOGLE_GEMINI_BASE_URL: url,
      GEMINI_CLI_NO_RELAUNCH: 'true',
    },
    files: { '.gemini/settings.json': `${JSON.stringify(settings(maxTurns), null, 2)}\n` },
    stdin: true,
  }),
  readEvent(report, event) {
    switch (event['type']) {
      case 'init': {
        const session = textAt(event, 'session_id');
        return session === '' ? report : { ...report, session };
      }
      case 'message':
        return textAt(event, 'role') === 'assistant' ? readWords(report, event) : report;
      case 'tool_use': {
        // What comes after it is an answer of its own.
        const { text: _, ...rest } = report;
        return rest;
      }
      case 'error':
        return readError(report, event);
      case 'result':
        return readResult(report, event);
      default:
        return report;
    }
  },
};

function settings(maxTurns: number): object {
  return {
    // Where it checks the key itself it reads the environment anew, and by then the repository's `.gemini/.env` is trusted.
    security: { auth: { selectedType: 'gemini-api-key', useExternal: true } },
    advanced: { ignoreLocalEnv: true },
    hooksConfig: { enabled: false },
    privacy: { usageStatisticsEnabled: false },
    telemetry: { enabled: false },
    general: { disableAutoUpdate: true, maxAttempts: 2, retryFetchErrors: false },
    model: { maxSessionTurns: maxTurns },
    // No network: what asks the web would only fail.
    tools: { exclude: ['web_fetch', 'google_web_search'] },
  };
}

/** It prints an answer piece by piece. */
function readWords(report: CliReport, event: Readonly<Record<string, unknown>>): CliReport {
  const before = at(event, 'delta') === true ? (report.text ?? '') : '';
  return withText(report, before + textAt(event, 'content'));
}

/** A loop that it found itself is a warning to it, and its result a success. */
function readError(report: CliReport, event: Readonly<Record<string, unknown>>): CliReport {
  const message = textAt(event, 'message');
  if (/^Loop detected/.test(message)) return { ...report, failure: { kind: 'limit', message: 'it went in circles and stopped itself' } };
  return textAt(event, 'severity') === 'warning' ? report : failed(report, message);
}

function readResult(report: CliReport, event: Readonly<Record<string, unknown>>): CliReport {
  const usage = usageOf(event);
  const next = { ...report, ...(usage && { usage }) };
  if (textAt(event, 'status') === 'success') return { ...next, finished: report.failure?.kind !== 'limit' };
  return failed(next, textAt(event, 'error', 'message'));
}

function failed(report: CliReport, message: string): CliReport {
  if (/max session turns|turn limit/i.test(message)) {
    return { ...report, finished: false, failure: { kind: 'limit', message: 'the run used up its turns' } };
  }
  const words = message === '' ? 'no reason given' : message;
  return { ...report, finished: false, failure: { kind: 'crashed', message: `gemini ended with an error: ${words}` } };
}

function usageOf(event: Readonly<Record<string, unknown>>): TokenUsage | undefined {
  if (at(event, 'stats') === undefined) return undefined;
  const count = (name: string) => Math.max(0, numberAt(event, 'stats', name) ?? 0);
  const cached = count('cached');
  return { input: Math.max(0, count('input_tokens') - cached), cacheRead: cached, cacheWrite: 0, output: count('output_tokens') };
}
