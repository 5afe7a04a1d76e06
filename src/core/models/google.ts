/** Models of Google, over `generateContent`. The SDK repeats nothing: the chain decides what comes next. */
import { GoogleGenerativeAI, GoogleGenerativeAIError, GoogleGenerativeAIFetchError } from '@google/generative-ai';
import { numberAt } from '../untrusted.ts';
import type { ModelAccess, ModelAdapter, ModelReply, ProviderFault } from './models.ts';

export function openGoogle({ model, key, baseUrl }: ModelAccess): ModelAdapter {
  const client = new GoogleGenerativeAI(key);
  return {
    call: async ({ system, turns, maxOutputTokens, signal }) => {
      const generationConfig = { maxOutputTokens, responseMimeType: 'application/json' };
      const request = baseUrl === undefined ? {} : { baseUrl };
      const generative = client.getGenerativeModel({ model, systemInstruction: system, generationConfig }, request);
      const contents = turns.map(({ role, text }) => ({ role: role === 'user' ? 'user' : 'model', parts: [{ text }] }));
      const { response } = await generative.generateContent({ contents }, { signal });
      const candidate = response.candidates?.[0];
      const usage = response.usageMetadata;
      return {
        text: candidate?.content?.parts?.map((part) => part.text ?? '').join('') ?? '',
        usage: {
          input_tokens: usage?.promptTokenCount ?? 0,
          // What it thought is paid as output; the SDK does not know of it.
          output_tokens: (usage?.candidatesTokenCount ?? 0) + (numberAt(usage, 'thoughtsTokenCount') ?? 0),
        },
        end: response.promptFeedback?.blockReason === undefined ? endOf(candidate?.finishReason) : 'refused',
      };
    },
    explain,
  };
}

/** https://ai.google.dev/api/generate-content#FinishReason */
function endOf(reason: string | undefined): ModelReply['end'] {
  if (reason === 'MAX_TOKENS') return 'cut';
  return /^(?:SAFETY|RECITATION|BLOCKLIST|PROHIBITED_CONTENT|SPII|LANGUAGE)$/.test(reason ?? '') ? 'refused' : 'complete';
}

function explain(error: unknown): ProviderFault | undefined {
  if (!(error instanceof GoogleGenerativeAIError)) return undefined;
  if (!(error instanceof GoogleGenerativeAIFetchError)) return { message: 'the connection failed' };
  const delay = error.errorDetails?.map((detail) => /^([\d.]+)s$/.exec(String(detail['retryDelay'] ?? ''))?.[1]).find(Boolean);
  // The SDK puts the address, the status and the details around what the provider said.
  const said = /\[\d{3} [^\]]*\] ([\s\S]*)$/.exec(error.message)?.[1] ?? '';
  return { status: error.status, retryAfter: delay, message: said.replace(/ \[\{[\s\S]*$/, '') };
}
