/** The agent pool: the configured agents by name, each opened by its kind. Starts nothing. */
import { findPrice, type OwnPrices, toCostUsd } from '../budget/prices.ts';
import type { Clock } from '../clock.ts';
import type { AgentConfig } from '../config/schema.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Agent } from './agent.ts';
import type { ApiLimits } from './api/api-kind.ts';
import { openApiAgent } from './api/open-api-agent.ts';
import { openCliAgent } from './cli/cli-agent.ts';
import { CLI_KINDS } from './cli/cli-kinds.ts';
import { openCommandAgent } from './command.ts';
import { openPatchAgent } from './patch.ts';
import type { TokenUsage } from './report.ts';

export interface AgentsOptions {
  agents: Readonly<Record<string, AgentConfig>>;
  /** Opened when the first agent needs it. */
  sandbox: () => Promise<Sandbox>;
  /** PATH of agents, and where their programs are looked for. */
  path: string;
  /** Where keys are looked up, by the names that the configuration gives. */
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  /** Prices that the configuration sets. */
  prices: OwnPrices;
}

export function openAgents(options: AgentsOptions): ReadonlyMap<string, Agent> {
  return new Map(Object.entries(options.agents).map(([name, config]) => [name, openAgent(name, config, options)]));
}

/** What all agents with a model share. */
function pricing({ prices, clock }: AgentsOptions) {
  return {
    toCost: (model: string, usage: TokenUsage) => {
      const price = findPrice(model, prices);
      return price && toCostUsd(usage, price);
    },
    now: () => clock.now(),
  };
}

function openAgent(name: string, config: AgentConfig, options: AgentsOptions): Agent {
  switch (config.kind) {
    case 'patch':
      return openPatchAgent(name, options);
    case 'command':
      return openCommandAgent(name, { ...options, command: config.command });
    case 'api':
      return openApiAgent(name, {
        ...options,
        provider: config.provider,
        limits: toLimits(config),
        model: config.model,
        keyEnv: config.key_env,
        baseUrl: config.base_url,
        maxTurns: config.max_turns,
        ...pricing(options),
      });
    default:
      return openCliAgent(name, {
        ...options,
        kind: CLI_KINDS[config.kind],
        program: config.program,
        model: config.model,
        keyEnv: config.key_env,
        baseUrl: config.base_url,
        maxTurns: config.max_turns,
        ...pricing(options),
      });
  }
}

function toLimits(config: Extract<AgentConfig, { kind: 'api' }>): ApiLimits {
  return {
    maxTokens: config.max_tokens,
    contextTokens: config.context_tokens,
    ...(config.max_output_tokens !== undefined && { maxOutputTokens: config.max_output_tokens }),
  };
}
