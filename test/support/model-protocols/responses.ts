/** OpenAI's Responses API, https://platform.openai.com/docs/api-reference/responses, which Codex speaks. */
import { complainOpenAi, failOpenAi, openAiError } from './openai-faults.ts';
import {
  type Asked,
  type Body,
  type Call,
  callId,
  event,
  json,
  type PastCall,
  type Protocol,
  parts,
  plainText,
  type Said,
  sse,
  type ToolResult,
  type Turn,
} from './protocol.ts';

export const responses: Protocol = {
  name: 'responses',
  owns: (path) => path.endsWith('/responses'),
  read: (body) => {
    const items: Body[] = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : body.input;
    const calls = items.flatMap(toCall);
    const isSystem = ({ role }: Body): boolean => role === 'system' || role === 'developer';
    return {
      protocol: 'responses',
      model: body.model,
      system: [body.instructions ?? '', ...items.filter(isSystem).map(({ content }) => plainText(content))].filter(Boolean).join('\n'),
      turns: items.filter((item) => !isSystem(item)).flatMap(toTurn),
      maxOutputTokens: body.max_output_tokens,
      stream: body.stream === true,
      wantsJson: /^json/.test(body.text?.format?.type ?? ''),
      tools: (body.tools ?? []).map(({ name, type }: Body) => name ?? type),
      calls,
      results: items.flatMap((item) => toResult(item, calls)),
    };
  },
  say: (asked, said) => (asked.stream ? sse(stream(asked, said)) : json(whole(asked, said))),
  fail: failOpenAi,
  failInStream: (fault) => {
    const { code, message } = openAiError(fault);
    return event({
      type: 'response.failed',
      response: { id: 'resp_failed', object: 'response', status: 'failed', error: { code, message } },
    });
  },
  complain: complainOpenAi,
};

function toCall(item: Body): PastCall[] {
  if (item.type === 'function_call') return [{ id: item.call_id, name: item.name, input: JSON.parse(item.arguments) }];
  return item.type === 'custom_tool_call' ? [{ id: item.call_id, name: item.name, input: item.input }] : [];
}

function toResult(item: Body, calls: readonly PastCall[]): ToolResult[] {
  if (!/^(function|custom_tool)_call_output$/.test(item.type ?? '')) return [];
  const name = calls.find(({ id }) => id === item.call_id)?.name ?? '';
  return [{ id: item.call_id, name, text: plainText(item.output), failed: false }];
}

function toTurn(item: Body): Turn[] {
  if (item.role === 'user' || item.role === 'assistant') return [{ role: item.role, text: plainText(item.content) }];
  return toResult(item, []).map(({ text }) => ({ role: 'user', text }));
}

function toItem(asked: Asked, { name, input }: Call, index: number) {
  const call = { id: `fc_${callId(asked, index)}`, call_id: callId(asked, index), name, status: 'completed' };
  return typeof input === 'string'
    ? { type: 'custom_tool_call', ...call, input }
    : { type: 'function_call', ...call, arguments: JSON.stringify(input) };
}

function whole(asked: Asked, said: Said) {
  const { text, calls, end, inputTokens, cacheRead, cacheWrite, outputTokens } = said;
  const content = end === 'refused' ? { type: 'refusal', refusal: text } : { type: 'output_text', text, annotations: [], logprobs: [] };
  const message = { type: 'message', id: `msg_${asked.number}`, role: 'assistant', status: 'completed', content: [content] };
  const input = inputTokens + cacheRead + cacheWrite;
  return {
    id: `resp_${asked.number}`,
    object: 'response',
    created_at: Math.floor(asked.at.getTime() / 1000),
    model: asked.model,
    status: end === 'complete' ? 'completed' : 'incomplete',
    error: null,
    incomplete_details: end === 'complete' ? null : { reason: end === 'cut' ? 'max_output_tokens' : 'content_filter' },
    output: [...(text === '' && calls.length > 0 ? [] : [message]), ...calls.map((call, index) => toItem(asked, call, index))] as Body[],
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: cacheRead },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: input + outputTokens,
    },
  };
}

function stream(asked: Asked, said: Said): string[] {
  const response = whole(asked, said);
  const { usage: _, ...begun } = { ...response, status: 'in_progress', incomplete_details: null, output: [] };
  return [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    ...response.output.flatMap(toEvents),
    { type: `response.${response.status}`, response },
  ].map((data, sequence_number) => event({ ...data, sequence_number }, data.type));
}

function toEvents(item: Body, output_index: number): Body[] {
  const at = { item_id: item.id, output_index };
  const added = { type: 'response.output_item.added', output_index };
  const done = { type: 'response.output_item.done', output_index, item };
  if (item.type === 'message') {
    const [part] = item.content;
    const name = part.type === 'refusal' ? 'refusal' : 'output_text';
    const key = part.type === 'refusal' ? 'refusal' : 'text';
    const inside = { ...at, content_index: 0 };
    return [
      { ...added, item: { ...item, status: 'in_progress', content: [] } },
      { type: 'response.content_part.added', ...inside, part: { ...part, [key]: '' } },
      ...parts(part[key]).map((delta) => ({ type: `response.${name}.delta`, ...inside, delta })),
      { type: `response.${name}.done`, ...inside, [key]: part[key] },
      { type: 'response.content_part.done', ...inside, part },
      done,
    ];
  }
  const [kind, key] = item.type === 'function_call' ? ['function_call_arguments', 'arguments'] : ['custom_tool_call_input', 'input'];
  return [
    { ...added, item: { ...item, status: 'in_progress', [key]: '' } },
    ...parts(item[key]).map((delta) => ({ type: `response.${kind}.delta`, ...at, delta })),
    { type: `response.${kind}.done`, ...at, name: item.name, [key]: item[key] },
    done,
  ];
}
