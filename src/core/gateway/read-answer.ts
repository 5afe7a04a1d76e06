/**
 * Reads a provider's answer as it passes by: one JSON document, or the JSON
 * after each `data:` of a stream of server-sent events. Bounded; what cannot be
 * read is left out, for the agent gets the bytes as they are. Pure.
 */

/** Largest line of a stream, and largest JSON document, that is looked at; in characters. */
const MOST_CHARACTERS = 4_000_000;

export interface AnswerReader {
  push(text: string): void;
  /** After the last piece. */
  end(): void;
}

/** @param see gets each JSON object, in order */
export function openAnswerReader(stream: boolean, see: (event: Record<string, unknown>) => void): AnswerReader {
  let held = '';
  let lost = false;
  const offer = (text: string) => {
    const value = parseObject(text);
    if (value) see(value);
  };
  const line = (text: string) => {
    if (text.startsWith('data:')) offer(text.slice('data:'.length).trim());
  };
  return {
    push(text) {
      held += lost && !stream ? '' : text;
      if (stream) {
        const lines = held.split('\n');
        held = lines.pop() ?? '';
        // The rest of a line that was too long is no line.
        for (const one of lines) {
          if (!lost) line(one.trimEnd());
          lost = false;
        }
      }
      if (held.length > MOST_CHARACTERS) {
        held = '';
        lost = true;
      }
    },
    end() {
      if (lost) return;
      if (stream) line(held.trimEnd());
      else offer(held);
    },
  };
}

/** Google answers a stream without `alt=sse` as one array of objects. */
function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const one: unknown = Array.isArray(value) ? value.at(-1) : value;
    return typeof one === 'object' && one !== null && !Array.isArray(one) ? (one as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
