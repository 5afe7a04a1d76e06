/** Models of Anthropic, over the Messages API. The SDK repeats nothing and logs nothing: the chain decides what comes next. */
import Anthropic, { APIError } from '@anthropic-ai/sdk';
import type { ModelAccess, ModelAdapter, ProviderFault } from './models.ts';
import { withoutVariables } from './without-variables.ts';

export function openAnthropic({ model, key, baseUrl }: ModelAccess): ModelAdapter {
  const options = { apiKey: key, baseURL: baseUrl ?? 'https://api.anthropic.com', maxRetries: 0, logLevel: 'off' as const };
  const client = withoutVariables('ANTHROPIC_', () => new Anthropic(options));
  return {
    call: async ({ system, turns, maxOutputTokens, signal }) => {
      const messages = turns.map(({ role, text }) => ({ role, content: text }));
      const reply = await client.messages.create({ model, system, messages, max_tokens: maxOutputTokens }, { signal });
      return {
        text: reply.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join(''),
        usage: { input_tokens: reply.usage.input_tokens, output_tokens: reply.usage.output_tokens },
        end: reply.stop_reason === 'refusal' ? 'refused' : reply.stop_reason === 'max_tokens' ? 'cut' : 'complete',
      };
    },
    explain,
  };
}

function explain(error: unknown): ProviderFault | undefined {
  if (!(error instanceof APIError)) return undefined;
  const { status, headers, type } = error as APIError<number | undefined, Headers | undefined>;
  return { status, retryAfter: headers?.get('retry-after') ?? undefined, type: type ?? undefined, message: error.apiMessage ?? '' };
}
