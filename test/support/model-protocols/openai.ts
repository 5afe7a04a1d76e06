/** OpenAI's Chat Completions API, https://platform.openai.com/docs/api-reference/chat, which DeepSeek speaks as well. */
import { complainOpenAi, failOpenAi, openAiError } from './openai-faults.ts';
import { type Asked, type Body, callId, event, json, type PastCall, type Protocol, parts, plainText, type Said, sse } from './protocol.ts';

const ENDS = { complete: 'stop', cut: 'length', refused: 'content_filter' } as const;

export const openai: Protocol = {
  name: 'openai',
  owns: (path) => path.endsWith('/chat/completions'),
  read: (body) => {
    const calls: PastCall[] = body.messages.flatMap(({ tool_calls }: Body) => (tool_calls ?? []).map(toCall));
    const isSystem = ({ role }: Body): boolean => role === 'system' || role === 'developer';
    return {
      protocol: 'openai',
      model: body.model,
      system: body.messages
        .filter(isSystem)
        .map(({ content }: Body) => plainText(content))
        .join('\n'),
      turns: body.messages
        .filter((message: Body) => !isSystem(message))
        .map(({ role, content }: Body) => ({ role: role === 'assistant' ? 'assistant' : 'user', text: plainText(content) })),
      maxOutputTokens: body.max_completion_tokens ?? body.max_tokens,
      stream: body.stream === true,
      wantsJson: /^json/.test(body.response_format?.type ?? ''),
      tools: (body.tools ?? []).map((tool: Body) => tool.function?.name ?? tool.type),
      calls,
      results: body.messages
        .filter(({ role }: Body) => role === 'tool')
        .map(({ tool_call_id: id, content }: Body) => ({
          id,
          name: calls.find((call) => call.id === id)?.name ?? '',
          text: plainText(content),
          failed: false,
        })),
      ...(body.stream === true && body.stream_options?.include_usage !== true && { withoutUsage: true }),
    };
  },
  say: (asked, said) => (asked.stream ? sse(stream(asked, said)) : json(whole(asked, said))),
  fail: failOpenAi,
  failInStream: (fault) => event({ error: openAiError(fault) }),
  complain: complainOpenAi,
};

function toCall({ id, function: { name, arguments: text } }: Body): PastCall {
  return { id, name, input: JSON.parse(text === '' ? '{}' : text) };
}

function endOf({ calls, end }: Said): string {
  return calls.length > 0 && end === 'complete' ? 'tool_calls' : ENDS[end];
}

function usageOf({ inputTokens, cacheRead, cacheWrite, outputTokens }: Said) {
  const asked = inputTokens + cacheRead + cacheWrite;
  return {
    prompt_tokens: asked,
    completion_tokens: outputTokens,
    total_tokens: asked + outputTokens,
    prompt_tokens_details: { cached_tokens: cacheRead },
  };
}

function toolCalls(asked: Asked, { calls }: Said) {
  return calls.map(({ name, input }, index) => ({
    id: callId(asked, index),
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }));
}

function whole(asked: Asked, said: Said) {
  const calls = toolCalls(asked, said);
  const content = said.end === 'refused' || (said.text === '' && calls.length > 0) ? null : said.text;
  const message = { role: 'assistant', content, refusal: null, ...(calls.length > 0 && { tool_calls: calls }) };
  return {
    id: `chatcmpl-${asked.number}`,
    object: 'chat.completion',
    created: Math.floor(asked.at.getTime() / 1000),
    model: asked.model,
    choices: [{ index: 0, message, finish_reason: endOf(said) }],
    usage: usageOf(said),
  };
}

function stream(asked: Asked, said: Said): string[] {
  const { object: _, choices, usage, ...head } = whole(asked, said);
  const chunk = (more: object) => event({ ...head, object: 'chat.completion.chunk', ...more });
  const delta = (part: object, finish_reason: string | null = null) => chunk({ choices: [{ index: 0, delta: part, finish_reason }] });
  const calls = toolCalls(asked, said).flatMap(({ function: { name, arguments: text }, ...call }, index) => [
    delta({ tool_calls: [{ index, ...call, function: { name, arguments: '' } }] }),
    ...parts(text).map((part) => delta({ tool_calls: [{ index, function: { arguments: part } }] })),
  ]);
  return [
    delta({ role: 'assistant', content: '' }),
    ...parts(choices[0]?.message.content ?? '').map((content) => delta({ content })),
    ...calls,
    delta({}, endOf(said)),
    ...(asked.withoutUsage === true ? [] : [chunk({ choices: [], usage })]),
    event('[DONE]'),
  ];
}
