/** How OpenAI refuses, https://platform.openai.com/docs/guides/error-codes: the same for both of its protocols. */
import type { FaultName, HttpReply } from './protocol.ts';

const FAULTS: Record<FaultName, [status: number, type: string, code: string, message: string]> = {
  auth: [401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided: sk-can*****cret.'],
  unauthenticated: [401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided: sk-can*****cret.'],
  forbidden: [403, 'invalid_request_error', 'model_not_available', 'Project does not have access to the model.'],
  credit: [429, 'insufficient_quota', 'insufficient_quota', 'You exceeded your current quota.'],
  quota: [429, 'insufficient_quota', 'insufficient_quota', 'You exceeded your current quota, please check your plan and billing details.'],
  rate_limit: [429, 'tokens', 'rate_limit_exceeded', 'Rate limit reached.'],
  server_error: [500, 'server_error', 'server_error', 'The server had an error.'],
  overloaded: [503, 'server_error', 'overloaded', 'The engine is currently overloaded.'],
  unavailable: [503, 'server_error', 'service_unavailable', 'The service is temporarily unavailable.'],
  context_too_long: [
    400,
    'invalid_request_error',
    'context_length_exceeded',
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 130512 tokens.",
  ],
  refused: [400, 'invalid_request_error', 'context_length_exceeded', 'Too many tokens.'],
};

export function openAiError(fault: FaultName): { message: string; type: string; code: string; param: null } {
  const [, type, code, message] = FAULTS[fault];
  return { message, type, code, param: null };
}

export function failOpenAi(fault: FaultName): HttpReply {
  return { status: FAULTS[fault][0], body: { error: openAiError(fault) } };
}

export function complainOpenAi(message: string): HttpReply {
  return { status: 400, body: { error: { message, type: 'invalid_request_error', code: null, param: null } } };
}
