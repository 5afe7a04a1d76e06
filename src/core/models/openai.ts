/**
 * Models of OpenAI, and of others that speak its Chat Completions API, such as
 * DeepSeek. The SDK repeats nothing and logs nothing: the chain decides what
 * comes next.
 */
import OpenAI, { APIError } from 'openai';
import type { FailedAnswer } from '../gateway/classify.ts';
import type { ModelAccess, ModelAdapter } from './models.ts';
import { withoutVariables } from './without-variables.ts';

/** DeepSeek knows the older name of the limit only. */
const ADDRESS = { openai: 'https://api.openai.com/v1', deepseek: 'https://api.deepseek.com' } as const;

export function openOpenAi(provider: keyof typeof ADDRESS, { model, key, baseUrl }: ModelAccess): ModelAdapter {
  const options = { apiKey: key, baseURL: baseUrl ?? ADDRESS[provider], maxRetries: 0, logLevel: 'off' as const };
  const client = withoutVariables('OPENAI_', () => new OpenAI(options));
  return {
    call: async ({ system, turns, maxOutputTokens, signal }) => {
      const said = turns.map(({ role, text }) => ({ role, content: text }));
      const limit = provider === 'openai' ? { max_completion_tokens: maxOutputTokens } : { max_tokens: maxOutputTokens };
      const messages = [{ role: 'system' as const, content: system }, ...said];
      const body = { model, messages, response_format: { type: 'json_object' as const }, ...limit };
      const reply = await client.chat.completions.create(body, { signal });
      const choice = reply.choices[0];
      if (!choice) throw new TypeError('the reply holds no choice');
      const refused = choice.finish_reason === 'content_filter' || typeof choice.message.refusal === 'string';
      return {
        text: choice.message.content ?? '',
        usage: { input_tokens: reply.usage?.prompt_tokens ?? 0, output_tokens: reply.usage?.completion_tokens ?? 0 },
        end: refused ? 'refused' : choice.finish_reason === 'length' ? 'cut' : 'complete',
      };
    },
    explain: explainOpenAi,
  };
}

/** What an error of the SDK says; `undefined` for any other. */
export function explainOpenAi(error: unknown): FailedAnswer | undefined {
  if (!(error instanceof APIError)) return undefined;
  const { status, headers, message } = error as APIError<number | undefined, Headers | undefined>;
  // The SDK takes the outer object of the body away.
  const body = { error: error.error };
  return { ...(status !== undefined && { status }), headers: Object.fromEntries(headers ?? []), error: body, text: message };
}
