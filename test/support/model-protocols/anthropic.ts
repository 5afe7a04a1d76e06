/** Anthropic's Messages API, https://docs.anthropic.com/en/api/messages. */
import { type FaultName, type Protocol, retryHeader } from './protocol.ts';

const FAULTS: Record<FaultName, [status: number, type: string, message: string]> = {
  auth: [401, 'authentication_error', 'invalid x-api-key'],
  credit: [400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'],
  rate_limit: [429, 'rate_limit_error', 'This request would exceed the rate limit.'],
  server_error: [500, 'api_error', 'Internal server error'],
  overloaded: [529, 'overloaded_error', 'Overloaded'],
  refused: [400, 'invalid_request_error', 'max_tokens: too large'],
};

const ENDS = { complete: 'end_turn', cut: 'max_tokens', refused: 'refusal' } as const;

export const anthropic: Protocol = {
  name: 'anthropic',
  owns: (path) => path === '/v1/messages',
  read: (body, _, headers) => ({
    protocol: 'anthropic',
    model: body.model,
    // Keys come in either header, https://docs.anthropic.com/en/api/overview.
    key: String(headers['x-api-key'] ?? headers['authorization'] ?? '').replace('Bearer ', ''),
    system: body.system ?? '',
    turns: body.messages.map(({ role, content }: { role: 'user' | 'assistant'; content: string }) => ({ role, text: content })),
    maxOutputTokens: body.max_tokens,
  }),
  say: (model, { text, end, inputTokens, outputTokens }) => ({
    id: 'msg_01',
    type: 'message',
    role: 'assistant',
    model,
    content: end === 'refused' ? [] : [{ type: 'text', text }],
    stop_reason: ENDS[end],
    stop_sequence: null,
    usage: { input_tokens: inputTokens, output_tokens: outputTokens },
  }),
  fail: (fault, retryAfter) => {
    const [status, type, message] = FAULTS[fault];
    return { status, body: { type: 'error', error: { type, message } }, headers: retryHeader(retryAfter) };
  },
};
