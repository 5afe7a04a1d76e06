/**
 * Our own coding loop as one more agent with a command line (`kind: api`): for
 * people who have a key and no CLI. The loop runs inside the sandbox and reaches
 * its model through the gateway, as the others do, so its tools need no
 * confinement of their own. Pure.
 */
import type { Protocol } from '../../gateway/gateway.ts';
import type { CliKind } from '../cli/cli-kind.ts';
import { foldEvent } from './events.ts';

export const PROVIDERS = ['anthropic', 'openai', 'google', 'deepseek'] as const;
export type Provider = (typeof PROVIDERS)[number];

/**
 * Carries what stands for the key into the program, which takes it out of the
 * environment of its commands. One that looks for it finds it in /proc, and wins
 * nothing: the gateway answers this run alone, within its limits.
 */
export const PASS_VARIABLE = 'AGENTOS_MODEL_PASS';

/** Where the loop is, on the host and inside alike. */
export interface ApiProgram {
  /** Absolute path of Node. */
  node: string;
  /** Absolute path of the built loop, `dist/api-agent.js`. */
  file: string;
}

/** Bounds that the configuration may set; the loop has its own where one is absent. */
export interface ApiLimits {
  /** Tokens of a run, in and out. */
  maxTokens?: number;
  /** Tokens of one conversation. */
  contextTokens?: number;
  /** Tokens of one answer. */
  maxOutputTokens?: number;
  /** Longest silence of the model. */
  stallSeconds?: number;
  /** Wait before the second try, where the provider names none; four times as long before the third. */
  retryMs?: number;
}

const PROTOCOL: Record<Provider, Protocol> = { anthropic: 'anthropic', openai: 'openai', deepseek: 'openai', google: 'google' };
const ADDRESS: Record<Provider, string> = {
  anthropic: 'https://api.anthropic.com',
  openai: 'https://api.openai.com/v1',
  deepseek: 'https://api.deepseek.com',
  google: 'https://generativelanguage.googleapis.com',
};
const FLAGS = {
  maxTokens: '--max-tokens',
  contextTokens: '--context-tokens',
  maxOutputTokens: '--max-output-tokens',
  stallSeconds: '--stall-seconds',
  retryMs: '--retry-ms',
} as const satisfies Record<keyof ApiLimits, string>;

export function apiKind(provider: Provider, program: ApiProgram, limits: ApiLimits = {}): CliKind {
  return {
    kind: 'api',
    program: program.node,
    protocol: PROTOCOL[provider],
    baseUrl: ADDRESS[provider],
    toInvocation({ model, url, pass, maxTurns, session }) {
      const named = [
        ['--provider', provider],
        ['--model', model],
        ['--url', url],
        ['--session', session],
        ['--max-turns', String(maxTurns)],
        ...(Object.keys(FLAGS) as (keyof ApiLimits)[]).flatMap((name) =>
          limits[name] === undefined ? [] : [[FLAGS[name], String(limits[name])]],
        ),
      ];
      return {
        // `--name=value`: a value that begins with a dash is still one.
        args: [program.file, ...named.map(([name, value]) => `${name}=${value}`)],
        env: { [PASS_VARIABLE]: pass },
        files: {},
        stdin: true,
        readable: [program.file],
      };
    },
    readEvent: foldEvent,
  };
}
