/** Anthropic's Messages API, https://docs.anthropic.com/en/api/messages, which DeepSeek speaks as well. */
import {
  type Asked,
  type Body,
  callId,
  event,
  type FaultName,
  json,
  type PastCall,
  type Protocol,
  parts,
  plainText,
  type Said,
  sse,
  type ToolResult,
} from './protocol.ts';

const FAULTS: Record<FaultName, [status: number, type: string, message: string]> = {
  auth: [401, 'authentication_error', 'invalid x-api-key'],
  unauthenticated: [401, 'authentication_error', 'invalid x-api-key'],
  forbidden: [403, 'permission_error', 'Your API key does not have permission to use the specified resource.'],
  credit: [400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'],
  quota: [400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'],
  rate_limit: [429, 'rate_limit_error', 'This request would exceed the rate limit.'],
  server_error: [500, 'api_error', 'Internal server error'],
  overloaded: [529, 'overloaded_error', 'Overloaded'],
  unavailable: [503, 'api_error', 'Service unavailable'],
  context_too_long: [400, 'invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'],
  refused: [400, 'invalid_request_error', 'max_tokens: too large'],
};

const ENDS = { complete: 'end_turn', cut: 'max_tokens', refused: 'refusal' } as const;

export const anthropic: Protocol = {
  name: 'anthropic',
  owns: (path) => path.endsWith('/v1/messages'),
  read: (body) => {
    const blocks: Body[] = body.messages.flatMap(({ content }: Body) => (Array.isArray(content) ? content : []));
    const calls: PastCall[] = blocks.filter(({ type }) => type === 'tool_use').map(({ id, name, input }) => ({ id, name, input }));
    return {
      protocol: 'anthropic',
      model: body.model,
      // Newer clients also say things as the system within the conversation.
      system: [plainText(body.system), ...body.messages.filter(isSystem).map(({ content }: Body) => plainText(content))]
        .filter((text) => text !== '')
        .join('\n'),
      turns: body.messages
        .filter((message: Body) => !isSystem(message))
        .map(({ role, content }: Body) => ({ role, text: textOf(content) })),
      maxOutputTokens: body.max_tokens,
      stream: body.stream === true,
      wantsJson: (body.output_config?.format ?? body.output_format) !== undefined,
      tools: (body.tools ?? []).map(({ name }: Body) => name),
      calls,
      results: blocks.filter(({ type }) => type === 'tool_result').map((block) => toResult(block, calls)),
    };
  },
  say: (asked, said) => (asked.stream ? sse(stream(asked, said)) : json(whole(asked, said))),
  fail: (fault) => {
    const [status, type, message] = FAULTS[fault];
    return { status, body: { type: 'error', error: { type, message } } };
  },
  failInStream: (fault) => {
    const [, type, message] = FAULTS[fault];
    return event({ type: 'error', error: { type, message } }, 'error');
  },
  complain: (message) => ({ status: 400, body: { type: 'error', error: { type: 'invalid_request_error', message } } }),
};

const isSystem = ({ role }: Body): boolean => role === 'system';

function textOf(content: Body): string {
  if (!Array.isArray(content)) return plainText(content);
  return content.map((block) => (block.type === 'tool_result' ? plainText(block.content) : (block.text ?? ''))).join('');
}

function toResult({ tool_use_id: id, content, is_error }: Body, calls: readonly PastCall[]): ToolResult {
  const name = calls.find((call) => call.id === id)?.name ?? '';
  return { id, name, text: plainText(content), failed: is_error === true };
}

function blocksOf(asked: Asked, { text, calls, end }: Said): Body[] {
  const uses = calls.map(({ name, input }, index) => ({ type: 'tool_use', id: `toolu_${callId(asked, index)}`, name, input }));
  return end === 'refused' ? [] : [...(text === '' && uses.length > 0 ? [] : [{ type: 'text', text }]), ...uses];
}

function whole(asked: Asked, said: Said) {
  return {
    id: `msg_${asked.number}`,
    type: 'message',
    role: 'assistant',
    model: asked.model,
    content: blocksOf(asked, said),
    stop_reason: said.calls.length > 0 && said.end === 'complete' ? 'tool_use' : ENDS[said.end],
    stop_sequence: null,
    usage: {
      input_tokens: said.inputTokens,
      cache_creation_input_tokens: said.cacheWrite,
      cache_read_input_tokens: said.cacheRead,
      output_tokens: said.outputTokens,
    },
  };
}

function stream(asked: Asked, said: Said): string[] {
  const { content, stop_reason, stop_sequence, usage, ...head } = whole(asked, said);
  const start = { ...head, content: [], stop_reason: null, stop_sequence: null, usage: { ...usage, output_tokens: 1 } };
  return [
    { type: 'message_start', message: start },
    { type: 'ping' },
    ...content.flatMap(toEvents),
    { type: 'message_delta', delta: { stop_reason, stop_sequence }, usage },
    { type: 'message_stop' },
  ].map((data) => event(data, data.type));
}

function toEvents(block: Body, index: number): Body[] {
  const isText = block.type === 'text';
  const deltas = isText
    ? parts(block.text).map((text) => ({ type: 'text_delta', text }))
    : parts(JSON.stringify(block.input)).map((partial_json) => ({ type: 'input_json_delta', partial_json }));
  return [
    { type: 'content_block_start', index, content_block: isText ? { ...block, text: '' } : { ...block, input: {} } },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}
