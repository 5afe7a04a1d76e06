/** Models of Google, over `generateContent`. The SDK repeats nothing: the chain decides what comes next. */
import { GoogleGenerativeAI, GoogleGenerativeAIError, GoogleGenerativeAIFetchError } from '@google/generative-ai';
import type { FailedAnswer } from '../gateway/classify.ts';
import { numberAt } from '../untrusted.ts';
import type { ModelAccess, ModelAdapter, ModelReply } from './models.ts';

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
        end: response.promptFeedback?.blockReason === undefined ? endOfGoogle(candidate?.finishReason) : 'refused',
      };
    },
    explain: explainGoogle,
  };
}

/** https://ai.google.dev/api/generate-content#FinishReason */
export function endOfGoogle(reason: string | undefined): ModelReply['end'] {
  if (reason === 'MAX_TOKENS') return 'cut';
  return /^(?:SAFETY|RECITATION|BLOCKLIST|PROHIBITED_CONTENT|SPII|LANGUAGE)$/.test(reason ?? '') ? 'refused' : 'complete';
}

/** What an error of the SDK says; `undefined` for any other. */
export function explainGoogle(error: unknown): FailedAnswer | undefined {
  if (!(error instanceof GoogleGenerativeAIError)) return undefined;
  if (!(error instanceof GoogleGenerativeAIFetchError)) return { headers: {}, error: undefined, text: 'the connection failed' };
  // The SDK puts the address, the status and the details around what the provider said.
  const said = /\[\d{3} [^\]]*\] ([\s\S]*)$/.exec(error.message)?.[1] ?? '';
  const message = said.replace(/ \[\{[\s\S]*$/, '');
  const details = error.errorDetails;
  return {
    ...(error.status !== undefined && { status: error.status }),
    headers: {},
    error: { error: { message, details } },
    text: message,
  };
}
