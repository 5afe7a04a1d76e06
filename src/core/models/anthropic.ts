/** Models of Anthropic, over the Messages API. The SDK repeats nothing and logs nothing: the chain decides what comes next. */
import Anthropic, { APIError } from '@anthropic-ai/sdk';
import type { FailedAnswer } from '../gateway/classify.ts';
import type { ModelAccess, ModelAdapter } from './models.ts';
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
    explain: explainAnthropic,
  };
}

/** What an error of the SDK says; `undefined` for any other. */
export function explainAnthropic(error: unknown): FailedAnswer | undefined {
  if (!(error instanceof APIError)) return undefined;
  const { status, headers, message } = error as APIError<number | undefined, Headers | undefined>;
  return { ...(status !== undefined && { status }), headers: Object.fromEntries(headers ?? []), error: error.error, text: message };
}
