/** OpenAI's Chat Completions API, https://platform.openai.com/docs/api-reference/chat, which DeepSeek speaks as well. */
import { type FaultName, type Protocol, retryHeader } from './protocol.ts';

const FAULTS: Record<FaultName, [status: number, type: string, code: string, message: string]> = {
  auth: [401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided: sk-can*****cret.'],
  credit: [429, 'insufficient_quota', 'insufficient_quota', 'You exceeded your current quota.'],
  rate_limit: [429, 'tokens', 'rate_limit_exceeded', 'Rate limit reached.'],
  server_error: [500, 'server_error', 'server_error', 'The server had an error.'],
  overloaded: [503, 'server_error', 'overloaded', 'The engine is currently overloaded.'],
  refused: [400, 'invalid_request_error', 'context_length_exceeded', 'Too many tokens.'],
};

const ENDS = { complete: 'stop', cut: 'length', refused: 'content_filter' } as const;

export const openai: Protocol = {
  name: 'openai',
  owns: (path) => path.endsWith('/chat/completions'),
  read: (body, _, headers) => {
    const turns = body.messages.map(({ role, content }: { role: 'user' | 'assistant'; content: string }) => ({ role, text: content }));
    return {
      protocol: 'openai',
      model: body.model,
      key: String(headers['authorization'] ?? '').replace('Bearer ', ''),
      system: turns[0]?.text ?? '',
      turns: turns.slice(1),
      maxOutputTokens: body.max_completion_tokens ?? body.max_tokens,
    };
  },
  say: (model, { text, end, inputTokens, outputTokens }) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model,
    choices: [
      { index: 0, message: { role: 'assistant', content: end === 'refused' ? null : text, refusal: null }, finish_reason: ENDS[end] },
    ],
    usage: { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens },
  }),
  fail: (fault, retryAfter) => {
    const [status, type, code, message] = FAULTS[fault];
    return { status, body: { error: { message, type, code, param: null } }, headers: retryHeader(retryAfter) };
  },
};
