/** What clients ask beside questions: whether somebody is there, which models there are, how many tokens a text has. */
import type { HttpReply } from './protocol.ts';

const MODEL = 'scripted-model';

/** The answer; `undefined` for a path that is nothing of the kind. */
export function answerBeside(method: string, path: string, headers: Readonly<Record<string, unknown>>): HttpReply | undefined {
  const ok = (body: unknown): HttpReply => ({ status: 200, body });
  if (path.endsWith('/messages/count_tokens')) return ok({ input_tokens: 100 });
  if (path.endsWith(':countTokens')) return ok({ totalTokens: 100 });
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const [, one] = /\/models\/([^/:]+)$/.exec(path) ?? [];
  if (one === undefined && !path.endsWith('/models')) return method === 'HEAD' || path === '/' ? ok({}) : undefined;
  const id = one ?? MODEL;
  if (/\/v1(?:beta|alpha)\d*\//.test(path)) {
    const model = { name: `models/${id}`, displayName: id, inputTokenLimit: 1_000_000, supportedGenerationMethods: ['generateContent'] };
    return ok(one === undefined ? { models: [model] } : model);
  }
  if (headers['anthropic-version'] !== undefined) {
    const model = { type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z' };
    return ok(one === undefined ? { data: [model], has_more: false, first_id: id, last_id: id } : model);
  }
  const model = { id, object: 'model', created: 1, owned_by: 'test' };
  return ok(one === undefined ? { object: 'list', data: [model] } : model);
}
