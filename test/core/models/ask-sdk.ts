/** Each protocol as its provider's own SDK speaks it: one question with two tools offered, and what came back. */
import Anthropic from '@anthropic-ai/sdk';
import { type Content, type FunctionDeclaration, GoogleGenerativeAI, type Part } from '@google/generative-ai';
import OpenAI from 'openai';

export const KEY = 'sk-canary-0123456789-secret';
export const CALLS = [
  { name: 'read', input: { path: 'a "b" ü.txt' } },
  { name: 'run', input: { command: 'npm test\n' } },
];
const FORM = { type: 'object', properties: { path: { type: 'string' } } };

interface Heard {
  text: string;
  calls: { id: string; name: string; input: unknown }[];
  /** As the protocol counts: with or without what came from a cache. */
  tokens: [input: number, output: number];
  end: string;
}
type Said = { results: string[]; before: Heard };
/** Asks through an SDK; `said` is the turn before, with a result for each of its calls. */
type Ask = (url: string, stream: boolean, said?: Said) => Promise<Heard>;

export const askAnthropic: Ask = async (url, stream, said) => {
  const client = new Anthropic({ apiKey: KEY, baseURL: url, maxRetries: 0, logLevel: 'off' });
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'Do it.' }];
  if (said) {
    messages.push(
      { role: 'assistant', content: said.before.calls.map((call) => ({ type: 'tool_use' as const, ...call })) },
      {
        role: 'user',
        content: said.results.map((content, index) => ({
          type: 'tool_result' as const,
          tool_use_id: said.before.calls[index]?.id ?? '',
          content,
          is_error: index === 1,
        })),
      },
    );
  }
  const tools = CALLS.map(({ name }) => ({ name, input_schema: FORM as Anthropic.Tool.InputSchema }));
  const body = { model: 'm', max_tokens: 50, system: 'Rules.', messages, tools };
  const message = stream ? await client.messages.stream(body).finalMessage() : await client.messages.create(body);
  return {
    text: message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    calls: message.content.flatMap((block) => (block.type === 'tool_use' ? [{ id: block.id, name: block.name, input: block.input }] : [])),
    tokens: [message.usage.input_tokens, message.usage.output_tokens],
    end: message.stop_reason ?? '',
  };
};

const openAi = (url: string) => new OpenAI({ apiKey: KEY, baseURL: url, maxRetries: 0, logLevel: 'off' });
const toText = ({ name, input, id }: Heard['calls'][number]) => ({ id, name, arguments: JSON.stringify(input) });

export const askChat: Ask = async (url, stream, said) => {
  const messages: OpenAI.Chat.Completions.ChatCompletionMessageParam[] = [
    { role: 'system', content: 'Rules.' },
    { role: 'user', content: 'Do it.' },
  ];
  if (said) {
    const calls = said.before.calls.map(toText).map(({ id, ...call }) => ({ id, type: 'function' as const, function: call }));
    messages.push({ role: 'assistant', content: null, tool_calls: calls });
    for (const [index, content] of said.results.entries()) messages.push({ role: 'tool', tool_call_id: calls[index]?.id ?? '', content });
  }
  const tools = CALLS.map(({ name }) => ({ type: 'function' as const, function: { name, parameters: FORM } }));
  const body = { model: 'm', max_completion_tokens: 50, messages, tools };
  const completion = stream
    ? await openAi(url)
        .chat.completions.stream({ ...body, stream_options: { include_usage: true } })
        .finalChatCompletion()
    : await openAi(url).chat.completions.create(body);
  const [choice] = completion.choices;
  return {
    text: choice?.message.content ?? '',
    calls: (choice?.message.tool_calls ?? []).flatMap((call) =>
      call.type === 'function' ? [{ id: call.id, name: call.function.name, input: JSON.parse(call.function.arguments) }] : [],
    ),
    tokens: [completion.usage?.prompt_tokens ?? 0, completion.usage?.completion_tokens ?? 0],
    end: choice?.finish_reason ?? '',
  };
};

export const askResponses: Ask = async (url, stream, said) => {
  const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'Do it.' }];
  if (said) {
    const calls = said.before.calls.map(toText);
    for (const { id, ...call } of calls) input.push({ type: 'function_call', call_id: id, ...call });
    for (const [index, output] of said.results.entries()) {
      input.push({ type: 'function_call_output', call_id: calls[index]?.id ?? '', output });
    }
  }
  const tools = CALLS.map(({ name }) => ({ type: 'function' as const, name, parameters: FORM, strict: false }));
  const body = { model: 'm', max_output_tokens: 50, instructions: 'Rules.', input, tools };
  const response = stream ? await openAi(url).responses.stream(body).finalResponse() : await openAi(url).responses.create(body);
  return {
    text: response.output_text,
    calls: response.output.flatMap((item) =>
      item.type === 'function_call' ? [{ id: item.call_id, name: item.name, input: JSON.parse(item.arguments) }] : [],
    ),
    tokens: [response.usage?.input_tokens ?? 0, response.usage?.output_tokens ?? 0],
    end: response.incomplete_details?.reason ?? response.status ?? '',
  };
};

export const askGoogle: Ask = async (url, stream, said) => {
  const functionDeclarations = CALLS.map(({ name }) => ({ name, parameters: FORM }) as unknown as FunctionDeclaration);
  const model = new GoogleGenerativeAI(KEY).getGenerativeModel(
    { model: 'm', systemInstruction: 'Rules.', tools: [{ functionDeclarations }], generationConfig: { maxOutputTokens: 50 } },
    { baseUrl: url },
  );
  const contents: Content[] = [{ role: 'user', parts: [{ text: 'Do it.' }] }];
  if (said) {
    const { calls } = said.before;
    const results: Part[] = said.results.map((text, index) => ({
      functionResponse: { name: calls[index]?.name ?? '', response: index === 1 ? { error: text } : { output: text } },
    }));
    contents.push(
      { role: 'model', parts: calls.map(({ name, input }) => ({ functionCall: { name, args: input as object } })) },
      { role: 'user', parts: results },
    );
  }
  const { response } = stream ? await model.generateContentStream({ contents }) : await model.generateContent({ contents });
  const answer = await response;
  const [candidate] = answer.candidates ?? [];
  const all = candidate?.content?.parts ?? [];
  return {
    text: all.map(({ text }) => text ?? '').join(''),
    calls: all.flatMap(({ functionCall }) => (functionCall ? [{ id: '', name: functionCall.name, input: functionCall.args }] : [])),
    tokens: [answer.usageMetadata?.promptTokenCount ?? 0, answer.usageMetadata?.candidatesTokenCount ?? 0],
    end: candidate?.finishReason ?? '',
  };
};
