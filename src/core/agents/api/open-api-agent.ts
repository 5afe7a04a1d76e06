/** `kind: api` of the configuration: the loop, run as every agent with a command line is. */
import { AgentOsError, messageOf } from '../../errors.ts';
import type { Agent } from '../agent.ts';
import { type CliAgentOptions, openCliAgent } from '../cli/cli-agent.ts';
import { type ApiLimits, apiKind, type Provider } from './api-kind.ts';
import { findApiProgram } from './find-program.ts';

export interface ApiAgentOptions extends Omit<CliAgentOptions, 'kind' | 'program'> {
  provider: Provider;
  limits: ApiLimits;
}

export function openApiAgent(name: string, { provider, limits, ...options }: ApiAgentOptions): Agent {
  // A loop that was never built is the trouble of this agent alone.
  const open = () => openCliAgent(name, { ...options, kind: apiKind(provider, findApiProgram(), limits) });
  return {
    name,
    kind: 'api',
    async probe() {
      try {
        return await open().probe();
      } catch (error) {
        if (error instanceof AgentOsError) return { ready: false, reason: messageOf(error) };
        throw error;
      }
    },
    run: async (request, signal) => open().run(request, signal),
  };
}
